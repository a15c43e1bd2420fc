package feed_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parley/internal/network"
	"parley/internal/network/feed"
)

const crier = `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-gb"><title>The &lt;b&gt;Town&lt;/b&gt; Crier</title>
<link href="/"/><link rel="self" href="https://crier.example/self.atom"/><link rel="hub" href="https://hub.example/"/>
<icon>/icon.png</icon><entry><id>1</id><title>Hear</title></entry></feed>`

func TestSignInWithAFeed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/news.atom", "application/atom+xml", crier)
	for _, typed := range []string{
		s.URL + "/news.atom", "  " + s.URL + "/news.atom\n", "<" + s.URL + "/news.atom>", s.URL + "/news.atom#top",
		"feed:" + s.URL + "/news.atom", "FEED://" + strings.TrimPrefix(s.URL, "http://") + "/news.atom",
		strings.TrimPrefix(s.URL, "http://") + "/news.atom",
	} {
		a, err := signIn(s, typed)
		if err != nil {
			t.Errorf("%q: %v", typed, err)
			continue
		}
		address := s.URL + "/news.atom"
		if a.Network != "feed" || a.Instance != address || a.RemoteID != address || a.Name != "The Town Crier" ||
			a.URL != s.URL+"/" || a.Avatar != s.URL+"/icon.png" || a.Handle != strings.TrimPrefix(address, "http://") {
			t.Errorf("%q: %+v", typed, a)
		}
		for key, want := range map[string]string{
			feed.ExtraFormat: "Atom 1.0", feed.ExtraSite: s.URL + "/", feed.ExtraTopic: "https://crier.example/self.atom",
			feed.ExtraHub: "https://hub.example/", feed.ExtraOthers: "", feed.ExtraAddress: "",
		} {
			if a.Extra[key] != want {
				t.Errorf("%s is %q, want %q", key, a.Extra[key], want)
			}
		}
	}
}

func TestSignInWithASite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/blog/", "text/html", `<html><head><base href="/feeds/">
		<link rel="stylesheet" href="x.css"><link rel="alternate" hreflang="de" href="/de/">
		<link rel="alternate" type="application/json" href="/wp-json/page/2">
		<link rel="alternate" type="application/rss+xml" title="Comments" href="comments.rss">
		<LINK REL="home Alternate" TYPE="application/atom+xml; charset=utf-8" TITLE="Posts" HREF="posts.atom">
		<link rel="alternate" type="application/rss+xml" title="Posts (RSS)" href="posts.rss">
		<link rel="alternate" type="application/feed+json" href="javascript:alert(1)">`)
	s.text("/feeds/posts.atom", "application/atom+xml", crier)
	a, err := signIn(s, s.URL+"/blog/")
	if err != nil {
		t.Fatal(err)
	}
	if want := s.URL + "/feeds/posts.atom"; a.Instance != want {
		t.Errorf("connected %s, want %s", a.Instance, want)
	}
	if want := s.URL + "/feeds/posts.rss\tPosts (RSS)\n" + s.URL + "/feeds/comments.rss\tComments"; a.Extra[feed.ExtraOthers] != want {
		t.Errorf("others\n%s\nwant\n%s", a.Extra[feed.ExtraOthers], want)
	}
	if got := strings.Join(s.asked(), " "); got != "/blog/ /feeds/posts.atom" {
		t.Errorf("asked %s", got)
	}
}

func TestSignInTakesTheNextOfferIfOneIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/", "text/html", `<link rel=alternate type=application/rss+xml href=/a><link rel=alternate type=application/rss+xml href=/b>
		<link rel=alternate type=application/rss+xml href=/c>`)
	s.text("/b", "text/html", "<html>not here")
	s.text("/c", "", crier)
	a, err := signIn(s, s.URL)
	if err != nil || a.Instance != s.URL+"/c" {
		t.Errorf("%q, %v", a.Instance, err)
	}
}

func TestSignInReadsTheLinkHeader(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.page("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Link", `</x>; rel="next"; title="a, \"b\"", </news>; rel="alternate"; type="application/atom+xml"`)
		w.Header().Set("Content-Type", "text/html")
	})
	s.page("/news", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Link", `<https://other-hub.example/>; rel="hub", <https://topic.example/>; rel="self"`)
		_, _ = w.Write([]byte(crier))
	})
	a, err := signIn(s, s.URL)
	if err != nil || a.Instance != s.URL+"/news" || a.Extra[feed.ExtraHub] != "https://other-hub.example/" || a.Extra[feed.ExtraTopic] != "https://topic.example/" {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestSignInTriesCommonPlacesPolitely(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/news/", "text/html", "<html><p>No feed is named here.")
	s.text("/atom.xml", "", crier)
	a, err := signIn(s, s.URL+"/news/")
	if err != nil || a.Instance != s.URL+"/atom.xml" {
		t.Fatalf("%q, %v", a.Instance, err)
	}
	if got := strings.Join(s.asked(), " "); got != "/news/ /news/feed/ /feed/ /rss.xml /atom.xml" {
		t.Errorf("asked %s", got)
	}

	s.page("/atom.xml", nil)
	_, err = signIn(s, s.URL+"/news/")
	if e := refused(t, network.BadInput, nil, err); e.Help != "feed.help.none" {
		t.Errorf("help %q", e.Help)
	}
	if n := len(s.asked()); n != 7 {
		t.Errorf("%d requests, want the page and six places", n)
	}

	s.status("/news/feed/", http.StatusTooManyRequests)
	_, err = signIn(s, s.URL+"/news/")
	refused(t, network.BadInput, nil, err)
	if got := strings.Join(s.asked(), " "); got != "/news/ /news/feed/" {
		t.Errorf("a server that said stop was asked on: %s", got)
	}
}

func TestSignInFollowsPermanentRedirects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/new", "", crier)
	s.status("/moved", http.StatusMovedPermanently, "Location", "/new")
	s.status("/today", http.StatusFound, "Location", "/new")
	for typed, want := range map[string]string{"/moved": "/new", "/today": "/today"} {
		if a, err := signIn(s, s.URL+typed); err != nil || a.Instance != s.URL+want || a.RemoteID != s.URL+want {
			t.Errorf("%s: connected %q, %v; want %s", typed, a.Instance, err, want)
		}
	}
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/json", "application/json", `{"name":"an API"}`)
	s.text("/broken", "application/rss+xml", `<rss version="2.0"><channel><item><title>cut`)
	s.text("/empty", "text/html", "")
	s.status("/private", http.StatusUnauthorized)
	s.status("/busy", http.StatusBadGateway)
	s.status("/gone", http.StatusGone)
	s.status("/slow", http.StatusTooManyRequests, "Retry-After", "60")
	for typed, want := range map[string]struct {
		kind network.Kind
		help string
	}{
		"":                                       {network.BadInput, "feed.help.address"},
		"   ":                                    {network.BadInput, "feed.help.address"},
		"not an address":                         {network.BadInput, "feed.help.address"},
		"crier":                                  {network.BadInput, "feed.help.address"},
		"anna@crier.example":                     {network.BadInput, "feed.help.address"},
		"@anna@crier.example":                    {network.BadInput, "feed.help.address"},
		"ftp://crier.example/feed":               {network.BadInput, "feed.help.address"},
		"file:///etc/passwd":                     {network.BadInput, "feed.help.address"},
		"javascript:alert(1)":                    {network.BadInput, "feed.help.address"},
		"https://":                               {network.BadInput, "feed.help.address"},
		"https://exa mple.org/":                  {network.BadInput, "feed.help.address"},
		"https://anna:hush@crier.example/":       {network.BadInput, "feed.help.password"},
		"https://crier.example/\x00":             {network.BadInput, "feed.help.address"},
		"https://x/" + strings.Repeat("a", 4000): {network.BadInput, "feed.help.address"},
		"http://127.0.0.1:1/":                    {network.BadInput, "feed.help.server"},
		"https://nowhere.invalid/":               {network.BadInput, "feed.help.server"},
		"https" + strings.TrimPrefix(s.URL, "http") + "/": {network.BadInput, "feed.help.plain"},
		s.URL + "/nothing": {network.BadInput, "feed.help.nothing"},
		s.URL + "/gone":    {network.BadInput, "feed.help.nothing"},
		s.URL + "/json":    {network.BadInput, "feed.help.none"},
		s.URL + "/empty":   {network.BadInput, "feed.help.none"},
		s.URL + "/broken":  {network.BadInput, "feed.help.broken"},
		s.URL + "/private": {network.Auth, "feed.help.private"},
		s.URL + "/busy":    {network.Transient, "feed.help.busy"},
		s.URL + "/slow":    {network.RateLimited, ""},
	} {
		a, err := signIn(s, typed)
		e := refused(t, want.kind, a, err)
		if e.Help != want.help {
			t.Errorf("%q: help %q, want %q (%v)", typed, e.Help, want.help, e)
		}
		if strings.Contains(e.Error(), "hush") {
			t.Errorf("the error tells a password: %v", e)
		}
	}
}

func TestSignInShowsInternationalNames(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"https://www.Bücher.example/feed/": "bücher.example/feed",
		"https://xn--bcher-kva.example/":   "bücher.example",
		"http://[::1]:8080/x":              "[::1]:8080/x",
		"https://my_site.example":          "my_site.example",
	} {
		address, err := feed.Absolute(typed)
		if err != nil {
			t.Errorf("%s: %v", typed, err)
			continue
		}
		if got := feed.HandleOf(address); got != want {
			t.Errorf("%s is shown as %q, want %q", typed, got, want)
		}
	}
}

func TestSignInDoesNotTrustABadCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	served := false
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer srv.Close()
	for _, typed := range []string{srv.URL, strings.TrimPrefix(srv.URL, "https://")} {
		_, err := signIn(s, typed)
		if e := refused(t, network.BadInput, nil, err); e.Help != "feed.help.tls" {
			t.Errorf("%s: help %q (%v)", typed, e.Help, e)
		}
	}
	if served {
		t.Error("a server with a bad certificate was spoken to")
	}
}
