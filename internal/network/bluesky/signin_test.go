package bluesky_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/network/bluesky/blueskytest"
)

func fields(handle, password, pds string) url.Values {
	return url.Values{"handle": {handle}, "password": {password}, "pds": {pds}}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]string{
		"plain": blueskytest.Handle, "with an at": "@" + blueskytest.Handle, "upper case": strings.ToUpper(blueskytest.Handle),
		"with marks from the app": "\u202a" + blueskytest.Handle + "\u202c\u00a0",
	} {
		r := setup(t)
		a, secret, err := r.n.SignIn(r.ctx, fields(handle, blueskytest.Password, ""))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a.RemoteID != r.a.RemoteID || a.Handle != blueskytest.Handle || a.Extra["pds"] != r.a.Extra["pds"] || a.Name != "The Desk" {
			t.Errorf("%s: signed in as %+v", name, a)
		}
		if got := secret.ExpiresAt.Sub(r.clock.Now()); got != 2*time.Hour {
			t.Errorf("%s: the token lives %v", name, got)
		}
		a.Secret = secret
		if _, err := r.n.Describe(r.ctx, a); err != nil {
			t.Errorf("%s: Describe: %v", name, err)
		}
		if raw, _ := json.Marshal(a.Secret.String()); !bytes.Contains(raw, []byte("[secret]")) {
			t.Errorf("%s: the secret prints as %s", name, raw)
		}
	}
}

func TestSignInByWellKnownFile(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.opt.Resolver = brokenNames{}
	n := bluesky.New(r.env, r.opt)
	if a, _, err := n.SignIn(r.ctx, fields(blueskytest.Handle, blueskytest.Password, "")); err != nil || a.RemoteID != r.a.RemoteID {
		t.Errorf("with a broken name service: %q, %v", a.RemoteID, err)
	}
	r.instead("/.well-known/atproto-did", http.StatusOK, "<html>not found, but 200</html>")
	_, _, err := n.SignIn(r.ctx, fields(blueskytest.Handle, blueskytest.Password, ""))
	wants(t, "no DNS and a page instead of the file", err, network.BadInput, "bluesky.help.handle_not_found")
}

type brokenNames struct{}

func (brokenNames) LookupTXT(context.Context, string) ([]string, error) {
	return nil, errors.New("server misbehaving")
}

// document is a DID document for our account, changed by the test.
func (r *rig) document(change func(map[string]any)) string {
	d := map[string]any{
		"id": r.a.RemoteID, "alsoKnownAs": []string{"at://" + blueskytest.Handle},
		"service": []map[string]any{{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": r.a.Extra["pds"]}},
	}
	change(d)
	raw, _ := json.Marshal(d)
	return string(raw)
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	const ok = blueskytest.Password
	service := func(endpoint any) func(map[string]any) {
		return func(d map[string]any) {
			d["service"] = []map[string]any{{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint}}
		}
	}
	for _, c := range []struct {
		name                  string
		handle, password, pds string
		prepare               func(*rig)
		kind                  network.Kind
		help                  string
	}{
		{"no password", blueskytest.Handle, "", "", nil, network.BadInput, "bluesky.help.no_password"},
		{"no handle", "", ok, "", nil, network.BadInput, "bluesky.help.not_a_handle"},
		{"a name", "The Desk", ok, "", nil, network.BadInput, "bluesky.help.not_a_handle"},
		{"an e-mail address", "desk@parley.test", ok, "", nil, network.BadInput, "bluesky.help.not_a_handle"},
		{"nobody's handle", "nobody.parley.test", ok, "", nil, network.BadInput, "bluesky.help.handle_not_found"},
		{"wrong password", blueskytest.Handle, "aaaa-bbbb-cccc-dddd", "", nil, network.Auth, "bluesky.help.wrong_password"},
		{"the account's own password", blueskytest.Handle, ok, "", func(r *rig) { r.fake.Scope("com.atproto.access") },
			network.BadInput, "bluesky.help.app_password"},
		{"second factor", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead("createSession", 401, `{"error":"AuthFactorTokenRequired","message":"A sign in code has been sent"}`)
		}, network.Auth, "bluesky.help.app_password"},
		{"suspended", blueskytest.Handle, ok, "", func(r *rig) { r.instead("createSession", 401, `{"error":"AccountTakedown"}`) },
			network.Suspended, ""},
		{"deactivated", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead("createSession", 200, `{"accessJwt":"a.b.c","refreshJwt":"a.b.c","did":"`+r.a.RemoteID+`","active":false,"status":"deactivated"}`)
		}, network.Suspended, "bluesky.help.inactive"},
		{"another account answers", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead("createSession", 200, `{"accessJwt":"a.b.c","refreshJwt":"a.b.c","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"}`)
		}, network.BadInput, "bluesky.help.not_a_pds"},
		{"the document names another handle", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, r.document(func(d map[string]any) { d["alsoKnownAs"] = []string{"at://other.test"} }))
		}, network.BadInput, "bluesky.help.handle_mismatch"},
		{"the document is another's", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, r.document(func(d map[string]any) { d["id"] = "did:plc:ewvi7nxzyoun6zhxrhs64oiz" }))
		}, network.BadInput, "bluesky.help.no_pds"},
		{"the document names no server", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, r.document(func(d map[string]any) { delete(d, "service") }))
		}, network.BadInput, "bluesky.help.no_pds"},
		{"a server in the clear", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, r.document(service("http://pds.example")))
		}, network.BadInput, "bluesky.help.no_pds"},
		{"a server that is an object", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, r.document(service(map[string]any{"uri": "x"})))
		}, network.BadInput, "bluesky.help.no_pds"},
		{"the directory is down", blueskytest.Handle, ok, "", func(r *rig) { r.instead(r.a.RemoteID, 503, "busy") },
			network.Transient, "bluesky.help.no_document"},
		{"the directory tells a novel", blueskytest.Handle, ok, "", func(r *rig) {
			r.instead(r.a.RemoteID, 200, strings.Repeat(" ", 10<<20))
		}, network.Transient, "bluesky.help.no_document"},
		{"too often", blueskytest.Handle, ok, "", func(r *rig) { r.instead("createSession", 429, `{"error":"RateLimitExceeded"}`) },
			network.RateLimited, ""},
		{"server address with a path", blueskytest.Handle, ok, "https://pds.example/xrpc", nil, network.BadInput, "bluesky.help.not_an_address"},
		{"server address in the clear", blueskytest.Handle, ok, "http://pds.example", nil, network.BadInput, "bluesky.help.not_an_address"},
		{"server address with a name", blueskytest.Handle, ok, "https://me:secret@pds.example", nil, network.BadInput, "bluesky.help.not_an_address"},
		{"not a PDS: a web page", blueskytest.Handle, ok, "pds.example", func(r *rig) {
			r.instead("describeServer", 200, "<!doctype html><title>Welcome</title>")
		}, network.BadInput, "bluesky.help.not_a_pds"},
		{"not a PDS: another API", blueskytest.Handle, ok, "pds.example", func(r *rig) { r.instead("describeServer", 200, `{"uri":"mastodon.example"}`) },
			network.BadInput, "bluesky.help.not_a_pds"},
		{"not a PDS: 404", blueskytest.Handle, ok, "pds.example", func(r *rig) { r.instead("describeServer", 404, "nothing here") },
			network.BadInput, "bluesky.help.not_a_pds"},
		{"the account has moved", blueskytest.Handle, ok, "pds.example", nil, network.BadInput, "bluesky.help.moved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			if c.prepare != nil {
				c.prepare(r)
			}
			_, secret, err := r.n.SignIn(r.ctx, fields(c.handle, c.password, c.pds))
			wants(t, c.name, err, c.kind, c.help)
			if len(secret.Blob) != 0 {
				t.Error("a refused sign-in returns a secret")
			}
			if err != nil && c.password != "" && strings.Contains(err.Error(), c.password) {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

// A refused session is not left open on the server.
func TestRefusedSignInEndsItsSession(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.Scope("com.atproto.access")
	_, _, err := r.n.SignIn(r.ctx, fields(blueskytest.Handle, blueskytest.Password, ""))
	wants(t, "own password", err, network.BadInput, "bluesky.help.app_password")
	if r.count("deleteSession") != 1 {
		t.Error("the session with all rights is still open")
	}
}

func TestSignInWithExplicitPDS(t *testing.T) {
	t.Parallel()
	r := setup(t)
	a, _, err := r.n.SignIn(r.ctx, fields(blueskytest.Handle, blueskytest.Password, r.a.Extra["pds"]+"/"))
	if err != nil || a.RemoteID != r.a.RemoteID || a.Handle != blueskytest.Handle {
		t.Errorf("%+v, %v", a, err)
	}
	if r.count("atproto-did") != 0 {
		t.Error("the well-known file was asked although the server was named")
	}
	// A network with a directory of its own: the server is the only witness.
	r.instead(r.a.RemoteID, http.StatusNotFound, `{"message":"DID not registered"}`)
	if a, _, err := r.n.SignIn(r.ctx, fields(blueskytest.Handle, blueskytest.Password, r.a.Extra["pds"])); err != nil || a.Handle != blueskytest.Handle {
		t.Errorf("without a document: %+v, %v", a, err)
	}
	r.fake.Usurp(blueskytest.Handle)
	_, _, err = r.n.SignIn(r.ctx, fields(r.a.RemoteID, blueskytest.Password, r.a.Extra["pds"]))
	wants(t, "a handle that leads elsewhere", err, network.BadInput, "bluesky.help.handle_mismatch")
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.a.Secret.Generation = 7
	r.fake.Expire()
	_, err := r.n.Poll(r.ctx, r.a, network.Own, network.Cursor{})
	if err != nil {
		t.Errorf("listRecords is public, an expired token does no harm: %v", err)
	}
	_, err = r.n.Poll(r.ctx, r.a, network.Mentions, network.Cursor{})
	wants(t, "an expired token", err, network.Auth, "")
	fresh, err := r.n.Refresh(r.ctx, r.a)
	if err != nil || fresh.Generation != 7 || bytes.Equal(fresh.Blob, r.a.Secret.Blob) {
		t.Fatalf("Refresh: generation %d, %v", fresh.Generation, err)
	}
	again, err := r.n.Refresh(r.ctx, r.a)
	if err != nil || !bytes.Equal(again.Blob, fresh.Blob) {
		t.Errorf("the same refresh token again gives another pair (%v)", err)
	}
	r.a.Secret = fresh
	r.poll(network.Mentions, network.Cursor{})
}

func TestOnlyADeadTokenDisconnects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   network.Kind
	}{
		{400, `{"error":"ExpiredToken","message":"Token has been revoked"}`, network.Auth},
		{400, `{"error":"InvalidToken"}`, network.Auth},
		{401, `{"error":"AuthMissing"}`, network.Auth},
		{401, `{"error":"AccountTakedown"}`, network.Suspended},
		{429, `{"error":"RateLimitExceeded"}`, network.RateLimited},
		{400, `{"error":"InvalidRequest","message":"Could not find user info for account"}`, network.Transient},
		{401, `{"error":"SomethingNew"}`, network.Transient},
		{403, `<html>captive portal</html>`, network.Transient},
		{500, `{"error":"InternalServerError"}`, network.Transient},
		{500, `{"error":"ExpiredToken"}`, network.Transient},
		{200, `{"accessJwt":"a.b.c","refreshJwt":"","did":"DID"}`, network.Transient},
		{200, `{"accessJwt":"","refreshJwt":"a.b.c","did":"DID"}`, network.Transient},
		{200, `{"accessJwt":"a.b.c","refreshJwt":"a.b.c","did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz"}`, network.Transient},
		{200, `[]`, network.Transient},
	} {
		r := setup(t)
		r.instead("refreshSession", c.status, strings.ReplaceAll(c.body, "DID", r.a.RemoteID))
		secret, err := r.n.Refresh(r.ctx, r.a)
		wants(t, c.body, err, c.want, "")
		if len(secret.Blob) != 0 {
			t.Errorf("%d %s: an error, and a secret", c.status, c.body)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for range 2 {
		if err := r.n.Revoke(r.ctx, r.a); err != nil {
			t.Errorf("Revoke: %v", err)
		}
	}
	_, err := r.n.Refresh(r.ctx, r.a)
	wants(t, "Refresh after Revoke", err, network.Auth, "")
	r.fake.Forget()
	if err := r.n.Revoke(r.ctx, r.a); err != nil {
		t.Errorf("revoking what the server has forgotten: %v", err)
	}
	_, err = r.n.Describe(r.ctx, r.a)
	wants(t, "Describe with a forgotten token", err, network.Auth, "")
	r.instead("deleteSession", 503, "")
	if err := r.n.Revoke(r.ctx, r.a); err == nil {
		t.Error("a server error passes for revoked")
	}
}
