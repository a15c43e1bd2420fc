package delivery

import (
	"context"
	"slices"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
)

func (k *desk) restored(t *testing.T, a actor.Actor) (n int, err error) {
	t.Helper()
	err = k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = k.plain().Restored(ctx, tx, a)
		return err
	})
	return n, err
}

func TestWhatWaitedWhenItWasArchivedIsNotSentByItself(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	system := actor.System(workspace, "restore")
	for _, s := range []State{Accepted, Planned} {
		k := newDesk(t)
		one := k.in(t, s)
		if _, err := k.restored(t, ana()); err == nil {
			t.Errorf("%s: a member asked for it", s)
		}
		if n, err := k.restored(t, actor.System(9, "restore")); err != nil || n != 0 {
			t.Errorf("%s: another workspace's were stopped: %d (%v)", s, n, err)
		}
		for i, want := range []int{1, 0} { // the second time there is nothing to do
			if n, err := k.restored(t, system); err != nil || n != want {
				t.Errorf("%s, time %d: stopped %d (%v), want %d", s, i+1, n, err, want)
			}
		}
		k.clock.Advance(24 * time.Hour)
		k.settle(t, one)
		r := k.get(t, one)
		if r.State != Failed || why(r) != whyRestored || !r.May.Retry || !r.May.Discard || len(k.stage.ledger) != 0 {
			t.Errorf("%s: it is %s because of %q with choices %+v, and %d left", s, r.State, why(r), r.May, len(k.stage.ledger))
		}
		must(t, k.plain().Retry(ctx, ana(), one))
		if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != 1 {
			t.Errorf("%s: sent again by a member it is %s, and %d left", s, r.State, len(k.stage.ledger))
		}
	}
}

// The installation that made the archive went on. Whatever was under way in that
// moment, and whatever the network can prove, nothing leaves by itself.
func TestAnInterruptedRequestIsNotRepeatedAfterARestore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	system := actor.System(workspace, "restore")
	for _, proof := range []network.Proof{network.ProofKey, network.ProofID, network.ProofReadback, network.ProofNone} {
		for what, parts := range map[string]int{"upload": 1, "create": 1, "unknown": 1, "thread": 3} {
			k := newDesk(t)
			k.perform(proof)
			k.stage.media = what == "upload"
			one := k.reply(t, parts)
			switch what {
			case "upload", "create":
				k.workUntil(t, one, "deliver.after-open")
			case "thread": // its first part stands, its answer was lost
				k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
				k.workUntil(t, one, "deliver.before-close")
			case "unknown": // it never arrived, and the network could not be asked
				k.stage.inject("create", fault{err: refusal(network.Ambiguous)})
				k.stage.inject("prove", slices.Repeat([]fault{{err: refusal(network.Transient)}}, 100)...)
				if r := k.settle(t, one); r.State != Unknown {
					t.Fatalf("%s, proof by %q: it is %s", what, proof, r.State)
				}
				k.stage.calm()
			}
			stands := len(k.stage.ledger)
			_, err := k.restored(t, system)
			must(t, err)
			k.clock.Advance(24 * time.Hour)
			if what == "unknown" && k.get(t, one).May.Check {
				must(t, k.plain().Check(ctx, ana(), one))
			}
			r := k.settle(t, one)
			if len(k.stage.ledger) != stands || r.State != Failed && r.State != Unknown {
				t.Errorf("%s, proof by %q: %d stood, now %d; it is %s", what, proof, stands, len(k.stage.ledger), r.State)
			}
			if r.State == Failed && (why(r) != whyRestored || !r.May.Retry) {
				t.Errorf("%s, proof by %q: failed because of %q, choices %+v", what, proof, why(r), r.May)
			}
			if r.State != Failed {
				continue
			}
			must(t, k.plain().Retry(ctx, ana(), one))
			if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != parts {
				t.Errorf("%s, proof by %q: sent by a member it is %s, and %d stand", what, proof, r.State, len(k.stage.ledger))
			}
		}
	}
}

// A lost answer is looked for, and a thread of which a part stands is not said twice.
func TestWhatWasOnItsWayIsFoundOut(t *testing.T) {
	t.Parallel()
	system := actor.System(workspace, "restore")

	k := newDesk(t)
	k.perform(network.ProofReadback)
	one := k.reply(t, 1)
	k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
	k.workUntil(t, one, "deliver.before-close")
	if n, err := k.restored(t, system); err != nil || n != 0 {
		t.Errorf("a request under way was stopped: %d (%v)", n, err)
	}
	if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != 1 {
		t.Errorf("it is %s, and %d stand on the network", r.State, len(k.stage.ledger))
	}

	for _, s := range []State{Sent, Failed, Unknown, Discarded, CalledBack} {
		k := newDesk(t)
		settled := k.in(t, s)
		before := k.row(t, settled)
		if n, err := k.restored(t, system); err != nil || n != 0 {
			t.Errorf("%s was stopped: %d (%v)", s, n, err)
		}
		if after := k.row(t, settled); after.state != before.state || after.reason != before.reason {
			t.Errorf("%s became %s because of %q", s, after.state, after.reason.code)
		}
	}
}
