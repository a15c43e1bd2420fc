package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/network"
	"parley/internal/problem"
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

func TestPicturesAreHeldUntilItIsOver(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	picture := [32]byte{1}
	draft := network.Draft{Parts: []network.Part{{Text: "Look.", Media: []network.Media{{Kind: "image", Digest: picture}}}}}
	held := func() (n int) {
		must(t, k.db.Read().Row(ctx, `select coalesce(max(refs), 0) from media`).Scan(&n))
		return n
	}
	err := k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := k.plain().Accept(ctx, tx, ana(), Outgoing{Account: account, Kind: Reply, Subject: talk, Draft: draft})
		return err
	})
	if problem.Of(err).Kind != problem.NotFound {
		t.Fatalf("a picture that is not there: %v", err)
	}
	must(t, k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into media (workspace, digest, kind, mime, width, height, size, created, refs)
			values (1, $1, 'image', 'image/png', 1, 1, 0, 1, 0)`, picture[:])
		return err
	}))
	one := k.accept(t, Outgoing{Account: account, Kind: Reply, Subject: talk, Draft: draft})
	if n := held(); n != 1 {
		t.Errorf("held by %d before it is sent", n)
	}
	if r := k.settle(t, one); r.State != Sent || held() != 0 {
		t.Errorf("%s, held by %d", r.State, held())
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

// The end of the program waits for the answer of a request that has left.
func TestStoppingDoesNotCutARequestOff(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.perform(network.ProofNone) // where a cut would cost a member's time
	ctx, stop := context.WithCancel(context.Background())
	k.stage.before = func(context.Context) { stop() }
	one := k.reply(t, 2)
	j, _ := k.claim(t, one)
	if err := k.plain().run(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler ended with %v", err)
	}
	if r := k.row(t, one); r.open != nil || r.parts != 1 || k.stage.count(one.String(), 0) != 1 {
		t.Errorf("open %v, %d parts, kept %v", r.open, r.parts, k.stage.ledger)
	}
	k.finish(t, j, context.Canceled)
	k.stage.before = nil
	if r := k.settle(t, one); r.State != Sent {
		t.Errorf("after the restart: %s", r.State)
	}
}

func TestAccountAway(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.broken = problem.New(problem.Gone, "account.disconnected")
	one := k.reply(t, 1)
	if r := k.settle(t, one); r.State != Failed || why(r) != "account.disconnected" {
		t.Errorf("%s because of %q", r.State, why(r))
	}
	k.broken = errUnmarked // our own trouble: later
	two := k.reply(t, 1)
	k.work(t, k.plain(), two)
	if r := k.get(t, two); r.State != Accepted || why(r) != whyTransient || !r.May.CallBack {
		t.Errorf("%s because of %q", r.State, why(r))
	}
	k.broken = nil
	if r := k.settle(t, two); r.State != Sent {
		t.Errorf("ended %s", r.State)
	}
}

// A network that cannot send at all is no reason to try for six hours.
func TestNoPublisher(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	one := k.reply(t, 1)
	k.work(t, k.process(nil, reader{}), one)
	if r := k.get(t, one); r.State != Failed || why(r) != whyNoPublisher {
		t.Errorf("%s because of %q", r.State, why(r))
	}
}

// reader is a network that only reads.
type reader struct{ network.Connector }

func (reader) Info() network.Info { return network.Info{} }

func TestPlansThatCannotBeCarriedOut(t *testing.T) {
	t.Parallel()
	create := network.Step{Kind: network.Create}
	for name, p := range map[string]network.Plan{
		"nothing":            {},
		"only an upload":     {Steps: []network.Step{{Kind: network.Upload}}},
		"unknown kind":       {Steps: []network.Step{create, {Kind: "dance"}}},
		"waits for itself":   {Steps: []network.Step{{Kind: network.Create, After: []int{0}}}},
		"waits for the next": {Steps: []network.Step{{Kind: network.Create, After: []int{1}}, create}},
		"waits for nothing":  {Steps: []network.Step{{Kind: network.Create, After: []int{-1}}}},
	} {
		if err := sound(p); !problem.Is(err, whyBadPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := sound(network.Plan{Steps: []network.Step{{Kind: network.Upload}, {Kind: network.Create, After: []int{0}}}}); err != nil {
		t.Error(err)
	}
}

// Every code this package can say has a sentence, and what to do next.
func TestEveryCodeHasItsSentences(t *testing.T) {
	t.Parallel()
	b, err := Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]string
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?:why\w+\s*= |problem\.New\(problem\.\w+, )"(delivery\.[a-z_]+)"`)
	found := map[string]bool{}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(src), -1) {
			found["problem."+m[1]] = true
		}
	}
	for _, s := range []State{Accepted, Planned, Sending, Sent, Failed, Unknown, Discarded, CalledBack} {
		if keys["delivery.state."+string(s)] == "" {
			t.Errorf("no name for the state %s", s)
		}
		delete(keys, "delivery.state."+string(s))
	}
	for code := range found {
		if keys[code] == "" || keys[code+".next"] == "" {
			t.Errorf("%s has no sentence", code)
		}
	}
	for key := range keys {
		if !found[strings.TrimSuffix(key, ".next")] {
			t.Errorf("%s is never said", key)
		}
	}
	if len(found) < 30 {
		t.Errorf("found only %d codes", len(found))
	}
}
