package team_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/team"
)

// model is what a workspace should be: who is there, with which roles until when.
type model struct {
	h       *house
	made    *atomic.Int64
	people  []who
	present map[id.ID]map[team.Role]held // by member
	ws      id.ID
}

type held struct {
	grant id.ID
	until time.Time
}

func (m *model) active(member id.ID, r team.Role) bool {
	g, ok := m.present[member][r]
	return ok && (g.until.IsZero() || g.until.After(m.h.clock.Now()))
}

func (m *model) owners() (n int) {
	for member := range m.present {
		if m.active(member, team.Owner) {
			n++
		}
	}
	return n
}

// may is whether somebody holds a right, by the table of roles.
func (m *model) may(member id.ID, right actor.Right) bool {
	for r := range m.present[member] {
		if m.active(member, r) && slices.Contains(r.Rights(), right) {
			return true
		}
	}
	return false
}

// lasts is until when somebody holds a right, by the last of their grants; zero: without end.
func (m *model) lasts(member id.ID, right actor.Right) (end time.Time) {
	for r, h := range m.present[member] {
		if !m.active(member, r) || !slices.Contains(r.Rights(), right) {
			continue
		}
		if h.until.IsZero() {
			return time.Time{}
		}
		if h.until.After(end) {
			end = h.until
		}
	}
	return end
}

// outlasts reports that a grant until then would be in force when somebody no
// longer holds the right.
func (m *model) outlasts(until time.Time, member id.ID, right actor.Right) bool {
	end := m.lasts(member, right)
	return !end.IsZero() && (until.IsZero() || until.After(end))
}

func giver(r team.Role) actor.Right {
	if r == team.Owner {
		return actor.OwnWorkspace
	}
	return actor.ManageTeam
}

// now is somebody's actor as a request of this moment would have it.
func (m *model) now(w who) actor.Actor {
	v, err := m.h.Authenticate(context.Background(), w.Secret)
	if _, here := m.present[w.actor.Member]; !here && err != nil {
		refused(m.h.t, err, "team.session_over") // they were in no other workspace
		return actor.Actor{}
	}
	must(m.h.t, err)
	for _, ws := range v.Workspaces {
		if ws.Workspace.ID == m.ws {
			return ws.Actor
		}
	}
	return actor.Actor{}
}

func (m *model) somebody(t *rapid.T, label string) who {
	return rapid.SampledFrom(m.people).Draw(t, label)
}

// expect compares an answer with what the model says should refuse it.
func expect(t *rapid.T, err error, codes ...string) bool {
	codes = slices.DeleteFunc(codes, func(c string) bool { return c == "" })
	if len(codes) == 0 {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return true
	}
	if !slices.Contains(codes, problem.Of(err).Code) || err == nil {
		t.Fatalf("got %v, want one of %v", err, codes)
	}
	return false
}

func when(refuse bool, code string) string {
	if refuse {
		return code
	}
	return ""
}

func (m *model) give(t *rapid.T) {
	by, to := m.somebody(t, "by"), m.somebody(t, "to")
	role := rapid.SampledFrom(team.Roles()).Draw(t, "role")
	in := team.NewGrant{Member: to.actor.Member, Role: role}
	if rapid.IntRange(0, 2).Draw(t, "ends") == 0 {
		in.Until = m.h.clock.Now().Add(time.Duration(rapid.IntRange(1, 48).Draw(t, "hours")) * time.Hour)
	}
	g, err := m.h.GiveGrant(context.Background(), m.now(by), in)
	_, here := m.present[to.actor.Member]
	if expect(t, err, when(!m.may(by.actor.Member, giver(role)), "forbidden"), when(!here, "team.no_member"),
		when(role == team.Owner && !in.Until.IsZero(), "team.owner_without_end"),
		when(m.outlasts(in.Until, by.actor.Member, giver(role)), "team.until_longer")) {
		m.present[to.actor.Member][role] = held{g.ID, g.Until}
	}
}

func (m *model) end(t *rapid.T) {
	by, of := m.somebody(t, "by"), m.somebody(t, "of")
	roles := slices.Sorted(maps.Keys(m.present[of.actor.Member]))
	if len(roles) == 0 {
		t.Skip("nothing to end")
	}
	role := rapid.SampledFrom(roles).Draw(t, "role")
	err := m.h.EndGrant(context.Background(), m.now(by), m.present[of.actor.Member][role].grant, "")
	if expect(t, err, when(!m.may(by.actor.Member, giver(role)), "forbidden"), when(role == team.Owner && m.owners() < 2, "team.last_owner")) {
		delete(m.present[of.actor.Member], role)
	}
}

func (m *model) remove(t *rapid.T) {
	by, who := m.somebody(t, "by"), m.somebody(t, "who")
	err := m.h.RemoveMember(context.Background(), m.now(by), who.actor.Member, "")
	_, here := m.present[who.actor.Member]
	owner := m.active(who.actor.Member, team.Owner)
	if expect(t, err, when(!m.may(by.actor.Member, actor.ManageTeam), "forbidden"), when(!here, "team.no_member"),
		when(owner && !m.may(by.actor.Member, actor.OwnWorkspace), "forbidden"), when(owner && m.owners() < 2, "team.last_owner")) {
		delete(m.present, who.actor.Member)
	}
}

func (m *model) leave(t *rapid.T) {
	who := m.somebody(t, "who")
	err := m.h.Leave(context.Background(), m.now(who))
	_, here := m.present[who.actor.Member]
	if expect(t, err, when(!here, "forbidden"), when(m.active(who.actor.Member, team.Owner) && m.owners() < 2, "team.last_owner")) {
		delete(m.present, who.actor.Member)
	}
}

func (m *model) removeLogin(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		t.Skip("rarely")
	}
	i := rapid.IntRange(0, len(m.people)-1).Draw(t, "who")
	who := m.people[i]
	err := m.h.Operator().RemoveLogin(context.Background(), who.email)
	if expect(t, err, when(m.active(who.actor.Member, team.Owner) && m.owners() < 2, "team.last_owner_of")) {
		delete(m.present, who.actor.Member)
		m.people = slices.Delete(m.people, i, i+1)
	}
}

func (m *model) hire(t *rapid.T) {
	if len(m.people) > 5 {
		t.Skip("enough people")
	}
	by := m.somebody(t, "by")
	role := rapid.SampledFrom(team.Roles()).Draw(t, "role")
	n := m.made.Add(1)
	email := fmt.Sprintf("p%d@example.org", n)
	inv, err := m.h.Invite(context.Background(), m.now(by), team.Invite{Email: email, Roles: []team.RoleIn{{Role: role}}})
	if !expect(t, err, when(!m.may(by.actor.Member, giver(role)), "forbidden")) {
		return
	}
	signed, err := m.h.AcceptNew(context.Background(), inv.Secret, team.NewLogin{Name: fmt.Sprint("P", n), Password: password}, team.Place{})
	must(m.h.t, err)
	w := who{signed, m.h.actorIn(signed.Secret, m.ws), email}
	m.people = append(m.people, w)
	m.present[w.actor.Member] = map[team.Role]held{role: {m.grantOf(w, role), m.lasts(by.actor.Member, giver(role))}}
}

func (m *model) grantOf(w who, role team.Role) id.ID {
	members, err := m.h.Members(context.Background(), w.actor)
	must(m.h.t, err)
	for _, x := range members {
		for _, g := range x.Grants {
			if x.ID == w.actor.Member && g.Role == role {
				return g.ID
			}
		}
	}
	return 0
}

func (m *model) pass(t *rapid.T) {
	m.h.clock.Advance(time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour)
	for i, w := range m.people { // sessions rest, people do not
		signed, err := m.h.Operator().OpenSession(context.Background(), w.Login, team.Place{})
		must(m.h.t, err)
		m.people[i].SignedIn = signed
	}
}

// check compares everybody's rights with the model, and counts owners.
func (m *model) check(t *rapid.T) {
	if m.owners() < 1 {
		t.Fatal("the workspace has no owner")
	}
	for _, w := range m.people {
		a := m.now(w)
		_, here := m.present[w.actor.Member]
		if here != (a.Member != 0) {
			t.Fatalf("%s: present %v, signed in as %v", w.email, here, a.Member)
		}
		for _, right := range team.Owner.Rights() {
			if a.Can(right) != m.may(w.actor.Member, right) {
				t.Fatalf("%s: may %s is %v", w.email, right, a.Can(right))
			}
		}
	}
}

func TestOwnersAndGrantsFollowTheModel(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var made atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		f := h.founder(int(made.Add(1)))
		m := &model{h: h, made: &made, people: []who{f}, ws: f.actor.Workspace}
		m.present = map[id.ID]map[team.Role]held{f.actor.Member: {team.Owner: {m.grantOf(f, team.Owner), time.Time{}}}}
		rt.Repeat(map[string]func(*rapid.T){
			"give": m.give, "end": m.end, "remove": m.remove, "leave": m.leave, "hire": m.hire,
			"pass": m.pass, "remove login": m.removeLogin, "": m.check,
		})
	})
}
