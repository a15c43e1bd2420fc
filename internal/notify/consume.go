package notify

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

const (
	consumer  = "notify"
	lookEvery = 15 * time.Second // should a wake be lost
	atOnce    = 300
	// behind is how many events without news the stored cursor may be behind.
	behind = 5000
	// tooOld is when something is no news any more: after a restore, or a long stop.
	tooOld = 24 * time.Hour
)

// Run follows the spine until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("looking for what members should know", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-s.Clock.After(lookEvery):
		}
	}
	return nil
}

// Look reads what is new in every workspace.
func (s *Service) Look(ctx context.Context) error {
	heads, err := event.Heads(ctx, s.DB.Read())
	if err != nil {
		return err
	}
	for w, head := range heads {
		for more := true; more && ctx.Err() == nil; {
			if more, err = s.lookIn(ctx, w, head); err != nil {
				return err
			}
		}
	}
	return nil
}

// lookIn reads one batch of a workspace. Most events concern nobody: they are
// passed without writing anything, and the stored cursor follows now and then.
func (s *Service) lookIn(ctx context.Context, workspace id.ID, head int64) (more bool, err error) {
	from, err := s.position(ctx, workspace)
	if err != nil || from >= head {
		return false, err
	}
	es, err := event.After(ctx, s.DB.Read(), workspace, from, atOnce)
	if err != nil || len(es) == 0 {
		return false, err
	}
	last := es[len(es)-1].N
	news, err := s.news(ctx, workspace, es)
	if err != nil {
		return false, err
	}
	if len(news) > 0 || last/behind != from/behind {
		if err := s.tell(ctx, workspace, news, last); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	s.seen[workspace] = last
	s.mu.Unlock()
	return len(es) == atOnce, nil
}

func (s *Service) position(ctx context.Context, workspace id.ID) (int64, error) {
	s.mu.Lock()
	n, known := s.seen[workspace]
	s.mu.Unlock()
	if known {
		return n, nil
	}
	return cursor(ctx, s.DB.Read(), workspace)
}

func cursor(ctx context.Context, q db.Queryer, workspace id.ID) (n int64, err error) {
	err = q.Row(ctx, `select n from event_cursor where workspace = $1 and consumer = $2`, workspace, consumer).Scan(&n)
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("reading how far notifications are: %w", err)
	}
	return n, nil
}

// tell makes the notifications of news that the cursor has not passed, and moves it.
func (s *Service) tell(ctx context.Context, workspace id.ID, all []news, last int64) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var passed int64
		const take = `insert into event_cursor (workspace, consumer, n) values ($1, $2, 0) on conflict (workspace, consumer) do update set n = event_cursor.n returning n`
		if err := tx.Row(ctx, take, workspace, consumer).Scan(&passed); err != nil {
			return fmt.Errorf("taking the cursor of notifications: %w", err)
		}
		if passed >= last {
			return nil // another node was first
		}
		told := map[id.ID]bool{}
		for _, n := range all {
			if n.event > passed {
				if err := n.apply(ctx, s, tx, workspace, told); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Exec(ctx, `update event_cursor set n = $1 where workspace = $2 and consumer = $3`, last, workspace, consumer); err != nil {
			return fmt.Errorf("moving the cursor of notifications: %w", err)
		}
		for member := range told {
			s.record(tx, actor.System(workspace, "notify"), "notification.made", member)
		}
		return nil
	})
}

// record tells a member's browsers that theirs changed. The subject is the member:
// nobody else's pages ask again.
func (s *Service) record(tx *db.Tx, a actor.Actor, verb string, member id.ID) {
	s.Log.Record(tx, a, event.Entry{Verb: verb, Kind: "notification", Subject: member})
}

// add stores a notification. What is still unread of the same kind about the same
// thing grows.
func (s *Service) add(ctx context.Context, tx *db.Tx, n Notification) error {
	const q = `insert into notification (workspace, id, member, kind, conversation, account, about, event, times, made, read)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, 0)
		on conflict (workspace, member, kind, conversation, about) where read = 0
		do update set event = excluded.event, made = excluded.made, times = notification.times + 1, account = excluded.account`
	if _, err := tx.Exec(ctx, q, n.Workspace, s.IDs.New(), n.Member, string(n.Kind), n.Conversation, n.Account, n.About, n.Event, db.Micros(n.Made)); err != nil {
		return fmt.Errorf("making a notification: %w", err)
	}
	return nil
}
