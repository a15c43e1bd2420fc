package account

import (
	"context"
	"strconv"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

const (
	threadAgain = time.Hour // a thread that could not be completed is asked for again after this
	threadsKept = 10_000
)

type threadKey struct {
	workspace, account id.ID
	message            string
}

// lookAgain reads the threads of messages whose beginning is not known, and every
// watchEvery what is on a desk, for edits and deletions.
func (s *Accounts) lookAgain(ctx context.Context, l *lease) outcome {
	due := s.Clock.Now().Sub(lastLook(l.cursor)) >= watchEvery // threads come oftener, with all that is new
	look, threads, err := s.Watchlist(ctx, l.workspace, l.account, due)
	if err != nil {
		return outcome{err: err}
	}
	err = s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
		if t, ok := n.(network.Threader); ok {
			if err := s.readThreads(ctx, l, t, a, threads); err != nil {
				return err
			}
		}
		if !due {
			return nil
		}
		var events []network.Event
		if w, ok := n.(network.Watcher); ok && len(look) > 0 {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			var err error
			if events, err = w.Watch(ctx, a, look); err != nil {
				return err
			}
		}
		_, err := s.store(ctx, l, a, network.Page{Events: events, Next: lookedAt(s.Clock.Now())})
		return err
	})
	wait := lastLook(l.cursor).Add(watchEvery).Sub(s.Clock.Now())
	return outcome{wait: max(wait, hintRest), err: err}
}

// readThreads stores what was said around messages. One thread that cannot be had
// does not keep the others back; a refusal that is about the account does.
func (s *Accounts) readThreads(ctx context.Context, l *lease, t network.Threader, a network.Account, refs []network.Ref) error {
	for _, ref := range refs {
		if !s.threadDue(threadKey{l.workspace, l.account, ref.ID}) {
			continue
		}
		events, err := s.thread(ctx, t, a, ref)
		switch network.KindOf(err) {
		case "":
		case network.Auth, network.RateLimited, network.Suspended, network.Paid:
			return err
		default:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.Logger.Info("a thread could not be read", "account", l.account, "err", err)
			continue
		}
		if _, err := s.store(ctx, l, a, network.Page{Events: events}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Accounts) thread(ctx context.Context, t network.Threader, a network.Account, ref network.Ref) ([]network.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return t.Thread(ctx, a, ref)
}

// threadDue reports whether a thread was not asked for lately, and notes that it
// is now: a message whose parent is gone for good stays on the list for a day.
func (s *Accounts) threadDue(k threadKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Clock.Now()
	if at, ok := s.threads[k]; ok && now.Sub(at) < threadAgain {
		return false
	}
	if len(s.threads) >= threadsKept {
		clear(s.threads)
	}
	s.threads[k] = now
	return true
}

// The bookmark of looking again is the time of the last whole look.
func lookedAt(t time.Time) network.Cursor {
	return network.Cursor{V: 1, Opaque: strconv.AppendInt(nil, db.Micros(t), 10)}
}

func lastLook(c network.Cursor) time.Time {
	us, err := strconv.ParseInt(string(c.Opaque), 10, 64)
	if c.V != 1 || err != nil {
		return time.Time{}
	}
	return db.Time(us)
}
