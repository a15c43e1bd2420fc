package account

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
)

// stage is a network in memory that says what it is told to, misbehaves as told,
// and keeps count. It can do everything; a test that needs less wraps it.
type stage struct {
	clock *clock.Fake
	info  network.Info

	mu       sync.Mutex
	caps     network.Capabilities
	remote   network.Account // who signs in
	access   string          // the token that works
	refresh  string          // the refresh token that works
	lives    time.Duration   // of an access token; 0: not told
	blank    bool            // sign-ins and refreshes answer without a credential
	log      map[network.Feed][]network.Event
	pageSize int
	faults   map[string][]error
	hooks    map[string]func()
	calls    map[string]int
	page     network.Page // added to every page of Poll: Wait, Rate, Moved
	seen     []network.Ref
	said     []string // what was typed
}

func newStage(c *clock.Fake) *stage {
	yes := network.Grant{OK: true}
	return &stage{clock: c, pageSize: 3,
		info: network.Info{Name: "stage", Title: "stage.title", Fields: []network.Field{
			{Name: "handle", Label: "stage.handle", Help: "stage.handle.help"},
			{Name: "password", Label: "stage.password", Help: "stage.password.help", Secret: true}}},
		remote: network.Account{Network: "stage", Instance: "https://stage.example", RemoteID: "r1", Handle: "town", Name: "Town Hall"},
		access: "access-1", refresh: "refresh-1",
		caps: network.Capabilities{Feeds: []network.Feed{network.Mentions, network.Own}, Can: map[network.Ability]network.Grant{
			network.CanStream: yes, network.CanImport: yes, network.CanReply: yes, network.CanMentions: yes,
			network.CanEdit: {Why: "stage.no_edit"}}},
		log: map[network.Feed][]network.Event{}, faults: map[string][]error{}, hooks: map[string]func(){}, calls: map[string]int{}}
}

// token is what a credential of the stage holds.
type token struct{ Access, Refresh string }

func (g *stage) secret() network.Secret {
	if g.blank {
		return network.Secret{}
	}
	blob, _ := json.Marshal(token{g.access, g.refresh}) // two strings always marshal
	s := network.Secret{Blob: blob}
	if g.lives > 0 {
		s.ExpiresAt = g.clock.Now().Add(g.lives)
	}
	return s
}

// fail arms errors for an operation, each spent once; nil lets one through.
func (g *stage) fail(op string, errs ...error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults[op] = append(g.faults[op], errs...)
}

// on calls fn whenever an operation is asked for, before it answers.
func (g *stage) on(op string, fn func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hooks[op] = fn
}

func (g *stage) count(op string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[op]
}

// say makes people say things, oldest first.
func (g *stage) say(f network.Feed, ids ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range ids {
		g.log[f] = append(g.log[f], message(id, g.clock.Now()))
	}
}

func message(id string, at time.Time) network.Event {
	return network.Event{Kind: network.KindMessage, Addressed: true, At: at, Post: &network.Post{Ref: network.Ref{ID: id}, Created: at}}
}

func gap(why string) network.Event { return network.Event{Kind: network.KindGap, Note: why} }

// meet counts an operation, runs its hook, and returns the error armed for it.
func (g *stage) meet(op string) error {
	g.mu.Lock()
	g.calls[op]++
	hook := g.hooks[op]
	var err error
	if fs := g.faults[op]; len(fs) > 0 {
		err, g.faults[op] = fs[0], fs[1:]
	}
	g.mu.Unlock()
	if hook != nil {
		hook()
	}
	return err
}

// enter checks the credential, as a server does.
func (g *stage) enter(op string, a network.Account) error {
	if err := g.meet(op); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var t token
	if json.Unmarshal(a.Secret.Blob, &t) != nil || t.Access != g.access {
		return refused(network.Auth)
	}
	return nil
}

func refused(k network.Kind) *network.Error {
	return &network.Error{Kind: k, Native: "no", Message: "we would rather not"}
}

func (g *stage) Info() network.Info { return g.info }

func (g *stage) Describe(_ context.Context, a network.Account) (network.Capabilities, error) {
	err := g.enter("describe", a)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.caps, err
}

func (g *stage) SignIn(_ context.Context, f url.Values) (network.Account, network.Secret, error) {
	if err := g.meet("signin"); err != nil {
		return network.Account{}, network.Secret{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said = append(g.said, f.Get("handle")+"/"+f.Get("password"))
	return g.remote, g.secret(), nil
}

func (g *stage) Begin(_ context.Context, hint, redirect, state string) (string, []byte, error) {
	if err := g.meet("begin"); err != nil {
		return "", nil, err
	}
	q := url.Values{"state": {state}, "hint": {hint}, "redirect": {redirect}}
	return "https://stage.example/allow?" + q.Encode(), []byte("verifier-of-the-stage"), nil
}

func (g *stage) Finish(_ context.Context, blob []byte, q url.Values) (network.Account, network.Secret, error) {
	if err := g.meet("finish"); err != nil {
		return network.Account{}, network.Secret{}, err
	}
	if string(blob) != "verifier-of-the-stage" || q.Get("code") != "code" {
		return network.Account{}, network.Secret{}, refused(network.BadInput)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.remote, g.secret(), nil
}

func (g *stage) Refresh(_ context.Context, a network.Account) (network.Secret, error) {
	if err := g.meet("refresh"); err != nil {
		return network.Secret{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	var t token
	if json.Unmarshal(a.Secret.Blob, &t) != nil || t.Refresh != g.refresh {
		return network.Secret{}, &network.Error{Kind: network.Auth, Native: "invalid_grant", Message: "we do not know this token"}
	}
	g.rotate()
	return g.secret(), nil
}

// rotate ends both tokens and makes new ones.
func (g *stage) rotate() {
	n, _ := strconv.Atoi(g.access[len("access-"):])
	g.access, g.refresh = fmt.Sprint("access-", n+1), fmt.Sprint("refresh-", n+1)
}

// expire ends the access token alone.
func (g *stage) expire() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.access += "0"
}

func (g *stage) Revoke(_ context.Context, a network.Account) error { return g.enter("revoke", a) }

func (g *stage) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	if err := g.enter("poll", a); err != nil {
		return network.Page{}, err
	}
	if err := g.meet("poll." + string(f)); err != nil {
		return network.Page{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	at, _ := strconv.Atoi(string(c.Opaque))
	all := g.log[f]
	end := min(len(all), at+g.pageSize)
	p := g.page
	p.Events, p.More = append([]network.Event(nil), all[at:end]...), end < len(all)
	p.Next = network.Cursor{V: 1, Opaque: []byte(strconv.Itoa(end))}
	return p, ctx.Err()
}

func (g *stage) Import(_ context.Context, a network.Account, f network.Feed, since time.Time, c network.Cursor) (network.Page, error) {
	if err := g.enter("import", a); err != nil {
		return network.Page{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	n, _ := strconv.Atoi(string(c.Opaque)) // a message for each month, back for a year
	e := message(fmt.Sprint("old-", f, "-", n), g.clock.Now().AddDate(0, -n-1, 0))
	return network.Page{Events: []network.Event{e}, More: n < 11, Wait: g.page.Wait, Next: network.Cursor{V: 1, Opaque: []byte(strconv.Itoa(n + 1))}}, nil
}

// Stream opens, runs the hook "stream.open" and stays until ctx ends or its fault
// "stream.end" is armed by the hook.
func (g *stage) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	if err := g.enter("stream", a); err != nil {
		return err
	}
	ready()
	g.mu.Lock()
	script := g.log["streamed"]
	g.mu.Unlock()
	for _, e := range script {
		if err := got(e); err != nil {
			return err
		}
	}
	if err := g.meet("stream.open"); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func (g *stage) Thread(_ context.Context, a network.Account, r network.Ref) ([]network.Event, error) {
	if err := g.enter("thread", a); err != nil {
		return nil, err
	}
	return []network.Event{message("parent-of-"+r.ID, g.clock.Now())}, nil
}

func (g *stage) Watch(_ context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	if err := g.enter("watch", a); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen = append(g.seen, refs...)
	return nil, nil
}

var (
	_ network.Network    = (*stage)(nil)
	_ network.SignIner   = (*stage)(nil)
	_ network.Authorizer = (*stage)(nil)
	_ network.Refresher  = (*stage)(nil)
	_ network.Revoker    = (*stage)(nil)
	_ network.Poller     = (*stage)(nil)
	_ network.Importer   = (*stage)(nil)
	_ network.Streamer   = (*stage)(nil)
	_ network.Threader   = (*stage)(nil)
	_ network.Watcher    = (*stage)(nil)
)

// plain is a stage that only signs in with words and is polled.
type plain struct {
	network.Network
	network.SignIner
	network.Poller
}

func plainly(g *stage) network.Network { return plain{g, g, g} }
