package mastodon_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/outbound"
	"parley/internal/text"
)

// patience is how long a real server may take to do what it said it would.
const patience = 30 * time.Second

// dropper loses the answer to the next write, after the server has done it.
type dropper struct {
	http.RoundTripper
	armed atomic.Bool
}

func (d *dropper) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err == nil && r.Method == http.MethodPost && d.armed.CompareAndSwap(true, false) {
		res.Body.Close()
		return nil, errors.New("the test lost the answer")
	}
	return res, err
}

// party is one account on the real server.
type party struct {
	t    *testing.T
	name string
	n    *mastodon.Network
	a    network.Account
	caps network.Capabilities
	wire *dropper
	at   map[network.Feed]network.Cursor
	seen map[string]network.Event // by id and version
}

// interop is the account behind a variable. Without the variables there is no
// server to try: the only reason for which a test is skipped here.
func interop(t *testing.T, tokenVariable string) *party {
	t.Helper()
	base, token := os.Getenv("PARLEY_INTEROP_MASTODON"), os.Getenv(tokenVariable)
	if base == "" || token == "" {
		t.Skip("PARLEY_INTEROP_MASTODON and its two tokens name no server")
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	o := outbound.Options{UserAgent: agent, AnyPort: true}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		o.AllowPrivate = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	client := outbound.New(o)
	p := &party{t: t, name: tokenVariable, wire: &dropper{RoundTripper: client.Transport},
		at: map[network.Feed]network.Cursor{}, seen: map[string]network.Event{}}
	client.Transport = p.wire
	p.n = mastodon.New(network.Env{HTTP: client, Now: clock.System{}.Now, Rand: rand.Reader, Apps: &apps{}, Media: realPicture})
	if p.a, err = p.n.Known(t.Context(), strings.TrimSuffix(base, "/"), token); err != nil {
		t.Fatalf("signing in: %v", err)
	}
	if p.caps, err = p.n.Describe(t.Context(), p.a); err != nil {
		t.Fatalf("Describe: %v", err)
	}
	p.read(network.Mentions)
	p.read(network.Own)
	return p
}

// read polls a feed to its end and keeps what came.
func (p *party) read(f network.Feed) {
	p.t.Helper()
	for range 100 {
		page, err := p.n.Poll(p.t.Context(), p.a, f, p.at[f])
		if err != nil {
			p.t.Fatalf("%s polls %s: %v", p.name, f, err)
		}
		for _, e := range page.Events {
			if e.Post != nil {
				p.seen[e.Post.ID+" "+e.Post.Version] = e
			}
		}
		if p.at[f] = page.Next; !page.More {
			return
		}
	}
}

// until polls until want is there.
func (p *party) until(f network.Feed, what string, want func(network.Event) bool) network.Event {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		p.read(f)
		for _, e := range p.seen {
			if want(e) {
				return e
			}
		}
		if clock.Sleep(ctx, clock.System{}, 300*time.Millisecond) != nil {
			p.t.Fatalf("%s never sees %s", p.name, what)
		}
	}
}

func (p *party) send(d network.Draft) []network.Ref {
	p.t.Helper()
	plan, err := p.n.Plan(p.t.Context(), p.a, d)
	if err != nil {
		p.t.Fatalf("Plan: %v", err)
	}
	var out []network.Ref
	for i := range plan.Steps {
		for {
			got, err := p.n.Do(p.t.Context(), p.a, plan, i)
			if err != nil {
				p.t.Fatalf("Do %d: %v", i, err)
			}
			if got.Ref.ID != "" {
				plan.Steps[i].Done = &got.Ref
			}
			if got.State == network.Sent {
				break
			}
			if clock.Sleep(p.t.Context(), clock.System{}, got.PollAfter) != nil {
				p.t.Fatal("out of time")
			}
		}
		if plan.Steps[i].Kind == network.Create {
			out = append(out, *plan.Steps[i].Done)
		}
	}
	return out
}

// cutOff sends a draft of one part whose answer is lost after the server has
// kept it, and returns where Prove finds it.
func (p *party) cutOff(d network.Draft) network.Ref {
	p.t.Helper()
	plan, err := p.n.Plan(p.t.Context(), p.a, d)
	if err != nil {
		p.t.Fatalf("Plan: %v", err)
	}
	before, err := p.n.Prove(p.t.Context(), p.a, plan, 0)
	if err != nil || before.State == network.Sent {
		p.t.Fatalf("before it was sent, Prove says %q, %v", before.State, err)
	}
	p.wire.armed.Store(true)
	if _, err := p.n.Do(p.t.Context(), p.a, plan, 0); network.KindOf(err) != network.Ambiguous {
		p.t.Fatalf("after a lost answer, Do says %v", err)
	}
	got, err := p.n.Prove(p.t.Context(), p.a, plan, 0)
	if err != nil || got.State != network.Sent {
		p.t.Fatalf("after a lost answer, Prove says %q (%s), %v", got.State, got.Evidence, err)
	}
	if plan.Steps[0].Proof == network.ProofKey {
		again, err := p.n.Do(p.t.Context(), p.a, plan, 0)
		if err != nil || again.Ref.ID != got.Ref.ID {
			p.t.Errorf("a repeat with the same key makes %s beside %s, %v", again.Ref.ID, got.Ref.ID, err)
		}
	}
	return got.Ref
}

// unique is a word no post held before.
func unique() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return fmt.Sprintf("w%x", b)
}

func (p *party) draft(words string) network.Draft {
	return network.Draft{Key: unique(), Parts: []network.Part{{Text: words, Lang: "en", Visibility: network.Public}}}
}

func (p *party) answer(to network.Post, words string) network.Draft {
	d := p.draft(words)
	d.ReplyTo, d.Parts[0].Visibility = &to, to.Visibility
	d.Parts[0].Keep = []network.Person{to.Author}
	return d
}

// drawn are the bytes of the one picture these tests send.
func drawn() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := range 64 {
		for y := range 48 {
			img.Set(x, y, color.RGBA{uint8(4 * x), uint8(5 * y), 140, 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.Bytes()
}

func realPicture(context.Context, network.Account, [32]byte) ([]byte, error) { return drawn(), nil }

func TestInterop(t *testing.T) {
	a, b := interop(t, "PARLEY_INTEROP_MASTODON_TOKEN_A"), interop(t, "PARLEY_INTEROP_MASTODON_TOKEN_B")
	t.Logf("server: %s, dialect %s, proof %s, %d %s", a.caps.API, a.a.Extra["dialect"], a.caps.Proof, a.caps.Text.Max, a.caps.Text.Unit)
	streamed := a.listen()

	asked := b.send(b.draft("@" + strings.Split(a.a.Handle, "@")[0] + " When do you open? " + unique()))[0]
	heard := a.until(network.Mentions, "B's question", func(e network.Event) bool { return e.Post.ID == asked.ID })
	if !heard.Addressed || heard.Own || heard.Direct || heard.Post.Author.RemoteID != b.a.RemoteID {
		t.Errorf("A hears %+v", heard)
	}
	if streamed != nil {
		e := streamed(asked.ID)
		if e.Post.Version != heard.Post.Version || e.Post.Text.Body != heard.Post.Text.Body || !e.Addressed {
			t.Errorf("the stream brings %+v, the poll %+v: they would be stored twice", e.Post, heard.Post)
		}
	}

	ours := a.cutOff(a.answer(*heard.Post, "At nine, and on Sundays at ten. "+unique()))
	back := b.until(network.Mentions, "A's answer", func(e network.Event) bool { return e.Post.ID == ours.ID })
	if back.Post.ParentID != asked.ID || !back.Addressed {
		t.Errorf("B hears the answer as %+v", back.Post.Ref)
	}
	a.inThread(ours, asked)
	ours = a.edits(ours)
	a.illustrates()
	a.counts()
	a.whispers(b)
	a.acts(*heard.Post)
	a.imports(asked, ours)
	if err := a.n.Delete(t.Context(), a.a, ours); err != nil {
		t.Errorf("Delete: %v", err)
	}
	a.deletes(a.send(a.draft("Soon forgotten " + unique()))[0])

	stranger := *a
	stranger.a.Secret.Blob = []byte(`{"access_token":"not-a-token"}`)
	_, err := stranger.n.Poll(t.Context(), stranger.a, network.Mentions, network.Cursor{})
	wantError(t, err, network.Auth, "")
}

// listen opens the stream where there is one; the result waits for a message.
func (p *party) listen() func(id string) network.Event {
	p.t.Helper()
	if !p.caps.Can[network.CanStream].OK {
		p.t.Log("no stream here")
		return nil
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	p.t.Cleanup(cancel)
	events, ready, done := make(chan network.Event, 1000), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- p.n.Stream(ctx, p.a, func() { close(ready) }, func(e network.Event) error { events <- e; return nil })
	}()
	select {
	case <-ready:
	case err := <-done:
		p.t.Fatalf("Stream: %v", err)
	}
	return func(id string) network.Event {
		p.t.Helper()
		late := clock.System{}.After(patience)
		for {
			select {
			case e := <-events:
				if e.Post != nil && e.Post.ID == id {
					return e
				}
			case <-late:
				p.t.Fatalf("%s never came by stream", id)
			}
		}
	}
}

func (p *party) inThread(answer, question network.Ref) {
	p.t.Helper()
	events, err := p.n.Thread(p.t.Context(), p.a, answer)
	if err != nil {
		p.t.Fatalf("Thread: %v", err)
	}
	var ids []string
	for _, e := range events {
		ids = append(ids, e.Post.ID)
	}
	if !slices.Equal(ids, []string{question.ID, answer.ID}) {
		p.t.Errorf("the thread is %v, want %s, %s", ids, question.ID, answer.ID)
	}
}

func (p *party) edits(r network.Ref) network.Ref {
	p.t.Helper()
	e := p.until(network.Own, "its own answer", func(e network.Event) bool { return e.Post.ID == r.ID })
	d := p.draft(strings.ReplaceAll(e.Post.Text.Body, "nine", "half past nine"))
	d.Parts[0].Keep = e.Post.To
	got, err := p.n.Edit(p.t.Context(), p.a, e.Post.Ref, d)
	if err != nil || got.State != network.Sent {
		p.t.Fatalf("Edit: %q, %v", got.State, err)
	}
	seen, err := p.n.Watch(p.t.Context(), p.a, []network.Ref{e.Post.Ref})
	if err != nil || len(seen) != 1 || seen[0].Kind != network.KindEdit || !strings.Contains(seen[0].Post.Text.Body, "half past nine") {
		p.t.Errorf("Watch after the edit: %+v, %v", seen, err)
	} else if seen[0].Post.Version != got.Ref.Version {
		p.t.Errorf("Edit says version %q, Watch %q", got.Ref.Version, seen[0].Post.Version)
	}
	again, err := p.n.Edit(p.t.Context(), p.a, e.Post.Ref, d)
	if err != nil || again.Ref.Version != got.Ref.Version {
		p.t.Errorf("the same edit again: %+v, %v", again, err)
	}
	return got.Ref
}

// illustrates sends a thread of two, the first with a picture.
func (p *party) illustrates() {
	p.t.Helper()
	d := p.draft("Look " + unique())
	b := drawn()
	d.Parts[0].Media = []network.Media{{Kind: "image", MIME: "image/png", Alt: "A square of two colours", Size: int64(len(b)), Digest: sha256.Sum256(b)}}
	d.Parts = append(d.Parts, network.Part{Text: "And on " + unique(), Lang: "en", Visibility: network.Public, Warning: "more of it"})
	refs := p.send(d)
	first := p.until(network.Own, "its picture", func(e network.Event) bool { return e.Post.ID == refs[0].ID })
	if m := first.Post.Media; len(m) != 1 || m[0].Alt != "A square of two colours" || m[0].Kind != "image" {
		p.t.Errorf("the picture is there as %+v", m)
	}
	second := p.until(network.Own, "the second part", func(e network.Event) bool { return e.Post.ID == refs[1].ID })
	if second.Post.ParentID != refs[0].ID || second.Post.Warning != "more of it" || second.Post.Lang != "en" {
		p.t.Errorf("the second part is %+v", second.Post)
	}
	counts, err := p.n.Metrics(p.t.Context(), p.a, refs)
	if err != nil || counts[refs[0].ID]["replies"] != 1 {
		p.t.Errorf("Metrics: %v, %v", counts, err)
	}
	for _, r := range refs {
		if err := p.n.Delete(p.t.Context(), p.a, r); err != nil {
			p.t.Errorf("Delete: %v", err)
		}
	}
}

// counts sends texts of exactly the length that Plan admits.
func (p *party) counts() {
	p.t.Helper()
	rule := p.caps.Text
	if rule.Max > 10000 {
		p.t.Logf("posts of %d %s are not tried", rule.Max, rule.Unit)
		return
	}
	for name, start := range map[string]string{
		"emoji":     strings.Repeat("👨‍👩‍👧‍👦🇩🇪👍🏽e\u0301漢", 3) + " ",
		"address":   "https://example.org/" + strings.Repeat("a", 101) + " ",
		"mention":   "@user@host.example ",
		"right way": "مرحبا ",
	} {
		start += unique()
		letters := strings.Repeat("x", rule.Max-text.Count(rule, start, "").Used)
		if _, err := p.n.Plan(p.t.Context(), p.a, p.draft(start+letters+"x")); network.KindOf(err) != network.TooLong {
			p.t.Errorf("%s: one letter too many: %v", name, err)
		}
		ref := p.send(p.draft(start + letters))[0]
		if err := p.n.Delete(p.t.Context(), p.a, ref); err != nil {
			p.t.Errorf("Delete: %v", err)
		}
	}
}

// whispers is a private message and its answer, whose answer from the server is
// lost and found.
func (p *party) whispers(b *party) {
	p.t.Helper()
	if !p.caps.Can[network.CanDirect].OK {
		return
	}
	d := b.draft("Between us: " + unique())
	d.Parts[0].Visibility = network.DirectTo
	d.Parts[0].Keep = []network.Person{{Handle: p.a.Handle, RemoteID: p.a.RemoteID}}
	asked := b.send(d)[0]
	heard := p.until(network.Mentions, "B's whisper", func(e network.Event) bool { return e.Post.ID == asked.ID })
	if !heard.Direct || heard.Post.Visibility != network.DirectTo {
		p.t.Errorf("a private message is heard as %+v", heard)
	}
	wide := p.answer(*heard.Post, "Our secret. "+unique())
	wide.Parts[0].Visibility = network.Public
	ours := p.cutOff(wide)
	back := b.until(network.Mentions, "A's whisper", func(e network.Event) bool { return e.Post.ID == ours.ID })
	if !back.Direct {
		p.t.Errorf("a private message was answered in public: %+v", back)
	}
}

func (p *party) acts(on network.Post) {
	p.t.Helper()
	for _, act := range []network.Act{
		{Kind: network.Like, On: on.Ref}, {Kind: network.Repost, On: on.Ref}, {Kind: network.Follow, Person: on.Author},
		{Kind: network.Mute, Person: on.Author}, {Kind: network.Block, Person: on.Author},
	} {
		ability := map[network.ActKind]network.Ability{network.Like: network.CanLike, network.Repost: network.CanRepost,
			network.Follow: network.CanFollow, network.Mute: network.CanMute, network.Block: network.CanBlock}[act.Kind]
		if !p.caps.Can[ability].OK {
			continue
		}
		for _, undo := range []bool{false, false, true, true} {
			act.Undo = undo
			if err := p.n.Act(p.t.Context(), p.a, act); err != nil {
				p.t.Errorf("%s (undo %v): %v", act.Kind, undo, err)
			}
		}
	}
}

func (p *party) imports(heard, own network.Ref) {
	p.t.Helper()
	for f, want := range map[network.Feed]string{network.Mentions: heard.ID, network.Own: own.ID} {
		var c network.Cursor
		found := false
		for range 20 {
			page, err := p.n.Import(p.t.Context(), p.a, f, clock.System{}.Now().Add(-365*24*time.Hour), c)
			if err != nil {
				p.t.Fatalf("Import %s: %v", f, err)
			}
			found = found || slices.ContainsFunc(page.Events, func(e network.Event) bool { return e.Post != nil && e.Post.ID == want })
			if c = page.Next; !page.More {
				break
			}
		}
		if !found {
			p.t.Errorf("Import of %s does not bring %s", f, want)
		}
	}
}

// deletes removes a post, twice, and waits until it is gone: some servers take a
// moment. It is one that nobody was told of: snac keeps a deleted post readable
// while somebody else on the same server has it too.
func (p *party) deletes(r network.Ref) {
	p.t.Helper()
	for range 2 {
		if err := p.n.Delete(p.t.Context(), p.a, r); err != nil {
			p.t.Errorf("Delete: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		events, err := p.n.Watch(p.t.Context(), p.a, []network.Ref{r})
		if err != nil {
			p.t.Fatalf("Watch: %v", err)
		}
		if len(events) == 1 && events[0].Kind == network.KindGone {
			return
		}
		if clock.Sleep(ctx, clock.System{}, 200*time.Millisecond) != nil {
			p.t.Fatalf("what was deleted is still there: %+v", events)
		}
	}
}
