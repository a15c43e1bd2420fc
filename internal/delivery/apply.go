package delivery

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
)

// apply stores what the answer to Do means for r, whose open attempt it is.
func (d *Delivery) apply(ctx context.Context, tx *db.Tx, r *row, v verdict) error {
	now := d.clock.Now()
	a := r.open
	step := &r.plan.Steps[a.step]
	a.detail = evidence(v)
	v = bounded(*r, *step, v, now)
	switch v.found {
	case foundSent:
		return d.stands(ctx, tx, r, v)
	case foundNothing:
		a.ended = now
		d.lost(tx, r, v.reason)
		return saveAttempt(ctx, tx, *r, *a)
	case foundDoubt:
		a.ended, a.duplicate, a.again = now, v.duplicate, false
		if r.state.Moving() {
			r.due = later(v.until, now.Add(pause(a.looks+1, int64(r.id))))
			r.reason = v.reason.in(whyProving)
		}
		return saveAttempt(ctx, tx, *r, *a)
	}
	o := outcomeNotSent
	if v.found == foundPending {
		o = outcomePending
	}
	if err := closeAttempt(ctx, tx, *r, *a, o, now); err != nil {
		return err
	}
	r.open = nil
	if r.state == Unknown { // a late answer that nobody hoped for any more
		d.enter(tx, r, Sending, d.self(*r), "delivery.sending")
	}
	switch v.found {
	case foundPending:
		if ref := v.delivery.Ref; ref.ID != "" {
			step.Done = &ref
			r.progress[a.step] = pending
		}
		r.wait(notReady, now, now.Add(min(max(v.delivery.PollAfter, time.Second), longestPause)), because(whyPending))
	case foundWait:
		r.untroubled()
		r.due, r.reason = later(v.until, now.Add(pause(5, int64(r.id)))), v.reason
	case foundAbsent:
		d.again(tx, r, v, now)
	default:
		d.fail(tx, r, v.reason)
	}
	return nil
}

// bounded turns what has been tried or waited for too long into an end.
func bounded(r row, step network.Step, v verdict, now time.Time) verdict {
	over := foundRefused
	if step.Kind == network.Create && step.Done != nil {
		over = foundNothing // it was taken: that it is not out cannot be said
	}
	switch {
	case v.found == foundPending && r.trouble == notReady && !now.Before(r.since.Add(pendingFor)):
		v.found, v.reason = over, v.reason.in(whyNeverReady)
	case v.found == foundAbsent && r.exhausted(now):
		v.found, v.reason = over, v.reason.in(whyExhausted)
	}
	return v
}

// applyProof stores what the answer to Prove means.
func (d *Delivery) applyProof(ctx context.Context, tx *db.Tx, r *row, v verdict) error {
	now := d.clock.Now()
	a := r.open
	a.detail = evidence(v)
	a.looks++
	if a.looked.IsZero() || v.restart {
		a.looked = now
	}
	switch v.found {
	case foundSent:
		return d.stands(ctx, tx, r, v)
	case foundAbsent:
		if err := closeAttempt(ctx, tx, *r, *a, outcomeNotSent, now); err != nil {
			return err
		}
		duplicate := a.duplicate
		r.open = nil
		switch {
		case duplicate: // the network refuses these words, and they are not there
			d.fail(tx, r, because(whyDuplicate))
		case r.exhausted(now):
			d.fail(tx, r, v.reason.in(whyExhausted))
		default:
			d.again(tx, r, v, now)
		}
		return nil
	case foundNothing:
		d.lost(tx, r, v.reason.in(whyUnreadable))
		return saveAttempt(ctx, tx, *r, *a)
	}
	a.again = v.found == foundAgain && !r.looking
	switch {
	case !v.absent:
		a.absent = time.Time{}
	case a.absent.IsZero():
		a.absent = now
	}
	r.due, r.reason = later(v.until, now.Add(pause(a.looks, int64(r.id)))), v.reason.in(whyProving)
	if a.again || v.absent {
		r.due = later(v.until, now)
	}
	return saveAttempt(ctx, tx, *r, *a)
}

// stands stores that the step of the open attempt is on the network.
func (d *Delivery) stands(ctx context.Context, tx *db.Tx, r *row, v verdict) error {
	now := d.clock.Now()
	i := r.open.step
	if err := closeAttempt(ctx, tx, *r, *r.open, outcomeSent, now); err != nil {
		return err
	}
	r.open = nil
	return d.completed(ctx, tx, r, i, v.delivery, now)
}

// completed marks step i as done and stores the parts it made public.
func (d *Delivery) completed(ctx context.Context, tx *db.Tx, r *row, i int, got network.Delivery, now time.Time) error {
	if r.state == Unknown {
		d.enter(tx, r, Sending, d.self(*r), "delivery.sending")
	}
	step := &r.plan.Steps[i]
	step.Done = &got.Ref
	r.progress[i] = done
	r.untroubled()
	if step.Kind != network.Create {
		return nil
	}
	at := got.At
	if at.IsZero() || at.After(now) {
		at = now
	}
	for n, index := range partsOf(r.plan, i) {
		p := Part{Index: index, At: at}
		switch {
		case n < len(got.Parts):
			p.Ref = got.Parts[n]
		case n == 0:
			p.Ref = got.Ref
		default:
			d.out.Warn("a connector did not say where a part stands", "delivery", r.id, "part", index)
		}
		if err := insertPart(ctx, tx, *r, p); err != nil {
			return err
		}
		r.parts, r.untold = r.parts+1, r.untold+1
	}
	return nil
}

// partsOf are the parts of the draft that step i makes public. A connector with
// one part a step may leave them out.
func partsOf(p network.Plan, i int) []int {
	if len(p.Steps[i].Parts) > 0 {
		return p.Steps[i].Parts
	}
	n := 0
	for _, s := range p.Steps[:i] {
		if s.Kind == network.Create {
			n++
		}
	}
	return []int{n}
}

// tell hands what stands on the network to the capability it belongs to. When
// that was all, the delivery is sent, for good.
func (d *Delivery) tell(ctx context.Context, tx *db.Tx, r *row) error {
	parts, err := loadParts(ctx, tx, r.workspace, r.id, true)
	if err != nil {
		return err
	}
	rec, err := r.record(parts)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if p.Ref.ID == "" || d.stored == nil {
			continue
		}
		if err := d.stored(ctx, tx, rec, p.Index, p.Ref, p.At); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update delivery_part set told = $1 where workspace = $2 and delivery = $3 and told = 0`,
		db.Micros(d.clock.Now()), r.workspace, r.id); err != nil {
		return err
	}
	r.untold = 0
	for _, p := range r.progress {
		if p != done {
			return nil
		}
	}
	return d.finish(ctx, tx, r, Sent, d.self(*r), "delivery.sent")
}

// notPlanned stores why Plan gave no plan. Nothing was written.
func (d *Delivery) notPlanned(tx *db.Tx, r *row, v verdict) {
	now := d.clock.Now()
	switch {
	case v.found == foundWait:
		r.untroubled()
		r.due, r.reason = later(v.until, now.Add(pause(5, int64(r.id)))), v.reason
	case v.found == foundAbsent && r.exhausted(now):
		d.fail(tx, r, v.reason.in(whyExhausted))
	case v.found == foundAbsent:
		d.again(tx, r, v, now)
	default:
		d.fail(tx, r, v.reason)
	}
}

// again waits before the same is tried again.
func (d *Delivery) again(tx *db.Tx, r *row, v verdict, now time.Time) {
	n := 1
	if r.trouble == transient {
		n = r.tries + 1
	}
	r.wait(transient, now, later(v.until, now.Add(pause(n, int64(r.id)))), v.reason.in(whyTransient))
}

// fail ends it: certainly not said, or not all of it.
func (d *Delivery) fail(tx *db.Tx, r *row, why reason) {
	r.untroubled()
	r.reason = why
	d.enter(tx, r, Failed, d.self(*r), "delivery.failed")
}

// lost ends it with a question for a member. The attempt stays open: a late
// answer, a member, or looking again may still settle it.
func (d *Delivery) lost(tx *db.Tx, r *row, why reason) {
	if why.evidence == "" && r.open != nil {
		why.evidence = r.open.detail
	}
	r.untroubled()
	r.reason = why
	if r.state != Unknown {
		d.enter(tx, r, Unknown, d.self(*r), "delivery.unknown")
	}
}

// enter changes the state and records it.
func (d *Delivery) enter(tx *db.Tx, r *row, s State, a actor.Actor, verb string) {
	r.state, r.changed = s, d.clock.Now()
	d.record(tx, a, verb, *r)
}

// finish enters a final state: no plan is left that could be sent, and of those
// who were answered no more than the reference is kept.
func (d *Delivery) finish(ctx context.Context, tx *db.Tx, r *row, s State, a actor.Actor, verb string) error {
	if s != Discarded { // why it was given up stays to be seen
		r.untroubled()
	}
	r.plan, r.progress = network.Plan{}, nil
	if err := r.strip(); err != nil {
		return err
	}
	if d.media != nil {
		if err := d.media.ReleaseAll(ctx, tx, r.workspace, "delivery", r.id); err != nil {
			return err
		}
	}
	d.enter(tx, r, s, a, verb)
	return nil
}

// untroubled forgets why it had to wait.
func (r *row) untroubled() {
	r.trouble, r.since, r.tries, r.due, r.reason = noTrouble, time.Time{}, 0, time.Time{}, reason{}
}

// wait comes back at due because of t.
func (r *row) wait(t trouble, now, due time.Time, why reason) {
	if r.trouble != t {
		r.trouble, r.since, r.tries = t, now, 0
	}
	r.tries++
	r.due, r.reason = due, why
}

// exhausted reports that it was tried in vain for retryFor.
func (r row) exhausted(now time.Time) bool {
	return r.trouble == transient && !now.Before(r.since.Add(retryFor))
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// evidence is what the operator wants to see of an answer.
func evidence(v verdict) string {
	if v.reason.evidence != "" {
		return v.reason.evidence
	}
	return cleaned(v.delivery.Evidence)
}
