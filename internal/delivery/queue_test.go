package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
)

// node is a process with a real queue.
func (k *desk) node(t *testing.T, n int) (stop func()) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	q := job.New(k.db, k.clock, id.NewMaker(k.clock, 10+n), quiet, fmt.Sprint("node", n), 3)
	New(Options{DB: k.db, Clock: k.clock, IDs: id.NewMaker(k.clock, 20+n), Log: k.log, Jobs: q, Logger: quiet,
		With: k.lend(k.stage), Stored: k.hear})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Two nodes with real queues, real concurrency and a network that loses answers:
// each answer is said once. One node stops in the middle.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	k.stage.media = true
	for range 4 {
		k.stage.inject("create", fault{keep: true, err: refusal(network.Ambiguous)}, fault{err: errUnmarked},
			fault{err: refusal(network.Transient)}, fault{err: &network.Error{Kind: network.RateLimited, RetryAt: start.Add(2 * time.Minute)}})
		k.stage.inject("upload", fault{err: refusal(network.Ambiguous)})
		k.stage.inject("plan", fault{err: refusal(network.Transient)})
		k.stage.inject("prove", fault{err: refusal(network.Transient)})
	}
	var all []id.ID
	for range 12 {
		all = append(all, k.reply(t, 2))
	}
	first, second := k.node(t, 1), k.node(t, 2)
	defer second()
	k.until(t, 3, all)
	first()
	k.until(t, len(all), all)
	for _, one := range all {
		for part := range 2 {
			if n := k.stage.count(one.String(), part); n != 1 {
				t.Errorf("part %d of %s stands %d times", part, one, n)
			}
		}
	}
	if len(k.told) != 2*len(all) {
		t.Errorf("Stored heard of %d parts, want %d", len(k.told), 2*len(all))
	}
}

// until moves the clock until n deliveries are sent, or fails after a real deadline.
func (k *desk) until(t *testing.T, n int, all []id.ID) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		sent := 0
		for _, one := range all {
			if k.row(t, one).state == Sent {
				sent++
			}
		}
		if sent >= n {
			return
		}
		select {
		case <-deadline:
			for _, one := range all {
				t.Logf("%s: %s", one, k.row(t, one).state)
			}
			t.Fatalf("%d of %d were sent in time", sent, n)
		case <-time.After(time.Millisecond):
			k.clock.Advance(2 * time.Second)
		}
	}
}
