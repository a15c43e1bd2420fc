package sandbox_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/people"
)

var noon = time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)

// demo is a populated sandbox, as the program shows it.
type demo struct {
	*sandbox.Server
	*sandbox.Connector
	clock *clock.Fake
	env   network.Env
}

func newDemo(t testing.TB, seed uint64, personality string) *demo {
	t.Helper()
	c := clock.NewFake(noon)
	s, err := sandbox.New(sandbox.Options{
		Seed: seed, Clock: c, Personality: personality, Population: true, Backlog: 14 * 24 * time.Hour,
		Desks: []people.Desk{
			{Handle: "townhall", Name: "Ostermere Town Hall", Kind: "townhall"},
			{Handle: "library", Name: "Ostermere Library", Kind: "library"},
			{Handle: "buses", Name: "Ostermere Buses", Kind: "buses"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	env := network.Env{HTTP: s.Client(), Now: c.Now}
	return &demo{s, sandbox.NewConnector(env, sandbox.Address), c, env}
}

func (d *demo) signIn(t testing.TB, handle string) network.Account {
	t.Helper()
	a, secret, err := d.SignIn(context.Background(), url.Values{"handle": {handle}})
	if err != nil {
		t.Fatalf("signing in as %s: %v", handle, err)
	}
	a.Secret = secret
	return a
}

// imported is an account's whole history, newest first.
func (d *demo) imported(t testing.TB, a network.Account, f network.Feed) []network.Event {
	t.Helper()
	var out []network.Event
	var c network.Cursor
	for range 100 {
		p, err := d.Import(context.Background(), a, f, noon.Add(-365*24*time.Hour), c)
		if err != nil {
			t.Fatalf("importing %s: %v", f, err)
		}
		out = append(out, p.Events...)
		if c = p.Next; !p.More {
			return out
		}
	}
	t.Fatal("the history has no end")
	return nil
}

// The demo's history can be imported: people who write, our answers to some,
// edits and deletions, in several languages, public and private.
func TestDemoHistory(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 1, "")
	var said, own, direct, pictures, edits int
	langs := map[string]bool{}
	for _, h := range []string{"townhall", "library", "buses"} {
		a := d.signIn(t, h)
		if a.Name == h {
			t.Errorf("@%s has no name of its own", h)
		}
		for _, e := range d.imported(t, a, network.Mentions) {
			switch e.Kind {
			case network.KindMessage:
				said++
				langs[e.Post.Lang] = true
				pictures += len(e.Post.Media)
				if e.Direct {
					direct++
				}
				if e.Own || !e.Addressed || e.Post.Author.RemoteID == a.RemoteID {
					t.Errorf("a mention that is ours: %+v", e.Post.Ref)
				}
			case network.KindEdit:
				edits++
			}
		}
		for _, e := range d.imported(t, a, network.Own) {
			if !e.Own || e.Post == nil || e.Post.Author.RemoteID != a.RemoteID {
				t.Errorf("an own post that is not ours: %+v", e)
			}
			own++
		}
	}
	if said < 150 || own < 50 || direct < 8 || pictures < 3 || edits < 3 || len(langs) < 6 {
		t.Errorf("said %d, ours %d, private %d, pictures %d, edits %d, languages %v", said, own, direct, pictures, edits, langs)
	}
}

// The same seed and clock give the same bytes, pictures included.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	print := func(seed uint64) string {
		d := newDemo(t, seed, "id")
		h := sha256.New()
		for range 3 {
			d.clock.Advance(7 * time.Minute)
			a := d.signIn(t, "townhall")
			for _, f := range []network.Feed{network.Mentions, network.Own} {
				events := d.imported(t, a, f)
				b, err := json.Marshal(events)
				if err != nil {
					t.Fatal(err)
				}
				h.Write(b)
				for _, e := range events[:5] {
					if e.Post != nil {
						h.Write(d.get(t, e.Post.Author.Avatar))
					}
				}
			}
			h.Write(a.Secret.Blob)
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	one := print(1)
	if again := print(1); again != one {
		t.Error("the same seed and clock gave other bytes")
	}
	if other := print(2); other == one {
		t.Error("another seed gave the same bytes")
	}
}

func (d *demo) get(t testing.TB, address string) []byte {
	t.Helper()
	res, err := d.env.HTTP.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/png" {
		t.Fatalf("GET %s: %d %s, %v", address, res.StatusCode, res.Header.Get("Content-Type"), err)
	}
	return b
}

// A world that is started anew gives no id a second time, and says that what
// came between is lost.
func TestRestart(t *testing.T) {
	t.Parallel()
	old := newDemo(t, 1, "")
	a := old.signIn(t, "buses")
	page, err := old.Poll(context.Background(), a, network.Mentions, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range old.imported(t, a, network.Mentions) {
		if e.Post != nil {
			seen[e.Post.ID] = true
		}
	}
	later := clock.NewFake(noon.Add(3 * time.Hour))
	s, err := sandbox.New(sandbox.Options{Seed: 1, Clock: later, Population: true, Backlog: 14 * 24 * time.Hour,
		Desks: []people.Desk{{Handle: "buses", Kind: "buses"}}})
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{s, sandbox.NewConnector(network.Env{HTTP: s.Client(), Now: later.Now}, sandbox.Address), later, network.Env{HTTP: s.Client()}}
	b := d.signIn(t, "buses")
	for _, e := range d.imported(t, b, network.Mentions) {
		if e.Post != nil && seen[e.Post.ID] {
			t.Fatalf("id %s was given twice", e.Post.ID)
		}
	}
	next, err := d.Poll(context.Background(), b, network.Mentions, page.Next)
	if err != nil {
		t.Fatal(err)
	}
	if len(next.Events) == 0 || next.Events[0].Kind != network.KindGap {
		t.Errorf("an old cursor is read on without a gap: %d events", len(next.Events))
	}
}

// send plans and does a reply to the newest message of somebody.
func (d *demo) reply(t testing.TB, a network.Account, to network.Post, words string) (network.Plan, network.Delivery, error) {
	t.Helper()
	ctx := context.Background()
	p, err := d.Plan(ctx, a, network.Draft{Key: "answer to " + to.ID, ReplyTo: &to, Parts: []network.Part{{
		Text: words, Lang: "en", Visibility: to.Visibility, Keep: []network.Person{to.Author},
	}}})
	if err != nil {
		t.Fatalf("planning: %v", err)
	}
	del, err := d.Do(ctx, a, p, len(p.Steps)-1)
	return p, del, err
}

// Whoever is answered under a handle that names a fault gets that fault, and
// delivery is left with what a member should then see.
func TestMischief(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mischief string
		first    network.Kind  // of the first Do
		proved   network.State // by Prove right after it
		again    network.Kind  // of a second Do, where it was not sent
		ends     network.State // an hour and a half later
	}{
		{"timeout", network.Ambiguous, network.Sent, "", network.Sent},
		{"error", network.Ambiguous, network.Sent, "", network.Sent},
		{"cut", network.Ambiguous, network.NotSent, "", network.Sent},
		{"throttled", network.RateLimited, network.NotSent, network.RateLimited, network.Sent},
		{"gone", network.Gone, network.NotSent, network.Gone, network.NotSent},
		{"refused", network.Policy, network.NotSent, network.Policy, network.NotSent},
		{"unknown", network.Ambiguous, network.Unknown, "", network.Sent},
	} {
		for _, personality := range []string{"key", "id", "readback"} {
			t.Run(c.mischief+" "+personality, func(t *testing.T) {
				t.Parallel()
				d := newDemo(t, 3, personality)
				a := d.signIn(t, "townhall")
				var to *network.Post
				for _, h := range []string{"townhall", "library", "buses"} {
					b := d.signIn(t, h)
					for _, e := range d.imported(t, b, network.Mentions) {
						if e.Post != nil && strings.HasSuffix(e.Post.Author.Handle, "."+c.mischief) && to == nil {
							to, a = e.Post, b
						}
					}
				}
				if to == nil {
					t.Fatalf("nobody in the demo waits as .%s", c.mischief)
				}
				p, del, err := d.reply(t, a, *to, "We are on our way, number 12 and all.")
				if k := network.KindOf(err); k != c.first {
					t.Fatalf("Do says %q (%v, %q), want %q", k, err, del.State, c.first)
				}
				if got := d.proved(a, p); got != c.proved {
					t.Errorf("Prove says %q, want %q", got, c.proved)
				}
				if c.proved == network.NotSent {
					if _, err := d.Do(context.Background(), a, p, len(p.Steps)-1); network.KindOf(err) != c.again {
						t.Errorf("the second Do says %v, want %q", err, c.again)
					}
				}
				d.clock.Advance(90 * time.Minute)
				if c.ends == network.Sent && d.proved(a, p) != network.Sent {
					if _, err := d.Do(context.Background(), a, p, len(p.Steps)-1); err != nil {
						t.Errorf("much later Do says %v", err)
					}
				}
				if got := d.proved(a, p); got != c.ends {
					t.Errorf("in the end Prove says %q, want %q", got, c.ends)
				}
				if n := d.written(*to); n > 1 || c.ends == network.Sent && n != 1 {
					t.Errorf("the ledger holds %d answers", n)
				}
			})
		}
	}
}

func (d *demo) proved(a network.Account, p network.Plan) network.State {
	got, err := d.Prove(context.Background(), a, p, len(p.Steps)-1)
	if err != nil {
		return network.Unknown // nothing can be read now
	}
	return got.State
}

func (d *demo) written(to network.Post) int {
	n := 0
	for _, w := range d.Ledger() {
		if w.Op == "create" && strings.Contains(string(w.Body), to.ID) {
			n++
		}
	}
	return n
}

// Somebody who is answered reacts, under our answer, and the stream tells it.
func TestPeopleReact(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 5, "")
	a := d.signIn(t, "buses")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	events, ready := make(chan network.Event, 100), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- d.Stream(ctx, a, func() { close(ready) }, func(e network.Event) error { events <- e; return nil })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the stream: %v", err)
	}
	answered := map[string]bool{}
	for _, e := range d.imported(t, a, network.Mentions)[:30] {
		if e.Post == nil || strings.Contains(e.Post.Author.Handle, ".") {
			continue
		}
		if _, del, err := d.reply(t, a, *e.Post, fmt.Sprintf("The purple tram number %s comes on Friday.\n– Mara", e.Post.ID[len(e.Post.ID)-3:])); err == nil {
			answered[del.Ref.ID] = true
		}
	}
	for {
		d.clock.Advance(20 * time.Second)
		if err := poke(ctx, d, a); err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			select {
			case e := <-events:
				if e.Post != nil && !e.Own && answered[e.Post.ParentID] {
					return
				}
			default:
				more = false
			}
		}
		if ctx.Err() != nil || d.clock.Now().Sub(noon) > 2*time.Hour {
			t.Fatalf("nobody reacted to any of %d answers", len(answered))
		}
	}
}

// poke asks the network for anything, so that it notices the time.
func poke(ctx context.Context, d *demo, a network.Account) error {
	_, err := d.Describe(ctx, a)
	return err
}

// The demo's history is there at once.
func TestColdStart(t *testing.T) {
	t.Parallel()
	r := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			newDemo(b, 1, "")
		}
	})
	// The budget is 150 ms on an idle machine; ten times that on a busy one.
	if each := r.T / time.Duration(r.N); each > 1500*time.Millisecond {
		t.Errorf("building the demo takes %v", each)
	}
}

// The client reaches nothing but the sandbox, whatever it is asked for.
func TestClientReachesOnlyTheSandbox(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 1, "")
	res, err := d.env.HTTP.Get("http://192.0.2.1" + "/elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("an address outside answers %d", res.StatusCode)
	}
}

// Who signs in under a new handle is written to as well.
func TestNewDeskIsWrittenTo(t *testing.T) {
	t.Parallel()
	d := newDemo(t, 1, "")
	a := d.signIn(t, "harbourcafe")
	d.clock.Advance(30 * time.Minute)
	events := d.imported(t, a, network.Mentions)
	if len(events) == 0 {
		t.Fatal("nobody wrote in half an hour")
	}
	for _, e := range events {
		if e.Post != nil && !e.Direct && !strings.Contains(e.Post.Text.Body, "@harbourcafe") && e.Post.ParentID == "" {
			t.Errorf("a mention that does not mention: %s", e.Post.Text.Body)
		}
	}
}
