package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/feed"
)

// noon is when every test begins.
var noon = time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)

// site is a web server whose pages a test writes, and the connector that reads it.
type site struct {
	*feed.Network
	URL   string
	clock *clock.Fake

	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	log   []*http.Request
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{clock: clock.NewFake(noon), pages: map[string]http.HandlerFunc{}}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	s.Network = feed.New(network.Env{HTTP: srv.Client(), Now: s.clock.Now})
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.pages[r.URL.Path]
	s.log = append(s.log, r)
	s.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

// page sets what stands at a path.
func (s *site) page(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = h
}

// text serves a fixed body; %URL% in it becomes the site's address.
func (s *site) text(path, kind, body string) {
	s.page(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		fmt.Fprint(w, strings.ReplaceAll(body, "%URL%", s.URL))
	})
}

// status answers with nothing but a status and headers given as pairs.
func (s *site) status(path string, code int, header ...string) {
	s.page(path, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	})
}

// asked lists the paths that were asked for, and forgets them.
func (s *site) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.log {
		out = append(out, r.URL.RequestURI())
	}
	s.log = nil
	return out
}

// last is the newest request.
func (s *site) last() *http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log[len(s.log)-1]
}

// account is the feed at /feed, connected.
func (s *site) account() network.Account {
	address := s.URL + "/feed"
	return network.Account{Network: feed.Name, Instance: address, RemoteID: address, Handle: "example.org/feed", Name: "The Feed"}
}

// reader polls one account and keeps its cursor, as a database would.
type reader struct {
	*site
	t      *testing.T
	cursor network.Cursor
}

func (s *site) reader(t *testing.T) *reader { return &reader{site: s, t: t} }

func (r *reader) poll() (network.Page, error) {
	r.t.Helper()
	page, err := r.Poll(context.Background(), r.account(), network.Items, r.cursor)
	if err == nil {
		b, err := json.Marshal(page.Next)
		if err != nil {
			r.t.Fatal(err)
		}
		r.cursor = network.Cursor{}
		if err := json.Unmarshal(b, &r.cursor); err != nil {
			r.t.Fatal(err)
		}
	}
	return page, err
}

// must polls and requires an answer.
func (r *reader) must() network.Page {
	r.t.Helper()
	page, err := r.poll()
	if err != nil {
		r.t.Fatalf("Poll: %v", err)
	}
	return page
}

// fails polls and requires an *Error of that kind.
func (r *reader) fails(kind network.Kind) *network.Error {
	r.t.Helper()
	page, err := r.poll()
	return refused(r.t, kind, page, err)
}

func refused(t *testing.T, kind network.Kind, got any, err error) *network.Error {
	t.Helper()
	var e *network.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("got %v, %v; want an error of kind %s", got, err, kind)
	}
	if e.Native == "" {
		t.Errorf("the error has no native code: %v", e)
	}
	return e
}

// said lists events as readable lines.
func said(events []network.Event) string {
	var b strings.Builder
	for _, e := range events {
		switch {
		case e.Post != nil:
			fmt.Fprintf(&b, "%s %s %q\n", e.Kind, e.Post.ID, e.Post.Text.Body)
		case e.Gone != nil:
			fmt.Fprintf(&b, "%s %s\n", e.Kind, e.Gone.ID)
		default:
			fmt.Fprintf(&b, "%s %s\n", e.Kind, e.Note)
		}
	}
	return b.String()
}

// lines joins what said returns.
func lines(list ...string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

// rss writes a channel of items that are given as "guid=words", newest first.
func rss(extra string, items ...string) string {
	var b strings.Builder
	b.WriteString(`<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" ` +
		`xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:at="http://purl.org/atompub/tombstones/1.0"><channel><title>T</title>` + extra)
	for _, it := range items {
		id, words, _ := strings.Cut(it, "=")
		fmt.Fprintf(&b, `<item><guid isPermaLink="false">%s</guid><link>https://example.org/%s</link><description>%s</description></item>`, id, id, words)
	}
	b.WriteString("</channel></rss>")
	return b.String()
}

func signIn(s *site, typed string) (network.Account, error) {
	a, secret, err := s.SignIn(context.Background(), url.Values{feed.FieldAddress: {typed}})
	if len(secret.Blob) != 0 {
		panic("a feed has no secret")
	}
	return a, err
}

// gzipped compresses what r holds and n spaces after it.
func gzipped(r io.Reader, n int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// Writing to a buffer does not fail.
	_, _ = io.Copy(z, r)
	space := bytes.Repeat([]byte(" "), 1<<20)
	for ; n > 0; n -= len(space) {
		_, _ = z.Write(space)
	}
	_ = z.Close()
	return b.Bytes()
}
