package team

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Member is somebody of a workspace with what they may do there.
type Member struct {
	ID     id.ID
	Login  id.ID
	Name   string
	Email  string // only for those who manage the team, and one's own
	Joined time.Time
	Grants []Grant // in force: those for the whole workspace first, the widest role first
	Teams  []id.ID
}

// Has reports whether the member holds a role for the whole workspace.
func (m Member) Has(r Role) bool {
	return slices.ContainsFunc(m.Grants, func(g Grant) bool { return g.Role == r && g.Scope == actor.Scope{} })
}

// Members lists who is in the actor's workspace, by name. Everybody in it may
// know who else is.
func (s *Service) Members(ctx context.Context, a actor.Actor) ([]Member, error) {
	if err := inside(a); err != nil {
		return nil, err
	}
	members, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (m Member, err error) {
		return m, rows.Scan(&m.ID, &m.Login, &m.Name, &m.Email, db.ScanTime(&m.Joined))
	}, `select m.id, m.login, m.name, l.email, m.joined from member m join login l on l.id = m.login
		where m.workspace = $1 and m.departed = 0`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the members: %w", err)
	}
	byID := make(map[id.ID]*Member, len(members))
	for i := range members {
		m := &members[i]
		byID[m.ID] = m
		if m.ID != a.Member && !a.Can(actor.ManageTeam) {
			m.Email = ""
		}
	}
	if err := s.addGrants(ctx, a.Workspace, byID); err != nil {
		return nil, err
	}
	if err := s.addTeams(ctx, a.Workspace, byID); err != nil {
		return nil, err
	}
	// Sorted here: the two databases collate differently.
	slices.SortFunc(members, func(x, y Member) int { return compareNames(x.Name, y.Name, x.ID, y.ID) })
	return members, nil
}

func (s *Service) addGrants(ctx context.Context, workspace id.ID, byID map[id.ID]*Member) error {
	grants, err := s.inForce(ctx, s.db.Read(), workspace)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if m := byID[g.Member]; m != nil {
			m.Grants = append(m.Grants, g)
		}
	}
	for _, m := range byID {
		slices.SortStableFunc(m.Grants, func(x, y Grant) int { return cmp.Compare(x.width(), y.width()) })
	}
	return nil
}

func (s *Service) addTeams(ctx context.Context, workspace id.ID, byID map[id.ID]*Member) error {
	type in struct{ team, member id.ID }
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (v in, err error) {
		return v, rows.Scan(&v.team, &v.member)
	}, `select team, member from team_member where workspace = $1 and removed = 0 order by id`, workspace)
	if err != nil {
		return fmt.Errorf("listing who is in which team: %w", err)
	}
	for _, v := range all {
		if m := byID[v.member]; m != nil {
			m.Teams = append(m.Teams, v.team)
		}
	}
	return nil
}

// RenameSelf changes the name the actor signs with in this workspace, and the
// one that further workspaces begin with.
func (s *Service) RenameSelf(ctx context.Context, a actor.Actor, name string) error {
	if err := a.Require(actor.Self); err != nil {
		return err
	}
	name, err := cleanName(name, "name")
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, _, err := present(ctx, tx, a.Workspace, a.Member)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update member set name = $1 where workspace = $2 and id = $3`, name, a.Workspace, a.Member); err != nil {
			return fmt.Errorf("renaming a member: %w", err)
		}
		if _, err := tx.Exec(ctx, `update login set name = $1 where id = $2`, name, login); err != nil {
			return fmt.Errorf("renaming a login: %w", err)
		}
		s.events.Record(tx, a, event.Entry{Verb: "member.renamed", Kind: "member", Subject: a.Member, Personal: name, About: a.Member})
		return nil
	})
}

// RemoveMember ends a member's stay: their grants, teams, API tokens and the
// invitations they made end with it, and so does every view they have open of
// this workspace. Their login and their other workspaces stay. Only an owner
// removes an owner, and nobody the last one ("team.last_owner").
func (s *Service) RemoveMember(ctx context.Context, a actor.Actor, member id.ID, reason string) error {
	if err := a.Require(actor.ManageTeam); err != nil {
		return err
	}
	reason, err := cleanReason(reason)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.depart(ctx, tx, a, member, reason) })
}

// Leave ends the actor's own stay. The last owner cannot leave.
func (s *Service) Leave(ctx context.Context, a actor.Actor) error {
	if err := a.Require(actor.Self); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.depart(ctx, tx, a, a.Member, "") })
}

func (s *Service) depart(ctx context.Context, tx *db.Tx, a actor.Actor, member id.ID, reason string) error {
	if err := lock(ctx, tx, a.Workspace); err != nil {
		return err
	}
	login, _, err := present(ctx, tx, a.Workspace, member)
	if err != nil {
		return err
	}
	if err := s.mayDepart(ctx, tx, a, member); err != nil {
		return err
	}
	now := db.Micros(s.clock.Now())
	for _, q := range []string{
		`update member set departed = $1, departed_by = $2, reason = $5 where workspace = $3 and id = $4 and departed = 0`,
		`update right_grant set ended = $1, ended_by = $2, ended_reason = $5 where workspace = $3 and member = $4 and ended = 0`,
	} {
		if _, err := tx.Exec(ctx, q, now, a.Member, a.Workspace, member, reason); err != nil {
			return fmt.Errorf("removing a member: %w", err)
		}
	}
	for _, q := range []string{
		`update team_member set removed = $1, removed_by = $2 where workspace = $3 and member = $4 and removed = 0`,
		`update api_token set revoked = $1, revoked_by = $2 where workspace = $3 and member = $4 and revoked = 0`,
		`update invitation set revoked = $1, revoked_by = $2, email = '', email_folded = ''
			where workspace = $3 and made_by = $4 and accepted = 0 and revoked = 0`,
	} {
		if _, err := tx.Exec(ctx, q, now, a.Member, a.Workspace, member); err != nil {
			return fmt.Errorf("removing a member: %w", err)
		}
	}
	s.tell(tx, Ended{Workspace: a.Workspace, Member: member})
	s.events.Record(tx, a, event.Entry{Verb: "member.departed", Kind: "member", Subject: member, Personal: reason, About: member})
	return s.endSessionsToNowhere(ctx, tx, login, a)
}

// endSessionsToNowhere ends the sessions of a login that belongs to no workspace
// any more, and forgets its other ways to sign in. Where it belongs to another one,
// they go on there. Who has no password keeps them: being invited again must be of use.
func (s *Service) endSessionsToNowhere(ctx context.Context, tx *db.Tx, login id.ID, a actor.Actor) error {
	var elsewhere int
	if err := tx.Row(ctx, `select count(*) from member where login = $1 and departed = 0`, login).Scan(&elsewhere); err != nil {
		return fmt.Errorf("looking for other workspaces of somebody: %w", err)
	}
	if elsewhere > 0 {
		return nil
	}
	for _, q := range []string{
		`delete from passkey where login in (select id from login where id = $1 and password <> $2)`,
		`delete from login_identity where login in (select id from login where id = $1 and password <> $2)`,
	} {
		if _, err := tx.Exec(ctx, q, login, noPassword); err != nil {
			return fmt.Errorf("forgetting ways to sign in: %w", err)
		}
	}
	return s.endSessions(ctx, tx, login, 0, a)
}

// mayDepart protects owners from others and the workspace from having none.
func (s *Service) mayDepart(ctx context.Context, tx *db.Tx, a actor.Actor, member id.ID) error {
	owner, err := isOwner(ctx, tx, a.Workspace, member)
	if err != nil || !owner {
		return err
	}
	if member != a.Member {
		if err := a.Require(actor.OwnWorkspace); err != nil {
			return err
		}
	}
	return oneMoreOwner(ctx, tx, a.Workspace)
}

// oneMoreOwner refuses to let go of the last owner. The caller holds the lock.
func oneMoreOwner(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	n, err := owners(ctx, tx, workspace)
	if err != nil {
		return err
	}
	if n < 2 {
		return problem.New(problem.Conflict, "team.last_owner")
	}
	return nil
}

// joining is how somebody came in.
type joining struct {
	roles      []RoleIn
	until      time.Time // zero: no end
	givenBy    id.ID     // the member who invited them; 0 is Parley itself
	invitation id.ID
	email      string
}

// join makes a login the member that a names, with the first grants. The
// invitation stands in the event; who invited whom is not said twice.
func (s *Service) join(ctx context.Context, tx *db.Tx, a actor.Actor, login id.ID, j joining) error {
	const q = `insert into member (workspace, id, login, name, joined, departed, departed_by, reason)
		values ($1, $2, $3, $4, $5, 0, 0, '')`
	_, err := tx.Exec(ctx, q, a.Workspace, a.Member, login, a.Name, db.Micros(s.clock.Now()))
	if db.IsUnique(err) {
		return problem.New(problem.Conflict, "team.already_member")
	}
	if err != nil {
		return fmt.Errorf("adding a member: %w", err)
	}
	details := map[string]string{"login": login.String()}
	if j.invitation != 0 {
		details["invitation"] = j.invitation.String()
	}
	s.events.Record(tx, a, event.Entry{Verb: "member.joined", Kind: "member", Subject: a.Member,
		Details: details, Personal: personal(a.Name, j.email), About: a.Member})
	for _, r := range j.roles {
		g := Grant{Member: a.Member, Role: r.Role, Scope: r.Scope, GivenBy: j.givenBy, Until: j.until}
		if err := s.insertGrant(ctx, tx, a, &g); err != nil {
			return err
		}
	}
	return nil
}

func personal(name, email string) string {
	if email == "" {
		return name
	}
	return name + " <" + email + ">"
}
