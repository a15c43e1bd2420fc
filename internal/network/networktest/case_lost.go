package networktest

import (
	"fmt"
	"time"

	"parley/internal/network"
)

// caseCommitThenCut is a: the write is kept, the answer lost.
func caseCommitThenCut(s *suite) {
	for _, d := range drafts {
		r := s.rig(d.name)
		draft, ok := d.make(r)
		if !ok {
			continue
		}
		r.lostAfterCommit(draft, Fault{Op: OpCreate, Commit: true, Cut: true})
	}
	for _, d := range drafts {
		r := s.rig(d.name + ", asked a day later")
		if draft, ok := d.make(r); ok {
			r.lostForADay(draft)
		}
	}
}

// lostForADay: the process was down while keys were forgotten and tokens
// expired; what was sent is still sent once.
func (r *rig) lostForADay(draft network.Draft) {
	r.tb.Helper()
	snd := r.begin(draft)
	i := snd.create()
	r.fake.Inject(Fault{Op: OpCreate, Commit: true, Cut: true})
	if _, err := snd.do(i); network.KindOf(err) != network.Ambiguous {
		r.errorf("after the answer was lost, Do says %v, want Ambiguous", err)
	}
	r.clock.Advance(26 * time.Hour)
	r.renew()
	if got := snd.prove(i); got.State != network.Sent {
		if snd.plan.Steps[i].Proof == network.ProofNone {
			return
		}
		if err := snd.step(i); err != nil {
			r.errorf("going on a day later: %v", err)
		}
	}
	if n := len(r.creates()); n != max(1, len(snd.plan.Steps[i].Parts)) {
		r.errorf("a day after the answer was lost the ledger holds %d posts: %s", n, list(r.creates()))
	}
}

// renew refreshes the account's secret where it has expired.
func (r *rig) renew() {
	r.tb.Helper()
	until := r.acct.Secret.ExpiresAt
	ref, ok := r.fresh().(network.Refresher)
	if !ok || until.IsZero() || r.clock.Now().Before(until) {
		return
	}
	s, err := ref.Refresh(r.ctx, r.acct)
	if err != nil {
		r.fatalf("refreshing an expired secret: %v", err)
	}
	r.acct.Secret = s
}

// lostAfterCommit sends a draft whose first create is struck by a fault that
// keeps the write, and requires that the truth is found.
func (r *rig) lostAfterCommit(draft network.Draft, f Fault) {
	r.tb.Helper()
	snd := r.begin(draft)
	i := snd.create()
	before := len(r.creates())
	r.fake.Inject(f)
	d, err := snd.do(i)
	if k := network.KindOf(err); k != network.Ambiguous {
		r.errorf("after the answer was lost, Do says %q (state %q, err %v), want Ambiguous", k, d.State, err)
	}
	if n := len(r.creates()) - before; n != max(1, len(snd.plan.Steps[i].Parts)) {
		r.errorf("one Do with one lost answer left %d writes in the ledger", n)
	}
	got := snd.prove(i)
	none := snd.plan.Steps[i].Proof == network.ProofNone
	switch {
	case got.State == network.Sent && !none:
	case got.State == network.Unknown && none:
		return
	case got.State == network.Unknown && snd.plan.Steps[i].Proof == network.ProofKey:
		// The key still answers: a repeat is the proof.
		if err := snd.step(i); err != nil {
			r.errorf("repeating with the same key: %v", err)
		}
	default:
		r.errorf("the write was kept and its answer lost: Prove says %q with proof %q", got.State, snd.plan.Steps[i].Proof)
	}
	if err := snd.all(); err != nil {
		r.errorf("going on after the proof: %v", err)
	}
	snd.ledger()
}

// caseCutBeforeCommit is b: nothing was kept.
func caseCutBeforeCommit(s *suite) {
	for _, d := range drafts {
		r := s.rig(d.name + ", dial fails")
		if draft, ok := d.make(r); ok {
			r.dialFails(draft)
		}
		r = s.rig(d.name + ", cut after bytes left")
		if draft, ok := d.make(r); ok {
			r.lostBeforeCommit(draft)
		}
	}
	if r := s.rig("the same words were said before"); r.speaks() {
		r.saidBefore()
	}
}

// saidBefore: the same words went out an hour ago as another draft. That post
// proves nothing about this one.
func (r *rig) saidBefore() {
	r.tb.Helper()
	first := r.speech()
	if err := r.begin(first).all(); err != nil {
		r.fatalf("sending: %v", err)
	}
	r.clock.Advance(time.Hour)
	again := r.speech()
	again.Parts[0].Text = first.Parts[0].Text
	snd := r.begin(again)
	i := snd.create()
	r.fake.Inject(Fault{Op: OpCreate, Cut: true})
	_, _ = snd.do(i) // its own checks are made in do
	if got := snd.prove(i); got.State == network.Sent {
		r.errorf("nothing was kept, but Prove takes an older post of the same words for it: %s", got.Ref.ID)
	}
	if snd.plan.Steps[i].Proof == network.ProofNone {
		return
	}
	if err := snd.all(); err != nil {
		r.errorf("sending: %v", err)
	}
	if n := len(r.creates()); n != 2 {
		r.errorf("two drafts of the same words made %d posts: %s", n, list(r.creates()))
	}
}

// dialFails: not a byte left, so it was certainly not sent.
func (r *rig) dialFails(draft network.Draft) {
	r.tb.Helper()
	snd := r.begin(draft)
	i := snd.create()
	before := len(r.creates())
	mend := r.wire.cut()
	_, err := snd.do(i)
	mend()
	if err == nil {
		r.fatalf("the network cannot be reached, but Do reports no error")
	}
	if network.KindOf(err) == network.Ambiguous {
		r.errorf("dialing did not succeed, so nothing was sent; Do says Ambiguous: %v", err)
	}
	if n := len(r.creates()) - before; n != 0 {
		r.errorf("the ledger holds %d writes although nothing left", n)
	}
	if err := snd.all(); err != nil {
		r.errorf("the second Do: %v", err)
	}
	snd.ledger()
}

func (r *rig) lostBeforeCommit(draft network.Draft) {
	r.tb.Helper()
	snd := r.begin(draft)
	i := snd.create()
	r.fake.Inject(Fault{Op: OpCreate, Cut: true})
	_, err := snd.do(i)
	if k := network.KindOf(err); k != network.Ambiguous {
		r.errorf("the connection was cut after bytes had left: Do says %q (%v), want Ambiguous", k, err)
	}
	got := snd.prove(i)
	proof := snd.plan.Steps[i].Proof
	switch {
	case proof == network.ProofNone && got.State == network.Unknown:
		return
	case proof == network.ProofKey && got.State == network.Unknown:
	case got.State != network.NotSent:
		r.errorf("nothing was kept: Prove says %q with proof %q", got.State, proof)
	}
	if err := snd.all(); err != nil {
		r.errorf("the second Do: %v", err)
	}
	snd.ledger()
}

// caseServerError is c: the write is kept, but the answer is an error or broken.
func caseServerError(s *suite) {
	broken := []Fault{
		{Status: 500, Body: []byte(`{"error":"Internal Server Error"}`)},
		{Status: 502, Body: []byte("<html><title>502 Bad Gateway</title></html>")},
		{Status: 503, Body: []byte(`{"error":"temporary problem"}`)},
		{Status: 200, Body: []byte(`{"id":`)},
		{Status: 200},
	}
	for _, f := range broken {
		f.Op, f.Commit = OpCreate, true
		for _, d := range drafts {
			r := s.rig(fmt.Sprintf("%s, answered %d %q", d.name, f.Status, clip(f.Body)))
			if draft, ok := d.make(r); ok {
				r.lostAfterCommit(draft, f)
			}
		}
	}
	caseReadError(s)
}

// caseReadError: a failing read is only Transient, and the next one is complete.
func caseReadError(s *suite) {
	for _, f := range []Fault{
		{Status: 500}, {Status: 502, Body: []byte("<html>Bad Gateway</html>")}, {Status: 503}, {Cut: true},
		{Status: 200, Body: []byte(`{"x":[`)},
	} {
		f.Op = OpPoll
		r := s.rig(fmt.Sprintf("poll, answered %d %q cut=%v", f.Status, f.Body, f.Cut))
		for _, feed := range r.caps.Feeds {
			in := r.inbox()
			ref := r.fake.Say(r.stranger())
			r.fake.Inject(f)
			_, err := in.poll(feed)
			// net/http may repeat a read by itself when a kept connection dies.
			if again := f.Cut && err == nil; !again && network.KindOf(err) != network.Transient {
				r.errorf("Poll %s says %q (%v), want Transient", feed, network.KindOf(err), err)
			}
			in.drain()
			if _, ok := in.store.post(ref.ID); !ok && feed != network.Own {
				r.errorf("after a failing read of %s, %s never arrived", feed, ref.ID)
			}
		}
	}
}
