package event

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
)

// Tail follows the spine of all workspaces from the moment it starts and hands
// every new event, in order, to its sinks. It is for what may be missed when the
// process ends: live updates. Whoever must not miss one keeps a cursor instead.
//
// One goroutine runs it. It wakes when this process commits (Wake), when another
// node notifies, and every poll interval in case a notification was lost.
type Tail struct {
	db    *db.DB
	clock clock.Clock
	log   *slog.Logger
	wake  chan struct{}
	sinks []func([]Event)
	seen  map[id.ID]int64
}

const (
	pollEvery   = 2 * time.Second
	relistenIn  = 5 * time.Second
	eventsAtOne = 500
)

// NewTail makes a tail; sinks must not block.
func NewTail(d *db.DB, c clock.Clock, log *slog.Logger, sinks ...func([]Event)) *Tail {
	return &Tail{db: d, clock: c, log: log, wake: make(chan struct{}, 1), sinks: sinks}
}

// Wake makes it look now. It never blocks; it is what NewLog is given.
func (t *Tail) Wake(id.ID) {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends.
func (t *Tail) Run(ctx context.Context) error {
	heads, err := Heads(ctx, t.db.Read())
	if err != nil {
		return err
	}
	t.seen = heads
	go t.listen(ctx)
	for {
		if err := t.read(ctx); err != nil && ctx.Err() == nil {
			t.log.Warn("following the events", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		case <-t.clock.After(pollEvery):
		}
	}
}

func (t *Tail) listen(ctx context.Context) {
	for ctx.Err() == nil {
		now := func() { t.Wake(0) }
		err := t.db.Listen(ctx, Channel, now, now)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.log.Warn("listening for other nodes; polling until it works again", "err", err)
		}
		clock.Sleep(ctx, t.clock, relistenIn)
	}
}

func (t *Tail) read(ctx context.Context) error {
	heads, err := Heads(ctx, t.db.Read())
	if err != nil {
		return err
	}
	for w, head := range heads {
		for t.seen[w] < head {
			es, err := After(ctx, t.db.Read(), w, t.seen[w], eventsAtOne)
			if err != nil {
				return err
			}
			if len(es) == 0 {
				break
			}
			t.seen[w] = es[len(es)-1].N
			for _, sink := range t.sinks {
				sink(es)
			}
		}
	}
	return nil
}
