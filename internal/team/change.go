package team

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// PasswordChange is what one's own settings say.
type PasswordChange struct {
	Old  string
	New  string
	Keep id.ID // the session it is done in; all others end
}

// ChangePassword changes the actor's own password and ends their other
// sessions. The old one is asked for and throttled as at sign-in: a browser left
// open for a minute must not become a login for ever.
func (s *Service) ChangePassword(ctx context.Context, a actor.Actor, in PasswordChange, p Place) error {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return err
	}
	l, err := loginOf(ctx, s.db.Read(), login)
	if err != nil {
		return err
	}
	if err := checkPassword(in.New, l.email, l.name); err != nil {
		return err
	}
	checked, try, err := s.proves(ctx, l, in.Old, p)
	if err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, in.New)
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := unchanged(ctx, tx, checked); err != nil {
			return err
		}
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		return s.setPassword(ctx, tx, login, hash, in.Keep)
	})
}

// proves checks somebody's present password, counted as at sign-in.
func (s *Service) proves(ctx context.Context, l loginRow, password string, p Place) (loginRow, admitted, error) {
	folded := foldTyped(l.email)
	try, err := s.admit(ctx, folded, p)
	if err != nil {
		return l, try, err
	}
	checked, _, err := s.check(ctx, folded, password)
	if problem.Is(err, "team.sign_in") {
		err = problem.New(problem.Invalid, "team.old_password").At("old")
	}
	return checked, try, err
}

// setPassword stores a new hash, ends the sessions but keep and the links that
// wait to set another one, and tells every workspace the login is a member of.
func (s *Service) setPassword(ctx context.Context, tx *db.Tx, login id.ID, hash string, keep id.ID) error {
	if _, err := tx.Exec(ctx, `update login set password = $1 where id = $2 and removed = 0`, hash, login); err != nil {
		return fmt.Errorf("changing a password: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from login_link where login = $1 and purpose = 'password'`, login); err != nil {
		return fmt.Errorf("ending password links: %w", err)
	}
	where, err := stays(ctx, tx, login)
	if err != nil {
		return err
	}
	var as []actor.Actor
	for _, st := range where {
		as = append(as, st.actor())
		s.events.Record(tx, st.actor(), event.Entry{Verb: "member.password_changed", Kind: "member", Subject: st.member})
	}
	return s.endSessions(ctx, tx, login, keep, as...)
}

// PasswordLinkFor is who a link to a new password is for, to greet them by name.
func (s *Service) PasswordLinkFor(ctx context.Context, secret string) (name, email string, err error) {
	login, err := s.passwordLink(ctx, s.db.Read(), secret)
	if err != nil {
		return "", "", err
	}
	l, err := loginOf(ctx, s.db.Read(), login)
	return l.name, l.email, err
}

func (s *Service) passwordLink(ctx context.Context, q db.Queryer, secret string) (login id.ID, err error) {
	over := problem.New(problem.Gone, "team.link_over")
	if !plausible(secret, passwordPrefix) {
		return 0, over
	}
	var until time.Time
	err = q.Row(ctx, `select k.login, k.until from login_link k join login l on l.id = k.login and l.removed = 0
		where k.hash = $1 and k.purpose = 'password'`, hashSecret(secret)).Scan(&login, db.ScanTime(&until))
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("reading a password link: %w", err)
	}
	if err != nil || !s.clock.Now().Before(until) {
		return 0, over
	}
	return login, nil
}

// UsePasswordLink sets a new password, ends every session, forgets the wrong
// tries and begins a new session. The link is used up; one that does not work
// is "team.link_over".
func (s *Service) UsePasswordLink(ctx context.Context, secret, password string, p Place) (signed SignedIn, err error) {
	login, err := s.passwordLink(ctx, s.db.Read(), secret)
	if err != nil {
		return signed, err
	}
	l, err := loginOf(ctx, s.db.Read(), login)
	if err != nil {
		return signed, err
	}
	if err := checkPassword(password, l.email, l.name); err != nil {
		return signed, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return signed, fmt.Errorf("hashing a password: %w", err)
	}
	folded := foldTyped(l.email)
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if n, err := tx.Exec(ctx, `delete from login_link where hash = $1`, hashSecret(secret)); err != nil || n == 0 {
			if err != nil {
				return fmt.Errorf("using a password link: %w", err)
			}
			return problem.New(problem.Gone, "team.link_over")
		}
		try := admitted{account: append(buckets(folded, network(p.Address), true), buckets(folded, "", false)[0])}
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, login, hash, 0); err != nil {
			return err
		}
		signed, err = s.open(ctx, tx, login, p)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signed, nil
}
