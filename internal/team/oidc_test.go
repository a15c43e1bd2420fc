package team_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/team"
)

// issuer is another organisation's sign-in. Faults are in what it is told to say.
type issuer struct {
	*httptest.Server
	t   testing.TB
	key *rsa.PrivateKey

	mu    sync.Mutex
	codes map[string]map[string]any // what a code stands for
	proof map[string]string         // the challenge that came with it
	as    string                    // another issuer that it claims to be
	none  bool                      // it signs nothing
	other *rsa.PrivateKey           // it signs with a key that it does not publish
}

func newIssuer(t testing.TB) *issuer {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	i := &issuer{t: t, key: key, codes: map[string]map[string]any{}, proof: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		as := i.URL
		if i.as != "" {
			as = i.as
		}
		json.NewEncoder(w).Encode(map[string]any{"issuer": as, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256", "none"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("POST /token", i.token)
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	claims, ok := i.codes[r.FormValue("code")]
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || i.proof[r.FormValue("code")] != base64.RawURLEncoding.EncodeToString(sum[:]) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
		return
	}
	delete(i.codes, r.FormValue("code"))
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": i.sign(claims)})
}

func (i *issuer) sign(claims map[string]any) string {
	part := func(v any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	if i.none {
		return part(map[string]string{"alg": "none"}) + "." + part(claims) + "."
	}
	key := i.key
	if i.other != nil {
		key = i.other
	}
	signed := part(map[string]string{"alg": "RS256", "kid": "1"}) + "." + part(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	must(i.t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// lets answers an authorisation request as somebody; more replaces claims.
func (i *issuer) lets(h *house, target, subject string, more map[string]any) url.Values {
	i.t.Helper()
	u, err := url.Parse(target)
	must(i.t, err)
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != here+"/sign-in/oidc/callback" || q.Get("response_type") != "code" {
		i.t.Errorf("it is asked with %v", q)
	}
	claims := map[string]any{"iss": i.URL, "sub": subject, "aud": "parley", "nonce": q.Get("nonce"), "iat": h.clock.Now().Unix(),
		"exp": h.clock.Now().Add(time.Minute).Unix(), "name": "Ana of " + subject, "email": subject + "@example.org", "email_verified": true}
	maps.Copy(claims, more)
	i.mu.Lock()
	defer i.mu.Unlock()
	code := fmt.Sprint("code", len(i.proof))
	i.codes[code], i.proof[code] = claims, q.Get("code_challenge")
	return url.Values{"state": {q.Get("state")}, "code": {code}}
}

// withIssuer is a house whose people can sign in elsewhere.
func withIssuer(t testing.TB, domain string) (*house, *issuer) {
	i := newIssuer(t)
	c := clock.NewFake(start)
	h := &house{t: t, db: dbtest.New(t), clock: c, ids: id.NewMaker(c, 1)}
	base, _ := url.Parse(here)
	h.Service = team.New(team.Config{DB: h.db, Events: event.NewLog(c, nil), Clock: c, IDs: h.ids, Cost: cheap(), URL: base,
		OIDC: &team.OIDC{Issuer: i.URL, Client: "parley", Secret: "s", Label: "Town hall", Domain: domain, HTTP: i.Client(), URL: base}})
	return h, i
}

// off begins at the door, or with an invitation in hand.
func (h *house) off(invitation string) (target, kept string) {
	h.t.Helper()
	target, kept, err := h.SetOff(context.Background(), team.SettingOff{Return: "/w/x/inbox", Invitation: invitation}, team.Place{})
	must(h.t, err)
	return target, kept
}

func (h *house) back(kept string, q url.Values) (team.SignedIn, error) {
	in, _, err := h.ComeBack(context.Background(), team.Return{Kept: kept, Query: q}, team.Place{})
	return in, err
}

// linked connects somebody with a subject.
func (h *house) linked(i *issuer, w who, subject string) {
	h.t.Helper()
	ctx := context.Background()
	v, err := h.Authenticate(ctx, w.Secret)
	must(h.t, err)
	target, kept, err := h.SetOff(ctx, team.SettingOff{Return: "/me", Link: v, Password: password}, team.Place{})
	must(h.t, err)
	in, back, err := h.ComeBack(ctx, team.Return{Kept: kept, Query: i.lets(h, target, subject, nil), Link: v.Login}, team.Place{})
	must(h.t, err)
	if in.Secret != "" || back != "/me" {
		h.t.Errorf("linking signed in, and leads to %q", back)
	}
}

func TestTheOtherSignInLetsInWhoConnectedIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, i := withIssuer(t, "")
	w := h.founder(1)
	h.linked(i, w, "ana")
	target, kept := h.off("")
	in, back, err := h.ComeBack(ctx, team.Return{Kept: kept, Query: i.lets(h, target, "ana", nil)}, team.Place{})
	must(t, err)
	if in.Login != w.Login || in.Secret == "" || back != "/w/x/inbox" {
		t.Errorf("signed in as %s, to %q", in.Login, back)
	}
	// With it the password may go, and then it is the last way in.
	must(t, h.RemovePassword(ctx, w.actor, team.PasswordChange{Old: password, Keep: w.Session}, team.Place{}))
	all, err := h.Identities(ctx, w.actor)
	must(t, err)
	if len(all) != 1 || all[0].Issuer != i.URL {
		t.Fatalf("the identities are %+v", all)
	}
	refused(t, h.RemoveIdentity(ctx, w.actor, all[0].ID), "team.last_way_in")
}

func TestAnInvitationInHandConnectsIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, i := withIssuer(t, "")
	w := h.founder(1)
	invite := func(email string) string {
		inv, err := h.Invite(ctx, w.actor, team.Invite{Email: email, Roles: []team.RoleIn{{Role: team.Voice}}})
		must(t, err)
		return inv.Secret
	}
	target, kept := h.off(invite("vera@example.org"))
	in, err := h.back(kept, i.lets(h, target, "vera", nil))
	must(t, err)
	v, err := h.Authenticate(ctx, in.Secret)
	must(t, err)
	if v.Name != "Ana of vera" || v.Email != "vera@example.org" || len(v.Workspaces) != 1 || !v.Workspaces[0].Actor.Can(actor.Reply) {
		t.Errorf("let in as %+v", v)
	}
	_, err = h.SignIn(ctx, "vera@example.org", "none", team.Place{})
	refused(t, err, "team.sign_in")
	// The address of somebody who has a login is not taken over by an invitation either.
	target, kept = h.off(invite(h.founder(2).email))
	_, err = h.back(kept, i.lets(h, target, "mallory", nil))
	refused(t, err, "team.sign_in_first")
	// Removing the login forgets whom it was.
	must(t, h.Operator().RemoveLogin(ctx, "vera@example.org"))
	target, kept = h.off("")
	_, err = h.back(kept, i.lets(h, target, "vera", nil))
	refused(t, err, "team.oidc_unknown")
}

// An address is no proof: not even a confirmed one connects anybody.
func TestAnAddressAloneConnectsNothing(t *testing.T) {
	t.Parallel()
	h, i := withIssuer(t, "")
	w := h.founder(1)
	target, kept := h.off("")
	in, err := h.back(kept, i.lets(h, target, "mallory", map[string]any{"email": w.email, "email_verified": true}))
	refused(t, err, "team.oidc_unknown")
	if in.Secret != "" {
		t.Error("somebody is signed in")
	}
	var n int
	must(t, h.db.Read().Row(context.Background(), `select count(*) from login_identity`).Scan(&n))
	if n != 0 {
		t.Errorf("%d identities are connected", n)
	}
}

// Nothing is believed that is not signed, for us, for this attempt, and in time.
func TestWhatTheOtherSignInMayNotSay(t *testing.T) {
	t.Parallel()
	h, i := withIssuer(t, "")
	h.linked(i, h.founder(1), "ana")
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	type c = map[string]any
	for name, tc := range map[string]struct {
		claims c
		query  func(url.Values)
		before func()
		code   string
	}{
		"another attempt's nonce": {claims: c{"nonce": "x"}, code: "team.oidc_wrong"},
		"no nonce":                {claims: c{"nonce": nil}, code: "team.oidc_wrong"},
		"another audience":        {claims: c{"aud": "somebody"}, code: "team.oidc_wrong"},
		"another party":           {claims: c{"aud": []string{"parley", "somebody"}, "azp": "somebody"}, code: "team.oidc_wrong"},
		"two audiences, no party": {claims: c{"aud": []string{"parley", "somebody"}}, code: "team.oidc_wrong"},
		"over":                    {claims: c{"exp": start.Add(-time.Hour).Unix()}, code: "team.oidc_wrong"},
		"another issuer":          {claims: c{"iss": "https://login.example"}, code: "team.oidc_wrong"},
		"nobody":                  {claims: c{"sub": ""}, code: "team.oidc_wrong"},
		"a very long subject":     {claims: c{"sub": strings.Repeat("a", 256)}, code: "team.oidc_wrong"},
		"not signed":              {before: func() { i.none = true }, code: "team.oidc_wrong"},
		"signed by somebody":      {before: func() { i.other = foreign }, code: "team.oidc_wrong"},
		"a mixed-up answer":       {query: func(q url.Values) { q.Set("iss", "https://login.example") }, code: "team.oidc_wrong"},
		"a code that is none":     {query: func(q url.Values) { q.Set("code", "guessed") }, code: "team.oidc_wrong"},
		"no":                      {query: func(q url.Values) { q.Set("error", "access_denied") }, code: "team.oidc_refused"},
		"another state":           {query: func(q url.Values) { q.Set("state", "x") }, code: "team.oidc_over"},
	} {
		if tc.before != nil {
			tc.before()
		}
		target, kept := h.off("")
		q := i.lets(h, target, "ana", tc.claims)
		if tc.query != nil {
			tc.query(q)
		}
		in, err := h.back(kept, q)
		i.none, i.other = false, nil
		if in.Secret != "" {
			t.Errorf("%s: signed in", name)
		}
		t.Run(name, func(t *testing.T) { refused(t, err, tc.code) })
	}
}

// A way back is for the browser that set off, once, and not for long.
func TestAWayBackIsUsedOnceByWhoSetOff(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, i := withIssuer(t, "")
	w := h.founder(1)
	h.linked(i, w, "ana")
	target, kept := h.off("")
	q := i.lets(h, target, "ana", nil)
	_, mine := h.off("")
	for _, other := range []string{"", mine, "d", kept[:20]} { // somebody else's browser
		_, err := h.back(other, q)
		refused(t, err, "team.oidc_over")
	}
	_, err := h.back(kept, q)
	must(t, err)
	_, err = h.back(kept, q)
	refused(t, err, "team.oidc_over")

	// A code that was begun elsewhere does not fit the verifier of this browser.
	target, _ = h.off("")
	stolen := i.lets(h, target, "ana", nil)
	target, kept = h.off("")
	q = i.lets(h, target, "ana", nil)
	q.Set("code", stolen.Get("code"))
	_, err = h.back(kept, q)
	refused(t, err, "team.oidc_wrong")

	target, kept = h.off("")
	q = i.lets(h, target, "ana", map[string]any{"exp": start.Add(24 * time.Hour).Unix()})
	h.clock.Advance(11 * time.Minute)
	_, err = h.back(kept, q)
	refused(t, err, "team.oidc_over")

	// Who set off to connect it must still be the one who is signed in.
	v, err := h.Authenticate(ctx, w.Secret)
	must(t, err)
	_, _, err = h.SetOff(ctx, team.SettingOff{Link: v, Password: "not this one"}, team.Place{})
	refused(t, err, "team.old_password")
	target, kept, err = h.SetOff(ctx, team.SettingOff{Link: v, Password: password}, team.Place{})
	must(t, err)
	_, _, err = h.ComeBack(ctx, team.Return{Kept: kept, Query: i.lets(h, target, "new", nil), Link: h.founder(2).Login}, team.Place{})
	refused(t, err, "team.oidc_over")

	// And what is connected with one login is not connected with another.
	second := h.founder(3)
	v, err = h.Authenticate(ctx, second.Secret)
	must(t, err)
	target, kept, err = h.SetOff(ctx, team.SettingOff{Link: v, Password: password}, team.Place{})
	must(t, err)
	_, _, err = h.ComeBack(ctx, team.Return{Kept: kept, Query: i.lets(h, target, "ana", nil), Link: v.Login}, team.Place{})
	refused(t, err, "team.oidc_taken")
}

func TestOnlyConfirmedAddressesOfTheDomain(t *testing.T) {
	t.Parallel()
	h, i := withIssuer(t, "example.org")
	h.linked(i, h.founder(1), "ana")
	for _, claims := range []map[string]any{
		{"email": "ana@elsewhere.example"}, {"email_verified": false}, {"email": ""}, {"email": "ana@example.org.evil.example"}, {"email": "example.org"},
	} {
		target, kept := h.off("")
		_, err := h.back(kept, i.lets(h, target, "ana", claims))
		refused(t, err, "team.oidc_domain")
	}
	target, kept := h.off("")
	_, err := h.back(kept, i.lets(h, target, "ana", map[string]any{"email": "ana@Example.Org"}))
	must(t, err)
}

// An issuer that does not answer, or says that it is another, stops nothing else.
func TestAnIssuerThatIsNotThere(t *testing.T) {
	t.Parallel()
	h, i := withIssuer(t, "")
	w := h.founder(1)
	i.as = "https://login.example"
	_, _, err := h.SetOff(context.Background(), team.SettingOff{}, team.Place{})
	refused(t, err, "team.oidc_unreachable")
	i.as = ""
	h.off("") // it is asked again, and there now
	gone, j := withIssuer(t, "")
	j.Close()
	_, _, err = gone.SetOff(context.Background(), team.SettingOff{}, team.Place{})
	refused(t, err, "team.oidc_unreachable")
	_, err = h.SignIn(context.Background(), w.email, password, team.Place{})
	must(t, err)
}

// From the link of an invitation over the other sign-in to the desk, in a browser;
// and back at the door where a way back is not one's own.
func TestThePagesOfTheOtherSignIn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h, i := withIssuer(t, "")
	s := siteOf(t, h)
	w := h.founder(1)
	inv, err := h.Invite(ctx, w.actor, team.Invite{Email: "vera@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	b, stranger := s.browser(""), s.browser("")
	if p := b.get(team.InvitationPath(inv.Secret)); !strings.Contains(p.body, "Sign in with Town hall") {
		t.Errorf("the invitation does not offer it: %s", p.body)
	}
	leaving := b.post("/sign-in/oidc", "return", "/", "invitation", inv.Secret)
	found := regexp.MustCompile(`href="([^"]+/authorize[^"]+)"`).FindStringSubmatch(leaving.body)
	if found == nil {
		t.Fatalf("it leads nowhere: %s", leaving.body)
	}
	way := "/sign-in/oidc/callback?" + i.lets(h, html.UnescapeString(found[1]), "vera", nil).Encode()
	if p := stranger.get(way); p.status != http.StatusGone || stranger.get("/me").path != team.SignInPath {
		t.Errorf("somebody else's way back: %d at %s", p.status, p.path)
	}
	b.get(way)
	me := b.get("/me")
	if !strings.Contains(me.body, "Another sign-in") || !strings.Contains(me.body, "You have no password") || strings.Contains(me.body, `name="old"`) {
		t.Errorf("one's own page: %s", me.body)
	}
	if p := b.get(way); strings.Contains(p.body, inv.Secret) || p.status == http.StatusOK {
		t.Errorf("the way back leads in twice: %d", p.status)
	}
	if p := stranger.get(team.SignInPath); !strings.Contains(p.body, "Sign in with Town hall") {
		t.Errorf("the door does not offer it: %s", p.body)
	}
}

// madeUp puts an identity in, as if it had been linked.
func (h *house) madeUp(login id.ID) id.ID {
	h.t.Helper()
	n := h.ids.New()
	must(h.t, h.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into login_identity (id, login, issuer, subject, created, used) values ($1, $2, 'https://login.example', $3, 0, 0)`, n, login, n.String())
		return err
	}))
	return n
}

func identityVerbs() map[string]verb {
	type c = context.Context
	return map[string]verb{
		"Identities": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Identities(ctx, a)
			return err
		}, reads: true},
		"RemoveIdentity": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RemoveIdentity(ctx, a, s.identity)
		}, foreign: "team.no_identity"},
	}
}
