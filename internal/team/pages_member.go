package team

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// memberView is one member and what the visitor may change about them.
type memberView struct {
	teamView
	Member Member
	Tokens []Token
	Until  string
	Reason string
}

// rights lists in the order of the table what the member may do everywhere.
func (v memberView) rights() []actor.Right {
	a := actor.Actor{Workspace: 1, Member: v.Member.ID}
	for _, g := range v.Member.Grants {
		a.Grants = expand(a.Grants, g.Role, g.Scope)
	}
	return slices.DeleteFunc(Owner.Rights(), func(r actor.Right) bool { return !a.Can(r) })
}

// where is what a scope is called; "" is the whole workspace.
func (v teamView) where(in actor.Scope) string {
	for _, s := range v.Scopes {
		if s.Scope == in {
			return s.Name
		}
	}
	return ""
}

func (p pages) member(_ http.ResponseWriter, r *page.Request) error {
	return p.showMember(r, memberView{teamView: teamView{Role: Contributor}})
}

func (p pages) showMember(r *page.Request, v memberView) error {
	member, err := r.PathID("member")
	if err != nil {
		return err
	}
	if err := p.readTeam(r, &v.teamView); err != nil {
		return err
	}
	i := slices.IndexFunc(v.Members, func(m Member) bool { return m.ID == member })
	if i < 0 {
		return problem.New(problem.NotFound, "team.no_member")
	}
	v.Member = v.Members[i]
	if v.Manage {
		if v.Tokens, err = p.s.Tokens(r.Context(), r.Actor, member); err != nil {
			return err
		}
	}
	return r.RenderStatus(status(v.Err), memberPage(v))
}

func (p pages) giveGrant(_ http.ResponseWriter, r *page.Request) error {
	member, err := r.PathID("member")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	v := memberView{teamView: teamView{Role: Role(f.Get("role"))}, Until: f.Get("until"), Reason: f.Get("reason")}
	g, err := p.s.readGrant(r, member, v, f.Get("scope"))
	if err == nil {
		_, err = p.s.GiveGrant(r.Context(), r.Actor, g)
	}
	if err != nil {
		return again(r, err, func(err error) error {
			v.Err = err
			return p.showMember(r, v)
		})
	}
	return p.done(r, "team/members/"+member.String(), "team.grant.given")
}

// readGrant turns the form into a grant. The last day counts to its end, in the
// time zone of whoever filled it in.
func (s *Service) readGrant(r *page.Request, member id.ID, v memberView, scope string) (NewGrant, error) {
	g := NewGrant{Member: member, Role: v.Role, Reason: v.Reason}
	if v.Until != "" {
		day, err := time.ParseInLocation(time.DateOnly, v.Until, r.Locale.Zone())
		if err != nil {
			return g, problem.New(problem.Invalid, "team.until_past").At("until").Because(err)
		}
		g.Until = day.AddDate(0, 0, 1).UTC()
	}
	if kind, text, ok := strings.Cut(scope, ":"); ok {
		in, err := id.Parse(text)
		if err != nil {
			return g, problem.New(problem.Invalid, "team.scope").At("scope").Because(err)
		}
		g.Scope = actor.Scope{Kind: kind, ID: in}
	}
	return g, nil
}

func (p pages) endGrant(_ http.ResponseWriter, r *page.Request) error {
	member, grant, err := twoIDs(r, "member", "grant")
	if err != nil {
		return err
	}
	if err := p.s.EndGrant(r.Context(), r.Actor, grant, ""); err != nil {
		return err
	}
	return p.done(r, "team/members/"+member.String(), "team.grant.ended")
}

func (p pages) revokeToken(_ http.ResponseWriter, r *page.Request) error {
	member, token, err := twoIDs(r, "member", "token")
	if err != nil {
		return err
	}
	if err := p.s.RevokeToken(r.Context(), r.Actor, token); err != nil {
		return err
	}
	return p.done(r, "team/members/"+member.String(), "team.token.revoked")
}

func twoIDs(r *page.Request, first, second string) (x, y id.ID, err error) {
	if x, err = r.PathID(first); err != nil {
		return 0, 0, err
	}
	y, err = r.PathID(second)
	return x, y, err
}

func (p pages) removeMember(_ http.ResponseWriter, r *page.Request) error {
	member, err := r.PathID("member")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.s.RemoveMember(r.Context(), r.Actor, member, f.Get("removal-reason")); err != nil {
		return err
	}
	return p.done(r, "team", "team.member.removed")
}
