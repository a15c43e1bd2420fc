// Package blueskytest is a small AT Protocol network in memory: one PDS, a PLC
// directory, an AppView, a chat service and a Jetstream behind one address, with
// the real paths, bodies, error names and habits, as seen on real servers
// (docs/networks/bluesky.md). It is the Fake of the conformance kit and the stage
// of the connector's own tests.
//
// It is no server to run: repositories have no Merkle tree and no signatures,
// tokens are not signed, and it knows only the methods Parley calls.
package blueskytest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/network/networktest"
)

// Handle and Password sign our account in.
const (
	Handle   = "desk.parley.test"
	Password = "abcd-efgh-ijkl-mnop"
)

// opAct is the kit's word for small acts; no fault strikes them.
const opAct = "act"

// Fake is one such network.
type Fake struct {
	*networktest.Faults
	base string
	now  func() time.Time

	mu       sync.Mutex
	us       string
	serial   int64
	people   map[string]*person // by DID
	handles  map[string]string  // handle to DID
	posts    []*entry           // every record, in the order it came
	byURI    map[record.URI]*entry
	notices  []notice
	blobs    map[string]blob
	tokens   map[string]token
	renewed  map[string]pair // refresh token to the pair it was traded for
	ended    map[string]bool // refresh tokens of sessions that were ended
	convos   map[string]*convo
	log      []logged
	muted    map[string]bool
	reports  []string
	ledger   []networktest.Write
	streams  map[chan []byte]string // to the DID each wants
	bare     bool
	noChat   bool
	password string
	scope    string
	moved    map[string]string // path to where it redirects
}

type person struct{ did, handle, name string }

// entry is one record of one repository.
type entry struct {
	uri     record.URI
	cid     string
	value   map[string]any
	indexed time.Time
	closed  bool // may not be answered
}

// New makes a network with our account in it.
func New(env networktest.Env) *Fake {
	f := &Fake{
		Faults: networktest.NewFaults(env), base: env.BaseURL, now: env.Now,
		people: map[string]*person{}, byURI: map[record.URI]*entry{}, handles: map[string]string{}, blobs: map[string]blob{},
		tokens: map[string]token{}, renewed: map[string]pair{}, convos: map[string]*convo{},
		muted: map[string]bool{}, streams: map[chan []byte]string{}, moved: map[string]string{}, ended: map[string]bool{},
		password: Password, scope: "com.atproto.appPassPrivileged",
	}
	f.us = f.meet("desk", Handle, "The Desk").did
	return f
}

// Bare takes the AppView and the chat away: a PDS by itself.
func (f *Fake) Bare() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bare, f.noChat = true, true
}

// Scope sets what newly made tokens may do.
func (f *Fake) Scope(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scope = s
}

// Account is our account, signed in.
func (f *Fake) Account() network.Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.session(f.us)
	blob, _ := json.Marshal(map[string]string{"access": p.access, "refresh": p.refresh})
	return network.Account{
		ID: "account-1", Network: "bluesky", Instance: "https://bsky.app", RemoteID: f.us,
		Handle: Handle, Name: "The Desk", URL: "https://bsky.app/profile/" + f.us,
		Scopes: []string{f.scope}, Extra: map[string]string{"pds": f.base},
		Secret: network.Secret{Blob: blob, ExpiresAt: f.now().Add(accessLife), RefreshBy: f.now().Add(refreshLife)},
	}
}

// Ledger is every write that was kept.
func (f *Fake) Ledger() []networktest.Write {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]networktest.Write(nil), f.ledger...)
}

// Redirect sends everybody who asks for a path somewhere else.
func (f *Fake) Redirect(path, to string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.moved[path] = to
}

// Reports are the subjects that were reported.
func (f *Fake) Reports() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.reports...)
}

// LookupTXT is the name service: _atproto.<handle>.
func (f *Fake) LookupTXT(_ context.Context, name string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if did, ok := f.handles[strings.TrimPrefix(name, "_atproto.")]; ok {
		return []string{"v=spf1 -all", "did=" + did}, nil
	}
	return nil, nil
}

// method is one XRPC method.
type method struct {
	verb  string
	op    string
	auth  bool
	view  bool // answered by the AppView
	chat  bool // answered by the chat service
	serve func(*Fake, http.ResponseWriter, *http.Request, string)
}

// methods the network knows. op is what a fault can strike.
func methods() map[string]method {
	get, post := http.MethodGet, http.MethodPost
	return map[string]method{
		"_health":                            {verb: get, op: networktest.OpRead, serve: (*Fake).health},
		"com.atproto.server.describeServer":  {verb: get, op: networktest.OpDescribe, serve: (*Fake).describe},
		"com.atproto.server.createSession":   {verb: post, op: networktest.OpRead, serve: (*Fake).createSession},
		"com.atproto.server.refreshSession":  {verb: post, op: networktest.OpRefresh, serve: (*Fake).refreshSession},
		"com.atproto.server.getSession":      {verb: get, op: networktest.OpDescribe, auth: true, serve: (*Fake).getSession},
		"com.atproto.server.deleteSession":   {verb: post, op: networktest.OpRead, serve: (*Fake).deleteSession},
		"com.atproto.identity.resolveHandle": {verb: get, op: networktest.OpRead, serve: (*Fake).resolveHandle},
		"com.atproto.repo.putRecord":         {verb: post, op: networktest.OpCreate, auth: true, serve: (*Fake).putRecord},
		"com.atproto.repo.applyWrites":       {verb: post, op: networktest.OpCreate, auth: true, serve: (*Fake).applyWrites},
		"com.atproto.repo.uploadBlob":        {verb: post, op: networktest.OpUpload, auth: true, serve: (*Fake).uploadBlob},
		"com.atproto.repo.deleteRecord":      {verb: post, op: networktest.OpDelete, auth: true, serve: (*Fake).deleteRecord},
		"com.atproto.repo.getRecord":         {verb: get, op: networktest.OpRead, serve: (*Fake).getRecord},
		"com.atproto.repo.listRecords":       {verb: get, op: networktest.OpPoll, serve: (*Fake).listRecords},
		"com.atproto.moderation.createReport": {
			verb: post, op: opAct, auth: true, view: true, serve: (*Fake).createReport},
		"app.bsky.notification.listNotifications": {
			verb: get, op: networktest.OpPoll, auth: true, view: true, serve: (*Fake).listNotifications},
		"app.bsky.notification.getUnreadCount": {
			verb: get, op: networktest.OpDescribe, auth: true, view: true, serve: (*Fake).unreadCount},
		"app.bsky.feed.getPosts":      {verb: get, op: networktest.OpRead, auth: true, view: true, serve: (*Fake).getPosts},
		"app.bsky.feed.getPostThread": {verb: get, op: networktest.OpRead, auth: true, view: true, serve: (*Fake).getPostThread},
		"app.bsky.actor.getProfile":   {verb: get, op: networktest.OpRead, auth: true, view: true, serve: (*Fake).getProfile},
		"app.bsky.graph.muteActor":    {verb: post, op: opAct, auth: true, view: true, serve: (*Fake).mute},
		"app.bsky.graph.unmuteActor":  {verb: post, op: opAct, auth: true, view: true, serve: (*Fake).unmute},
		"chat.bsky.convo.getLog":      {verb: get, op: networktest.OpPoll, auth: true, chat: true, serve: (*Fake).getLog},
		"chat.bsky.convo.listConvos":  {verb: get, op: networktest.OpPoll, auth: true, chat: true, serve: (*Fake).listConvos},
		"chat.bsky.convo.getConvo":    {verb: get, op: networktest.OpRead, auth: true, chat: true, serve: (*Fake).getConvo},
		"chat.bsky.convo.getMessages": {verb: get, op: networktest.OpRead, auth: true, chat: true, serve: (*Fake).getMessages},
		"chat.bsky.convo.getConvoForMembers": {
			verb: get, op: networktest.OpRead, auth: true, chat: true, serve: (*Fake).getConvoForMembers},
		"chat.bsky.convo.sendMessage": {verb: post, op: networktest.OpCreate, auth: true, chat: true, serve: (*Fake).sendMessage},
	}
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, xrpc := strings.CutPrefix(r.URL.Path, "/xrpc/")
	m, known := methods()[name]
	f.mu.Lock()
	elsewhere := f.moved[r.URL.Path]
	f.mu.Unlock()
	switch {
	case elsewhere != "":
		f.Remember(r)
		http.Redirect(w, r, elsewhere, http.StatusFound)
	case r.URL.Path == "/subscribe":
		f.Serve(networktest.OpStream, w, r, f.subscribe)
	case strings.HasPrefix(r.URL.Path, "/did:"):
		f.Serve(networktest.OpRead, w, r, f.plc)
	case r.URL.Path == "/.well-known/atproto-did":
		f.Serve(networktest.OpRead, w, r, f.wellKnown)
	case xrpc && known && r.Method == m.verb:
		f.Serve(m.kind(r), w, r, func(w http.ResponseWriter, r *http.Request) { f.call(m, name, w, r) })
	case xrpc:
		f.Remember(r)
		fail(w, http.StatusNotImplemented, "MethodNotImplemented", "Method Not Implemented")
	default:
		f.Remember(r)
		http.NotFound(w, r)
	}
}

// kind is the operation of a request: a put of anything but a post is a small
// act, and the shortest list of conversations only asks whether there is a chat.
func (m method) kind(r *http.Request) string {
	if strings.HasSuffix(r.URL.Path, "listConvos") && r.URL.Query().Get("limit") == "1" {
		return networktest.OpDescribe
	}
	if strings.HasSuffix(r.URL.Path, "putRecord") {
		if in, err := peek(r); err == nil && in.Collection != typePost {
			return opAct
		}
	}
	return m.op
}

// call answers one method as the PDS does: itself, or through a service.
func (f *Fake) call(m method, name string, w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// A real PDS looks for the service before it looks at the token.
	if m.view && f.bare || m.chat && f.noChat {
		fail(w, http.StatusBadRequest, "InvalidRequest", "No service configured for "+name)
		return
	}
	who := ""
	if m.auth {
		var refused func(http.ResponseWriter)
		if who, refused = f.authorize(r, strings.HasPrefix(name, "chat.bsky.")); refused != nil {
			refused(w)
			return
		}
	}
	m.serve(f, w, r, who)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // the reader went away
}

func fail(w http.ResponseWriter, status int, name, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": name, "message": message}) // the reader went away
}

// tick numbers things; f.mu is held.
func (f *Fake) tick() int64 { f.serial++; return f.serial }

// tid is a record key, or a revision, of now that only grows.
func (f *Fake) tid() string { return record.TID(f.now().UnixMicro(), uint16(f.tick()%1024)) }

const stamp = "2006-01-02T15:04:05.000Z"
