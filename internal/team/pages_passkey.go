package team

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"parley/internal/page"
	"parley/internal/problem"
)

// passkeysView is how somebody can sign in, on their own page.
type passkeysView struct {
	Work     bool // this address can have passkeys
	All      []Passkey
	Password bool // there is one
}

// spare reports whether the password can go: something else lets them in.
func (v passkeysView) spare() bool {
	return slices.ContainsFunc(v.All, func(k Passkey) bool { return k.Doubted.IsZero() })
}

func (p pages) registerPasskeys(k *page.Kernel) {
	k.Handle("POST /sign-in/passkey/options", p.offerPasskeys)
	k.Handle("POST /sign-in/passkey", p.signInWithPasskey)
	k.Handle("POST /me/passkeys/options", p.preparePasskey)
	k.Handle("POST /me/passkeys", p.mePost(p.addPasskey))
	k.Handle("POST /me/passkeys/{passkey}/name", p.mePost(p.renamePasskey))
	k.Handle("POST /me/passkeys/{passkey}/remove", p.mePost(p.removePasskey))
	k.Handle("POST /me/password/remove", p.mePost(p.removePassword))
}

func (p pages) readPasskeys(r *page.Request) (v passkeysView, err error) {
	a := r.Visitor.Workspaces[0].Actor
	v.Work = p.s.PasskeysWork()
	if v.All, err = p.s.Passkeys(r.Context(), a); err != nil {
		return v, err
	}
	v.Password, err = p.s.HasPassword(r.Context(), a)
	return v, err
}

// options answers a script with what navigator.credentials is to be given.
func options(w http.ResponseWriter, raw []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(raw)
	return err
}

func (p pages) offerPasskeys(w http.ResponseWriter, r *page.Request) error {
	raw, err := p.s.OfferPasskeys(r.Context(), place(r))
	return options(w, raw, err)
}

func (p pages) signInWithPasskey(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Return: page.LocalPath(f.Get("return")), Passkeys: p.s.PasskeysWork(), Other: p.s.OIDCLabel()}
	in, err := p.s.SignInWithPasskey(r.Context(), []byte(f.Get("answer")), place(r))
	if err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return r.RenderStatus(status(err), signInPage(form, false))
		})
	}
	if err := p.enterAs(r, in); err != nil {
		return err
	}
	return r.Redirect(form.Return)
}

func (p pages) preparePasskey(w http.ResponseWriter, r *page.Request) error {
	if !r.Visitor.SignedIn() {
		return problem.New(problem.Unauthenticated, "page.signed_out")
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	raw, err := p.s.PreparePasskey(r.Context(), Visitor{Login: r.Visitor.User, Session: r.Visitor.Session}, f.Get("passkey-password"), place(r))
	return options(w, raw, err)
}

func (p pages) addPasskey(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "passkey", "", err
	}
	_, err = p.s.AddPasskey(ctx, a, NewPasskey{Name: f.Get("passkey-name"), Answer: []byte(f.Get("answer"))})
	return "passkey", "team.passkey.added", err
}

func (p pages) renamePasskey(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "", "", err
	}
	key, err := r.PathID("passkey")
	if err != nil {
		return "", "", err
	}
	return "passkey", "team.passkey.renamed", p.s.RenamePasskey(ctx, a, key, f.Get("passkey-name"))
}

func (p pages) removePasskey(ctx context.Context, r *page.Request, _ url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "", "", err
	}
	key, err := r.PathID("passkey")
	if err != nil {
		return "", "", err
	}
	return "passkey", "team.passkey.removed", p.s.RemovePasskey(ctx, a, key)
}

func (p pages) removePassword(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "password", "", err
	}
	err = p.s.RemovePassword(ctx, a, PasswordChange{Old: f.Get("old-last"), Keep: r.Visitor.Session}, place(r))
	return "password", "team.me.password.removed", err
}
