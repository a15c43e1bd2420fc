// Package sandboxtest is the sandbox as a Fake: the reference for the suite of
// networktest, and a whole network for any other test. It is no part of the
// program.
package sandboxtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/people"
)

// Handle is our account's.
const Handle = "townhall"

// Fake is a Server in the suite's words.
type Fake struct {
	*sandbox.Server
	requests *networktest.Faults
	account  network.Account
	counts   []string
}

var (
	_ networktest.Fake     = (*Fake)(nil)
	_ networktest.Dialect  = (*Fake)(nil)
	_ networktest.Limiter  = (*Fake)(nil)
	_ networktest.Impostor = (*Fake)(nil)
	_ networktest.Teller   = (*Fake)(nil)
)

// New makes a Fake of a personality, with our account signed in. It lives in
// memory; whoever wants a socket serves it.
func New(t testing.TB, env networktest.Env, personality string) *Fake {
	t.Helper()
	s, err := sandbox.New(sandbox.Options{
		Seed: 7, Clock: env.Clock, BaseURL: env.BaseURL, Personality: personality,
		Desks: []people.Desk{{Handle: Handle, Name: "Town Hall"}},
	})
	if err != nil {
		t.Fatalf("making a sandbox: %v", err)
	}
	inside := env.Env
	inside.HTTP = s.Client()
	a, secret, err := sandbox.NewConnector(inside, env.BaseURL).SignIn(context.Background(), url.Values{"handle": {Handle}})
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	secret.Generation = 1
	a.Secret = secret
	f := &Fake{Server: s, requests: networktest.NewFaults(env), account: a}
	for _, p := range sandbox.Personalities() {
		if p.Name == personality {
			f.counts = p.Counts
		}
	}
	return f
}

// Connector is the suite's way to make one.
func Connector(env networktest.Env) network.Network {
	return sandbox.NewConnector(env.Env, env.BaseURL)
}

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Remember(r)
	f.Server.ServeHTTP(w, r)
}

func (f *Fake) Inject(x networktest.Fault) { f.Server.Inject(sandbox.Fault(x)) }

func (f *Fake) Requests() []*http.Request { return f.requests.Requests() }

func (f *Fake) Account() network.Account { return f.account }

func (f *Fake) Ledger() []networktest.Write {
	var out []networktest.Write
	for _, w := range f.Server.Ledger() {
		out = append(out, networktest.Write(w))
	}
	return out
}

// Say plays a line that speaks to our account.
func (f *Fake) Say(p network.Post) network.Ref {
	id := f.Script(sandbox.Said{
		Who: p.Author.Handle, Name: p.Author.Name, RemoteID: p.Author.RemoteID, To: Handle, Text: p.Text.Body,
		Lang: p.Lang, Warning: p.Warning, Visibility: string(p.Visibility), ReplyTo: p.ParentID, ID: p.ID,
	})
	return network.Ref{ID: id, Version: "1"}
}

func (f *Fake) Change(r network.Ref, p *network.Post) {
	if p == nil {
		f.Script(sandbox.Said{Delete: r.ID})
		return
	}
	f.Script(sandbox.Said{Edit: r.ID, Text: p.Text.Body, Lang: p.Lang, Warning: p.Warning})
}

// access is our account's token.
func (f *Fake) access() string {
	var k struct {
		Access string `json:"access"`
	}
	_ = json.Unmarshal(f.account.Secret.Blob, &k) // made by New
	return k.Access
}

// Native says situations as the sandbox does, with our token in the sentence:
// a careless server, whose sentences must not be passed on as they are.
func (f *Fake) Native(s networktest.Situation) (networktest.Fault, bool) {
	say := map[networktest.Situation]struct {
		status int
		kind   network.Kind
		native string
	}{
		networktest.MediaFailed:   {422, network.BadMedia, "failed"},
		networktest.MediaExpired:  {404, network.BadMedia, "expired"},
		networktest.MediaUsed:     {422, network.Duplicate, "attached"},
		networktest.TokenDead:     {401, network.Auth, "invalid_token"},
		networktest.RefreshDead:   {400, network.Auth, "invalid_grant"},
		networktest.AccountClosed: {403, network.Suspended, "suspended"},
		networktest.RepliesClosed: {403, network.Policy, "locked"},
	}
	if s == networktest.RefreshEmpty {
		return networktest.Fault{Status: 200, Body: body(map[string]any{
			"access": f.access(), "expires_in": 3600, "account": map[string]string{"id": f.account.RemoteID, "handle": Handle},
		})}, true
	}
	v, ok := say[s]
	return networktest.Fault{Status: v.status, Body: body(map[string]any{
		"kind": v.kind, "native": v.native, "message": "Not with " + f.access(),
	})}, ok
}

// Limits is every form the sandbox and HTTP know.
func (f *Fake) Limits(reset, now time.Time) []networktest.Limit {
	left := strconv.Itoa(int(reset.Sub(now).Seconds()))
	form := func(name string, want time.Time, header, value string, b map[string]any) networktest.Limit {
		h := http.Header{}
		if header != "" {
			h.Set(header, value)
		}
		return networktest.Limit{Name: name, Want: want, Fault: networktest.Fault{Status: 429, Header: h, Body: body(b)}}
	}
	midnight := time.Date(2026, 11, 13, 8, 0, 0, 0, time.UTC) // in Los Angeles, in winter
	return []networktest.Limit{
		form("RFC 3339", reset, "X-RateLimit-Reset", reset.Format(time.RFC3339Nano), nil),
		form("epoch", reset, "RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10), nil),
		form("seconds left", reset, "X-Ratelimit-Reset", left, nil),
		form("passed", now, "X-RateLimit-Reset", now.Add(-time.Hour).Format(time.RFC3339), nil),
		form("parameters", reset, "", "", map[string]any{"parameters": map[string]any{"retry_after": 95}}),
		form("extras", reset, "", "", map[string]any{"extras": map[string]any{"wait_seconds": 95}}),
		form("sentence", reset, "", "", map[string]any{"message": "You do that too much. Try again in " + left + " seconds."}),
		form("midnight UTC", time.Date(2026, 11, 13, 0, 0, 0, 0, time.UTC), "", "", map[string]any{"resets": "UTC"}),
		form("midnight Pacific", midnight, "", "", map[string]any{"resets": "America/Los_Angeles"}),
		form("retry_at", reset, "", "", map[string]any{"retry_at": reset}),
	}
}

// Counts is what the personality tells.
func (f *Fake) Counts() []string { return f.counts }

func body(v map[string]any) []byte {
	b, _ := json.Marshal(v) // plain values always marshal
	return b
}
