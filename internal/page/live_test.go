package page_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/page/pagetest"
	"parley/internal/problem"
)

// stream is an open event stream of a browser.
type stream struct {
	t      *testing.T
	body   *bufio.Scanner
	answer *http.Response
}

// connect opens the stream with a session token.
func connect(t *testing.T, base, token string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "parley", Value: token})
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return &stream{t: t, body: bufio.NewScanner(answer.Body), answer: answer}
}

// next is the next event without comments and reconnect times; "" at the end.
func (s *stream) next() string {
	s.t.Helper()
	var lines []string
	for s.body.Scan() {
		line := s.body.Text()
		switch {
		case line == "" && len(lines) > 0:
			return strings.Join(lines, "|")
		case line == "" || strings.HasPrefix(line, ":") || strings.HasPrefix(line, "retry:"):
		default:
			lines = append(lines, line)
		}
	}
	return ""
}

// server with two sessions: "ana" in workspaces 1 and 2, "ben" in 1.
func server(t *testing.T) (*page.Kernel, *httptest.Server) {
	t.Helper()
	in := func(ws ...id.ID) []page.Workspace {
		var list []page.Workspace
		for _, w := range ws {
			list = append(list, page.Workspace{ID: w, Slug: fmt.Sprint("w", w), Actor: actor.Actor{Workspace: w, Member: 100 + w}})
		}
		return list
	}
	o := pagetest.Options(t)
	o.Clock = clock.System{}
	o.Authenticate = func(_ context.Context, token string) (page.Visitor, error) {
		switch token {
		case "ana":
			return page.Visitor{Session: 11, Workspaces: in(1, 2)}, nil
		case "ben":
			return page.Visitor{Session: 12, Workspaces: in(1)}, nil
		}
		return page.Visitor{}, problem.New(problem.Unauthenticated, "page.signed_out")
	}
	k := pagetest.Kernel(t, o)
	s := httptest.NewServer(k)
	t.Cleanup(s.Close)
	t.Cleanup(k.Hub().Close)
	return k, s
}

func TestStreamTellsIdsToThoseInTheWorkspace(t *testing.T) {
	t.Parallel()
	k, s := server(t)
	k.Hub().Publish(page.Notice{Workspace: 1, Number: 41, Kind: "conversation", Subject: 5})
	ana, ben := connect(t, s.URL, "ana"), connect(t, s.URL, "ben")
	if got, want := ana.next(), `event: hello|data: {"0000000000001":41,"0000000000002":0}`; got != want {
		t.Errorf("ana hears %q, want %q", got, want)
	}
	if got, want := ben.next(), `event: hello|data: {"0000000000001":41}`; got != want {
		t.Errorf("ben hears %q, want %q", got, want)
	}
	k.Hub().Publish(page.Notice{Workspace: 2, Number: 1, Kind: "account", Subject: 6})
	k.Hub().Publish(page.Notice{Workspace: 3, Number: 1, Kind: "account", Subject: 6})
	k.Hub().Publish(page.Notice{Workspace: 1, Number: 42, Kind: "conversation", Subject: 7})
	first, second := `data: {"w":"0000000000002","n":1,"k":"account","s":"0000000000006"}`, `data: {"w":"0000000000001","n":42,"k":"conversation","s":"0000000000007"}`
	if got := ana.next(); got != first {
		t.Errorf("ana hears %q, want %q", got, first)
	}
	if got := ana.next(); got != second {
		t.Errorf("ana hears %q, want %q", got, second)
	}
	if got := ben.next(); got != second {
		t.Errorf("ben hears %q, want only %q", got, second)
	}
}

func TestStreamIsForTheSignedIn(t *testing.T) {
	t.Parallel()
	_, s := server(t)
	if st := connect(t, s.URL, "mallory").answer.StatusCode; st != 401 {
		t.Errorf("status %d, want 401", st)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodHead, s.URL+"/live", nil)
	r.AddCookie(&http.Cookie{Name: "parley", Value: "ana"})
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 204 {
		t.Errorf("asking whether signed in: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
}

func TestStreamEndsWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		drop  func(*page.Hub)
		stays bool
	}{
		"its session is revoked":     {func(h *page.Hub) { h.Drop(11) }, false},
		"another session is revoked": {func(h *page.Hub) { h.Drop(12) }, true},
		"the member is removed":      {func(h *page.Hub) { h.DropMember(2, 102) }, false},
		"another member is removed":  {func(h *page.Hub) { h.DropMember(2, 101) }, true},
		"nobody is removed":          {func(h *page.Hub) { h.DropMember(7, 0) }, true},
		"the program stops":          {func(h *page.Hub) { h.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, s := server(t)
			ana := connect(t, s.URL, "ana")
			ana.next()
			c.drop(k.Hub())
			k.Hub().Publish(page.Notice{Workspace: 1, Number: 1, Kind: "conversation", Subject: 1})
			if got := ana.next(); (got != "") != c.stays {
				t.Errorf("afterwards the stream says %q", got)
			}
			if got := k.Hub().Streams(); (got == 1) != c.stays {
				t.Errorf("%d streams are open", got)
			}
		})
	}
}

// What no event tells is found with the next ping, however much else is told.
func TestStreamEndsWithAPingWhen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then  func(*page.Visitor) error
		stays bool
	}{
		"nothing happened": {func(*page.Visitor) error { return nil }, true},
		"its session ran out": {func(*page.Visitor) error {
			return problem.New(problem.Unauthenticated, "page.signed_out")
		}, false},
		"nobody can say whose it is": {func(*page.Visitor) error { return errors.New("database away") }, false},
		"a right reached its end": {func(v *page.Visitor) error {
			v.Workspaces[0].Actor.Grants = v.Workspaces[0].Actor.Grants[1:]
			return nil
		}, false},
		"there is another workspace": {func(v *page.Visitor) error {
			v.Workspaces = append(v.Workspaces, page.Workspace{ID: 9, Slug: "mill"})
			return nil
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k, now := pinged(t, c.then)
				for n := range int64(4) {
					if k.Hub().Streams() != 1 {
						t.Error("it ended before anybody looked")
					}
					k.Hub().Publish(page.Notice{Workspace: 1, Number: n, Kind: "conversation"})
					synctest.Wait()
					now.Advance(8 * time.Second)
					synctest.Wait()
				}
				if n := k.Hub().Streams(); (n == 1) != c.stays {
					t.Errorf("%d streams are open", n)
				}
			})
		})
	}
}

// pinged is a kernel in a bubble with an open stream, to whose visitor something
// has happened since.
func pinged(t *testing.T, then func(*page.Visitor) error) (*page.Kernel, *clock.Fake) {
	t.Helper()
	o, now := pagetest.Options(t), clock.NewFake(pagetest.Now)
	o.Clock = now
	var later atomic.Bool
	o.Authenticate = func(context.Context, string) (page.Visitor, error) {
		v := pagetest.Visitor()
		if later.Load() {
			return v, then(&v)
		}
		return v, nil
	}
	k := pagetest.Kernel(t, o)
	browser := served(t, k).dial()
	t.Cleanup(func() { browser.Close() })
	go io.Copy(io.Discard, browser)
	fmt.Fprintf(browser, "GET /live HTTP/1.1\r\nHost: parley.test\r\nCookie: parley=%s\r\n\r\n", pagetest.Token)
	synctest.Wait()
	later.Store(true)
	return k, now
}

// A session revoked between its check and the stream's start has no stream yet
// that Drop could end.
func TestSessionRevokedWhileConnecting(t *testing.T) {
	t.Parallel()
	o := pagetest.Options(t)
	o.Clock = clock.System{}
	var asked atomic.Int32
	o.Authenticate = func(context.Context, string) (page.Visitor, error) {
		if asked.Add(1) > 1 {
			return page.Visitor{}, problem.New(problem.Unauthenticated, "page.signed_out")
		}
		return page.Visitor{Session: 11}, nil
	}
	k := pagetest.Kernel(t, o)
	s := httptest.NewServer(k)
	t.Cleanup(s.Close)
	if st := connect(t, s.URL, "ana").answer.StatusCode; st != 401 || k.Hub().Streams() != 0 {
		t.Errorf("status %d, %d streams", st, k.Hub().Streams())
	}
}

// One who does not read is dropped; the others and the publisher wait for nobody.
func TestSlowReaderIsDropped(t *testing.T) {
	t.Parallel()
	k, s := server(t)
	slow, quick := connect(t, s.URL, "ben"), connect(t, s.URL, "ana")
	slow.next()
	quick.next()
	heard := make(chan int)
	go func() {
		n := 0
		for quick.next() != "" {
			n++
		}
		heard <- n
	}()
	// Kernel buffers hold a few megabytes; a stream that reads nothing fills them.
	long := strings.Repeat("k", 30_000)
	for n := int64(1); k.Hub().Streams() == 2 && n < 5000; n++ {
		k.Hub().Publish(page.Notice{Workspace: 1, Number: n, Kind: long, Subject: 1})
		time.Sleep(time.Millisecond) // real sockets: the quick one needs its turn
	}
	if got := k.Hub().Streams(); got != 1 {
		t.Fatalf("%d streams left, want the quick one", got)
	}
	k.Hub().Drop(11)
	if n := <-heard; n == 0 {
		t.Error("the quick reader heard nothing")
	}
}

func TestHeadOnlyGrows(t *testing.T) {
	t.Parallel()
	h := page.NewHub()
	for _, n := range []int64{3, 5, 4} {
		h.Publish(page.Notice{Workspace: 1, Number: n})
	}
	if h.Head(1) != 5 || h.Head(2) != 0 {
		t.Errorf("heads %d and %d, want 5 and 0", h.Head(1), h.Head(2))
	}
}
