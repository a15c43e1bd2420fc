package delivery

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// in brings a delivery of two parts into a state, by way of the network.
func (k *desk) in(t *testing.T, s State) id.ID {
	t.Helper()
	k.perform(network.ProofNone)
	switch s {
	case Failed:
		k.stage.inject("create", fault{err: refusal(network.Policy)})
	case Unknown:
		k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
	}
	one := k.reply(t, 1)
	switch s {
	case Accepted:
		return one
	case Planned:
		k.workUntil(t, one, "deliver.after-plan")
	case Sending:
		k.workUntil(t, one, "deliver.after-open")
	default:
		k.settle(t, one)
	}
	switch s {
	case Discarded:
		k.perform(network.ProofNone)
		one = k.in(t, Failed)
		must(t, k.plain().Discard(context.Background(), ana(), one))
	case CalledBack:
		one = k.in(t, Accepted)
		must(t, k.plain().CallBack(context.Background(), ana(), one))
	}
	if got := k.row(t, one).state; got != s {
		t.Fatalf("the delivery is %s, want %s", got, s)
	}
	return one
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// decisions are the verbs, and the state each leads to from where it is allowed.
var decisions = []struct {
	name string
	do   func(*Delivery, context.Context, actor.Actor, id.ID) error
	may  func(Choices) bool
	to   map[State]State
	verb string
	send bool // it may make words leave
}{
	{"retry", (*Delivery).Retry, func(c Choices) bool { return c.Retry }, map[State]State{Failed: Accepted}, "delivery.retried", true},
	{"discard", (*Delivery).Discard, func(c Choices) bool { return c.Discard }, map[State]State{Failed: Discarded, Unknown: Discarded}, "delivery.discarded", false},
	{"settle, there", func(d *Delivery, ctx context.Context, a actor.Actor, i id.ID) error {
		return d.Settle(ctx, a, i, Finding{There: true, Address: "https://example.net/@town/7"})
	}, func(c Choices) bool { return c.Settle }, map[State]State{Unknown: Sent}, "delivery.settled", true},
	{"settle, not there", func(d *Delivery, ctx context.Context, a actor.Actor, i id.ID) error {
		return d.Settle(ctx, a, i, Finding{})
	}, func(c Choices) bool { return c.Settle }, map[State]State{Unknown: Sending}, "delivery.settled", true},
	{"call back", (*Delivery).CallBack, func(c Choices) bool { return c.CallBack }, map[State]State{Accepted: CalledBack, Planned: CalledBack}, "delivery.called_back", false},
	{"check", (*Delivery).Check, func(c Choices) bool { return c.Check }, map[State]State{}, "delivery.checked", true},
}

// Where two of them stand in the list.
const isThere, notThere = 2, 3

// Every verb in every state: what is not offered is refused and changes nothing,
// and what is offered leads where it says, with an event by the member.
func TestEachDecisionInEachState(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	for _, s := range []State{Accepted, Planned, Sending, Sent, Failed, Unknown, Discarded, CalledBack} {
		for _, v := range decisions {
			one := k.in(t, s)
			before, ledger := k.verbs(t, one), len(k.stage.ledger)
			to, allowed := v.to[s]
			if offered := v.may(k.get(t, one).May); offered != allowed {
				t.Errorf("%s is offered in %s: %v", v.name, s, offered)
			}
			err := v.do(k.plain(), ctx, ana(), one)
			after := k.get(t, one)
			if !allowed {
				if problem.Of(err).Kind != problem.Conflict || after.State != s || !slices.Equal(k.verbs(t, one), before) {
					t.Errorf("%s in %s: %v, now %s", v.name, s, err, after.State)
				}
				continue
			}
			if err != nil || after.State != to || !slices.Contains(k.verbs(t, one), v.verb) {
				t.Errorf("%s in %s: %v, now %s, want %s; %v", v.name, s, err, after.State, to, k.verbs(t, one))
			}
			if len(k.stage.ledger) != ledger {
				t.Errorf("%s in %s wrote to the network by itself", v.name, s)
			}
			if end := k.settle(t, one); to.Final() != (end.State == to) || !to.Final() && end.State != Sent {
				t.Errorf("%s in %s ended %s", v.name, s, end.State)
			}
		}
	}
}

func TestOthersMayNotDecide(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	scoped := func(of id.ID) []actor.Grant {
		s := actor.Scope{Kind: "account", ID: of}
		return []actor.Grant{{Right: actor.Reply, Scope: s}, {Right: actor.ReadConversations, Scope: s}}
	}
	for name, tc := range map[string]struct {
		a    actor.Actor
		kind problem.Kind // "" if allowed
	}{
		"another workspace":     {actor.Actor{Workspace: 9, Member: member, Grants: ana().Grants}, problem.NotFound},
		"another's System":      {actor.System(9, "test"), problem.NotFound},
		"nobody":                {actor.Actor{}, problem.NotFound},
		"no rights":             {actor.Actor{Workspace: workspace, Member: 77}, problem.NotFound},
		"who only reads":        {actor.Actor{Workspace: workspace, Member: 77, Grants: []actor.Grant{{Right: actor.ReadConversations}}}, problem.Forbidden},
		"another account's":     {actor.Actor{Workspace: workspace, Member: 77, Grants: scoped(99)}, problem.NotFound},
		"this account's":        {actor.Actor{Workspace: workspace, Member: 77, Grants: scoped(account)}, ""},
		"its author, elsewhere": {actor.Actor{Workspace: workspace, Member: member, Grants: scoped(99)}, ""},
		"its author, demoted":   {actor.Actor{Workspace: workspace, Member: member, Grants: []actor.Grant{{Right: actor.ReadConversations}}}, problem.Forbidden},
	} {
		for _, v := range decisions {
			var from State
			for s := range v.to {
				from = s
			}
			if from == "" {
				continue
			}
			one := k.in(t, from)
			err := v.do(k.plain(), ctx, tc.a, one)
			if name == "its author, elsewhere" && v.send {
				// They may keep their own words here, not send them from where they no longer speak.
				if problem.Of(err).Kind != problem.Forbidden || k.row(t, one).state != from {
					t.Errorf("%s, %s: %v, now %s", v.name, name, err, k.row(t, one).state)
				}
				continue
			}
			if tc.kind == "" && err != nil || tc.kind != "" && (err == nil || problem.Of(err).Kind != tc.kind) {
				t.Errorf("%s, %s: %v, want %q", v.name, name, err, tc.kind)
			}
			if tc.kind != "" && k.row(t, one).state != from {
				t.Errorf("%s, %s: refused, and yet it is now %s", v.name, name, k.row(t, one).state)
			}
			_, err = k.plain().Get(ctx, tc.a, one)
			if visible := err == nil; visible != (tc.kind != problem.NotFound) {
				t.Errorf("%s: Get says %v", name, err)
			}
		}
	}
}

func TestListsShowOnlyWhatOneMaySee(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	sent, moving := k.in(t, Sent), k.in(t, Accepted)
	failed, unknown := k.in(t, Failed), k.in(t, Unknown)
	ids := func(rs []Record, err error) []id.ID {
		must(t, err)
		var is []id.ID
		for _, r := range rs {
			is = append(is, r.ID)
		}
		return is
	}
	d := k.plain()
	if got, want := ids(d.Open(ctx, ana())), []id.ID{unknown, failed, moving}; !slices.Equal(got, want) {
		t.Errorf("open: %v, want %v", got, want)
	}
	if got, want := ids(d.Of(ctx, ana(), Reply, talk)), []id.ID{sent, moving, failed, unknown}; !slices.Equal(got, want) {
		t.Errorf("of the conversation: %v, want %v", got, want)
	}
	if got := ids(d.Of(ctx, ana(), Reply, talk+1)); len(got) != 0 {
		t.Errorf("of another conversation: %v", got)
	}
	other := actor.Actor{Workspace: workspace, Member: 77, Grants: []actor.Grant{{Right: actor.ReadConversations, Scope: actor.Scope{Kind: "account", ID: 99}}}}
	if got := ids(d.Open(ctx, other)); len(got) != 0 {
		t.Errorf("who reads another account sees %v", got)
	}
	for range readMax { // what is hidden takes no place from what is shown
		k.in(t, Accepted)
	}
	author := actor.Actor{Workspace: workspace, Member: member, Grants: other.Grants}
	must(t, k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update delivery set member = null where id < (select max(id) from delivery)`)
		return err
	}))
	if got := ids(d.Open(ctx, author)); len(got) != 1 {
		t.Errorf("of %d open deliveries an author elsewhere sees %d of their own", readMax+3, len(got))
	}
	if _, err := d.Open(ctx, actor.Actor{Workspace: workspace, Member: 77}); problem.Of(err).Kind != problem.Forbidden {
		t.Errorf("without a right: %v", err)
	}
	stranger := ana()
	stranger.Workspace = 9
	if got := ids(d.Open(ctx, stranger)); len(got) != 0 {
		t.Errorf("another workspace sees %v", got)
	}
}

// A token that watches over health sees that something failed, not what was said.
func TestHealthDoesNotReadWords(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	one := k.in(t, Failed)
	health := actor.Actor{Workspace: workspace, Member: 77, Grants: []actor.Grant{{Right: actor.ReadHealth}}}
	got, err := k.plain().Get(ctx, health, one)
	must(t, err)
	list, err := k.plain().Of(ctx, health, Reply, talk)
	must(t, err)
	for _, r := range append(list, got) {
		if r.State != Failed || r.Reason == nil || len(r.Draft.Parts) != 0 || r.Draft.ReplyTo != nil {
			t.Errorf("it sees %+v", r)
		}
	}
	if len(list) != 1 || len(k.get(t, one).Draft.Parts) == 0 {
		t.Errorf("listed %d; whoever reads conversations sees %+v", len(list), k.get(t, one).Draft)
	}
}

func TestAddressesOfMembers(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	for _, bad := range []string{"javascript:alert(1)", "https://", "ftp://example.net/1", "example.net/1", "https://example.net/" + strings.Repeat("x", addressMax), "http://[::1"} {
		one := k.in(t, Unknown)
		err := k.plain().Settle(ctx, ana(), one, Finding{There: true, Address: bad})
		if p := problem.Of(err); err == nil || p.Code != "delivery.address" || p.Field != "address" || k.row(t, one).state != Unknown {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
	one := k.in(t, Unknown)
	must(t, k.plain().Settle(ctx, ana(), one, Finding{There: true, Address: " https://example.net/@town/7 "}))
	r := k.get(t, one)
	if len(r.Parts) != 1 || r.Parts[0].Ref.URL != "https://example.net/@town/7" || r.Parts[0].Ref.ID != "" {
		t.Errorf("kept as %+v", r.Parts)
	}
	if len(k.told) != 0 {
		t.Errorf("Stored was told of something without an id: %v", k.told)
	}
}

// A retry goes on where a thread stopped; it never begins again.
func TestRetryOfAPartialThread(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stage.media = true
	one := k.reply(t, 3)
	k.workUntil(t, one, "deliver.after-close:4") // upload, post, upload, post
	k.stage.inject("create", fault{err: refusal(network.BadMedia)})
	if r := k.settle(t, one); r.State != Failed || len(r.Parts) != 2 || why(r) != whyMedia {
		t.Fatalf("%s with %d parts because of %q", r.State, len(r.Parts), why(r))
	}
	uploads := 0
	k.stage.after = func() { uploads++ }
	must(t, k.plain().Retry(context.Background(), ana(), one))
	if steps := string(k.row(t, one).progress); steps != "dddd.." {
		t.Errorf("after the retry the steps are %s: the picture of the third part is to be uploaded again, nothing else", steps)
	}
	if r := k.settle(t, one); r.State != Sent || uploads != 1 {
		t.Errorf("%s, %d more posts", r.State, uploads)
	}
	for part := range 3 {
		if n := k.stage.count(one.String(), part); n != 1 {
			t.Errorf("part %d stands %d times", part, n)
		}
	}
}

// The rest of a thread is not sent where nobody knows what it would hang on.
func TestTheRestNeedsAnId(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.perform(network.ProofNone)
	k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
	one := k.reply(t, 2)
	k.settle(t, one)
	ctx := context.Background()
	must(t, k.plain().Settle(ctx, ana(), one, Finding{There: true, Address: "https://example.net/1"}))
	r := k.get(t, one)
	if r.State != Failed || why(r) != whyRest || r.May.Retry || !r.May.Discard {
		t.Fatalf("%s because of %q, may %+v", r.State, why(r), r.May)
	}
	if err := k.plain().Retry(ctx, ana(), one); problem.Of(err).Code != whyRest {
		t.Errorf("retry: %v", err)
	}
	if len(k.stage.ledger) != 1 {
		t.Errorf("kept %v", k.stage.ledger)
	}
}

func TestCheckAgainAfterReconnecting(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
	for range 100 {
		k.stage.inject("prove", fault{err: refusal(network.Auth)}, fault{err: refusal(network.Auth)})
	}
	one := k.reply(t, 1)
	if r := k.settle(t, one); r.State != Unknown || !r.May.Check {
		t.Fatalf("%s, may %+v", r.State, r.May)
	}
	k.stage.calm()
	must(t, k.plain().Check(context.Background(), ana(), one))
	if r := k.settle(t, one); r.State != Sent || len(k.stage.ledger) != 1 {
		t.Errorf("%s, kept %v", r.State, k.stage.ledger)
	}
}

func TestPauseHoldsWhatHasNotLeft(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	paused := true
	k.fence = func(context.Context, *db.Tx, id.ID, id.ID) error {
		if paused {
			return problem.New(problem.Conflict, "publish.paused", "by", "Bo")
		}
		return nil
	}
	one := k.reply(t, 1)
	r := k.settle(t, one)
	if r.State != Failed || why(r) != "publish.paused" || r.Reason.Args["by"] != "Bo" || len(k.stage.ledger) != 0 {
		t.Fatalf("%s because of %+v, kept %v", r.State, r.Reason, k.stage.ledger)
	}
	paused = false
	if ok, _ := k.work(t, k.plain(), one); ok || len(k.stage.ledger) != 0 {
		t.Error("something was flushed after the pause")
	}
	must(t, k.plain().Retry(ctx, ana(), one))
	if r := k.settle(t, one); r.State != Sent {
		t.Errorf("ended %s", r.State)
	}
	// What was under way when the pause came is proved all the same.
	k.perform(network.ProofReadback)
	k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)})
	two := k.reply(t, 1)
	k.work(t, k.plain(), two)
	paused = true
	if r := k.settle(t, two); r.State != Sent || len(k.stage.ledger) != 1 {
		t.Errorf("during the pause: %s, kept %v", r.State, k.stage.ledger)
	}
	// But where only a repeat could tell, it waits for the end of the pause.
	k.perform(network.ProofKey)
	paused = false
	k.stage.inject("create", fault{err: refusal(network.Ambiguous)})
	three := k.reply(t, 1)
	k.work(t, k.plain(), three)
	paused = true
	for range 10 {
		k.clock.Advance(20 * time.Second)
		k.work(t, k.plain(), three)
	}
	if r := k.get(t, three); r.State != Sending || len(k.stage.ledger) != 0 {
		t.Errorf("during the pause: %s, kept %v", r.State, k.stage.ledger)
	}
	paused = false
	if r := k.settle(t, three); r.State != Sent || len(k.stage.ledger) != 1 {
		t.Errorf("after the pause: %s because of %q, kept %v", r.State, why(r), k.stage.ledger)
	}
}

func TestEraseLeavesNoWords(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	erase := func(a actor.Actor) error {
		return k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return k.plain().Erase(ctx, tx, a, Reply, talk) })
	}
	for _, s := range []State{Accepted, Planned, Sent, Failed, Unknown, Discarded, CalledBack} {
		k.in(t, s)
	}
	k.perform(network.ProofReadback)
	sending := k.in(t, Sending)
	if err := erase(ana()); problem.Of(err).Code != "delivery.busy" {
		t.Fatalf("while a request is under way: %v", err)
	}
	k.settle(t, sending)
	nobody := ana()
	nobody.Grants = nobody.Grants[:2]
	if err := erase(nobody); problem.Of(err).Kind != problem.Forbidden {
		t.Fatalf("without the right: %v", err)
	}
	must(t, erase(ana()))
	must(t, erase(ana()))
	recs, err := k.plain().Of(ctx, ana(), Reply, talk)
	must(t, err)
	for _, r := range recs {
		b, _ := json.Marshal(r)
		if !r.State.Final() || strings.Contains(string(b), "We open") || strings.Contains(string(b), "bea") || strings.Contains(string(b), "q1") {
			t.Errorf("left: %s", b)
		}
	}
	for _, q := range []string{`select count(*) from delivery where length(draft) > 0 or length(plan) > 0 or length(hash) > 0 or said <> ''`,
		`select count(*) from delivery_attempt where detail <> ''`} {
		var n int
		must(t, k.db.Read().Row(ctx, q).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows: %s", n, q)
		}
	}
}
