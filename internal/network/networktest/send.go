package networktest

import (
	"bytes"
	"errors"
	"time"

	"parley/internal/network"
)

// proofs is how often a lost answer is asked for before it counts as Unknown.
const proofs = 6

// draft is one thing a case sends, by name.
type draft struct {
	name string
	make func(*rig) (network.Draft, bool) // false: not granted
}

// drafts the cases about lost answers are run with.
var drafts = []draft{
	{"post", func(r *rig) (network.Draft, bool) {
		if !r.needs(network.CanPost) {
			return network.Draft{}, false
		}
		return r.post(), true
	}},
	{"reply", func(r *rig) (network.Draft, bool) {
		if !r.needs(network.CanReply) {
			return network.Draft{}, false
		}
		return r.reply(), true
	}},
}

// sending is one plan on its way, as delivery would keep it.
type sending struct {
	*rig
	plan  network.Plan
	first map[int][]sent // what the first Do of each create step sent
	state []network.State
}

// begin plans a draft; Plan must not write.
func (r *rig) begin(d network.Draft) *sending {
	r.tb.Helper()
	p, err := r.tryPlan(d)
	if err != nil {
		r.fatalf("Plan: %v", err)
	}
	return r.resume(p)
}

func (r *rig) resume(p network.Plan) *sending {
	return &sending{rig: r, plan: p, first: map[int][]sent{}, state: make([]network.State, len(p.Steps))}
}

// tryPlan plans and stores; an error is checked and returned.
func (r *rig) tryPlan(d network.Draft) (network.Plan, error) {
	r.tb.Helper()
	var p network.Plan
	var err error
	r.quiet("Plan", func() { p, err = r.publisher().Plan(r.ctx, r.acct, d) })
	if err != nil {
		r.checkError("Plan", err, false)
		return p, err
	}
	if p.Key == "" {
		r.errorf("the plan has no Key")
	}
	creates := 0
	for i, s := range p.Steps {
		switch s.Kind {
		case network.Create:
			creates++
		case network.Upload:
		default:
			r.errorf("step %d is of no known kind: %q", i, s.Kind)
		}
		for _, a := range s.After {
			if a >= i || a < 0 {
				r.errorf("step %d waits for step %d, which does not come before it", i, a)
			}
		}
	}
	if creates == 0 {
		r.fatalf("the plan makes nothing public: %d steps", len(p.Steps))
	}
	return stored(r.tb, p), nil
}

// do performs step i in a fresh process and checks what left.
func (s *sending) do(i int) (network.Delivery, error) {
	s.tb.Helper()
	before := s.wire.len()
	d, err := s.publisher().Do(s.ctx, s.acct, s.plan, i)
	var writes []sent
	for _, q := range s.wire.since(before) {
		if q.write() {
			writes = append(writes, q)
		}
	}
	if len(writes) > 1 {
		s.errorf("invariant 4: one Do of step %d sent %d writes: %s %s, %s %s…", i, len(writes),
			writes[0].Method, writes[0].Path, writes[1].Method, writes[1].Path)
	}
	if s.plan.Steps[i].Kind == network.Create && len(writes) > 0 {
		s.same(i, writes)
	}
	if err != nil {
		s.checkError("Do", err, true)
	} else {
		s.settled(i, d)
	}
	return d, err
}

// same compares a repeated Do with the first, byte for byte.
func (s *sending) same(i int, writes []sent) {
	s.tb.Helper()
	first, ok := s.first[i]
	if !ok {
		s.first[i] = writes
		return
	}
	a, b := first[0], writes[0]
	if a.Method != b.Method || a.Path != b.Path || a.Key != b.Key || !bytes.Equal(a.Body, b.Body) {
		s.errorf("invariant 5: a repeated Do of step %d sent other bytes:\n first %s %s key=%q %s\n again %s %s key=%q %s",
			i, a.Method, a.Path, a.Key, clip(a.Body), b.Method, b.Path, b.Key, clip(b.Body))
	}
}

// settled takes over what Do or Prove said.
func (s *sending) settled(i int, d network.Delivery) {
	s.tb.Helper()
	switch d.State {
	case network.Sent:
		if d.Ref.ID == "" {
			s.errorf("step %d is Sent without a Ref", i)
		}
		s.done(i, d.Ref)
	case network.Pending:
		if d.Ref.ID != "" {
			s.done(i, d.Ref)
		}
	case network.NotSent, network.Unknown:
	default:
		s.errorf("step %d has no known state: %q", i, d.State)
	}
	s.state[i] = d.State
}

// done saves what a step has made; a fresh process finds it in the plan.
func (s *sending) done(i int, ref network.Ref) {
	s.plan.Steps[i].Done = &ref
	s.plan = stored(s.tb, s.plan)
}

// prove asks until step i is Sent or NotSent, or asking is of no use: a fresh
// process each time, the clock moved on as the connector asks, nothing written.
func (s *sending) prove(i int) network.Delivery {
	s.tb.Helper()
	var d network.Delivery
	for range proofs {
		var err error
		s.quiet("Prove", func() { d, err = s.publisher().Prove(s.ctx, s.acct, s.plan, i) })
		wait := d.PollAfter
		if err != nil {
			s.checkError("Prove", err, false)
			d = network.Delivery{State: network.Unknown}
		} else {
			s.settled(i, d)
		}
		if d.State == network.Sent || d.State == network.NotSent {
			return d
		}
		if wait <= 0 {
			wait = time.Minute
		}
		s.clock.Advance(wait)
	}
	return d
}

// step brings step i to its end the way delivery does: Do; when the answer is
// lost, Prove; when it is proved that nothing was kept, Do again; when it can't
// be told but a repeat is harmless (ProofKey, ProofID), Do again.
func (s *sending) step(i int) error {
	s.tb.Helper()
	for range 2 * proofs {
		d, err := s.do(i)
		if network.KindOf(err) == network.Ambiguous || network.KindOf(err) == network.Duplicate {
			d = s.prove(i)
			if d.State == network.Unknown && !s.repeatable(i) {
				s.state[i] = network.Unknown
				return err
			}
			err = nil
		}
		switch {
		case err != nil:
			s.state[i] = network.NotSent
			return err
		case d.State == network.Sent:
			return nil
		case d.State == network.Pending:
			if d.PollAfter <= 0 {
				s.errorf("step %d is Pending without PollAfter", i)
			}
			s.clock.Advance(max(d.PollAfter, time.Second))
		}
	}
	return errors.New("no end was reached")
}

// repeatable reports a step whose repeat cannot double anything.
func (s *sending) repeatable(i int) bool {
	p := s.plan.Steps[i].Proof
	return s.plan.Steps[i].Kind == network.Upload || p == network.ProofKey || p == network.ProofID
}

// all brings every step to its end, stopping at the first error.
func (s *sending) all() error {
	s.tb.Helper()
	for i := range s.plan.Steps {
		if s.state[i] == network.Sent {
			continue
		}
		if err := s.step(i); err != nil {
			return err
		}
	}
	return nil
}

// create is the index of the first step that makes something public, with
// everything before it done.
func (s *sending) create() int {
	s.tb.Helper()
	for i, st := range s.plan.Steps {
		if st.Kind == network.Create {
			return i
		}
		if s.state[i] == network.Sent {
			continue
		}
		if err := s.step(i); err != nil {
			s.fatalf("preparing step %d: %v", i, err)
		}
	}
	s.fatalf("the plan has no create step")
	return 0
}

// reply is a draft that answers a stranger's message, as polled.
func (r *rig) reply() network.Draft {
	r.tb.Helper()
	d := r.post()
	asked := r.hear(r.stranger())
	d.ReplyTo = &asked
	d.Parts[0].Visibility = asked.Visibility
	d.Parts[0].Keep = []network.Person{asked.Author}
	return d
}

// clip shortens bytes for a message.
func clip(b []byte) []byte {
	if len(b) > 300 {
		return append(append([]byte(nil), b[:300]...), "…"...)
	}
	return b
}
