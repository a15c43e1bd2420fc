package team

import (
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

// Team is some of a workspace's members under a name: the press office, the
// night shift. It is something to hand over to and to narrow a grant to.
type Team struct {
	ID      id.ID
	Name    string
	Created time.Time
	Members []id.ID
}

// Teams lists the teams of the actor's workspace, by name.
func (s *Service) Teams(ctx context.Context, a actor.Actor) ([]Team, error) {
	if err := inside(a); err != nil {
		return nil, err
	}
	teams, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (t Team, err error) {
		return t, rows.Scan(&t.ID, &t.Name, db.ScanTime(&t.Created))
	}, `select id, name, created from team where workspace = $1 and closed = 0`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the teams: %w", err)
	}
	for i := range teams {
		teams[i].Members, err = list(ctx, s.db.Read(), scanID,
			`select member from team_member where workspace = $1 and team = $2 and removed = 0 order by id`, a.Workspace, teams[i].ID)
		if err != nil {
			return nil, fmt.Errorf("listing who is in a team: %w", err)
		}
	}
	slices.SortFunc(teams, func(x, y Team) int { return compareNames(x.Name, y.Name, x.ID, y.ID) })
	return teams, nil
}

// CreateTeam makes an empty team.
func (s *Service) CreateTeam(ctx context.Context, a actor.Actor, name string) (Team, error) {
	if err := a.Require(actor.ManageTeam); err != nil {
		return Team{}, err
	}
	name, err := cleanName(name, "name")
	if err != nil {
		return Team{}, err
	}
	t := Team{ID: s.ids.New(), Name: name, Created: s.clock.Now()}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		const q = `insert into team (workspace, id, name, name_folded, created, created_by, closed, closed_by)
			values ($1, $2, $3, $4, $5, $6, 0, 0)`
		_, err := tx.Exec(ctx, q, a.Workspace, t.ID, t.Name, foldName(t.Name), db.Micros(t.Created), a.Member)
		if err != nil {
			return nameTaken(err, "making a team")
		}
		s.events.Record(tx, a, event.Entry{Verb: "team.created", Kind: "team", Subject: t.ID})
		return nil
	})
	return t, err
}

// RenameTeam gives a team another name.
func (s *Service) RenameTeam(ctx context.Context, a actor.Actor, team id.ID, name string) error {
	if err := a.Require(actor.ManageTeam, actor.Scope{Kind: "team", ID: team}); err != nil {
		return err
	}
	name, err := cleanName(name, "name")
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		const q = `update team set name = $1, name_folded = $2 where workspace = $3 and id = $4 and closed = 0`
		n, err := tx.Exec(ctx, q, name, foldName(name), a.Workspace, team)
		if err != nil {
			return nameTaken(err, "renaming a team")
		}
		if n == 0 {
			return noTeam()
		}
		s.events.Record(tx, a, event.Entry{Verb: "team.renamed", Kind: "team", Subject: team})
		return nil
	})
}

// CloseTeam ends a team. Grants that were narrowed to it end with it.
func (s *Service) CloseTeam(ctx context.Context, a actor.Actor, team id.ID) error {
	if err := a.Require(actor.ManageTeam); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		now := db.Micros(s.clock.Now())
		n, err := tx.Exec(ctx, `update team set closed = $1, closed_by = $2 where workspace = $3 and id = $4 and closed = 0`,
			now, a.Member, a.Workspace, team)
		if err != nil {
			return fmt.Errorf("closing a team: %w", err)
		}
		if n == 0 {
			return noTeam()
		}
		const out = `update team_member set removed = $1, removed_by = $2 where workspace = $3 and team = $4 and removed = 0`
		if _, err := tx.Exec(ctx, out, now, a.Member, a.Workspace, team); err != nil {
			return fmt.Errorf("emptying a team: %w", err)
		}
		s.events.Record(tx, a, event.Entry{Verb: "team.closed", Kind: "team", Subject: team})
		return s.endGrantsIn(ctx, tx, a, actor.Scope{Kind: "team", ID: team})
	})
}

func (s *Service) endGrantsIn(ctx context.Context, tx *db.Tx, a actor.Actor, in actor.Scope) error {
	grants, err := list(ctx, tx, func(rows *sql.Rows) (Grant, error) {
		g := Grant{Scope: in}
		return g, rows.Scan(&g.ID, &g.Member, &g.Role)
	}, `select id, member, role from right_grant where workspace = $1 and scope_kind = $2 and scope_id = $3 and ended = 0 order by id`,
		a.Workspace, in.Kind, in.ID)
	if err != nil {
		return fmt.Errorf("listing the grants of a %s: %w", in.Kind, err)
	}
	for _, g := range grants {
		if err := s.endGrant(ctx, tx, a, g, ""); err != nil {
			return err
		}
	}
	return nil
}

// AddToTeam puts a member into a team. Already in it is no error and no event.
func (s *Service) AddToTeam(ctx context.Context, a actor.Actor, team, member id.ID) error {
	if err := a.Require(actor.ManageTeam, actor.Scope{Kind: "team", ID: team}); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		// Locked, so that nobody departs and no team closes meanwhile.
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if _, err := openTeam(ctx, tx, a.Workspace, team); err != nil {
			return err
		}
		if _, _, err := present(ctx, tx, a.Workspace, member); err != nil {
			return err
		}
		const q = `insert into team_member (workspace, id, team, member, added, added_by, removed, removed_by)
			values ($1, $2, $3, $4, $5, $6, 0, 0) on conflict (workspace, team, member) where removed = 0 do nothing`
		n, err := tx.Exec(ctx, q, a.Workspace, s.ids.New(), team, member, db.Micros(s.clock.Now()), a.Member)
		if err != nil {
			return fmt.Errorf("adding to a team: %w", err)
		}
		if n > 0 {
			s.events.Record(tx, a, event.Entry{Verb: "team.member_added", Kind: "team", Subject: team,
				Details: map[string]string{"member": member.String()}})
		}
		return nil
	})
}

// RemoveFromTeam takes a member out of a team. Not in it is no error and no event.
func (s *Service) RemoveFromTeam(ctx context.Context, a actor.Actor, team, member id.ID) error {
	if err := a.Require(actor.ManageTeam, actor.Scope{Kind: "team", ID: team}); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := openTeam(ctx, tx, a.Workspace, team); err != nil {
			return err
		}
		const q = `update team_member set removed = $1, removed_by = $2 where workspace = $3 and team = $4 and member = $5 and removed = 0`
		n, err := tx.Exec(ctx, q, db.Micros(s.clock.Now()), a.Member, a.Workspace, team, member)
		if err != nil {
			return fmt.Errorf("removing from a team: %w", err)
		}
		if n > 0 {
			s.events.Record(tx, a, event.Entry{Verb: "team.member_removed", Kind: "team", Subject: team,
				Details: map[string]string{"member": member.String()}})
		}
		return nil
	})
}

func openTeam(ctx context.Context, q db.Queryer, workspace, team id.ID) (name string, err error) {
	err = q.Row(ctx, `select name from team where workspace = $1 and id = $2 and closed = 0`, workspace, team).Scan(&name)
	if db.NoRows(err) {
		return "", noTeam()
	}
	if err != nil {
		return "", fmt.Errorf("reading a team: %w", err)
	}
	return name, nil
}

func noTeam() error { return problem.New(problem.NotFound, "team.no_team") }

func nameTaken(err error, doing string) error {
	if db.IsUnique(err) {
		return problem.New(problem.Conflict, "team.name_taken").At("name").Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
