package networktest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
)

// start is when the suite's clock begins.
var start = time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)

// patience bounds one case in real time: real sockets, never sleep.
const patience = time.Minute

// suite makes rigs for one case.
type suite struct {
	tb           testing.TB
	patience     time.Duration
	newConnector func(Env) network.Network
	newFake      func(Env) Fake
}

// rig is one Fake, one clock and the connectors that talk to it.
type rig struct {
	tb    testing.TB
	what  string // names the variant in messages
	ctx   context.Context
	env   Env
	clock *clock.Fake
	wire  *wire
	fake  Fake
	acct  network.Account
	caps  network.Capabilities
	fresh func() network.Network
	serial
}

// serial numbers the kit's own inventions, so that no two are alike.
type serial struct{ n int }

func (s *serial) next() int { s.n++; return s.n }

// rig starts a Fake. what names the variant under test in every message.
func (s *suite) rig(what string) *rig {
	s.tb.Helper()
	w := newWire()
	fake := clock.NewFake(start)
	srv := httptest.NewUnstartedServer(nil)
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	env := Env{BaseURL: "http://" + srv.Listener.Addr().String(), Clock: fake, Env: network.Env{
		HTTP:  &http.Client{Transport: w},
		Dial:  w.dial,
		Now:   fake.Now,
		Rand:  &counter{},
		Apps:  &apps{},
		Media: pictures,
	}}
	f := s.newFake(env)
	w.attach(f)
	srv.Config.Handler = dated(f, fake)
	srv.Start()
	s.tb.Cleanup(func() {
		cancel()
		if w.socket != nil {
			_ = w.socket.Close()
		}
		w.base.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	r := &rig{tb: s.tb, what: what, ctx: ctx, env: env, clock: fake, wire: w, fake: f, acct: f.Account(),
		fresh: func() network.Network { return s.newConnector(env) }}
	r.caps = r.describe()
	return r
}

// dated makes a server tell the suite's time, not the machine's, unless the
// Fake says otherwise: connectors correct by the Date header.
func dated(h http.Handler, c *clock.Fake) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", c.Now().Format(http.TimeFormat))
		h.ServeHTTP(w, r)
	})
}

func (r *rig) describe() network.Capabilities {
	r.tb.Helper()
	caps, err := r.fresh().Describe(r.ctx, r.acct)
	if err != nil {
		r.fatalf("Describe: %v", err)
	}
	for ability, g := range caps.Can {
		if !g.OK && g.Why == "" {
			r.errorf("Describe refuses %q without a reason", ability)
		}
	}
	return caps
}

// can reports a Grant that is OK.
func (r *rig) can(a network.Ability) bool { return r.caps.Can[a].OK }

// needs ends the case quietly unless every ability is granted: the only way to
// skip one.
func (r *rig) needs(abilities ...network.Ability) bool {
	for _, a := range abilities {
		if !r.can(a) {
			r.tb.Logf("%s: not granted: %s (%s)", r.what, a, r.caps.Can[a].Why)
			return false
		}
	}
	return true
}

func (r *rig) errorf(format string, args ...any) {
	r.tb.Helper()
	r.tb.Errorf("%s: %s", r.what, fmt.Sprintf(format, args...))
}

func (r *rig) fatalf(format string, args ...any) {
	r.tb.Helper()
	r.tb.Fatalf("%s: %s", r.what, fmt.Sprintf(format, args...))
}

// publisher is a connector that has never been used: a fresh process.
func (r *rig) publisher() network.Publisher {
	r.tb.Helper()
	p, ok := r.fresh().(network.Publisher)
	if !ok {
		r.fatalf("posting is granted, but the connector is no Publisher")
	}
	return p
}

// post is a new draft, its words never used before.
func (r *rig) post() network.Draft {
	n := r.next()
	return network.Draft{
		Key: fmt.Sprintf("draft-%s-%d", r.env.Clock.Now().Format("150405"), n), At: r.clock.Now(), ByHuman: true,
		Parts: []network.Part{{
			Text: fmt.Sprintf("The bridge opens again at %d o'clock, with a band.", n),
			Lang: "en", Visibility: r.visibility(),
		}},
	}
}

// speaks reports an account that can say something at all, if only as an answer.
func (r *rig) speaks(also ...network.Ability) bool {
	r.tb.Helper()
	if r.can(network.CanPost) {
		return r.needs(also...)
	}
	return r.needs(append(also, network.CanReply)...)
}

// speech is a new draft of the kind the account can send: a post, else an answer.
func (r *rig) speech() network.Draft {
	r.tb.Helper()
	if r.can(network.CanPost) {
		return r.post()
	}
	return r.reply()
}

// visibility is the widest the account has.
func (r *rig) visibility() network.Visibility {
	if len(r.caps.Visibilities) == 0 {
		return ""
	}
	return r.caps.Visibilities[0]
}

// counter is entropy that never runs dry and is the same in every run.
type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.n = c.n*167 + 13
		b[i] = c.n
	}
	return len(b), nil
}

var _ io.Reader = (*counter)(nil)

// apps remembers client registrations.
type apps struct{ kept map[[3]string]network.App }

func (a *apps) App(_ context.Context, net, instance, redirect string) (network.App, bool, error) {
	app, ok := a.kept[[3]string{net, instance, redirect}]
	return app, ok, nil
}

func (a *apps) SaveApp(_ context.Context, net, instance, redirect string, app network.App) error {
	if a.kept == nil {
		a.kept = map[[3]string]network.App{}
	}
	a.kept[[3]string{net, instance, redirect}] = app
	return nil
}

// picture is a PNG of one colour; shade tells pictures apart.
func picture(shade uint8) (network.Media, []byte) {
	img := image.NewPaletted(image.Rect(0, 0, 16, 12), color.Palette{color.RGBA{shade, 90, 140, 255}})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(fmt.Sprintf("encoding a picture: %v", err)) // cannot happen: memory only
	}
	return network.Media{
		Kind: "image", MIME: "image/png", Alt: fmt.Sprintf("A plain square, shade %d", shade),
		Width: 16, Height: 12, Size: int64(b.Len()), Digest: sha256.Sum256(b.Bytes()),
	}, b.Bytes()
}

// pictures finds the bytes of any picture by its digest.
func pictures(_ context.Context, _ network.Account, digest [32]byte) ([]byte, error) {
	for shade := range 256 {
		if m, b := picture(uint8(shade)); m.Digest == digest {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no media %x", digest[:4])
}

// stored passes a value through JSON, as a database would.
func stored[T any](tb testing.TB, v T) T {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("storing: %v", err)
	}
	var out T
	if err := json.Unmarshal(b, &out); err != nil {
		tb.Fatalf("loading: %v", err)
	}
	return out
}
