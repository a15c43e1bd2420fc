package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/network"
)

// listen keeps a stream open for as long as the lease lasts. What comes through
// it is stored at once, and when it opens, drops a hint or ends, the feeds are
// polled: the stream only shortens the delay.
func (s *Accounts) listen(ctx context.Context, l *lease) outcome {
	opened := time.Time{}
	err := s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
		st, ok := n.(network.Streamer)
		if !ok {
			return &network.Error{Kind: network.Version, Message: "this network has no stream any more"}
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		ready := func() {
			opened = s.Clock.Now()
			if err := s.streamOpen(ctx, l); err != nil {
				cancel(err)
			}
			s.pollNow(ctx, l, true)
		}
		got := func(e network.Event) error {
			if e.Kind == network.KindHint {
				s.pollNow(ctx, l, false)
				return nil
			}
			_, err := s.store(ctx, l, a, network.Page{Events: []network.Event{e}})
			return err
		}
		err := st.Stream(ctx, a, ready, got)
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			return cause
		}
		return err
	})
	o := outcome{quiet: true, err: err}
	if err == nil {
		o.err = &network.Error{Kind: network.Transient, Native: "closed", Message: "the stream was closed"}
	}
	if !opened.IsZero() && ctx.Err() == nil {
		s.pollNow(ctx, l, false) // what it told of is now polled for
		o.moved = s.Clock.Now().Sub(opened) > restMost
	}
	return o
}

// streamOpen notes that the stream works.
func (s *Accounts) streamOpen(ctx context.Context, l *lease) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		now := s.Clock.Now()
		n, err := tx.Exec(ctx, `update account_feed set worked = $1, lease = $2, failures = 0, kind = '', native = '', message = '', help = ''
			where workspace = $3 and account = $4 and feed = $5 and generation = $6`,
			db.Micros(now), db.Micros(now.Add(feedLease)), l.workspace, l.account, string(l.feed), l.generation)
		if err == nil && n == 0 {
			err = errFenced
		}
		return err
	})
}

// pollNow makes the account's feeds due, except where the network has asked us to
// wait. What is failing keeps its pause unless the stream has just opened, which
// shows that the network is back.
func (s *Accounts) pollNow(ctx context.Context, l *lease, opened bool) {
	which := `feed not in ('` + string(feedStream) + `', '` + string(feedWatch) + `') and kind <> '` + string(network.RateLimited) + `'`
	if !opened {
		which += ` and failures = 0`
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.hint(ctx, tx, l, which) })
	if err != nil && ctx.Err() == nil {
		s.Logger.Warn("asking for a poll; it comes by itself", "account", l.account, "err", err)
	}
	s.Wake()
}

// hint makes feeds of l's account due soon. One that is being read just now has
// perhaps passed what the hint is about, so it is read again.
func (s *Accounts) hint(ctx context.Context, tx *db.Tx, l *lease, which string) error {
	now := db.Micros(s.Clock.Now())
	_, err := tx.Exec(ctx, `update account_feed set hinted = case when lease >= $1 then 1 else 0 end,
		due = case when due <= $1 or due <= tried + $2 then due when tried + $2 > $1 then tried + $2 else $1 end
		where workspace = $3 and account = $4 and offered = 1 and `+which,
		now, hintRest.Microseconds(), l.workspace, l.account)
	if err != nil {
		return fmt.Errorf("asking for a poll: %w", err)
	}
	return nil
}
