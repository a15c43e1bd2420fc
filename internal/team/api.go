package team

import (
	"context"
	"net/url"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/problem"
)

// operations serves the package's part of the API. base is the public address,
// for links that are handed to people.
type operations struct {
	s    *Service
	base *url.URL
}

// API registers the package's operations. What a member does to their own login
// is not among them: whoever holds a token must not become its owner.
func (s *Service) API(a *api.API, base *url.URL) {
	o := operations{s, base}
	manage := api.Needs(actor.ManageTeam)

	g := a.Section("workspace", "The workspace that a token belongs to.")
	api.Get(g, "/me", "readMe", "Read whom the token acts for, and what it may do", o.me)
	api.Get(g, "/workspace", "readWorkspace", "Read the workspace", o.workspace)
	api.Put(g, "/workspace", "changeWorkspace", "Change the settings of the workspace", o.changeWorkspace, api.Needs(actor.ManageWorkspace))
	api.Post(g, "/workspaces", "createWorkspace", "Open another workspace on this installation", o.createWorkspace,
		api.Needs(actor.OwnWorkspace), api.Created, api.About("The token's member owns it. The token stays where it is."))

	g = a.Section("members", "Who is in the workspace, and what each may do.")
	api.Get(g, "/members", "listMembers", "List the members", o.members, api.About("Addresses are told to those who manage the team."))
	api.Get(g, "/members/{member}", "readMember", "Read a member", o.member)
	api.Delete(g, "/members/{member}", "removeMember", "Remove a member", o.removeMember, manage,
		api.About("Ends their rights, tokens and open views here at once."))
	api.Post(g, "/members/{member}/grants", "giveGrant", "Give a member a role", o.giveGrant, api.Needs(actor.ManageTeam, actor.OwnWorkspace), api.Created)
	api.Delete(g, "/grants/{grant}", "endGrant", "Take a role away", o.endGrant, manage)
	api.Get(g, "/scopes", "listScopes", "List the teams and accounts a role may be narrowed to", o.scopes,
		api.Needs(actor.ReadConversations, actor.ReadHealth))
	api.Get(g, "/members/{member}/tokens", "listTokens", "List a member's API tokens", o.tokens, manage)
	api.Delete(g, "/tokens/{token}", "revokeToken", "End an API token", o.revokeToken, manage)

	g = a.Section("invitations", "Links that let somebody in.")
	api.Get(g, "/invitations", "listInvitations", "List the invitations that wait", o.invitations, manage)
	api.Post(g, "/invitations", "invite", "Invite somebody", o.invite, manage, api.Created,
		api.About("The link is told this once, and sent to them where Parley can send mail. An earlier invitation of the same address is dead."))
	api.Delete(g, "/invitations/{invitation}", "revokeInvitation", "Take an invitation back", o.revokeInvitation, manage)

	g = a.Section("teams", "Members under a name.")
	api.Get(g, "/teams", "listTeams", "List the teams", o.teams)
	api.Post(g, "/teams", "createTeam", "Make a team", o.createTeam, manage, api.Created)
	api.Patch(g, "/teams/{team}", "renameTeam", "Rename a team", o.renameTeam, manage)
	api.Delete(g, "/teams/{team}", "closeTeam", "Close a team", o.closeTeam, manage, api.About("Roles narrowed to it end."))
	api.Put(g, "/teams/{team}/members/{member}", "addToTeam", "Put a member into a team", o.addToTeam, manage)
	api.Delete(g, "/teams/{team}/members/{member}", "removeFromTeam", "Take a member out of a team", o.removeFromTeam, manage)
}

type scopeJSON struct {
	Kind string `json:"kind" enum:"account,team"`
	ID   id.ID  `json:"id"`
}

func scopeOut(s actor.Scope) *scopeJSON {
	if s == (actor.Scope{}) {
		return nil
	}
	return &scopeJSON{s.Kind, s.ID}
}

func (s *scopeJSON) in() actor.Scope {
	if s == nil {
		return actor.Scope{}
	}
	return actor.Scope{Kind: s.Kind, ID: s.ID}
}

type roleJSON struct {
	Role  Role       `json:"role" enum:"owner,steward,voice,contributor,reviewer,observer"`
	Scope *scopeJSON `json:"scope,omitempty" doc:"Where it counts; absent: in the whole workspace."`
}

type rightJSON struct {
	Right actor.Right `json:"right"`
	Scope *scopeJSON  `json:"scope,omitempty" doc:"Where it counts; absent: in the whole workspace."`
}

type meJSON struct {
	Workspace id.ID       `json:"workspace"`
	Member    id.ID       `json:"member"`
	Name      string      `json:"name" doc:"The member's, with which answers are signed."`
	Token     id.ID       `json:"token"`
	Rights    []rightJSON `json:"rights" doc:"What the member and the token both may do at this moment."`
}

func (o operations) me(ctx context.Context, a actor.Actor, _ *struct{}) (*meJSON, error) {
	if err := inside(a); err != nil {
		return nil, err
	}
	me := meJSON{Workspace: a.Workspace, Member: a.Member, Name: a.Name, Token: a.Token, Rights: []rightJSON{}}
	for _, g := range a.Grants {
		me.Rights = append(me.Rights, rightJSON{g.Right, scopeOut(g.Scope)})
	}
	return &me, nil
}

type workspaceJSON struct {
	ID       id.ID     `json:"id"`
	Slug     string    `json:"slug" doc:"Its part of the pages' addresses; never changes."`
	Name     string    `json:"name"`
	Locale   string    `json:"locale" example:"en"`
	Zone     string    `json:"zone" example:"Europe/Lisbon"`
	Created  time.Time `json:"created"`
	KeepDays int       `json:"keep_days" doc:"Days that messages of people outside are kept; 0: as long as the networks allow."`
}

func workspaceOut(w Workspace) *workspaceJSON { v := workspaceJSON(w); return &v }

func (o operations) workspace(ctx context.Context, a actor.Actor, _ *struct{}) (*workspaceJSON, error) {
	w, err := o.s.Workspace(ctx, a)
	return workspaceOut(w), err
}

type changeWorkspaceIn struct {
	Body struct {
		Name     string `json:"name"`
		Zone     string `json:"zone" example:"Europe/Lisbon"`
		Locale   string `json:"locale,omitempty" example:"en"`
		KeepDays int    `json:"keep_days"`
	}
}

func (o operations) changeWorkspace(ctx context.Context, a actor.Actor, in *changeWorkspaceIn) (*workspaceJSON, error) {
	if err := o.s.ChangeWorkspace(ctx, a, WorkspaceChange(in.Body)); err != nil {
		return nil, err
	}
	return o.workspace(ctx, a, nil)
}

type createWorkspaceIn struct {
	Body struct {
		Name   string `json:"name"`
		Zone   string `json:"zone" example:"Europe/Lisbon"`
		Locale string `json:"locale,omitempty" example:"en"`
	}
}

func (o operations) createWorkspace(ctx context.Context, a actor.Actor, in *createWorkspaceIn) (*workspaceJSON, error) {
	w, err := o.s.CreateWorkspace(ctx, a, NewWorkspace(in.Body))
	return workspaceOut(w), err
}

type grantJSON struct {
	ID      id.ID      `json:"id"`
	Member  id.ID      `json:"member"`
	Role    Role       `json:"role" enum:"owner,steward,voice,contributor,reviewer,observer"`
	Scope   *scopeJSON `json:"scope,omitempty" doc:"Where it counts; absent: in the whole workspace."`
	Reason  string     `json:"reason,omitempty"`
	Given   time.Time  `json:"given"`
	GivenBy id.ID      `json:"given_by,omitzero" doc:"The member who gave it; absent: Parley itself."`
	Until   time.Time  `json:"until,omitzero" doc:"When it ends; absent: never."`
}

func grantOut(g Grant) grantJSON {
	return grantJSON{ID: g.ID, Member: g.Member, Role: g.Role, Scope: scopeOut(g.Scope), Reason: g.Reason, Given: g.Given, GivenBy: g.GivenBy, Until: g.Until}
}

type memberJSON struct {
	ID     id.ID       `json:"id"`
	Name   string      `json:"name"`
	Email  string      `json:"email,omitempty"`
	Joined time.Time   `json:"joined"`
	Grants []grantJSON `json:"grants" doc:"Those for the whole workspace first, the widest role first."`
	Teams  []id.ID     `json:"teams"`
}

func memberOut(m Member) memberJSON {
	return memberJSON{ID: m.ID, Name: m.Name, Email: m.Email, Joined: m.Joined, Grants: api.ListOf(m.Grants, grantOut).Items, Teams: append([]id.ID{}, m.Teams...)}
}

func (o operations) members(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[memberJSON], error) {
	all, err := o.s.Members(ctx, a)
	return api.ListOf(all, memberOut), err
}

type memberIn struct {
	Member api.ID `path:"member"`
}

func (o operations) member(ctx context.Context, a actor.Actor, in *memberIn) (*memberJSON, error) {
	all, err := o.s.Members(ctx, a)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(m Member) bool { return m.ID == in.Member.ID })
	if i < 0 {
		return nil, problem.New(problem.NotFound, "team.no_member")
	}
	m := memberOut(all[i])
	return &m, nil
}

type removeMemberIn struct {
	Member api.ID `path:"member"`
	Reason string `query:"reason" doc:"Why, for the log."`
}

func (o operations) removeMember(ctx context.Context, a actor.Actor, in *removeMemberIn) (*api.None, error) {
	return nil, o.s.RemoveMember(ctx, a, in.Member.ID, in.Reason)
}

type giveGrantIn struct {
	Member api.ID `path:"member"`
	Body   struct {
		Role   Role       `json:"role" enum:"owner,steward,voice,contributor,reviewer,observer"`
		Scope  *scopeJSON `json:"scope,omitempty" doc:"Where it counts; absent: in the whole workspace."`
		Until  time.Time  `json:"until,omitzero" doc:"When it ends; absent: never."`
		Reason string     `json:"reason,omitempty"`
	}
}

func (o operations) giveGrant(ctx context.Context, a actor.Actor, in *giveGrantIn) (*grantJSON, error) {
	b := in.Body
	g, err := o.s.GiveGrant(ctx, a, NewGrant{Member: in.Member.ID, Role: b.Role, Scope: b.Scope.in(), Until: b.Until, Reason: b.Reason})
	out := grantOut(g)
	return &out, err
}

type endGrantIn struct {
	Grant  api.ID `path:"grant"`
	Reason string `query:"reason" doc:"Why, for the log."`
}

func (o operations) endGrant(ctx context.Context, a actor.Actor, in *endGrantIn) (*api.None, error) {
	return nil, o.s.EndGrant(ctx, a, in.Grant.ID, in.Reason)
}

type namedScopeJSON struct {
	Kind string `json:"kind" enum:"account,team"`
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
}

func (o operations) scopes(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[namedScopeJSON], error) {
	all, err := o.s.Scopes(ctx, a)
	return api.ListOf(all, func(n NamedScope) namedScopeJSON { return namedScopeJSON{n.Scope.Kind, n.Scope.ID, n.Name} }), err
}

type tokenJSON struct {
	ID      id.ID         `json:"id"`
	Member  id.ID         `json:"member"`
	Name    string        `json:"name"`
	Rights  []actor.Right `json:"rights"`
	Created time.Time     `json:"created"`
	Until   time.Time     `json:"until"`
	Used    time.Time     `json:"used,omitzero" doc:"To a few minutes; absent: never."`
}

func (o operations) tokens(ctx context.Context, a actor.Actor, in *memberIn) (*api.List[tokenJSON], error) {
	all, err := o.s.Tokens(ctx, a, in.Member.ID)
	return api.ListOf(all, func(t Token) tokenJSON { return tokenJSON(t) }), err
}

func (o operations) revokeToken(ctx context.Context, a actor.Actor, in *struct {
	Token api.ID `path:"token"`
}) (*api.None, error) {
	return nil, o.s.RevokeToken(ctx, a, in.Token.ID)
}

type invitationJSON struct {
	ID     id.ID      `json:"id"`
	Email  string     `json:"email"`
	Roles  []roleJSON `json:"roles"`
	Made   time.Time  `json:"made"`
	MadeBy id.ID      `json:"made_by,omitzero"`
	Until  time.Time  `json:"until"`
	Link   string     `json:"link,omitempty" doc:"For the one who is invited; told when it is made, and never again."`
	Mail   *mailJSON  `json:"mail,omitempty" doc:"How the mail with the link is; absent where Parley cannot send mail."`
}

type mailJSON struct {
	Posted time.Time `json:"posted"`
	Sent   time.Time `json:"sent,omitzero" doc:"When the mail server took it."`
	Failed time.Time `json:"failed,omitzero" doc:"When it was given up."`
	Said   string    `json:"said,omitempty" doc:"What the mail server said last."`
}

func (o operations) invitationOut(v Invitation) invitationJSON {
	out := invitationJSON{ID: v.ID, Email: v.Email, Made: v.Made, MadeBy: v.MadeBy, Until: v.Until,
		Roles: api.ListOf(v.Roles, func(r RoleIn) roleJSON { return roleJSON{r.Role, scopeOut(r.Scope)} }).Items}
	if v.Secret != "" {
		out.Link = o.base.Scheme + "://" + o.base.Host + InvitationPath(v.Secret)
	}
	if !v.Mail.Posted.IsZero() {
		m := mailJSON(v.Mail)
		out.Mail = &m
	}
	return out
}

func (o operations) invitations(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[invitationJSON], error) {
	all, err := o.s.Invitations(ctx, a)
	return api.ListOf(all, o.invitationOut), err
}

type inviteIn struct {
	Body struct {
		Email string     `json:"email"`
		Roles []roleJSON `json:"roles" minItems:"1" maxItems:"100"`
	}
}

func (o operations) invite(ctx context.Context, a actor.Actor, in *inviteIn) (*invitationJSON, error) {
	v := Invite{Email: in.Body.Email}
	for _, r := range in.Body.Roles {
		v.Roles = append(v.Roles, RoleIn{r.Role, r.Scope.in()})
	}
	made, err := o.s.Invite(ctx, a, v)
	out := o.invitationOut(made)
	return &out, err
}

func (o operations) revokeInvitation(ctx context.Context, a actor.Actor, in *struct {
	Invitation api.ID `path:"invitation"`
}) (*api.None, error) {
	return nil, o.s.RevokeInvitation(ctx, a, in.Invitation.ID)
}

type teamJSON struct {
	ID      id.ID     `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Members []id.ID   `json:"members"`
}

func teamOut(t Team) teamJSON {
	return teamJSON{ID: t.ID, Name: t.Name, Created: t.Created, Members: append([]id.ID{}, t.Members...)}
}

func (o operations) teams(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[teamJSON], error) {
	all, err := o.s.Teams(ctx, a)
	return api.ListOf(all, teamOut), err
}

// teamNameJSON is what a team is to be called.
type teamNameJSON struct {
	Name string `json:"name"`
}

func (o operations) createTeam(ctx context.Context, a actor.Actor, in *struct{ Body teamNameJSON }) (*teamJSON, error) {
	t, err := o.s.CreateTeam(ctx, a, in.Body.Name)
	out := teamOut(t)
	return &out, err
}

type teamIn struct {
	Team api.ID `path:"team"`
}

type renameTeamIn struct {
	Team api.ID `path:"team"`
	Body teamNameJSON
}

func (o operations) renameTeam(ctx context.Context, a actor.Actor, in *renameTeamIn) (*api.None, error) {
	return nil, o.s.RenameTeam(ctx, a, in.Team.ID, in.Body.Name)
}

func (o operations) closeTeam(ctx context.Context, a actor.Actor, in *teamIn) (*api.None, error) {
	return nil, o.s.CloseTeam(ctx, a, in.Team.ID)
}

type teamMemberIn struct {
	Team   api.ID `path:"team"`
	Member api.ID `path:"member"`
}

func (o operations) addToTeam(ctx context.Context, a actor.Actor, in *teamMemberIn) (*api.None, error) {
	return nil, o.s.AddToTeam(ctx, a, in.Team.ID, in.Member.ID)
}

func (o operations) removeFromTeam(ctx context.Context, a actor.Actor, in *teamMemberIn) (*api.None, error) {
	return nil, o.s.RemoveFromTeam(ctx, a, in.Team.ID, in.Member.ID)
}
