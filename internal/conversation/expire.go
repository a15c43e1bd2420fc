package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// UnderWay reports that an answer in a conversation is neither sent nor given up.
type UnderWay func(ctx context.Context, q db.Queryer, workspace, conversation id.ID) (bool, error)

// active notes that the actor does something under their claim: it is not over yet.
func (d *Desk) active(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID) error {
	if _, err := tx.Exec(ctx, `update claim set active = $1 where workspace = $2 and conversation = $3 and member = $4 and ended = 0`,
		db.Micros(d.clock.Now()), a.Workspace, conversation, a.Member); err != nil {
		return fmt.Errorf("noting that a claim is in use: %w", err)
	}
	return nil
}

// idle are conversations under whose claim nothing has happened since a time.
const idle = `select c.id, c.account, c.claimed_by from claim l join conversation c on c.workspace = l.workspace and c.id = l.conversation
	where l.workspace = $1 and l.ended = 0 and l.at < $2 and l.active < $2 limit 100`

// ExpireClaims hands back what nobody has touched for as long as the workspace
// allows. Whoever is writing keeps it, and so does whoever's answer is under way.
func (d *Desk) ExpireClaims(ctx context.Context, a actor.Actor) error {
	if a.System == "" {
		return a.Require(actor.ManageWorkspace)
	}
	r, err := rules(ctx, d.db.Read(), a.Workspace)
	if err != nil || r.ClaimMinutes == 0 {
		return err
	}
	before := d.clock.Now().Add(-time.Duration(r.ClaimMinutes) * time.Minute)
	if some, err := d.idleClaims(ctx, d.db.Read(), a.Workspace, before); err != nil || len(some) == 0 {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		some, err := d.idleClaims(ctx, tx, a.Workspace, before)
		if err != nil {
			return err
		}
		for _, was := range some {
			h, err := d.load(ctx, tx, a, actor.Claim, was.ID)
			if err != nil {
				return err
			}
			busy, err := d.busy(ctx, tx, a.Workspace, h.ID)
			if err != nil {
				return err
			}
			if busy || h.ClaimedBy != was.ClaimedBy {
				continue
			}
			if err := d.unclaim(ctx, tx, a, h, "expired"); err != nil {
				return err
			}
			d.record(tx, a, "conversation.released", h.ID, h.Account)
		}
		return nil
	})
}

func (d *Desk) idleClaims(ctx context.Context, q db.Queryer, workspace id.ID, before time.Time) ([]head, error) {
	rows, err := q.Query(ctx, idle, workspace, db.Micros(before))
	if err != nil {
		return nil, fmt.Errorf("reading which claims are idle: %w", err)
	}
	defer rows.Close()
	var all []head
	for rows.Next() {
		var h head
		if err := rows.Scan(&h.ID, &h.Account, &h.ClaimedBy); err != nil {
			return nil, fmt.Errorf("reading which claims are idle: %w", err)
		}
		all = append(all, h)
	}
	return all, rows.Err()
}

// busy reports that an answer in a conversation is under way.
func (d *Desk) busy(ctx context.Context, tx *db.Tx, workspace, conversation id.ID) (bool, error) {
	if d.underWay == nil {
		return false, nil
	}
	return d.underWay(ctx, tx, workspace, conversation)
}
