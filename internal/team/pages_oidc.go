package team

import (
	"context"
	"net/http"
	"net/url"

	"parley/internal/page"
	"parley/internal/problem"
)

// keptOIDC is the name of what the browser keeps while somebody is elsewhere.
const keptOIDC = "door"

// otherView is the other organisation's sign-in, on one's own page.
type otherView struct {
	Label string // "" if there is none
	All   []Identity
}

func (p pages) registerOIDC(k *page.Kernel) {
	k.Handle("POST /sign-in/oidc", p.setOffPost)
	k.Handle("GET "+oidcCallback, p.comeBack)
	k.Handle("POST /me/identities", p.linkPost)
	k.Handle("POST /me/identities/{identity}/remove", p.mePost(p.removeIdentity))
}

func (p pages) readOther(r *page.Request) (v otherView, err error) {
	v.Label = p.s.OIDCLabel()
	v.All, err = p.s.Identities(r.Context(), r.Visitor.Workspaces[0].Actor)
	return v, err
}

func (p pages) setOffPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	return p.setOff(r, SettingOff{Return: page.LocalPath(f.Get("return")), Invitation: f.Get("invitation")})
}

func (p pages) setOff(r *page.Request, in SettingOff) error {
	target, keep, err := p.s.SetOff(r.Context(), in, place(r))
	if err != nil {
		return err
	}
	r.Keep(keptOIDC, keep, r.Now().Add(stepLife))
	return r.Leave(target)
}

// linkPost sends somebody who is signed in to the other sign-in, to be known by it.
func (p pages) linkPost(_ http.ResponseWriter, r *page.Request) error {
	if !r.Visitor.SignedIn() {
		return r.Redirect(SignInPath)
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	err = p.setOff(r, SettingOff{Return: MePath, Link: Visitor{Login: r.Visitor.User, Session: r.Visitor.Session}, Password: f.Get("other-password")})
	if err != nil {
		return again(r, err, func(err error) error { return p.showMe(r, err, "other") })
	}
	return nil
}

func (p pages) comeBack(_ http.ResponseWriter, r *page.Request) error {
	kept := r.Kept(keptOIDC)
	r.Drop(keptOIDC)
	in, back, err := p.s.ComeBack(r.Context(), Return{Kept: kept, Query: r.URL.Query(), Link: r.Visitor.User}, place(r))
	switch {
	case err != nil && r.Visitor.SignedIn():
		return err
	case err != nil:
		return again(r, err, func(err error) error {
			form := doorForm{Return: page.LocalPath(back), Passkeys: p.s.PasskeysWork(), Other: p.s.OIDCLabel(), Err: err}
			return r.RenderStatus(problem.Of(err).Kind.Status(), signInPage(form, false))
		})
	case in.Secret == "":
		r.Flash("team.oidc.linked")
		return r.Redirect(back)
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	return r.Redirect(back)
}

func (p pages) removeIdentity(ctx context.Context, r *page.Request, _ url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "", "", err
	}
	identity, err := r.PathID("identity")
	if err != nil {
		return "", "", err
	}
	return "other", "team.oidc.unlinked", p.s.RemoveIdentity(ctx, a, identity)
}
