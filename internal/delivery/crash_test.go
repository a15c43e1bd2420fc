package delivery

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"parley/internal/crash"
	"parley/internal/id"
	"parley/internal/network"
)

// died is what a process that meets its end panics with.
type died struct{ at string }

// fatal ends the process the nth time it meets a point.
type fatal struct {
	at string
	n  int
}

func (f *fatal) At(name string) {
	if name != f.at {
		return
	}
	if f.n--; f.n == 0 {
		panic(died{name})
	}
}

// workUntil runs the job in a process that dies at a point, and says whether it did.
func (k *desk) workUntil(t fataler, delivery id.ID, point string) (met bool) {
	t.Helper()
	name, nth := point, 1
	if i := strings.LastIndex(point, ":"); i > 0 {
		name = point[:i]
		fmt.Sscan(point[i+1:], &nth)
	}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(died); !ok {
				panic(p)
			}
			met = true
		}
	}()
	k.work(t, k.process(&fatal{name, nth}, k.stage), delivery)
	return false
}

// points are those of this package; the list in crash is closed.
func points() []string {
	var ps []string
	for _, name := range crash.Names() {
		if strings.HasPrefix(name, "deliver.") {
			ps = append(ps, name)
		}
	}
	return ps
}

// Wherever the program is killed, and however a lost answer is proved, the words
// end on the network once, or nobody can tell and a member is asked.
func TestKilledAtEachPoint(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, proof := range []network.Proof{network.ProofKey, network.ProofID, network.ProofReadback, network.ProofContainer, network.ProofNone} {
		for _, whole := range []bool{false, true} {
			for _, point := range points() {
				for _, nth := range []string{":1", ":2", ":3"} { // an upload, its post, the next part
					k.perform(proof)
					k.stage.media, k.stage.whole = true, whole
					one := k.reply(t, 2)
					if !k.workUntil(t, one, point+nth) {
						if nth == ":1" {
							t.Errorf("%s was never met", point)
						}
						continue
					}
					k.killedThenSettled(t, one, fmt.Sprintf("%s, whole=%v, killed at %s%s", proof, whole, point, nth))
				}
			}
		}
	}
}

func (k *desk) killedThenSettled(t *testing.T, one id.ID, what string) {
	t.Helper()
	r := k.settle(t, one)
	if r.State == Unknown {
		if k.stage.proof != network.ProofNone {
			t.Errorf("%s: unknown because of %q", what, why(r))
		}
		there := k.stage.count(one.String(), len(r.Parts)) > 0
		if err := k.plain().Settle(context.Background(), ana(), one, Finding{There: there}); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if r = k.settle(t, one); r.State == Failed && there && why(r) == whyRest {
			return // the rest has nothing to hang on to: said, and left to the member
		}
	}
	if r.State != Sent {
		t.Errorf("%s: ended %s because of %q (%s)", what, r.State, why(r), r.Evidence)
	}
	for part := range 2 {
		if n := k.stage.count(one.String(), part); n != 1 {
			t.Errorf("%s: part %d stands %d times", what, part, n)
		}
	}
}

// Killed again and again, at the same point each time.
func TestKilledTimeAndAgain(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, point := range points() {
		k.perform(network.ProofReadback)
		one := k.reply(t, 3)
		for range 12 {
			k.workUntil(t, one, point)
			k.clock.Advance(doLimit + margin)
		}
		k.killedThenSettled(t, one, "readback, killed twelve times at "+point)
	}
}

// A defect of a connector is no lost message and no second one.
func TestConnectorPanics(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, f := range []fault{{panics: true}, {panics: true, keep: true}} {
		for _, op := range []string{"upload", "create"} {
			k.perform(network.ProofReadback)
			k.stage.media = true
			k.stage.inject(op, f)
			one := k.reply(t, 1)
			func() {
				defer func() { recover() }() // as job.Queue does
				k.work(t, k.plain(), one)
			}()
			if r := k.settle(t, one); r.State != Sent || k.stage.count(one.String(), 0) != 1 {
				t.Errorf("%s: %s, kept %v", op, r.State, k.stage.ledger)
			}
		}
	}
}
