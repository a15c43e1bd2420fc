package team

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
)

const (
	flushEvery = time.Minute
	sweepEvery = time.Hour
	// invitationShown is how long one that expired stays in the list.
	invitationShown = 30 * 24 * time.Hour
)

// Run keeps "last seen" written down and sweeps what is over, until ctx ends.
// Every node runs it; all of it may run twice.
func (s *Service) Run(ctx context.Context) error {
	swept := time.Time{}
	for {
		if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
			s.logger.WarnContext(ctx, "writing down when sessions were seen", "err", err)
		}
		if now := s.clock.Now(); now.Sub(swept) >= sweepEvery {
			swept = now
			if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.logger.WarnContext(ctx, "sweeping sessions and links that are over", "err", err)
			}
		}
		if clock.Sleep(ctx, s.clock, flushEvery) != nil {
			return s.Flush(context.WithoutCancel(ctx))
		}
	}
}

// Flush writes, in one transaction, when sessions and tokens were last used on
// this node. What a crash or a failure loses of it is minutes of a date that
// people look at in days.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	sessions, tokens := s.sessions, s.tokens
	s.sessions, s.tokens = map[id.ID]time.Time{}, map[tokenUse]time.Time{}
	s.mu.Unlock()
	if len(sessions) == 0 && len(tokens) == 0 {
		return nil
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		// In order of their ids: two nodes must not wait for each other's rows.
		for _, session := range slices.Sorted(maps.Keys(sessions)) {
			const q = `update login_session set seen = $1 where id = $2 and seen < $1`
			if _, err := tx.Exec(ctx, q, db.Micros(sessions[session]), session); err != nil {
				return fmt.Errorf("noting when a session was seen: %w", err)
			}
		}
		for _, t := range slices.SortedFunc(maps.Keys(tokens), tokenUse.compare) {
			const q = `update api_token set used = $1 where workspace = $2 and id = $3 and used < $1`
			if _, err := tx.Exec(ctx, q, db.Micros(tokens[t]), t.workspace, t.token); err != nil {
				return fmt.Errorf("noting when a token was used: %w", err)
			}
		}
		return nil
	})
}

// Sweep deletes what is over and nobody looks at any more.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.clock.Now()
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, d := range []struct {
			query  string
			before time.Time
		}{
			{`delete from login_session where until <= $1`, now},
			{`delete from login_session where seen <= $1`, now.Add(-SessionIdle)},
			{`delete from login_link where purpose = 'password' and until <= $1`, now},
			{`delete from login_step where until <= $1`, now},
			{`delete from login_throttle where last <= $1`, now.Add(-forget)},
			{`delete from login_place where seen <= $1`, now.Add(-placeLife)},
		} {
			if _, err := tx.Exec(ctx, d.query, db.Micros(d.before)); err != nil {
				return fmt.Errorf("sweeping: %w", err)
			}
		}
		// The address goes, the record of the invitation stays.
		const q = `update invitation set revoked = $1, email = '', email_folded = ''
			where accepted = 0 and revoked = 0 and until <= $2`
		if _, err := tx.Exec(ctx, q, db.Micros(now), db.Micros(now.Add(-invitationShown))); err != nil {
			return fmt.Errorf("sweeping: %w", err)
		}
		return nil
	})
}
