package feed_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/feed"
	"parley/internal/outbound"
)

// guarded is the connector behind the real client, which may reach the test
// server and nothing else in private.
func guarded(s *site) *feed.Network {
	return feed.New(network.Env{Now: s.clock.Now, HTTP: outbound.New(outbound.Options{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, AnyPort: true, Timeout: 5 * time.Second,
	})})
}

func TestRedirectsIntoPrivateNetworks(t *testing.T) {
	t.Parallel()
	for _, target := range []string{
		"http://127.0.0.2:1/feed", "http://10.0.0.1/feed", "http://169.254.169.254/latest/meta-data/", "http://[::1]:1/", "http://192.168.1.1/",
	} {
		s := newSite(t)
		s.Network = guarded(s)
		s.status("/feed", http.StatusMovedPermanently, "Location", target)
		if e := s.reader(t).fails(network.Transient); e.Native != "private" || e.RetryAt.IsZero() {
			t.Errorf("%s: %v", target, e)
		}
		_, err := signIn(s, s.URL+"/feed")
		if e := refused(t, network.BadInput, nil, err); e.Help != "feed.help.blocked" {
			t.Errorf("%s: help %q", target, e.Help)
		}
	}
}

func TestRedirectsToOtherSchemes(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"file:///etc/passwd", "gopher://example.org/", "data:text/xml,<rss/>", "javascript:0"} {
		s := newSite(t)
		s.Network = guarded(s)
		s.status("/feed", http.StatusFound, "Location", target)
		if e := s.reader(t).fails(network.Transient); e.Native != "redirects" {
			t.Errorf("%s: %v", target, e)
		}
	}
}

func TestAFeedThatNeverEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Network = guarded(s)
	s.page("/feed", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/rss+xml")
		fmt.Fprint(w, `<rss version="2.0"><channel><title>T</title>`)
		words := strings.Repeat("words without end ", 200)
		for i := 0; req.Context().Err() == nil; i++ {
			if _, err := fmt.Fprintf(w, `<item><guid>%d</guid><description>%s</description></item>`, i, words); err != nil {
				return
			}
		}
	})
	r := s.reader(t)
	page := r.must()
	if n := len(page.Events); n < 1000 || n > 5000 {
		t.Errorf("%d items of an endless feed", n)
	}
	for _, e := range page.Events {
		if !strings.HasSuffix(e.Post.Text.Body, "end") {
			t.Fatalf("an item that was cut in two became a message: %q…", e.Post.Text.Body[:40])
		}
	}
	if got := said(r.must().Events); got != "" {
		t.Errorf("and again: %.200s", got)
	}
}

func TestAFeedThatAnnouncesToBeHuge(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Network = guarded(s)
	s.page("/feed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "99999999999")
		fmt.Fprint(w, "<rss>")
	})
	if e := s.reader(t).fails(network.Transient); e.Native != "large" {
		t.Errorf("%v", e)
	}
}

func TestACompressedBomb(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Network = guarded(s)
	bomb := gzipped(strings.NewReader(rss("", "1=a")), 32<<20)
	s.page("/feed", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb)
	})
	if got, want := said(s.reader(t).must().Events), lines(`message 1 "a"`); got != want {
		t.Errorf("got %.200s", got)
	}
}

func TestAPollEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.Network = guarded(s)
	ctx, cancel := context.WithCancel(context.Background())
	s.page("/feed", func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprint(w, "<rss>")
		w.(http.Flusher).Flush()
		cancel()
		<-req.Context().Done()
	})
	if _, err := s.Poll(ctx, s.account(), network.Items, network.Cursor{}); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}
