package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/team"
	"parley/internal/text"
)

var (
	background = context.Background()
	morning    = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
)

const password = "a heron stands by the canal"

// ticking moves on by a microsecond whenever somebody looks at it, so that what
// one transaction recorded can be told from what the next one did.
type ticking struct {
	*clock.Fake
	mu sync.Mutex
}

func (c *ticking) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Fake.Advance(time.Microsecond)
	return c.Fake.Now()
}

// office is the whole program on a database of its own, with a network in memory.
type office struct {
	testing.TB
	*App
	clock *ticking
	stage *stage
	desks int
}

func openOffice(t testing.TB) *office {
	t.Helper()
	o := &office{TB: t, clock: &ticking{Fake: clock.NewFake(morning)}, stage: &stage{}}
	at := dbtest.Options(t)
	c := Config{Data: t.TempDir(), Postgres: at.DSN, Schema: at.Schema, URL: &url.URL{Scheme: "http", Host: "localhost"}, Clock: o.clock,
		Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}}
	if at.Path != "" {
		c.Data = filepath.Dir(at.Path)
	}
	var err error
	if o.App, err = Open(background, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.must(o.Close()) })
	o.Accounts.Use(o.stage)
	return o
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

// desk is a workspace with its owner, and what they have to work on.
type desk struct {
	*office
	owner    actor.Actor
	email    string
	account  id.ID
	messages int
}

func (o *office) desk() *desk {
	o.Helper()
	o.desks++
	d := &desk{office: o, email: fmt.Sprintf("owner%d@example.org", o.desks)}
	_, login, err := o.Team.Operator().CreateWorkspace(background, team.SetUp{Email: d.email,
		Login: team.NewLogin{Name: "Ana Lima", Password: password}, Workspace: team.NewWorkspace{Name: fmt.Sprint("Desk ", o.desks), Zone: "UTC"}})
	o.must(err)
	s, err := o.Team.Operator().OpenSession(background, login, team.Place{})
	o.must(err)
	v, err := o.Team.Authenticate(background, s.Secret)
	o.must(err)
	d.owner = v.Workspaces[0].Actor
	return d
}

// hire lets somebody in with a role.
func (d *desk) hire(name string, r team.Role) actor.Actor {
	d.Helper()
	inv, err := d.Team.Invite(background, d.owner, team.Invite{Email: fmt.Sprintf("%s%d@example.org", name, d.desks), Roles: []team.RoleIn{{Role: r}}})
	d.must(err)
	s, err := d.Team.AcceptNew(background, inv.Secret, team.NewLogin{Name: name + " Okoro", Password: password}, team.Place{})
	d.must(err)
	v, err := d.Team.Authenticate(background, s.Secret)
	d.must(err)
	return v.Workspaces[0].Actor
}

// token is an API token of the owner with some rights; without any, all.
func (d *desk) token(rights ...actor.Right) string {
	d.Helper()
	if len(rights) == 0 {
		rights = team.TokenRights()
	}
	_, secret, err := d.Team.CreateToken(background, d.owner, team.NewToken{Name: "script", Rights: rights, Until: d.clock.Now().Add(24 * time.Hour)})
	d.must(err)
	return secret
}

// connected is the account of this desk on the stage.
func (d *desk) connected() id.ID {
	d.Helper()
	if d.account == 0 {
		var err error
		d.account, err = d.Accounts.SignIn(background, d.owner, "stage", url.Values{"handle": {"town"}})
		d.must(err)
	}
	return d.account
}

// said is a conversation that somebody has just begun.
func (d *desk) said(words string) id.ID {
	d.Helper()
	d.connected()
	d.messages++
	remote := fmt.Sprint("m", d.messages)
	who := network.Person{RemoteID: fmt.Sprint("p", d.messages), Handle: fmt.Sprintf("vera%d@far.example", d.messages), Name: "Vera", Avatar: "https://far.example/vera.png"}
	e := network.Event{Kind: network.KindMessage, Addressed: true, At: d.clock.Now(), Post: &network.Post{Ref: network.Ref{ID: remote}, Author: who,
		Text: text.Text{Body: words}, Visibility: network.Public, Created: d.clock.Now(), Media: []network.Media{{Kind: "image", URL: "https://far.example/a.png"}}}}
	d.must(d.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		_, err := d.Desk.Ingest(ctx, tx, actor.System(d.owner.Workspace, "poller"), conversation.Arrival{Account: d.account, Remote: remoteTown(),
			Feed: network.Mentions, Events: []network.Event{e}})
		return err
	}))
	page, err := d.Desk.List(background, d.owner, conversation.Filter{Box: conversation.All, Limit: 1})
	d.must(err)
	if len(page.Rows) == 0 {
		d.Fatal("nothing arrived")
	}
	return page.Rows[0].ID
}

// answered is an answer that is on its way.
func (d *desk) answered() id.ID {
	d.Helper()
	out, err := d.Desk.Reply(background, d.owner, conversation.Answer{Conversation: d.said("Is the bridge open?"), Text: "It is."})
	d.must(err)
	return out
}

// failed is an answer that the network refused.
func (d *desk) failed() id.ID {
	d.Helper()
	out := d.answered()
	d.exec(`update delivery set state = 'failed', reason = 'delivery.policy' where workspace = $1 and id = $2`, d.owner.Workspace, out)
	return out
}

// unknown is an answer of which nobody knows whether it was said.
func (d *desk) unknown() id.ID {
	d.Helper()
	out := d.answered()
	plan, err := json.Marshal(network.Plan{Key: "k", Steps: []network.Step{{Kind: network.Create, Key: "k", WantID: "k", Proof: network.ProofID, Parts: []int{0}}}})
	d.must(err)
	now := db.Micros(d.clock.Now())
	d.exec(`update delivery set state = 'unknown', reason = 'delivery.no_proof', plan = $1, progress = '.' where workspace = $2 and id = $3`, plan, d.owner.Workspace, out)
	d.exec(`insert into delivery_attempt (workspace, id, delivery, step, first, opened, deadline, ended, closed, outcome, duplicate, looks, looked, absent, again, detail)
		values ($1, $2, $3, 0, $4, $4, $4, $4, 0, '', 0, 0, 0, 0, 0, '')`, d.owner.Workspace, d.IDs.New(), out, now)
	return out
}

func (d *desk) exec(q string, args ...any) {
	d.Helper()
	d.must(d.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	}))
}

func (o *office) number(q string, args ...any) (n int64) {
	o.Helper()
	o.must(o.DB.Read().Row(background, q, args...).Scan(&n))
	return n
}

// stage is a network in memory that takes everything: with what was typed, and
// over a page of its own.
type stage struct{}

var (
	_ network.SignIner   = (*stage)(nil)
	_ network.Authorizer = (*stage)(nil)
	_ network.Importer   = (*stage)(nil)
)

func remoteTown() network.Account {
	return network.Account{Network: "stage", Instance: "https://stage.example", RemoteID: "town", Handle: "town", Name: "Town", Avatar: "https://stage.example/town.png"}
}

func (*stage) Info() network.Info {
	return network.Info{Name: "stage", Title: "page.network.sandbox", Fields: []network.Field{{Name: "handle", Label: "page.network.sandbox"}}}
}

func (*stage) Describe(context.Context, network.Account) (network.Capabilities, error) {
	yes := network.Grant{OK: true}
	return network.Capabilities{Can: map[network.Ability]network.Grant{network.CanReply: yes, network.CanDirect: yes, network.CanImport: yes, network.CanMentions: yes},
		Feeds: []network.Feed{network.Mentions}, Text: text.Rule{Unit: text.Graphemes, Max: 500},
		Visibilities: []network.Visibility{network.Public, network.Unlisted, network.DirectTo}}, nil
}

func (*stage) SignIn(context.Context, url.Values) (network.Account, network.Secret, error) {
	return remoteTown(), network.Secret{Blob: []byte("secret")}, nil
}

func (*stage) Begin(_ context.Context, _, redirect, state string) (string, []byte, error) {
	return "https://stage.example/consent?" + url.Values{"state": {state}, "redirect": {redirect}}.Encode(), []byte("verifier"), nil
}

func (*stage) Finish(context.Context, []byte, url.Values) (network.Account, network.Secret, error) {
	return remoteTown(), network.Secret{Blob: []byte("secret")}, nil
}

func (*stage) Import(context.Context, network.Account, network.Feed, time.Time, network.Cursor) (network.Page, error) {
	return network.Page{}, nil
}
