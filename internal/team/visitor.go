package team

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// Visitor is somebody who is signed in, and all they may do at this moment.
type Visitor struct {
	Login      id.ID
	Session    id.ID
	Name       string
	Email      string
	Locale     string
	Workspaces []Membership // by name
}

// Membership is a visitor's place in one workspace.
type Membership struct {
	Workspace Workspace
	Actor     actor.Actor
}

// touchEvery is how fine "last seen" is: finer would mean a write per request.
const touchEvery = 5 * time.Minute

func sessionOver() error { return problem.New(problem.Unauthenticated, "team.session_over") }

// Authenticate finds who a session's secret belongs to and reads their rights:
// two indexed queries, nothing cached, so that what was taken away a moment ago
// on another node is gone here too. The problem of a session that is over, or
// never was, is "team.session_over".
func (s *Service) Authenticate(ctx context.Context, secret string) (Visitor, error) {
	if !plausible(secret, sessionPrefix) {
		return Visitor{}, sessionOver()
	}
	var v Visitor
	var seen, until time.Time
	const q = `select s.id, s.seen, s.until, l.id, l.name, l.email, l.locale
		from login_session s join login l on l.id = s.login where s.hash = $1 and l.removed = 0`
	err := s.db.Read().Row(ctx, q, hashSecret(secret)).Scan(&v.Session, db.ScanTime(&seen), db.ScanTime(&until),
		&v.Login, &v.Name, &v.Email, &v.Locale)
	if db.NoRows(err) {
		return Visitor{}, sessionOver()
	}
	if err != nil {
		return Visitor{}, fmt.Errorf("reading a session: %w", err)
	}
	now := s.clock.Now()
	if !now.Before(until) || !now.Before(s.lastSeen(v.Session, seen).Add(SessionIdle)) {
		return Visitor{}, sessionOver()
	}
	if v.Workspaces, err = s.memberships(ctx, v.Login, now); err != nil {
		return Visitor{}, err
	}
	s.touchSession(v.Session, seen, now)
	return v, nil
}

// memberships reads where a login is a member and what it may do there.
func (s *Service) memberships(ctx context.Context, login id.ID, now time.Time) ([]Membership, error) {
	const q = `select w.id, w.slug, w.name, w.locale, w.zone, w.created, w.keep_days, m.id, m.name,
			coalesce(g.role, ''), coalesce(g.scope_kind, ''), coalesce(g.scope_id, 0)
		from member m join workspace w on w.id = m.workspace
		left join right_grant g on g.workspace = m.workspace and g.member = m.id and g.ended = 0 and (g.until = 0 or g.until > $2)
		where m.login = $1 and m.departed = 0 and w.closed = 0 order by w.name, w.id, g.id`
	rows, err := s.db.Read().Query(ctx, q, login, db.Micros(now))
	if err != nil {
		return nil, fmt.Errorf("reading the rights of a login: %w", err)
	}
	defer rows.Close()
	var all []Membership
	for rows.Next() {
		if all, err = gather(all, rows); err != nil {
			return nil, fmt.Errorf("reading the rights of a login: %w", err)
		}
	}
	return all, rows.Err()
}

// gather adds one row, a workspace and one of the grants there, to the list.
func gather(all []Membership, rows *sql.Rows) ([]Membership, error) {
	var w Workspace
	var a actor.Actor
	var role Role
	var in actor.Scope
	if err := rows.Scan(&w.ID, &w.Slug, &w.Name, &w.Locale, &w.Zone, db.ScanTime(&w.Created), &w.KeepDays,
		&a.Member, &a.Name, &role, &in.Kind, &in.ID); err != nil {
		return nil, err
	}
	if n := len(all); n == 0 || all[n-1].Workspace.ID != w.ID {
		a.Workspace = w.ID
		a.Grants = []actor.Grant{{Right: actor.Self}}
		all = append(all, Membership{Workspace: w, Actor: a})
	}
	m := &all[len(all)-1]
	m.Actor.Grants = expand(m.Actor.Grants, role, in)
	return all, nil
}

func (s *Service) lastSeen(session id.ID, stored time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.sessions[session]; t.After(stored) {
		return t
	}
	return stored
}

func (s *Service) touchSession(session id.ID, stored, now time.Time) {
	if now.Sub(stored) < touchEvery {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[session] = now
}
