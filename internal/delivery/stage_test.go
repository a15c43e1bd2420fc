package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
)

// stage is a network in memory that misbehaves as told and keeps the truth.
type stage struct {
	clock *clock.Fake
	proof network.Proof // of its create steps
	media bool          // each part has an upload
	whole bool          // one create makes all parts public

	mu     sync.Mutex
	ledger []kept
	late   []kept // the server will keep these at their time
	faults map[string][]fault
	hit    map[string]map[string]int // delivery, operation: faults it met
	before func(ctx context.Context) // a create is about to reach the server
	after  func()                    // the server kept it, its answer is not read yet
	direct int                       // how often something was kept at once
}

// kept is one part the network shows.
type kept struct {
	delivery, key string
	part          int
	ref           network.Ref
	at            time.Time
}

// fault is one misbehaviour.
type fault struct {
	keep   bool          // the server keeps the write all the same
	late   time.Duration // but only after this
	answer network.Delivery
	err    error
	panics bool
}

const keyForgotten = time.Hour // how long the stage knows a key

// frozen is the body of a create step.
type frozen struct {
	Delivery string
	Planned  time.Time
}

func (s *stage) Describe(context.Context, network.Account) (network.Capabilities, error) {
	return network.Capabilities{}, nil
}

func (s *stage) Info() network.Info { return network.Info{Name: "stage"} }

// inject arms faults, each spent once.
func (s *stage) inject(op string, fs ...fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults == nil {
		s.faults = map[string][]fault{}
	}
	s.faults[op] = append(s.faults[op], fs...)
}

func (s *stage) calm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *stage) take(op, delivery string) (fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fs := s.faults[op]
	if len(fs) == 0 {
		return fault{}, false
	}
	s.faults[op] = fs[1:]
	if s.hit == nil {
		s.hit = map[string]map[string]int{}
	}
	if s.hit[delivery] == nil {
		s.hit[delivery] = map[string]int{}
	}
	s.hit[delivery][op]++
	return fs[0], true
}

func (s *stage) Plan(_ context.Context, _ network.Account, d network.Draft) (network.Plan, error) {
	name, _, _ := strings.Cut(d.Key, ".")
	if f, ok := s.take("plan", name); ok {
		return network.Plan{}, f.err
	}
	p := network.Plan{Key: d.Key}
	body, err := json.Marshal(frozen{name, s.clock.Now()})
	if err != nil {
		return p, err
	}
	create := func(parts []int, after []int) {
		key := fmt.Sprintf("%s/%d", d.Key, parts[0])
		p.Steps = append(p.Steps, network.Step{Kind: network.Create, Key: key, WantID: key, Proof: s.proof, Body: body, Parts: parts, After: after})
	}
	var all, after []int
	for i := range d.Parts {
		if s.media {
			p.Steps = append(p.Steps, network.Step{Kind: network.Upload, Proof: network.ProofNone, Body: body})
			after = append(after, len(p.Steps)-1)
		}
		all = append(all, i)
		if !s.whole {
			create([]int{i}, after)
			after = []int{len(p.Steps) - 1}
		}
	}
	if s.whole {
		create(all, after)
	}
	return p, nil
}

func (s *stage) Do(ctx context.Context, _ network.Account, p network.Plan, i int) (network.Delivery, error) {
	step := p.Steps[i]
	for _, before := range step.After {
		if p.Steps[before].Done == nil {
			panic(fmt.Sprintf("step %d is done before step %d", i, before))
		}
	}
	var b frozen
	if err := json.Unmarshal(step.Body, &b); err != nil {
		panic(err)
	}
	if step.Kind == network.Upload {
		return s.upload(b)
	}
	if step.Done != nil {
		return network.Delivery{State: network.Sent, Ref: *step.Done}, nil
	}
	if s.before != nil {
		s.before(ctx)
	}
	if err := ctx.Err(); err != nil {
		return network.Delivery{}, err
	}
	f, struck := s.take("create", b.Delivery)
	if !struck {
		sent := s.keep(b.Delivery, step, 0)
		if s.after != nil {
			s.after()
		}
		return sent, nil
	}
	if f.keep {
		s.keep(b.Delivery, step, f.late)
	}
	if f.panics {
		panic("the connector has a defect")
	}
	return f.answer, f.err
}

func (s *stage) upload(b frozen) (network.Delivery, error) {
	if f, ok := s.take("upload", b.Delivery); ok {
		if f.panics {
			panic("the connector has a defect")
		}
		return f.answer, f.err
	}
	return network.Delivery{State: network.Sent, Ref: network.Ref{ID: "media"}}, nil
}

// keep makes a step public, once for each key the stage still knows.
func (s *stage) keep(delivery string, step network.Step, late time.Duration) network.Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.clock.Now().Add(late)
	d := network.Delivery{State: network.Sent, At: s.clock.Now()}
	for _, part := range step.Parts {
		k := kept{delivery, step.Key, part, network.Ref{ID: fmt.Sprintf("%s#%d#%d", step.Key, part, len(s.ledger)+len(s.late))}, at}
		if late > 0 {
			s.late = append(s.late, k)
		} else {
			k = s.show(k)
			s.direct++
		}
		d.Parts = append(d.Parts, k.ref)
	}
	d.Ref = d.Parts[0]
	return d
}

// show puts a part into the ledger, or finds the one that its key names.
func (s *stage) show(k kept) kept {
	for _, old := range s.ledger {
		if old.key != k.key || old.part != k.part {
			continue
		}
		if s.proof == network.ProofID || s.proof == network.ProofKey && k.at.Before(old.at.Add(keyForgotten)) {
			return old
		}
	}
	s.ledger = append(s.ledger, k)
	return k
}

// settle shows what the server kept late, up to now.
func (s *stage) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest []kept
	for _, k := range s.late {
		if k.at.After(s.clock.Now()) {
			rest = append(rest, k)
			continue
		}
		s.show(k)
	}
	s.late = rest
}

func (s *stage) Prove(_ context.Context, _ network.Account, p network.Plan, i int) (network.Delivery, error) {
	s.settle()
	var b frozen
	if err := json.Unmarshal(p.Steps[i].Body, &b); err != nil {
		panic(err)
	}
	if f, ok := s.take("prove", b.Delivery); ok {
		return f.answer, f.err
	}
	switch {
	case s.proof == network.ProofNone:
		return network.Delivery{State: network.Unknown}, nil
	case s.proof == network.ProofKey && s.clock.Now().Before(b.Planned.Add(50*time.Minute)):
		return network.Delivery{State: network.Unknown, Evidence: "the key still answers"}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := network.Delivery{State: network.NotSent, Evidence: "read back"}
	for _, k := range s.ledger {
		if k.key == p.Steps[i].Key {
			d.State = network.Sent
			d.Parts = append(d.Parts, k.ref)
		}
	}
	if d.State == network.Sent {
		d.Ref = d.Parts[0]
	}
	return d, nil
}

// count is how often a part of a delivery stands on the network.
func (s *stage) count(delivery string, part int) int {
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, k := range s.ledger {
		if k.delivery == delivery && k.part == part {
			n++
		}
	}
	return n
}

// refusal is an error of a kind as connectors make it.
func refusal(k network.Kind) error {
	return &network.Error{Kind: k, Native: "418", Message: "The kettle says no."}
}

var errUnmarked = errors.New("connection reset by peer")
