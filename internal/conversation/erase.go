package conversation

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Erased is what remains to be done outside the tables of this capability.
type Erased struct {
	Workspace     id.ID
	Person        id.ID
	Conversations []id.ID  // deliveries to them hold their name and their words
	Messages      []id.ID  // these are removed
	Pictures      []string // addresses of pictures of them and by them
	Names         []string
	names         *regexp.Regexp
}

// Redact takes the names out of a text that stays because others need it.
func (e Erased) Redact(s string) string {
	if e.names == nil {
		return s
	}
	return e.names.ReplaceAllString(s, gap)
}

// gap stands where a name was.
const gap = "[…]"

// EraseAlso erases what other capabilities keep of somebody, in the same transaction.
type EraseAlso func(ctx context.Context, tx *db.Tx, a actor.Actor, e Erased) error

// Erase removes everything somebody outside said, every version of it, who they
// are, and their name from what we and others said to them. What they said
// cannot come back by a poll or an import. The log keeps that something happened,
// never what, and still verifies.
//
// On the disk the words are gone once the caller has scrubbed the database
// (db.Scrub), which rewrites it; backups made before keep them.
func (d *Desk) Erase(ctx context.Context, a actor.Actor, person id.ID, also ...EraseAlso) error {
	if err := a.Require(actor.ErasePerson); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		e, sources, err := d.whatToErase(ctx, tx, a.Workspace, person)
		if err != nil {
			return err
		}
		if err := d.eraseMessages(ctx, tx, a.Workspace, &e, sources); err != nil {
			return err
		}
		if err := d.eraseConversations(ctx, tx, a.Workspace, &e); err != nil {
			return err
		}
		if err := d.redactOthers(ctx, tx, a.Workspace, e); err != nil {
			return err
		}
		for _, fn := range also {
			if err := fn(ctx, tx, a, e); err != nil {
				return err
			}
		}
		for _, q := range []string{
			`delete from identity where workspace = $1 and person = $2`,
			`delete from person where workspace = $1 and id = $2`,
		} {
			if _, err := tx.Exec(ctx, q, a.Workspace, person); err != nil {
				return fmt.Errorf("erasing a person: %w", err)
			}
		}
		if err := event.Erase(ctx, tx, a.Workspace, person); err != nil {
			return err
		}
		d.log.Record(tx, a, event.Entry{Verb: "person.erased", Kind: "person", Subject: person})
		return nil
	})
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

func (d *Desk) whatToErase(ctx context.Context, tx *db.Tx, workspace, person id.ID) (Erased, []authored, error) {
	e := Erased{Workspace: workspace, Person: person}
	rows, err := tx.Query(ctx, `select id, source, remote_id, handle, name, url, avatar from identity where workspace = $1 and person = $2`, workspace, person)
	if err != nil {
		return e, nil, fmt.Errorf("reading who is erased: %w", err)
	}
	defer rows.Close()
	var ids []authored
	var words []string
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
		words = append(words, i.remote, handle, name, url)
		e.Names = append(e.Names, handle, local, name)
		if local != "" {
			words = append(words, "@"+local)
		}
	}
	if len(ids) == 0 {
		return e, nil, problem.New(problem.NotFound, "conversation.no_person")
	}
	e.names = pattern(words)
	return e, ids, rows.Err()
}

// pattern matches any of the words, the longest first, whatever their case.
func pattern(words []string) *regexp.Regexp {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < 3 })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	if len(words) == 0 {
		return nil
	}
	return regexp.MustCompile(`(?i)` + strings.Join(words, "|"))
}

func (d *Desk) eraseMessages(ctx context.Context, tx *db.Tx, workspace id.ID, e *Erased, by []authored) error {
	marks, err := d.salted(ctx, tx, workspace)
	if err != nil {
		return err
	}
	for _, i := range by {
		rows, err := tx.Query(ctx, `select id, remote_id, body, media from message where workspace = $1 and author = $2`, workspace, i.identity)
		if err != nil {
			return fmt.Errorf("reading what is erased: %w", err)
		}
		index := d.newIndex(tx, workspace, 0)
		var said []dead
		for rows.Next() {
			var m dead
			if err := rows.Scan(&m.id, &m.remote, &m.body, &m.media); err != nil {
				rows.Close()
				return fmt.Errorf("reading what is erased: %w", err)
			}
			said = append(said, m)
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
				`update message set parent = 'erased' where workspace = $1 and source = $2 and parent = $3`,
				`update message set quote = '' where workspace = $1 and source = $2 and quote = $3`,
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
	rows, err := tx.Query(ctx, `select c.id from conversation c join identity i on i.workspace = c.workspace and i.id = c.identity
		where c.workspace = $1 and i.person = $2`, workspace, e.Person)
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
		for _, q := range []string{
			`delete from reach where workspace = $1 and conversation = $2`,
			`delete from claim where workspace = $1 and conversation = $2`,
			`delete from answer where workspace = $1 and conversation = $2`,
			`delete from conversation where workspace = $1 and id = $2`,
		} {
			if _, err := tx.Exec(ctx, q, workspace, c); err != nil {
				return fmt.Errorf("removing a conversation: %w", err)
			}
		}
	}
	return nil
}

// redactOthers takes the names out of what others and we said. The search index
// finds where a name stands, so the cost follows how often they were named.
func (d *Desk) redactOthers(ctx context.Context, tx *db.Tx, workspace id.ID, e Erased) error {
	seen := map[id.ID]bool{}
	for _, name := range e.Names {
		words := text.Tokens(name)
		if len(words) == 0 {
			continue
		}
		hits, err := d.find(ctx, tx, workspace, words, 1_000_000)
		if err != nil {
			return err
		}
		for _, m := range hits {
			if seen[m] {
				continue
			}
			seen[m] = true
			if err := d.redactMessage(ctx, tx, workspace, m, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Desk) redactMessage(ctx context.Context, tx *db.Tx, workspace, message id.ID, e Erased) error {
	var body, spans, warning, media, url string
	err := tx.Row(ctx, `select body, spans, warning, media, url from message where workspace = $1 and id = $2`, workspace, message).Scan(&body, &spans, &warning, &media, &url)
	if db.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading where somebody is named: %w", err)
	}
	if e.names == nil || !e.names.MatchString(body+"\n"+spans+"\n"+warning+"\n"+media) {
		return nil
	}
	index := d.newIndex(tx, workspace, 1)
	if err := index.remove(ctx, message, body); err != nil {
		return fmt.Errorf("taking a name out of the search: %w", err)
	}
	// Offsets move and targets name them: the spans go, the words stay.
	if _, err := tx.Exec(ctx, `update message set body = $1, spans = '', warning = $2, media = $3 where workspace = $4 and id = $5`,
		e.Redact(body), e.Redact(warning), e.Redact(media), workspace, message); err != nil {
		return fmt.Errorf("taking a name out of a message: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from message_version where workspace = $1 and message = $2`, workspace, message); err != nil {
		return fmt.Errorf("taking a name out of a message: %w", err)
	}
	index.add(message, e.Redact(body))
	return index.flush(ctx)
}
