package account

import (
	"context"
	"net/http"
	"strconv"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// pages serves the package's pages.
type pages struct{ s *Accounts }

// Pages registers the pages of this capability.
func (s *Accounts) Pages(k *page.Kernel) {
	p := pages{s}
	k.Member("GET /accounts", p.list)
	k.Member("GET /accounts/{account}/picture", p.picture)
	k.Member("GET /accounts/{account}/reconnect", p.again)
	k.Member("POST /accounts/{account}/reconnect", p.againPost)
	k.Member("POST /accounts/{account}/disconnect", p.verb(s.Disconnect, "account.said.disconnected"))
	k.Member("POST /accounts/{account}/checked", p.verb(s.CheckedGap, "account.said.checked"))
	k.Member("POST /accounts/{account}/import", p.verb(s.ResumeImport, "account.said.import"))
	k.Member("POST /accounts/{account}/signature", p.signature)
	k.Member("GET /connect", p.choose)
	k.Member("GET /connect/{network}", p.form)
	k.Member("POST /connect/{network}", p.formPost)
	k.Handle("GET /connect/callback", p.callback)
}

// listView is every account with how it is.
type listView struct {
	Accounts []Health
	Manage   bool // may connect another
	Pictures bool
}

// looks is how many accounts somebody should look at.
func (v listView) looks() int {
	n := 0
	for _, h := range v.Accounts {
		if h.Level == Bad || h.Level == Soon {
			n++
		}
	}
	return n
}

func (p pages) list(_ http.ResponseWriter, r *page.Request) error {
	hs, err := p.s.Health(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	return r.Render(accountsPage(listView{Accounts: hs, Manage: r.Actor.Can(actor.ManageAccounts), Pictures: p.s.Picture != nil}, r.Actor))
}

// PictureOf is the address, outside, of an account's picture.
func (s *Accounts) PictureOf(ctx context.Context, a actor.Actor, account id.ID) (string, error) {
	if !a.Can(actor.ReadHealth, scopeOf(account)...) && !a.Can(actor.ManageAccounts, scopeOf(account)...) {
		return "", a.Require(actor.ReadHealth, scopeOf(account)...)
	}
	acc, err := s.get(ctx, s.DB.Read(), a.Workspace, account)
	return acc.Remote.Avatar, err
}

// pictureEdge is the longest side of an account's picture in pixels: twice what is
// shown, for fine screens.
const pictureEdge = 192

func (p pages) picture(w http.ResponseWriter, r *page.Request) error {
	account, err := r.PathID("account")
	if err != nil {
		return err
	}
	address, err := p.s.PictureOf(r.Context(), r.Actor, account)
	if err != nil {
		return err
	}
	if address == "" || p.s.Picture == nil {
		return page.NotFound()
	}
	body, mime, err := p.s.Picture(r.Context(), r.Workspace.ID, address, pictureEdge)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}

// verb answers a form that does one thing to an account.
func (p pages) verb(do func(context.Context, actor.Actor, id.ID) error, said string) page.Handler {
	return func(_ http.ResponseWriter, r *page.Request) error {
		account, err := r.PathID("account")
		if err != nil {
			return err
		}
		if err := do(r.Context(), r.Actor, account); err != nil {
			return err
		}
		return p.done(r, account, said)
	}
}

func (p pages) signature(_ http.ResponseWriter, r *page.Request) error {
	account, err := r.PathID("account")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if !f.Has("signature") {
		return problem.New(problem.Invalid, "account.signature")
	}
	if err := p.s.SetSignature(r.Context(), r.Actor, account, f.Get("signature")); err != nil {
		return err
	}
	return p.done(r, account, "account.said.signature")
}

// done says a sentence about an account and goes back to the list.
func (p pages) done(r *page.Request, account id.ID, said string) error {
	acc, err := p.s.get(r.Context(), p.s.DB.Read(), r.Workspace.ID, account)
	if err != nil {
		return err
	}
	r.Flash(said, "name", acc.Name())
	return r.Redirect(r.Link("accounts"))
}
