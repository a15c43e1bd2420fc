package delivery

import (
	"context"
	"encoding/json"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Erase removes the words of deliveries of a subject and what they answered,
// inside the transaction that erases somebody. What has not left is given up.
// It refuses while a request is under way: then erase again in a minute.
func (d *Delivery) Erase(ctx context.Context, tx *db.Tx, a actor.Actor, kind string, subject id.ID) error {
	if err := a.Require(actor.ErasePerson); err != nil {
		return err
	}
	rows, err := loadAll(ctx, tx, `d.workspace = $1 and d.kind = $2 and d.subject = $3 order by d.id`, a.Workspace, kind, subject)
	if err != nil {
		return err
	}
	for _, seen := range rows {
		r, err := lock(ctx, tx, a.Workspace, seen.id)
		if err != nil {
			return err
		}
		if err := d.erase(ctx, tx, a, &r); err != nil {
			return err
		}
	}
	return nil
}

func (d *Delivery) erase(ctx context.Context, tx *db.Tx, a actor.Actor, r *row) error {
	if r.open != nil {
		if r.state != Unknown {
			return problem.New(problem.Conflict, "delivery.busy")
		}
		if err := closeAttempt(ctx, tx, *r, *r.open, outcomeAbandoned, d.clock.Now()); err != nil {
			return err
		}
		r.open = nil
	}
	r.draft, r.hash = []byte{}, []byte{}
	r.reason = reason{}
	if !r.state.Final() {
		if err := d.finish(ctx, tx, r, Discarded, a, "delivery.discarded"); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update delivery_attempt set detail = '' where workspace = $1 and delivery = $2`, r.workspace, r.id); err != nil {
		return fmt.Errorf("erasing a delivery: %w", err)
	}
	if err := eraseParts(ctx, tx, *r); err != nil {
		return err
	}
	d.record(tx, a, "delivery.erased", *r)
	return save(ctx, tx, *r)
}

// eraseParts keeps where our own words stand, and forgets whom they answered: a
// remote id may name a person.
func eraseParts(ctx context.Context, tx *db.Tx, r row) error {
	parts, err := loadParts(ctx, tx, r.workspace, r.id, false)
	if err != nil {
		return err
	}
	for _, p := range parts {
		ref, err := json.Marshal(network.Ref{ID: p.Ref.ID, URL: p.Ref.URL, Version: p.Ref.Version})
		if err != nil {
			return fmt.Errorf("writing a reference: %w", err)
		}
		if _, err := tx.Exec(ctx, `update delivery_part set ref = $1 where workspace = $2 and delivery = $3 and part = $4`,
			ref, r.workspace, r.id, p.Index); err != nil {
			return fmt.Errorf("erasing a delivery: %w", err)
		}
	}
	return nil
}
