package delivery

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
	"parley/internal/problem"
)

// Answers to others speak of somebody who is erased: what left keeps its other
// words and loses its hash, what has not left is given up, and what speaks of
// nobody stays as it was.
func TestRedactTakesANameOutOfWhatWeSaidToOthers(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	cut := func(s string) string { return strings.ReplaceAll(s, `Zuck "Z" <3`, "[…]") }
	redact := func(a actor.Actor) error {
		return k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return k.plain().Redact(ctx, tx, a, cut) })
	}
	naming := func(text string) Outgoing {
		return Outgoing{Account: account, Kind: Reply, Subject: talk, Draft: network.Draft{ByHuman: true,
			ReplyTo: &network.Post{Ref: network.Ref{ID: "q1", Version: "v1", RootID: "r1"}, Author: network.Person{Handle: "bea@example.net"}},
			Parts:   []network.Part{{Text: text, Visibility: network.Public}}}}
	}
	waiting := k.accept(t, naming(`Ask Zuck "Z" <3 tomorrow`))
	sent := k.accept(t, naming(`Ask Zuck "Z" <3 today`))
	if r := k.settle(t, sent); r.State != Sent {
		t.Fatal(r.State)
	}
	other := k.reply(t, 1)
	if r := k.settle(t, other); r.State != Sent {
		t.Fatal(r.State)
	}
	before := k.row(t, other)
	nobody := ana()
	nobody.Grants = nobody.Grants[:2]
	if err := redact(nobody); problem.Of(err).Kind != problem.Forbidden {
		t.Fatalf("without the right: %v", err)
	}
	for range 2 {
		must(t, redact(ana()))
	}
	if r := k.get(t, sent); r.State != Sent || r.Draft.Parts[0].Text != "Ask […] today" || len(r.Hash) != 0 || r.Draft.ReplyTo.ID != "q1" || len(r.Parts) != 1 {
		t.Errorf("what was sent: %+v", r)
	}
	if r := k.get(t, waiting); r.State != Discarded || len(r.Draft.Parts) != 0 || len(r.Hash) != 0 {
		t.Errorf("what waited: %+v", r)
	}
	if r := k.row(t, other); string(r.draft) != string(before.draft) || string(r.hash) != string(before.hash) || !r.changed.Equal(before.changed) {
		t.Errorf("what names nobody: %+v", r)
	}
	recs, err := k.plain().Of(ctx, ana(), Reply, talk)
	must(t, err)
	if b, _ := json.Marshal(recs); strings.Contains(string(b), "Zuck") {
		t.Errorf("left: %s", b)
	}
	if len(k.stage.ledger) != 2 {
		t.Errorf("%d posts left", len(k.stage.ledger))
	}
}

// It cannot be said of a request that is under way what it will leave behind.
func TestRedactRefusesWhileItIsBeingSent(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.perform(network.ProofReadback)
	sending := k.in(t, Sending)
	cut := func(s string) string { return strings.ReplaceAll(s, "We open", "[…]") }
	redact := func() error {
		return k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error { return k.plain().Redact(ctx, tx, ana(), cut) })
	}
	if err := redact(); problem.Of(err).Code != "delivery.busy" || k.row(t, sending).state != Sending {
		t.Fatalf("while a request is under way: %v", err)
	}
	k.settle(t, sending)
	must(t, redact())
	if r := k.get(t, sending); !r.State.Final() || len(r.Draft.Parts) > 0 && !strings.HasPrefix(r.Draft.Parts[0].Text, "[…] at") {
		t.Errorf("%s: %+v", r.State, r.Draft)
	}
}
