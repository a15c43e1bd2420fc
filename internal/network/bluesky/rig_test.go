package bluesky_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/network/bluesky/blueskytest"
	"parley/internal/network/networktest"
	"parley/internal/text"
)

// rig is a fake network and a connector that reaches nothing else.
type rig struct {
	t     *testing.T
	ctx   context.Context
	clock *clock.Fake
	fake  *blueskytest.Fake
	opt   bluesky.Options
	env   network.Env
	n     *bluesky.Network
	a     network.Account
	wire  *router
}

func setup(t *testing.T) *rig {
	t.Helper()
	c := clock.NewFake(time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC))
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	w := &router{base: base}
	env := networktest.Env{BaseURL: base, Clock: c, Env: network.Env{
		HTTP: &http.Client{Transport: w}, Now: c.Now, Rand: strings.NewReader(""),
		Media: func(_ context.Context, _ network.Account, digest [32]byte) ([]byte, error) {
			if _, raw := dot(); sha256.Sum256(raw) == digest {
				return raw, nil
			}
			return nil, errors.New("no such media")
		},
	}}
	f := blueskytest.New(env)
	srv.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", c.Now().Format(http.TimeFormat))
		f.ServeHTTP(rw, r)
	})
	srv.Start()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(func() { cancel(); srv.CloseClientConnections(); srv.Close() })
	r := &rig{t: t, ctx: ctx, clock: c, fake: f, opt: near(base, f), env: env.Env, a: f.Account(), wire: w}
	r.n = bluesky.New(r.env, r.opt)
	return r
}

// router sends every name to the fake, so that https://anybody.test/ can be
// asked without a certificate, and answers what a test wants answered instead.
type router struct {
	base string

	mu     sync.Mutex
	answer func(*http.Request) *http.Response // nil, or returning nil: the fake answers
	asked  []string
}

func (w *router) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	answer := w.answer
	w.asked = append(w.asked, r.Method+" "+r.URL.Host+r.URL.Path)
	w.mu.Unlock()
	if answer != nil {
		if res := answer(r); res != nil {
			res.Request = r
			return res, nil
		}
	}
	out := r.Clone(r.Context())
	out.Host = r.URL.Host
	out.URL.Scheme, out.URL.Host = "http", strings.TrimPrefix(w.base, "http://")
	return http.DefaultTransport.RoundTrip(out)
}

// instead answers requests whose path ends so, until the test ends.
func (r *rig) instead(path string, status int, body string) {
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	before := r.wire.answer
	r.wire.answer = func(q *http.Request) *http.Response {
		if strings.HasSuffix(q.URL.Path, path) {
			return response(status, body)
		}
		if before != nil {
			return before(q)
		}
		return nil
	}
}

func response(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

// count is how many requests went to a path.
func (r *rig) count(path string) int {
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	n := 0
	for _, a := range r.wire.asked {
		if strings.HasSuffix(a, path) {
			n++
		}
	}
	return n
}

func words(s string) text.Text { return text.Text{Body: s} }

func stranger(id, body string) network.Post {
	return network.Post{Text: words(body), Author: network.Person{RemoteID: id, Handle: id + ".test", Name: "Stranger " + id}}
}

// poll reads a feed to its end and returns what came and where it goes on.
func (r *rig) poll(f network.Feed, c network.Cursor) ([]network.Event, network.Cursor) {
	r.t.Helper()
	var out []network.Event
	for range 100 {
		page, err := r.n.Poll(r.ctx, r.a, f, c)
		if err != nil {
			r.t.Fatalf("Poll %s: %v", f, err)
		}
		out = append(out, page.Events...)
		c = page.Next
		if !page.More {
			return out, c
		}
	}
	r.t.Fatalf("Poll %s has no end", f)
	return nil, c
}

func (r *rig) hears(f network.Feed, p network.Post) *network.Post {
	r.t.Helper()
	_, c := r.poll(f, network.Cursor{})
	ref := r.fake.Say(p)
	events, _ := r.poll(f, c)
	got := find(events, ref.ID)
	if got == nil {
		r.t.Fatalf("%s did not arrive", ref.ID)
	}
	return got.Post
}

func find(events []network.Event, id string) *network.Event {
	for i, e := range events {
		if e.Post != nil && e.Post.ID == id {
			return &events[i]
		}
	}
	return nil
}

func draft(parts ...string) network.Draft {
	d := network.Draft{Key: "draft-" + strings.Join(parts, "|"), ByHuman: true}
	for _, p := range parts {
		d.Parts = append(d.Parts, network.Part{Text: p, Lang: "en"})
	}
	return d
}

func (r *rig) plan(d network.Draft) network.Plan {
	r.t.Helper()
	p, err := r.n.Plan(r.ctx, r.a, d)
	if err != nil {
		r.t.Fatalf("Plan: %v", err)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		r.t.Fatal(err)
	}
	var stored network.Plan
	if err := json.Unmarshal(raw, &stored); err != nil {
		r.t.Fatal(err)
	}
	return stored
}

// send carries a plan out.
func (r *rig) send(p network.Plan) network.Delivery {
	r.t.Helper()
	var d network.Delivery
	for i := range p.Steps {
		var err error
		if d, err = r.n.Do(r.ctx, r.a, p, i); err != nil || d.State != network.Sent {
			r.t.Fatalf("Do %d: %q, %v", i, d.State, err)
		}
		ref := d.Ref
		p.Steps[i].Done = &ref
	}
	return d
}

// wrote is what the ledger holds of posts and messages, as their text.
func (r *rig) wrote() []string {
	var out []string
	for _, w := range r.fake.Ledger() {
		if w.Op == networktest.OpCreate {
			var rec struct{ Text string }
			_ = json.NewDecoder(bytes.NewReader(w.Body)).Decode(&rec)
			out = append(out, rec.Text)
		}
	}
	return out
}

// wants checks the kind of an error, and that it says something to people when
// it must.
func wants(t *testing.T, what string, err error, kind network.Kind, help string) {
	t.Helper()
	var e *network.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %v (%T), want a network.Error of kind %q", what, err, err, kind)
		return
	}
	if e.Kind != kind || help != "" && e.Help != help || e.Native == "" {
		t.Errorf("%s: kind %q, help %q, native %q (%v); want %q, %q", what, e.Kind, e.Help, e.Native, err, kind, help)
	}
}
