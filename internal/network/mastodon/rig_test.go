package mastodon_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/mastodon/mastodontest"
	"parley/internal/network/networktest"
	"parley/internal/outbound"
	"parley/internal/text"
)

// noon is when the tests' clock begins.
var noon = time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)

// agent is the name the guarded client gives itself here.
const agent = "Parley/test (+https://desk.example)"

// rig is a fake server and a connector that reaches it through the guarded
// client, as in earnest.
type rig struct {
	t     *testing.T
	base  string
	clock *clock.Fake
	env   networktest.Env
	fake  *mastodontest.Fake
	n     *mastodon.Network
	a     network.Account

	serve func(http.Handler) // starts the server
}

func setup(t *testing.T, d mastodon.Dialect) *rig {
	t.Helper()
	r := prepare(t, nil)
	r.fake = mastodontest.New(r.env, d)
	r.serve(r.fake)
	r.a = r.fake.Account()
	return r
}

// against is a rig whose server is a handler of the test's own.
func against(t *testing.T, d mastodon.Dialect, h http.Handler) *rig {
	t.Helper()
	r := prepare(t, h)
	blob, err := json.Marshal(map[string]string{"access_token": "token-of-the-test"})
	if err != nil {
		t.Fatal(err)
	}
	r.a = network.Account{
		ID: "test", Network: mastodon.Name, Instance: r.base, RemoteID: "1", Handle: "desk@town.example",
		Scopes: []string{"read", "write"}, Secret: network.Secret{Blob: blob},
		Extra: map[string]string{"dialect": string(d), "version": "4.5.1", "api": "7", "domain": "town.example"},
	}
	return r
}

func prepare(t *testing.T, h http.Handler) *rig {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	r := &rig{t: t, base: "http://" + srv.Listener.Addr().String(), clock: clock.NewFake(noon)}
	client := outbound.New(outbound.Options{
		UserAgent: agent, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	r.env = networktest.Env{BaseURL: r.base, Clock: r.clock, Env: network.Env{
		HTTP: client, Now: r.clock.Now, Rand: rand.Reader, Apps: &apps{}, Media: pictures,
	}}
	r.n = mastodon.New(r.env.Env)
	if h != nil {
		srv.Start()
	} else {
		r.serve = func(h http.Handler) { srv.Config.Handler = h; srv.Start() }
	}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	return r
}

// say lets somebody outside write to us.
func (r *rig) say(handle, words string, v network.Visibility) network.Ref {
	return r.fake.Say(network.Post{
		Text: text.Text{Body: words}, Lang: "en", Visibility: v, Created: r.clock.Now(),
		Author: network.Person{Handle: handle, Name: "Somebody"},
	})
}

// poll reads a feed to its end.
func (r *rig) poll(f network.Feed, c network.Cursor) ([]network.Event, network.Cursor) {
	r.t.Helper()
	var out []network.Event
	for range 100 {
		p, err := r.n.Poll(r.t.Context(), r.a, f, c)
		if err != nil {
			r.t.Fatalf("Poll %s: %v", f, err)
		}
		out, c = append(out, p.Events...), p.Next
		if !p.More {
			return out, c
		}
	}
	r.t.Fatalf("Poll %s does not end", f)
	return nil, c
}

// heard is the one message that came.
func (r *rig) heard() network.Post {
	r.t.Helper()
	events, _ := r.poll(network.Mentions, network.Cursor{})
	if len(events) == 0 || events[len(events)-1].Post == nil {
		r.t.Fatalf("nothing was heard: %+v", events)
	}
	return *events[len(events)-1].Post
}

// send brings a draft out and returns where its parts are.
func (r *rig) send(d network.Draft) []network.Ref {
	r.t.Helper()
	p, err := r.n.Plan(r.t.Context(), r.a, d)
	if err != nil {
		r.t.Fatalf("Plan: %v", err)
	}
	var out []network.Ref
	for i := range p.Steps {
		got, err := r.n.Do(r.t.Context(), r.a, p, i)
		if err != nil || got.State != network.Sent {
			r.t.Fatalf("Do %d: %q, %v", i, got.State, err)
		}
		p.Steps[i].Done = &got.Ref
		if p.Steps[i].Kind == network.Create {
			out = append(out, got.Ref)
		}
	}
	return out
}

// draft is words and nothing else.
func draft(words string) network.Draft {
	return network.Draft{Key: "draft-" + words, Parts: []network.Part{{Text: words, Lang: "en", Visibility: network.Public}}}
}

// answer is a draft that answers p, its author kept.
func answer(p network.Post, words string) network.Draft {
	d := draft(words)
	d.ReplyTo = &p
	d.Parts[0].Visibility = p.Visibility
	d.Parts[0].Keep = []network.Person{p.Author}
	return d
}

// kept is the bodies of what the server kept of one kind.
func (r *rig) kept(op string) []map[string]any {
	r.t.Helper()
	var out []map[string]any
	for _, w := range r.fake.Ledger() {
		if w.Op != op {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal(w.Body, &m); err != nil {
			r.t.Fatalf("the ledger holds %q", w.Body)
		}
		out = append(out, m)
	}
	return out
}

// wantError requires an *Error of a kind, with a help key if one is given.
func wantError(t *testing.T, err error, kind network.Kind, help string) {
	t.Helper()
	var e *network.Error
	if !errors.As(err, &e) || e.Kind != kind || help != "" && e.Help != help {
		t.Errorf("the error is %v (help %q), want kind %q and help %q", err, helpOf(e), kind, help)
		return
	}
	if e.Native == "" {
		t.Errorf("%v names no native code", err)
	}
}

func helpOf(e *network.Error) string {
	if e == nil {
		return ""
	}
	return e.Help
}

// apps remembers registrations.
type apps struct {
	mu   sync.Mutex
	kept map[[3]string]network.App
}

func (a *apps) App(_ context.Context, net, instance, redirect string) (network.App, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	app, ok := a.kept[[3]string{net, instance, redirect}]
	return app, ok, nil
}

func (a *apps) SaveApp(_ context.Context, net, instance, redirect string, app network.App) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kept == nil {
		a.kept = map[[3]string]network.App{}
	}
	a.kept[[3]string{net, instance, redirect}] = app
	return nil
}

// pictures finds bytes for any digest.
func pictures(_ context.Context, _ network.Account, digest [32]byte) ([]byte, error) {
	return append([]byte("\x89PNG\r\n\x1a\n"), digest[:]...), nil
}

func picture(n byte, alt string) network.Media {
	return network.Media{Kind: "image", MIME: "image/png", Alt: alt, Size: 100, Digest: [32]byte{n}}
}
