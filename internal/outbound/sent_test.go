package outbound_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parley/internal/outbound"
)

// listen accepts connections on loopback and hands each to serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// untrustedServer speaks TLS with a certificate that nobody signed.
func untrustedServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestNotSent(t *testing.T) {
	t.Parallel()
	readRequest := func(c net.Conn) *http.Request {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return nil
		}
		r.Body.Close()
		return r
	}
	untrusted := untrustedServer(t)
	cut := listen(t, func(net.Conn) {})
	for _, c := range []struct {
		name, url string
		want      bool
	}{
		{"nobody listens", "http://" + unused(t), true},
		{"refused by the guard", "http://10.0.0.1/", true},
		{"no such port", "http://127.0.0.1:99999/", true},
		{"no host", "http:///x", true},
		{"unknown authority", untrusted.URL, true},
		{"no TLS spoken", "https://" + listen(t, func(c net.Conn) { c.Write([]byte("220 mail\r\n")); c.Read(make([]byte, 512)) }), true},
		{"cut before TLS", "https://" + cut, true},
		{"cut after accept", "http://" + cut, false},
		{"cut after the request", "http://" + listen(t, func(c net.Conn) { readRequest(c) }), false},
		{"cut within headers", "http://" + listen(t, func(c net.Conn) { readRequest(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-") }), false},
		{"nonsense", "http://" + listen(t, func(c net.Conn) { readRequest(c); fmt.Fprint(c, "nonsense\r\n\r\n") }), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, loopback()).Post(c.url, "text/plain", strings.NewReader("words"))
			if err == nil {
				t.Fatal("no error")
			}
			if got := outbound.NotSent(err); got != c.want {
				t.Errorf("NotSent(%v) is %v", err, got)
			}
		})
	}
	if outbound.NotSent(nil) || outbound.NotSent(errors.New("x")) {
		t.Error("an unknown error counts as not sent")
	}
}

func TestNotSentWhenGivenUpBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+unused(t), strings.NewReader("words"))
	_, err := client(t, loopback()).Do(req)
	if !errors.Is(err, context.Canceled) || !outbound.NotSent(err) {
		t.Errorf("%v", err)
	}
}

// TestNotSentOfAnotherClient shows what is known where the client is not ours,
// as in the conformance suite.
func TestNotSentOfAnotherClient(t *testing.T) {
	t.Parallel()
	plain := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	untrusted := untrustedServer(t)
	for url, want := range map[string]bool{
		"http://" + unused(t): true,
		untrusted.URL:         true,
		"http://" + listen(t, func(c net.Conn) { c.Read(make([]byte, 512)) }): false,
	} {
		_, err := plain.Post(url, "text/plain", strings.NewReader("words"))
		if err == nil || outbound.NotSent(err) != want {
			t.Errorf("NotSent(%v), want %v", err, want)
		}
	}
}

// TestWriteIsNeverRepeated breaks the connection after the server has the
// request. net/http would send it again on a connection used before.
func TestWriteIsNeverRepeated(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	addr := listen(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			r.Body.Close()
			if r.Method == "POST" {
				posts.Add(1)
				return
			}
			fmt.Fprint(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	c := client(t, loopback())
	for _, body := range []string{"words", ""} {
		posts.Store(0)
		resp, err := c.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		req, _ := http.NewRequest("POST", "http://"+addr, strings.NewReader(body))
		req.Header.Set("Idempotency-Key", "k")
		if _, err = c.Do(req); err == nil || outbound.NotSent(err) {
			t.Errorf("body %q: %v", body, err)
		}
		if n := posts.Load(); n != 1 {
			t.Errorf("body %q was sent %d times", body, n)
		}
	}
}

// TestRebinding asks for a name that leads to an allowed address once and to a
// private one from then on.
func TestRebinding(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	var asked atomic.Int32
	o := loopback()
	o.Resolver = resolver(t, func(name string) (netip.Addr, bool) {
		if name != "rebind.example." {
			return netip.Addr{}, false
		}
		if asked.Add(1) == 1 {
			return netip.MustParseAddr("127.0.0.1"), true
		}
		return netip.MustParseAddr("10.1.2.3"), true
	})
	c := client(t, o)
	if _, _, err := get(t, c, "http://rebind.example"+port); err != nil {
		t.Fatalf("first: %v", err)
	}
	if _, _, err := get(t, c, "http://rebind.example"+port); !errors.Is(err, outbound.ErrPrivate) {
		t.Errorf("second: %v, want ErrPrivate", err)
	}
	if _, _, err := get(t, c, "http://unknown.example"+port); err == nil || !outbound.NotSent(err) {
		t.Errorf("unknown: %v", err)
	}
}

// resolver answers A questions from look.
func resolver(t *testing.T, look func(name string) (netip.Addr, bool)) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if out, err := answer(buf[:n], look); err == nil {
				pc.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func answer(question []byte, look func(string) (netip.Addr, bool)) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.Additionals = true, nil
	q := m.Questions[0]
	m.RCode = dnsmessage.RCodeNameError
	if !strings.HasSuffix(q.Name.String(), "rebind.example.") {
		return m.Pack()
	}
	m.RCode = dnsmessage.RCodeSuccess
	if q.Type == dnsmessage.TypeA {
		if ip, ok := look(q.Name.String()); ok {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: ip.As4()},
			}}
		}
	}
	return m.Pack()
}
