package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Erased is what remains to be done outside the tables of this capability.
type Erased struct {
	Workspace     id.ID
	Person        id.ID
	Conversations []id.ID        // deliveries to them hold their name and their words
	Messages      []id.ID        // these are removed
	Pictures      []string       // addresses of pictures of them and by them
	persons       []id.ID        // whom members said to be this one
	names         []name         // what they are known by anywhere
	called        []name         // and by whom they spoke with: also a name that is a common word
	threads       map[id.ID]bool // where they spoke
	words         []string       // what to look for
}

// EraseAlso erases what other capabilities keep of somebody, in the same transaction.
type EraseAlso func(ctx context.Context, tx *db.Tx, a actor.Actor, e Erased) error

// Erase removes everything somebody outside said, every version of it, who they
// are, and their name from what we and others said to them, and from where it
// stands. What they said until now cannot come back by a poll or an import,
// whether or not it had reached us. The log keeps that something happened, never
// what, and still verifies.
//
// On the disk the words are gone once the caller has scrubbed the database
// (db.Scrub), which rewrites it; backups made before keep them.
func (d *Desk) Erase(ctx context.Context, a actor.Actor, person id.ID, also ...EraseAlso) error {
	if err := a.Require(actor.ErasePerson); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockSources(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if err := lockJoins(ctx, tx, a.Workspace); err != nil {
			return err
		}
		s, err := whoIs(ctx, tx, a.Workspace, person)
		if err != nil {
			return err
		}
		e, sources, err := d.whatToErase(ctx, tx, a.Workspace, s)
		if err != nil {
			return err
		}
		if err := d.eraseMessages(ctx, tx, a.Workspace, &e, sources); err != nil {
			return err
		}
		if err := d.eraseConversations(ctx, tx, a.Workspace, &e); err != nil {
			return err
		}
		if err := d.redactOthers(ctx, tx, e); err != nil {
			return err
		}
		for _, fn := range also {
			if err := fn(ctx, tx, a, e); err != nil {
				return err
			}
		}
		if err := forgetPersons(ctx, tx, a.Workspace, s.persons); err != nil {
			return err
		}
		for _, p := range s.persons {
			if err := event.Erase(ctx, tx, a.Workspace, p); err != nil {
				return err
			}
		}
		d.log.Record(tx, a, event.Entry{Verb: "person.erased", Kind: "person", Subject: s.one})
		return nil
	})
}

// forgetPersons removes the rows of persons, and what members said about them.
func forgetPersons(ctx context.Context, tx *db.Tx, workspace id.ID, persons []id.ID) error {
	in, args := db.In(2, persons)
	for _, q := range []string{
		`delete from person_join where workspace = $1 and (person ` + in + ` or other ` + in + `)`,
		`delete from person_mark where workspace = $1 and person ` + in,
		`delete from person_note where workspace = $1 and person ` + in,
		`delete from identity where workspace = $1 and person ` + in,
		`delete from person where workspace = $1 and id ` + in,
	} {
		if _, err := tx.Exec(ctx, q, append([]any{workspace}, args...)...); err != nil {
			return fmt.Errorf("erasing a person: %w", err)
		}
	}
	return nil
}

// PersonOf finds the person behind a conversation.
func (d *Desk) PersonOf(ctx context.Context, a actor.Actor, conversation id.ID) (id.ID, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return 0, err
	}
	p, err := d.identity(ctx, a.Workspace, h.Identity)
	return p.Person, err
}

// authored is an identity being erased, with its network.
type authored struct {
	identity, source id.ID
	remote           string
}

func (d *Desk) whatToErase(ctx context.Context, tx *db.Tx, workspace id.ID, s somebody) (Erased, []authored, error) {
	e := Erased{Workspace: workspace, Person: s.one, persons: s.persons, threads: map[id.ID]bool{}}
	in, args := db.In(2, s.persons)
	rows, err := tx.Query(ctx, `select id, source, remote_id, handle, name, url, avatar from identity where workspace = $1 and person `+in,
		append([]any{workspace}, args...)...)
	if err != nil {
		return e, nil, fmt.Errorf("reading who is erased: %w", err)
	}
	defer rows.Close()
	var ids []authored
	var words, common []string
	for rows.Next() {
		var i authored
		var handle, name, url, avatar string
		if err := rows.Scan(&i.identity, &i.source, &i.remote, &handle, &name, &url, &avatar); err != nil {
			return e, nil, fmt.Errorf("reading who is erased: %w", err)
		}
		ids = append(ids, i)
		if avatar != "" {
			e.Pictures = append(e.Pictures, avatar)
		}
		local, _, _ := strings.Cut(handle, "@")
		words = append(words, handle, url)
		if !number(i.remote) {
			words = append(words, i.remote)
		}
		if strings.ContainsAny(strings.TrimSpace(name), " @") {
			words = append(words, name)
		} else {
			common = append(common, name)
		}
		if local != "" {
			words = append(words, "@"+local)
		}
	}
	if len(ids) == 0 {
		return e, nil, problem.New(problem.NotFound, "conversation.no_person")
	}
	all := append(slices.Clone(words), common...)
	e.names, e.called, e.words = known(words), known(all), shortest(all)
	return e, ids, rows.Err()
}

// number reports an id that might as well be a year or a price.
func number(remote string) bool { return strings.Trim(remote, "0123456789") == "" }

// shortest leaves out what has another of the words in it: where that stands, this does.
func shortest(words []string) []string {
	var out []string
	for i, w := range words {
		if len(w) < 3 || slices.ContainsFunc(words, func(o string) bool {
			return len(o) >= 3 && len(o) < len(w) && strings.Contains(strings.ToLower(w), strings.ToLower(o))
		}) || slices.Contains(words[:i], w) {
			continue
		}
		out = append(out, w)
	}
	return out
}

func (d *Desk) eraseMessages(ctx context.Context, tx *db.Tx, workspace id.ID, e *Erased, by []authored) error {
	marks, err := d.salted(ctx, tx, workspace)
	if err != nil {
		return err
	}
	for _, i := range by {
		if err := marks.silence(ctx, tx, i.source, i.remote, d.clock.Now()); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select id, remote_id, body, media, thread from message where workspace = $1 and author = $2`, workspace, i.identity)
		if err != nil {
			return fmt.Errorf("reading what is erased: %w", err)
		}
		index := d.newIndex(tx, workspace, 0)
		var said []dead
		for rows.Next() {
			var m dead
			var thread id.ID
			if err := rows.Scan(&m.id, &m.remote, &m.body, &m.media, &thread); err != nil {
				rows.Close()
				return fmt.Errorf("reading what is erased: %w", err)
			}
			said = append(said, m)
			e.threads[thread] = true
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, m := range said {
			if err := e.add(m); err != nil {
				return err
			}
			if err := d.bin(ctx, tx, workspace, index, m); err != nil {
				return err
			}
			if err := marks.add(ctx, tx, i.source, m.remote, time.Time{}); err != nil {
				return err
			}
			// The remote id may hold their name; replies to it need only know that it is gone.
			for _, q := range []string{
				orphaned,
				unquoted,
				`update thread set root = 'erased ' || cast(id as text) where workspace = $1 and source = $2 and root = $3`,
			} {
				if _, err := tx.Exec(ctx, q, workspace, i.source, m.remote); err != nil {
					return fmt.Errorf("erasing where a message stood: %w", err)
				}
			}
		}
	}
	return nil
}

// erasedParent is what an answer to somebody who was erased stands below.
const erasedParent = "erased"

// The last words are those of the indexes, which leave out most messages.
const (
	orphaned = `update message set parent = '` + erasedParent + `' where workspace = $1 and source = $2 and parent = $3 and parent <> ''`
	unquoted = `update message set quote = '' where workspace = $1 and source = $2 and quote = $3 and quote <> ''`
)

// dead is a message that is being removed.
type dead struct {
	id     id.ID
	remote string
	body   string
	media  string
}

// add notes what else hangs on a message.
func (e *Erased) add(m dead) error {
	media, err := decode[network.Media](m.media)
	if err != nil {
		return fmt.Errorf("reading the attachments of a message: %w", err)
	}
	e.Messages = append(e.Messages, m.id)
	for _, one := range media {
		if one.URL != "" {
			e.Pictures = append(e.Pictures, one.URL)
		}
	}
	return nil
}

// bin removes a message and everything that hangs on it.
func (d *Desk) bin(ctx context.Context, tx *db.Tx, workspace id.ID, x *index, m dead) error {
	if err := x.remove(ctx, m.id, m.body); err != nil {
		return fmt.Errorf("taking a message out of the search: %w", err)
	}
	for _, q := range []string{
		`delete from message_version where workspace = $1 and message = $2`,
		`delete from reach where workspace = $1 and message = $2`,
		`delete from message where workspace = $1 and id = $2`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, m.id); err != nil {
			return fmt.Errorf("removing a message: %w", err)
		}
	}
	return nil
}

func (d *Desk) eraseConversations(ctx context.Context, tx *db.Tx, workspace id.ID, e *Erased) error {
	in, args := db.In(2, e.persons)
	rows, err := tx.Query(ctx, `select c.id from conversation c join identity i on i.workspace = c.workspace and i.id = c.identity
		where c.workspace = $1 and i.person `+in, append([]any{workspace}, args...)...)
	if err != nil {
		return fmt.Errorf("reading the conversations of somebody: %w", err)
	}
	for rows.Next() {
		var c id.ID
		if err := rows.Scan(&c); err != nil {
			rows.Close()
			return fmt.Errorf("reading the conversations of somebody: %w", err)
		}
		e.Conversations = append(e.Conversations, c)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, c := range e.Conversations {
		if err := forgetBeside(ctx, tx, workspace, c); err != nil {
			return err
		}
		for _, q := range []string{
			`delete from reach where workspace = $1 and conversation = $2`,
			`delete from claim where workspace = $1 and conversation = $2`,
			`delete from labelling where workspace = $1 and conversation = $2`,
			`delete from snooze where workspace = $1 and conversation = $2`,
			`delete from answer where workspace = $1 and conversation = $2`,
			`delete from response where workspace = $1 and conversation = $2`,
			`delete from urgent where workspace = $1 and conversation = $2`,
			`delete from conversation where workspace = $1 and id = $2`,
		} {
			if _, err := tx.Exec(ctx, q, workspace, c); err != nil {
				return fmt.Errorf("removing a conversation: %w", err)
			}
		}
	}
	return nil
}
