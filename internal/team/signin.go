package team

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// SignedIn is a session that has just begun. Secret is told this once.
type SignedIn struct {
	Login   id.ID
	Session id.ID
	Secret  string
	Until   time.Time
}

// SignIn checks an e-mail address and a password and begins a session. Whatever
// is wrong, the answer is the same problem, "team.sign_in", after the same time;
// too many wrong tries are "team.throttled" until the time it names.
func (s *Service) SignIn(ctx context.Context, email, password string, p Place) (SignedIn, error) {
	folded := foldTyped(email)
	try, err := s.admit(ctx, folded, p)
	if err != nil {
		return SignedIn{}, err
	}
	l, stale, err := s.check(ctx, folded, password)
	if err != nil {
		return SignedIn{}, err
	}
	renewed := ""
	if stale {
		if renewed, err = s.hasher.hash(ctx, password); err != nil {
			return SignedIn{}, fmt.Errorf("renewing a password hash: %w", err)
		}
	}
	var in SignedIn
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := unchanged(ctx, tx, l); err != nil {
			return err
		}
		if renewed != "" {
			if _, err := tx.Exec(ctx, `update login set password = $1 where id = $2`, renewed, l.id); err != nil {
				return fmt.Errorf("renewing a password hash: %w", err)
			}
		}
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		in, err = s.open(ctx, tx, l.id, p)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	// Who signs in when is nobody's business but the operator's, and only here.
	s.logger.InfoContext(ctx, "signed in", "login", l.id, "session", in.Session)
	return in, nil
}

// foldTyped is what a typed address is looked up and counted by. What is no
// address is counted too: it is looked up in vain.
func foldTyped(email string) string {
	if a, err := parseAddress(email); err == nil {
		return a.folded
	}
	return "?" + cleanLabel(email, maxAddress)
}

func wrongSignIn() error { return problem.New(problem.Unauthenticated, "team.sign_in").At("password") }

// check finds the login whose password this is.
func (s *Service) check(ctx context.Context, folded, password string) (l loginRow, stale bool, err error) {
	if len(password) > maxPassword {
		password = "" // nobody's; hashing it takes the usual time
	}
	l, found, err := loginBy(ctx, s.db.Read(), folded)
	if err != nil {
		return l, false, err
	}
	if !found || l.password == noPassword {
		if err := s.hasher.pretend(ctx, password); err != nil {
			return l, false, fmt.Errorf("checking a password: %w", err)
		}
		return l, false, wrongSignIn()
	}
	ok, stale, err := s.hasher.verify(ctx, password, l.password)
	if err != nil {
		return l, false, fmt.Errorf("checking a password: %w", err)
	}
	if !ok {
		return l, false, wrongSignIn()
	}
	return l, stale, nil
}

// unchanged refuses a sign-in whose password was changed, or whose login was
// removed, while it was being checked.
func unchanged(ctx context.Context, tx *db.Tx, l loginRow) error {
	n, err := tx.Exec(ctx, `update login set password = password where id = $1 and password = $2 and removed = 0`, l.id, l.password)
	if err != nil {
		return fmt.Errorf("checking a password: %w", err)
	}
	if n == 0 {
		return wrongSignIn()
	}
	return nil
}

// open begins a session and remembers the place as one this login is known at.
func (s *Service) open(ctx context.Context, tx *db.Tx, login id.ID, p Place) (SignedIn, error) {
	secret, hash := newSecret(sessionPrefix)
	now := s.clock.Now()
	in := SignedIn{Login: login, Session: s.ids.New(), Secret: secret, Until: now.Add(SessionLife)}
	const q = `insert into login_session (id, login, hash, created, seen, until, agent, address)
		values ($1, $2, $3, $4, $4, $5, $6, $7)`
	_, err := tx.Exec(ctx, q, in.Session, login, hash, db.Micros(now), db.Micros(in.Until),
		cleanLabel(p.Agent, 300), cleanLabel(p.Address, 60))
	if err != nil {
		return SignedIn{}, fmt.Errorf("beginning a session: %w", err)
	}
	net := network(p.Address)
	if net == "" { // a client whose address is not told could be anybody
		return in, nil
	}
	const place = `insert into login_place (login, place, seen) values ($1, $2, $3)
		on conflict (login, place) do update set seen = excluded.seen`
	if _, err := tx.Exec(ctx, place, login, hashOf("place", net), db.Micros(now)); err != nil {
		return SignedIn{}, fmt.Errorf("remembering a place: %w", err)
	}
	return in, nil
}

// SignOut ends the session of this secret. One that is over already is no error.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var session id.ID
		err := tx.Row(ctx, `delete from login_session where hash = $1 returning id`, hashSecret(secret)).Scan(&session)
		if db.NoRows(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("signing out: %w", err)
		}
		s.tell(tx, Ended{Session: session})
		return nil
	})
}
