package team

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Colleague is somebody of a workspace as others ask for them: with what they may
// do at this moment, and the teams they are in.
type Colleague struct {
	Actor actor.Actor
	Teams []id.ID
}

// Colleagues lists who is in a workspace, by name. It asks for no right: what it
// tells is for the capability that decides by it, inside its own transaction.
func (s *Service) Colleagues(ctx context.Context, q db.Queryer, workspace id.ID) ([]Colleague, error) {
	all, err := list(ctx, q, func(rows *sql.Rows) (c Colleague, err error) {
		c.Actor = actor.Actor{Workspace: workspace}
		return c, rows.Scan(&c.Actor.Member, &c.Actor.Name)
	}, `select id, name from member where workspace = $1 and departed = 0`, workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the colleagues: %w", err)
	}
	byID := make(map[id.ID]*Colleague, len(all))
	for i := range all {
		byID[all[i].Actor.Member] = &all[i]
	}
	type in struct{ team, member id.ID }
	teams, err := list(ctx, q, func(rows *sql.Rows) (v in, err error) { return v, rows.Scan(&v.team, &v.member) },
		`select team, member from team_member where workspace = $1 and removed = 0 order by id`, workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the colleagues: %w", err)
	}
	for _, v := range teams {
		if c := byID[v.member]; c != nil {
			c.Teams = append(c.Teams, v.team)
		}
	}
	grants, err := s.inForce(ctx, q, workspace)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if c := byID[g.Member]; c != nil {
			c.Actor.Grants = expand(c.Actor.Grants, g.Role, g.Scope)
		}
	}
	slices.SortFunc(all, func(x, y Colleague) int {
		return compareNames(x.Actor.Name, y.Actor.Name, x.Actor.Member, y.Actor.Member)
	})
	return all, nil
}
