package team

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

const (
	// stepLife is how long somebody may take between the two requests of a step:
	// to find their key, or to sign in elsewhere.
	stepLife = 10 * time.Minute
	// mostSteps may be under way from one network: an office behind one address
	// has many hands, a flood has more.
	mostSteps = 200
)

// What a step is for.
const (
	addsPasskey = "passkey.add"
	usesPasskey = "passkey.use"
	usesOIDC    = "oidc"
)

// step is what is remembered between two requests of one sign-in. It is found by
// the hash of a secret that only the browser was told, and used once.
type step struct {
	purpose string
	login   id.ID // 0: whose it is shows at its end
	data    string
}

func (s *Service) beginStep(ctx context.Context, tx *db.Tx, secret string, st step, p Place) error {
	now := s.clock.Now()
	place := hashOf("step", network(p.Address))
	var open int
	if err := tx.Row(ctx, `select count(*) from login_step where place = $1 and until > $2`, place, db.Micros(now)).Scan(&open); err != nil {
		return fmt.Errorf("counting the steps of sign-ins: %w", err)
	}
	if open >= mostSteps {
		return problem.New(problem.Throttled, "team.steps")
	}
	const q = `insert into login_step (hash, purpose, login, data, place, until) values ($1, $2, $3, $4, $5, $6)`
	if _, err := tx.Exec(ctx, q, hashSecret(secret), st.purpose, st.login, st.data, place, db.Micros(now.Add(stepLife))); err != nil {
		return fmt.Errorf("beginning a step of a sign-in: %w", err)
	}
	return nil
}

// endStep takes a step away and returns it. One that never was, was used or took
// too long is the problem over.
func (s *Service) endStep(ctx context.Context, tx *db.Tx, secret, purpose, over string) (st step, err error) {
	var until time.Time
	err = tx.Row(ctx, `delete from login_step where hash = $1 and purpose = $2 returning login, data, until`,
		hashSecret(secret), purpose).Scan(&st.login, &st.data, db.ScanTime(&until))
	if err != nil && !db.NoRows(err) {
		return st, fmt.Errorf("ending a step of a sign-in: %w", err)
	}
	if err != nil || !s.clock.Now().Before(until) {
		return st, problem.New(problem.Gone, over)
	}
	st.purpose = purpose
	return st, nil
}
