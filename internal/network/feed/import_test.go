package feed_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
)

// history imports to the end, a cursor at a time.
func history(t *testing.T, s *site, since time.Time) (events []network.Event, pages int) {
	t.Helper()
	var c network.Cursor
	for range 50 {
		page, err := s.Import(context.Background(), s.account(), network.Items, since, c)
		if err != nil {
			t.Fatalf("Import: %v", err)
		}
		pages++
		events = append(events, page.Events...)
		if !page.More {
			return events, pages
		}
		b, err := json.Marshal(page.Next)
		if err != nil {
			t.Fatal(err)
		}
		c = network.Cursor{}
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("Import does not end")
	return nil, 0
}

func archive(older string, items ...string) string {
	out := `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><updated>2026-05-05T00:00:00Z</updated>`
	if older != "" {
		out += `<link rel="prev-archive" href="` + older + `"/>`
	}
	for _, it := range items {
		id, date, _ := strings.Cut(it, "=")
		out += `<entry><id>` + id + `</id><title>` + id + `</title>`
		if date != "" {
			out += `<published>` + date + `T00:00:00Z</published>`
		}
		out += `</entry>`
	}
	return out + "</feed>"
}

func TestImportWalksBackUntilSince(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/feed", "", archive("/2", "f=2026-11-10", "e=2026-10-10"))
	s.text("/2", "", archive("/1", "d=2026-09-09", "c=2026-08-08"))
	s.text("/1", "", archive("/0", "b=2026-07-07", "a=2026-01-01"))
	s.text("/0", "", archive("", "z=2025-07-07"))
	events, pages := history(t, s, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	want := lines(`message f "f"`, `message e "e"`, `message d "d"`, `message c "c"`, `message b "b"`)
	if got := said(events); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := strings.Join(s.asked(), " "); pages != 4 || got != "/feed /2 /1 /0" {
		t.Errorf("%d pages, asked %s", pages, got)
	}
}

func TestImportOfAFeedWithoutArchive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/feed", "", archive("", "b=2026-11-10", "a=2026-01-10", "new="))
	events, pages := history(t, s, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
	if got, want := said(events), lines(`message b "b"`, `message new "new"`); got != want || pages != 1 {
		t.Errorf("%d pages, got\n%swant\n%s", pages, got, want)
	}
}

func TestImportDatesUndatedItemsByTheirDocument(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/feed", "", archive("/1", "b=2026-11-10"))
	s.text("/1", "", archive("", "a="))
	events, _ := history(t, s, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if len(events) != 2 || !events[1].Post.Created.Equal(time.Date(2026, 5, 5, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %s created %v", said(events), events[len(events)-1].Post.Created)
	}
}

func TestImportEnds(t *testing.T) {
	t.Parallel()
	window := archive("/1", "b=2026-11-10")
	for name, c := range map[string]struct {
		build func(*site)
		want  string
	}{
		"in a circle":     {func(s *site) { s.text("/1", "", archive("/feed", "a=2026-11-09")) }, lines(`message b "b"`, `message a "a"`)},
		"with itself":     {func(s *site) { s.text("/1", "", archive("/1", "a=2026-11-09")) }, lines(`message b "b"`, `message a "a"`)},
		"at a 404":        {func(*site) {}, lines(`message b "b"`, "gap feed.gap.archive")},
		"at a 410":        {func(s *site) { s.status("/1", http.StatusGone) }, lines(`message b "b"`, "gap feed.gap.archive")},
		"at a broken one": {func(s *site) { s.text("/1", "", "<feed><entry>") }, lines(`message b "b"`, "gap feed.gap.archive")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.text("/feed", "", window)
			c.build(s)
			events, _ := history(t, s, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
			if got := said(events); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestImportWaitsForAServerInTrouble(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/feed", "", archive("/1", "b=2026-11-10"))
	s.status("/1", http.StatusBadGateway)
	first, err := s.Import(context.Background(), s.account(), network.Items, time.Time{}, network.Cursor{})
	if err != nil || !first.More {
		t.Fatalf("more %v, %v", first.More, err)
	}
	_, err = s.Import(context.Background(), s.account(), network.Items, time.Time{}, first.Next)
	refused(t, network.Transient, nil, err)
	s.text("/1", "", archive("", "a=2026-11-09"))
	page, err := s.Import(context.Background(), s.account(), network.Items, time.Time{}, first.Next)
	if err != nil || page.More || said(page.Events) != lines(`message a "a"`) {
		t.Errorf("afterwards: %s, more %v, %v", said(page.Events), page.More, err)
	}
}
