package mastodon_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/text"
)

// TestPollAsks: which kinds of notification are asked for, in which words.
func TestPollAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dialect       mastodon.Dialect
		api           string
		types, inc    []string
		filtered, min string
	}{
		{mastodon.Mastodon, "7", []string{"mention", "quote", "quoted_update"}, nil, "true", "9"},
		{mastodon.Mastodon, "2", []string{"mention"}, nil, "true", "9"},
		{mastodon.GoToSocial, "0", []string{"mention"}, nil, "", "9"},
		{mastodon.Pleroma, "0", nil, []string{"mention"}, "", "9"},
		{mastodon.Unknown, "0", []string{"mention"}, []string{"mention"}, "true", "9"},
	} {
		var got []*http.Request
		r := against(t, c.dialect, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r)
			_, _ = w.Write([]byte("[]"))
		}))
		r.a.Extra["api"] = c.api
		cursor := network.Cursor{V: 1, Opaque: []byte(`{"b":"9"}`)}
		if _, err := r.n.Poll(t.Context(), r.a, network.Mentions, cursor); err != nil {
			t.Fatal(err)
		}
		q := got[0].URL.Query()
		if !slices.Equal(q["types[]"], c.types) || !slices.Equal(q["include_types[]"], c.inc) ||
			q.Get("include_filtered") != c.filtered || q.Get("min_id") != c.min {
			t.Errorf("%s, api %s: asks %s", c.dialect, c.api, got[0].URL.RawQuery)
		}
		if got[0].UserAgent() != agent || got[0].Header.Get("Authorization") != "Bearer token-of-the-test" {
			t.Errorf("%s: headers %v", c.dialect, got[0].Header)
		}
	}
}

// TestFilteredStranger: somebody held back by the account's notification policy
// is heard all the same.
func TestFilteredStranger(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	r.fake.Hold("ann@far.example")
	_, c := r.poll(network.Mentions, network.Cursor{})
	ref := r.say("ann@far.example", "does anybody hear me?", network.Public)
	events, _ := r.poll(network.Mentions, c)
	if len(events) != 1 || events[0].Post.ID != ref.ID {
		t.Errorf("heard %+v", events)
	}
}

func TestHeardPost(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	ref := r.fake.Say(network.Post{
		Text: text.Text{Body: "is this <b>bold</b> & true? https://town.example/a?b=c"}, Lang: "de", Warning: "politics",
		Visibility: network.DirectTo, Created: noon.Add(-time.Minute),
		Author: network.Person{Handle: "ann@far.example", Name: "Ann 🌻", Bot: true},
	})
	events, _ := r.poll(network.Mentions, network.Cursor{})
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e, p := events[0], events[0].Post
	if e.Kind != network.KindMessage || !e.Direct || e.Own || !e.Addressed || !e.At.Equal(noon) {
		t.Errorf("the event is %+v", e)
	}
	if want := "@parley is this <b>bold</b> & true? town.example/a?b=c"; p.Text.Body != want {
		t.Errorf("the words are %q, want %q", p.Text.Body, want)
	}
	if p.ID != ref.ID || p.Lang != "de" || p.Warning != "politics" || p.Visibility != network.DirectTo || p.Version != "" || p.RootID != p.ID {
		t.Errorf("the post is %+v", p)
	}
	if !p.Created.Equal(noon.Add(-time.Minute)) || !p.Indexed.Equal(noon) || !p.Edited.IsZero() {
		t.Errorf("times: created %v, indexed %v, edited %v", p.Created, p.Indexed, p.Edited)
	}
	if p.Author.Handle != "ann@far.example" || p.Author.Name != "Ann 🌻" || !p.Author.Bot || p.Author.Instance != r.base {
		t.Errorf("the author is %+v", p.Author)
	}
	if len(p.To) != 1 || p.To[0].RemoteID != r.a.RemoteID || p.To[0].Handle != r.a.Handle {
		t.Errorf("addressed to %+v", p.To)
	}
	kinds := map[text.SpanKind]string{}
	for _, s := range p.Text.Spans {
		kinds[s.Kind] = s.Target
	}
	if kinds[text.Mention] != r.a.RemoteID || kinds[text.Link] != "https://town.example/a?b=c" {
		t.Errorf("the spans are %+v", p.Text.Spans)
	}
}

// TestSnacTellsOfAGap: only the newest 64 are kept there; what fell out between
// two looks can't be had, but is not passed over in silence.
func TestSnacTellsOfAGap(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Snac)
	crowd := func(n int) {
		for i := range n {
			r.say("ann@far.example", fmt.Sprint("word ", i), network.Public)
		}
	}
	gaps := func(events []network.Event) (gaps, messages int) {
		for _, e := range events {
			if e.Kind == network.KindGap {
				gaps++
			} else {
				messages++
			}
		}
		return gaps, messages
	}
	crowd(70)
	events, c := r.poll(network.Mentions, network.Cursor{})
	if g, m := gaps(events); g != 0 || m != 64 {
		t.Errorf("at first: %d gaps, %d messages", g, m)
	}
	crowd(10)
	events, c = r.poll(network.Mentions, c)
	if g, m := gaps(events); g != 0 || m != 10 {
		t.Errorf("ten more: %d gaps, %d messages", g, m)
	}
	crowd(65)
	events, c = r.poll(network.Mentions, c)
	if g, m := gaps(events); g != 1 || m != 64 || events[0].Note != "mastodon.gap.missed" {
		t.Errorf("65 more: %d gaps, %d messages", g, m)
	}
	if events, _ = r.poll(network.Mentions, c); len(events) != 0 {
		t.Errorf("nothing more: %+v", events)
	}
}

// TestSnacEditKeepsItsPlace: the id changes, what it is known by does not.
func TestSnacEditKeepsItsPlace(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Snac)
	ref := r.say("ann@far.example", "hello", network.Public)
	before := r.heard()
	r.clock.Advance(time.Minute)
	r.fake.Change(ref, &network.Post{Text: text.Text{Body: "good evening"}})
	events, err := r.n.Watch(t.Context(), r.a, []network.Ref{before.Ref})
	if err != nil || len(events) != 1 {
		t.Fatalf("Watch: %+v, %v", events, err)
	}
	if e := events[0]; e.Kind != network.KindEdit || e.Post.ID != before.ID || e.Post.Version == before.Version {
		t.Errorf("the edit is %+v of %+v", e.Post.Ref, before.Ref)
	}
}

func TestOwnFeed(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		if d == mastodon.Pixelfed {
			continue // begins no posts in words
		}
		r := setup(t, d)
		_, c := r.poll(network.Own, network.Cursor{})
		r.say("ann@far.example", "not ours", network.Public)
		refs := r.send(draft("ours"))
		events, c := r.poll(network.Own, c)
		if len(events) != 1 || events[0].Post.ID != refs[0].ID || !events[0].Own || events[0].Addressed {
			t.Errorf("%s: %+v", d, events)
		}
		r.clock.Advance(10 * time.Minute)
		_, c = r.poll(network.Own, c)
		if events, _ = r.poll(network.Own, c); len(events) != 0 {
			t.Errorf("%s: read again after the overlap: %+v", d, events)
		}
	}
}

// TestImport: a year back and no further, newest first, over many pages.
func TestImport(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.GoToSocial)
	start := r.clock.Now()
	for i := range 200 {
		r.say("ann@far.example", fmt.Sprint("day ", i), network.Public)
		r.clock.Advance(24 * time.Hour)
	}
	since := start.Add(50*24*time.Hour - time.Minute)
	var got []network.Event
	var c network.Cursor
	for pages := 0; ; pages++ {
		p, err := r.n.Import(t.Context(), r.a, network.Mentions, since, c)
		if err != nil || pages > 10 {
			t.Fatalf("page %d: %v", pages, err)
		}
		got, c = append(got, p.Events...), p.Next
		if !p.More {
			break
		}
	}
	if len(got) != 150 {
		t.Fatalf("%d messages, want 150", len(got))
	}
	for i := 1; i < len(got); i++ {
		if got[i].At.After(got[i-1].At) {
			t.Fatalf("message %d is newer than the one before", i)
		}
	}
}

func TestThread(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		r := setup(t, d)
		root := r.say("ann@far.example", "what is this?", network.Public)
		r.clock.Advance(time.Minute)
		p := r.heard()
		ours := r.send(answer(p, "a town"))
		r.clock.Advance(time.Minute)
		last := r.fake.Say(network.Post{Ref: network.Ref{ParentID: ours[0].ID}, Text: text.Text{Body: "thanks"},
			Created: r.clock.Now(), Visibility: network.Public, Author: network.Person{Handle: "ann@far.example"}})
		events, err := r.n.Thread(t.Context(), r.a, ours[0])
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range events {
			ids = append(ids, e.Post.ID)
			if e.Post.RootID != root.ID {
				t.Errorf("%s: %s has the root %q, want %q", d, e.Post.ID, e.Post.RootID, root.ID)
			}
		}
		if !slices.Equal(ids, []string{root.ID, ours[0].ID, last.ID}) {
			t.Errorf("%s: the thread is %v", d, ids)
		}
		if !events[1].Own || events[2].Own || !events[2].Addressed {
			t.Errorf("%s: who speaks: %+v", d, events)
		}
		_, err = r.n.Thread(t.Context(), r.a, network.Ref{ID: "404"})
		wantError(t, err, network.Gone, "")
	}
}

// TestWatchDoubtsAWebPage: a 404 that is no answer of the API deletes nothing.
func TestWatchDoubtsAWebPage(t *testing.T) {
	t.Parallel()
	r := against(t, mastodon.GoToSocial, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<h1>This host is not configured</h1>"))
	}))
	events, err := r.n.Watch(t.Context(), r.a, []network.Ref{{ID: "1"}})
	wantError(t, err, network.Transient, "")
	if len(events) != 0 {
		t.Errorf("%+v", events)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	refs := r.send(draft("count me"))
	r.fake.Say(network.Post{Ref: network.Ref{ParentID: refs[0].ID}, Text: text.Text{Body: "one"}, Created: noon, Author: network.Person{Handle: "ann@far.example"}})
	got, err := r.n.Metrics(t.Context(), r.a, append(refs, network.Ref{ID: "404"}))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	c := got[refs[0].ID]
	if _, views := c["views"]; views || c["replies"] != 1 || c["likes"] != 0 || len(c) != 4 {
		t.Errorf("%v", c)
	}
}

// TestRestsBeforeTheBudgetIsGone: the last fifth is kept for writing.
func TestRestsBeforeTheBudgetIsGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		left, reset string
		want        time.Duration
	}{
		{"250", "2026-11-12T12:04:00Z", 0}, {"60", "2026-11-12T12:04:00Z", 4 * time.Minute},
		{"0", "2026-11-12T12:04:00Z", 4 * time.Minute}, {"5", "2026-11-12T11:00:00Z", 0}, {"x", "y", 0}, {"-4", "", 0},
	} {
		r := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			w.Header().Set("X-RateLimit-Limit", "300")
			w.Header().Set("X-RateLimit-Remaining", c.left)
			w.Header().Set("X-RateLimit-Reset", c.reset)
			_, _ = w.Write([]byte("[]"))
		}))
		p, err := r.n.Poll(t.Context(), r.a, network.Mentions, network.Cursor{})
		if err != nil || p.Wait != c.want {
			t.Errorf("%s left until %s: waits %v, %v, want %v", c.left, c.reset, p.Wait, err, c.want)
		}
	}
}

// TestMonstrousPost: a message too large to read is passed over with a note,
// and what comes after it arrives.
func TestMonstrousPost(t *testing.T) {
	t.Parallel()
	entry := func(id, content string) string {
		return fmt.Sprintf(`{"id":"%s","type":"mention","created_at":"2026-11-12T11:00:00Z","status":{"id":"s%s","account":{"id":"7","username":"ann"},"content":"%s","visibility":"public"}}`, id, id, content)
	}
	entries := []string{entry("1", "<p>before</p>"), entry("2", strings.Repeat("x", 10<<20)), entry("3", strings.Repeat("y", 14<<20)), entry("4", "<p>after</p>")}
	r := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out []string
		for i, e := range entries {
			if id := fmt.Sprint(i + 1); id > r.URL.Query().Get("min_id") {
				out = append(out, e)
			}
		}
		if r.URL.Query().Get("limit") == "1" && len(out) > 0 {
			out = out[:1]
		}
		slices.Reverse(out)
		for i, e := range out { // in pieces, so that no length is announced
			fmt.Fprint(w, []string{"[", ","}[min(i, 1)], e)
			w.(http.Flusher).Flush()
		}
		fmt.Fprint(w, map[bool]string{true: "[]", false: "]"}[len(out) == 0])
	}))
	events, next := r.poll(network.Mentions, network.Cursor{V: 1, Opaque: []byte(`{"b":"0"}`)})
	var said []string
	for _, e := range events {
		if e.Kind == network.KindGap {
			said = append(said, e.Note)
			continue
		}
		if len(e.Post.Text.Body) > text.MaxBody || len(e.Post.Raw) > 1<<20 {
			t.Errorf("message %s is kept with %d bytes of text and %d raw", e.Post.ID, len(e.Post.Text.Body), len(e.Post.Raw))
		}
		said = append(said, e.Post.ID)
	}
	if want := []string{"s1", "s2", "mastodon.gap.too_large", "s4"}; !slices.Equal(said, want) {
		t.Errorf("heard %v, want %v", said, want)
	}
	r.gapsAreOver(next)
}

// TestUnreadablePost: one post that is none is told of once, though it is read
// again by every poll of the overlap.
func TestUnreadablePost(t *testing.T) {
	t.Parallel()
	r := against(t, mastodon.Mastodon, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("min_id") == "9" {
			fmt.Fprint(w, "[]")
			return
		}
		fmt.Fprint(w, `[{"id":"9","type":"mention","created_at":"2026-11-12T11:00:00Z","status":{"id":"did:plc:alice"}},{"type":"mention"}]`)
	}))
	for name, c := range map[string]network.Cursor{"from the start": {}, "from a bookmark": {V: 1, Opaque: []byte(`{"b":"0"}`)}} {
		events, next := r.poll(network.Mentions, c)
		if len(events) != 2 || events[0].Kind != network.KindGap || events[1].Kind != network.KindGap {
			t.Errorf("%s: %+v", name, events)
		}
		r.gapsAreOver(next)
	}
}

// gapsAreOver polls on through the overlap and hears of no gap again.
func (r *rig) gapsAreOver(c network.Cursor) {
	r.t.Helper()
	for range 6 {
		r.clock.Advance(30 * time.Second)
		var events []network.Event
		events, c = r.poll(network.Mentions, c)
		for _, e := range events {
			if e.Kind == network.KindGap {
				r.t.Errorf("told again: %+v", e)
			}
		}
	}
}
