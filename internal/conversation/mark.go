package conversation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// MarkKind is what somebody is to us.
type MarkKind string

const (
	Press     MarkKind = "press"
	Official  MarkKind = "official"
	Neighbour MarkKind = "neighbour"
	Friend    MarkKind = "friend"
	Alone     MarkKind = "alone" // asked to be left alone
)

// MarkKinds in the order they are shown.
var MarkKinds = []MarkKind{Press, Official, Neighbour, Friend, Alone}

// Mark says what somebody is to us: who says so, since when, and why.
type Mark struct {
	Kind   MarkKind
	Reason string
	By     string // the member's name
	At     time.Time
}

const reasonMax = 500 // bytes

// Mark marks a person. Saying again what is said already changes nothing.
func (d *Desk) Mark(ctx context.Context, a actor.Actor, person id.ID, kind MarkKind, reason string) error {
	if !slices.Contains(MarkKinds, kind) {
		return problem.New(problem.Invalid, "conversation.no_mark").At("mark")
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := d.see(ctx, tx, a, actor.Claim, person)
		if err != nil {
			return err
		}
		if err := lockPerson(ctx, tx, a.Workspace, s); err != nil {
			return err
		}
		open, err := openMarks(ctx, tx, a.Workspace, s, kind)
		if err != nil || len(open) > 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into person_mark (workspace, id, person, kind, reason, member, at, ended, ended_by)
			values ($1, $2, $3, $4, $5, $6, $7, 0, 0)`, a.Workspace, d.ids.New(), s.one, string(kind), text.CleanLine(reason, reasonMax),
			a.Member, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("marking a person: %w", err)
		}
		d.about(tx, a, "person.marked", s.one, map[string]string{"mark": string(kind)})
		return nil
	})
}

// Unmark takes a mark back. The record stays until the person is erased.
func (d *Desk) Unmark(ctx context.Context, a actor.Actor, person id.ID, kind MarkKind) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		s, err := d.see(ctx, tx, a, actor.Claim, person)
		if err != nil {
			return err
		}
		open, err := openMarks(ctx, tx, a.Workspace, s, kind)
		if err != nil || len(open) == 0 {
			return err
		}
		in, args := db.In(4, open)
		if _, err := tx.Exec(ctx, `update person_mark set ended = $1, ended_by = $2 where workspace = $3 and id `+in,
			append([]any{db.Micros(d.clock.Now()), a.Member, a.Workspace}, args...)...); err != nil {
			return fmt.Errorf("taking a mark back: %w", err)
		}
		d.about(tx, a, "person.unmarked", s.one, map[string]string{"mark": string(kind)})
		return nil
	})
}

// lockPerson lets two members who change somebody at once do so one after the
// other. SQLite has one writer.
func lockPerson(ctx context.Context, tx *db.Tx, workspace id.ID, s somebody) error {
	if tx.Dialect() == db.SQLite {
		return nil
	}
	_, err := tx.Exec(ctx, `select id from person where workspace = $1 and id = $2 for update`, workspace, s.one)
	return err
}

func openMarks(ctx context.Context, q db.Queryer, workspace id.ID, s somebody, kind MarkKind) ([]id.ID, error) {
	in, args := db.In(3, s.persons)
	open, err := ids(ctx, q, `select id from person_mark where workspace = $1 and kind = $2 and ended = 0 and person `+in,
		append([]any{workspace, string(kind)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading somebody's marks: %w", err)
	}
	return open, nil
}

// marksOf are the marks of a person, each kind once, the oldest of it.
func marksOf(ctx context.Context, q db.Queryer, workspace id.ID, s somebody) ([]Mark, error) {
	in, args := db.In(2, s.persons)
	rows, err := q.Query(ctx, `select k.kind, k.reason, m.name, k.at from person_mark k left join member m on m.workspace = k.workspace and m.id = k.member
		where k.workspace = $1 and k.ended = 0 and k.person `+in+` order by k.at`, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading somebody's marks: %w", err)
	}
	defer rows.Close()
	byKind := map[MarkKind]Mark{}
	for rows.Next() {
		var m Mark
		var by *string
		if err := rows.Scan(&m.Kind, &m.Reason, &by, db.ScanTime(&m.At)); err != nil {
			return nil, fmt.Errorf("reading somebody's marks: %w", err)
		}
		if by != nil {
			m.By = *by
		}
		if _, had := byKind[m.Kind]; !had {
			byKind[m.Kind] = m
		}
	}
	var marks []Mark
	for _, k := range MarkKinds {
		if m, ok := byKind[k]; ok {
			marks = append(marks, m)
		}
	}
	return marks, rows.Err()
}

// markedAmong reads the marks of whoever stands in a list, by the person that the
// row names. SQLite takes the tables of a cross join in the order they are written.
const markedAmong = `select p.id, k.kind from person p cross join person q cross join person_mark k where p.workspace = $1
	and q.workspace = p.workspace and q.one = p.one and k.workspace = q.workspace and k.person = q.id and k.ended = 0 and p.id `

// marked are the marks of the people in some rows.
func (d *Desk) marked(ctx context.Context, workspace id.ID, rows []Row) (map[id.ID][]MarkKind, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var who []id.ID
	for _, r := range rows {
		who = append(who, r.Person.Person)
	}
	in, args := db.In(2, who)
	found, err := d.db.Read().Query(ctx, markedAmong+in, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading who is marked: %w", err)
	}
	defer found.Close()
	marks := map[id.ID][]MarkKind{}
	for found.Next() {
		var p id.ID
		var k MarkKind
		if err := found.Scan(&p, &k); err != nil {
			return nil, fmt.Errorf("reading who is marked: %w", err)
		}
		if !slices.Contains(marks[p], k) {
			marks[p] = append(marks[p], k)
		}
	}
	for p := range marks {
		slices.SortFunc(marks[p], func(a, b MarkKind) int { return slices.Index(MarkKinds, a) - slices.Index(MarkKinds, b) })
	}
	return marks, found.Err()
}

// alone reports that somebody asked to be left alone.
func (d *Desk) alone(ctx context.Context, workspace, person id.ID) (bool, error) {
	marks, err := d.marked(ctx, workspace, []Row{{Person: Person{Person: person}}})
	return slices.Contains(marks[person], Alone), err
}
