package team

import (
	"net/http"
	"slices"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// teamView is who is in a workspace, and what the visitor may change of it.
type teamView struct {
	Workspace   string
	Me          id.ID
	Manage, Own bool
	Mail        bool // invitations are sent
	Members     []Member
	Teams       []Team
	Invitations []Invitation
	Scopes      []NamedScope
	Email       string // of the invitation that is being made
	Role        Role
	Err         error
}

// name is what a member is called; "" for one who is gone.
func (v teamView) name(member id.ID) string {
	for _, m := range v.Members {
		if m.ID == member {
			return m.Name
		}
	}
	return ""
}

func (v teamView) teamName(team id.ID) string {
	for _, t := range v.Teams {
		if t.ID == team {
			return t.Name
		}
	}
	return ""
}

// absent lists who is not in a team yet.
func (v teamView) absent(t Team) []page.Option {
	var out []page.Option
	for _, m := range v.Members {
		if !slices.Contains(t.Members, m.ID) {
			out = append(out, page.Option{Value: m.ID.String(), Label: m.Name})
		}
	}
	return out
}

// runs reports whether the visitor may change who is in a team.
func (v teamView) runs(a actor.Actor, t Team) bool {
	return a.Can(actor.ManageTeam, actor.Scope{Kind: "team", ID: t.ID})
}

func (p pages) team(_ http.ResponseWriter, r *page.Request) error { return p.showTeam(r, teamView{}) }

func (p pages) showTeam(r *page.Request, v teamView) error {
	if err := p.readTeam(r, &v); err != nil {
		return err
	}
	return r.RenderStatus(status(v.Err), teamPage(v, r.Actor))
}

func (p pages) readTeam(r *page.Request, v *teamView) (err error) {
	ctx, a := r.Context(), r.Actor
	v.Mail = p.s.mail.Ready()
	v.Workspace, v.Me, v.Manage, v.Own = r.Workspace.Name, a.Member, a.Can(actor.ManageTeam), a.Can(actor.OwnWorkspace)
	if v.Role == "" {
		v.Role = Voice
	}
	if v.Members, err = p.s.Members(ctx, a); err != nil {
		return err
	}
	if v.Teams, err = p.s.Teams(ctx, a); err != nil {
		return err
	}
	if v.Scopes, err = p.s.Scopes(ctx, a); err != nil {
		return err
	}
	if v.Manage {
		v.Invitations, err = p.s.Invitations(ctx, a)
	}
	return err
}

// invite answers with a page, not a redirect: the link is shown once and stands
// in no address and no cookie. It is shown also where it was mailed: some
// mailboxes keep what they do not know.
func (p pages) invite(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	v := teamView{Email: f.Get("email"), Role: Role(f.Get("role"))}
	inv, err := p.s.Invite(r.Context(), r.Actor, Invite{Email: v.Email, Roles: []RoleIn{{Role: v.Role}}})
	if err != nil {
		return again(r, err, func(err error) error {
			v.Err = err
			return p.showTeam(r, v)
		})
	}
	return r.Render(invitedPage(inv, p.link(InvitationPath(inv.Secret)), p.s.mail.Ready()))
}

func (p pages) revokeInvitation(_ http.ResponseWriter, r *page.Request) error {
	invitation, err := r.PathID("invitation")
	if err != nil {
		return err
	}
	if err := p.s.RevokeInvitation(r.Context(), r.Actor, invitation); err != nil {
		return err
	}
	return p.done(r, "team", "team.invitation.revoked")
}

// done says a sentence and goes on to a page of the workspace.
func (p pages) done(r *page.Request, path, said string, args ...any) error {
	r.Flash(said, args...)
	return r.Redirect(r.Link(path))
}

func (p pages) createTeam(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	t, err := p.s.CreateTeam(r.Context(), r.Actor, f.Get("team-name"))
	if err != nil {
		return err
	}
	return p.done(r, "team", "team.team.created", "name", t.Name)
}

func (p pages) renameTeam(_ http.ResponseWriter, r *page.Request) error {
	team, err := r.PathID("team")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.s.RenameTeam(r.Context(), r.Actor, team, f.Get("name-"+team.String())); err != nil {
		return err
	}
	return p.done(r, "team", "team.team.renamed")
}

func (p pages) closeTeam(_ http.ResponseWriter, r *page.Request) error {
	team, err := r.PathID("team")
	if err != nil {
		return err
	}
	if err := p.s.CloseTeam(r.Context(), r.Actor, team); err != nil {
		return err
	}
	return p.done(r, "team", "team.team.closed")
}

func (p pages) addToTeam(_ http.ResponseWriter, r *page.Request) error {
	team, member, err := teamAndMember(r)
	if err != nil {
		return err
	}
	if err := p.s.AddToTeam(r.Context(), r.Actor, team, member); err != nil {
		return err
	}
	return r.Redirect(r.Link("team"))
}

func (p pages) removeFromTeam(_ http.ResponseWriter, r *page.Request) error {
	team, member, err := teamAndMember(r)
	if err != nil {
		return err
	}
	if err := p.s.RemoveFromTeam(r.Context(), r.Actor, team, member); err != nil {
		return err
	}
	return r.Redirect(r.Link("team"))
}

// teamAndMember reads the team from the path and the member from the form.
func teamAndMember(r *page.Request) (team, member id.ID, err error) {
	if team, err = r.PathID("team"); err != nil {
		return 0, 0, err
	}
	f, err := r.Form()
	if err != nil {
		return 0, 0, err
	}
	if member, err = id.Parse(f.Get("member-" + team.String())); err != nil {
		return 0, 0, problem.New(problem.Invalid, "team.no_member").Because(err)
	}
	return team, member, nil
}

func (p pages) leave(_ http.ResponseWriter, r *page.Request) error {
	if err := p.s.Leave(r.Context(), r.Actor); err != nil {
		return err
	}
	r.Flash("team.left", "workspace", r.Workspace.Name)
	return r.Redirect("/")
}
