package team

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Session is one browser that is signed in, as its owner sees it in a list.
type Session struct {
	ID      id.ID
	Created time.Time
	Seen    time.Time // to a few minutes
	Until   time.Time
	Agent   string
	Address string
}

// Sessions lists where the actor's login is signed in, the latest first.
func (s *Service) Sessions(ctx context.Context, a actor.Actor) ([]Session, error) {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (v Session, err error) {
		return v, rows.Scan(&v.ID, db.ScanTime(&v.Created), db.ScanTime(&v.Seen), db.ScanTime(&v.Until), &v.Agent, &v.Address)
	}, `select id, created, seen, until, agent, address from login_session
		where login = $1 and until > $2 and seen > $3 order by seen desc, id desc`,
		login, db.Micros(now), db.Micros(now.Add(-SessionIdle)))
	if err != nil {
		return nil, fmt.Errorf("listing the sessions: %w", err)
	}
	for i := range all {
		all[i].Seen = s.lastSeen(all[i].ID, all[i].Seen)
	}
	return all, nil
}

// RevokeSession ends one of the actor's own sessions, at once and everywhere.
func (s *Service) RevokeSession(ctx context.Context, a actor.Actor, session id.ID) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.self(ctx, tx, a)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `delete from login_session where id = $1 and login = $2`, session, login)
		if err != nil {
			return fmt.Errorf("ending a session: %w", err)
		}
		if n == 0 {
			return problem.New(problem.NotFound, "team.no_session")
		}
		s.endedSession(tx, a, login, session)
		return nil
	})
}

// RevokeOtherSessions ends all of the actor's own sessions but one.
func (s *Service) RevokeOtherSessions(ctx context.Context, a actor.Actor, keep id.ID) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.self(ctx, tx, a)
		if err != nil {
			return err
		}
		return s.endSessions(ctx, tx, login, keep, a)
	})
}

// endSessions ends a login's sessions but keep, and records each in the
// workspaces of as.
func (s *Service) endSessions(ctx context.Context, tx *db.Tx, login, keep id.ID, as ...actor.Actor) error {
	gone, err := list(ctx, tx, scanID, `delete from login_session where login = $1 and id <> $2 returning id`, login, keep)
	if err != nil {
		return fmt.Errorf("ending sessions: %w", err)
	}
	for _, session := range gone {
		s.tell(tx, Ended{Session: session})
		for _, a := range as {
			s.events.Record(tx, a, sessionEnded(login, session))
		}
	}
	return nil
}

func (s *Service) endedSession(tx *db.Tx, a actor.Actor, login, session id.ID) {
	s.tell(tx, Ended{Session: session})
	s.events.Record(tx, a, sessionEnded(login, session))
}

func sessionEnded(login, session id.ID) event.Entry {
	return event.Entry{Verb: "session.revoked", Kind: "session", Subject: session,
		Details: map[string]string{"login": login.String()}}
}

// self is the login of an actor who acts for themselves in a browser.
func (s *Service) self(ctx context.Context, q db.Queryer, a actor.Actor) (id.ID, error) {
	if err := a.Require(actor.Self); err != nil {
		return 0, err
	}
	login, _, err := present(ctx, q, a.Workspace, a.Member)
	return login, err
}
