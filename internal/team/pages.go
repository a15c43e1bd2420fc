package team

import (
	"context"
	"embed"
	"net/http"
	"net/url"

	"parley/internal/actor"
	"parley/internal/page"
	"parley/internal/problem"
)

// Catalogue holds this package's words.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Paths of pages outside any workspace that others link to.
const (
	SignInPath = "/sign-in"
	ForgotPath = "/password"
	MePath     = "/me"
)

// SetUpPath, InvitationPath and PasswordPath are where the links lead whose
// secrets FirstRun, Invite and PasswordLink make; put the public address before them.
func SetUpPath(secret string) string      { return "/set-up/" + secret }
func InvitationPath(secret string) string { return "/invitation/" + secret }
func PasswordPath(secret string) string   { return "/password/" + secret }

// pages serves the package's pages. base is the public address, for links that
// people copy.
type pages struct {
	s    *Service
	base *url.URL
}

// Pages registers the package's pages, "/" among them: it leads to the inbox of
// the visitor's workspace, or lets them choose.
func (s *Service) Pages(k *page.Kernel, base *url.URL) {
	p := pages{s, base}
	k.Handle("GET /{$}", p.start)
	k.Handle("GET "+SignInPath, p.signIn)
	k.Handle("POST "+SignInPath, p.signInPost)
	k.Handle("POST /sign-out", p.signOut)
	k.Handle("GET /set-up/{secret}", p.setUp)
	k.Handle("POST /set-up/{secret}", p.setUpPost)
	k.Handle("GET /invitation/{secret}", p.invitation)
	k.Handle("POST /invitation/{secret}", p.invitationPost)
	k.Handle("POST /invitation/{secret}/join", p.joinPost)
	k.Handle("GET /password", p.forgot)
	k.Handle("POST /password", p.forgotPost)
	k.Handle("GET /password/{secret}", p.password)
	k.Handle("POST /password/{secret}", p.passwordPost)

	p.registerPasskeys(k)
	p.registerOIDC(k)

	k.Handle("GET "+MePath, p.me)
	k.Handle("POST /me/name", p.mePost(p.rename))
	k.Handle("POST /me/password", p.mePost(p.changePassword))
	k.Handle("POST /me/sessions/others", p.mePost(p.endOthers))
	k.Handle("POST /me/sessions/{session}", p.mePost(p.endSession))
	k.Handle("POST /me/tokens", p.createToken)
	k.Handle("POST /me/tokens/{token}", p.mePost(p.endToken))
	k.Handle("GET /workspaces/new", p.newWorkspace)
	k.Handle("POST /workspaces/new", p.newWorkspacePost)

	k.Member("GET /team", p.team)
	k.Member("POST /team/invitations", p.invite)
	k.Member("POST /team/invitations/{invitation}/revoke", p.revokeInvitation)
	k.Member("POST /team/teams", p.createTeam)
	k.Member("POST /team/teams/{team}/rename", p.renameTeam)
	k.Member("POST /team/teams/{team}/close", p.closeTeam)
	k.Member("POST /team/teams/{team}/add", p.addToTeam)
	k.Member("POST /team/teams/{team}/remove", p.removeFromTeam)
	k.Member("GET /team/members/{member}", p.member)
	k.Member("POST /team/members/{member}/grants", p.giveGrant)
	k.Member("POST /team/members/{member}/grants/{grant}/end", p.endGrant)
	k.Member("POST /team/members/{member}/tokens/{token}/revoke", p.revokeToken)
	k.Member("POST /team/members/{member}/remove", p.removeMember)
	k.Member("POST /team/leave", p.leave)
	k.Member("GET /settings", p.settings)
	k.Member("POST /settings", p.settingsPost)
}

// Visitor is Authenticate in the kernel's words: page.Options.Authenticate.
func (s *Service) Visitor(ctx context.Context, secret string) (page.Visitor, error) {
	v, err := s.Authenticate(ctx, secret)
	if err != nil {
		return page.Visitor{}, err
	}
	out := page.Visitor{Session: v.Session, User: v.Login, Name: v.Name, Locale: v.Locale,
		Workspaces: make([]page.Workspace, len(v.Workspaces))}
	for i, m := range v.Workspaces {
		out.Workspaces[i] = page.Workspace{ID: m.Workspace.ID, Slug: m.Workspace.Slug, Name: m.Workspace.Name, Actor: m.Actor}
	}
	return out, nil
}

func (p pages) start(_ http.ResponseWriter, r *page.Request) error {
	switch {
	case !r.Visitor.SignedIn():
		return r.Redirect(SignInPath)
	case len(r.Visitor.Workspaces) == 0:
		return r.Render(startPage())
	case len(r.Visitor.Workspaces) == 1:
		return r.Redirect(desk(r.Visitor.Workspaces[0]))
	default:
		return r.Redirect("/today")
	}
}

// desk is where work in a workspace begins.
func desk(w page.Workspace) string { return w.Link("today") }

// place is where a request comes from, as sessions and throttling know it.
func place(r *page.Request) Place {
	p := Place{Agent: r.UserAgent()}
	if r.Addr.IsValid() {
		p.Address = r.Addr.String()
	}
	return p
}

// enterAs gives the browser a session, ending the one it had.
func (p pages) enterAs(r *page.Request, in SignedIn) error {
	if old := r.SessionToken(); old != "" {
		if err := p.s.SignOut(r.Context(), old); err != nil {
			return err
		}
	}
	r.SignIn(in.Secret, in.Until)
	return nil
}

// again shows a form once more with what is wrong. What is no fault of the form
// is left to the kernel.
func again(r *page.Request, err error, show func(error) error) error {
	switch problem.Of(err).Kind {
	case problem.Invalid, problem.Unauthenticated, problem.Conflict, problem.Throttled:
		return show(err)
	default:
		return err
	}
}

func status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	return problem.Of(err).Kind.Status()
}

// mine is the actor a visitor acts as in a workspace of theirs; slug "" is any:
// what somebody does to their own login is recorded where they first belong.
func mine(r *page.Request, slug string) (actor.Actor, error) {
	for _, w := range r.Visitor.Workspaces {
		if slug == "" || w.Slug == slug {
			return w.Actor, nil
		}
	}
	return actor.Actor{}, page.NotFound()
}

func (p pages) link(path string) string { return p.base.Scheme + "://" + p.base.Host + path }
