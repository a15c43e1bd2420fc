package team

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// noPassword stands where the hash of a password would. No password fits it.
const noPassword = "none"

// OfferPasskeys answers what navigator.credentials.get is to be given. It names
// nobody: which keys there are, the browser knows.
func (s *Service) OfferPasskeys(ctx context.Context, p Place) (options []byte, err error) {
	if !s.PasskeysWork() {
		return nil, problem.New(problem.Conflict, "team.passkey_address")
	}
	assertion, session, err := s.relying.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.rememberChallenge(ctx, tx, step{purpose: usesPasskey}, *session, p)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(assertion)
}

// keyRow is a stored key that somebody wants to sign in with.
type keyRow struct {
	id, login id.ID
	doubted   time.Time
	fresh     webauthn.Credential // as it is after this use
}

// SignInWithPasskey begins a session for whoever's key signed the challenge. A key
// that nobody has here is "team.passkey_unknown", an answer that is not right
// "team.passkey_wrong", a key that may have been copied "team.passkey_doubted".
func (s *Service) SignInWithPasskey(ctx context.Context, answer []byte, p Place) (in SignedIn, err error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil || !s.PasskeysWork() {
		return in, problem.New(problem.Unauthenticated, "team.passkey_wrong").Because(err)
	}
	doubted := false
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, session, err := s.challenged(ctx, tx, parsed.Response.CollectedClientData.Challenge, usesPasskey)
		if err != nil {
			return err
		}
		key, err := s.signedBy(ctx, tx, parsed, session)
		if err != nil {
			return err
		}
		if doubted = !key.doubted.IsZero() || key.fresh.Authenticator.CloneWarning; doubted {
			return s.doubt(ctx, tx, key)
		}
		if err := s.used(ctx, tx, key); err != nil {
			return err
		}
		in, err = s.open(ctx, tx, key.login, p)
		return err
	})
	if err == nil && doubted { // that it is doubted was stored
		err = problem.New(problem.Unauthenticated, "team.passkey_doubted")
	}
	if err != nil {
		return SignedIn{}, err
	}
	s.logger.InfoContext(ctx, "signed in with a passkey", "login", in.Login, "session", in.Session)
	return in, nil
}

// signedBy finds the key and checks what it signed. Its row is locked first: two
// uses at once must not both see the counter of before.
func (s *Service) signedBy(ctx context.Context, tx *db.Tx, answer *protocol.ParsedCredentialAssertionData, session webauthn.SessionData) (key keyRow, err error) {
	err = tx.Row(ctx, `update passkey set used = used where credential = $1 returning id, login, doubted`, []byte(answer.RawID)).
		Scan(&key.id, &key.login, db.ScanTime(&key.doubted))
	if db.NoRows(err) {
		return key, problem.New(problem.Unauthenticated, "team.passkey_unknown")
	}
	if err != nil {
		return key, fmt.Errorf("looking for a passkey: %w", err)
	}
	h, err := s.holder(ctx, tx, key.login)
	if err != nil {
		return key, err
	}
	_, fresh, err := s.relying.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return h, nil }, session, answer)
	if err != nil {
		return key, problem.New(problem.Unauthenticated, "team.passkey_wrong").Because(err)
	}
	key.fresh = *fresh
	return key, nil
}

func (s *Service) used(ctx context.Context, tx *db.Tx, key keyRow) error {
	raw, err := json.Marshal(key.fresh)
	if err != nil {
		return fmt.Errorf("writing down a passkey: %w", err)
	}
	if _, err := tx.Exec(ctx, `update passkey set record = $1, used = $2 where id = $3`, string(raw), db.Micros(s.clock.Now()), key.id); err != nil {
		return fmt.Errorf("noting that a passkey was used: %w", err)
	}
	return nil
}

// doubt keeps a key whose counter went backwards from being used again: either it
// or a copy of it signed, and nobody can tell which (WebAuthn, level 3, section 6.1.1).
func (s *Service) doubt(ctx context.Context, tx *db.Tx, key keyRow) error {
	n, err := tx.Exec(ctx, `update passkey set doubted = $1 where id = $2 and doubted = 0`, db.Micros(s.clock.Now()), key.id)
	if err != nil {
		return fmt.Errorf("doubting a passkey: %w", err)
	}
	if n == 0 {
		return nil // it was already
	}
	s.logger.WarnContext(ctx, "the counter of a passkey went backwards", "login", key.login, "passkey", key.id)
	return s.recordPasskey(ctx, tx, key.login, key.id, "member.passkey_doubted")
}

// RemovePassword leaves the actor with their other ways to sign in. The present
// password is asked for, and their other sessions end, as when it changes.
func (s *Service) RemovePassword(ctx context.Context, a actor.Actor, in PasswordChange, p Place) error {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return err
	}
	l, err := loginOf(ctx, s.db.Read(), login)
	if err != nil {
		return err
	}
	// Before the password is asked for: it would be typed for nothing.
	if err := s.hasAnotherWay(ctx, s.db.Read(), login); err != nil {
		return err
	}
	checked, try, err := s.proves(ctx, l, in.Old, p)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := unchanged(ctx, tx, checked); err != nil {
			return err
		}
		if err := try.forgive(ctx, tx); err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, login, noPassword, in.Keep); err != nil {
			return err
		}
		return s.keepAWayIn(ctx, tx, login)
	})
}

// keepAWayIn refuses what would leave a login that nobody can sign in to. The row
// is locked, so that the last two ways cannot go at the same moment.
func (s *Service) keepAWayIn(ctx context.Context, tx *db.Tx, login id.ID) error {
	var password string
	if err := tx.Row(ctx, `update login set password = password where id = $1 returning password`, login).Scan(&password); err != nil {
		return fmt.Errorf("looking for another way to sign in: %w", err)
	}
	if password != noPassword {
		return nil
	}
	return s.hasAnotherWay(ctx, tx, login)
}

// hasAnotherWay refuses where neither a passkey nor the other sign-in lets them in.
func (s *Service) hasAnotherWay(ctx context.Context, q db.Queryer, login id.ID) error {
	var ways int
	if err := q.Row(ctx, `select count(*) from passkey where login = $1 and doubted = 0`, login).Scan(&ways); err != nil {
		return fmt.Errorf("looking for another way to sign in: %w", err)
	}
	if s.oidc != nil && ways == 0 {
		const text = `select count(*) from login_identity where login = $1 and issuer = $2`
		if err := q.Row(ctx, text, login, s.oidc.Issuer).Scan(&ways); err != nil {
			return fmt.Errorf("looking for another way to sign in: %w", err)
		}
	}
	if ways == 0 {
		return problem.New(problem.Conflict, "team.last_way_in")
	}
	return nil
}

// HasPassword reports whether the actor can sign in with a password.
func (s *Service) HasPassword(ctx context.Context, a actor.Actor) (bool, error) {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return false, err
	}
	l, err := loginOf(ctx, s.db.Read(), login)
	return l.password != noPassword, err
}
