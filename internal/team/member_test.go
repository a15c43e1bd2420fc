package team_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/team"
)

func TestRolesAreRights(t *testing.T) {
	t.Parallel()
	h := setup(t)
	f := h.founder(1)
	for _, tc := range []struct {
		role team.Role
		may  []actor.Right
		not  []actor.Right
	}{
		{team.Steward, []actor.Right{actor.ManageTeam, actor.ManageAccounts, actor.Reply, actor.ErasePerson}, []actor.Right{actor.OwnWorkspace}},
		{team.Voice, []actor.Right{actor.Reply, actor.Claim, actor.ReadHealth}, []actor.Right{actor.ManageTeam, actor.ManageAccounts, actor.ErasePerson}},
		{team.Contributor, []actor.Right{actor.ReadConversations, actor.Claim}, []actor.Right{actor.Reply, actor.Moderate}},
		{team.Reviewer, []actor.Right{actor.ReadConversations}, []actor.Right{actor.Reply, actor.Claim}},
		{team.Observer, []actor.Right{actor.ReadConversations}, []actor.Right{actor.Reply, actor.Claim, actor.ReadAudit}},
	} {
		w := h.hire(f.actor, "M"+string(tc.role), tc.role)
		for _, r := range append(tc.may, actor.Self) {
			if !w.actor.Can(r) {
				t.Errorf("a %s may not %s", tc.role, r)
			}
		}
		for _, r := range tc.not {
			if w.actor.CanSomewhere(r) {
				t.Errorf("a %s may %s", tc.role, r)
			}
		}
	}
}

func TestRightsEndAtTheNextRequest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	other := on(t, h.db, h.clock, 2, cheap())
	f := h.founder(1)
	v := h.hire(f.actor, "Vera", team.Observer)
	g, err := h.GiveGrant(ctx, f.actor, team.NewGrant{Member: v.actor.Member, Role: team.Voice,
		Until: h.clock.Now().Add(time.Hour), Reason: "holiday cover"})
	must(t, err)
	if !other.actorIn(v.Secret, f.actor.Workspace).Can(actor.Reply) {
		t.Error("given, but not there at the next request")
	}
	h.clock.Advance(time.Hour)
	if other.actorIn(v.Secret, f.actor.Workspace).Can(actor.Reply) {
		t.Error("expired, but still there")
	}
	members, err := h.Members(ctx, f.actor)
	must(t, err)
	if i := slices.IndexFunc(members, func(m team.Member) bool { return m.Name == "Vera" }); len(members[i].Grants) != 1 {
		t.Errorf("shown: %+v", members[i].Grants)
	}
	// Given again, without an end, it replaces what expired.
	g2, err := h.GiveGrant(ctx, f.actor, team.NewGrant{Member: v.actor.Member, Role: team.Voice})
	must(t, err)
	if !other.actorIn(v.Secret, f.actor.Workspace).Can(actor.Reply) {
		t.Error("given again, but not there")
	}
	refused(t, h.EndGrant(ctx, f.actor, g.ID, ""), "team.no_grant")
	h.takeEnded()
	must(t, h.EndGrant(ctx, f.actor, g2.ID, "back from holiday"))
	if e := h.takeEnded(); len(e) != 1 || e[0] != (team.Ended{Workspace: f.actor.Workspace, Member: v.actor.Member}) {
		t.Errorf("told: %+v", e)
	}
	if other.actorIn(v.Secret, f.actor.Workspace).Can(actor.Reply) {
		t.Error("taken away, but still there")
	}
}

func TestGrantsInOneTeamOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	press, err := h.CreateTeam(ctx, f.actor, "Press")
	must(t, err)
	night, err := h.CreateTeam(ctx, f.actor, "Night")
	must(t, err)
	inPress, inNight := actor.Scope{Kind: "team", ID: press.ID}, actor.Scope{Kind: "team", ID: night.ID}
	v := h.hire(f.actor, "Vera", team.Observer)
	o := h.hire(f.actor, "Otto", team.Observer)
	_, err = h.GiveGrant(ctx, f.actor, team.NewGrant{Member: v.actor.Member, Role: team.Steward, Scope: inPress})
	must(t, err)
	a := h.actorIn(v.Secret, f.actor.Workspace)
	if a.Can(actor.ManageTeam) || !a.Can(actor.ManageTeam, inPress) || a.Can(actor.ManageTeam, inNight) {
		t.Errorf("steward of one team: %+v", a.Grants)
	}
	must(t, h.AddToTeam(ctx, a, press.ID, o.actor.Member))
	must(t, h.AddToTeam(ctx, a, press.ID, o.actor.Member))
	refused(t, h.AddToTeam(ctx, a, night.ID, o.actor.Member), "forbidden")
	_, err = h.GiveGrant(ctx, a, team.NewGrant{Member: o.actor.Member, Role: team.Voice, Scope: inPress})
	must(t, err)
	for _, in := range []actor.Scope{{}, inNight} {
		_, err = h.GiveGrant(ctx, a, team.NewGrant{Member: a.Member, Role: team.Steward, Scope: in})
		refused(t, err, "forbidden")
	}
	refused(t, h.RemoveMember(ctx, a, o.actor.Member, ""), "forbidden")
	refused(t, h.CloseTeam(ctx, a, press.ID), "forbidden")

	must(t, h.CloseTeam(ctx, f.actor, press.ID))
	if a := h.actorIn(o.Secret, f.actor.Workspace); a.CanSomewhere(actor.Reply) {
		t.Errorf("the team is closed: %+v", a.Grants)
	}
	refused(t, h.AddToTeam(ctx, f.actor, press.ID, o.actor.Member), "team.no_team")
	_, err = h.CreateTeam(ctx, f.actor, "press") // its name is free again
	must(t, err)
	_, err = h.CreateTeam(ctx, f.actor, "PRESS")
	refused(t, err, "team.name_taken")
	refused(t, h.RenameTeam(ctx, f.actor, night.ID, "Press"), "team.name_taken")
}

func TestGrantsToAccounts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	town := actor.Scope{Kind: "account", ID: 77}
	give := func(s *team.Service, in actor.Scope) error {
		_, err := s.GiveGrant(ctx, f.actor, team.NewGrant{Member: f.actor.Member, Role: team.Voice, Scope: in})
		return err
	}
	refused(t, give(h.Service, town), "team.no_scope") // nobody told of any account
	s := team.New(team.Config{DB: h.db, Events: event.NewLog(h.clock, nil), Clock: h.clock, IDs: h.ids, Cost: cheap(),
		Accounts: func(context.Context, actor.Actor) ([]team.NamedScope, error) {
			return []team.NamedScope{{Scope: town, Name: "@town"}}, nil
		}})
	must(t, give(s, town))
	refused(t, give(s, actor.Scope{Kind: "account", ID: 78}), "team.no_scope")
}

// A steward for a week can make neither themselves nor a friend one for good.
func TestARoleIsGivenForNoLongerThanItsGiverHasIt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	s := h.hire(f.actor, "Stew", team.Observer)
	friday := h.clock.Now().Add(72 * time.Hour)
	_, err := h.GiveGrant(ctx, f.actor, team.NewGrant{Member: s.actor.Member, Role: team.Steward, Until: friday})
	must(t, err)
	a := h.actorIn(s.Secret, f.actor.Workspace)
	for _, until := range []time.Time{{}, friday.Add(time.Second)} {
		_, err = h.GiveGrant(ctx, a, team.NewGrant{Member: a.Member, Role: team.Steward, Until: until})
		refused(t, err, "team.until_longer")
	}
	_, err = h.GiveGrant(ctx, a, team.NewGrant{Member: a.Member, Role: team.Voice, Until: friday})
	must(t, err)
	inv, err := h.Invite(ctx, a, team.Invite{Email: "friend@example.org", Roles: []team.RoleIn{{Role: team.Steward}}})
	must(t, err)
	friend, err := h.AcceptNew(ctx, inv.Secret, team.NewLogin{Name: "Friend", Password: password}, team.Place{})
	must(t, err)
	if !h.actorIn(friend.Secret, a.Workspace).Can(actor.ManageTeam) {
		t.Error("the invitation gave nothing")
	}
	h.clock.Advance(73 * time.Hour)
	for _, secret := range []string{s.Secret, friend.Secret} {
		if h.actorIn(secret, a.Workspace).Can(actor.ManageTeam) {
			t.Error("a steward after Friday")
		}
	}
}

// Somebody who belongs nowhere any more is signed out everywhere.
func TestWhoIsRemovedFromTheLastWorkspaceIsSignedOut(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	v := h.hire(f.actor, "Vera", team.Voice)
	must(t, h.RemoveMember(ctx, f.actor, v.actor.Member, ""))
	_, err := h.Authenticate(ctx, v.Secret)
	if err == nil || h.count(`select count(*) from login_session s join login l on l.id = s.login where l.name = 'Vera'`) != 0 {
		t.Errorf("the session goes on: %v", err)
	}
	if _, err := h.Authenticate(ctx, f.Secret); err != nil {
		t.Errorf("and the founder's ended: %v", err)
	}
}

func TestOnlyOwnersMakeOwners(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	s := h.hire(f.actor, "Stew", team.Steward)
	_, err := h.GiveGrant(ctx, s.actor, team.NewGrant{Member: s.actor.Member, Role: team.Owner})
	refused(t, err, "forbidden")
	_, err = h.Invite(ctx, s.actor, team.Invite{Email: "x@example.org", Roles: []team.RoleIn{{Role: team.Owner}}})
	refused(t, err, "forbidden")
	refused(t, h.RemoveMember(ctx, s.actor, f.actor.Member, ""), "forbidden")
	refused(t, h.EndGrant(ctx, s.actor, h.ownership(f), ""), "forbidden")
	inv, err := h.Invite(ctx, f.actor, team.Invite{Email: "x@example.org", Roles: []team.RoleIn{{Role: team.Owner}}})
	must(t, err)
	refused(t, h.RevokeInvitation(ctx, s.actor, inv.ID), "forbidden")

	refused(t, h.Leave(ctx, f.actor), "team.last_owner")
	refused(t, h.RemoveMember(ctx, f.actor, f.actor.Member, ""), "team.last_owner")
	refused(t, h.EndGrant(ctx, f.actor, h.ownership(f), ""), "team.last_owner")
	_, err = h.GiveGrant(ctx, f.actor, team.NewGrant{Member: s.actor.Member, Role: team.Owner, Until: h.clock.Now().Add(time.Hour)})
	refused(t, err, "team.owner_without_end")
	_, err = h.GiveGrant(ctx, f.actor, team.NewGrant{Member: s.actor.Member, Role: team.Owner})
	must(t, err)
	must(t, h.Leave(ctx, f.actor))
	refused(t, h.Leave(ctx, h.actorIn(s.Secret, s.actor.Workspace)), "team.last_owner")
}

// ownership finds the grant that makes somebody owner.
func (h *house) ownership(w who) id.ID {
	h.t.Helper()
	members, err := h.Members(context.Background(), w.actor)
	must(h.t, err)
	for _, m := range members {
		for _, g := range m.Grants {
			if m.ID == w.actor.Member && g.Role == team.Owner {
				return g.ID
			}
		}
	}
	h.t.Fatal("no owner")
	return 0
}

// Two owners who remove each other at the same moment must not both succeed.
func TestOwnersWhoRemoveEachOther(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	for round := range 5 {
		one := h.founder(round)
		two := h.hire(one.actor, fmt.Sprint("Second", round), team.Owner)
		errs := make(chan error, 2)
		go func() { errs <- h.RemoveMember(ctx, one.actor, two.actor.Member, "") }()
		go func() { errs <- h.RemoveMember(ctx, two.actor, one.actor.Member, "") }()
		first, second := <-errs, <-errs
		if (first == nil) == (second == nil) {
			t.Fatalf("round %d: %v and %v", round, first, second)
		}
	}
}

func TestRemovingAMemberEndsEverythingThereAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	elsewhere := h.founder(2)
	v := h.hire(f.actor, "Vera", team.Steward)
	press, err := h.CreateTeam(ctx, f.actor, "Press")
	must(t, err)
	must(t, h.AddToTeam(ctx, f.actor, press.ID, v.actor.Member))
	_, token, err := h.CreateToken(ctx, v.actor, team.NewToken{Name: "script", Rights: []actor.Right{actor.Reply}, Until: h.clock.Now().Add(time.Hour)})
	must(t, err)
	inv, err := h.Invite(ctx, v.actor, team.Invite{Email: "backdoor@example.org", Roles: []team.RoleIn{{Role: team.Steward}}})
	must(t, err)
	other, err := h.Invite(ctx, elsewhere.actor, team.Invite{Email: "vera@example.net", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	visitor, err := h.Authenticate(ctx, v.Secret)
	must(t, err)
	must(t, h.Accept(ctx, other.Secret, visitor))

	h.takeEnded()
	must(t, h.RemoveMember(ctx, f.actor, v.actor.Member, "moved to another town"))
	if e := h.takeEnded(); len(e) != 1 || e[0] != (team.Ended{Workspace: f.actor.Workspace, Member: v.actor.Member}) {
		t.Errorf("told: %+v", e)
	}
	visitor, err = h.Authenticate(ctx, v.Secret)
	must(t, err)
	if len(visitor.Workspaces) != 1 || visitor.Workspaces[0].Workspace.ID != elsewhere.actor.Workspace || !visitor.Workspaces[0].Actor.Can(actor.Reply) {
		t.Errorf("what is left: %+v", visitor.Workspaces)
	}
	_, err = h.AuthenticateToken(ctx, token)
	refused(t, err, "team.token_over")
	_, err = h.Offer(ctx, inv.Secret)
	refused(t, err, "team.invitation_over")
	teams, err := h.Teams(ctx, f.actor)
	must(t, err)
	if len(teams[0].Members) != 0 {
		t.Errorf("still in the team: %v", teams[0].Members)
	}
	refused(t, h.RemoveMember(ctx, f.actor, v.actor.Member, ""), "team.no_member")
	_, err = h.GiveGrant(ctx, f.actor, team.NewGrant{Member: v.actor.Member, Role: team.Voice})
	refused(t, err, "team.no_member")
	refused(t, h.AddToTeam(ctx, f.actor, press.ID, v.actor.Member), "team.no_member")

	// An actor of a moment ago can no longer do what is about themselves.
	_, _, err = h.CreateToken(ctx, v.actor, team.NewToken{Name: "late", Rights: []actor.Right{actor.Reply}, Until: h.clock.Now().Add(time.Hour)})
	refused(t, err, "team.no_member")

	// Back again, they begin anew.
	back, err := h.Invite(ctx, f.actor, team.Invite{Email: v.email, Roles: []team.RoleIn{{Role: team.Observer}}})
	must(t, err)
	must(t, h.Accept(ctx, back.Secret, visitor))
	a := h.actorIn(v.Secret, f.actor.Workspace)
	if a.Member == v.actor.Member || a.Can(actor.Reply) {
		t.Errorf("back as %+v", a)
	}
}

func TestEndedByReadsTheSpine(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	v := h.hire(f.actor, "Vera", team.Voice)
	tok, _, err := h.CreateToken(ctx, v.actor, team.NewToken{Name: "script", Rights: []actor.Right{actor.Reply}, Until: h.clock.Now().Add(time.Hour)})
	must(t, err)
	second, err := h.SignIn(ctx, v.email, password, team.Place{})
	must(t, err)
	n, err := event.Head(ctx, h.db.Read(), f.actor.Workspace)
	must(t, err)
	h.takeEnded()
	must(t, h.RevokeToken(ctx, f.actor, tok.ID))
	must(t, h.RevokeSession(ctx, v.actor, second.Session))
	must(t, h.RemoveMember(ctx, f.actor, v.actor.Member, ""))
	events, err := event.After(ctx, h.db.Read(), f.actor.Workspace, n, 100)
	must(t, err)
	var read []team.Ended
	for _, e := range events {
		if ended, ok := team.EndedBy(e); ok {
			read = append(read, ended)
		}
	}
	if told := h.takeEnded(); len(read) != 4 || !slices.Equal(read, told) {
		t.Errorf("the spine says %+v, this node was told %+v", read, told)
	}
}

func TestMembersShowAddressesToThoseWhoManage(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	o := h.hire(f.actor, "anna", team.Observer)
	for _, tc := range []struct {
		who  who
		want string
	}{{f, "anna <anna@example.org>, Founder 1 <founder1@example.org>"}, {o, "anna <anna@example.org>, Founder 1 <>"}} {
		members, err := h.Members(ctx, tc.who.actor)
		must(t, err)
		var got []string
		for _, m := range members {
			got = append(got, m.Name+" <"+m.Email+">")
		}
		if s := strings.Join(got, ", "); s != tc.want {
			t.Errorf("got %s, want %s", s, tc.want)
		}
	}
	_, err := h.Members(ctx, actor.Actor{})
	refused(t, err, "team.outside")
}

func TestRenameSelf(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	must(t, h.RenameSelf(ctx, f.actor, "An\u202ena\x00  Mertens"))
	if a := h.actorIn(f.Secret, f.actor.Workspace); a.Name != "Anna Mertens" {
		t.Errorf("%q", a.Name)
	}
	refused(t, h.RenameSelf(ctx, f.actor, " \u200b"), "team.name_empty")
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	f := h.founder(1)
	s := h.hire(f.actor, "Stew", team.Steward)
	_, err := h.CreateWorkspace(ctx, s.actor, team.NewWorkspace{Name: "Mine", Zone: "UTC"})
	refused(t, err, "forbidden")
	for _, want := range []string{"museum", "museum--2", "museum--3"} {
		w, err := h.CreateWorkspace(ctx, f.actor, team.NewWorkspace{Name: "Museum", Zone: "Asia/Tokyo"})
		must(t, err)
		if w.Slug != want {
			t.Errorf("got %s, want %s", w.Slug, want)
		}
		if !h.actorIn(f.Secret, w.ID).Can(actor.OwnWorkspace) {
			t.Error("who opens a workspace does not own it")
		}
	}
	change := team.WorkspaceChange{Name: "Town Hall", Zone: "Europe/Paris", Locale: "fr", KeepDays: 90}
	must(t, h.ChangeWorkspace(ctx, s.actor, change))
	w, err := h.Workspace(ctx, f.actor)
	must(t, err)
	if w.Name != "Town Hall" || w.Zone != "Europe/Paris" || w.Locale != "fr" || w.KeepDays != 90 || w.Slug != "town-1" {
		t.Errorf("%+v", w)
	}
	for code, bad := range map[string]team.WorkspaceChange{
		"team.name_empty": {Name: "", Zone: "UTC"},
		"team.zone":       {Name: "W", Zone: "../../etc/passwd"},
		"team.locale":     {Name: "W", Zone: "UTC", Locale: "not a language"},
		"team.keep_days":  {Name: "W", Zone: "UTC", KeepDays: -1},
	} {
		refused(t, h.ChangeWorkspace(ctx, f.actor, bad), code)
	}
}
