package delivery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/problem"
)

const (
	jobSend   = "delivery.send"
	jobRescue = "delivery.rescue"
	// rescueEvery bounds how long a delivery whose job was lost stands still.
	rescueEvery = 10 * time.Minute
	// movesAtOnce is more than the longest thread needs.
	movesAtOnce = 500
)

type payload struct {
	Delivery id.ID `json:"delivery"`
	Round    int64 `json:"round"`
}

func (d *Delivery) register() {
	// The bounds of a delivery are its own; what its job meets (a full disk, a
	// database away for a day) must not leave it standing for ever. A job takes
	// as long as its requests, each of which has a limit.
	d.jobs.Handle(jobSend, job.Policy{Attempts: math.MaxInt, Timeout: time.Hour}, d.run)
	d.jobs.Handle(jobRescue, job.Policy{Every: rescueEvery}, d.rescue)
}

// enqueue makes the job that carries r on. Each round has a job of its own: the
// one before may be about to end, and would take a wish added to it with it.
func (d *Delivery) enqueue(ctx context.Context, tx *db.Tx, r row) error {
	return d.jobs.Enqueue(ctx, tx, job.Spec{Workspace: r.workspace, Kind: jobSend, Key: fmt.Sprintf("%s.%d", r.id, r.round),
		At: r.due, Payload: payload{r.id, r.round}})
}

// rescue enqueues what should be moving; a job that is there already is only looked
// at sooner, and finds out by itself if it has to wait.
func (d *Delivery) rescue(ctx context.Context, _ job.Job) error {
	rows, err := d.db.Read().Query(ctx, `select workspace, id, round from delivery
		where state in ('accepted', 'planned', 'sending') and due <= $1`, db.Micros(d.clock.Now()))
	if err != nil {
		return fmt.Errorf("looking for deliveries that stand still: %w", err)
	}
	defer rows.Close()
	var late []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.workspace, &r.id, &r.round); err != nil {
			return fmt.Errorf("looking for deliveries that stand still: %w", err)
		}
		late = append(late, r)
	}
	if err := rows.Err(); err != nil || len(late) == 0 {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, r := range late {
			if err := d.enqueue(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// errMoved says that somebody else moved the delivery on; look again.
var errMoved = errors.New("the delivery was moved on meanwhile")

// run carries one delivery on until it is settled or has to wait.
func (d *Delivery) run(ctx context.Context, j job.Job) error {
	var p payload
	if err := j.Decode(&p); err != nil {
		return err
	}
	for range movesAtOnce {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := d.look(ctx, j.Workspace, p.Delivery)
		if db.NoRows(err) {
			return job.Stop(err)
		}
		if err != nil {
			return err
		}
		if r.round != p.Round {
			return nil // a member decided; the job of that round has it now
		}
		now := d.clock.Now()
		m := d.rules.next(r, now)
		switch m.kind {
		case moveNone:
			return nil
		case moveWait:
			return job.Later(m.at.Sub(now))
		}
		if err := d.make(ctx, j, r, m); err != nil && !errors.Is(err, errMoved) {
			return err
		}
	}
	return job.Later(time.Second)
}

// look reads a delivery and its open attempt at one moment.
func (d *Delivery) look(ctx context.Context, workspace, delivery id.ID) (r row, err error) {
	err = d.db.View(ctx, func(ctx context.Context, q db.Queryer) error {
		r, err = load(ctx, q, workspace, delivery)
		return err
	})
	return r, err
}

func (d *Delivery) make(ctx context.Context, j job.Job, r row, m move) error {
	switch m.kind {
	case movePlan:
		return d.plan(ctx, j, r, m)
	case moveDo:
		return d.do(ctx, j, r, m)
	case moveProve:
		return d.prove(ctx, j, r, m)
	case moveUnknown:
		return d.change(ctx, j, r, m, func(_ context.Context, tx *db.Tx, r *row) error {
			d.lost(tx, r, because(whyNoProof))
			return nil
		})
	case moveStop:
		return d.change(ctx, j, r, m, func(_ context.Context, tx *db.Tx, r *row) error {
			d.fail(tx, r, because(whyRestored))
			return nil
		})
	case moveTell:
		return d.change(ctx, j, r, m, d.tell)
	}
	return fmt.Errorf("no such move: %q", m.kind) // a defect
}

// change runs fn on the locked delivery and stores it, if m is still the move to
// make and the job still ours. The lock comes before the job's, as it does in the
// verbs, so that the two never wait for each other.
func (d *Delivery) change(ctx context.Context, j job.Job, seen row, m move, fn func(context.Context, *db.Tx, *row) error) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := lock(ctx, tx, seen.workspace, seen.id)
		if err != nil {
			return err
		}
		if err := d.jobs.Fence(ctx, tx, j); err != nil {
			return err
		}
		if r.round != seen.round || !sameAttempt(r.open, seen.open) || d.rules.next(r, d.clock.Now()) != m {
			return errMoved
		}
		if err := fn(ctx, tx, &r); err != nil {
			return err
		}
		return save(ctx, tx, r)
	})
}

func sameAttempt(a, b *attempt) bool {
	return (a == nil) == (b == nil) && (a == nil || a.id == b.id)
}

// plan freezes everything that will leave, and stores it.
func (d *Delivery) plan(ctx context.Context, j job.Job, r row, m move) error {
	d.crash.At(crash.DeliverBeforePlan)
	draft, err := r.approved()
	var plan network.Plan
	got := answer{err: err}
	if err == nil {
		got = d.ask(ctx, r, d.clock.Now().Add(readLimit), func(ctx context.Context, p network.Publisher, a network.Account) (network.Delivery, error) {
			var err error
			plan, err = p.Plan(ctx, a, draft)
			return network.Delivery{}, err
		})
	}
	if err := ctx.Err(); err != nil {
		return err // the program ends; that is not the network's fault
	}
	if got.err == nil {
		got = answer{err: sound(plan)}
	}
	err = d.change(ctx, j, r, m, func(ctx context.Context, tx *db.Tx, r *row) error {
		if got.err != nil {
			d.notPlanned(tx, r, judgePlan(got))
			return nil
		}
		r.plan, r.progress = plan, dots(len(plan.Steps))
		r.untroubled()
		d.enter(tx, r, Planned, d.self(*r), "delivery.planned")
		return nil
	})
	if err == nil {
		d.crash.At(crash.DeliverAfterPlan)
	}
	return err
}

// sound refuses a plan that this program cannot carry out.
func sound(p network.Plan) error {
	creates := 0
	for i, s := range p.Steps {
		if s.Kind == network.Create {
			creates++
		} else if s.Kind != network.Upload {
			return problem.New(problem.Upstream, whyBadPlan).Because(fmt.Errorf("step %d is of the unknown kind %q", i, s.Kind))
		}
		for _, before := range s.After {
			if before < 0 || before >= i {
				return problem.New(problem.Upstream, whyBadPlan).Because(fmt.Errorf("step %d waits for step %d", i, before))
			}
		}
	}
	if creates == 0 {
		return problem.New(problem.Upstream, whyBadPlan).Because(errors.New("it makes nothing public"))
	}
	return nil
}

// prove asks what became of the open attempt. It writes nothing on the network.
func (d *Delivery) prove(ctx context.Context, j job.Job, r row, m move) error {
	got := d.ask(ctx, r, d.clock.Now().Add(readLimit), func(ctx context.Context, p network.Publisher, a network.Account) (network.Delivery, error) {
		return p.Prove(ctx, a, r.plan, m.step)
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	return d.change(ctx, j, r, m, func(ctx context.Context, tx *db.Tx, r *row) error {
		v := d.rules.judgeProof(r.plan.Steps[m.step], *r.open, got, d.clock.Now())
		return d.applyProof(ctx, tx, r, v)
	})
}

// ask lends the account to fn until the limit. The answer is fn's own, whatever
// With makes of it afterwards; but where fn was told that the credential is no
// longer good, nothing was done, and what matters is what With says about that.
func (d *Delivery) ask(ctx context.Context, r row, until time.Time, fn func(context.Context, network.Publisher, network.Account) (network.Delivery, error)) answer {
	ctx, cancel := withLimit(ctx, d.clock, until)
	defer cancel()
	var got answer
	err := d.with(ctx, r.workspace, r.account, func(inner context.Context, n network.Network, a network.Account) error {
		p, ok := n.(network.Publisher)
		if !ok {
			return problem.New(problem.Upstream, whyNoPublisher)
		}
		// A process that slept through the limit must not begin now.
		if err := ctx.Err(); err != nil {
			return err
		}
		got = answer{called: true}
		got.delivery, got.err = fn(inner, p, a)
		return got.err
	})
	if !got.called || (network.KindOf(got.err) == network.Auth && err != nil) {
		return answer{err: err}
	}
	if err != nil && got.err == nil {
		d.out.Warn("giving an account back after a request", "delivery", r.id, "account", r.account, "err", err)
	}
	return got
}
