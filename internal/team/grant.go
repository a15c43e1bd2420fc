package team

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// RoleIn is a role in the whole workspace (zero Scope) or in a part of it.
type RoleIn struct {
	Role  Role
	Scope actor.Scope
}

// Grant is a role somebody was given: by whom (0: Parley itself), why, until
// when (zero: no end).
type Grant struct {
	ID      id.ID
	Member  id.ID
	Role    Role
	Scope   actor.Scope
	Reason  string
	Given   time.Time
	GivenBy id.ID
	Until   time.Time
}

// NewGrant is what somebody is to be given. A zero Until has no end.
type NewGrant struct {
	Member id.ID
	Role   Role
	Scope  actor.Scope
	Until  time.Time
	Reason string
}

// GiveGrant gives a member a role. Only owners give ownership; a steward of one
// team or account gives roles in that one; and nobody for longer than they may
// give it themselves. Giving again what they hold replaces it, with the new end
// and reason.
func (s *Service) GiveGrant(ctx context.Context, a actor.Actor, in NewGrant) (Grant, error) {
	if err := s.mayGive(a, RoleIn{in.Role, in.Scope}); err != nil {
		return Grant{}, err
	}
	reason, err := cleanReason(in.Reason)
	if err != nil {
		return Grant{}, err
	}
	if err := s.checkUntil(in.Until); err != nil {
		return Grant{}, err
	}
	if in.Role == Owner && !in.Until.IsZero() {
		return Grant{}, problem.New(problem.Invalid, "team.owner_without_end").At("until")
	}
	if err := s.checkAccount(ctx, a, in.Scope); err != nil {
		return Grant{}, err
	}
	g := Grant{Member: in.Member, Role: in.Role, Scope: in.Scope, Reason: reason, GivenBy: a.Member, Until: in.Until}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if _, _, err := present(ctx, tx, a.Workspace, in.Member); err != nil {
			return err
		}
		if err := checkTeam(ctx, tx, a.Workspace, in.Scope); err != nil {
			return err
		}
		end, err := s.mayGiveUntil(ctx, tx, a.Workspace, g.GivenBy, RoleIn{in.Role, in.Scope})
		if err != nil {
			return err
		}
		if !end.IsZero() && (in.Until.IsZero() || in.Until.After(end)) {
			return problem.New(problem.Forbidden, "team.until_longer").At("until")
		}
		if err := s.replaceGrant(ctx, tx, a, g); err != nil {
			return err
		}
		s.tell(tx, Ended{Workspace: a.Workspace, Member: g.Member})
		return s.insertGrant(ctx, tx, a, &g)
	})
	return g, err
}

// EndGrant takes a role away, at once. Only owners unmake owners, and nobody
// the last one ("team.last_owner").
func (s *Service) EndGrant(ctx context.Context, a actor.Actor, grant id.ID, reason string) error {
	if !a.CanSomewhere(actor.ManageTeam) {
		return a.Require(actor.ManageTeam)
	}
	reason, err := cleanReason(reason)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		g := Grant{ID: grant}
		err := tx.Row(ctx, `select member, role, scope_kind, scope_id from right_grant where workspace = $1 and id = $2 and ended = 0`,
			a.Workspace, grant).Scan(&g.Member, &g.Role, &g.Scope.Kind, &g.Scope.ID)
		if db.NoRows(err) {
			return problem.New(problem.NotFound, "team.no_grant")
		}
		if err != nil {
			return fmt.Errorf("reading a grant: %w", err)
		}
		if err := a.Require(g.Role.giver(), g.Scope); err != nil {
			return err
		}
		if g.Role == Owner {
			if err := oneMoreOwner(ctx, tx, a.Workspace); err != nil {
				return err
			}
		}
		return s.endGrant(ctx, tx, a, g, reason)
	})
}

// mayGive asks for the right to give a role, there.
func (s *Service) mayGive(a actor.Actor, r RoleIn) error {
	if !r.Role.Known() {
		return problem.New(problem.Invalid, "team.role").At("role")
	}
	if (r.Scope.Kind == "") != (r.Scope.ID == 0) || !slices.Contains([]string{"", "account", "team"}, r.Scope.Kind) ||
		r.Scope != (actor.Scope{}) && !r.Role.Scopable() {
		return problem.New(problem.Invalid, "team.scope").At("scope")
	}
	return a.Require(r.Role.giver(), r.Scope)
}

// mayGiveUntil is how long a member may give a role there: as long as the last of
// their own grants that lets them; zero: without end. It says "forbidden" if none
// does any more. Parley itself (0) may always.
func (s *Service) mayGiveUntil(ctx context.Context, tx *db.Tx, workspace, giver id.ID, r RoleIn) (time.Time, error) {
	var end time.Time
	if giver == 0 {
		return end, nil
	}
	held, err := list(ctx, tx, func(rows *sql.Rows) (g Grant, err error) {
		return g, rows.Scan(&g.Role, &g.Scope.Kind, &g.Scope.ID, db.ScanTime(&g.Until))
	}, `select role, scope_kind, scope_id, until from right_grant
		where workspace = $1 and member = $2 and ended = 0 and (until = 0 or until > $3)`,
		workspace, giver, db.Micros(s.clock.Now()))
	if err != nil {
		return end, fmt.Errorf("reading the rights of who gives a role: %w", err)
	}
	for _, g := range held {
		if !slices.Contains(g.Role.Rights(), r.Role.giver()) || g.Scope != (actor.Scope{}) && g.Scope != r.Scope {
			continue
		}
		if g.Until.IsZero() {
			return time.Time{}, nil
		}
		if g.Until.After(end) {
			end = g.Until
		}
	}
	if end.IsZero() {
		return end, problem.New(problem.Forbidden, "forbidden", "right", string(r.Role.giver()))
	}
	return end, nil
}

func (s *Service) checkUntil(until time.Time) error {
	if until.IsZero() {
		return nil
	}
	if now := s.clock.Now(); !until.After(now) || until.After(now.AddDate(100, 0, 0)) {
		return problem.New(problem.Invalid, "team.until_past").At("until")
	}
	return nil
}

// checkAccount refuses an account the workspace does not have.
func (s *Service) checkAccount(ctx context.Context, a actor.Actor, in actor.Scope) error {
	if in.Kind != "account" {
		return nil
	}
	all, err := s.Scopes(ctx, a)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(n NamedScope) bool { return n.Scope == in }) {
		return problem.New(problem.NotFound, "team.no_scope").At("scope")
	}
	return nil
}

func checkTeam(ctx context.Context, tx *db.Tx, workspace id.ID, in actor.Scope) error {
	if in.Kind != "team" {
		return nil
	}
	_, err := openTeam(ctx, tx, workspace, in.ID)
	return err
}

// Scopes lists the teams and accounts a grant in this workspace may be narrowed to.
func (s *Service) Scopes(ctx context.Context, a actor.Actor) ([]NamedScope, error) {
	teams, err := s.Teams(ctx, a)
	if err != nil {
		return nil, err
	}
	var all []NamedScope
	for _, t := range teams {
		all = append(all, NamedScope{actor.Scope{Kind: "team", ID: t.ID}, t.Name})
	}
	if s.accounts == nil {
		return all, nil
	}
	accounts, err := s.accounts(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("listing the accounts: %w", err)
	}
	return append(all, accounts...), nil
}

// replaceGrant ends the grant of the same role and scope, if there is one. That
// of an owner is replaced in the same transaction, so the last one may be.
func (s *Service) replaceGrant(ctx context.Context, tx *db.Tx, a actor.Actor, g Grant) error {
	old := g
	err := tx.Row(ctx, `select id from right_grant
		where workspace = $1 and member = $2 and role = $3 and scope_kind = $4 and scope_id = $5 and ended = 0`,
		a.Workspace, g.Member, g.Role, g.Scope.Kind, g.Scope.ID).Scan(&old.ID)
	if db.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the grant to replace: %w", err)
	}
	return s.endGrant(ctx, tx, a, old, "")
}

func (s *Service) insertGrant(ctx context.Context, tx *db.Tx, a actor.Actor, g *Grant) error {
	g.ID, g.Given = s.ids.New(), s.clock.Now()
	const q = `insert into right_grant (workspace, id, member, role, scope_kind, scope_id, reason, given, given_by, until, ended, ended_by, ended_reason)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, '')`
	_, err := tx.Exec(ctx, q, a.Workspace, g.ID, g.Member, string(g.Role), g.Scope.Kind, g.Scope.ID, g.Reason,
		db.Micros(g.Given), g.GivenBy, db.Micros(g.Until))
	if err != nil {
		return fmt.Errorf("giving a grant: %w", err)
	}
	s.events.Record(tx, a, event.Entry{Verb: "grant.given", Kind: "grant", Subject: g.ID, Details: g.details(),
		Personal: g.Reason, About: g.Member})
	return nil
}

func (s *Service) endGrant(ctx context.Context, tx *db.Tx, a actor.Actor, g Grant, reason string) error {
	const q = `update right_grant set ended = $1, ended_by = $2, ended_reason = $3 where workspace = $4 and id = $5 and ended = 0`
	if _, err := tx.Exec(ctx, q, db.Micros(s.clock.Now()), a.Member, reason, a.Workspace, g.ID); err != nil {
		return fmt.Errorf("ending a grant: %w", err)
	}
	s.tell(tx, Ended{Workspace: a.Workspace, Member: g.Member})
	s.events.Record(tx, a, event.Entry{Verb: "grant.ended", Kind: "grant", Subject: g.ID, Details: g.details(),
		Personal: reason, About: g.Member})
	return nil
}

// width sorts grants: those for the whole workspace first, the widest role first.
func (g Grant) width() int {
	n := slices.Index(Roles(), g.Role)
	if g.Scope != (actor.Scope{}) {
		n += len(Roles())
	}
	return n
}

func (g Grant) details() map[string]string {
	d := map[string]string{"member": g.Member.String(), "role": string(g.Role)}
	if g.Scope.Kind != "" {
		d[g.Scope.Kind] = g.Scope.ID.String()
	}
	if !g.Until.IsZero() {
		d["until"] = g.Until.UTC().Format(time.RFC3339)
	}
	return d
}

// inForce lists the grants of a workspace that hold at this moment.
func (s *Service) inForce(ctx context.Context, q db.Queryer, workspace id.ID) ([]Grant, error) {
	grants, err := list(ctx, q, func(rows *sql.Rows) (g Grant, err error) {
		return g, rows.Scan(&g.ID, &g.Member, &g.Role, &g.Scope.Kind, &g.Scope.ID, &g.Reason,
			db.ScanTime(&g.Given), &g.GivenBy, db.ScanTime(&g.Until))
	}, `select id, member, role, scope_kind, scope_id, reason, given, given_by, until from right_grant
		where workspace = $1 and ended = 0 and (until = 0 or until > $2) order by id`, workspace, db.Micros(s.clock.Now()))
	if err != nil {
		return nil, fmt.Errorf("listing the grants: %w", err)
	}
	return grants, nil
}

// compareNames sorts as people look for names: without regard to case.
func compareNames(x, y string, xID, yID id.ID) int {
	return cmp.Or(strings.Compare(foldName(x), foldName(y)), cmp.Compare(xID, yID))
}
