package mastodon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// pending is a sign-in between Begin and Finish.
type pending struct {
	Instance string `json:"instance"`
	Redirect string `json:"redirect"`
	State    string `json:"state"`
	Verifier string `json:"verifier"` // PKCE (RFC 7636)
	Server   server `json:"server"`
}

// granted is the token endpoint's answer (RFC 6749, section 5.1).
type granted struct {
	Access  string  `json:"access_token"`
	Refresh string  `json:"refresh_token"`
	Scope   string  `json:"scope"`
	Expires float64 `json:"expires_in"` // seconds; 0: not told
}

// Begin finds the server behind what the member typed, registers Parley there
// if it is not yet, and returns the address of the server's consent page.
func (n *Network) Begin(ctx context.Context, hint, redirect, state string) (string, []byte, error) {
	at, err := parseAddress(hint)
	if err != nil {
		return "", nil, err
	}
	base, s, err := n.discover(ctx, at)
	if err != nil {
		return "", nil, err
	}
	app, err := n.app(ctx, base, redirect, s.Dialect)
	if err != nil {
		return "", nil, err
	}
	verifier, err := n.random()
	if err != nil {
		return "", nil, err
	}
	blob, err := json.Marshal(pending{base, redirect, state, verifier, s})
	if err != nil {
		return "", nil, fmt.Errorf("keeping the sign-in: %w", err)
	}
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type":         {"code"},
		"client_id":             {app.ID},
		"redirect_uri":          {redirect},
		"scope":                 {s.Dialect.traits().scopes},
		"state":                 {state},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(sum[:])},
		"code_challenge_method": {"S256"},
	}
	return base + "/oauth/authorize?" + q.Encode(), blob, nil
}

// Finish exchanges the code for a token and asks the server who we are now.
func (n *Network) Finish(ctx context.Context, blob []byte, q url.Values) (network.Account, network.Secret, error) {
	none := func(err error) (network.Account, network.Secret, error) {
		return network.Account{}, network.Secret{}, err
	}
	var p pending
	if err := json.Unmarshal(blob, &p); err != nil {
		return none(&network.Error{Kind: network.BadInput, Native: "state", Help: "mastodon.help.again", Err: err})
	}
	if subtle.ConstantTimeCompare([]byte(p.State), []byte(q.Get("state"))) != 1 {
		return none(&network.Error{Kind: network.BadInput, Native: "state", Help: "mastodon.help.again"})
	}
	code := q.Get("code")
	if code == "" {
		return none(&network.Error{Kind: network.BadInput, Native: first(text.CleanLine(q.Get("error"), 60), "no_code"), Help: "mastodon.help.denied"})
	}
	app, ok, err := n.env.Apps.App(ctx, Name, p.Instance, p.Redirect)
	if err != nil {
		return none(fmt.Errorf("looking up the registration at %s: %w", p.Instance, err))
	}
	if !ok {
		return none(&network.Error{Kind: network.BadInput, Native: "no_app", Help: "mastodon.help.again"})
	}
	got, err := n.exchange(ctx, p.Instance, app, url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {p.Redirect}, "code_verifier": {p.Verifier},
		"scope": {p.Server.Dialect.traits().scopes},
	}, code)
	if err != nil {
		return none(err)
	}
	cred := credential{Redirect: p.Redirect}
	if p.Server.Dialect == Snac {
		cred.ClientID, cred.ClientSecret = app.ID, string(app.Secret)
	}
	secret, err := got.secret(cred, n.env.Now())
	if err != nil {
		return none(err)
	}
	a, err := n.whoami(ctx, p, app, got.Scope, secret)
	if err != nil {
		return none(err)
	}
	return a, secret, nil
}

// whoami is the account behind a fresh token.
func (n *Network) whoami(ctx context.Context, p pending, app network.App, scope string, secret network.Secret) (network.Account, error) {
	s := p.Server
	a := network.Account{
		Network: Name, Instance: p.Instance, AppID: app.ID, Secret: secret,
		Scopes: strings.Fields(scope),
		Extra: map[string]string{
			extraDialect: string(s.Dialect), extraVersion: s.Version, extraDomain: s.Domain,
			extraAPI: strconv.Itoa(s.API),
		},
	}
	var me account
	if _, err := n.call(ctx, a, get("/api/v1/accounts/verify_credentials", nil), &me); err != nil {
		return a, err
	}
	if me.ID == "" || me.Username == "" {
		return a, &network.Error{Kind: network.Transient, Native: "bad_json", Message: "the server does not say who we are"}
	}
	who := person(a, me)
	a.RemoteID, a.Handle, a.Name, a.URL, a.Avatar = who.RemoteID, who.Handle, who.Name, who.URL, who.Avatar
	a.Extra[extraPrivacy] = string(heard(first(me.Source.Privacy, "public")))
	a.Extra[extraLanguage] = text.CleanLine(me.Source.Language, 35)
	n.learn(p.Instance, s)
	return a, nil
}

// app is our registration, made once for each server and redirect address.
// Servers forget registrations that nobody used; a forgotten one would leave
// the member on an error page, so it is asked for first. On snac each sign-in
// has one of its own: it notes who signed in on the registration itself, and
// throws that away with the token.
func (n *Network) app(ctx context.Context, base, redirect string, d Dialect) (network.App, error) {
	app, ok, err := n.env.Apps.App(ctx, Name, base, redirect)
	if err != nil {
		return app, fmt.Errorf("looking up the registration at %s: %w", base, err)
	}
	if d == Snac {
		ok = false
	}
	if ok {
		_, err := n.exchange(ctx, base, app, url.Values{
			"grant_type": {"client_credentials"}, "scope": {"read"}, "redirect_uri": {redirect},
		})
		ok = !forgotten(err)
	}
	if ok {
		return app, nil
	}
	q := post("/api/v1/apps").form(url.Values{
		"client_name": {"Parley"}, "redirect_uris": {redirect}, "scopes": {d.traits().scopes},
	})
	q.effect = reads // a registration too many harms nobody
	var made struct {
		ID     ident  `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	ans, err := n.send(ctx, n.http, base, "", q)
	if err != nil {
		return app, err
	}
	if ans.status < 200 || ans.status > 299 {
		return app, n.refusal(q, ans)
	}
	if err := ans.decode(q, &made); err != nil {
		return app, err
	}
	if made.ID == "" || made.Secret == "" {
		return app, &network.Error{Kind: network.Transient, Native: "bad_json", Message: "the registration came without its id"}
	}
	app = network.App{ID: string(made.ID), Secret: []byte(made.Secret)}
	if err := n.env.Apps.SaveApp(ctx, Name, base, redirect, app); err != nil {
		return app, fmt.Errorf("keeping the registration at %s: %w", base, err)
	}
	return app, nil
}

// forgotten reports that a server does not know our registration any more.
// GoToSocial has no code for it, only words.
func forgotten(err error) bool {
	var e *network.Error
	return errors.As(err, &e) && (e.Kind == network.Auth || strings.Contains(e.Message, "no application found"))
}

// exchange asks the token endpoint. more are secrets that an error must not show.
func (n *Network) exchange(ctx context.Context, base string, app network.App, form url.Values, more ...string) (granted, error) {
	form.Set("client_id", app.ID)
	form.Set("client_secret", string(app.Secret))
	q := post("/oauth/token").form(form)
	q.effect = reads // whoever loses the answer asks the member, or the refresh token, again
	ans, err := n.send(ctx, n.http, base, "", q)
	if err != nil {
		return granted{}, err
	}
	if ans.status < 200 || ans.status > 299 {
		e := n.refusal(q, ans, append(more, string(app.Secret))...)
		if e.Kind == network.Policy && oauthDead(ans.body) {
			e.Kind = network.Auth
		}
		return granted{}, e
	}
	var got granted
	if err := ans.decode(q, &got); err != nil {
		return granted{}, err
	}
	if got.Access == "" {
		return granted{}, &network.Error{Kind: network.Transient, Native: "bad_json", Message: "the answer holds no token"}
	}
	return got, nil
}

// oauthDead reports an error code that no repeat can mend (RFC 6749, section 5.2).
func oauthDead(body []byte) bool {
	var told struct {
		Error string `json:"error"`
	}
	_ = lenient(body, &told)
	return told.Error == "invalid_grant" || told.Error == "invalid_client" || told.Error == "unauthorized_client"
}

// secret keeps what was granted; what came back empty stays as it was.
func (g granted) secret(old credential, now time.Time) (network.Secret, error) {
	old.Access = g.Access
	old.Refresh = first(g.Refresh, old.Refresh)
	blob, err := old.seal()
	if err != nil {
		return network.Secret{}, fmt.Errorf("keeping the token: %w", err)
	}
	s := network.Secret{Blob: blob}
	if g.Expires > 0 && g.Expires < (100*365*24*time.Hour).Seconds() {
		s.ExpiresAt = now.Add(time.Duration(g.Expires * float64(time.Second)))
	}
	return s, nil
}

// Refresh renews a token on the few servers whose tokens expire.
func (n *Network) Refresh(ctx context.Context, a network.Account) (network.Secret, error) {
	c, err := token(a)
	if err != nil {
		return network.Secret{}, err
	}
	if c.Refresh == "" {
		return network.Secret{}, &network.Error{Kind: network.Auth, Native: "no_refresh_token"}
	}
	app, ok, err := n.env.Apps.App(ctx, Name, a.Instance, c.Redirect)
	if err != nil {
		return network.Secret{}, fmt.Errorf("looking up the registration at %s: %w", a.Instance, err)
	}
	if !ok {
		return network.Secret{}, &network.Error{Kind: network.Auth, Native: "no_app"}
	}
	got, err := n.exchange(ctx, a.Instance, app, url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {c.Refresh},
	}, c.secrets()...)
	if err != nil {
		return network.Secret{}, err
	}
	s, err := got.secret(c, n.env.Now())
	s.Generation = a.Secret.Generation
	return s, err
}

// Revoke makes the server forget the token (RFC 7009). A token it does not know
// any more is forgotten already.
func (n *Network) Revoke(ctx context.Context, a network.Account) error {
	c, err := token(a)
	if err != nil {
		return nil // nothing there to forget
	}
	app := network.App{ID: c.ClientID, Secret: []byte(c.ClientSecret)}
	if app.ID == "" {
		if app, _, err = n.env.Apps.App(ctx, Name, a.Instance, c.Redirect); err != nil {
			return fmt.Errorf("looking up the registration at %s: %w", a.Instance, err)
		}
	}
	q := post("/oauth/revoke").form(url.Values{
		"client_id": {app.ID}, "client_secret": {string(app.Secret)}, "token": {c.Access},
	})
	q.effect = reads // harmless to repeat
	ans, err := n.send(ctx, n.http, a.Instance, "", q)
	if err != nil {
		return err
	}
	switch ans.status {
	case http.StatusOK, http.StatusNoContent, http.StatusUnauthorized:
		return nil
	}
	e := n.refusal(q, ans, append(c.secrets(), string(app.Secret))...)
	if dialect(a) == Snac && ans.status == http.StatusForbidden {
		return nil // its word for a token it does not know
	}
	return e
}

// random is 32 bytes of entropy as text that RFC 7636, section 4.1 allows.
func (n *Network) random() (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(n.env.Rand, b); err != nil {
		return "", fmt.Errorf("reading entropy: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
