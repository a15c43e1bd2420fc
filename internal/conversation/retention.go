package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// sweepAtOnce bounds a transaction of the sweeper, so that arriving messages
// never wait long behind it.
const sweepAtOnce = 200

// Sweep removes messages of outside people whose time is over: the network's
// own duty (keep_until) or the workspace's rule (keep_days), whichever is
// sooner. Versions, search entries and attachments go with them, and who has
// nothing left here goes too. It returns how many messages it removed; call it
// until that is 0.
func (d *Desk) Sweep(ctx context.Context, a actor.Actor, also ...EraseAlso) (int, error) {
	if a.System == "" {
		return 0, a.Require(actor.ManageWorkspace)
	}
	removed := 0
	err := d.unlessClean(ctx, a.Workspace, func(ctx context.Context, tx *db.Tx, left []id.ID) error {
		removed = 0
		if err := d.forgetMarks(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if err := d.forgetVersions(ctx, tx, a.Workspace); err != nil {
			return err
		}
		over, err := d.overdue(ctx, tx, a.Workspace, sweepAtOnce)
		if err != nil || len(over)+len(left) == 0 {
			return err
		}
		e := Erased{Workspace: a.Workspace}
		if err := d.sweep(ctx, tx, over, left, &e); err != nil {
			return err
		}
		for _, fn := range also {
			if err := fn(ctx, tx, a, e); err != nil {
				return err
			}
		}
		if removed = len(over); removed == 0 {
			return nil
		}
		d.log.Record(tx, a, event.Entry{Verb: "message.swept", Kind: "workspace", Subject: a.Workspace, Details: map[string]string{"messages": itoa(removed)}})
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("removing what is past its time: %w", err)
	}
	return removed, nil
}

// unlessClean begins the transaction only if there is anything to remove: most
// sweeps find nothing, and reading does not disturb the writer. left are people
// whom earlier sweeps left behind.
func (d *Desk) unlessClean(ctx context.Context, workspace id.ID, fn func(ctx context.Context, tx *db.Tx, left []id.ID) error) error {
	over, err := d.overdue(ctx, d.db.Read(), workspace, 1)
	if err != nil {
		return err
	}
	old, err := d.anyOldMark(ctx, workspace)
	if err != nil {
		return err
	}
	said, err := d.anyOldVersion(ctx, workspace)
	if err != nil {
		return err
	}
	left, err := ids(ctx, d.db.Read(), `select id from identity where workspace = $1 and `+nothingLeft+` limit $2`, workspace, sweepAtOnce)
	if err != nil || len(over)+len(left) == 0 && !old && !said {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return fn(ctx, tx, left) })
}

// nothingLeft holds for identities of whom there is no message and no conversation,
// unless they asked to be left alone: that can only be kept by whoever remembers it.
const nothingLeft = `not exists (select 1 from person p join person o on o.workspace = p.workspace and o.one = p.one
		join person_mark k on k.workspace = o.workspace and k.person = o.id and k.kind = 'alone' and k.ended = 0
		where p.workspace = identity.workspace and p.id = identity.person)
	and not exists (select 1 from message m where m.workspace = identity.workspace and m.author = identity.id)
	and not exists (select 1 from conversation c where c.workspace = identity.workspace and c.identity = identity.id)`

// sweep removes messages, and forgets their authors and who was left behind as far
// as nothing else is known of them.
func (d *Desk) sweep(ctx context.Context, tx *db.Tx, over []overdue, people []id.ID, e *Erased) error {
	if err := lockSources(ctx, tx, e.Workspace); err != nil {
		return err
	}
	index := d.newIndex(tx, e.Workspace, 0)
	marks, err := d.salted(ctx, tx, e.Workspace)
	if err != nil {
		return err
	}
	for _, m := range over {
		if err := marks.add(ctx, tx, m.source, m.remote, time.Time{}); err != nil {
			return err
		}
		if err := d.emptyConversations(ctx, tx, e.Workspace, m.id); err != nil {
			return err
		}
		if err := d.bin(ctx, tx, e.Workspace, index, m.dead); err != nil {
			return err
		}
		if err := e.add(m.dead); err != nil {
			return err
		}
		people = append(people, m.author)
	}
	return forgetPeople(ctx, tx, people, e)
}

// forgetPeople removes those of whom no message and no conversation is left.
func forgetPeople(ctx context.Context, tx *db.Tx, identities []id.ID, e *Erased) error {
	in, args := db.In(2, identities)
	rows, err := tx.Query(ctx, `delete from identity where workspace = $1 and id `+in+` and `+nothingLeft+`
		returning person, avatar`, append([]any{e.Workspace}, args...)...)
	if err != nil {
		return fmt.Errorf("forgetting who has nothing left here: %w", err)
	}
	defer rows.Close()
	var persons []id.ID
	for rows.Next() {
		var person id.ID
		var avatar string
		if err := rows.Scan(&person, &avatar); err != nil {
			return fmt.Errorf("forgetting who has nothing left here: %w", err)
		}
		persons = append(persons, person)
		if avatar != "" {
			e.Pictures = append(e.Pictures, avatar)
		}
	}
	if err := rows.Close(); err != nil || len(persons) == 0 {
		return err
	}
	in, args = db.In(2, persons)
	gone, err := ids(ctx, tx, nobodyLeft+in, append([]any{e.Workspace}, args...)...)
	if err != nil || len(gone) == 0 {
		return err
	}
	return forgetPersons(ctx, tx, e.Workspace, gone)
}

// nobodyLeft are those who were said to be one with one of these persons, if no
// identity is left of any of them.
const nobodyLeft = `select p.id from person q cross join person p where q.workspace = $1 and p.workspace = q.workspace and p.one = q.one
	and not exists (select 1 from person o join identity i on i.workspace = o.workspace and i.person = o.id where o.workspace = q.workspace and o.one = q.one)
	and q.id `

type overdue struct {
	dead
	source, author id.ID
}

// What is over by the network's duty, and by the workspace's rule: two
// statements, because one with "or" would read every message there is. The plus
// keeps SQLite, which counts a whole workspace for a few rows, from the indexes
// that begin with it.
const (
	overKept = `select id, source, author, remote_id, body, media from message
		where +workspace = $1 and own = 0 and keep_until > 0 and keep_until < $2 limit $3`
	overAged = `select id, source, author, remote_id, body, media from message
		where workspace = $1 and own = 0 and at < $2 limit $3`
)

// overdue lists up to n messages whose time is over.
func (d *Desk) overdue(ctx context.Context, q db.Queryer, workspace id.ID, n int) ([]overdue, error) {
	now := d.clock.Now()
	over, err := listOverdue(ctx, q, overKept, workspace, db.Micros(now), n)
	if err != nil || len(over) > 0 {
		return over, err
	}
	var days int64
	if err := q.Row(ctx, `select keep_days from workspace where id = $1`, workspace).Scan(&days); err != nil || days == 0 {
		return nil, err
	}
	return listOverdue(ctx, q, overAged, workspace, db.Micros(now.Add(-time.Duration(days)*24*time.Hour)), n)
}

func listOverdue(ctx context.Context, q db.Queryer, query string, args ...any) ([]overdue, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var over []overdue
	for rows.Next() {
		var m overdue
		if err := rows.Scan(&m.id, &m.source, &m.author, &m.remote, &m.body, &m.media); err != nil {
			return nil, err
		}
		over = append(over, m)
	}
	return over, rows.Err()
}

// emptyConversations removes conversations whose last message this is, and
// moves the head of the others that it was the newest of.
func (d *Desk) emptyConversations(ctx context.Context, tx *db.Tx, workspace, message id.ID) error {
	for _, q := range []string{
		`delete from claim where workspace = $1 and conversation in (` + onlyIn + `)`,
		`delete from labelling where workspace = $1 and conversation in (` + onlyIn + `)`,
		`delete from snooze where workspace = $1 and conversation in (` + onlyIn + `)`,
		`delete from answer where workspace = $1 and conversation in (` + onlyIn + `)`,
		`delete from response where workspace = $1 and conversation in (` + onlyIn + `)`,
		`delete from urgent where workspace = $1 and conversation in (` + onlyIn + `)`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, message); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, onlyIn, workspace, message)
	if err != nil {
		return err
	}
	var empty []id.ID
	for rows.Next() {
		var c id.ID
		if err := rows.Scan(&c); err != nil {
			rows.Close()
			return err
		}
		empty = append(empty, c)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, c := range empty {
		if err := forgetBeside(ctx, tx, workspace, c); err != nil {
			return err
		}
		for _, q := range []string{`delete from reach where workspace = $1 and conversation = $2`, `delete from conversation where workspace = $1 and id = $2`} {
			if _, err := tx.Exec(ctx, q, workspace, c); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(ctx, headWithout, workspace, message)
	return err
}

// The look at gone keeps SQLite from an index that holds everything else which is
// asked for, but would be read from one end of the workspace to the other.
const (
	// onlyIn are the conversations of which a message is all there is.
	onlyIn = `select r.conversation from reach r where r.workspace = $1 and r.message = $2 and r.gone >= 0
		and not exists (select 1 from reach o where o.workspace = r.workspace and o.conversation = r.conversation and o.message <> r.message)`
	// headWithout moves the heads of the conversations that a message leaves.
	headWithout = `update conversation set messages = messages - 1, last_message = coalesce((select max(r.message) from reach r
		where r.workspace = conversation.workspace and r.conversation = conversation.id and r.message <> $2), last_message)
		where workspace = $1 and id in (select r.conversation from reach r where r.workspace = $1 and r.message = $2 and r.gone >= 0)`
)
