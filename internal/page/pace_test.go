package page_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/clock"
	"parley/internal/page"
	"parley/internal/page/pagetest"
)

// pipes is a network in memory: its connections know no time but that of the
// bubble they are in, so that minutes pass at once.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.dialled <- theirs
	return ours
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// served runs a kernel over pipes, in HTTP/1.1 and in HTTP/2 without TLS.
func served(t *testing.T, k *page.Kernel) *pipes {
	t.Helper()
	p := &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})}
	s := &http.Server{Handler: k, Protocols: new(http.Protocols), IdleTimeout: time.Second}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	go s.Serve(p)
	t.Cleanup(func() { s.Close() })
	return p
}

// post sends the head of a form, and lets parts send the rest. It returns the
// answer, and how long the connection lived.
func (p *pipes) post(t *testing.T, path string, length int, parts func(io.Writer)) (answer string, took time.Duration) {
	t.Helper()
	c, start := p.dial(), time.Now()
	c.SetReadDeadline(start.Add(24 * time.Hour)) // it may fail, not hang
	var sending sync.WaitGroup
	defer sending.Wait()
	defer c.Close()
	sending.Go(func() {
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: parley.test\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n", path, length)
		parts(c)
	})
	b, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return string(b), time.Since(start)
}

func TestABodyThatDoesNotComeIsCutOff(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]func(io.Writer){
		"nothing": func(io.Writer) {},
		"the beginning": func(w io.Writer) {
			io.WriteString(w, "a=")
		},
		"a byte now and then": func(w io.Writer) {
			for {
				time.Sleep(30 * time.Second)
				if _, err := io.WriteString(w, "a"); err != nil {
					return
				}
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := setup(t, nil)
			k.Mount("POST /mounted", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := io.ReadAll(r.Body)
				fmt.Fprint(w, err)
			}))
			p := served(t, k)
			for _, path := range []string{"/open", "/nowhere", "/w/harbour/inbox/000000000000A", "/mounted", "/static/nothing"} {
				answer, took := p.post(t, path, 100_000, parts)
				if took > 2*time.Minute || path == "/open" && !strings.Contains(answer, "could not be read") {
					t.Errorf("%s to %s: after %v\n%s", name, path, took, answer)
				}
			}
		})
	}
}

func TestASlowBodyThatKeepsComingIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := setup(t, nil)
		p := served(t, k)
		answer, took := p.post(t, "/open", 800_000, func(w io.Writer) {
			io.WriteString(w, "a=")
			part := strings.Repeat("x", 159_999)
			for n := 799_998; n > 0; n -= len(part) {
				time.Sleep(30 * time.Second)
				io.WriteString(w, part[:min(n, len(part))])
			}
		})
		if !strings.Contains(answer, "200 OK") || took < 3*time.Minute {
			t.Errorf("after %v: %.500s", took, answer)
		}
	})
}

func TestTheWorkMayTakeLongerThanTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := setup(t, nil)
		k.Handle("POST /work", func(_ http.ResponseWriter, r *page.Request) error {
			if _, err := r.Form(); err != nil {
				return err
			}
			if err := clock.Sleep(r.Context(), clock.System{}, time.Hour); err != nil {
				return err
			}
			return r.Render(words("done"))
		})
		answer, took := served(t, k).post(t, "/work", 3, func(w io.Writer) { io.WriteString(w, "a=b") })
		if !strings.HasSuffix(answer, "done") || took < time.Hour {
			t.Errorf("after %v: %s", took, answer)
		}
	})
}

func TestAnAnswerThatNobodyTakesIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := setup(t, nil)
		long := strings.Repeat("hello there ", 50_000)
		k.Handle("GET /long", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(words(long)) })
		p := served(t, k)
		for path, whole := range map[string]string{"/long": long, "/open": "open"} {
			c := p.dial()
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: parley.test\r\nConnection: close\r\n\r\n", path)
			time.Sleep(5 * time.Minute)
			if n, err := c.Read(make([]byte, 1)); n > 0 || err != io.EOF {
				t.Errorf("%s waits for whom it bores: %d bytes, %v", path, n, err)
			}
			c = p.dial()
			fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: parley.test\r\nConnection: close\r\n\r\n", path)
			var got strings.Builder
			for err := error(nil); err == nil; time.Sleep(20 * time.Second) {
				_, err = io.CopyN(&got, c, 50_000)
			}
			if !strings.HasSuffix(got.String(), whole) {
				t.Errorf("%s: who reads slowly gets %d bytes", path, got.Len())
			}
		}
	})
}

// HTTP/2 ends a stream whose write deadline passes even while nothing is written.
func TestAQuietStreamStaysOpen(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		synctest.Test(t, func(t *testing.T) {
			k := setup(t, func(o *page.Options) { o.Clock = clock.System{} })
			p := served(t, k)
			client := http.Transport{Protocols: new(http.Protocols),
				DialContext: func(context.Context, string, string) (net.Conn, error) { return p.dial(), nil }}
			client.Protocols.SetHTTP1(protocol == "HTTP/1.1")
			client.Protocols.SetUnencryptedHTTP2(protocol == "HTTP/2.0")
			defer client.CloseIdleConnections()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			answer, err := client.RoundTrip(pagetest.SignIn(request("GET", "/live", "").WithContext(ctx)))
			if err != nil || answer.Proto != protocol {
				t.Fatalf("%+v, %v", answer, err)
			}
			start, pings := time.Now(), 0
			for lines := bufio.NewScanner(answer.Body); pings < 20 && lines.Scan(); {
				if lines.Text() == ": " {
					pings++
				}
			}
			if took := time.Since(start); took < 8*time.Minute {
				t.Errorf("%s: %d pings, and after %v it ended", protocol, pings, took)
			}
		})
	}
}
