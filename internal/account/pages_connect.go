package account

import (
	"net/http"
	"net/url"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/problem"
)

// formView is the form that connects an account of one network.
type formView struct {
	Info    network.Info
	Consent bool       // it leads over the network's own page
	Account *Account   // that is being reconnected; nil: a new one
	Typed   url.Values // without secrets
	Err     error
}

// action is where the form goes.
func (v formView) action() string {
	if v.Account != nil {
		return "accounts/" + v.Account.ID.String() + "/reconnect"
	}
	return "connect/" + url.PathEscape(v.Info.Name)
}

// hint is what the one field of a network with a consent page is called.
const hint = "hint"

func (p pages) choose(_ http.ResponseWriter, r *page.Request) error {
	if err := r.Actor.Require(actor.ManageAccounts); err != nil {
		return err
	}
	infos := p.s.Infos()
	if len(infos) == 1 {
		return r.Redirect(r.Link("connect/" + url.PathEscape(infos[0].Name)))
	}
	return r.Render(choosePage(infos, p.s.NeedsConsent))
}

// view is an empty form for a network.
func (p pages) view(name string) (formView, error) {
	n := p.s.byName[name]
	if n == nil {
		return formView{}, unknownNetwork()
	}
	return formView{Info: n.Info(), Consent: p.s.NeedsConsent(name), Typed: url.Values{}}, nil
}

func (p pages) form(_ http.ResponseWriter, r *page.Request) error {
	if err := r.Actor.Require(actor.ManageAccounts); err != nil {
		return err
	}
	v, err := p.view(r.PathValue("network"))
	if err != nil {
		return err
	}
	return r.Render(formPage(v))
}

func (p pages) formPost(_ http.ResponseWriter, r *page.Request) error {
	v, err := p.view(r.PathValue("network"))
	if err != nil {
		return err
	}
	return p.connect(r, v)
}

// againView is the form for an account that is known, filled in as far as that is.
func (p pages) againView(r *page.Request) (formView, error) {
	account, err := r.PathID("account")
	if err != nil {
		return formView{}, err
	}
	return p.viewOf(r, account)
}

func (p pages) viewOf(r *page.Request, account id.ID) (formView, error) {
	acc, err := p.s.managed(r.Context(), r.Actor, account)
	if err != nil {
		return formView{}, err
	}
	v, err := p.view(acc.Remote.Network)
	if err != nil {
		return v, problem.New(problem.Unavailable, "account.no_connector", "network", acc.Remote.Network)
	}
	v.Account = &acc
	for _, f := range v.Info.Fields {
		if !f.Secret {
			v.Typed.Set(f.Name, known(f.Name, acc.Remote))
		}
	}
	return v, nil
}

// known is what a field most likely held when the account was connected.
func known(field string, remote network.Account) string {
	switch field {
	case "handle":
		return remote.Handle
	case hint, "address":
		return remote.Instance
	}
	return ""
}

func (p pages) again(_ http.ResponseWriter, r *page.Request) error {
	v, err := p.againView(r)
	if err != nil {
		return err
	}
	return r.Render(formPage(v))
}

func (p pages) againPost(_ http.ResponseWriter, r *page.Request) error {
	v, err := p.againView(r)
	if err != nil {
		return err
	}
	return p.connect(r, v)
}

// connect signs in with what was typed, or sends the member on to the network.
func (p pages) connect(r *page.Request, v formView) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	ctx := r.Context()
	if v.Consent {
		var address string
		if v.Account != nil {
			address, err = p.s.BeginAgain(ctx, r.Actor, v.Account.ID, typed.Get(hint))
		} else {
			address, err = p.s.Begin(ctx, r.Actor, v.Info.Name, typed.Get(hint))
		}
		if err != nil {
			return p.refused(r, v, typed, err)
		}
		return r.Leave(address)
	}
	var account id.ID
	if v.Account != nil {
		account = v.Account.ID
		err = p.s.SignInAgain(ctx, r.Actor, account, typed)
	} else {
		account, err = p.s.SignIn(ctx, r.Actor, v.Info.Name, typed)
	}
	if err != nil {
		return p.refused(r, v, typed, err)
	}
	return p.done(r, account, "account.said.connected")
}

// refused shows the form once more with what is wrong and what was typed, secrets
// left out. What is no fault of the form or the network is left to the kernel.
func (p pages) refused(r *page.Request, v formView, typed url.Values, err error) error {
	switch kind := problem.Of(err).Kind; kind {
	case problem.Invalid, problem.Conflict, problem.Upstream, problem.Gone, problem.Unavailable:
		v.Typed, v.Err = url.Values{}, err
		for _, f := range v.Info.Fields {
			if !f.Secret {
				v.Typed.Set(f.Name, typed.Get(f.Name))
			}
		}
		return r.RenderStatus(kind.Status(), formPage(v))
	default:
		return err
	}
}

// callback is where a network's consent page sends the member back to. Its address
// names no workspace, since networks want one address: the state leads to it.
func (p pages) callback(_ http.ResponseWriter, r *page.Request) error {
	if !r.Visitor.SignedIn() {
		return problem.New(problem.Unauthenticated, "account.consent_signed_out")
	}
	ctx, q := r.Context(), r.URL.Query()
	b, err := p.s.Begun(ctx, q.Get("state"))
	if err != nil {
		return err
	}
	if !enter(r, b) {
		return problem.New(problem.Forbidden, "account.consent_other")
	}
	v, err := p.begunView(r, b)
	if err != nil {
		return err
	}
	account, err := p.s.Finish(ctx, r.Actor, q)
	if err != nil {
		return p.refused(r, v, url.Values{hint: {b.Hint}}, err)
	}
	return p.done(r, account, "account.said.connected")
}

// enter gives the request the workspace in which a connection was begun, if the
// visitor is the member who began it.
func enter(r *page.Request, b Begun) bool {
	for _, w := range r.Visitor.Workspaces {
		if w.ID == b.Workspace && w.Actor.Member == b.Member {
			r.Workspace, r.Actor = w, w.Actor
			return true
		}
	}
	return false
}

// begunView is the form that a connection was begun with.
func (p pages) begunView(r *page.Request, b Begun) (formView, error) {
	if b.Account != 0 {
		return p.viewOf(r, b.Account)
	}
	return p.view(b.Network)
}
