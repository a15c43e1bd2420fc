package bluesky_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/network"
	"parley/internal/network/bluesky"
)

func TestPollTellsReplyFromMention(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ours := r.send(r.plan(draft("Hello"))).Ref
	_, c := r.poll(network.Mentions, network.Cursor{})

	mention := r.fake.Say(stranger("ann", "are you open?"))
	p := stranger("ben", "what about Sunday?")
	p.ParentID = ours.ID
	reply := r.fake.Say(p)
	p = stranger("cyd", "Ben, they said noon")
	p.ParentID = reply.ID
	p.Author.RemoteID = "cyd"
	between := r.fake.Say(p)
	events, _ := r.poll(network.Mentions, c)

	if e := find(events, mention.ID); e == nil || !e.Addressed || e.Post.ParentID != "" || len(e.Post.To) != 1 {
		t.Errorf("the mention: %+v", e)
	}
	if e := find(events, reply.ID); e == nil || !e.Addressed || e.Post.ParentID != ours.ID || e.Post.RootID != ours.ID {
		t.Errorf("the reply: %+v", e)
	}
	if e := find(events, between.ID); e == nil || e.Post.RootID != ours.ID || e.Post.ParentID != reply.ID {
		t.Errorf("an answer to Ben that mentions us: %+v", e)
	}
}

// A reply to somebody else under our post is context, and speaks to us only if
// it names us.
func TestDeepReplyIsContext(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ours := r.send(r.plan(draft("Hello"))).Ref
	p := stranger("ben", "nice")
	p.ParentID = ours.ID
	reply := r.fake.Say(p)
	ref := func(x network.Ref) map[string]any { return map[string]any{"uri": x.ID, "cid": x.Version} }
	deep := r.fake.Put("cyd", "cyd.test", map[string]any{
		"$type": "app.bsky.feed.post", "text": "Ben, is it?", "createdAt": "2026-11-12T09:29:00.000Z",
		"reply": map[string]any{"root": ref(ours), "parent": ref(reply)},
	}, r.clock.Now())
	events, _ := r.poll(network.Mentions, network.Cursor{})
	if e := find(events, deep.ID); e == nil || e.Addressed {
		t.Errorf("an answer between strangers: %+v", e)
	}
	if e := find(events, reply.ID); e == nil || !e.Addressed {
		t.Errorf("an answer to us: %+v", e)
	}
}

// What a late clock writes is filed into the past. Behind many younger
// notifications it is found by the long walk, which comes every hour.
func TestLateClockIsHeard(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i := range 350 {
		p := stranger("crowd", fmt.Sprint("hurry ", i))
		p.Created = r.clock.Now().Add(-90 * time.Minute)
		r.fake.Say(p)
	}
	r.fake.Say(stranger("crowd", "last"))
	_, c := r.poll(network.Mentions, network.Cursor{})
	p := stranger("late", "my clock is slow")
	p.Created = r.clock.Now().Add(-5 * time.Hour)
	late := r.fake.Say(p)
	p.Created = r.clock.Now().Add(-3 * 365 * 24 * time.Hour)
	p.Author = stranger("museum", "").Author
	r.fake.Say(p) // beyond a day only Import finds it; the documentation says so

	events, c := r.poll(network.Mentions, c)
	if find(events, late.ID) != nil {
		t.Fatal("the short walk went back five hours: this test shows nothing")
	}
	r.clock.Advance(61 * time.Minute)
	events, c = r.poll(network.Mentions, c)
	e := find(events, late.ID)
	if e == nil {
		t.Fatal("what a late clock wrote was lost")
	}
	if got := r.clock.Now().Sub(e.At); got < 5*time.Hour {
		t.Errorf("it is dated %v ago", got)
	}
	before := r.count("listNotifications")
	r.poll(network.Mentions, c)
	if n := r.count("listNotifications") - before; n > 3 {
		t.Errorf("the walk after the long one read %d pages", n)
	}
}

// Nine minutes late, behind hundreds of younger ones, is within the usual walk.
func TestNineMinutesLate(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for i := range 350 {
		p := stranger("crowd", fmt.Sprint("hurry ", i))
		p.Created = r.clock.Now().Add(-8 * time.Minute)
		r.fake.Say(p)
	}
	r.fake.Say(stranger("crowd", "last"))
	_, c := r.poll(network.Mentions, network.Cursor{})
	p := stranger("late", "slow connection")
	p.Created = r.clock.Now().Add(-9 * time.Minute)
	late := r.fake.Say(p)
	if events, _ := r.poll(network.Mentions, c); find(events, late.ID) == nil {
		t.Error("it was lost")
	}
}

// However polls, crashes and talk are mixed, nothing is missed and the walk
// ends.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		r := setup(t)
		_, c := r.poll(network.Mentions, network.Cursor{})
		said := map[string]bool{}
		heard := map[string]bool{}
		for range rapid.IntRange(1, 5).Draw(rt, "rounds") {
			for range rapid.IntRange(0, 60).Draw(rt, "talk") {
				p := stranger(fmt.Sprint("s", len(said)%9), fmt.Sprint("word ", len(said)))
				p.Created = r.clock.Now().Add(-time.Duration(rapid.IntRange(-600, 540).Draw(rt, "clock")) * time.Second)
				said[r.fake.Say(p).ID] = true
			}
			r.clock.Advance(time.Duration(rapid.IntRange(1, 120).Draw(rt, "pause")) * time.Second)
			page, err := r.n.Poll(r.ctx, r.a, network.Mentions, c)
			if err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "crash") {
				continue // read, but never stored
			}
			for i, e := range page.Events {
				heard[e.Post.ID] = true
				if i > 0 && e.At.Before(page.Events[i-1].At) {
					rt.Fatalf("event %d is older than the one before", i)
				}
			}
			c = page.Next
		}
		events, _ := r.poll(network.Mentions, c)
		for _, e := range events {
			heard[e.Post.ID] = true
		}
		for id := range said {
			if !heard[id] {
				rt.Fatalf("%s was never heard (%d of %d were)", id, len(heard), len(said))
			}
		}
	})
}

// One notification that cannot be read must not stop the others, now or later,
// and is not passed over in silence.
func TestPoisonIsPassedOver(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.instead("listNotifications", http.StatusOK, `{"cursor":"","notifications":[
		{"uri":5},
		"nonsense",
		{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a","cid":"c","reason":"mention","author":{"did":"did:plc:other"},
		 "record":{"text":"forged author"},"indexedAt":"2026-11-12T09:00:00Z"},
		{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2b","cid":"c","reason":"mention","author":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"},
		 "record":{"text":["not","text"]},"indexedAt":"2026-11-12T09:00:00Z"},
		{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.like/3jzfcijpj2z2b","cid":"c","reason":"like","author":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"},
		 "record":{},"indexedAt":"2026-11-12T09:00:00Z"},
		{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2c","cid":"c","reason":"mention","author":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"},
		 "record":{"text":"heard"},"indexedAt":"2026-11-12T09:00:00Z"}]}`)
	events, _ := r.poll(network.Mentions, network.Cursor{})
	gaps := 0
	for _, e := range events {
		if e.Kind == network.KindGap {
			gaps++
		} else if e.Post.Text.Body != "heard" {
			t.Errorf("heard %+v", e.Post)
		}
	}
	if len(events) != 4 || gaps != 3 {
		t.Errorf("%d events, of them %d gaps: %+v", len(events), gaps, events)
	}
}

// An AppView filters after it pages: an empty page with a cursor is no end. A
// cursor that stands still is.
func TestEmptyPagesAndStandingCursors(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, c := r.poll(network.Mentions, network.Cursor{})
	ref := r.fake.Say(stranger("ann", "hello"))
	r.wire.mu.Lock()
	r.wire.answer = func(q *http.Request) *http.Response {
		if strings.HasSuffix(q.URL.Path, "listNotifications") && q.URL.Query().Get("cursor") == "" {
			return response(http.StatusOK, `{"notifications":[],"cursor":"2026-11-12T09:31:00.000Z::zzz"}`)
		}
		return nil
	}
	r.wire.mu.Unlock()
	if events, _ := r.poll(network.Mentions, c); find(events, ref.ID) == nil {
		t.Error("an empty page ended the walk")
	}
	r.instead("listNotifications", http.StatusOK, `{"notifications":[],"cursor":"again"}`)
	before := r.count("listNotifications")
	r.poll(network.Mentions, c)
	if n := r.count("listNotifications") - before; n > 3 {
		t.Errorf("a cursor that stands still was followed %d times", n)
	}
}

func TestOwnPosts(t *testing.T) {
	t.Parallel()
	r := setup(t)
	first := r.send(r.plan(draft("First"))).Ref
	events, c := r.poll(network.Own, network.Cursor{})
	if e := find(events, first.ID); e == nil || !e.Own || e.Addressed || e.Post.Version != first.Version || e.Post.Author.Handle != r.a.Handle {
		t.Fatalf("our first post: %+v", e)
	}
	// A key from a clock far ahead must not hide what comes after it.
	r.fake.PutAt(r.a.RemoteID, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), "from 2099")
	_, c = r.poll(network.Own, c)
	var refs []network.Ref
	for i := range 250 {
		r.clock.Advance(time.Second)
		refs = append(refs, r.fake.PutAt(r.a.RemoteID, r.clock.Now(), fmt.Sprint("post ", i)))
	}
	events, _ = r.poll(network.Own, c)
	for i, ref := range refs {
		if find(events, ref.ID) == nil {
			t.Fatalf("post %d after it did not arrive", i)
		}
	}
}

func TestOwnPostsOfManyPages(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, c := r.poll(network.Own, network.Cursor{})
	var refs []network.Ref
	for i := range 1250 {
		refs = append(refs, r.fake.Put(r.a.RemoteID, "", map[string]any{
			"$type": "app.bsky.feed.post", "text": fmt.Sprint("post ", i), "createdAt": "2026-11-12T09:30:00Z"}, r.clock.Now()))
	}
	events, _ := r.poll(network.Own, c)
	for _, ref := range refs {
		if find(events, ref.ID) == nil {
			t.Fatalf("%s is missing among %d", ref.ID, len(events))
		}
	}
}

func TestImportGoesBackToADay(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var own, heard []network.Ref
	for i := range 240 {
		at := r.clock.Now().Add(-time.Duration(i) * 24 * time.Hour)
		own = append(own, r.fake.PutAt(r.a.RemoteID, at, fmt.Sprint("day ", i)))
		p := stranger("ann", fmt.Sprint("day ", i))
		p.Created = at
		heard = append(heard, r.fake.Say(p))
	}
	since := r.clock.Now().Add(-200*24*time.Hour - time.Hour)
	for f, refs := range map[network.Feed][]network.Ref{network.Own: own, network.Mentions: heard} {
		var events []network.Event
		var c network.Cursor
		for range 20 {
			page, err := r.n.Import(r.ctx, r.a, f, since, c)
			if err != nil {
				t.Fatal(err)
			}
			events, c = append(events, page.Events...), page.Next
			if !page.More {
				break
			}
		}
		for i, ref := range refs {
			if got := find(events, ref.ID) != nil; got != (i <= 200) {
				t.Fatalf("%s: day %d imported: %v", f, i, got)
			}
		}
		for i := 1; i < len(events); i++ {
			if events[i].At.After(events[i-1].At) {
				t.Fatalf("%s: not newest first at %d", f, i)
			}
		}
	}
}

func TestWithoutAppView(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.Bare()
	c, err := r.n.Describe(r.ctx, r.a)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []network.Ability{network.CanMentions, network.CanMetrics, network.CanDirect, network.CanEdit, network.CanWarn} {
		if g := c.Can[a]; g.OK || g.Why == "" {
			t.Errorf("%s without an AppView: %+v", a, g)
		}
	}
	r.fake.Forget()
	_, err = r.n.Describe(r.ctx, r.a)
	wants(t, "a dead token without an AppView", err, network.Auth, "")
	r.a = r.fake.Account()
	if !c.Can[network.CanPost].OK || len(c.Feeds) != 1 || c.Feeds[0] != network.Own || c.Until.Sub(r.clock.Now()) > 10*time.Minute {
		t.Errorf("%+v", c)
	}
	_, err = r.n.Poll(r.ctx, r.a, network.Mentions, network.Cursor{})
	wants(t, "mentions", err, network.Transient, "bluesky.help.no_appview")
	_, err = r.n.Poll(r.ctx, r.a, network.Direct, network.Cursor{})
	wants(t, "direct", err, network.Transient, "bluesky.help.no_chat")
	for _, told := range []int{501, 502, 404} {
		r.instead("listNotifications", told, `{"error":"UpstreamFailure"}`)
		_, err = r.n.Poll(r.ctx, r.a, network.Mentions, network.Cursor{})
		wants(t, fmt.Sprint("mentions answered ", told), err, network.Transient, "bluesky.help.no_appview")
	}
	// Writing works, and so does answering somebody on the same server.
	asked := r.fake.Say(stranger("ann", "open?"))
	d := draft("Yes")
	d.ReplyTo = &network.Post{Ref: asked}
	if got := r.send(r.plan(d)); got.Ref.ParentID != asked.ID {
		t.Errorf("%+v", got.Ref)
	}
}

func TestDescribeSaysWhatAnAppPasswordMay(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.Scope("com.atproto.appPass")
	r.a = r.fake.Account()
	c, err := r.n.Describe(r.ctx, r.a)
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Can[network.CanDirect]; g.OK || g.Why != "bluesky.why.no_direct" || len(c.Feeds) != 2 {
		t.Errorf("direct messages: %+v, feeds %v", g, c.Feeds)
	}
	_, err = r.n.Poll(r.ctx, r.a, network.Direct, network.Cursor{})
	wants(t, "reading them all the same", err, network.Scope, "bluesky.why.no_direct")
	r.opt.Jetstream = ""
	if c, err := bluesky.New(r.env, r.opt).Describe(r.ctx, r.a); err != nil || c.Can[network.CanStream].OK {
		t.Errorf("a stream without an address: %+v, %v", c.Can[network.CanStream], err)
	}
}

// The budget a server tells is on its clock, which may be an hour off.
func TestRateIsOnOurClock(t *testing.T) {
	t.Parallel()
	r := setup(t)
	reset := r.clock.Now().Add(4 * time.Minute)
	r.wire.answer = func(q *http.Request) *http.Response {
		if !strings.HasSuffix(q.URL.Path, "listRecords") {
			return nil
		}
		res := response(http.StatusOK, `{"records":[]}`)
		for k, v := range map[string]string{
			"RateLimit-Limit": "3000", "RateLimit-Remaining": "2990", "RateLimit-Policy": "3000;w=300",
			"RateLimit-Reset": fmt.Sprint(reset.Add(time.Hour).Unix()), "Date": r.clock.Now().Add(time.Hour).Format(http.TimeFormat),
		} {
			res.Header.Set(k, v)
		}
		return res
	}
	page, err := r.n.Poll(r.ctx, r.a, network.Own, network.Cursor{})
	if err != nil || page.Rate != (network.Rate{Limit: 3000, Left: 2990, Reset: reset}) {
		t.Errorf("%+v, %v", page.Rate, err)
	}
}
