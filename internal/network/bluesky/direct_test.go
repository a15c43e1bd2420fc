package bluesky_test

import (
	"slices"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
)

func private(id, body string) network.Post {
	p := stranger(id, body)
	p.Visibility = network.DirectTo
	return p
}

func TestDirectMessagesAreHeard(t *testing.T) {
	t.Parallel()
	r := setup(t)
	early := r.fake.Say(private("ann", "before you came"))
	second := r.fake.Say(private("ann", "and another"))
	events, c := r.poll(network.Direct, network.Cursor{})
	for _, ref := range []network.Ref{early, second} {
		e := find(events, ref.ID)
		if e == nil || !e.Direct || !e.Addressed || e.Own || e.Post.Visibility != network.DirectTo || e.Post.ConversationID != ref.ConversationID {
			t.Errorf("unread before the first poll: %+v", e)
		}
	}
	r.clock.Advance(time.Second)
	later := r.fake.Say(private("ben", "see https://example.org"))
	gone := r.fake.Say(private("ben", "oops"))
	r.fake.Change(gone, nil)
	events, c = r.poll(network.Direct, c)
	e := find(events, later.ID)
	if e == nil || e.Post.Author.Handle != "ben.test" || len(e.Post.To) != 1 || e.Post.To[0].RemoteID != r.a.RemoteID {
		t.Fatalf("%+v", e)
	}
	if find(events, early.ID) != nil {
		t.Error("the log began before its cursor")
	}
	if !slices.ContainsFunc(events, func(e network.Event) bool { return e.Kind == network.KindGone && e.Gone.ID == gone.ID && e.Direct }) {
		t.Error("what was deleted is not told gone")
	}
	if events, _ = r.poll(network.Direct, c); len(events) != 0 {
		t.Errorf("%d events come twice", len(events))
	}
	thread, err := r.n.Thread(r.ctx, r.a, early)
	if err != nil || len(thread) != 2 || thread[0].Post.ID != early.ID {
		t.Errorf("%d messages, %v", len(thread), err)
	}
}

func TestDirectLogOfManyPages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, c := r.poll(network.Direct, network.Cursor{})
	var refs []network.Ref
	for range 130 {
		r.clock.Advance(time.Millisecond)
		refs = append(refs, r.fake.Say(private("ann", "hm")))
	}
	events, _ := r.poll(network.Direct, c)
	for i, ref := range refs {
		if i >= len(events) || events[i].Post.ID != ref.ID {
			t.Fatalf("message %d is missing or out of order among %d", i, len(events))
		}
	}
}

func TestDirectAnswer(t *testing.T) {
	t.Parallel()
	r := setup(t)
	asked := r.hears(network.Direct, private("ann", "between us"))
	d := draft("certainly", "and good night")
	d.ReplyTo = asked
	d.Parts[0].Visibility, d.Parts[1].Visibility = network.DirectTo, network.DirectTo
	p := r.plan(d)
	if len(p.Steps) != 2 || p.Steps[0].Proof != network.ProofReadback || !slices.Equal(p.Steps[1].After, []int{0}) {
		t.Fatalf("%+v", p.Steps)
	}
	got := r.send(p)
	if got.Ref.ConversationID != asked.ConversationID || !slices.Equal(r.wrote(), []string{"certainly", "and good night"}) {
		t.Errorf("%+v, %q", got, r.wrote())
	}
	if r.count("putRecord")+r.count("applyWrites") != 0 {
		t.Error("something private went public")
	}
	d = draft("hello")
	d.Parts[0].Visibility = network.DirectTo
	_, err := r.n.Plan(r.ctx, r.a, d)
	wants(t, "to nobody", err, network.BadInput, "bluesky.help.one_recipient")
	d.Parts[0].Keep = []network.Person{{RemoteID: r.fake.DID("ben")}}
	r.send(r.plan(d))
	m, _ := dot()
	d.Parts[0].Media = []network.Media{m}
	_, err = r.n.Plan(r.ctx, r.a, d)
	wants(t, "with a picture", err, network.BadMedia, "bluesky.help.direct_media")
}

// Two messages of the same words: a lost answer to the second must not be
// proved by the first.
func TestDirectProof(t *testing.T) {
	t.Parallel()
	for _, kept := range []bool{true, false} {
		r := setup(t)
		asked := r.hears(network.Direct, private("ann", "hello?"))
		r.send(r.plan(answer(asked, "hello")))
		r.clock.Advance(time.Second)
		p := r.plan(answer(asked, "hello", "hello"))
		first, err := r.n.Do(r.ctx, r.a, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Steps[0].Done = &first.Ref
		r.clock.Advance(time.Second)
		r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: kept, Cut: true})
		_, err = r.n.Do(r.ctx, r.a, p, 1)
		wants(t, "lost", err, network.Ambiguous, "")
		got, err := r.n.Prove(r.ctx, r.a, p, 1)
		want := network.NotSent
		if kept {
			want = network.Sent
		}
		if err != nil || got.State != want || got.Ref.ID == first.Ref.ID {
			t.Errorf("kept %v: Prove says %q %q, %v", kept, got.State, got.Ref.ID, err)
		}
	}
}

func answer(to *network.Post, parts ...string) network.Draft {
	d := draft(parts...)
	d.ReplyTo = to
	for i := range d.Parts {
		d.Parts[i].Visibility = to.Visibility
	}
	return d
}

func TestDirectRefusals(t *testing.T) {
	t.Parallel()
	for name, help := range map[string]string{
		"ConvoLocked": "bluesky.help.convo_locked", "BlockedActor": "bluesky.help.blocked", "MessagesDisabled": "bluesky.help.no_messages",
	} {
		r := setup(t)
		p := r.plan(answer(r.hears(network.Direct, private("ann", "hello?")), "yes"))
		r.instead("sendMessage", 400, `{"error":"`+name+`"}`)
		_, err := r.n.Do(r.ctx, r.a, p, 0)
		wants(t, name, err, network.Policy, help)
	}
}
