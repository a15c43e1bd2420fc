package bluesky_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"image"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/bluesky"
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
