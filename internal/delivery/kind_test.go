package delivery

import (
	"context"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Every kind of error at every step, met once by a whole delivery: what fails
// says why and left nothing behind; everything else is sent once.
func TestEachKindAtEachStep(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, tc := range kinds {
		for _, op := range []string{"plan", "upload", "create", "prove"} {
			k.perform(network.ProofReadback)
			k.stage.media = true
			switch {
			case op == "prove": // asked only where an answer was lost
				k.stage.inject("create", fault{err: refusal(network.Ambiguous), keep: true})
				k.stage.inject("prove", fault{err: refusal(tc.kind)})
			case tc.kind == network.Auth: // what is still so after the refresh
				k.stage.inject(op, fault{err: refusal(tc.kind)}, fault{err: refusal(tc.kind)})
			default:
				k.stage.inject(op, fault{err: refusal(tc.kind)})
			}
			want, code := Sent, ""
			if tc.code != "" && op != "prove" {
				want, code = Failed, tc.code
			}
			if tc.kind == network.Duplicate && (op == "plan" || op == "create") {
				want, code = Failed, whyDuplicate
			}
			one := k.reply(t, 1)
			r := k.settle(t, one)
			if r.State != want || why(r) != code {
				t.Errorf("%s at %s: ended %s because of %q, want %s because of %q", tc.kind, op, r.State, why(r), want, code)
				continue
			}
			n := k.stage.count(one.String(), 0)
			if (r.State == Sent) != (n == 1) || n > 1 {
				t.Errorf("%s at %s: %s, and stands %d times", tc.kind, op, r.State, n)
			}
			if r.State == Failed && (r.Reason.Args["said"] != "The kettle says no." && code != whyDuplicate || !r.May.Retry || !r.May.Discard) {
				t.Errorf("%s at %s: %+v, may %+v", tc.kind, op, r.Reason, r.May)
			}
		}
	}
}

func TestRefreshedOnce(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for name, tc := range map[string]struct {
		refresh error
		auths   int
		state   State
		code    string
	}{
		"a new token works":   {nil, 1, Sent, ""},
		"the new one neither": {nil, 2, Failed, whyAuth},
		"no refresh just now": {refusal(network.Transient), 1, Sent, ""}, // later
		"no refresh, unnamed": {errUnmarked, 1, Sent, ""},
		"never again":         {problem.New(problem.Gone, "account.broken", "account", "@town"), 1, Failed, "account.broken"},
	} {
		k.perform(network.ProofNone) // where doubting would show
		one := k.reply(t, 1)
		k.settleUntil(t, one, Planned)
		for range tc.auths {
			k.stage.inject("create", fault{err: refusal(network.Auth)})
		}
		if tc.refresh != nil {
			k.stage.inject("refresh", fault{err: tc.refresh})
		}
		r := k.settle(t, one)
		if r.State != tc.state || why(r) != tc.code {
			t.Errorf("%s: %s because of %q", name, r.State, why(r))
		}
		if r.Reason != nil && tc.refresh != nil && r.Reason.Args["account"] != "@town" {
			t.Errorf("%s: the problem lost its arguments: %+v", name, r.Reason)
		}
		if n := k.stage.count(one.String(), 0); (n == 1) != (tc.state == Sent) {
			t.Errorf("%s: %s, and stands %d times", name, r.State, n)
		}
	}
}

// settleUntil plans and no more: the job runs in a process that dies after the plan.
func (k *desk) settleUntil(t fataler, delivery id.ID, s State) {
	t.Helper()
	k.workUntil(t, delivery, "deliver.after-plan")
	if got := k.row(t, delivery).state; got != s {
		t.Fatalf("the delivery is %s, want %s", got, s)
	}
}

func TestWaitsAsLongAsTheNetworkAsks(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	back := start.Add(7 * time.Hour) // longer than anything transient is tried
	k.stage.inject("create", fault{err: &network.Error{Kind: network.RateLimited, RetryAt: back}})
	one := k.reply(t, 1)
	k.work(t, k.plain(), one)
	if r := k.get(t, one); r.State != Sending || why(r) != whyRate || !r.Next.Equal(back) || !r.May.CallBack {
		t.Errorf("while waiting: %+v", r)
	}
	if r := k.settle(t, one); r.State != Sent || k.clock.Now().Before(back) {
		t.Errorf("ended %s at %v", r.State, k.clock.Now())
	}
}

func TestTransientIsTriedForSixHours(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for _, op := range []string{"plan", "upload", "create"} {
		k.perform(network.ProofReadback)
		k.stage.media = true
		begun := k.clock.Now()
		for range 1000 {
			k.stage.inject(op, fault{err: refusal(network.Transient)})
		}
		one := k.reply(t, 1)
		r := k.settle(t, one)
		took := k.clock.Now().Sub(begun)
		if r.State != Failed || why(r) != whyExhausted || took < retryFor || took > retryFor+2*longestPause {
			t.Errorf("%s: %s because of %q after %v", op, r.State, why(r), took)
		}
		if tries := 1000 - len(k.stage.faults[op]); tries < 20 || tries > 100 {
			t.Errorf("%s: tried %d times in six hours", op, tries)
		}
		k.stage.calm()
		if err := k.plain().Retry(context.Background(), ana(), one); err != nil {
			t.Fatal(err)
		}
		if r := k.settle(t, one); r.State != Sent || k.stage.count(one.String(), 0) != 1 {
			t.Errorf("%s, retried: %s because of %q", op, r.State, why(r))
		}
	}
}

func TestPendingHasADeadline(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stage.media = true
	for range 1000 {
		k.stage.inject("upload", fault{answer: network.Delivery{State: network.Pending, PollAfter: 90 * time.Second}})
	}
	one := k.reply(t, 1)
	r := k.settle(t, one)
	took := k.clock.Now().Sub(start)
	if r.State != Failed || why(r) != whyNeverReady || took < pendingFor || took > pendingFor+5*time.Minute {
		t.Errorf("%s because of %q after %v", r.State, why(r), took)
	}
	if len(k.stage.ledger) != 0 {
		t.Errorf("kept %v", k.stage.ledger)
	}
}

func TestUnknownWhereNothingCanTell(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	for name, tc := range map[string]struct {
		proof    network.Proof
		proofs   int // how often proving cannot read
		keep     bool
		creates  int
		state    State
		code     string
		atLeast  time.Duration
		standing int
	}{
		"no proof, kept":        {network.ProofNone, 0, true, 1, Unknown, whyNoProof, margin, 1},
		"no proof, not kept":    {network.ProofNone, 0, false, 1, Unknown, whyNoProof, margin, 0},
		"a moment unreadable":   {network.ProofReadback, 3, true, 1, Sent, "", 0, 1},
		"unreadable for good":   {network.ProofReadback, 1000, true, 1, Unknown, whyUnreadable, proveFor, 1},
		"never there":           {network.ProofReadback, 0, false, 1, Sent, "", confirm, 1},
		"key tells":             {network.ProofKey, 0, true, 3, Sent, "", 0, 1},
		"key never tells":       {network.ProofKey, 0, true, 1000, Unknown, whyUnreadable, proveFor, 1},
		"id tells":              {network.ProofID, 0, true, 1, Sent, "", 0, 1},
		"id cannot be read":     {network.ProofID, 1000, true, 1, Unknown, whyUnreadable, proveFor, 1},
		"container, published":  {network.ProofContainer, 2, true, 1, Sent, "", 0, 1},
		"container, never went": {network.ProofContainer, 2, false, 2, Sent, "", 2 * confirm, 1},
	} {
		k.perform(tc.proof)
		for range tc.proofs {
			k.stage.inject("prove", fault{err: refusal(network.Transient)})
		}
		for range tc.creates {
			k.stage.inject("create", fault{keep: tc.keep, err: refusal(network.Ambiguous)})
		}
		begun := k.clock.Now()
		one := k.reply(t, 1)
		r := k.settle(t, one)
		took := k.clock.Now().Sub(begun)
		if r.State != tc.state || why(r) != tc.code || took < tc.atLeast {
			t.Errorf("%s: %s because of %q after %v", name, r.State, why(r), took)
		}
		if n := k.stage.count(one.String(), 0); n != tc.standing {
			t.Errorf("%s: stands %d times, want %d", name, n, tc.standing)
		}
		if r.State == Unknown && (r.Evidence == "" || r.Tried.IsZero() || r.Text() == "" || !r.May.Settle) {
			t.Errorf("%s: a member cannot decide by %+v", name, r)
		}
	}
}

// A pause keeps the repeat that would tell from leaving. Then "not sent" is said
// only once a slow server would have kept what it was sent.
func TestAPauseAfterALostAnswerDoesNotSayNotSentTooSoon(t *testing.T) {
	t.Parallel()
	for _, proof := range []network.Proof{network.ProofID, network.ProofKey, network.ProofReadback} {
		for kept, want := range map[bool]State{true: Sent, false: Failed} {
			k := newDesk(t)
			k.perform(proof)
			k.stage.inject("create", fault{keep: kept, late: 20 * time.Second, err: refusal(network.Ambiguous)})
			one := k.reply(t, 1)
			k.workUntil(t, one, "deliver.after-close")
			k.fence = func(context.Context, *db.Tx, id.ID, id.ID) error {
				return problem.New(problem.Conflict, "publish.paused")
			}
			k.clock.Advance(10 * time.Second)
			k.work(t, k.plain(), one)
			k.clock.Advance(10 * time.Minute)
			k.stage.settle()
			if r := k.settle(t, one); r.State != want && (proof != network.ProofKey || r.State != Unknown) {
				t.Errorf("proof by %q, kept late: %v: it is %s because of %q", proof, kept, r.State, why(r))
			}
		}
	}
}
