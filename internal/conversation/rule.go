package conversation

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Rules are how a workspace works together.
type Rules struct {
	ClaimMinutes int // without anything happening, after which a claim is over; 0: never
	CallBack     int // seconds between Send and leaving; 0: none
}

const (
	longestClaim    = 7 * 24 * 60 // minutes
	longestCallBack = 30          // seconds
)

// usual is what holds until somebody decides otherwise.
func usual() Rules { return Rules{ClaimMinutes: 60, CallBack: 8} }

// Rules reads how the actor's workspace works together. Everybody in it may know.
func (d *Desk) Rules(ctx context.Context, a actor.Actor) (Rules, error) {
	if a.Workspace == 0 || a.Member == 0 && a.System == "" {
		return Rules{}, a.Require(actor.ReadConversations)
	}
	return rules(ctx, d.db.Read(), a.Workspace)
}

func rules(ctx context.Context, q db.Queryer, workspace id.ID) (Rules, error) {
	var r Rules
	err := q.Row(ctx, `select claim_minutes, call_back from desk_rule where workspace = $1`, workspace).Scan(&r.ClaimMinutes, &r.CallBack)
	if db.NoRows(err) {
		return usual(), nil
	}
	if err != nil {
		return r, fmt.Errorf("reading how a workspace works together: %w", err)
	}
	return r, nil
}

// SetRules changes how the actor's workspace works together.
func (d *Desk) SetRules(ctx context.Context, a actor.Actor, r Rules) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	if r.ClaimMinutes < 0 || r.ClaimMinutes > longestClaim {
		return problem.New(problem.Invalid, "conversation.claim_minutes", "max", longestClaim).At("claim_minutes")
	}
	if r.CallBack < 0 || r.CallBack > longestCallBack {
		return problem.New(problem.Invalid, "conversation.call_back", "max", longestCallBack).At("call_back")
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		const q = `insert into desk_rule (workspace, claim_minutes, call_back, changed, changed_by) values ($1, $2, $3, $4, $5)
			on conflict (workspace) do update set claim_minutes = excluded.claim_minutes, call_back = excluded.call_back,
			changed = excluded.changed, changed_by = excluded.changed_by`
		if _, err := tx.Exec(ctx, q, a.Workspace, r.ClaimMinutes, r.CallBack, db.Micros(d.clock.Now()), a.Member); err != nil {
			return fmt.Errorf("changing how a workspace works together: %w", err)
		}
		d.log.Record(tx, a, event.Entry{Verb: "desk.rules_changed", Kind: "workspace", Subject: a.Workspace,
			Details: map[string]string{"claim_minutes": strconv.Itoa(r.ClaimMinutes), "call_back": strconv.Itoa(r.CallBack)}})
		return nil
	})
}

// leaves is when an answer that is given now may leave: a member who presses Send
// has a few seconds to call it back.
func (d *Desk) leaves(ctx context.Context, tx *db.Tx, workspace id.ID, in Answer) (time.Time, error) {
	if !in.Patient {
		return time.Time{}, nil
	}
	r, err := rules(ctx, tx, workspace)
	if err != nil || r.CallBack == 0 {
		return time.Time{}, err
	}
	return d.clock.Now().Add(time.Duration(r.CallBack) * time.Second), nil
}
