package conversation

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Note is what a member wrote for colleagues beside a conversation. Nothing that
// is sent ever reads it.
type Note struct {
	ID           id.ID
	Conversation id.ID
	Member       id.ID
	By           string // who wrote it
	Body         string // Markdown; a colleague stands in it as <@id>
	At           time.Time
	Edited       time.Time
	Mentions     []id.ID
	Names        map[id.ID]string // of those who are mentioned
}

// Written is the note as its writer typed it.
func (n Note) Written() string { return written(n.Body, n.Names) }

// HTML is the note as it may be shown.
func (n Note) HTML() string { return rendered(n.Body, n.Names) }

// NoteIn is what somebody writes: @Name, or <@id>, mentions a colleague. Chosen
// says who is meant where several have the same name.
type NoteIn struct {
	Text   string
	Chosen []id.ID
}

// longestNote is in characters.
const longestNote = 10_000

// AddNote keeps a note in a conversation.
func (d *Desk) AddNote(ctx context.Context, a actor.Actor, conversation id.ID, in NoteIn) (id.ID, error) {
	var note id.ID
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Note, conversation)
		if err != nil {
			return err
		}
		note, err = d.addNote(ctx, tx, a, h, in)
		return err
	})
	return note, err
}

// addNote inside a transaction that has loaded h and authorised.
func (d *Desk) addNote(ctx context.Context, tx *db.Tx, a actor.Actor, h head, in NoteIn) (id.ID, error) {
	body, mentioned, err := d.cleanNote(ctx, tx, a, h, in)
	if err != nil {
		return 0, err
	}
	note := d.ids.New()
	if _, err := tx.Exec(ctx, `insert into note (workspace, id, conversation, member, body, at, edited, deleted, deleted_by)
		values ($1, $2, $3, $4, $5, $6, 0, 0, 0)`, a.Workspace, note, h.ID, a.Member, body, db.Micros(d.clock.Now())); err != nil {
		return 0, fmt.Errorf("keeping a note: %w", err)
	}
	d.recordNote(tx, a, "note.added", note, h)
	return note, d.mention(ctx, tx, a, h, note, mentioned)
}

// cleanNote refuses what is no note, and whom it cannot speak to.
func (d *Desk) cleanNote(ctx context.Context, tx *db.Tx, a actor.Actor, h head, in NoteIn) (string, []id.ID, error) {
	said := strings.TrimSpace(text.Clean(in.Text))
	if said == "" {
		return "", nil, problem.New(problem.Invalid, "conversation.empty_note").At("note")
	}
	if utf8.RuneCountInString(said) > longestNote {
		return "", nil, problem.New(problem.Invalid, "conversation.long_note", "max", longestNote).At("note")
	}
	all, err := d.colleagues(ctx, tx, a.Workspace)
	if err != nil {
		return "", nil, err
	}
	body, members := addressed(said, byName(all, in.Chosen))
	for _, m := range members {
		switch c := found(all, m); {
		case c == nil:
			return "", nil, problem.New(problem.Invalid, "conversation.no_colleague").At("note")
		case !c.Actor.Can(actor.ReadConversations, scope(h.Account)):
			return "", nil, problem.New(problem.Invalid, "conversation.cannot_read", "name", c.Actor.Name).At("note")
		}
	}
	return body, members, nil
}

// mention stores who is mentioned, and tells who was not before.
func (d *Desk) mention(ctx context.Context, tx *db.Tx, a actor.Actor, h head, note id.ID, members []id.ID) error {
	before, err := ids(ctx, tx, `delete from note_mention where workspace = $1 and note = $2 returning member`, a.Workspace, note)
	if err != nil {
		return fmt.Errorf("mentioning colleagues: %w", err)
	}
	told := map[id.ID]bool{a.Member: true}
	for _, m := range before {
		told[m] = true
	}
	rows := db.NewRows(3, len(members))
	for _, m := range members {
		rows.Add(a.Workspace, note, m)
		if !told[m] {
			d.log.Record(tx, a, event.Entry{Verb: "note.mentioned", Kind: "member", Subject: m,
				Details: map[string]string{"note": note.String(), "conversation": h.ID.String(), "account": h.Account.String()}})
		}
	}
	if err := rows.Insert(ctx, tx, `insert into note_mention (workspace, note, member)`, ""); err != nil {
		return fmt.Errorf("mentioning colleagues: %w", err)
	}
	return nil
}

// EditNote changes one's own note. What it said before is kept as a version.
func (d *Desk) EditNote(ctx context.Context, a actor.Actor, note id.ID, in NoteIn) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, was, err := d.ownNote(ctx, tx, a, note)
		if err != nil {
			return err
		}
		body, mentioned, err := d.cleanNote(ctx, tx, a, h, in)
		if err != nil || body == was {
			return err
		}
		now := db.Micros(d.clock.Now())
		if err := d.keepNote(ctx, tx, a.Workspace, note, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update note set body = $1, edited = $2 where workspace = $3 and id = $4`, body, now, a.Workspace, note); err != nil {
			return fmt.Errorf("changing a note: %w", err)
		}
		d.recordNote(tx, a, "note.edited", note, h)
		return d.mention(ctx, tx, a, h, note, mentioned)
	})
}

// DeleteNote takes one's own note away. What it said is kept as a version, for as
// long as the workspace keeps what people said.
func (d *Desk) DeleteNote(ctx context.Context, a actor.Actor, note id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, _, err := d.ownNote(ctx, tx, a, note)
		if err != nil {
			return err
		}
		now := db.Micros(d.clock.Now())
		if err := d.keepNote(ctx, tx, a.Workspace, note, now); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update note set body = '', deleted = $1, deleted_by = $2 where workspace = $3 and id = $4`,
			now, a.Member, a.Workspace, note); err != nil {
			return fmt.Errorf("deleting a note: %w", err)
		}
		if _, err := tx.Exec(ctx, `delete from note_mention where workspace = $1 and note = $2`, a.Workspace, note); err != nil {
			return fmt.Errorf("deleting a note: %w", err)
		}
		d.recordNote(tx, a, "note.deleted", note, h)
		return nil
	})
}

// keepNote stores what a note says now as a version that ends at until.
func (d *Desk) keepNote(ctx context.Context, tx *db.Tx, workspace, note id.ID, until int64) error {
	const q = `insert into note_version (workspace, id, note, body, at, until)
		select workspace, $1, id, body, case when edited > 0 then edited else at end, $2 from note where workspace = $3 and id = $4`
	if _, err := tx.Exec(ctx, q, d.ids.New(), until, workspace, note); err != nil {
		return fmt.Errorf("keeping what a note said: %w", err)
	}
	return nil
}

// ownNote finds a note that the actor wrote, with its conversation.
func (d *Desk) ownNote(ctx context.Context, tx *db.Tx, a actor.Actor, note id.ID) (h head, body string, err error) {
	gone := problem.New(problem.NotFound, "conversation.no_note")
	var conversation, member id.ID
	err = tx.Row(ctx, `select conversation, member, body from note where workspace = $1 and id = $2 and deleted = 0`, a.Workspace, note).
		Scan(&conversation, &member, &body)
	if db.NoRows(err) {
		return h, "", gone
	}
	if err != nil {
		return h, "", fmt.Errorf("reading a note: %w", err)
	}
	if h, err = d.load(ctx, tx, a, actor.Note, conversation); problem.Is(err, "conversation.not_found") {
		return h, "", gone
	}
	if err == nil && member != a.Member {
		err = problem.New(problem.Forbidden, "conversation.others_note")
	}
	return h, body, err
}

func (d *Desk) recordNote(tx *db.Tx, a actor.Actor, verb string, note id.ID, h head) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "conversation", Subject: h.ID,
		Details: map[string]string{"note": note.String(), "account": h.Account.String()}})
}

// Notes reads what colleagues wrote in a conversation, oldest first.
func (d *Desk) Notes(ctx context.Context, a actor.Actor, conversation id.ID) ([]Note, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return nil, err
	}
	rows, err := d.db.Read().Query(ctx, `select n.id, n.member, m.name, n.body, n.at, n.edited from note n
		join member m on m.workspace = n.workspace and m.id = n.member
		where n.workspace = $1 and n.conversation = $2 and n.deleted = 0 order by n.at, n.id`, a.Workspace, h.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the notes: %w", err)
	}
	defer rows.Close()
	var notes []Note
	for rows.Next() {
		n := Note{Conversation: h.ID}
		if err := rows.Scan(&n.ID, &n.Member, &n.By, &n.Body, db.ScanTime(&n.At), db.ScanTime(&n.Edited)); err != nil {
			return nil, fmt.Errorf("reading a note: %w", err)
		}
		notes = append(notes, n)
	}
	if err := rows.Close(); err != nil {
		return nil, fmt.Errorf("reading the notes: %w", err)
	}
	return notes, d.nameMentioned(ctx, a.Workspace, h.ID, notes)
}

// nameMentioned adds who is mentioned, by their present names.
func (d *Desk) nameMentioned(ctx context.Context, workspace, conversation id.ID, notes []Note) error {
	if len(notes) == 0 {
		return nil
	}
	rows, err := d.db.Read().Query(ctx, `select n.id, m.id, m.name from note n
		join note_mention x on x.workspace = n.workspace and x.note = n.id
		join member m on m.workspace = x.workspace and m.id = x.member
		where n.workspace = $1 and n.conversation = $2 order by m.id`, workspace, conversation)
	if err != nil {
		return fmt.Errorf("reading who is mentioned: %w", err)
	}
	defer rows.Close()
	at := map[id.ID]*Note{}
	for i := range notes {
		notes[i].Names = map[id.ID]string{}
		at[notes[i].ID] = &notes[i]
	}
	for rows.Next() {
		var note, member id.ID
		var name string
		if err := rows.Scan(&note, &member, &name); err != nil {
			return fmt.Errorf("reading who is mentioned: %w", err)
		}
		if n := at[note]; n != nil {
			n.Mentions = append(n.Mentions, member)
			n.Names[member] = name
		}
	}
	return rows.Err()
}
