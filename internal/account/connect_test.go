package account

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

func TestConnectingMakesAnAccountThatIsRead(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.say(network.Mentions, "m1", "m2")
	account := h.connect()
	acc := h.account(account)
	if acc.State != Connected || acc.Remote.Handle != "town" || acc.CreatedBy != ana || acc.Signature != "caret" || acc.Generation != 1 {
		t.Errorf("%+v", acc)
	}
	same(t, h.stage.said, []string{"town/pass word"})
	same(t, h.turn(), []string{"mentions", "own", "watch"})
	same(t, h.heard(), []string{"m1", "m2"})
	same(t, h.verbs(), []string{"account.connected"})
	if n := h.number(`select count(*) from account_import`); n != 2 {
		t.Errorf("%d imports", n)
	}
}

// The words of the form: cleaned, but a secret keeps its inside.
func TestWhatIsTypedIsCleaned(t *testing.T) {
	t.Parallel()
	h := setup(t)
	f := typed(" to\x00wn \n", "\tpass  word\u200b \r\n")
	f.Set("admin", "1")
	_, err := h.SignIn(ctx, steward(), "stage", f)
	must(t, err)
	same(t, h.stage.said, []string{"town/pass  word\u200b"})
	if got := cleanFields(h.stage.info, f); got.Has("admin") {
		t.Error("a field that was not asked for reaches the connector")
	}
}

func TestReconnectingKeepsEverything(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.say(network.Mentions, "m1", "m2", "m3", "m4")
	account := h.connect()
	h.turn()
	h.clock.Advance(time.Minute)
	must(t, h.SetSignature(ctx, steward(), account, ""))
	h.stage.mu.Lock()
	h.stage.rotate()
	h.stage.remote.Name = "Town Hall of Harbour"
	h.stage.mu.Unlock()

	again := h.connect()
	if again != account {
		t.Fatalf("another account: %v, was %v", again, account)
	}
	acc := h.account(account)
	if acc.Generation != 2 || acc.Remote.Name != "Town Hall of Harbour" || acc.Signature != "" || acc.Since != h.clock.Now() || acc.Created != start {
		t.Errorf("%+v", acc)
	}
	h.stage.say(network.Mentions, "m5")
	polls := h.stage.count("poll.mentions")
	h.turn()
	if n := h.stage.count("poll.mentions") - polls; n != 1 {
		t.Errorf("%d pages for one new message: the bookmark was lost", n)
	}
	same(t, h.heard(), []string{"m1", "m2", "m3", "m4", "m5"})
	if n := h.told("account.reconnected"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestAnEmptyCredentialNeverTakesAPlace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.lives = time.Hour
	account := h.connect()
	before, acc := h.token(account), h.account(account)
	h.stage.mu.Lock()
	h.stage.blank = true
	h.stage.mu.Unlock()
	// The sign-in answers without a credential, and Describe has none to show.
	h.stage.fail("describe", &network.Error{Kind: network.Transient})
	h.connect()
	after := h.account(account)
	if h.token(account) != before || after.Expires != acc.Expires || after.State != Connected {
		t.Errorf("%q, %+v", h.token(account), after)
	}

	// A refresh that brings nothing is a failure, not a new credential.
	h.stage.expire()
	err := h.With(ctx, here, account, func(ctx context.Context, n network.Network, a network.Account) error {
		return h.stage.enter("poll", a)
	})
	if network.KindOf(err) != network.Transient || h.token(account) != before || h.account(account).State != Connected {
		t.Errorf("%v; %q; %v", err, h.token(account), h.account(account).State)
	}
}

func TestAnAccountThatIsKnownSurvivesAnInstanceWithoutAnswer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.fail("describe", refused(network.Transient))
	_, err := h.SignIn(ctx, steward(), "stage", typed("town", "p"))
	refusedAs(t, err, "network.transient")
	if n := h.number(`select count(*) from account`); n != 0 {
		t.Fatalf("%d accounts of which nobody knows what is possible", n)
	}
	account := h.connect()
	h.stage.mu.Lock()
	h.stage.rotate()
	h.stage.mu.Unlock()
	h.stage.fail("describe", refused(network.Transient))
	h.connect()
	if h.token(account) != `{"Access":"access-2","Refresh":"refresh-2"}` {
		t.Errorf("the new credential is lost: %s", h.token(account))
	}
	v, err := h.View(ctx, here, account)
	must(t, err)
	if len(v.Capabilities.Feeds) != 2 || !v.Capabilities.Until.Equal(h.clock.Now()) {
		t.Errorf("%+v", v.Capabilities)
	}
	// Asked again with the next poll.
	describes := h.stage.count("describe")
	h.turn()
	if n := h.stage.count("describe") - describes; n != 1 {
		t.Errorf("described %d times", n)
	}
}

func TestReconnectingAnotherHandleIsRefused(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	must(t, h.Disconnect(ctx, steward(), account))
	h.stage.mu.Lock()
	h.stage.remote.RemoteID, h.stage.remote.Handle = "r2", "private.person"
	h.stage.mu.Unlock()
	err := h.SignInAgain(ctx, steward(), account, typed("town", "p"))
	refusedAs(t, err, "account.other_handle")
	p := problem.Of(err)
	if p.Args["wanted"] != "town" || p.Args["got"] != "private.person" {
		t.Errorf("%v", p.Args)
	}
	if n := h.number(`select count(*) from account where state = 'connected'`); n != 0 {
		t.Errorf("%d accounts connected", n)
	}
	h.stage.mu.Lock()
	h.stage.remote.RemoteID, h.stage.remote.Handle = "r1", "town.new"
	h.stage.mu.Unlock()
	must(t, h.SignInAgain(ctx, steward(), account, typed("town", "p")))
	if acc := h.account(account); acc.State != Connected || acc.Remote.Handle != "town.new" {
		t.Errorf("%+v", acc)
	}
}

// Whoever may manage one account may reconnect that one, and connect no other.
func TestANarrowRightIsEnoughForItsAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	narrow := member(here, ben)
	narrow.Grants = []actor.Grant{{Right: actor.ManageAccounts, Scope: actor.Scope{Kind: "account", ID: account}}}
	must(t, h.SignInAgain(ctx, narrow, account, typed("town", "p")))
	_, err := h.SignIn(ctx, narrow, "stage", typed("town", "p"))
	refusedAs(t, err, "forbidden")
	_, err = h.BeginAgain(ctx, narrow, account, "")
	must(t, err)
	_, err = h.Begin(ctx, narrow, "stage", "")
	refusedAs(t, err, "forbidden")
	refusedAs(t, h.SignInAgain(ctx, narrow, account+1, nil), "forbidden")
}

func TestTheSameHandleConnectedTwiceAtOnceIsOneAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var wg sync.WaitGroup
	ids := make([]id.ID, 4)
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = h.SignIn(ctx, steward(), "stage", typed("town", "p")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, one := range ids {
		if one != ids[0] {
			t.Fatalf("several accounts: %v", ids)
		}
	}
	if _, _, err := h.open(ctx, here, ids[0]); err != nil {
		t.Errorf("its credential does not open: %v", err)
	}
	if n := h.told("account.connected"); n != 1 {
		t.Errorf("connected %d times", n)
	}
}

func TestConsent(t *testing.T) {
	t.Parallel()
	h := setup(t)
	address, err := h.Begin(ctx, steward(), "stage", " town \x00")
	must(t, err)
	u, err := url.Parse(address)
	must(t, err)
	if q := u.Query(); q.Get("hint") != "town" || q.Get("redirect") != "https://desk.example/connect/callback" {
		t.Errorf("%v", q)
	}
	state := u.Query().Get("state")
	b, err := h.Begun(ctx, state)
	must(t, err)
	if b != (Begun{Workspace: here, Member: ana, Network: "stage", Hint: "town"}) {
		t.Errorf("%+v", b)
	}
	_, err = h.Begun(ctx, state+"x")
	refusedAs(t, err, "account.consent_expired")

	answer := url.Values{"state": {state}, "code": {"code"}}
	_, err = h.Finish(ctx, member(here, ben, actor.ManageAccounts), answer)
	refusedAs(t, err, "account.consent_expired")
	_, err = h.Finish(ctx, member(elsewhere, ana, actor.ManageAccounts), answer)
	refusedAs(t, err, "account.consent_expired")
	_, err = h.Finish(ctx, member(here, ana, actor.ReadHealth), answer)
	refusedAs(t, err, "forbidden")
	account, err := h.Finish(ctx, steward(), answer)
	must(t, err)
	if h.account(account).State != Connected {
		t.Error("not connected")
	}
	_, err = h.Finish(ctx, steward(), answer)
	refusedAs(t, err, "account.consent_expired")
	same(t, h.verbs(), []string{"connection.begun", "connection.answered", "account.connected"})
}

func TestConsentThatComesToNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	begin := func() string {
		address, err := h.Begin(ctx, steward(), "stage", "town")
		must(t, err)
		u, err := url.Parse(address)
		must(t, err)
		return u.Query().Get("state")
	}
	_, err := h.Finish(ctx, steward(), url.Values{"state": {begin()}, "error": {"access_denied"}})
	refusedAs(t, err, "account.consent_refused")
	_, err = h.Finish(ctx, steward(), url.Values{"state": {begin()}, "code": {"forged"}})
	refusedAs(t, err, "network.input")

	late := begin()
	h.clock.Advance(consent + time.Second)
	_, err = h.Begun(ctx, late)
	refusedAs(t, err, "account.consent_expired")
	_, err = h.Finish(ctx, steward(), url.Values{"state": {late}, "code": {"code"}})
	refusedAs(t, err, "account.consent_expired")
	begin() // sweeps
	if n := h.number(`select count(*) from account_begin`); n != 1 {
		t.Errorf("%d states are kept", n)
	}
	h.stage.fail("begin", &network.Error{Kind: network.BadInput, Help: "stage.help.address"})
	_, err = h.Begin(ctx, steward(), "stage", "not an address")
	refusedAs(t, err, "network.help")
	_, err = h.Begin(ctx, steward(), "nowhere", "")
	refusedAs(t, err, "account.unknown_network")
	_, err = h.SignIn(ctx, steward(), "nowhere", nil)
	refusedAs(t, err, "account.unknown_network")
	if n := h.number(`select count(*) from account`); n != 0 {
		t.Errorf("%d accounts", n)
	}
}

func TestWhoIsNobodyIsNotConnected(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.remote.RemoteID = "\u0000 "
	_, err := h.SignIn(ctx, steward(), "stage", typed("town", "p"))
	refusedAs(t, err, "account.no_identity")
}

func TestWhatRemoteServersCallThemselvesIsCleaned(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.remote.Name, h.stage.remote.Handle = "Town\x00 \xff Hall\n\u202e", strings.Repeat("x", 3000)
	h.stage.remote.Scopes, h.stage.remote.AppID = []string{"read\x00"}, "app\x00"
	acc := h.account(h.connect())
	if strings.ContainsAny(acc.Remote.Name+acc.Remote.AppID, "\x00\n") || len(acc.Remote.Handle) > 2000 || acc.Remote.Scopes[0] != "read" {
		t.Errorf("%q", acc.Remote)
	}
}

func TestDisconnecting(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	reading := h.claim(network.Mentions)
	h.stage.say(network.Mentions, "m1")
	must(t, h.Disconnect(ctx, steward(), account))
	if h.stage.count("revoke") != 1 {
		t.Error("the network keeps our token")
	}
	var sealed []byte
	must(t, h.db.Read().Row(ctx, `select secret from account`).Scan(&sealed))
	if len(sealed) != 0 {
		t.Error("the credential is kept")
	}
	// Who was reading stores nothing more.
	if _, err := h.store(ctx, &reading, network.Account{}, network.Page{Events: []network.Event{message("m1", start)}}); err != errFenced {
		t.Errorf("got %v, want it fenced", err)
	}
	h.clock.Advance(time.Hour)
	same(t, h.turn(), nil)
	same(t, h.heard(), nil)
	err := h.With(ctx, here, account, func(context.Context, network.Network, network.Account) error { t.Error("lent"); return nil })
	if network.KindOf(err) != network.Auth {
		t.Errorf("%v", err)
	}
	must(t, h.Disconnect(ctx, steward(), account)) // it is so already
	if n := h.told("account.disconnected"); n != 1 {
		t.Errorf("told %d times", n)
	}
	h.connect()
	same(t, h.turn(), []string{"mentions", "own", "watch"})
	same(t, h.heard(), []string{"m1"})
}

// A credential that cannot be opened, because its key is gone, does not keep an
// account from being disconnected or connected anew.
func TestALostKey(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.exec(`update account set secret = $1`, []byte("not sealed by any key that there is"))
	err := h.With(ctx, here, account, func(context.Context, network.Network, network.Account) error { return nil })
	refusedAs(t, err, "account.sealed")
	must(t, h.Disconnect(ctx, steward(), account))
	if again := h.connect(); again != account {
		t.Errorf("%v", again)
	}
}

func TestAClosedWorkspaceRests(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.exec(`update workspace set closed = 5 where id = 1`)
	same(t, h.turn(), nil)
	err := h.With(ctx, here, account, func(context.Context, network.Network, network.Account) error { t.Error("lent"); return nil })
	refusedAs(t, err, "account.not_found")
	_, err = h.SignIn(ctx, steward(), "stage", typed("town", "p"))
	refusedAs(t, err, "account.closed")
}

func TestRegistrationsAreSealedAndKept(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, ok, err := h.App(ctx, "stage", "https://a", "https://r")
	if ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, h.SaveApp(ctx, "stage", "https://a", "https://r", network.App{ID: "one", Secret: []byte("app-secret")}))
	must(t, h.SaveApp(ctx, "stage", "https://a", "https://r", network.App{ID: "two", Secret: []byte("app-secret")}))
	app, ok, err := h.App(ctx, "stage", "https://a", "https://r")
	if err != nil || !ok || app.ID != "two" || string(app.Secret) != "app-secret" {
		t.Errorf("%v %v %v", app.ID, ok, err)
	}
	var sealed []byte
	must(t, h.db.Read().Row(ctx, `select secret from network_app`).Scan(&sealed))
	if strings.Contains(string(sealed), "app-secret") {
		t.Error("kept in the clear")
	}
}

// What is sealed for one account opens in no other, and rotation finds it all.
func TestCredentialsAreBoundToTheirPlace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	first := h.connect()
	h.stage.remote.RemoteID = "r2"
	second := h.connect()
	h.exec(`update account set secret = (select secret from account o where o.id = $1) where id = $2`, first, second)
	_, _, err := h.credential(ctx, here, second)
	refusedAs(t, err, "account.sealed")
	must(t, h.Disconnect(ctx, steward(), second))

	_, err = h.Begin(ctx, steward(), "stage", "")
	must(t, err)
	must(t, h.SaveApp(ctx, "stage", "i", "r", network.App{ID: "a", Secret: []byte("s")}))
	done, err := h.Keys.Reseal(ctx, h.db, Sealed())
	must(t, err)
	if done.Rows != 3 || done.Broken != 0 {
		t.Errorf("%+v", done)
	}
}
