package bluesky_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/text"
)

// The interop test speaks to a real PDS, and to a real AppView where one is
// named. interop/bluesky starts both on loopback and prints the variables.
//
//	PARLEY_INTEROP_BLUESKY          address of the PDS
//	PARLEY_INTEROP_BLUESKY_A, _B    two accounts: handle:app-password
//	PARLEY_INTEROP_BLUESKY_PLC      its PLC directory, if not the public one
//	PARLEY_INTEROP_BLUESKY_APPVIEW  address of the AppView behind the PDS
const interopVar = "PARLEY_INTEROP_BLUESKY"

// side is one signed-in account.
type side struct {
	t   *testing.T
	ctx context.Context
	n   *bluesky.Network
	a   network.Account
	pds string
}

type interop struct {
	t    *testing.T
	ctx  context.Context
	a, b *side
	view bool
}

func TestInterop(t *testing.T) {
	pds := os.Getenv(interopVar)
	if pds == "" {
		t.Skipf("%s names no server", interopVar)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	x := &interop{t: t, ctx: ctx, view: os.Getenv(interopVar+"_APPVIEW") != ""}
	n := interopConnector()
	x.a, x.b = enter(t, ctx, n, pds, "_A"), enter(t, ctx, n, pds, "_B")
	for _, step := range []struct {
		name string
		view bool
		run  func(*testing.T, *interop)
	}{
		{"signing in with what is wrong", false, interopWrong},
		{"describe", false, interopDescribe},
		{"refresh", false, interopRefresh},
		{"post and proof", false, interopPost},
		{"limits", false, interopLimits},
		{"facets", false, interopFacets},
		{"picture", false, interopPicture},
		{"thread", false, interopThread},
		{"reply record", false, interopReply},
		{"own posts", false, interopOwn},
		{"small acts", false, interopActs},
		{"delete", false, interopDelete},
		{"mention, answer, thread", true, interopMention},
		{"a late clock", true, interopLate},
		{"edited and gone", true, interopWatch},
		{"counts", true, interopCounts},
		{"revoke", false, interopRevoke},
	} {
		t.Run(step.name, func(t *testing.T) {
			if step.view && !x.view {
				t.Skip("no AppView is named")
			}
			x.a.t, x.b.t = t, t
			step.run(t, x)
		})
	}
}

func interopConnector() *bluesky.Network {
	o := bluesky.Defaults()
	o.AppView, o.Chat, o.Labeler = "", "", "" // whatever the PDS is set up with
	o.Jetstream = ""
	if plc := os.Getenv(interopVar + "_PLC"); plc != "" {
		o.PLC = plc
	}
	return bluesky.New(network.Env{
		HTTP: &http.Client{Timeout: 30 * time.Second}, Now: clock.System{}.Now, Rand: rand.Reader,
		Media: func(_ context.Context, _ network.Account, digest [32]byte) ([]byte, error) {
			if _, raw := dot(); sha256.Sum256(raw) == digest {
				return raw, nil
			}
			return nil, errors.New("no such media")
		},
	}, o)
}

// dot is a small picture.
func dot() (network.Media, []byte) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 12))); err != nil {
		panic(err)
	}
	return network.Media{Kind: "image", MIME: "image/png", Alt: "A dark square", Digest: sha256.Sum256(b.Bytes())}, b.Bytes()
}

func enter(t *testing.T, ctx context.Context, n *bluesky.Network, pds, which string) *side {
	t.Helper()
	handle, password, ok := strings.Cut(os.Getenv(interopVar+which), ":")
	if !ok {
		t.Fatalf("%s%s is not handle:app-password", interopVar, which)
	}
	a, secret, err := n.SignIn(ctx, url.Values{"handle": {"@" + handle}, "password": {password}, "pds": {pds}})
	if err != nil {
		t.Fatalf("signing %s in: %v", handle, err)
	}
	if a.Handle != handle || !strings.HasPrefix(a.RemoteID, "did:") {
		t.Errorf("signed in as %q, %q", a.Handle, a.RemoteID)
	}
	if life := secret.ExpiresAt.Sub(clock.System{}.Now()); life < time.Minute || secret.RefreshBy.IsZero() {
		t.Errorf("the token lives %v, refresh until %v", life, secret.RefreshBy)
	}
	a.Secret = secret
	return &side{t: t, ctx: ctx, n: n, a: a, pds: pds}
}

// post plans and sends, and returns plan and delivery.
func (s *side) post(d network.Draft) (network.Plan, network.Delivery) {
	s.t.Helper()
	p := s.plan(d)
	var last network.Delivery
	for i := range p.Steps {
		got, err := s.n.Do(s.ctx, s.a, p, i)
		if err != nil || got.State != network.Sent {
			s.t.Fatalf("step %d: %q, %v", i, got.State, err)
		}
		ref := got.Ref
		p.Steps[i].Done = &ref
		last = got
	}
	return p, last
}

func (s *side) plan(d network.Draft) network.Plan {
	s.t.Helper()
	p, err := s.n.Plan(s.ctx, s.a, d)
	if err != nil {
		s.t.Fatalf("planning: %v", err)
	}
	return p
}

func (s *side) draft(parts ...string) network.Draft {
	d := network.Draft{Key: rand.Text(), ByHuman: true}
	for _, p := range parts {
		d.Parts = append(d.Parts, network.Part{Text: p, Lang: "en"})
	}
	return d
}

// record reads a record straight from the PDS.
func (s *side) record(uri string) map[string]any {
	s.t.Helper()
	parts := strings.Split(strings.TrimPrefix(uri, "at://"), "/")
	q := url.Values{"repo": {parts[0]}, "collection": {parts[1]}, "rkey": {parts[2]}}
	res, err := http.Get(s.pds + "/xrpc/com.atproto.repo.getRecord?" + q.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

// again asks until done, for services that learn of things a moment later.
func (x *interop) again(what string, done func() bool) {
	x.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !done(); {
		select {
		case <-tick.C:
		case <-deadline:
			x.t.Fatalf("%s: still not after 20 s", what)
		}
	}
}

func interopWrong(t *testing.T, x *interop) {
	for name, c := range map[string]struct {
		handle, password, pds string
		want                  network.Kind
	}{
		"wrong password": {x.a.a.Handle, "aaaa-bbbb-cccc-dddd", x.a.pds, network.Auth},
		"not a handle":   {"desk", "aaaa-bbbb-cccc-dddd", x.a.pds, network.BadInput},
		"nobody":         {"nobody-at-all.test", "aaaa-bbbb-cccc-dddd", x.a.pds, network.Auth},
	} {
		_, _, err := x.a.n.SignIn(x.ctx, url.Values{"handle": {c.handle}, "password": {c.password}, "pds": {c.pds}})
		if k := network.KindOf(err); k != c.want {
			t.Errorf("%s: %q (%v), want %q", name, k, err, c.want)
		}
	}
	if plc := os.Getenv(interopVar + "_PLC"); plc != "" {
		_, _, err := x.a.n.SignIn(x.ctx, url.Values{"handle": {x.a.a.Handle}, "password": {"x"}, "pds": {plc}})
		if network.KindOf(err) != network.BadInput {
			t.Errorf("a server that is no PDS: %v", err)
		}
	}
}

func interopDescribe(t *testing.T, x *interop) {
	c, err := x.a.n.Describe(x.ctx, x.a.a)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s, feeds %v", c.API, c.Feeds)
	if c.Can[network.CanMentions].OK != x.view {
		t.Errorf("mentions are granted: %+v", c.Can[network.CanMentions])
	}
	if !x.view {
		_, err := x.a.n.Poll(x.ctx, x.a.a, network.Mentions, network.Cursor{})
		var e *network.Error
		if !errors.As(err, &e) || e.Kind != network.Transient || e.Help == "" {
			t.Errorf("hearing without an AppView: %v", err)
		}
	}
}

func interopRefresh(t *testing.T, x *interop) {
	first, err := x.a.n.Refresh(x.ctx, x.a.a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := x.a.n.Refresh(x.ctx, x.a.a)
	if err != nil {
		t.Fatalf("the same refresh token again: %v", err)
	}
	t.Logf("twice with one refresh token gives the same pair: %v", bytes.Equal(first.Blob, second.Blob))
	bad := x.a.a
	bad.Secret.Blob = []byte(`{"access":"a.b.c","refresh":"a.b.c"}`)
	if _, err := x.a.n.Refresh(x.ctx, bad); network.KindOf(err) != network.Auth {
		t.Errorf("refreshing with nonsense: %v", err)
	}
	if _, err := x.a.n.Describe(x.ctx, bad); network.KindOf(err) != network.Auth {
		t.Errorf("a token that is nonsense: %v", err)
	}
	x.a.a.Secret = second
}

func interopPost(t *testing.T, x *interop) {
	d := x.a.draft("The bridge opens again at noon, with a band.")
	d.At = clock.System{}.Now()
	p := x.a.plan(d)
	if got, err := x.a.n.Prove(x.ctx, x.a.a, p, 0); err != nil || got.State != network.NotSent {
		t.Errorf("before Do, Prove says %q, %v", got.State, err)
	}
	first, err := x.a.n.Do(x.ctx, x.a.a, p, 0)
	if err != nil || first.State != network.Sent {
		t.Fatalf("Do: %q, %v", first.State, err)
	}
	again, err := x.a.n.Do(x.ctx, x.a.a, p, 0) // as after a lost answer
	if err != nil || again.Ref != first.Ref {
		t.Errorf("the same bytes again: %+v, %v", again.Ref, err)
	}
	proof, err := x.a.n.Prove(x.ctx, x.a.a, p, 0)
	if err != nil || proof.State != network.Sent || proof.Ref.Version != first.Ref.Version {
		t.Errorf("Prove: %q %q, %v; the PDS says cid %q", proof.State, proof.Ref.Version, err, first.Ref.Version)
	}
	t.Logf("%s", proof.Evidence)
	if !strings.Contains(proof.Evidence, "same cid") {
		t.Errorf("our own cid is not the server's: %s", proof.Evidence)
	}
	d.Parts[0].Text = "The bridge opens again at nine." // the same draft key, and so the same record key
	other := x.a.plan(d)
	if _, err := x.a.n.Do(x.ctx, x.a.a, other, 0); network.KindOf(err) != network.Duplicate {
		t.Errorf("other words under the same key: %v", err)
	}
	if got, err := x.a.n.Prove(x.ctx, x.a.a, other, 0); err != nil || got.State != network.Unknown {
		t.Errorf("and their proof: %q, %v", got.State, err)
	}
}

func interopLimits(t *testing.T, x *interop) {
	family := "👨‍👩‍👧‍👦"
	for name, body := range map[string]string{
		"300 letters": strings.Repeat("x", 300), "120 families, 3,000 bytes": strings.Repeat(family, 120),
		"mixed": strings.Repeat("é漢", 150),
	} {
		if _, d := x.a.post(x.a.draft(body)); d.State != network.Sent {
			t.Errorf("%s: %q", name, d.State)
		}
	}
	for name, body := range map[string]string{"301 letters": strings.Repeat("x", 301), "121 families": strings.Repeat(family, 121)} {
		if _, err := x.a.n.Plan(x.ctx, x.a.a, x.a.draft(body)); network.KindOf(err) != network.TooLong {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func interopFacets(t *testing.T, x *interop) {
	body := "漢 @" + x.b.a.Handle + " see https://example.org/a?b=c&d=e#f and #bridge, not @nobody-at-all.test"
	p, d := x.a.post(x.a.draft(body))
	if len(p.Warnings) != 1 {
		t.Errorf("warnings %v, want one about the name that leads nowhere", p.Warnings)
	}
	list, err := x.a.n.Import(x.ctx, x.a.a, network.Own, time.Time{}, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list.Events, func(e network.Event) bool { return e.Post.ID == d.Ref.ID })
	if i < 0 {
		t.Fatalf("%s is not among our posts", d.Ref.ID)
	}
	got := list.Events[i].Post
	var kinds []string
	for _, s := range got.Text.Spans {
		kinds = append(kinds, fmt.Sprintf("%s %s", s.Kind, got.Text.Body[s.Start:s.End]))
	}
	want := []string{"mention @" + x.b.a.Handle, "link https://example.org/a?b=c&d=e#f", "tag #bridge"}
	if !slices.Equal(kinds, want) || got.Text.Body != body {
		t.Errorf("%q came back with %q, want %q", got.Text.Body, kinds, want)
	}
	if len(got.To) != 1 || got.To[0].RemoteID != x.b.a.RemoteID {
		t.Errorf("it speaks to %+v", got.To)
	}
}

func interopPicture(t *testing.T, x *interop) {
	d := x.a.draft("A picture")
	m, raw := dot()
	d.Parts[0].Media = []network.Media{m}
	p, got := x.a.post(d)
	if len(p.Steps) != 2 || p.Steps[0].Kind != network.Upload {
		t.Fatalf("%d steps", len(p.Steps))
	}
	if proof, err := x.a.n.Prove(x.ctx, x.a.a, p, 1); err != nil || proof.Ref.Version != got.Ref.Version || !strings.Contains(proof.Evidence, "same cid") {
		t.Errorf("the record with its blob: %+v, %v", proof, err)
	}
	value, _ := json.Marshal(x.a.record(got.Ref.ID)["value"])
	for _, want := range []string{`"alt":"A dark square"`, fmt.Sprintf(`"size":%d`, len(raw)), `"width":16`, p.Steps[0].WantID} {
		if !bytes.Contains(value, []byte(want)) {
			t.Errorf("the record lacks %s: %s", want, value)
		}
	}
	// A record that names a blob which was never uploaded is refused.
	p = x.a.plan(network.Draft{Key: rand.Text(), Parts: d.Parts})
	p.Steps[1].Body = bytes.ReplaceAll(p.Steps[1].Body, []byte(p.Steps[0].WantID), []byte("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"))
	p.Steps[0].Done = &network.Ref{ID: "x"}
	if _, err := x.a.n.Do(x.ctx, x.a.a, p, 1); network.KindOf(err) != network.BadMedia {
		t.Errorf("a blob that is not there: %v", err)
	}
}

func interopThread(t *testing.T, x *interop) {
	p, d := x.a.post(x.a.draft("One", "Two", "Three"))
	if len(p.Steps) != 1 || len(d.Parts) != 3 {
		t.Fatalf("%d steps, %d parts", len(p.Steps), len(d.Parts))
	}
	for i, r := range d.Parts {
		value := x.a.record(r.ID)
		if value["cid"] != r.Version {
			t.Errorf("part %d: cid %v, want %s", i+1, value["cid"], r.Version)
		}
		if i == 0 {
			continue
		}
		raw, _ := json.Marshal(value["value"])
		var in struct {
			Reply struct{ Root, Parent struct{ URI, CID string } }
		}
		_ = json.Unmarshal(raw, &in)
		if in.Reply.Root.CID != d.Parts[0].Version || in.Reply.Parent.URI != d.Parts[i-1].ID || in.Reply.Parent.CID != d.Parts[i-1].Version {
			t.Errorf("part %d answers %+v", i+1, in.Reply)
		}
	}
	p.Steps[0].Done = nil
	_, err := x.a.n.Do(x.ctx, x.a.a, p, 0)
	t.Logf("the same thread again: %v", err)
	if k := network.KindOf(err); k != network.Ambiguous {
		t.Errorf("the same thread again: %q", k)
	}
	if proof, err := x.a.n.Prove(x.ctx, x.a.a, p, 0); err != nil || proof.State != network.Sent || len(proof.Parts) != 3 {
		t.Errorf("its proof: %+v, %v", proof, err)
	}
}

func interopReply(t *testing.T, x *interop) {
	_, asked := x.b.post(x.b.draft("When does the bridge open?"))
	d := x.a.draft("At noon.")
	d.ReplyTo = &network.Post{Ref: asked.Ref, Author: network.Person{RemoteID: x.b.a.RemoteID, Handle: x.b.a.Handle}}
	var p network.Plan
	x.again("planning the answer", func() bool { // an AppView learns of the question a moment later
		var err error
		p, err = x.a.n.Plan(x.ctx, x.a.a, d)
		return err == nil
	})
	got, err := x.a.n.Do(x.ctx, x.a.a, p, 0)
	if err != nil || got.Ref.ParentID != asked.Ref.ID || got.Ref.RootID != asked.Ref.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := x.b.n.Delete(x.ctx, x.b.a, asked.Ref); err != nil {
		t.Fatal(err)
	}
	x.again("noticing that the question is gone", func() bool {
		_, err := x.a.n.Plan(x.ctx, x.a.a, d)
		return network.KindOf(err) == network.Gone
	})
}

func interopOwn(t *testing.T, x *interop) {
	page, err := x.a.n.Poll(x.ctx, x.a.a, network.Own, network.Cursor{})
	if err != nil || len(page.Events) == 0 {
		t.Fatalf("%d events, %v", len(page.Events), err)
	}
	_, d := x.a.post(x.a.draft("One more"))
	next, err := x.a.n.Poll(x.ctx, x.a.a, network.Own, page.Next)
	if err != nil || !slices.ContainsFunc(next.Events, func(e network.Event) bool {
		return e.Own && e.Post.ID == d.Ref.ID && e.Post.Version == d.Ref.Version
	}) {
		t.Errorf("our new post is not among %d events (%v)", len(next.Events), err)
	}
}

func interopActs(t *testing.T, x *interop) {
	_, d := x.b.post(x.b.draft("Something to like"))
	person := network.Person{RemoteID: x.b.a.RemoteID}
	for _, act := range []network.Act{
		{Kind: network.Like, On: d.Ref}, {Kind: network.Repost, On: d.Ref},
		{Kind: network.Follow, Person: person}, {Kind: network.Block, Person: person},
	} {
		for range 2 {
			if err := x.a.n.Act(x.ctx, x.a.a, act); err != nil {
				t.Errorf("%s: %v", act.Kind, err)
			}
		}
		act.Undo = true
		for range 2 {
			if err := x.a.n.Act(x.ctx, x.a.a, act); err != nil {
				t.Errorf("undoing %s: %v", act.Kind, err)
			}
		}
	}
}

func interopDelete(t *testing.T, x *interop) {
	p, d := x.a.post(x.a.draft("Said too soon"))
	for range 2 {
		if err := x.a.n.Delete(x.ctx, x.a.a, d.Ref); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	if got, err := x.a.n.Prove(x.ctx, x.a.a, p, 0); err != nil || got.State != network.NotSent {
		t.Errorf("Prove of what was deleted: %q, %v", got.State, err)
	}
	if got, err := x.a.n.Do(x.ctx, x.a.a, p, 0); err != nil || got.Evidence != "done before" {
		t.Errorf("Do of what was sent and deleted: %+v, %v", got, err)
	}
	if err := x.a.n.Delete(x.ctx, x.a.a, network.Ref{ID: "at://" + x.b.a.RemoteID + "/app.bsky.feed.post/3jzfcijpj2z2a"}); network.KindOf(err) != network.Policy {
		t.Errorf("deleting somebody else's: %v", err)
	}
}

// hears polls until an event is there.
func (s *side) hears(x *interop, what string, c *network.Cursor, want func(network.Event) bool) network.Event {
	s.t.Helper()
	var found network.Event
	x.again(what, func() bool {
		page, err := s.n.Poll(s.ctx, s.a, network.Mentions, *c)
		if err != nil {
			s.t.Fatalf("polling: %v", err)
		}
		*c = page.Next
		i := slices.IndexFunc(page.Events, want)
		if i >= 0 {
			found = page.Events[i]
		}
		return i >= 0
	})
	return found
}

func interopMention(t *testing.T, x *interop) {
	x.t = t
	var ca, cb network.Cursor
	for _, s := range []struct {
		s *side
		c *network.Cursor
	}{{x.a, &ca}, {x.b, &cb}} {
		page, err := s.s.n.Poll(x.ctx, s.s.a, network.Mentions, network.Cursor{})
		if err != nil {
			t.Fatal(err)
		}
		*s.c = page.Next
	}
	_, asked := x.b.post(x.b.draft("@" + x.a.a.Handle + " when does the bridge open?"))
	heard := x.a.hears(x, "the mention", &ca, func(e network.Event) bool { return e.Post != nil && e.Post.ID == asked.Ref.ID })
	if !heard.Addressed || heard.Own || heard.Post.Author.Handle != x.b.a.Handle || heard.Post.Version != asked.Ref.Version {
		t.Errorf("heard %+v", heard.Post)
	}
	if len(heard.Post.Text.Spans) != 1 || heard.Post.Text.Spans[0].Kind != text.Mention {
		t.Errorf("spans %+v", heard.Post.Text.Spans)
	}
	d := x.a.draft("At noon.", "Bring an umbrella.")
	d.ReplyTo = heard.Post
	_, said := x.a.post(d)
	back := x.b.hears(x, "the answer", &cb, func(e network.Event) bool { return e.Post != nil && e.Post.ID == said.Ref.ID })
	if back.Post.ParentID != asked.Ref.ID || back.Post.RootID != asked.Ref.ID || !back.Addressed {
		t.Errorf("the answer stands at %+v", back.Post.Ref)
	}
	x.again("the thread", func() bool {
		events, err := x.b.n.Thread(x.ctx, x.b.a, asked.Ref)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, e := range events {
			if e.Post != nil {
				ids = append(ids, e.Post.ID)
			}
		}
		return slices.Equal(ids, []string{asked.Ref.ID, said.Parts[0].ID, said.Parts[1].ID})
	})
}

// interopLate shows why a walk goes further back once an hour: what a late
// clock writes is filed into the past.
func interopLate(t *testing.T, x *interop) {
	x.t = t
	page, err := x.a.n.Poll(x.ctx, x.a.a, network.Mentions, network.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	d := x.b.draft("@" + x.a.a.Handle + " my clock is slow")
	d.At = clock.System{}.Now().Add(-3 * time.Hour)
	_, late := x.b.post(d)
	c := page.Next
	got := x.a.hears(x, "the late mention", &c, func(e network.Event) bool { return e.Post != nil && e.Post.ID == late.Ref.ID })
	t.Logf("written 3 h ago by its author's clock, shown as indexed %v ago", clock.System{}.Now().Sub(got.Post.Indexed).Round(time.Minute))
}

func interopWatch(t *testing.T, x *interop) {
	x.t = t
	_, d := x.b.post(x.b.draft("Soon gone"))
	_, stays := x.b.post(x.b.draft("Stays"))
	seen := func() []network.Event {
		events, err := x.a.n.Watch(x.ctx, x.a.a, []network.Ref{d.Ref, stays.Ref})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	x.again("both known", func() bool { return len(seen()) == 0 })
	if err := x.b.n.Delete(x.ctx, x.b.a, d.Ref); err != nil {
		t.Fatal(err)
	}
	x.again("one gone", func() bool {
		events := seen()
		return len(events) == 1 && events[0].Kind == network.KindGone && events[0].Gone.ID == d.Ref.ID
	})
}

func interopCounts(t *testing.T, x *interop) {
	x.t = t
	_, d := x.a.post(x.a.draft("Count me"))
	if err := x.b.n.Act(x.ctx, x.b.a, network.Act{Kind: network.Like, On: d.Ref}); err != nil {
		t.Fatal(err)
	}
	x.again("one like", func() bool {
		counts, err := x.a.n.Metrics(x.ctx, x.a.a, []network.Ref{d.Ref})
		if err != nil {
			t.Fatal(err)
		}
		if _, told := counts[d.Ref.ID]["views"]; told {
			t.Error("views are told")
		}
		return counts[d.Ref.ID]["likes"] == 1
	})
	if err := x.a.n.Act(x.ctx, x.a.a, network.Act{Kind: network.Mute, Person: network.Person{RemoteID: x.b.a.RemoteID}}); err != nil {
		t.Errorf("muting: %v", err)
	}
	if err := x.a.n.Act(x.ctx, x.a.a, network.Act{Kind: network.Mute, Undo: true, Person: network.Person{RemoteID: x.b.a.RemoteID}}); err != nil {
		t.Errorf("unmuting: %v", err)
	}
}

func interopRevoke(t *testing.T, x *interop) {
	for range 2 {
		if err := x.b.n.Revoke(x.ctx, x.b.a); err != nil {
			t.Errorf("revoking: %v", err)
		}
	}
	if _, err := x.b.n.Refresh(x.ctx, x.b.a); network.KindOf(err) != network.Auth {
		t.Errorf("refreshing a session that was ended: %v", err)
	}
}
