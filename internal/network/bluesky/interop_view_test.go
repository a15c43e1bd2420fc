package bluesky_test

import (
	"slices"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/text"
)

// The part of the interop test that needs an AppView.

// hears polls until an event is there.
func (s *side) hears(x *interop, what string, c *network.Cursor, want func(network.Event) bool) network.Event {
	s.t.Helper()
	var found network.Event
	x.again(what, func() bool {
		page, err := s.n.Poll(s.ctx, s.a, network.Mentions, *c)
		if err != nil {
			s.t.Fatalf("polling: %v", err)
		}
		*c = page.Next
		i := slices.IndexFunc(page.Events, want)
		if i >= 0 {
			found = page.Events[i]
		}
		return i >= 0
	})
	return found
}

func interopMention(t *testing.T, x *interop) {
	x.t = t
	var ca, cb network.Cursor
	for _, s := range []struct {
		s *side
		c *network.Cursor
	}{{x.a, &ca}, {x.b, &cb}} {
		page, err := s.s.n.Poll(x.ctx, s.s.a, network.Mentions, network.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		*s.c = page.Next
	}
	_, asked := x.b.post(x.b.draft("@" + x.a.a.Handle + " when does the bridge open?"))
	heard := x.a.hears(x, "the mention", &ca, func(e network.Event) bool { return e.Post != nil && e.Post.ID == asked.Ref.ID })
	if !heard.Addressed || heard.Own || heard.Post.Author.Handle != x.b.a.Handle || heard.Post.Version != asked.Ref.Version {
		t.Errorf("heard %+v", heard.Post)
	}
	if len(heard.Post.Text.Spans) != 1 || heard.Post.Text.Spans[0].Kind != text.Mention {
		t.Errorf("spans %+v", heard.Post.Text.Spans)
	}
	d := x.a.draft("At noon.", "Bring an umbrella.")
	d.ReplyTo = heard.Post
	_, said := x.a.post(d)
	back := x.b.hears(x, "the answer", &cb, func(e network.Event) bool { return e.Post != nil && e.Post.ID == said.Ref.ID })
	if back.Post.ParentID != asked.Ref.ID || back.Post.RootID != asked.Ref.ID || !back.Addressed {
		t.Errorf("the answer stands at %+v", back.Post.Ref)
	}
	x.again("the thread", func() bool {
		events, err := x.b.n.Thread(x.ctx, x.b.a, asked.Ref)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range events {
			if e.Post != nil {
				ids = append(ids, e.Post.ID)
			}
		}
		return slices.Equal(ids, []string{asked.Ref.ID, said.Parts[0].ID, said.Parts[1].ID})
	})
}

// interopLate shows why a walk goes further back once an hour: what a late
// clock writes is filed into the past.
func interopLate(t *testing.T, x *interop) {
	x.t = t
	page, err := x.a.n.Poll(x.ctx, x.a.a, network.Mentions, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	d := x.b.draft("@" + x.a.a.Handle + " my clock is slow")
	d.At = clock.System{}.Now().Add(-3 * time.Hour)
	_, late := x.b.post(d)
	c := page.Next
	got := x.a.hears(x, "the late mention", &c, func(e network.Event) bool { return e.Post != nil && e.Post.ID == late.Ref.ID })
	t.Logf("written 3 h ago by its author's clock, shown as indexed %v ago", clock.System{}.Now().Sub(got.Post.Indexed).Round(time.Minute))
}

func interopWatch(t *testing.T, x *interop) {
	x.t = t
	_, d := x.b.post(x.b.draft("Soon gone"))
	_, stays := x.b.post(x.b.draft("Stays"))
	seen := func() []network.Event {
		events, err := x.a.n.Watch(x.ctx, x.a.a, []network.Ref{d.Ref, stays.Ref})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	x.again("both known", func() bool { return len(seen()) == 0 })
	if err := x.b.n.Delete(x.ctx, x.b.a, d.Ref); err != nil {
		t.Fatal(err)
	}
	x.again("one gone", func() bool {
		events := seen()
		return len(events) == 1 && events[0].Kind == network.KindGone && events[0].Gone.ID == d.Ref.ID
	})
}

func interopCounts(t *testing.T, x *interop) {
	x.t = t
	_, d := x.a.post(x.a.draft("Count me"))
	if err := x.b.n.Act(x.ctx, x.b.a, network.Act{Kind: network.Like, On: d.Ref}); err != nil {
		t.Fatal(err)
	}
	x.again("one like", func() bool {
		counts, err := x.a.n.Metrics(x.ctx, x.a.a, []network.Ref{d.Ref})
		if err != nil {
			t.Fatal(err)
		}
		if _, told := counts[d.Ref.ID]["views"]; told {
			t.Error("views are told")
		}
		return counts[d.Ref.ID]["likes"] == 1
	})
	if err := x.a.n.Act(x.ctx, x.a.a, network.Act{Kind: network.Mute, Person: network.Person{RemoteID: x.b.a.RemoteID}}); err != nil {
		t.Errorf("muting: %v", err)
	}
	if err := x.a.n.Act(x.ctx, x.a.a, network.Act{Kind: network.Mute, Undo: true, Person: network.Person{RemoteID: x.b.a.RemoteID}}); err != nil {
		t.Errorf("unmuting: %v", err)
	}
}
