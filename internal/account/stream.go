package account

import (
	"context"
	"errors"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/network"
)

// hold keeps a stream open for as long as the lease lasts. What comes through
// it is stored at once, and each time it opens, or drops a hint, the feeds are
// polled: the stream only shortens the delay.
func (s *Accounts) hold(ctx context.Context, l lease) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go s.keepLease(ctx, l, cancel)
	opened := s.Clock.Now()
	err := s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
		st, ok := n.(network.Streamer)
		if !ok {
			return &network.Error{Kind: network.Version, Message: "this network has no stream any more"}
		}
		ready := func() {
			if _, err := s.store(ctx, &l, a, network.Page{}); err != nil {
				cancel(err)
			}
			s.pollNow(ctx, l)
		}
		return st.Stream(ctx, a, ready, func(e network.Event) error {
			if e.Kind == network.KindHint {
				s.pollNow(ctx, l)
				return nil
			}
			_, err := s.store(ctx, &l, a, network.Page{Events: []network.Event{e}})
			return err
		})
	})
	if errors.Is(context.Cause(ctx), errFenced) || errors.Is(err, errFenced) {
		return
	}
	if ctx.Err() != nil { // stopping: the lease is given back so that another node goes on at once
		err = nil
	} else if err == nil {
		err = &network.Error{Kind: network.Transient, Native: "closed", Message: "the stream was closed"}
	}
	if s.Clock.Now().Sub(opened) > 10*time.Minute {
		l.failures = 0 // it had worked: this is a new trouble, not the old one going on
	}
	if err := s.settle(context.WithoutCancel(ctx), l, 0, network.Rate{}, err); err != nil {
		s.Logger.Warn("storing how a stream ended", "account", l.account, "err", err)
	}
}

// keepLease renews the lease of a quiet stream, and ends the stream when the
// lease is lost or the account is no longer connected.
func (s *Accounts) keepLease(ctx context.Context, l lease, cancel context.CancelCauseFunc) {
	for clock.Sleep(ctx, s.Clock, feedLease/3) == nil {
		err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `update account_feed set lease = $1 where workspace = $2 and account = $3 and feed = $4 and generation = $5`,
				db.Micros(s.Clock.Now().Add(feedLease)), l.workspace, l.account, string(l.feed), l.generation)
			if err == nil && n == 0 {
				err = errFenced
			}
			return err
		})
		if err != nil {
			cancel(err)
			return
		}
	}
}

// pollNow makes the account's feeds due.
func (s *Accounts) pollNow(ctx context.Context, l lease) {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account_feed set due = $1 where workspace = $2 and account = $3 and feed not in ($4, $5) and due > $1
			and kind <> 'rate'`, db.Micros(s.Clock.Now()), l.workspace, l.account, string(feedStream), string(feedWatch))
		return err
	})
	if err != nil && ctx.Err() == nil {
		s.Logger.Warn("asking for a poll; it comes by itself", "account", l.account, "err", err)
	}
	s.Wake()
}

// lookAgain re-reads what is on a desk, for edits and deletions, and the threads
// of messages whose beginning is not known.
func (s *Accounts) lookAgain(ctx context.Context, l lease) error {
	look, threads, err := s.Watchlist(ctx, l.workspace, l.account)
	if err != nil {
		return err
	}
	return s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if t, ok := n.(network.Threader); ok {
			for _, ref := range threads {
				events, err := t.Thread(ctx, a, ref)
				switch network.KindOf(err) {
				case "", network.Gone:
				default:
					return err
				}
				if _, err := s.store(ctx, &l, a, network.Page{Events: events}); err != nil {
					return err
				}
			}
		}
		w, ok := n.(network.Watcher)
		if !ok || len(look) == 0 {
			_, err := s.store(ctx, &l, a, network.Page{})
			return err
		}
		events, err := w.Watch(ctx, a, look)
		if err != nil {
			return err
		}
		_, err = s.store(ctx, &l, a, network.Page{Events: events})
		return err
	})
}
