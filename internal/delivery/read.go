package delivery

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// readMax bounds one list.
const readMax = 200

// Get reads one delivery. One that the actor may not see does not exist for it.
func (d *Delivery) Get(ctx context.Context, a actor.Actor, delivery id.ID) (Record, error) {
	var rec Record
	err := d.db.View(ctx, func(ctx context.Context, q db.Queryer) error {
		r, err := load(ctx, q, a.Workspace, delivery)
		if db.NoRows(err) || (err == nil && !sees(a, r)) {
			return problem.New(problem.NotFound, "delivery.not_found")
		}
		if err != nil {
			return err
		}
		rec, err = complete(ctx, q, r)
		return err
	})
	return rec, err
}

// Of reads the deliveries of a subject, oldest first: of a conversation, of kind
// Reply.
func (d *Delivery) Of(ctx context.Context, a actor.Actor, kind string, subject id.ID) ([]Record, error) {
	return d.list(ctx, a, `d.workspace = $1 and d.kind = $2 and d.subject = $3 order by d.id limit $4`,
		a.Workspace, kind, subject, readMax)
}

// Open reads the deliveries that are not over, those that wait for a member
// first, then the oldest.
func (d *Delivery) Open(ctx context.Context, a actor.Actor) ([]Record, error) {
	return d.list(ctx, a, `d.workspace = $1 and d.state not in ('sent', 'discarded', 'called_back')
		order by case d.state when 'unknown' then 0 when 'failed' then 1 else 2 end, d.id limit $2`, a.Workspace, readMax)
}

func (d *Delivery) list(ctx context.Context, a actor.Actor, where string, args ...any) ([]Record, error) {
	if !a.CanSomewhere(actor.ReadConversations) && !a.CanSomewhere(actor.ReadHealth) {
		return nil, a.Require(actor.ReadConversations)
	}
	var recs []Record
	err := d.db.View(ctx, func(ctx context.Context, q db.Queryer) error {
		rows, err := loadAll(ctx, q, where, args...)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !sees(a, r) {
				continue
			}
			if r.open, err = openAttempt(ctx, q, r.workspace, r.id); err != nil {
				return err
			}
			rec, err := complete(ctx, q, r)
			if err != nil {
				return err
			}
			recs = append(recs, rec)
		}
		return nil
	})
	return recs, err
}

func loadAll(ctx context.Context, q db.Queryer, where string, args ...any) ([]row, error) {
	rows, err := q.Query(ctx, `select `+rowColumns+` from delivery d where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading deliveries: %w", err)
	}
	defer rows.Close()
	var rs []row
	for rows.Next() {
		r, err := scanRow(rows)
		if err != nil {
			return nil, fmt.Errorf("reading deliveries: %w", err)
		}
		rs = append(rs, r)
	}
	return rs, rows.Err()
}

// complete adds to a loaded row what only its readers need.
func complete(ctx context.Context, q db.Queryer, r row) (Record, error) {
	var parts []Part
	if r.parts > 0 {
		var err error
		if parts, err = loadParts(ctx, q, r.workspace, r.id, false); err != nil {
			return Record{}, err
		}
	}
	return r.record(parts)
}

// sees: who reads the account's conversations or its health sees its deliveries,
// and everybody sees their own.
func sees(a actor.Actor, r row) bool {
	if a.Workspace != r.workspace {
		return false
	}
	scope := actor.Scope{Kind: "account", ID: r.account}
	return a.Can(actor.ReadConversations, scope) || a.Can(actor.ReadHealth, scope) ||
		(r.member != 0 && a.Member == r.member && a.CanSomewhere(actor.ReadConversations))
}
