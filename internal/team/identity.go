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

// Identity is how another organisation's sign-in knows the actor.
type Identity struct {
	ID      id.ID
	Issuer  string
	Created time.Time
	Used    time.Time // zero: never
}

// Identities lists the actor's own.
func (s *Service) Identities(ctx context.Context, a actor.Actor) ([]Identity, error) {
	login, err := s.self(ctx, s.db.Read(), a)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (v Identity, err error) {
		return v, rows.Scan(&v.ID, &v.Issuer, db.ScanTime(&v.Created), db.ScanTime(&v.Used))
	}, `select id, issuer, created, used from login_identity where login = $1 order by id`, login)
	if err != nil {
		return nil, fmt.Errorf("listing identities: %w", err)
	}
	return all, nil
}

// RemoveIdentity forgets one of the actor's own. The last way to sign in stays.
func (s *Service) RemoveIdentity(ctx context.Context, a actor.Actor, identity id.ID) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.self(ctx, tx, a)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `delete from login_identity where id = $1 and login = $2`, identity, login)
		if err != nil {
			return fmt.Errorf("forgetting an identity: %w", err)
		}
		if n == 0 {
			return problem.New(problem.NotFound, "team.no_identity")
		}
		if err := s.keepAWayIn(ctx, tx, login); err != nil {
			return err
		}
		return s.recordIdentity(ctx, tx, login, identity, "member.identity_removed")
	})
}

func (s *Service) recordIdentity(ctx context.Context, tx *db.Tx, login, identity id.ID, verb string) error {
	where, err := stays(ctx, tx, login)
	if err != nil {
		return err
	}
	for _, st := range where {
		s.events.Record(tx, st.actor(), event.Entry{Verb: verb, Kind: "member", Subject: st.member,
			Details: map[string]string{"identity": identity.String()}})
	}
	return nil
}

// seconded lets in whom the issuer vouches for: by what is linked already, else by
// the session that asked for it, else by an invitation in hand, and by nothing else.
func (s *Service) seconded(ctx context.Context, who identity, link id.ID, invitation string, p Place) (in SignedIn, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.identified(ctx, tx, who)
		switch {
		case err != nil:
			return err
		case login != 0 && link != 0 && login != link:
			return problem.New(problem.Conflict, "team.oidc_taken")
		case login == 0 && link != 0:
			login, err = link, s.link(ctx, tx, link, who)
		case login == 0 && invitation != "":
			login, err = s.acceptIdentified(ctx, tx, invitation, who)
		case login == 0:
			return problem.New(problem.Unauthenticated, "team.oidc_unknown")
		case invitation != "":
			err = s.acceptAs(ctx, tx, invitation, login)
		}
		if err != nil || link != 0 { // whoever links is signed in already
			return err
		}
		in, err = s.open(ctx, tx, login, p)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return in, nil
}

// identified finds whom an identity belongs to; 0: nobody yet.
func (s *Service) identified(ctx context.Context, tx *db.Tx, who identity) (login id.ID, err error) {
	err = tx.Row(ctx, `update login_identity set used = $3 where issuer = $1 and subject = $2 returning login`,
		s.oidc.Issuer, who.subject, db.Micros(s.clock.Now())).Scan(&login)
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("looking for an identity: %w", err)
	}
	return login, nil
}

func (s *Service) link(ctx context.Context, tx *db.Tx, login id.ID, who identity) error {
	if _, err := loginOf(ctx, tx, login); err != nil {
		return err
	}
	n, now := s.ids.New(), db.Micros(s.clock.Now())
	_, err := tx.Exec(ctx, `insert into login_identity (id, login, issuer, subject, created, used) values ($1, $2, $3, $4, $5, 0)`,
		n, login, s.oidc.Issuer, who.subject, now)
	if db.IsUnique(err) {
		return problem.New(problem.Conflict, "team.oidc_taken")
	}
	if err != nil {
		return fmt.Errorf("linking an identity: %w", err)
	}
	return s.recordIdentity(ctx, tx, login, n, "member.identity_linked")
}

// acceptIdentified makes a login without a password for the invited address.
func (s *Service) acceptIdentified(ctx context.Context, tx *db.Tx, invitation string, who identity) (id.ID, error) {
	inv, err := s.invited(ctx, tx, invitation)
	if err != nil {
		return 0, err
	}
	d := loginDraft{password: noPassword, locale: "en"}
	if d.email, err = parseAddress(inv.email); err != nil {
		return 0, err
	}
	if d.name, err = cleanName(who.name, "name"); err != nil {
		if d.name, err = cleanName(d.email.shown, "name"); err != nil {
			return 0, err
		}
	}
	login, err := s.insertLogin(ctx, tx, d)
	if err != nil {
		return 0, err
	}
	if err := s.accept(ctx, tx, invitation, login, d.name); err != nil {
		return 0, err
	}
	return login, s.link(ctx, tx, login, who)
}

func (s *Service) acceptAs(ctx context.Context, tx *db.Tx, invitation string, login id.ID) error {
	l, err := loginOf(ctx, tx, login)
	if err != nil {
		return err
	}
	return s.accept(ctx, tx, invitation, l.id, l.name)
}
