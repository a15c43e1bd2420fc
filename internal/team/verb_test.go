package team_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/team"
)

// scene is one workspace with one of everything, for every verb to act upon.
type scene struct {
	*house
	owner, member who
	session       id.ID
	grant         id.ID
	press         id.ID
	invitation    id.ID
	token         id.ID
	passkey       id.ID
	identity      id.ID
}

func newScene(h *house, n int) scene {
	ctx := context.Background()
	s := scene{house: h, owner: h.founder(n)}
	s.member = h.hire(s.owner.actor, fmt.Sprint("Vera", n), team.Voice)
	second, err := h.SignIn(ctx, s.owner.email, password, team.Place{})
	must(h.t, err)
	s.session = second.Session
	g, err := h.GiveGrant(ctx, s.owner.actor, team.NewGrant{Member: s.member.actor.Member, Role: team.Reviewer})
	must(h.t, err)
	s.grant = g.ID
	press, err := h.CreateTeam(ctx, s.owner.actor, "Press")
	must(h.t, err)
	s.press = press.ID
	night, err := h.CreateTeam(ctx, s.owner.actor, "Night")
	must(h.t, err)
	must(h.t, h.AddToTeam(ctx, s.owner.actor, night.ID, s.member.actor.Member))
	inv, err := h.Invite(ctx, s.owner.actor, team.Invite{Email: "guest@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(h.t, err)
	s.invitation = inv.ID
	tok, _, err := h.CreateToken(ctx, s.owner.actor, team.NewToken{Name: "script", Rights: []actor.Right{actor.Reply}, Until: h.clock.Now().Add(time.Hour)})
	must(h.t, err)
	s.token = tok.ID
	_, key := h.withPasskey(s.owner)
	s.passkey = key.ID
	s.identity = h.madeUp(s.owner.Login)
	return s
}

// verb is one thing a member can do. foreign is the code another workspace's
// owner is refused with when they name what is here; "" means that the verb
// names nothing and acts in their own workspace only.
type verb struct {
	do      func(ctx context.Context, s scene, a actor.Actor) error
	foreign string
	reads   bool
}

func verbs() map[string]verb {
	type c = context.Context
	voice := []team.RoleIn{{Role: team.Voice}}
	all := map[string]verb{
		"AddToTeam": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.AddToTeam(ctx, a, s.press, s.member.actor.Member)
		}, foreign: "team.no_team"},
		"ChangePassword": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.ChangePassword(ctx, a, team.PasswordChange{Old: password, New: "three herons by the canal"}, team.Place{})
		}},
		"ChangeWorkspace": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.ChangeWorkspace(ctx, a, team.WorkspaceChange{Name: "Changed", Zone: "UTC"})
		}},
		"CloseTeam": {do: func(ctx c, s scene, a actor.Actor) error { return s.CloseTeam(ctx, a, s.press) }, foreign: "team.no_team"},
		"CreateTeam": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.CreateTeam(ctx, a, "Day")
			return err
		}},
		"CreateToken": {do: func(ctx c, s scene, a actor.Actor) error {
			_, _, err := s.CreateToken(ctx, a, team.NewToken{Name: "t", Rights: []actor.Right{actor.Reply}, Until: s.clock.Now().Add(time.Hour)})
			return err
		}},
		// Recorded in the workspace it opens.
		"CreateWorkspace": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.CreateWorkspace(ctx, a, team.NewWorkspace{Name: "New", Zone: "UTC"})
			return err
		}, reads: true},
		"EndGrant": {do: func(ctx c, s scene, a actor.Actor) error { return s.EndGrant(ctx, a, s.grant, "") }, foreign: "team.no_grant"},
		"GiveGrant": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.GiveGrant(ctx, a, team.NewGrant{Member: s.member.actor.Member, Role: team.Steward})
			return err
		}, foreign: "team.no_member"},
		"Invitations": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Invitations(ctx, a)
			return err
		}, reads: true},
		"Invite": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Invite(ctx, a, team.Invite{Email: "new@example.org", Roles: voice})
			return err
		}},
		"Leave": {do: func(ctx c, s scene, a actor.Actor) error {
			if _, err := s.GiveGrant(ctx, a, team.NewGrant{Member: s.member.actor.Member, Role: team.Owner}); err != nil && a.Member == s.owner.actor.Member {
				return err
			}
			return s.Leave(ctx, a)
		}, foreign: "team.last_owner"},
		"Members": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Members(ctx, a)
			return err
		}, reads: true},
		"RemoveFromTeam": {do: func(ctx c, s scene, a actor.Actor) error {
			if err := s.AddToTeam(ctx, a, s.press, s.member.actor.Member); err != nil {
				return err
			}
			return s.RemoveFromTeam(ctx, a, s.press, s.member.actor.Member)
		}, foreign: "team.no_team"},
		"RemoveMember": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RemoveMember(ctx, a, s.member.actor.Member, "")
		}, foreign: "team.no_member"},
		"RenameSelf": {do: func(ctx c, s scene, a actor.Actor) error { return s.RenameSelf(ctx, a, "Other") }},
		"RenameTeam": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RenameTeam(ctx, a, s.press, "Other")
		}, foreign: "team.no_team"},
		"RevokeInvitation": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RevokeInvitation(ctx, a, s.invitation)
		}, foreign: "team.no_invitation"},
		"RevokeOtherSessions": {do: func(ctx c, s scene, a actor.Actor) error { return s.RevokeOtherSessions(ctx, a, 0) }},
		"RevokeSession": {do: func(ctx c, s scene, a actor.Actor) error {
			return s.RevokeSession(ctx, a, s.session)
		}, foreign: "team.no_session"},
		"RevokeToken": {do: func(ctx c, s scene, a actor.Actor) error { return s.RevokeToken(ctx, a, s.token) }, foreign: "team.no_token"},
		"Scopes": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Scopes(ctx, a)
			return err
		}, reads: true},
		"Sessions": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Sessions(ctx, a)
			return err
		}, reads: true},
		"Teams": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Teams(ctx, a)
			return err
		}, reads: true},
		"Tokens": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Tokens(ctx, a, a.Member)
			return err
		}, reads: true},
		"Workspace": {do: func(ctx c, s scene, a actor.Actor) error {
			_, err := s.Workspace(ctx, a)
			return err
		}, reads: true},
	}
	maps.Copy(all, passkeyVerbs())
	maps.Copy(all, identityVerbs())
	return all
}

func TestTheTableHasEveryVerb(t *testing.T) {
	t.Parallel()
	table := verbs()
	s := reflect.TypeFor[*team.Service]()
	found := 0
	for i := range s.NumMethod() {
		m := s.Method(i)
		if m.Type.NumIn() < 3 || m.Type.In(2) != reflect.TypeFor[actor.Actor]() {
			continue
		}
		found++
		if _, ok := table[m.Name]; !ok {
			t.Errorf("%s is not tested", m.Name)
		}
	}
	if found != len(table) {
		t.Errorf("%d verbs, %d in the table", found, len(table))
	}
}

func TestEveryVerb(t *testing.T) {
	t.Parallel()
	h := setup(t)
	n := 0
	for name, v := range verbs() {
		n += 2
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			here := newScene(h, n)
			stranger := h.founder(n + 1)
			w := here.owner.actor.Workspace
			before := h.head(w)

			// Nobody.
			if p := problem.Of(v.do(ctx, here, actor.Actor{})); p.Kind != problem.Forbidden {
				t.Errorf("nobody: %v", p)
			}
			if p := problem.Of(v.do(ctx, here, actor.Actor{Workspace: w})); p.Kind != problem.Forbidden {
				t.Errorf("nobody in this workspace: %v", p)
			}
			// An owner, of another workspace.
			err := v.do(ctx, here, stranger.actor)
			if v.foreign != "" {
				refused(t, err, v.foreign)
			} else if err != nil {
				t.Errorf("in their own workspace: %v", err)
			}
			if h.head(w) != before {
				t.Error("something was recorded here")
			}
			// Somebody here.
			if err := v.do(ctx, here, here.owner.actor); err != nil {
				t.Fatalf("the owner: %v", err)
			}
			if after := h.head(w); v.reads != (after == before) {
				t.Errorf("recorded %d events", after-before)
			}
			_, faults, err := event.Verify(ctx, h.db.Read(), w)
			if err != nil || len(faults) > 0 {
				t.Errorf("the log: %v, %v", faults, err)
			}
		})
	}
}

func TestVerbsOfManagersAreNotForOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := setup(t)
	here := newScene(h, 1)
	before := h.head(here.owner.actor.Workspace)
	own := map[string]bool{"ChangePassword": true, "CreateToken": true, "Leave": true, "Members": true, "RenameSelf": true,
		"RevokeOtherSessions": true, "RevokeSession": true, "RevokeToken": true, "Scopes": true, "Sessions": true, "Teams": true,
		"Tokens": true, "Workspace": true}
	for name := range passkeyVerbs() {
		own[name] = true
	}
	for name := range identityVerbs() {
		own[name] = true
	}
	for name, v := range verbs() {
		if own[name] {
			continue
		}
		if p := problem.Of(v.do(ctx, here, here.member.actor)); p.Kind != problem.Forbidden {
			t.Errorf("%s by a voice: %v", name, p)
		}
	}
	refused(t, h.RevokeToken(ctx, here.member.actor, here.token), "forbidden")
	_, err := h.Tokens(ctx, here.member.actor, here.owner.actor.Member)
	refused(t, err, "forbidden")
	if h.head(here.owner.actor.Workspace) != before {
		t.Error("something was recorded")
	}
}

func (h *house) head(workspace id.ID) int64 {
	h.t.Helper()
	n, err := event.Head(context.Background(), h.db.Read(), workspace)
	must(h.t, err)
	return n
}
