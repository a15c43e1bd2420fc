package delivery

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/id"
	"parley/internal/network"
)

// choices is how many things happen in one run of the model.
const choices = 45

func TestModel(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	rapid.Check(t, func(t *rapid.T) {
		m := newRun(k, "", func(what string, n int) int { return rapid.IntRange(0, n-1).Draw(t, what) })
		if v := m.violated(choices); v != "" {
			t.Fatalf("%s\n%s", v, strings.Join(m.trace, "\n"))
		}
	})
}

func TestFrozenAndWoken(t *testing.T) {
	t.Parallel()
	for _, proof := range []network.Proof{network.ProofReadback, network.ProofKey, network.ProofID, network.ProofContainer, network.ProofNone} {
		k := newDesk(t)
		for _, stop := range append(points(), "request", "answer") {
			for _, slept := range []time.Duration{35 * time.Second, 3 * time.Minute} {
				m := newRun(k, proof, plain)
				if v := m.broken(func() { m.frozenAndWoken(stop, slept) }); v != "" {
					t.Errorf("%s, frozen for %v at %s: %s\n%s", proof, slept, stop, v, strings.Join(m.trace, "\n"))
				}
			}
		}
	}
}

// plain always makes the first choice.
func plain(string, int) int { return 0 }

// violated runs n choices and says which promise was broken; "" for none.
func (m *model) violated(n int) violation { return m.broken(func() { m.run(n) }) }

func (m *model) broken(run func()) (v violation) {
	defer func() {
		if p := recover(); p != nil {
			var ok bool
			if v, ok = p.(violation); !ok {
				panic(p)
			}
		}
	}()
	run()
	return ""
}

// Deliberately wrong variants, each with the circumstances in which it soon
// shows. A suite that does not notice one of them proves nothing.
var mutants = []struct {
	name   string
	proof  network.Proof
	likely []string
	apply  func(*desk)
}{
	{"repeats without proof", network.ProofReadback, []string{"kept and lost"}, func(k *desk) {
		k.rules.next = changed(func(_ row, m move) move {
			if m.kind == moveProve {
				m.kind = moveDo
			}
			return m
		})
	}},
	{"tries again what is unknown", network.ProofNone, []string{"kept and lost"}, func(k *desk) {
		k.rules.next = changed(func(_ row, m move) move {
			if m.kind == moveUnknown {
				m.kind = moveDo
			}
			return m
		})
	}},
	{"plans anew before it tries again", network.ProofReadback, []string{"unreachable"}, func(k *desk) {
		k.rules.next = changed(func(r row, m move) move {
			if m.kind == moveDo && r.tries > 0 {
				m = move{kind: movePlan}
			}
			return m
		})
	}},
	{"does not wait for other nodes' requests", network.ProofNone, nil, func(k *desk) {
		k.rules.next = func(r row, now time.Time) move {
			if r.open != nil && r.open.ended.IsZero() {
				over := *r.open
				over.ended = over.opened
				r.open = &over
			}
			return next(r, now)
		}
	}},
	{"trusts keys for ever", network.ProofKey, []string{"kept and lost", "read, no idea"}, func(k *desk) {
		k.rules.next = func(r row, now time.Time) move {
			if r.open != nil {
				young := *r.open
				young.first = now
				r.open = &young
			}
			return next(r, now)
		}
	}},
	{"takes a lost answer for not sent", network.ProofReadback, []string{"kept and lost"}, func(k *desk) {
		k.rules.judge = judged(func(v verdict) verdict {
			if v.found == foundDoubt {
				v.found = foundAbsent
			}
			return v
		})
	}},
	{"takes a lost answer for sent", network.ProofReadback, []string{"not kept and lost"}, func(k *desk) {
		k.rules.judge = judged(func(v verdict) verdict {
			if v.found == foundDoubt {
				v.found = foundSent
			}
			return v
		})
	}},
	{"takes pending for sent", network.ProofReadback, []string{"not ready"}, func(k *desk) {
		k.rules.judge = judged(func(v verdict) verdict {
			if v.found == foundPending {
				v.found = foundSent
			}
			return v
		})
	}},
	{"takes an error without a kind for not sent", network.ProofReadback, []string{"kept, no kind"}, func(k *desk) {
		k.rules.judge = func(s network.Step, inDoubt bool, a answer) verdict {
			a.called = false
			return judge(s, inDoubt, a)
		}
	}},
	{"believes the refusal of a repeat", network.ProofKey, []string{"kept and lost", "not allowed"}, func(k *desk) {
		k.rules.judge = func(s network.Step, _ bool, a answer) verdict { return judge(s, false, a) }
	}},
	{"believes one reading", network.ProofReadback, []string{"kept late and lost"}, func(k *desk) {
		k.rules.judgeProof = proved(func(v verdict) verdict {
			if v.absent {
				v.found = foundAbsent
			}
			return v
		})
	}},
	{"gives up proving at once", network.ProofReadback, []string{"not kept and lost"}, func(k *desk) {
		k.rules.judgeProof = proved(func(v verdict) verdict {
			if v.found == foundLook {
				v.found = foundNothing
			}
			return v
		})
	}},
	{"lets requests outlive their limit", network.ProofNone, nil, func(k *desk) {
		k.with = func(with With) With {
			return func(ctx context.Context, w, a id.ID, fn func(context.Context, network.Network, network.Account) error) error {
				return with(ctx, w, a, func(ctx context.Context, n network.Network, acct network.Account) error {
					return fn(context.WithoutCancel(ctx), n, acct)
				})
			}
		}
	}},
	{"does not ask the fence", "", nil, func(k *desk) { k.fence = nil }},
}

// changed is next with one thing wrong.
func changed(wrong func(row, move) move) func(row, time.Time) move {
	return func(r row, now time.Time) move { return wrong(r, next(r, now)) }
}

// judged is judge with one thing wrong.
func judged(wrong func(verdict) verdict) func(network.Step, bool, answer) verdict {
	return func(s network.Step, inDoubt bool, a answer) verdict { return wrong(judge(s, inDoubt, a)) }
}

// proved is judgeProof with one thing wrong.
func proved(wrong func(verdict) verdict) func(network.Step, attempt, answer, time.Time) verdict {
	return func(s network.Step, a attempt, ans answer, now time.Time) verdict {
		return wrong(judgeProof(s, a, ans, now))
	}
}

// runsPerMutant is more than any of them survives.
const runsPerMutant = 500

func TestMutantsDie(t *testing.T) {
	t.Parallel()
	for _, mutant := range mutants {
		t.Run(mutant.name, func(t *testing.T) {
			t.Parallel()
			k := newDesk(t)
			m := newRun(k, mutant.proof, plain)
			mutant.apply(k)
			if v := m.broken(func() { m.frozenAndWoken("request", 35*time.Second) }); v != "" {
				t.Logf("died when it was woken: %s", v)
				return
			}
			for seed := range uint64(runsPerMutant) {
				r := rand.New(rand.NewPCG(seed, 2))
				m := newRun(k, mutant.proof, func(_ string, n int) int { return r.IntN(n) })
				m.likely = mutant.likely
				mutant.apply(k)
				if v := m.violated(choices); v != "" {
					t.Logf("died in run %d: %s", seed, v)
					return
				}
			}
			t.Errorf("survived %d runs", runsPerMutant)
		})
	}
}
