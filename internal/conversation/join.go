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
)

// Join is the statement of a member that two persons are one.
type Join struct {
	ID     id.ID
	By     string // the member's name
	At     time.Time
	Others []Identity // who would be somebody else again without it
	link
}

// link is one statement that has not ended, between the persons it named.
type link struct{ person, other id.ID }

// Join says that two persons are the same. Nothing is moved: what was said, marked
// and noted stays where it is and is read together, so that Split restores exactly
// what was there. It is never done by itself.
func (d *Desk) Join(ctx context.Context, a actor.Actor, person, other id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockJoins(ctx, tx, a.Workspace); err != nil {
			return err
		}
		s, err := d.see(ctx, tx, a, actor.Moderate, person)
		if err != nil {
			return err
		}
		o, err := d.see(ctx, tx, a, actor.Moderate, other)
		if err != nil {
			return err
		}
		if s.one == o.one {
			return nil
		}
		if len(s.identities)+len(o.identities) > identitiesMax {
			return problem.New(problem.Conflict, "conversation.too_many_identities", "n", identitiesMax)
		}
		join := d.ids.New()
		if _, err := tx.Exec(ctx, `insert into person_join (workspace, id, person, other, member, at, ended, ended_by) values ($1, $2, $3, $4, $5, $6, 0, 0)`,
			a.Workspace, join, s.one, o.one, a.Member, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("joining two persons: %w", err)
		}
		if err := makeOne(ctx, tx, a.Workspace, append(s.persons, o.persons...)); err != nil {
			return err
		}
		d.about(tx, a, "person.joined", min(s.one, o.one), map[string]string{"join": join.String()})
		return nil
	})
}

// Split takes a Join apart. Both persons are what they were before, with what was
// said by each since then; what members wrote down meanwhile stays with the older.
func (d *Desk) Split(ctx context.Context, a actor.Actor, join id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockJoins(ctx, tx, a.Workspace); err != nil {
			return err
		}
		var l link
		err := tx.Row(ctx, `select person, other from person_join where workspace = $1 and id = $2 and ended = 0`, a.Workspace, join).Scan(&l.person, &l.other)
		if db.NoRows(err) {
			return problem.New(problem.NotFound, "conversation.no_join")
		}
		if err != nil {
			return fmt.Errorf("reading who is one: %w", err)
		}
		s, err := d.see(ctx, tx, a, actor.Moderate, l.person)
		if problem.Is(err, "conversation.no_person") {
			return problem.New(problem.NotFound, "conversation.no_join")
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update person_join set ended = $1, ended_by = $2 where workspace = $3 and id = $4`,
			db.Micros(d.clock.Now()), a.Member, a.Workspace, join); err != nil {
			return fmt.Errorf("taking two persons apart: %w", err)
		}
		links, err := linksOf(ctx, tx, a.Workspace, s)
		if err != nil {
			return err
		}
		for _, side := range []id.ID{l.person, l.other} {
			if err := makeOne(ctx, tx, a.Workspace, reached(side, links)); err != nil {
				return err
			}
		}
		d.about(tx, a, "person.split", s.one, map[string]string{"join": join.String()})
		return nil
	})
}

// lockJoins lets one at a time say who is one: two who join the same person with
// others at once would each leave out what the other did. SQLite has one writer.
func lockJoins(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if tx.Dialect() == db.SQLite {
		return nil
	}
	_, err := tx.Exec(ctx, `select id from workspace where id = $1 for no key update`, workspace)
	return err
}

// makeOne lets some persons be one: the oldest of them.
func makeOne(ctx context.Context, tx *db.Tx, workspace id.ID, persons []id.ID) error {
	in, args := db.In(3, persons)
	if _, err := tx.Exec(ctx, `update person set one = $1 where workspace = $2 and id `+in, append([]any{slices.Min(persons), workspace}, args...)...); err != nil {
		return fmt.Errorf("saying which persons are one: %w", err)
	}
	return nil
}

func linksOf(ctx context.Context, q db.Queryer, workspace id.ID, s somebody) ([]Join, error) {
	in, args := db.In(2, s.persons)
	rows, err := q.Query(ctx, `select j.id, j.person, j.other, j.at, coalesce(m.name, '') from person_join j
		left join member m on m.workspace = j.workspace and m.id = j.member
		where j.workspace = $1 and j.ended = 0 and j.person `+in+` order by j.id`, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading who is one: %w", err)
	}
	defer rows.Close()
	var joins []Join
	for rows.Next() {
		var j Join
		if err := rows.Scan(&j.ID, &j.person, &j.other, db.ScanTime(&j.At), &j.By); err != nil {
			return nil, fmt.Errorf("reading who is one: %w", err)
		}
		joins = append(joins, j)
	}
	return joins, rows.Err()
}

// reached are the persons that hang together with one of them.
func reached(from id.ID, joins []Join) []id.ID {
	all := []id.ID{from}
	for i := 0; i < len(all); i++ {
		for _, j := range joins {
			for _, l := range []link{{j.person, j.other}, {j.other, j.person}} {
				if l.person == all[i] && !slices.Contains(all, l.other) {
					all = append(all, l.other)
				}
			}
		}
	}
	return all
}

// joinsOf tells, of each statement that made this person one, who would be somebody
// else again without it.
func joinsOf(ctx context.Context, q db.Queryer, workspace id.ID, s somebody) ([]Join, error) {
	joins, err := linksOf(ctx, q, workspace, s)
	if err != nil {
		return nil, err
	}
	for i, j := range joins {
		rest := slices.Delete(slices.Clone(joins), i, i+1)
		side := reached(j.person, rest)
		if slices.Contains(side, s.one) {
			side = reached(j.other, rest)
		}
		for _, one := range s.identities {
			if slices.Contains(side, one.Person.Person) {
				joins[i].Others = append(joins[i].Others, one)
			}
		}
	}
	return joins, nil
}
