package delivery

import (
	"context"
	"slices"
	"testing"

	"parley/internal/network"
)

func TestAnAnswerIsPlannedDoneAndTold(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	one := k.reply(t, 1)
	if r := k.get(t, one); r.State != Accepted || !r.May.CallBack || r.Member != member || len(r.Hash) != 32 {
		t.Fatalf("accepted as %+v", r)
	}
	r := k.settle(t, one)
	if r.State != Sent || len(r.Parts) != 1 || r.Parts[0].Ref.ID == "" || r.Reason != nil {
		t.Fatalf("ended as %+v", r)
	}
	if n := k.stage.count(one.String(), 0); n != 1 {
		t.Errorf("it stands on the network %d times", n)
	}
	if len(k.told) != 1 || k.told[one.String()+"/0 "+r.Parts[0].Ref.ID] != 1 {
		t.Errorf("told of %v", k.told)
	}
	want := []string{"delivery.accepted", "delivery.planned", "delivery.sending", "delivery.sent"}
	if vs := k.verbs(t, one); !slices.Equal(vs, want) {
		t.Errorf("events %v, want %v", vs, want)
	}
	if raw := k.row(t, one); len(raw.plan.Steps) != 0 || r.Draft.ReplyTo.Author.Handle != "" || r.Draft.Parts[0].Keep != nil {
		t.Errorf("a sent delivery keeps what could be sent, or whom it answered: %+v", raw)
	}
	if r.Text() != "We open at 8." {
		t.Errorf("its words are now %q", r.Text())
	}
	if ok, _ := k.work(t, k.plain(), one); ok {
		t.Error("a job is left")
	}
}

func TestAThreadGoesOutPartByPart(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stage.media = true
	k.stage.inject("upload", fault{answer: network.Delivery{State: network.Pending, Ref: network.Ref{ID: "m"}, PollAfter: 3e9}}, fault{err: refusal(network.Ambiguous)})
	k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)}, fault{err: errUnmarked})
	one := k.reply(t, 3)
	r := k.settle(t, one)
	if r.State != Sent || len(r.Parts) != 3 || len(k.told) != 3 {
		t.Fatalf("ended as %+v, told %v", r, k.told)
	}
	for i := range 3 {
		if n := k.stage.count(one.String(), i); n != 1 {
			t.Errorf("part %d stands on the network %d times", i, n)
		}
	}
}

func TestNotBeforeItsTime(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	at := start.Add(3e12)
	one := k.accept(t, Outgoing{Account: account, Kind: Reply, Subject: talk, At: at, Draft: network.Draft{Parts: []network.Part{{Text: "Later."}}}})
	if _, err := k.work(t, k.plain(), one); err == nil || len(k.stage.ledger) != 0 || k.row(t, one).state != Accepted {
		t.Fatalf("run before its time: %v, ledger %v", err, k.stage.ledger)
	}
	if r := k.settle(t, one); r.State != Sent || k.stage.ledger[0].at.Before(at) {
		t.Errorf("ended %s, kept at %v", r.State, k.stage.ledger)
	}
}

// What is not exactly what was approved cannot leave.
func TestChangedWordsDoNotLeave(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	one := k.reply(t, 1)
	r := k.row(t, one)
	r.draft = append(r.draft[:len(r.draft)-1:len(r.draft)-1], []byte(` }`)...)
	saveRow(t, k, r)
	if r := k.settle(t, one); r.State != Failed || why(r) != whyChanged || len(k.stage.ledger) != 0 {
		t.Errorf("ended %s (%s), ledger %v", r.State, why(r), k.stage.ledger)
	}
	// Another account, or another time, is not what was approved either.
	two := k.row(t, k.reply(t, 1))
	for _, other := range [][]byte{hash(account+1, two.notBefore, two.draft), hash(account, start, two.draft)} {
		if string(other) == string(two.hash) {
			t.Error("the hash does not depend on account and time")
		}
	}
}

// The capability's trouble must never make the network hear something twice.
func TestStoredMayFail(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stored = errUnmarked
	one := k.reply(t, 1)
	for range 3 {
		if ok, err := k.work(t, k.plain(), one); !ok || err == nil {
			t.Fatalf("worked %v, err %v", ok, err)
		}
	}
	if r := k.row(t, one); r.state != Sending || r.open != nil || k.stage.count(one.String(), 0) != 1 {
		t.Fatalf("%s, open %v, kept %v", r.state, r.open, k.stage.ledger)
	}
	k.stored = nil
	if r := k.settle(t, one); r.State != Sent || len(k.told) != 1 || len(k.stage.ledger) != 1 {
		t.Errorf("%s, told %v, kept %v", r.State, k.told, k.stage.ledger)
	}
}

func TestRescueFindsWhatLostItsJob(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	k := newDesk(t)
	one := k.reply(t, 1)
	j, _ := k.claim(t, one)
	k.finish(t, j, nil)
	d := k.plain()
	if err := d.rescue(ctx, j); err != nil {
		t.Fatal(err)
	}
	if r := k.settle(t, one); r.State != Sent {
		t.Errorf("ended %s", r.State)
	}
	if err := d.rescue(ctx, j); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.claim(t, one); ok {
		t.Error("what is over was rescued")
	}
}
