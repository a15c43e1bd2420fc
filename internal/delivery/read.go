package delivery

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
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
		rec, err = complete(ctx, q, a, r)
		return err
	})
	return rec, err
}

// Writer is the member who approved a delivery; 0: none, or it is gone. It is for
// the parts of Parley that tell members something.
func (d *Delivery) Writer(ctx context.Context, q db.Queryer, workspace, delivery id.ID) (id.ID, error) {
	var member id.ID
	err := q.Row(ctx, `select member from delivery where workspace = $1 and id = $2`, workspace, delivery).Scan(&member)
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("reading who wrote an answer: %w", err)
	}
	return member, nil
}

// Of reads the deliveries of a subject, oldest first: of a conversation, of kind
// Reply.
func (d *Delivery) Of(ctx context.Context, a actor.Actor, kind string, subject id.ID) ([]Record, error) {
	return d.list(ctx, a, `d.kind = $%d and d.subject = $%d`, "d.id", kind, subject)
}

// Open reads the deliveries that are not over, those that wait for a member
// first, then the oldest.
func (d *Delivery) Open(ctx context.Context, a actor.Actor) ([]Record, error) {
	return d.list(ctx, a, `d.state not in ('sent', 'discarded', 'called_back')`,
		`case d.state when 'unknown' then 0 when 'failed' then 1 else 2 end, d.id`)
}

// list reads what the actor may see of what the condition picks. What they may not
// see is left out by the database, so that it takes no place from the rest.
func (d *Delivery) list(ctx context.Context, a actor.Actor, condition, order string, values ...any) ([]Record, error) {
	if !a.CanSomewhere(actor.ReadConversations) && !a.CanSomewhere(actor.ReadHealth) {
		return nil, a.Require(actor.ReadConversations)
	}
	var recs []Record
	err := d.db.View(ctx, func(ctx context.Context, q db.Queryer) error {
		where, args := visible(a)
		var places []any
		for _, v := range values {
			args = append(args, v)
			places = append(places, len(args))
		}
		where += " and " + fmt.Sprintf(condition, places...) + fmt.Sprintf(" order by %s limit %d", order, readMax)
		rows, err := loadAll(ctx, q, where, args...)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.open, err = openAttempt(ctx, q, r.workspace, r.id); err != nil {
				return err
			}
			rec, err := complete(ctx, q, a, r)
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

// complete adds to a loaded row what only its readers need, and takes from it the
// words that who only looks after health does not read.
func complete(ctx context.Context, q db.Queryer, a actor.Actor, r row) (Record, error) {
	var parts []Part
	if r.parts > 0 {
		var err error
		if parts, err = loadParts(ctx, q, r.workspace, r.id, false); err != nil {
			return Record{}, err
		}
	}
	rec, err := r.record(parts)
	if err == nil && !mayRead(a, r) {
		rec.Draft = network.Draft{}
	}
	return rec, err
}

// visible is sees as a condition.
func visible(a actor.Actor) (where string, args []any) {
	where, args = "d.workspace = $1", []any{a.Workspace}
	var accounts []id.ID
	for _, right := range []actor.Right{actor.ReadConversations, actor.ReadHealth} {
		scopes, all := a.Scopes(right)
		if all {
			return where, args
		}
		for _, s := range scopes {
			if s.Kind == "account" {
				accounts = append(accounts, s.ID)
			}
		}
	}
	in, more := db.In(3, append(accounts, 0))
	own := a.Member
	if !a.CanSomewhere(actor.ReadConversations) {
		own = 0
	}
	return where + " and (d.member = $2 or d.account " + in + ")", append(append(args, own), more...)
}

// sees: who reads the account's conversations or its health sees its deliveries,
// and everybody sees their own.
func sees(a actor.Actor, r row) bool {
	if a.Workspace != r.workspace {
		return false
	}
	return mayRead(a, r) || a.Can(actor.ReadHealth, actor.Scope{Kind: "account", ID: r.account})
}

// mayRead: who may read the words of a delivery.
func mayRead(a actor.Actor, r row) bool {
	return a.Can(actor.ReadConversations, actor.Scope{Kind: "account", ID: r.account}) ||
		(r.member != 0 && a.Member == r.member && a.CanSomewhere(actor.ReadConversations))
}

// UnderWay reports that something of a kind and subject is neither sent nor given
// up. It asks for no right: it is for the capability that it belongs to.
func (d *Delivery) UnderWay(ctx context.Context, q db.Queryer, workspace id.ID, kind string, subject id.ID) (bool, error) {
	var n int
	if err := q.Row(ctx, `select count(*) from delivery where workspace = $1 and kind = $2 and subject = $3
		and state not in ('sent', 'discarded', 'called_back')`, workspace, kind, subject).Scan(&n); err != nil {
		return false, fmt.Errorf("reading what is under way: %w", err)
	}
	return n > 0, nil
}
