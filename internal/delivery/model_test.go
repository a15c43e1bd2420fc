package delivery

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/problem"
)

// The model runs deliveries on a network that fails, in processes that are
// killed, frozen and woken, several at once, while members decide and pauses come
// and go. Handlers are coroutines: each stops at every named point and on both
// sides of every request, and one at a time goes on, so that a run is decided by
// its choices alone and the database never sees two of them at once.

// chooser makes a run's choices: rapid's, or a seeded source for the mutants.
type chooser func(what string, n int) int

type model struct {
	*desk
	choose chooser

	deliveries []id.ID
	parts      map[id.ID]int
	handlers   []*handler
	ended      map[id.ID]State
	paused     bool
	likely     []string // names of the mishaps that happen; nil: any
	quiet      int      // what the ledger held at once when the pause was confirmed; -1: it is not
	trace      []string
}

// violation is a broken promise; the model panics with it.
type violation string

func (m *model) Helper() {}

func (m *model) Fatalf(format string, args ...any) { panic(violation(fmt.Sprintf(format, args...))) }

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// handler is one run of a job in a process of its own.
type handler struct {
	delivery id.ID
	job      job.Job
	resume   chan bool   // false kills it
	stopped  chan string // where it stands; "" once it is over
	at       string
}

// At stops the handler until the model lets it go on.
func (h *handler) At(point string) {
	h.stopped <- point
	if !<-h.resume {
		runtime.Goexit()
	}
}

// begin starts another process on the delivery's job, whoever has it now.
func (m *model) begin(delivery id.ID) {
	j, ok := m.claim(m, delivery)
	if !ok {
		if s := m.row(m, delivery).state; s.Moving() {
			m.Fatalf("delivery %s is %s, and no job carries it on", delivery, s)
		}
		return
	}
	h := &handler{delivery: delivery, job: j, resume: make(chan bool), stopped: make(chan string)}
	d := m.process(h, actingStage{m.stage, h})
	go func() {
		defer func() { h.stopped <- "" }()
		err := d.run(context.Background(), j)
		m.finish(m, j, err)
	}()
	m.handlers = append(m.handlers, h)
	m.wait(h)
}

// wait lets the handler run to its next stop.
func (m *model) wait(h *handler) {
	h.at = <-h.stopped
	m.note("  %s at %q", h.delivery, h.at)
	if h.at == "" {
		for i := range m.handlers {
			if m.handlers[i] == h {
				m.handlers = append(m.handlers[:i:i], m.handlers[i+1:]...)
				break
			}
		}
	}
}

func (m *model) step(h *handler, on bool) {
	m.note("%s goes on: %v", h.delivery, on)
	h.resume <- on
	m.wait(h)
}

// actingStage stops a handler on both sides of a request that writes.
type actingStage struct {
	*stage
	h *handler
}

func (s actingStage) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	if p.Steps[i].Kind == network.Create {
		s.h.At("request")
	}
	d, err := s.stage.Do(ctx, a, p, i)
	if p.Steps[i].Kind == network.Create {
		s.h.At("answer")
	}
	return d, err
}

// newRun puts a fresh network on an old database. proof "" is any.
func newRun(k *desk, proof network.Proof, choose chooser) *model {
	m := &model{desk: k, choose: choose, parts: map[id.ID]int{}, ended: map[id.ID]State{}, quiet: -1}
	if proof == "" {
		proofs := []network.Proof{network.ProofReadback, network.ProofKey, network.ProofID, network.ProofContainer, network.ProofNone}
		proof = proofs[choose("proof", len(proofs))]
	}
	m.perform(proof)
	m.stage.media, m.stage.whole = choose("media", 3) == 0, choose("whole", 3) == 0
	m.note("proof %s, media %v, whole %v", m.stage.proof, m.stage.media, m.stage.whole)
	m.fence = func(context.Context, *db.Tx, id.ID, id.ID) error {
		if m.paused {
			return problem.New(problem.Conflict, "publish.paused")
		}
		return nil
	}
	return m
}

// run makes n choices, checks after each, then ends all trouble and requires that
// everything is settled.
func (m *model) run(n int) {
	defer m.killAll()
	m.accept()
	for range n {
		m.act()
		m.check()
	}
	m.recover()
	m.check()
}

func (m *model) killAll() {
	for len(m.handlers) > 0 {
		m.step(m.handlers[0], false)
	}
}

func (m *model) accept() {
	n := 1 + m.choose("parts", 2)
	one := m.reply(m, n)
	m.deliveries, m.parts[one] = append(m.deliveries, one), n
	m.note("accept %s with %d parts", one, n)
}

func (m *model) act() {
	switch c := m.choose("act", 20); {
	case c < 8 && len(m.handlers) > 0:
		m.step(m.handlers[m.choose("handler", len(m.handlers))], true)
	case c < 12:
		if len(m.handlers) < 3 {
			m.begin(m.deliveries[m.choose("delivery", len(m.deliveries))])
		}
	case c < 13 && len(m.handlers) > 0:
		m.step(m.handlers[m.choose("handler", len(m.handlers))], false)
	case c < 16:
		m.trouble()
	case c < 18:
		ticks := []time.Duration{time.Second, 10 * time.Second, 61 * time.Second, 2 * time.Minute, 11 * time.Minute, 50 * time.Minute}
		d := ticks[m.choose("tick", len(ticks))]
		m.note("%v pass", d)
		m.clock.Advance(d)
	case c < 19:
		m.decide(m.deliveries[m.choose("delivery", len(m.deliveries))])
	case len(m.deliveries) < 2 && m.choose("accept or pause", 2) == 0:
		m.accept()
	default:
		m.paused = !m.paused
		m.note("paused: %v", m.paused)
	}
}

// mishap is one thing that may go wrong.
type mishap struct {
	name, op string
	f        fault
}

func (m *model) troubles() []mishap {
	lost := refusal(network.Ambiguous)
	back := &network.Error{Kind: network.RateLimited, RetryAt: m.clock.Now().Add(5 * time.Minute)}
	state := func(s network.State) network.Delivery { return network.Delivery{State: s, PollAfter: time.Minute} }
	return []mishap{
		{"kept and lost", "create", fault{keep: true, err: lost}},
		{"not kept and lost", "create", fault{err: lost}},
		{"kept late and lost", "create", fault{keep: true, late: 20 * time.Second, err: lost}},
		{"kept, no kind", "create", fault{keep: true, err: errUnmarked}},
		{"not kept, no kind", "create", fault{err: errUnmarked}},
		{"kept, unknown", "create", fault{keep: true, answer: state(network.Unknown)}},
		{"not sent", "create", fault{answer: state(network.NotSent)}},
		{"not ready", "create", fault{answer: state(network.Pending)}},
		{"unreachable", "create", fault{err: refusal(network.Transient)}},
		{"too fast", "create", fault{err: back}},
		{"not allowed", "create", fault{err: refusal(network.Policy)}},
		{"token dead", "create", fault{err: refusal(network.Auth)}},
		{"said before", "create", fault{err: refusal(network.Duplicate)}},
		{"upload lost", "upload", fault{err: lost}},
		{"upload refused", "upload", fault{err: refusal(network.BadMedia)}},
		{"upload not ready", "upload", fault{answer: network.Delivery{State: network.Pending, Ref: network.Ref{ID: "m"}}}},
		{"no plan now", "plan", fault{err: refusal(network.Transient)}},
		{"no plan ever", "plan", fault{err: refusal(network.Gone)}},
		{"unreadable", "prove", fault{err: refusal(network.Transient)}},
		{"read too fast", "prove", fault{err: back}},
		{"read, no idea", "prove", fault{answer: state(network.Unknown)}},
	}
}

// trouble arms one fault.
func (m *model) trouble() {
	all := m.troubles()
	if len(m.likely) > 0 {
		all = slices.DeleteFunc(all, func(t mishap) bool { return !slices.Contains(m.likely, t.name) })
	}
	c := all[m.choose("trouble", len(all))]
	m.note("trouble: %s", c.name)
	m.stage.inject(c.op, c.f)
}

// decide is a member who looks, tells the truth, and does one thing.
func (m *model) decide(delivery id.ID) {
	v := decisions[notThere]
	r := m.row(m, delivery)
	switch {
	case r.state != Unknown:
		v = decisions[m.choose("decision", len(decisions))]
	case m.stands(delivery, r):
		v = decisions[isThere]
	}
	err := v.do(m.plain(), context.Background(), ana(), delivery)
	m.note("%s of %s: %v", v.name, delivery, err)
	if p := (*problem.Problem)(nil); err != nil && (!errors.As(err, &p) || p.Kind != problem.Conflict) {
		m.Fatalf("%s: %v", v.name, err)
	}
}

// stands says whether the step that is unknown is on the network.
func (m *model) stands(delivery id.ID, r row) bool {
	if r.open == nil {
		return false
	}
	return m.stage.count(delivery.String(), partsOf(r.plan, r.open.step)[0]) > 0
}

// check is what must be true at every moment.
func (m *model) check() {
	m.stage.settle()
	underWay := 0
	for _, one := range m.deliveries {
		r := m.row(m, one)
		m.checkOne(one, r)
		if r.open != nil && r.open.ended.IsZero() {
			underWay++
		}
	}
	switch {
	case !m.paused:
		m.quiet = -1
	case m.quiet >= 0 && m.stage.direct != m.quiet:
		m.Fatalf("%d parts left after the pause was confirmed", m.stage.direct-m.quiet)
	case underWay == 0:
		m.quiet = m.stage.direct
	}
}

func (m *model) checkOne(one id.ID, r row) {
	standing := 0
	for part := range m.parts[one] {
		n := m.stage.count(one.String(), part)
		if n > 1 {
			m.Fatalf("part %d of %s was said %d times", part, one, n)
		}
		standing += n
	}
	if was, ok := m.ended[one]; ok && was != r.state {
		m.Fatalf("%s was %s for good, and is now %s", one, was, r.state)
	}
	if r.state.Final() {
		m.ended[one] = r.state
	}
	switch {
	case r.state == Sent && standing != m.parts[one]:
		m.Fatalf("%s is sent, but only %d of %d parts stand", one, standing, m.parts[one])
	case r.state == CalledBack && standing != 0:
		m.Fatalf("%s is called back, but %d parts stand", one, standing)
	case r.state == Failed && standing != r.parts:
		m.Fatalf("%s failed with %d parts, but %d stand", one, r.parts, standing)
	case r.state == Failed && r.open != nil:
		m.Fatalf("%s failed, but nobody knows what became of its request", one)
	case r.state == Unknown && r.open == nil:
		m.Fatalf("%s is unknown, but no request is", one)
	case r.state == Unknown && !m.unreadable(one):
		m.Fatalf("%s is unknown, although it could be found out", one)
	case r.state.Final() && len(r.plan.Steps) > 0:
		m.Fatalf("%s is %s and still has a plan", one, r.state)
	}
	for told, n := range m.told {
		if n > 1 {
			m.Fatalf("Stored heard of %s %d times", told, n)
		}
	}
}

// unreadable says whether the network gave a reason not to know.
func (m *model) unreadable(one id.ID) bool {
	hit := m.stage.hit[one.String()]
	switch m.stage.proof {
	case network.ProofNone:
		return true
	case network.ProofKey: // only repeats tell, and they may be lost too
		return hit["prove"] > 0 || hit["create"] > 1
	}
	return hit["prove"] > 0
}

// recover ends all trouble: whatever was accepted comes to its end, with the help
// of a member who tells the truth.
func (m *model) recover() {
	m.note("all trouble ends")
	m.killAll()
	m.stage.calm()
	m.paused = false
	m.clock.Advance(time.Hour)
	for _, one := range m.deliveries {
		for range 5 {
			r := m.settle(m, one)
			m.note("%s is %s because of %q", one, r.State, why(r))
			m.check()
			if r.State.Final() || why(r) == whyRest {
				break
			}
			var err error
			if r.State == Failed {
				err = m.plain().Retry(context.Background(), ana(), one)
			} else {
				err = m.plain().Settle(context.Background(), ana(), one, Finding{There: m.stands(one, m.row(m, one))})
			}
			if err != nil {
				m.Fatalf("%s is %s: %v", one, r.State, err)
			}
		}
		if r := m.get(m, one); !r.State.Final() && why(r) != whyRest {
			m.Fatalf("%s is still %s because of %q", one, r.State, why(r))
		}
	}
}

// frozenAndWoken freezes a process where it stands for a while, lets others carry
// its delivery to the end, and wakes it.
func (m *model) frozenAndWoken(stop string, slept time.Duration) {
	defer m.killAll()
	one := m.reply(m, 1)
	m.deliveries, m.parts[one] = append(m.deliveries, one), 1
	m.begin(one)
	for len(m.handlers) > 0 && m.handlers[0].at != stop {
		m.step(m.handlers[0], true)
	}
	m.clock.Advance(slept)
	for range 2 {
		if m.settle(m, one).State == Unknown {
			m.decide(one)
		}
		m.check()
	}
	for len(m.handlers) > 0 {
		m.step(m.handlers[0], true)
		m.check()
	}
	if r := m.settle(m, one); r.State != Sent {
		m.Fatalf("%s is %s because of %q", one, r.State, why(r))
	}
	m.check()
}
