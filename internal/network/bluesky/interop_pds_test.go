package bluesky_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
)

// The part of the interop test for which a PDS is enough.

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
