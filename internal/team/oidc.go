package team

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// OIDC is the sign-in of another organisation (OpenID Connect Core 1.0): the code
// flow, with PKCE, a nonce, and a state that only the browser that began it holds.
type OIDC struct {
	Issuer string
	Client string // id
	Secret string
	Label  string // what people call it
	Domain string // verified addresses must end in it; "" asks for none
	HTTP   *http.Client
	URL    *url.URL // our public address
}

// Callback is where the other organisation sends people back to.
const oidcCallback = "/sign-in/oidc/callback"

// seconder is a configured OIDC, which learns about its issuer when it is first needed:
// Parley starts while the issuer does not answer.
type seconder struct {
	OIDC
	mu       sync.Mutex
	provider *oidc.Provider
}

func newSeconder(o *OIDC) *seconder {
	if o == nil || o.Issuer == "" {
		return nil
	}
	return &seconder{OIDC: *o}
}

func unreachable(err error) error {
	return problem.New(problem.Upstream, "team.oidc_unreachable").Because(err)
}

func wrongOIDC(err error) error {
	return problem.New(problem.Unauthenticated, "team.oidc_wrong").Because(err)
}

func (o *seconder) known(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider != nil {
		return o.provider, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.HTTP), o.Issuer)
	if err != nil {
		return nil, unreachable(err)
	}
	o.provider = p
	return p, nil
}

func (o *seconder) config(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: o.Client, ClientSecret: o.Secret, Endpoint: p.Endpoint(),
		RedirectURL: o.URL.Scheme + "://" + o.URL.Host + oidcCallback, Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
}

// derived is one of the values that belong to a secret which only the browser keeps.
func derived(secret, what string) string {
	return base64.RawURLEncoding.EncodeToString(hashOf("oidc", what, secret))
}

// OIDCLabel is what people call the other organisation's sign-in; "" if there is none.
func (s *Service) OIDCLabel() string {
	if s.oidc == nil {
		return ""
	}
	return s.oidc.Label
}

// Setting off is what somebody wants who is sent to sign in elsewhere.
type SettingOff struct {
	Return     string
	Invitation string // its secret, if they hold one
	// Link is who is signed in and wants to be known by the other sign-in too; the
	// zero Visitor is somebody at the door. Their password is asked for.
	Link     Visitor
	Password string
}

// setOff is what is remembered of it; the invitation's secret stays in the browser.
type setOff struct {
	Return string
}

// SetOff answers where to send the browser, and what it is to keep meanwhile.
func (s *Service) SetOff(ctx context.Context, in SettingOff, p Place) (target, keep string, err error) {
	if s.oidc == nil {
		return "", "", problem.New(problem.NotFound, "team.oidc_none")
	}
	var try admitted
	if in.Link.Login != 0 {
		if try, err = s.provesSelf(ctx, in.Link, in.Password, p); err != nil {
			return "", "", err
		}
	}
	provider, err := s.oidc.known(ctx)
	if err != nil {
		return "", "", err
	}
	raw, err := json.Marshal(setOff{Return: in.Return})
	if err != nil {
		return "", "", fmt.Errorf("remembering where somebody wants to go: %w", err)
	}
	secret, _ := newSecret(stepPrefix)
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		return s.beginStep(ctx, tx, secret, step{purpose: usesOIDC, login: in.Link.Login, data: string(raw)}, p)
	})
	if err != nil {
		return "", "", err
	}
	target = s.oidc.config(provider).AuthCodeURL(derived(secret, "state"), oidc.Nonce(derived(secret, "nonce")),
		oauth2.S256ChallengeOption(derived(secret, "verifier")))
	return target, secret + "." + in.Invitation, nil
}

// Return is somebody who comes back from the other sign-in.
type Return struct {
	Kept  string     // what SetOff gave the browser to keep
	Query url.Values // what the other organisation sent along
	Link  id.ID      // the login that is signed in in this browser; 0: none
}

// ComeBack begins a session for somebody who signed in elsewhere, or links that
// sign-in to theirs. An address alone links nothing: it takes an invitation in hand
// or a session, since addresses are given to others and not every issuer checks them.
func (s *Service) ComeBack(ctx context.Context, r Return, p Place) (in SignedIn, back string, err error) {
	secret, invitation, _ := strings.Cut(r.Kept, ".")
	if s.oidc == nil || !plausible(secret, stepPrefix) ||
		subtle.ConstantTimeCompare([]byte(r.Query.Get("state")), []byte(derived(secret, "state"))) != 1 {
		return in, "", problem.New(problem.Gone, "team.oidc_over")
	}
	var st step
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.endStep(ctx, tx, secret, usesOIDC, "team.oidc_over")
		return err
	})
	if err != nil {
		return in, "", err
	}
	var off setOff
	if err := json.Unmarshal([]byte(st.data), &off); err != nil {
		return in, "", fmt.Errorf("reading where somebody wants to go: %w", err)
	}
	who, err := s.oidc.identify(ctx, s, secret, r.Query)
	if err != nil {
		return in, "", err
	}
	if st.login != 0 && st.login != r.Link {
		return in, "", problem.New(problem.Gone, "team.oidc_over")
	}
	in, err = s.seconded(ctx, who, st.login, invitation, p)
	return in, off.Return, err
}

// identity is somebody as the issuer knows them.
type identity struct {
	subject string
	name    string
}

// identify asks the issuer for the person that the code stands for, and believes
// nothing that is not signed, for us, for this very attempt, and in time.
func (o *seconder) identify(ctx context.Context, s *Service, secret string, q url.Values) (who identity, err error) {
	if q.Get("error") != "" {
		return who, problem.New(problem.Unauthenticated, "team.oidc_refused").Because(errors.New(cleanLabel(q.Get("error")+" "+q.Get("error_description"), 200)))
	}
	if iss := q.Get("iss"); iss != "" && iss != o.Issuer { // RFC 9207: the answer of another issuer
		return who, wrongOIDC(fmt.Errorf("the answer is from %q", cleanLabel(iss, 200)))
	}
	provider, err := o.known(ctx)
	if err != nil {
		return who, err
	}
	ctx = oidc.ClientContext(ctx, o.HTTP)
	token, err := o.config(provider).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(derived(secret, "verifier")))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		return who, wrongOIDC(err)
	case err != nil:
		return who, unreachable(err)
	}
	raw, _ := token.Extra("id_token").(string)
	signed, err := provider.Verifier(&oidc.Config{ClientID: o.Client, Now: s.clock.Now}).Verify(ctx, raw)
	if err != nil {
		return who, wrongOIDC(err)
	}
	if subtle.ConstantTimeCompare([]byte(signed.Nonce), []byte(derived(secret, "nonce"))) != 1 {
		return who, wrongOIDC(errors.New("the nonce is not ours"))
	}
	return o.claims(signed)
}

func (o *seconder) claims(signed *oidc.IDToken) (who identity, err error) {
	var c struct {
		Name     string `json:"name"`
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Party    string `json:"azp"`
	}
	if err := signed.Claims(&c); err != nil {
		return who, wrongOIDC(err)
	}
	if (len(signed.Audience) > 1 || c.Party != "") && c.Party != o.Client { // Core 1.0, section 3.1.3.7, 4 and 5
		return who, wrongOIDC(errors.New("it was made for another party"))
	}
	if signed.Subject == "" || len(signed.Subject) > 255 {
		return who, wrongOIDC(errors.New("it names nobody"))
	}
	if at := strings.LastIndex(c.Email, "@"); o.Domain != "" && (!c.Verified || at < 0 || !strings.EqualFold(c.Email[at+1:], o.Domain)) {
		return who, problem.New(problem.Unauthenticated, "team.oidc_domain", "domain", o.Domain)
	}
	return identity{subject: signed.Subject, name: c.Name}, nil
}
