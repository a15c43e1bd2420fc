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
// sooner. Versions, search entries and attachments go with them. It returns how
// many it removed; call it until that is 0.
func (d *Desk) Sweep(ctx context.Context, a actor.Actor, also ...EraseAlso) (int, error) {
	if a.System == "" {
		return 0, a.Require(actor.ManageWorkspace)
	}
	removed := 0
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		removed = 0
		if err := d.forgetMarks(ctx, tx, a.Workspace); err != nil {
			return err
		}
		over, err := d.overdue(ctx, tx, a.Workspace)
		if err != nil || len(over) == 0 {
			return err
		}
		e := Erased{Workspace: a.Workspace}
		index := d.newIndex(tx, a.Workspace, 0)
		marks, err := d.salted(ctx, tx, a.Workspace)
		if err != nil {
			return err
		}
		for _, m := range over {
			if err := marks.add(ctx, tx, m.source, m.remote, time.Time{}); err != nil {
				return err
			}
			if err := d.emptyConversations(ctx, tx, a.Workspace, m.id); err != nil {
				return err
			}
			if err := d.bin(ctx, tx, a.Workspace, index, m.dead); err != nil {
				return err
			}
			if err := e.add(m.dead); err != nil {
				return err
			}
		}
		for _, fn := range also {
			if err := fn(ctx, tx, a, e); err != nil {
				return err
			}
		}
		removed = len(over)
		d.log.Record(tx, a, event.Entry{Verb: "message.swept", Kind: "workspace", Subject: a.Workspace, Details: map[string]string{"messages": itoa(removed)}})
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("removing what is past its time: %w", err)
	}
	return removed, nil
}

type overdue struct {
	dead
	source id.ID
}

func (d *Desk) overdue(ctx context.Context, tx *db.Tx, workspace id.ID) ([]overdue, error) {
	now := d.clock.Now()
	var days int64
	if err := tx.Row(ctx, `select keep_days from workspace where id = $1`, workspace).Scan(&days); err != nil {
		return nil, err
	}
	before := int64(0)
	if days > 0 {
		before = db.Micros(now.Add(-time.Duration(days) * 24 * time.Hour))
	}
	rows, err := tx.Query(ctx, `select id, source, remote_id, body, media from message
		where workspace = $1 and own = 0 and ((keep_until > 0 and keep_until < $2) or at < $3) limit $4`,
		workspace, db.Micros(now), before, sweepAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var over []overdue
	for rows.Next() {
		var m overdue
		if err := rows.Scan(&m.id, &m.source, &m.remote, &m.body, &m.media); err != nil {
			return nil, err
		}
		over = append(over, m)
	}
	return over, rows.Err()
}

// emptyConversations removes conversations whose last message this is, and
// moves the head of the others that it was the newest of.
func (d *Desk) emptyConversations(ctx context.Context, tx *db.Tx, workspace, message id.ID) error {
	const last = `select conversation from reach r where r.workspace = $1 and r.message = $2
		and not exists (select 1 from reach o where o.workspace = r.workspace and o.conversation = r.conversation and o.message <> r.message)`
	for _, q := range []string{
		`delete from claim where workspace = $1 and conversation in (` + last + `)`,
		`delete from answer where workspace = $1 and conversation in (` + last + `)`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, message); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, last, workspace, message)
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
		for _, q := range []string{`delete from reach where workspace = $1 and conversation = $2`, `delete from conversation where workspace = $1 and id = $2`} {
			if _, err := tx.Exec(ctx, q, workspace, c); err != nil {
				return err
			}
		}
	}
	_, err = tx.Exec(ctx, `update conversation set messages = messages - 1, last_message = coalesce((select max(r.message) from reach r
		where r.workspace = conversation.workspace and r.conversation = conversation.id and r.message <> $2), last_message)
		where workspace = $1 and id in (select conversation from reach where workspace = $1 and message = $2)`, workspace, message)
	return err
}
