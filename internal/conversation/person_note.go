package conversation

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// PersonNote is what a member wrote down about a person, for colleagues. It leaves
// with the person.
type PersonNote struct {
	ID   id.ID
	Body string // Markdown
	By   string
	At   time.Time
}

// HTML is the note as it may be shown.
func (n PersonNote) HTML() string { return rendered(n.Body, nil) }

const (
	notesMost = 200 // of one person
)

// NotePerson writes something down about a person.
func (d *Desk) NotePerson(ctx context.Context, a actor.Actor, person id.ID, words string) (id.ID, error) {
	body := strings.TrimSpace(text.Clean(words))
	switch {
	case body == "":
		return 0, problem.New(problem.Invalid, "conversation.empty_note").At("note")
	case utf8.RuneCountInString(body) > longestNote:
		return 0, problem.New(problem.Invalid, "conversation.long_note", "max", longestNote).At("note")
	}
	note := d.ids.New()
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := d.see(ctx, tx, a, actor.Note, person)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into person_note (workspace, id, person, body, member, at) values ($1, $2, $3, $4, $5, $6)`,
			a.Workspace, note, s.one, body, a.Member, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("noting something about a person: %w", err)
		}
		d.about(tx, a, "person.noted", s.one, map[string]string{"note": note.String()})
		return nil
	})
	return note, err
}

// RemovePersonNote takes a note away: nothing of it is kept.
func (d *Desk) RemovePersonNote(ctx context.Context, a actor.Actor, note id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var person id.ID
		err := tx.Row(ctx, `select person from person_note where workspace = $1 and id = $2`, a.Workspace, note).Scan(&person)
		if db.NoRows(err) {
			return problem.New(problem.NotFound, "conversation.no_note")
		}
		if err != nil {
			return fmt.Errorf("reading a note: %w", err)
		}
		s, err := d.see(ctx, tx, a, actor.Note, person)
		if problem.Is(err, "conversation.no_person") {
			return problem.New(problem.NotFound, "conversation.no_note")
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from person_note where workspace = $1 and id = $2`, a.Workspace, note); err != nil {
			return fmt.Errorf("removing a note: %w", err)
		}
		d.about(tx, a, "person.note_removed", s.one, map[string]string{"note": note.String()})
		return nil
	})
}

// notesOf are the notes about a person, newest first.
func notesOf(ctx context.Context, q db.Queryer, workspace id.ID, s somebody) ([]PersonNote, error) {
	in, args := db.In(2, s.persons)
	rows, err := q.Query(ctx, fmt.Sprintf(`select n.id, n.body, m.name, n.at from person_note n
		left join member m on m.workspace = n.workspace and m.id = n.member
		where n.workspace = $1 and n.person %s order by n.id desc limit %d`, in, notesMost), append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading notes about a person: %w", err)
	}
	defer rows.Close()
	var notes []PersonNote
	for rows.Next() {
		var n PersonNote
		var by *string
		if err := rows.Scan(&n.ID, &n.Body, &by, db.ScanTime(&n.At)); err != nil {
			return nil, fmt.Errorf("reading notes about a person: %w", err)
		}
		if by != nil {
			n.By = *by
		}
		notes = append(notes, n)
	}
	return notes, rows.Err()
}

// redactAbout takes somebody who is erased out of what members wrote about others.
func redactAbout(ctx context.Context, tx *db.Tx, e Erased) error {
	for _, in := range []struct{ table, column string }{{"person_note", "body"}, {"person_mark", "reason"}} {
		condition, args := e.candidates(in.column, 2)
		rows, err := tx.Query(ctx, `select id, `+in.column+` from `+in.table+` where workspace = $1 and `+condition, append([]any{e.Workspace}, args...)...)
		if err != nil {
			return fmt.Errorf("looking for notes that name somebody: %w", err)
		}
		changed := map[id.ID]string{}
		for rows.Next() {
			var one id.ID
			var words string
			if err := rows.Scan(&one, &words); err != nil {
				rows.Close()
				return fmt.Errorf("looking for notes that name somebody: %w", err)
			}
			if e.isIn(words) {
				changed[one] = e.Redact(words)
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for one, words := range changed {
			if _, err := tx.Exec(ctx, `update `+in.table+` set `+in.column+` = $1 where workspace = $2 and id = $3`, words, e.Workspace, one); err != nil {
				return fmt.Errorf("taking a name out of a note: %w", err)
			}
		}
	}
	return nil
}
