package delivery

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Finding is what a member saw on the network when Parley could not tell.
type Finding struct {
	There   bool   // it is there; false: it is not, and shall be sent
	Address string // where it stands, if the member gives it: http or https
}

// addressMax is the longest address taken, in bytes.
const addressMax = 2000

// Retry sends a failed delivery again. What is public of it stays as it is and
// only the rest is sent; otherwise everything is planned anew.
func (d *Delivery) Retry(ctx context.Context, a actor.Actor, delivery id.ID) error {
	return d.decide(ctx, a, delivery, maySend, func(ctx context.Context, tx *db.Tx, r *row) error {
		if r.state != Failed {
			return problem.New(problem.Conflict, "delivery.not_failed")
		}
		if !r.continuable() {
			return problem.New(problem.Conflict, "delivery.rest")
		}
		next := Accepted
		if r.begun() {
			next = Sending
			r.rewindUploads()
		} else {
			r.plan, r.progress = network.Plan{}, nil
		}
		r.looking = false
		return d.resume(ctx, tx, r, next, a, "delivery.retried")
	})
}

// Check asks again what became of a delivery that is unknown: an account that was
// reconnected can be read again.
func (d *Delivery) Check(ctx context.Context, a actor.Actor, delivery id.ID) error {
	return d.decide(ctx, a, delivery, maySend, func(ctx context.Context, tx *db.Tx, r *row) error {
		if r.state != Unknown {
			return problem.New(problem.Conflict, "delivery.not_unknown")
		}
		if !r.checkable() {
			return problem.New(problem.Conflict, "delivery.no_check")
		}
		o := r.open
		o.looks, o.looked, o.absent, o.again = 0, time.Time{}, time.Time{}, false
		if err := saveAttempt(ctx, tx, *r, *o); err != nil {
			return err
		}
		return d.resume(ctx, tx, r, Sending, a, "delivery.checked")
	})
}

// Settle takes a member's word for what became of a delivery that is unknown.
// What is there is never sent again; what is not is sent exactly as it was
// planned, so that a network which knows it after all makes no second one of it.
func (d *Delivery) Settle(ctx context.Context, a actor.Actor, delivery id.ID, f Finding) error {
	address, err := checked(f.Address)
	if err != nil {
		return err
	}
	return d.decide(ctx, a, delivery, maySend, func(ctx context.Context, tx *db.Tx, r *row) error {
		if r.state != Unknown || r.open == nil {
			return problem.New(problem.Conflict, "delivery.not_unknown")
		}
		now, step := d.clock.Now(), r.open.step
		o := outcomeNotSent
		if f.There {
			o = outcomeSent
		}
		if err := closeAttempt(ctx, tx, *r, *r.open, o, now); err != nil {
			return err
		}
		r.open = nil
		if !f.There {
			r.looking = false
			return d.resume(ctx, tx, r, Sending, a, "delivery.settled")
		}
		d.record(tx, a, "delivery.settled", *r)
		r.state = Sending // only on the way: it ends as sent or failed below
		if err := d.completed(ctx, tx, r, step, network.Delivery{Ref: network.Ref{URL: address}}, now); err != nil {
			return err
		}
		for _, p := range r.progress {
			if p != done { // nobody knows what the rest would have to answer
				d.fail(tx, r, because(whyRest))
				return d.told(ctx, tx, r)
			}
		}
		if err := d.told(ctx, tx, r); err != nil {
			return err
		}
		return d.finish(ctx, tx, r, Sent, a, "delivery.sent")
	})
}

// Discard gives up a delivery that failed or is unknown. What is public of it stays.
func (d *Delivery) Discard(ctx context.Context, a actor.Actor, delivery id.ID) error {
	return d.decide(ctx, a, delivery, mayStop, func(ctx context.Context, tx *db.Tx, r *row) error {
		if r.state != Failed && r.state != Unknown {
			return problem.New(problem.Conflict, "delivery.not_failed")
		}
		if r.open != nil {
			if err := closeAttempt(ctx, tx, *r, *r.open, outcomeAbandoned, d.clock.Now()); err != nil {
				return err
			}
			r.open = nil
		}
		return d.finish(ctx, tx, r, Discarded, a, "delivery.discarded")
	})
}

// CallBack takes a delivery back while nothing of it is public and no request is
// under way.
func (d *Delivery) CallBack(ctx context.Context, a actor.Actor, delivery id.ID) error {
	return d.decide(ctx, a, delivery, mayStop, func(ctx context.Context, tx *db.Tx, r *row) error {
		if !r.recallable() {
			return problem.New(problem.Conflict, "delivery.too_late")
		}
		words, err := r.words()
		if err != nil {
			return err
		}
		if d.recalled != nil {
			if err := d.recalled(ctx, tx, a, r.id, words); err != nil {
				return err
			}
		}
		return d.finish(ctx, tx, r, CalledBack, a, "delivery.called_back")
	})
}

// decide runs a member's decision on the locked delivery, if may lets them take it.
func (d *Delivery) decide(ctx context.Context, a actor.Actor, delivery id.ID, may func(actor.Actor, row) error, fn func(context.Context, *db.Tx, *row) error) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := lock(ctx, tx, a.Workspace, delivery)
		if db.NoRows(err) || (err == nil && !sees(a, r)) {
			return problem.New(problem.NotFound, "delivery.not_found")
		}
		if err != nil {
			return err
		}
		if err := may(a, r); err != nil {
			return err
		}
		if err := fn(ctx, tx, &r); err != nil {
			return err
		}
		return save(ctx, tx, r)
	})
}

// maySend is asked for what may make words leave: the right to answer for the account.
func maySend(a actor.Actor, r row) error {
	return a.Require(actor.Reply, actor.Scope{Kind: "account", ID: r.account})
}

// mayStop is asked for what keeps words here: whoever wrote them may, too, as long
// as they may answer at all.
func mayStop(a actor.Actor, r row) error {
	if r.member != 0 && a.Member == r.member && a.CanSomewhere(actor.Reply) {
		return nil
	}
	return maySend(a, r)
}

// resume begins a new round in the given state.
func (d *Delivery) resume(ctx context.Context, tx *db.Tx, r *row, s State, a actor.Actor, verb string) error {
	r.untroubled()
	r.round++
	d.enter(tx, r, s, a, verb)
	return d.enqueue(ctx, tx, *r)
}

// told marks what a member vouches for: it has no id by which others could keep it.
func (d *Delivery) told(ctx context.Context, tx *db.Tx, r *row) error {
	r.untold = 0
	_, err := tx.Exec(ctx, `update delivery_part set told = $1 where workspace = $2 and delivery = $3 and told = 0`,
		db.Micros(d.clock.Now()), r.workspace, r.id)
	return err
}

// rewindUploads makes the uploads that unsent parts need be done again: networks
// forget media that was not attached for a while.
func (r *row) rewindUploads() {
	for i, p := range r.progress {
		if p != todo || r.plan.Steps[i].Kind != network.Create {
			continue
		}
		for _, before := range r.plan.Steps[i].After {
			if r.plan.Steps[before].Kind == network.Upload {
				r.plan.Steps[before].Done, r.progress[before] = nil, todo
			}
		}
	}
}

// checked is an address a member gave; "" is none.
func checked(address string) (string, error) {
	address = strings.TrimSpace(text.Clean(address))
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err == nil && u.Scheme != "https" && u.Scheme != "http" {
		err = errors.New("neither http nor https")
	}
	if err == nil && u.Host == "" {
		err = errors.New("no host")
	}
	if err != nil || len(address) > addressMax {
		return "", problem.New(problem.Invalid, "delivery.address").At("address").Because(err)
	}
	return address, nil
}
