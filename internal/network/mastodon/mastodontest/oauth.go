package mastodontest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parley/internal/network/mastodon"
)

// oauth is what the authorization server remembers.
type oauth struct {
	apps    map[string]app
	codes   map[string]grant
	tokens  map[string]token // by access token
	renewal map[string]token // by refresh token
	issued  int
}

type token struct {
	access, refresh, client string
	scopes                  []string
	until                   time.Time // zero: for ever
}

type app struct{ secret, redirect, scopes string }

type grant struct{ client, redirect, scope, challenge string }

func newOAuth() oauth {
	return oauth{apps: map[string]app{}, codes: map[string]grant{}, tokens: map[string]token{}, renewal: map[string]token{}}
}

// tokenLife is how long tokens live on servers where they do not live for ever.
const tokenLife = 24 * time.Hour

// issue makes a token, on some servers one that expires and can be renewed.
// Callers hold f.mu.
func (f *Fake) issue(client, scope string) token {
	t := token{access: "token-" + f.secret(), client: client, scopes: strings.Fields(scope)}
	if f.dialect == mastodon.Pleroma || f.dialect == mastodon.Pixelfed {
		t.refresh, t.until = "renew-"+f.secret(), f.now().Add(tokenLife)
		f.renewal[t.refresh] = t
	}
	f.tokens[t.access] = t
	return t
}

// valid finds a living token. Callers hold f.mu.
func (f *Fake) valid(access string) (token, bool) {
	t, ok := f.tokens[access]
	return t, ok && (t.until.IsZero() || f.now().Before(t.until))
}

func (o *oauth) secret() string {
	o.issued++
	sum := sha256.Sum256(fmt.Append(nil, "mastodontest", o.issued))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

func (f *Fake) oauthRoutes(open func(string, http.HandlerFunc)) {
	open("POST /api/v1/apps", f.register)
	open("GET /oauth/authorize", f.consent)
	open("POST /oauth/authorize", f.decide)
	open("POST /oauth/token", f.tokenEndpoint)
	open("POST /oauth/revoke", f.revoke)
}

func (f *Fake) register(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	redirect, scopes := r.FormValue("redirect_uris"), r.FormValue("scopes")
	if r.FormValue("client_name") == "" || redirect == "" {
		f.refuse(w, http.StatusUnprocessableEntity, "Validation failed: Application name can't be blank")
		return
	}
	if f.dialect == mastodon.Pixelfed && strings.Contains(scopes, ":") {
		f.refuse(w, http.StatusUnprocessableEntity, "The requested scope is invalid, unknown, or malformed")
		return
	}
	id, a := f.registerApp(redirect, scopes)
	answer(w, http.StatusOK, object{"id": "1", "name": r.FormValue("client_name"), "client_id": id, "client_secret": a.secret, "redirect_uri": a.redirect})
}

func (f *Fake) registerApp(redirect, scopes string) (string, app) {
	id := "client-" + f.secret()
	f.apps[id] = app{secret: "app-" + f.secret(), redirect: redirect, scopes: scopes}
	return id, f.apps[id]
}

// Forget makes the server forget all registrations, as servers do with unused ones.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.apps)
}

var consentPage = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Authorize Parley</title></head>
<body><main><h1>Authorize Parley</h1>
<p>Parley wants to use the account <strong>{{.Acct}}</strong>: {{.Scope}}</p>
<form method="post" action="/oauth/authorize">
{{range $k, $v := .Fields}}<input type="hidden" name="{{$k}}" value="{{$v}}">
{{end}}<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></main></body></html>
`))

// consent shows the page on which a person says yes or no.
func (f *Fake) consent(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	a, ok := f.apps[q.Get("client_id")]
	if !ok || q.Get("redirect_uri") != a.redirect || q.Get("response_type") != "code" {
		f.refuse(w, http.StatusBadRequest, "Client authentication failed")
		return
	}
	fields := map[string]string{}
	for _, k := range []string{"client_id", "redirect_uri", "scope", "state", "code_challenge"} {
		fields[k] = q.Get(k)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, object{"Acct": f.me.acct, "Scope": q.Get("scope"), "Fields": fields})
}

func (f *Fake) decide(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.apps[r.FormValue("client_id")]
	if !ok || r.FormValue("redirect_uri") != a.redirect {
		f.refuse(w, http.StatusBadRequest, "Client authentication failed")
		return
	}
	back := url.Values{"state": {r.FormValue("state")}}
	if r.FormValue("decision") == "allow" {
		code := f.secret()
		f.codes[code] = grant{r.FormValue("client_id"), a.redirect, r.FormValue("scope"), r.FormValue("code_challenge")}
		back.Set("code", code)
	} else {
		back.Set("error", "access_denied")
	}
	sep := "?"
	if strings.Contains(a.redirect, "?") {
		sep = "&"
	}
	http.Redirect(w, r, a.redirect+sep+back.Encode(), http.StatusFound)
}

func (f *Fake) tokenEndpoint(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.apps[r.FormValue("client_id")]
	if !ok && f.dialect == mastodon.GoToSocial {
		answer(w, http.StatusBadRequest, object{"error": "func5: no application found with client id " + r.FormValue("client_id")})
		return
	}
	if !ok || r.FormValue("client_secret") != a.secret {
		answer(w, http.StatusUnauthorized, object{"error": "invalid_client", "error_description": "Client authentication failed"})
		return
	}
	if r.FormValue("redirect_uri") != a.redirect && r.FormValue("grant_type") != "refresh_token" {
		answer(w, http.StatusBadRequest, object{"error": "invalid_request", "error_description": "redirect_uri was not set in the token request form"})
		return
	}
	if r.FormValue("grant_type") == "client_credentials" {
		answer(w, http.StatusOK, object{"access_token": "app-only-" + f.secret(), "token_type": "Bearer", "scope": "read"})
		return
	}
	var t token
	if r.FormValue("grant_type") == "refresh_token" {
		t, ok = f.renew(r)
	} else {
		t, ok = f.redeem(r)
	}
	if !ok {
		answer(w, http.StatusBadRequest, object{"error": "invalid_grant", "error_description": "The provided authorization grant is invalid, expired, revoked"})
		return
	}
	out := object{"access_token": t.access, "token_type": "Bearer", "created_at": f.now().Unix()}
	if f.dialect != mastodon.Snac {
		out["scope"] = strings.Join(t.scopes, " ")
	}
	if t.refresh != "" {
		out["refresh_token"], out["expires_in"] = t.refresh, int(tokenLife/time.Second)
	}
	answer(w, http.StatusOK, out)
}

// redeem exchanges a code, once. Only Mastodon looks at the verifier.
func (f *Fake) redeem(r *http.Request) (token, bool) {
	code := r.FormValue("code")
	g, ok := f.codes[code]
	delete(f.codes, code)
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	proved := f.dialect != mastodon.Mastodon || g.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || g.client != r.FormValue("client_id") || g.redirect != r.FormValue("redirect_uri") || !proved {
		return token{}, false
	}
	return f.issue(g.client, g.scope), true
}

// renew exchanges a refresh token; on Pixelfed each works once.
func (f *Fake) renew(r *http.Request) (token, bool) {
	old, ok := f.renewal[r.FormValue("refresh_token")]
	if !ok || old.client != r.FormValue("client_id") {
		return token{}, false
	}
	if f.dialect == mastodon.Pixelfed {
		delete(f.renewal, old.refresh)
	}
	return f.issue(old.client, strings.Join(old.scopes, " ")), true
}

func (f *Fake) revoke(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, known := f.tokens[r.FormValue("token")]
	if f.dialect == mastodon.Snac {
		if a := f.apps[t.client]; !known || a.secret == "" || a.secret != r.FormValue("client_secret") {
			f.refuse(w, http.StatusForbidden, "")
			return
		}
		delete(f.apps, t.client) // it belongs to the token
	}
	delete(f.renewal, t.refresh)
	delete(f.tokens, t.access)
	answer(w, http.StatusOK, object{})
}
