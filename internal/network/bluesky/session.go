package bluesky

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// session is what Secret.Blob holds.
type session struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

// tokens is the answer of createSession and refreshSession, as far as it is used.
type tokens struct {
	AccessJWT  string          `json:"accessJwt"`
	RefreshJWT string          `json:"refreshJwt"`
	DID        string          `json:"did"`
	Handle     string          `json:"handle"`
	DIDDoc     json.RawMessage `json:"didDoc"`
	Active     *bool           `json:"active"`
	Status     string          `json:"status"`
}

// Scopes of an access token, from its "scope" claim.
const (
	scopeFull       = "com.atproto.access"            // the account's own password
	scopeApp        = "com.atproto.appPass"           // an app password
	scopePrivileged = "com.atproto.appPassPrivileged" // one that may read direct messages
)

// extraPDS is the key of the PDS's address in Account.Extra.
const extraPDS = "pds"

func pdsOf(a network.Account) string { return a.Extra[extraPDS] }

func sessionOf(a network.Account) (session, error) {
	var s session
	if err := json.Unmarshal(a.Secret.Blob, &s); err != nil || s.Access == "" || pdsOf(a) == "" {
		return session{}, &network.Error{Kind: network.Auth, Native: "NoSession", Err: errors.New("the account holds no session")}
	}
	return s, nil
}

// secret makes the credential of a fresh pair of tokens. Lifetimes are read as
// the distance between the token's own two times: the server's clock may differ.
func (n *Network) secret(t tokens) (network.Secret, error) {
	blob, err := json.Marshal(session{Access: t.AccessJWT, Refresh: t.RefreshJWT})
	if err != nil {
		return network.Secret{}, err
	}
	s := network.Secret{Blob: blob}
	if life := claimsOf(t.AccessJWT).life(); life > 0 {
		s.ExpiresAt = n.now().Add(life)
	}
	if life := claimsOf(t.RefreshJWT).life(); life > 0 {
		s.RefreshBy = n.now().Add(life)
	}
	return s, nil
}

// claims are the parts of a token's payload that say what it is good for. The
// signature is the server's business: only the server that made it is asked.
type claims struct {
	Scope    string `json:"scope"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Audience any    `json:"aud"`
}

func claimsOf(token string) claims {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c
	}
	if json.Unmarshal(raw, &c) != nil {
		return claims{}
	}
	return c
}

// maxLife bounds what a token may claim, so that nothing overflows.
const maxLife = 10 * 365 * 24 * time.Hour

func (c claims) life() time.Duration {
	d := c.Expires - c.Issued
	if c.Issued <= 0 || d <= 0 || d > int64(maxLife/time.Second) {
		return 0
	}
	return time.Duration(d) * time.Second
}

// direct reports whether the account's token may read and write direct messages.
func direct(a network.Account) bool {
	return slices.Contains(a.Scopes, scopePrivileged) || slices.Contains(a.Scopes, scopeFull)
}

// deadTokens are the answers after which only a member can reconnect. Everything
// else, from a broken network to a server's bad day, is tried again.
var deadTokens = map[string]bool{
	"ExpiredToken": true, "InvalidToken": true, "AuthMissing": true, "MissingTokenId": true, "invalid_grant": true,
}

// Refresh trades the refresh token for a new pair. Asking twice with the same
// token gives the same new one for about two hours, so a lost answer costs
// nothing.
func (n *Network) Refresh(ctx context.Context, a network.Account) (network.Secret, error) {
	s, err := sessionOf(a)
	if err != nil {
		return network.Secret{}, err
	}
	var t tokens
	_, err = n.send(ctx, call{
		base: pdsOf(a), method: "com.atproto.server.refreshSession", body: []byte{}, token: s.Refresh,
	}, &t)
	if err != nil {
		return network.Secret{}, refreshError(err)
	}
	if t.AccessJWT == "" || t.RefreshJWT == "" || t.DID != a.RemoteID {
		return network.Secret{}, &network.Error{Kind: network.Transient, Native: "refreshSession",
			Err: errors.New("the answer holds no tokens of this account")}
	}
	fresh, err := n.secret(t)
	if err != nil {
		return network.Secret{}, err
	}
	fresh.Generation = a.Secret.Generation
	return fresh, nil
}

// refreshError lets only a dead token, or a closed account, disconnect.
func refreshError(err error) error {
	var e *network.Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Kind == network.Auth && deadTokens[e.Native]:
	case e.Kind == network.Suspended || e.Kind == network.RateLimited:
	default:
		e.Kind = network.Transient
	}
	return e
}

// Revoke ends the session on the PDS. A token the PDS no longer knows is
// already forgotten.
func (n *Network) Revoke(ctx context.Context, a network.Account) error {
	s, err := sessionOf(a)
	if err != nil {
		return nil //nolint:nilerr // nothing is held, so there is nothing to end
	}
	_, err = n.send(ctx, call{
		base: pdsOf(a), method: "com.atproto.server.deleteSession", body: []byte{}, token: s.Refresh, write: true,
	}, nil)
	var e *network.Error
	if errors.As(err, &e) && (deadTokens[e.Native] || e.Kind == network.Auth || e.Kind == network.Suspended) {
		return nil
	}
	return err
}

// cleanName is a display name as one short line.
func cleanName(s string) string { return text.CleanLine(s, 640) }
