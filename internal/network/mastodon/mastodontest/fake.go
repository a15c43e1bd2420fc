// Package mastodontest is a server that speaks the Mastodon API well enough to
// be connected, read, written to and streamed from, in the dialects of the
// family. It keeps everything in memory and a ledger of what it kept, and takes
// faults from the conformance kit.
//
// It is written from what real servers do, oddities included: Mastodon replays
// an Idempotency-Key, GoToSocial ignores it, Pixelfed answers 400 to it; snac
// has no paging, and its ids change with every edit. It is no model of
// federation: everybody lives in this one process.
package mastodontest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
)

// Fake is the server. It is safe for concurrent use.
type Fake struct {
	*networktest.Faults
	dialect mastodon.Dialect
	env     networktest.Env
	base    string // without a trailing slash
	domain  string
	now     func() time.Time
	mux     *http.ServeMux

	mu       sync.Mutex
	serial   int
	me       *person
	people   map[string]*person // by id
	statuses map[string]*status // by lasting id
	order    []string           // ids of statuses as they came
	notes    []*note            // by id, oldest first
	heard    map[string][]network.Ref
	held     map[string]bool // ids of people whom the notification policy holds back
	media    map[string]*media
	keys     map[string]string // Idempotency-Key → status id; "" on Pixelfed
	ledger   []networktest.Write
	oauth
	hub
}

var (
	_ networktest.Fake      = (*Fake)(nil)
	_ networktest.Dialect   = (*Fake)(nil)
	_ networktest.Latecomer = (*Fake)(nil)
	_ networktest.Teller    = (*Fake)(nil)
)

// New makes a server of that dialect with one account of ours, "parley".
// env needs BaseURL and Now.
func New(env networktest.Env, d mastodon.Dialect) *Fake {
	u, err := url.Parse(env.BaseURL)
	if err != nil {
		panic("mastodontest: base address: " + err.Error())
	}
	f := &Fake{
		Faults: networktest.NewFaults(env), dialect: d, env: env, base: env.BaseURL, domain: u.Host, now: env.Now,
		people: map[string]*person{}, statuses: map[string]*status{}, heard: map[string][]network.Ref{},
		held: map[string]bool{}, media: map[string]*media{}, keys: map[string]string{},
		oauth: newOAuth(), hub: newHub(),
	}
	f.me = f.person("", "parley@"+f.domain)
	f.me.name = "Parley Desk"
	f.mux = f.routes()
	return f
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", f.now().UTC().Format(http.TimeFormat))
	if f.dialect == mastodon.GoToSocial && r.UserAgent() == "" {
		f.Remember(r)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	f.Serve(operation(r), w, r, func(w http.ResponseWriter, r *http.Request) {
		f.limits(w)
		f.mux.ServeHTTP(w, r)
	})
}

// limits tells the rate budget, as far as the dialect does.
func (f *Fake) limits(w http.ResponseWriter) {
	if f.dialect == mastodon.Mastodon || f.dialect == mastodon.GoToSocial {
		w.Header().Set("X-RateLimit-Limit", "300")
		w.Header().Set("X-RateLimit-Remaining", "250")
		w.Header().Set("X-RateLimit-Reset", f.now().Add(5*time.Minute).UTC().Format("2006-01-02T15:04:05.000000Z"))
	}
}

// Account is our account, signed in.
func (f *Fake) Account() network.Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	const scope = "read write follow"
	client, registered := f.registerApp("", scope)
	if f.env.Apps != nil {
		app := network.App{ID: client, Secret: []byte(registered.secret)}
		if err := f.env.Apps.SaveApp(context.Background(), mastodon.Name, f.base, "", app); err != nil {
			panic("mastodontest: keeping the registration: " + err.Error())
		}
	}
	t := f.issue(client, scope)
	blob, err := json.Marshal(object{"access_token": t.access, "refresh_token": t.refresh})
	if err != nil {
		panic("mastodontest: " + err.Error()) // strings only
	}
	version, api := f.version()
	return network.Account{
		ID: "fake", Network: mastodon.Name, Instance: f.base, RemoteID: f.me.id,
		Handle: f.me.acct, Name: f.me.name, URL: f.me.url, AppID: client,
		Scopes: strings.Fields(scope),
		Extra: map[string]string{
			"dialect": string(f.dialect), "version": version, "domain": f.domain, "api": fmt.Sprint(api),
			"privacy": "public", "language": "en",
		},
		Secret: network.Secret{Blob: blob, ExpiresAt: t.until, Generation: 1},
	}
}

// Say implements networktest.Fake.
func (f *Fake) Say(p network.Post) network.Ref { return f.say(p, false) }

func (f *Fake) say(p network.Post, late bool) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := f.person(p.Author.RemoteID, p.Author.Handle)
	if p.Author.Name != "" {
		who.name = p.Author.Name
	}
	who.bot = p.Author.Bot
	s := &status{
		author: who, source: "@" + f.me.username + " " + p.Text.Body, spoiler: p.Warning,
		visibility: word(p.Visibility), language: p.Lang, created: p.Created, mentions: []*person{f.me},
	}
	if parent := f.find(p.ParentID); parent != nil {
		s.parent = parent
	}
	f.keep(s, p.ID)
	f.notify(s, late)
	f.tell("update", f.render(s))
	return f.ref(s)
}

// SayLate implements networktest.Latecomer: the id of what tells of it sorts
// before one that was told already, as if its transaction had been open longer.
func (f *Fake) SayLate(p network.Post) network.Ref { return f.say(p, true) }

// Counts implements networktest.Teller.
func (f *Fake) Counts() []string {
	if f.dialect == mastodon.Mastodon {
		return []string{"likes", "reposts", "replies", "quotes"}
	}
	return []string{"likes", "reposts", "replies"}
}

// Native implements networktest.Dialect.
func (f *Fake) Native(s networktest.Situation) (networktest.Fault, bool) {
	say := func(code int, body string) (networktest.Fault, bool) {
		return networktest.Fault{Status: code, Body: []byte(body)}, true
	}
	switch s {
	case networktest.TokenDead:
		if f.dialect == mastodon.Snac {
			return say(http.StatusUnauthorized, "")
		}
		return say(http.StatusUnauthorized, `{"error":"The access token was revoked"}`)
	case networktest.RefreshDead:
		return say(http.StatusBadRequest, `{"error":"invalid_grant","error_description":"The refresh token is invalid."}`)
	case networktest.RefreshEmpty:
		f.mu.Lock()
		defer f.mu.Unlock()
		return say(http.StatusOK, fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer"}`, f.issue("", "read write").access))
	case networktest.MediaUsed:
		return networktest.Fault{}, f.dialect == mastodon.GoToSocial || f.dialect == mastodon.Mastodon
	case networktest.AccountClosed:
		return say(http.StatusForbidden, `{"error":"Your login is currently disabled"}`)
	case networktest.RepliesClosed:
		return say(http.StatusForbidden, `{"error":"This action is not allowed"}`)
	}
	return networktest.Fault{}, false
}

// Change implements networktest.Fake.
func (f *Fake) Change(r network.Ref, p *network.Post) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.find(r.ID)
	if s == nil {
		return
	}
	if p == nil {
		f.drop(s)
		return
	}
	s.source, s.spoiler = p.Text.Body, p.Warning
	if s.author != f.me {
		s.source = "@" + f.me.username + " " + p.Text.Body
	}
	f.touch(s)
}

// Ledger implements networktest.Fake.
func (f *Fake) Ledger() []networktest.Write {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]networktest.Write(nil), f.ledger...)
}

// Heard lists those of our posts that somebody outside was notified of.
func (f *Fake) Heard(handle string) []network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]network.Ref(nil), f.heard[f.person("", handle).id]...)
}

// Hold lets the account's notification policy hold somebody back: what they say
// is listed only to who asks for filtered notifications too.
func (f *Fake) Hold(handle string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[f.person("", handle).id] = true
}

// Mumble makes somebody whom our account follows post and edit something that
// does not speak to us: it comes by stream, and in no notification.
func (f *Fake) Mumble(handle, words string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &status{author: f.person("", handle), source: words, visibility: "public", created: f.now()}
	f.keep(s, "")
	f.tell("update", f.render(s))
	f.touch(s)
}

// Lose makes the server forget all tokens, as if the owner had revoked them.
func (f *Fake) Lose() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.tokens)
}

// Streams is how many streams are open.
func (f *Fake) Streams() int { return f.hub.count() }

// write notes what was kept. Callers hold f.mu.
func (f *Fake) write(op, key, id string, body []byte) {
	f.ledger = append(f.ledger, networktest.Write{Op: op, Key: key, ID: id, Body: body})
}

func (f *Fake) version() (string, int) {
	switch f.dialect {
	case mastodon.Mastodon:
		return "4.5.1", 7
	case mastodon.GoToSocial:
		return "0.20.0", 0
	case mastodon.Pleroma:
		return "2.7.2 (compatible; Akkoma 3.15.0)", 0
	case mastodon.Pixelfed:
		return "3.5.3 (compatible; Pixelfed 0.12.4)", 0
	case mastodon.Snac:
		return "4.0.0 (not true; really snac/2.96)", 0
	default:
		return "4.2.0 (compatible; Otherware 1.0)", 0
	}
}
