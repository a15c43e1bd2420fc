package team

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Seat is a member as Parley itself needs to know them to write to them: what they
// may do at this moment, and where and in which language they are reached.
type Seat struct {
	Actor     actor.Actor
	Login     id.ID
	Teams     []id.ID
	Email     string
	Locale    string
	Zone      string // of the workspace
	Workspace string // its name
	Slug      string
}

// Roster lists who is in a workspace. It is for the parts of Parley that tell
// members something: nothing of it is shown to anybody.
func (s *Service) Roster(ctx context.Context, q db.Queryer, workspace id.ID) ([]Seat, error) {
	now := s.clock.Now()
	rows, err := q.Query(ctx, `select m.id, m.name, l.id, l.email, l.locale, w.zone, w.name, w.slug,
			coalesce(g.role, ''), coalesce(g.scope_kind, ''), coalesce(g.scope_id, 0)
		from member m join login l on l.id = m.login join workspace w on w.id = m.workspace
		left join right_grant g on g.workspace = m.workspace and g.member = m.id and g.ended = 0 and (g.until = 0 or g.until > $2)
		where m.workspace = $1 and m.departed = 0 and w.closed = 0 and l.removed = 0 order by m.id, g.id`, workspace, db.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("reading who is in a workspace: %w", err)
	}
	all, err := seated(rows, workspace)
	if err != nil {
		return nil, fmt.Errorf("reading who is in a workspace: %w", err)
	}
	byMember := make(map[id.ID]*Seat, len(all))
	for i := range all {
		byMember[all[i].Actor.Member] = &all[i]
	}
	type in struct{ team, member id.ID }
	teams, err := list(ctx, q, func(rows *sql.Rows) (v in, err error) { return v, rows.Scan(&v.team, &v.member) },
		`select team, member from team_member where workspace = $1 and removed = 0 order by id`, workspace)
	if err != nil {
		return nil, fmt.Errorf("reading who is in which team: %w", err)
	}
	for _, v := range teams {
		if s := byMember[v.member]; s != nil {
			s.Teams = append(s.Teams, v.team)
		}
	}
	return all, nil
}

// seated gathers rows of a member and one of their grants.
func seated(rows *sql.Rows, workspace id.ID) ([]Seat, error) {
	defer rows.Close()
	var all []Seat
	for rows.Next() {
		var v Seat
		var role Role
		var in actor.Scope
		if err := rows.Scan(&v.Actor.Member, &v.Actor.Name, &v.Login, &v.Email, &v.Locale, &v.Zone, &v.Workspace, &v.Slug, &role, &in.Kind, &in.ID); err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].Actor.Member != v.Actor.Member {
			v.Actor.Workspace = workspace
			v.Actor.Grants = []actor.Grant{{Right: actor.Self}}
			all = append(all, v)
		}
		last := &all[len(all)-1]
		last.Actor.Grants = expand(last.Actor.Grants, role, in)
	}
	return all, rows.Err()
}

// Place is the time zone of a seat's workspace.
func (v Seat) Place() *time.Location { return location(v.Zone) }
