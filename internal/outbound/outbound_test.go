package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"parley/internal/clock"
	"parley/internal/outbound"
)

// loopback lets a test's client reach the test's servers, and nothing else.
func loopback() outbound.Options {
	return outbound.Options{
		UserAgent:    "Parley/test (+https://desk.example)",
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Timeout:      5 * time.Second,
	}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func client(t *testing.T, o outbound.Options) *http.Client {
	t.Helper()
	c := outbound.New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, []byte, error) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.UserAgent()) })
	c := client(t, loopback())
	if _, b, err := get(t, c, s.URL); err != nil || string(b) != "Parley/test (+https://desk.example)" {
		t.Errorf("%q, %v", b, err)
	}
	req, _ := http.NewRequest("GET", s.URL, nil)
	req.Header.Set("User-Agent", "special")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != "special" {
		t.Errorf("a caller's own name became %q", b)
	}
}

func TestPrivateIsRefused(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	c := client(t, outbound.Options{AnyPort: true})
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "0x7f000001", "2130706433"} {
		_, _, err := get(t, c, "http://"+host+port+"/")
		if err == nil {
			t.Errorf("%s was reached", host)
		}
		// The last three are names to Go, which finds no such host.
		if !errors.Is(err, outbound.ErrPrivate) && strings.HasSuffix(host, ".0.0.1") {
			t.Errorf("%s: %v, want ErrPrivate", host, err)
		}
		if !outbound.NotSent(err) {
			t.Errorf("%s: %v counts as perhaps sent", host, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
	if _, _, err := get(t, c, "ftp://127.0.0.1/"); !errors.Is(err, outbound.ErrScheme) || !outbound.NotSent(err) {
		t.Errorf("ftp: %v", err)
	}
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(make([]byte, 10<<20))
	z.Close()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fits":
			w.Write(make([]byte, 1000))
		case "/declared":
			w.Header().Set("Content-Length", "1001")
			w.Write(make([]byte, 1001))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 500)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			w.Write(make([]byte, 5000))
		}
	})
	o := loopback()
	o.MaxBytes = 1000
	c := client(t, o)
	for path, want := range map[string]struct {
		n   int
		err error
	}{
		"/fits": {1000, nil}, "/declared": {0, outbound.ErrTooLarge}, "/endless": {1000, outbound.ErrTooLarge},
		"/bomb": {1000, outbound.ErrTooLarge},
		// Whoever did not ask for a stream gets none.
		"/events": {-1, outbound.ErrTooLarge},
	} {
		resp, b, err := get(t, c, s.URL+path)
		if !errors.Is(err, want.err) || want.err == nil && err != nil {
			t.Errorf("%s: %v, want %v", path, err, want.err)
			continue
		}
		if resp.StatusCode != 200 || len(b) > 1000 || want.n >= 0 && len(b) != want.n {
			t.Errorf("%s: %d with %d bytes", path, resp.StatusCode, len(b))
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) })
	if _, _, err := get(t, client(t, loopback()), s.URL); err == nil {
		t.Error("a megabyte of headers was read")
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			<-r.Context().Done()
		case "/slow": // begins and never ends
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/round": // each hop takes a third of the time
			<-clock.System{}.After(100 * time.Millisecond)
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	})
	o := loopback()
	o.Timeout = 300 * time.Millisecond
	c := client(t, o)
	for _, path := range []string{"/silent", "/slow", "/round"} {
		_, _, err := get(t, c, s.URL+path)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want the deadline", path, err)
		}
		var u *url.Error
		if errors.As(err, &u) && !u.Timeout() {
			t.Errorf("%s: %v is no timeout", path, err)
		}
		if outbound.NotSent(err) {
			t.Errorf("%s: %v counts as not sent", path, err)
		}
	}
}

func TestStreamOutlivesTheDeadline(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		<-clock.System{}.After(300 * time.Millisecond)
		w.Write(bytes.Repeat([]byte("data: x\n\n"), 1000))
	})
	o := loopback()
	o.Timeout, o.MaxBytes = 100*time.Millisecond, 1000
	c := client(t, o)
	ask := func(path string) ([]byte, error) {
		req, _ := http.NewRequest("GET", s.URL+path, nil)
		req.Header.Set("Accept", "text/event-stream")
		resp, err := c.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		return io.ReadAll(resp.Body)
	}
	if b, err := ask("/"); err != nil || len(b) != 9000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := ask("/silent"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stream that never opens: %v", err)
	}
}

func TestWebsocket(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() == "" || strings.HasPrefix(r.UserAgent(), "Go-") {
			http.Error(w, "who are you", http.StatusTeapot)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		<-clock.System{}.After(200 * time.Millisecond)
		c.Write(r.Context(), websocket.MessageText, make([]byte, 5000))
		c.Read(r.Context())
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	o := loopback()
	o.Timeout, o.MaxBytes = 100*time.Millisecond, 1000
	c, _, err := websocket.Dial(ctx, s.URL, &websocket.DialOptions{HTTPClient: client(t, o)})
	if err != nil {
		t.Fatalf("dialling: %v", err)
	}
	defer c.CloseNow()
	if _, b, err := c.Read(ctx); err != nil || len(b) != 5000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	_, _, err = websocket.Dial(ctx, s.URL, &websocket.DialOptions{HTTPClient: client(t, outbound.Options{AnyPort: true})})
	if !errors.Is(err, outbound.ErrPrivate) {
		t.Errorf("a private address: %v", err)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	_, _, err := get(t, client(t, outbound.Options{AnyPort: true}), "http://127.0.0.1:1/?token=hush")
	red := outbound.Redact(err)
	if strings.Contains(red.Error(), "hush") || !strings.Contains(red.Error(), "127.0.0.1:1") {
		t.Errorf("%v", red)
	}
	if !errors.Is(red, outbound.ErrPrivate) || !outbound.NotSent(red) {
		t.Errorf("%v forgot what it was", red)
	}
	if other := errors.New("x"); outbound.Redact(other) != other {
		t.Error("another error changed")
	}
}
