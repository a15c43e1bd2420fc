package delivery

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/internal/crash"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
)

// A node that lost its job moves nothing, whatever it finds.
func TestALostJobMovesNothing(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	one := k.reply(t, 1)
	for _, s := range []State{Accepted, Planned} {
		lost, _ := k.claim(t, one)
		k.claim(t, one)
		if err := k.plain().run(ctx, lost); !errors.Is(err, job.ErrLost) {
			t.Errorf("%s: the handler ended with %v", s, err)
		}
		if r := k.row(t, one); r.state != s || !r.tried.IsZero() || len(k.stage.ledger) != 0 {
			t.Errorf("%s: moved to %s, tried %v, kept %v", s, r.state, r.tried, k.stage.ledger)
		}
		k.workUntil(t, one, crash.DeliverAfterPlan)
	}
}

// What comes back late is true all the same: it settles what nobody hoped to
// know, and somebody carries the delivery on from there.
func TestALateAnswerSettlesTheUnknown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault *fault
		state State
	}{
		"it was kept":      {nil, Sent},
		"it was refused":   {&fault{err: refusal(network.Gone)}, Failed},
		"it never left":    {&fault{err: refusal(network.Transient)}, Sent}, // at the next try
		"nobody can tell":  {&fault{err: refusal(network.Ambiguous)}, Unknown},
		"it was discarded": {nil, Discarded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newRun(newDesk(t), network.ProofNone, plain)
			defer m.killAll()
			if tc.fault != nil {
				m.stage.inject("create", *tc.fault)
			}
			one := m.reply(t, 1)
			m.deliveries, m.parts[one] = []id.ID{one}, 1
			m.begin(one)
			for m.handlers[0].at != "answer" {
				m.step(m.handlers[0], true)
			}
			if r := m.settle(t, one); r.State != Unknown {
				t.Fatalf("while its node is frozen it is %s", r.State)
			}
			if tc.state == Discarded {
				must(t, m.plain().Discard(context.Background(), ana(), one))
			}
			for len(m.handlers) > 0 {
				m.step(m.handlers[0], true)
			}
			if r := m.settle(t, one); r.State != tc.state {
				t.Errorf("ended %s because of %q, want %s", r.State, why(r), tc.state)
			}
			if n := m.stage.count(one.String(), 0); n > 1 || (tc.state == Sent) != (n == 1) && tc.state != Discarded {
				t.Errorf("stands %d times", n)
			}
		})
	}
}

// The refusal of a repeat says nothing about the request whose answer was lost.
func TestARefusedRepeatProvesNothing(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, refused := range []fault{{err: refusal(network.Policy)}, {err: refusal(network.Transient)},
		{answer: network.Delivery{State: network.NotSent}}, {err: refusal(network.RateLimited)}} {
		k.perform(network.ProofKey)
		k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)}, refused)
		one := k.reply(t, 1)
		if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != 1 || k.stage.hit[one.String()]["create"] != 2 {
			t.Errorf("after %v: %s because of %q, kept %v", refused, r.State, why(r), k.stage.ledger)
		}
	}
}

// A member's wish that comes while the last job is ending is not lost with it,
// and that job, should it still run, leaves the new round alone.
func TestARetryWhileTheJobEnds(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	k.stage.inject("create", fault{err: refusal(network.Policy)})
	one := k.reply(t, 1)
	old, _ := k.claim(t, one)
	must(t, k.plain().run(ctx, old))
	must(t, k.plain().Retry(ctx, ana(), one))
	must(t, k.plain().run(ctx, old))
	if r := k.row(t, one); r.state != Accepted {
		t.Errorf("the old job moved the new round to %s", r.state)
	}
	k.finish(t, old, nil)
	if r := k.settle(t, one); r.State != Sent {
		t.Errorf("ended %s", r.State)
	}
}

// sleeper lets time pass at a point.
type sleeper struct {
	*desk
	at   string
	long time.Duration
}

func (s sleeper) At(point string) {
	if point == s.at {
		s.clock.Advance(s.long)
	}
}

// A process that slept between opening the attempt and the request does not begin
// it, even with a connector that looks at no context.
func TestSleptThroughTheLimit(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.perform(network.ProofNone) // where a doubt would show
	k.with = func(with With) With {
		return func(ctx context.Context, w, a id.ID, fn func(context.Context, network.Network, network.Account) error) error {
			return with(context.WithoutCancel(ctx), w, a, fn)
		}
	}
	one := k.reply(t, 1)
	k.work(t, k.process(sleeper{k, crash.DeliverAfterOpen, doLimit}, k.stage), one)
	if r := k.row(t, one); r.open != nil || len(k.stage.ledger) != 0 || r.state != Sending {
		t.Errorf("%s, open %v, kept %v", r.state, r.open, k.stage.ledger)
	}
	if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != 1 {
		t.Errorf("ended %s, kept %v", r.State, k.stage.ledger)
	}
}
