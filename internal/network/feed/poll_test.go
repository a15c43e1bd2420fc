package feed_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
)

func TestPollTellsWhatIsNewOldestFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "2=second", "1=first"))
	if got, want := said(r.must().Events), lines(`message 1 "first"`, `message 2 "second"`); got != want {
		t.Errorf("first poll:\n%swant\n%s", got, want)
	}
	if got := said(r.must().Events); got != "" {
		t.Errorf("nothing changed, but:\n%s", got)
	}
	s.text("/feed", "application/rss+xml", rss("", "4=fourth", "3=third", "2=second"))
	if got, want := said(r.must().Events), lines(`message 3 "third"`, `message 4 "fourth"`); got != want {
		t.Errorf("after two more, one having left the window:\n%swant\n%s", got, want)
	}
	s.text("/feed", "application/rss+xml", rss("", "4=fourth", "3=third, mended", "1=first"))
	if got, want := said(r.must().Events), lines(`edit 3 "third, mended"`); got != want {
		t.Errorf("after an edit, and an old item come back:\n%swant\n%s", got, want)
	}
}

func TestPollIsConditional(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	served := 0
	s.page("/feed", func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("If-None-Match") == `W/"v1"` && req.Header.Get("If-Modified-Since") == "Thu, 12 Nov 2026 11:00:00 GMT" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		served++
		w.Header().Set("ETag", `W/"v1"`)
		w.Header().Set("Last-Modified", "Thu, 12 Nov 2026 11:00:00 GMT")
		fmt.Fprint(w, rss(`<ttl>90</ttl>`, "1=first"))
	})
	if page := r.must(); len(page.Events) != 1 || page.Wait != 90*time.Minute {
		t.Fatalf("%d events, wait %v", len(page.Events), page.Wait)
	}
	for range 3 {
		page := r.must()
		if len(page.Events) != 0 {
			t.Errorf("304 brought %s", said(page.Events))
		}
		if page.Wait != 90*time.Minute {
			t.Errorf("after 304 the feed's own pace is forgotten: %v", page.Wait)
		}
	}
	if served != 1 {
		t.Errorf("the whole feed was sent %d times", served)
	}
	if got := s.last().Header.Get("Accept"); !strings.Contains(got, "application/atom+xml") {
		t.Errorf("Accept: %q", got)
	}
}

func TestNotModifiedWithoutHavingAskedIsNoAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.status("/feed", http.StatusNotModified)
	s.reader(t).fails(network.Transient)
}

func TestSilentChangesAreNoEdits(t *testing.T) {
	t.Parallel()
	entry := func(updated, content string) string {
		return `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>e</id><title>Title</title><updated>` + updated +
			`</updated><content type="html"><![CDATA[` + content + `]]></content></entry></feed>`
	}
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/atom+xml", entry("2026-11-01T10:00:00Z", `<p>Words <a href="https://e.example/?t=1">here</a></p><img src="https://e.example/a.png?x=1">`))
	r.must()
	for name, next := range map[string]string{
		"only the date":  entry("2026-11-02T10:00:00Z", `<p>Words <a href="https://e.example/?t=1">here</a></p><img src="https://e.example/a.png?x=1">`),
		"only the links": entry("2026-11-01T10:00:00Z", `<p>Words <a href="https://e.example/?t=2">here</a></p><img src="https://e.example/a.png?x=2">`),
		"only the tags":  entry("2026-11-01T10:00:00Z", "<div>Words\n <b>here</b></div><script>track(7)</script><img src='https://e.example/a.png'>"),
	} {
		s.text("/feed", "application/atom+xml", next)
		if got := said(r.must().Events); got != "" {
			t.Errorf("%s moved, but: %s", name, got)
		}
	}
	s.text("/feed", "application/atom+xml", entry("2026-11-03T10:00:00Z", `<p>Other words here</p><img src="https://e.example/a.png">`))
	page := r.must()
	if got, want := said(page.Events), lines(`edit e "Title\n\nOther words here"`); got != want {
		t.Fatalf("got %swant %s", got, want)
	}
	if e, want := page.Events[0].Post.Edited, time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC); !e.Equal(want) {
		t.Errorf("edited %v, want what the feed says, %v", e, want)
	}
}

func TestChangedGuidsAreNotNew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	item := func(guid, link string) string {
		return `<rss version="2.0"><channel><title>T</title><item><guid>` + guid + `</guid><link>` + link + `</link><description>same words</description></item></channel></rss>`
	}
	s.text("/feed", "text/xml", item("http://example.org/a", "http://www.example.org/a/?utm_source=rss"))
	r.must()
	s.text("/feed", "text/xml", item("https://example.org/a", "https://example.org/a?utm_campaign=x"))
	if got := said(r.must().Events); got != "" {
		t.Errorf("the site moved to https and everything is new, or lost: %s", got)
	}
}

func TestGapIsToldWhenNothingKnownIsLeft(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss(`<ttl>600</ttl>`, "2=b", "1=a"))
	if page := r.must(); page.Wait != 10*time.Hour {
		t.Fatalf("wait %v", page.Wait)
	}
	s.text("/feed", "application/rss+xml", rss(`<ttl>600</ttl>`, "6=f", "5=e"))
	page := r.must()
	if got, want := said(page.Events), lines("gap feed.gap.window", `message 5 "e"`, `message 6 "f"`); got != want {
		t.Fatalf("got\n%swant\n%s", got, want)
	}
	if page.Wait != 15*time.Minute {
		t.Errorf("after a gap it waits %v", page.Wait)
	}
	s.clock.Advance(25 * time.Hour)
	if page := r.must(); page.Wait != 10*time.Hour || len(page.Events) != 0 {
		t.Errorf("a day later it waits %v and says %s", page.Wait, said(page.Events))
	}
}

func TestGapIsFilledFromTheArchive(t *testing.T) {
	t.Parallel()
	for _, rel := range []string{"prev-archive", "next"} {
		t.Run(rel, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r := s.reader(t)
			older := func(path string) string { return `<atom:link rel="` + rel + `" href="` + path + `"/>` }
			s.text("/feed", "application/rss+xml", rss("", "2=b", "1=a"))
			r.must()
			s.asked()
			s.text("/feed", "application/rss+xml", rss(older("/old/2"), "8=h", "7=g"))
			s.text("/old/2", "application/rss+xml", rss(older("/old/1"), "6=f", "5=e"))
			s.text("/old/1", "application/rss+xml", rss(older("/old/0"), "4=d", "3=c", "2=b, as the archive has it"))
			page := r.must()
			want := lines(`message 3 "c"`, `message 4 "d"`, `message 5 "e"`, `message 6 "f"`, `message 7 "g"`, `message 8 "h"`)
			if got := said(page.Events); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got := strings.Join(s.asked(), " "); got != "/feed /old/2 /old/1" {
				t.Errorf("asked %s", got)
			}
			if got := said(r.must().Events); got != "" {
				t.Errorf("and again: %s", got)
			}
		})
	}
}

func TestAnArchiveReadToItsEndLeavesNoGap(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.text("/feed", "application/rss+xml", rss(`<atom:link rel="prev-archive" href="/old"/>`, "9=i"))
	s.text("/old", "application/rss+xml", rss("", "8=h"))
	if got, want := said(r.must().Events), lines(`message 8 "h"`, `message 9 "i"`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestArchivesInACircleEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	older := func(path string) string { return `<atom:link rel="prev-archive" href="` + path + `"/>` }
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.asked()
	s.text("/feed", "application/rss+xml", rss(older("/x"), "9=i"))
	s.text("/x", "application/rss+xml", rss(older("/y"), "8=h"))
	s.text("/y", "application/rss+xml", rss(older("/x"), "7=g"))
	got := said(r.must().Events)
	if want := lines("gap feed.gap.window", `message 7 "g"`, `message 8 "h"`, `message 9 "i"`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n := len(s.asked()); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestEndlessArchiveEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	n := 0
	s.page("/feed", func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprint(w, rss(fmt.Sprintf(`<atom:link rel="next" href="?p=%d"/>`, n), fmt.Sprintf("new%d=x", n)))
	})
	page := r.must()
	if page.Events[0].Kind != network.KindGap || n > 12 {
		t.Errorf("%d requests, then %s", n, said(page.Events[:1]))
	}
}

func TestBrokenArchiveHoldsTheGapForADayOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.text("/feed", "application/rss+xml", rss(`<atom:link rel="prev-archive" href="/old"/>`, "9=i"))
	s.status("/old", http.StatusBadGateway)
	if e := r.fails(network.Transient); e.RetryAt.IsZero() {
		t.Error("nobody says when to come back")
	}
	s.clock.Advance(25 * time.Hour)
	if got, want := said(r.must().Events), lines("gap feed.gap.archive", `message 9 "i"`); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestASlowArchiveDoesNotHoldTheFeedForEver(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.text("/feed", "application/rss+xml", rss(`<atom:link rel="prev-archive" href="/old"/>`, "9=i"))
	s.page("/old", func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	poll := func() (network.Page, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		return s.Poll(ctx, s.account(), network.Items, r.cursor)
	}
	if page, err := poll(); err == nil {
		t.Errorf("with a day left for the archive it gave up at once: %s", said(page.Events))
	}
	s.clock.Advance(25 * time.Hour)
	page, err := poll()
	if got, want := said(page.Events), lines("gap feed.gap.archive", `message 9 "i"`); err != nil || got != want {
		t.Errorf("got %swant %s(%v)", got, want, err)
	}
}

func TestMissingArchiveIsAGapAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.text("/feed", "application/rss+xml", rss(`<atom:link rel="prev-archive" href="/nowhere"/>`, "9=i"))
	if got, want := said(r.must().Events), lines("gap feed.gap.archive", `message 9 "i"`); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestTombstones(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "2=b", "1=a"))
	r.must()
	grave := `<at:deleted-entry ref="1" when="2026-11-12T11:30:00Z"/><at:deleted-entry ref="never-seen" when="2026-11-12T11:30:00Z"/>`
	s.text("/feed", "application/rss+xml", rss(grave, "2=b"))
	page := r.must()
	if got, want := said(page.Events), lines("gone 1"); got != want {
		t.Fatalf("got %swant %s", got, want)
	}
	if want := noon.Add(-30 * time.Minute); !page.Events[0].At.Equal(want) {
		t.Errorf("gone at %v, want %v", page.Events[0].At, want)
	}
	if got := said(r.must().Events); got != "" {
		t.Errorf("told twice: %s", got)
	}
}

func TestAnEmptyWindowForgetsNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.text("/feed", "application/rss+xml", rss(""))
	if got := said(r.must().Events); got != "" {
		t.Errorf("an empty window says %s", got)
	}
	s.text("/feed", "application/rss+xml", rss("", "2=b", "1=a"))
	if got, want := said(r.must().Events), lines(`message 2 "b"`); got != want {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestCursorIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	for round := range 60 {
		var items []string
		for i := range 40 {
			items = append(items, fmt.Sprintf("%d=w", round*39-i+40)) // one stays
		}
		s.text("/feed", "application/rss+xml", rss("", items...))
		page := r.must()
		if len(page.Events) > 0 && page.Events[0].Kind == network.KindGap {
			t.Fatalf("round %d: a gap although one item stayed", round)
		}
	}
	if n := len(r.cursor.Opaque); n > 600*24*4/3+500 {
		t.Errorf("after 2,400 items the cursor has %d bytes", n)
	}
}

func TestAnUnknownCursorBeginsAnewAndSaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	for _, c := range []network.Cursor{
		{V: 99, Opaque: []byte(`{}`)}, {V: 1, Opaque: []byte(`{`)}, {V: 1, Opaque: []byte(`{"known":"AAAA"}`)},
	} {
		page, err := s.Poll(context.Background(), s.account(), network.Items, c)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := said(page.Events), lines("gap feed.gap.bookmark", `message 1 "a"`); got != want {
			t.Errorf("cursor %s: got %swant %s", c.Opaque, got, want)
		}
	}
}

func TestOnlyItems(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, f := range []network.Feed{network.Mentions, network.Direct, network.Own, ""} {
		_, err := s.Poll(context.Background(), s.account(), f, network.Cursor{})
		refused(t, network.Policy, nil, err)
		_, err = s.Import(context.Background(), s.account(), f, noon, network.Cursor{})
		refused(t, network.Policy, nil, err)
	}
	if got := s.asked(); len(got) != 0 {
		t.Errorf("asked %v", got)
	}
}

func TestDatesThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	item := func(id, date string) string {
		return `<item><guid>` + id + `</guid><description>w</description><pubDate>` + date + `</pubDate></item>`
	}
	s.text("/feed", "application/rss+xml", `<rss version="2.0"><channel><title>T</title>`+
		item("1601", "Mon, 01 Jan 1601 00:00:00 GMT")+item("2999", "Tue, 01 Jan 2999 00:00:00 GMT")+
		item("zero", "Thu, 01 Jan 1970 00:00:00 GMT")+item("year 0", "0000-01-01T00:00:00Z")+
		item("year 99999", "99999-01-01T00:00:00Z")+item("words", "yesterday")+item("none", "")+
		item("good", "Wed, 11 Nov 2026 08:00:00 +0200")+`</channel></rss>`)
	for _, e := range s.reader(t).must().Events {
		want := noon
		if e.Post.ID == "good" {
			want = time.Date(2026, 11, 11, 6, 0, 0, 0, time.UTC)
		}
		if !e.Post.Created.Equal(want) || !e.At.Equal(want) {
			t.Errorf("%s: created %v, at %v; want %v", e.Post.ID, e.Post.Created, e.At, want)
		}
	}
}

func TestDatesOrderEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	item := func(id, day string) string {
		return `<item><guid>` + id + `</guid><description>w</description><pubDate>` + day + ` Nov 2026 08:00:00 GMT</pubDate></item>`
	}
	s.text("/feed", "application/rss+xml", `<rss version="2.0"><channel><title>T</title>`+
		item("b", "2")+item("a", "1")+item("c", "3")+`</channel></rss>`)
	if got, want := said(s.reader(t).must().Events), lines(`message a "w"`, `message b "w"`, `message c "w"`); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
