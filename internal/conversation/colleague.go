package conversation

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Colleague is a member as others ask for them: with what they may do at this
// moment, and the teams they are in.
type Colleague struct {
	Actor actor.Actor
	Teams []id.ID
}

// Colleagues lists who is in a workspace, by name.
type Colleagues func(ctx context.Context, q db.Queryer, workspace id.ID) ([]Colleague, error)

// Group is a team of the workspace.
type Group struct {
	ID   id.ID
	Name string
}

// found looks for one of them; nil: not there, or no longer.
func found(all []Colleague, member id.ID) *Colleague {
	for i := range all {
		if all[i].Actor.Member == member {
			return &all[i]
		}
	}
	return nil
}

// able are those who hold a right on an account.
func able(all []Colleague, right actor.Right, account id.ID) []Colleague {
	return slices.DeleteFunc(slices.Clone(all), func(c Colleague) bool { return !c.Actor.Can(right, scope(account)) })
}

// groups are the teams of a workspace that somebody is in, by name.
func groups(ctx context.Context, q db.Queryer, workspace id.ID) ([]Group, error) {
	rows, err := q.Query(ctx, `select id, name from team where workspace = $1 and closed = 0 order by name_folded, id`, workspace)
	if err != nil {
		return nil, fmt.Errorf("reading the teams: %w", err)
	}
	defer rows.Close()
	var all []Group
	for rows.Next() {
		var g Group
		if err := rows.Scan(&g.ID, &g.Name); err != nil {
			return nil, fmt.Errorf("reading the teams: %w", err)
		}
		all = append(all, g)
	}
	return all, rows.Err()
}
