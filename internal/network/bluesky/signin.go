package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// Names of the connect form's fields.
const (
	fieldHandle   = "handle"
	fieldPassword = "password"
	fieldPDS      = "pds"
)

// SignIn connects an account by handle and app password. Without an explicit
// PDS the handle leads to it, and handle and DID must name each other.
func (n *Network) SignIn(ctx context.Context, fields url.Values) (network.Account, network.Secret, error) {
	id, err := n.identify(ctx, fields)
	if err != nil {
		return network.Account{}, network.Secret{}, err
	}
	t, err := n.createSession(ctx, id, strings.TrimSpace(fields.Get(fieldPassword)))
	if err != nil {
		return network.Account{}, network.Secret{}, err
	}
	if id, err = n.confirm(ctx, id, t); err != nil {
		n.abandon(ctx, id, t)
		return network.Account{}, network.Secret{}, err
	}
	secret, err := n.secret(t)
	if err != nil {
		return network.Account{}, network.Secret{}, err
	}
	a := n.account(id, t)
	a.Secret = secret
	n.fillProfile(ctx, &a)
	a.Secret = network.Secret{} // it is returned beside the account, once
	return a, secret, nil
}

// typed is what a member typed, made usable.
type typed struct {
	identity
	explicit bool // the PDS was named by the member
}

func (n *Network) identify(ctx context.Context, fields url.Values) (typed, error) {
	name := cleanHandle(fields.Get(fieldHandle))
	if fields.Get(fieldPassword) == "" {
		return typed{}, badInput("bluesky.help.no_password", "no password was given")
	}
	if !record.ValidHandle(name) && !record.ValidDID(name) {
		return typed{}, badInput("bluesky.help.not_a_handle", "%.60q is no handle", name)
	}
	if strings.TrimSpace(fields.Get(fieldPDS)) == "" {
		id, err := n.resolve(ctx, name)
		return typed{identity: id}, err
	}
	base, err := serverAddress(fields.Get(fieldPDS))
	if err != nil {
		return typed{}, badInput("bluesky.help.not_an_address", "%w", err)
	}
	if err := n.isPDS(ctx, base); err != nil {
		return typed{}, err
	}
	id := identity{PDS: base}
	if record.ValidDID(name) {
		id.DID = name
	} else {
		id.Handle = name
	}
	return typed{identity: id, explicit: true}, nil
}

// isPDS asks a server the member named whether it is one.
func (n *Network) isPDS(ctx context.Context, base string) error {
	var d description
	_, err := n.send(ctx, call{base: base, method: "com.atproto.server.describeServer"}, &d)
	var e *network.Error
	if err == nil && record.ValidDID(d.DID) {
		return nil
	}
	if errors.As(err, &e) && e.Kind == network.RateLimited {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &network.Error{Kind: network.BadInput, Native: "describeServer", Help: "bluesky.help.not_a_pds", Err: err}
}

func (n *Network) createSession(ctx context.Context, id typed, password string) (tokens, error) {
	who := id.DID
	if who == "" {
		who = id.Handle
	}
	body, err := json.Marshal(map[string]string{"identifier": who, "password": password})
	if err != nil {
		return tokens{}, err
	}
	var t tokens
	_, err = n.send(ctx, call{
		base: id.PDS, method: "com.atproto.server.createSession", body: body, secret: password,
	}, &t)
	if err != nil {
		return tokens{}, signInError(err)
	}
	if t.AccessJWT == "" || t.RefreshJWT == "" || !record.ValidDID(t.DID) || id.DID != "" && id.DID != t.DID {
		return tokens{}, badInput("bluesky.help.not_a_pds", "the answer to createSession names no account")
	}
	if t.Active != nil && !*t.Active {
		return tokens{}, &network.Error{Kind: network.Suspended, Native: t.Status, Help: "bluesky.help.inactive"}
	}
	return t, nil
}

// signInError says what a wrong password, or the account's main one, looks like.
func signInError(err error) error {
	var e *network.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Kind == network.Auth && e.Help == "" {
		e.Help = "bluesky.help.wrong_password"
	}
	if e.Kind == network.Version {
		e.Kind, e.Help = network.BadInput, "bluesky.help.not_a_pds"
	}
	return e
}

// confirm checks what the session says against the identity: an app password
// and no other, and handle and DID naming each other.
func (n *Network) confirm(ctx context.Context, id typed, t tokens) (typed, error) {
	if claimsOf(t.AccessJWT).Scope == scopeFull {
		return id, &network.Error{Kind: network.BadInput, Native: scopeFull, Help: "bluesky.help.app_password"}
	}
	if !id.explicit {
		return id, nil // resolve has checked both ways
	}
	id.DID = t.DID
	doc, err := n.document(ctx, t.DID)
	if err != nil && len(t.DIDDoc) > 0 {
		doc, err = parseDocument(t.DIDDoc, t.DID)
	}
	if err != nil {
		// A network with a directory of its own that we do not know: the server
		// the member named is the only witness there is.
		id.Handle = cleanHandle(t.Handle)
		return id, n.namesUs(ctx, id)
	}
	if doc.PDS != id.PDS {
		return id, badInput("bluesky.help.moved", "the document of %s names %s", t.DID, doc.PDS)
	}
	if id.Handle = doc.handle(cleanHandle(t.Handle)); id.Handle == "" {
		return id, badInput("bluesky.help.handle_mismatch", "the document of %s does not name %.60q", t.DID, t.Handle)
	}
	return id, n.namesUs(ctx, id)
}

// namesUs asks the PDS whether the handle leads back to the DID.
func (n *Network) namesUs(ctx context.Context, id typed) error {
	did, err := n.handleAt(ctx, id.PDS, id.Handle)
	if err == nil && did == id.DID {
		return nil
	}
	if network.KindOf(err) == network.RateLimited {
		return err
	}
	return badInput("bluesky.help.handle_mismatch", "%.60q leads to %.60q", id.Handle, did)
}

// abandon ends a session that will not be used. Whether that works changes
// nothing for the member.
func (n *Network) abandon(ctx context.Context, id typed, t tokens) {
	_, _ = n.send(ctx, call{
		base: id.PDS, method: "com.atproto.server.deleteSession", body: []byte{}, token: t.RefreshJWT,
	}, nil)
}

func (n *Network) account(id typed, t tokens) network.Account {
	a := network.Account{
		Network: Name, Instance: n.opt.Web, RemoteID: id.DID, Handle: id.Handle, Name: id.Handle,
		URL: n.profileURL(id.DID), Extra: map[string]string{extraPDS: id.PDS},
	}
	if scope := claimsOf(t.AccessJWT).Scope; scope != "" {
		a.Scopes = []string{scope}
	}
	return a
}

// fillProfile adds name and picture. They are an ornament: a bare PDS has none.
func (n *Network) fillProfile(ctx context.Context, a *network.Account) {
	var p profile
	_, err := n.query(ctx, *a, n.appView("app.bsky.actor.getProfile", url.Values{"actor": {a.RemoteID}}), &p)
	if err != nil || p.DID != a.RemoteID {
		return
	}
	if name := cleanName(p.DisplayName); name != "" {
		a.Name = name
	}
	a.Avatar = webAddress(p.Avatar)
}

// cleanHandle is a handle as members type or copy it: without @, without the
// invisible marks that copying from the app brings along, in lower case.
func cleanHandle(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) || unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
	s = strings.TrimPrefix(s, "at://")
	return strings.ToLower(strings.TrimPrefix(s, "@"))
}

// serverAddress reads "pds.example", "https://pds.example/" and the like.
// Plain http is for this machine only.
func serverAddress(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", err
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("%.80q is more, or less, than a server's address", s)
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return "", fmt.Errorf("%.80q is not https", s)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func badInput(helpKey, format string, args ...any) error {
	return &network.Error{Kind: network.BadInput, Native: "SignIn", Help: helpKey, Err: fmt.Errorf(format, args...)}
}
