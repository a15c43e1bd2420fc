package team

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// meView is one's own settings.
type meView struct {
	Name     string
	Email    string
	Current  id.ID // the session that looks
	Sessions []Session
	Passkeys passkeysView
	Other    otherView
	Tokens   []myToken
	Places   []page.Workspace // where tokens can be made
	Rights   []actor.Right    // that some token could carry
	Err      error
	About    string // the form that Err belongs to: "name", "password", "passkey", "other", "token"
}

// fault is what is wrong with one of the forms, for its fields.
func (v meView) fault(about string) *problem.Problem {
	if v.About != about {
		return nil
	}
	return problem.Of(v.Err)
}

func (v meView) err(about string) error {
	if v.About != about {
		return nil
	}
	return v.Err
}

type myToken struct {
	Token
	Workspace page.Workspace
}

func (p pages) me(_ http.ResponseWriter, r *page.Request) error { return p.showMe(r, nil, "") }

func (p pages) showMe(r *page.Request, fault error, about string) error {
	if !r.Visitor.SignedIn() {
		return r.Redirect(SignInPath + "?" + url.Values{"return": {MePath}}.Encode())
	}
	if len(r.Visitor.Workspaces) == 0 {
		return r.Redirect("/")
	}
	v, err := p.readMe(r)
	if err != nil {
		return err
	}
	v.Err, v.About = fault, about
	return r.RenderStatus(status(fault), mePage(v))
}

func (p pages) readMe(r *page.Request) (meView, error) {
	ctx := r.Context()
	l, err := loginOf(ctx, p.s.db.Read(), r.Visitor.User)
	if err != nil {
		return meView{}, err
	}
	v := meView{Name: l.name, Email: l.email, Current: r.Visitor.Session}
	if v.Sessions, err = p.s.Sessions(ctx, r.Visitor.Workspaces[0].Actor); err != nil {
		return v, err
	}
	if i := slices.IndexFunc(v.Sessions, func(x Session) bool { return x.ID == v.Current }); i > 0 { // this browser first
		current := v.Sessions[i]
		v.Sessions = slices.Insert(slices.Delete(v.Sessions, i, i+1), 0, current)
	}
	if v.Passkeys, err = p.readPasskeys(r); err != nil {
		return v, err
	}
	if v.Other, err = p.readOther(r); err != nil {
		return v, err
	}
	for _, w := range r.Visitor.Workspaces {
		tokens, err := p.s.Tokens(ctx, w.Actor, w.Actor.Member)
		if err != nil {
			return v, err
		}
		for _, t := range tokens {
			v.Tokens = append(v.Tokens, myToken{t, w})
		}
		if len(w.Actor.Grants) > 1 { // more than Self
			v.Places = append(v.Places, w)
		}
		for _, right := range TokenRights() {
			if w.Actor.CanSomewhere(right) && !slices.Contains(v.Rights, right) {
				v.Rights = append(v.Rights, right)
			}
		}
	}
	return v, nil
}

// change is one of the small forms of one's own settings. It names itself, to
// be shown again where it is refused, and says what was done.
type change func(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error)

func (p pages) mePost(do change) page.Handler {
	return func(_ http.ResponseWriter, r *page.Request) error {
		if !r.Visitor.SignedIn() {
			return r.Redirect(SignInPath)
		}
		f, err := r.Form()
		if err != nil {
			return err
		}
		about, said, err := do(r.Context(), r, f)
		if err != nil {
			return again(r, err, func(err error) error { return p.showMe(r, err, about) })
		}
		r.Flash(said)
		return r.Redirect(MePath)
	}
}

// rename gives somebody one name in all their workspaces. Each of them records
// it; if one fails, the next try does the rest.
func (p pages) rename(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	for _, w := range r.Visitor.Workspaces {
		if err := p.s.RenameSelf(ctx, w.Actor, f.Get("name")); err != nil {
			return "name", "", err
		}
	}
	return "name", "team.me.name.done", nil
}

func (p pages) changePassword(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "password", "", err
	}
	err = p.s.ChangePassword(ctx, a, PasswordChange{Old: f.Get("old"), New: f.Get("password"), Keep: r.Visitor.Session}, place(r))
	return "password", "team.me.password.done", err
}

func (p pages) endSession(ctx context.Context, r *page.Request, _ url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "", "", err
	}
	session, err := r.PathID("session")
	if err != nil {
		return "", "", err
	}
	return "", "team.me.session.done", p.s.RevokeSession(ctx, a, session)
}

func (p pages) endOthers(ctx context.Context, r *page.Request, _ url.Values) (about, said string, err error) {
	a, err := mine(r, "")
	if err != nil {
		return "", "", err
	}
	return "", "team.me.sessions.done", p.s.RevokeOtherSessions(ctx, a, r.Visitor.Session)
}

func (p pages) endToken(ctx context.Context, r *page.Request, f url.Values) (about, said string, err error) {
	a, err := mine(r, f.Get("workspace"))
	if err != nil {
		return "", "", err
	}
	token, err := r.PathID("token")
	if err != nil {
		return "", "", err
	}
	return "", "team.token.revoked", p.s.RevokeToken(ctx, a, token)
}

// createToken answers with a page, not a redirect: the secret is told once and
// stands in no address and no cookie.
func (p pages) createToken(_ http.ResponseWriter, r *page.Request) error {
	if !r.Visitor.SignedIn() {
		return r.Redirect(SignInPath)
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	a, err := mine(r, f.Get("workspace"))
	if err != nil {
		return err
	}
	in := NewToken{Name: f.Get("token-name")}
	for _, right := range f["right"] {
		in.Rights = append(in.Rights, actor.Right(right))
	}
	if days, err := strconv.Atoi(f.Get("days")); err == nil && days > 0 && days <= 366 {
		in.Until = p.s.clock.Now().Add(time.Duration(days) * 24 * time.Hour)
	}
	t, secret, err := p.s.CreateToken(r.Context(), a, in)
	if err != nil {
		return again(r, err, func(err error) error { return p.showMe(r, err, "token") })
	}
	return r.Render(tokenPage(t, secret))
}

func (p pages) newWorkspace(_ http.ResponseWriter, r *page.Request) error {
	if _, err := p.someOwner(r); err != nil {
		return err
	}
	return r.Render(newWorkspacePage(doorForm{Zone: zoneOf(r)}))
}

// someOwner is the visitor as the owner of one of their workspaces.
func (p pages) someOwner(r *page.Request) (actor.Actor, error) {
	for _, w := range r.Visitor.Workspaces {
		if w.Actor.Can(actor.OwnWorkspace) {
			return w.Actor, nil
		}
	}
	return actor.Actor{}, actor.Actor{}.Require(actor.OwnWorkspace)
}

func (p pages) newWorkspacePost(_ http.ResponseWriter, r *page.Request) error {
	a, err := p.someOwner(r)
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	form := doorForm{Workspace: f.Get("workspace"), Zone: f.Get("zone")}
	w, err := p.s.CreateWorkspace(r.Context(), a, NewWorkspace{Name: form.Workspace, Zone: form.Zone, Locale: r.Locale.Name()})
	if err != nil {
		return again(r, err, func(err error) error {
			form.Err = err
			return r.RenderStatus(status(err), newWorkspacePage(form))
		})
	}
	r.Flash("team.set_up.done", "workspace", w.Name)
	return r.Redirect(desk(page.Workspace{Slug: w.Slug}))
}
