package delivery

import (
	"context"
	"errors"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/problem"
)

// do performs one step between two short transactions.
func (d *Delivery) do(ctx context.Context, j job.Job, r row, m move) error {
	r, err := d.open(ctx, j, r, m)
	if err != nil {
		return err
	}
	// From here on the end of the program waits for the answer, for doLimit at
	// most: a request cut off is a doubt that nobody needed.
	ctx = context.WithoutCancel(ctx)
	d.crash.At(crash.DeliverAfterOpen)
	got := d.ask(ctx, r, r.open.deadline, func(ctx context.Context, p network.Publisher, a network.Account) (network.Delivery, error) {
		answered, err := p.Do(ctx, a, r.plan, m.step)
		d.crash.At(crash.DeliverDuringDo)
		return answered, err
	})
	d.crash.At(crash.DeliverBeforeClose)
	if err := d.close(ctx, j, r, got); err != nil {
		return err
	}
	d.crash.At(crash.DeliverAfterClose)
	return nil
}

// open writes down that a request is about to leave, unless the fence refuses.
// An open attempt that may be repeated ends in this one, and its doubts with it.
func (d *Delivery) open(ctx context.Context, j job.Job, seen row, m move) (row, error) {
	var opened row
	refused := false
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var why *problem.Problem
		err := d.fence(ctx, tx, seen.workspace, seen.account)
		if refused = errors.As(err, &why); err != nil && !refused {
			return err
		}
		r, err := lock(ctx, tx, seen.workspace, seen.id)
		if err != nil {
			return err
		}
		if err := d.jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		now := d.clock.Now()
		if r.round != seen.round || !sameAttempt(r.open, seen.open) || d.rules.next(r, now) != m {
			return errMoved
		}
		if refused {
			if err := d.held(ctx, tx, &r, reasonOf(why)); err != nil {
				return err
			}
			return save(ctx, tx, r)
		}
		a := attempt{id: d.ids.New(), step: m.step, first: now, opened: now, deadline: now.Add(doLimit)}
		if old := r.open; old != nil {
			if !harmless(r.plan.Steps[m.step]) {
				a.first, a.looks, a.looked = old.first, old.looks, old.looked
			}
			if err := closeAttempt(ctx, tx, r, *old, outcomeRepeated, now); err != nil {
				return err
			}
		}
		r.open = &a
		if err := insertAttempt(ctx, tx, r, a); err != nil {
			return err
		}
		if r.state != Sending {
			d.enter(tx, &r, Sending, d.self(r), "delivery.sending")
		}
		opened = r
		return save(ctx, tx, r)
	})
	if err == nil && refused {
		err = errMoved
	}
	return opened, err
}

// held is what a pause does. After it nothing is flushed: what did not leave
// stays until a member looks at it again. What may have left is asked about as
// before; only the repeat that would tell has to wait.
func (d *Delivery) held(ctx context.Context, tx *db.Tx, r *row, why reason) error {
	now := d.clock.Now()
	if r.open != nil && !harmless(r.plan.Steps[r.open.step]) {
		r.open.again = false
		r.open.looks++
		r.due, r.reason = now.Add(pause(r.open.looks, int64(r.id))), why
		return saveAttempt(ctx, tx, *r, *r.open)
	}
	if r.open != nil {
		if err := closeAttempt(ctx, tx, *r, *r.open, outcomeAbandoned, now); err != nil {
			return err
		}
		r.open = nil
	}
	d.fail(tx, r, why)
	return nil
}

// closeTries is how often storing an answer is tried before it is given up and
// left to proof: losing it costs most where there is no proof.
const closeTries = 5

// close stores what became of the attempt that seen opened. Holding the attempt
// is the right to close it: neither the job nor the round matters, because what
// came back is true. If the job was lost meanwhile, whoever has it is woken.
func (d *Delivery) close(ctx context.Context, j job.Job, seen row, got answer) error {
	a := *seen.open
	v := d.rules.judge(seen.plan.Steps[a.step], a.first.Before(a.opened), got)
	var err error
	for n := 1; n <= closeTries; n++ {
		err = d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			r, err := lock(ctx, tx, seen.workspace, seen.id)
			if err != nil {
				return err
			}
			if !sameAttempt(r.open, seen.open) {
				return errMoved
			}
			if err := d.apply(ctx, tx, &r, v); err != nil {
				return err
			}
			if err := save(ctx, tx, r); err != nil {
				return err
			}
			if err := d.jobs.Fence(ctx, tx, j); !errors.Is(err, job.ErrLost) || !r.state.Moving() {
				return dropLost(err)
			}
			return d.enqueue(ctx, tx, r)
		})
		if err == nil {
			return nil
		}
		if errors.Is(err, errMoved) {
			d.out.Warn("an answer came after its attempt was settled", "delivery", seen.id, "found", v.found, "err", got.err)
			return err
		}
		d.out.Warn("storing what became of a request", "delivery", seen.id, "found", v.found, "try", n, "err", err)
		if clock.Sleep(ctx, d.clock, time.Duration(n)*time.Second) != nil {
			break
		}
	}
	return err
}

func dropLost(err error) error {
	if errors.Is(err, job.ErrLost) {
		return nil
	}
	return err
}

// self is Parley acting by itself.
func (d *Delivery) self(r row) actor.Actor { return actor.System(r.workspace, "delivery") }
