package event_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func setup(t *testing.T, workspaces ...id.ID) (*db.DB, *event.Log) {
	t.Helper()
	d := dbtest.New(t)
	err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		for _, w := range workspaces {
			if _, err := tx.Exec(ctx, `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days)
				values ($1, $2, 'W', 'en', 'UTC', 1, 0, 0)`, w, fmt.Sprint("w", int64(w))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d, event.NewLog(clock.NewFake(start), nil)
}

func record(t *testing.T, d *db.DB, l *event.Log, w id.ID, es ...event.Entry) {
	t.Helper()
	err := d.InTx(context.Background(), func(_ context.Context, tx *db.Tx) error {
		for _, e := range es {
			l.Record(tx, actor.System(w, "test"), e)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNumbersHaveNoGapsPerWorkspace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, l := setup(t, 1, 2)
	many := make([]event.Entry, 97) // over one insert's rows
	for i := range many {
		many[i] = event.Entry{Verb: "thing.happened", Kind: "thing", Subject: id.ID(i + 1)}
	}
	record(t, d, l, 1, many...)
	record(t, d, l, 2, many[0])
	record(t, d, l, 1, many[0])
	es, err := event.After(ctx, d.Read(), 1, 0, 1000)
	if err != nil || len(es) != 98 {
		t.Fatalf("%d events, %v", len(es), err)
	}
	for i, e := range es {
		if e.N != int64(i+1) || e.Workspace != 1 {
			t.Fatalf("event %d has number %d of workspace %d", i, e.N, e.Workspace)
		}
	}
	if n, _ := event.Head(ctx, d.Read(), 2); n != 1 {
		t.Errorf("workspace 2 has %d events, want 1", n)
	}
}

// A cursor that has read event n must never meet a smaller number later, even
// when the transaction that began first commits last.
func TestNumberOrderIsCommitOrder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, l := setup(t, 1)
	if d.Dialect() == db.SQLite {
		t.Log("SQLite has one writer: two open transactions cannot exist")
	}
	opened, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- d.InTx(ctx, func(_ context.Context, tx *db.Tx) error {
			l.Record(tx, actor.System(1, "test"), event.Entry{Verb: "slow.one", Kind: "thing"})
			close(opened)
			<-release
			return nil
		})
	}()
	<-opened
	if d.Dialect() == db.Postgres {
		record(t, d, l, 1, event.Entry{Verb: "quick.one", Kind: "thing"})
		es, err := event.After(ctx, d.Read(), 1, 0, 10)
		if err != nil || len(es) != 1 || es[0].Verb != "quick.one" {
			t.Fatalf("while the slow one is open: %v, %v", es, err)
		}
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	es, err := event.After(ctx, d.Read(), 1, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if last := es[len(es)-1]; last.Verb != "slow.one" || last.N != int64(len(es)) {
		t.Errorf("the one that committed last has number %d of %d (%s)", last.N, len(es), last.Verb)
	}
}

func TestVerifyFindsWhatWasChanged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	personal := event.Entry{Verb: "person.noted", Kind: "person", Subject: 7, About: 7, Personal: "Bea Zuckmayer"}
	plain := event.Entry{Verb: "thing.happened", Kind: "thing", Subject: 3, Details: map[string]string{"b": "2", "a": "1"}}
	for name, tc := range map[string]struct {
		change string
		faults int
	}{
		"nothing":             {`update event set n = n where n = 1`, 0},
		"a verb":              {`update event set verb = 'other.thing' where n = 2`, 1},
		"a detail":            {`update event set details = '{"a":"1","b":"3"}' where n = 2`, 1},
		"a time":              {`update event set at = at + 1 where n = 1`, 1},
		"one removed":         {`delete from event where n = 2`, 1},
		"the last removed":    {`delete from event where n = 3`, 1},
		"a name":              {`update event_personal set details = 'Bea Z'`, 1},
		"unreadable":          {`update event set details = '{' where n = 2`, 1},
		"personal taken away": {`delete from event_personal`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, l := setup(t, 1)
			record(t, d, l, 1, personal, plain, plain)
			err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, tc.change)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			_, faults, err := event.Verify(ctx, d.Read(), 1)
			if err != nil || len(faults) != tc.faults {
				t.Errorf("faults %v, err %v, want %d", faults, err, tc.faults)
			}
		})
	}
}

func TestEraseLeavesALogThatVerifies(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, l := setup(t, 1)
	record(t, d, l, 1,
		event.Entry{Verb: "person.noted", Kind: "person", Subject: 7, About: 7, Personal: "Bea Zuckmayer"},
		event.Entry{Verb: "person.noted", Kind: "person", Subject: 8, About: 8, Personal: "Carl"})
	if err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return event.Erase(ctx, tx, 1, 7) }); err != nil {
		t.Fatal(err)
	}
	checked, faults, err := event.Verify(ctx, d.Read(), 1)
	if err != nil || checked != 2 || len(faults) != 0 {
		t.Fatalf("checked %d, faults %v, err %v", checked, faults, err)
	}
	var left int
	if err := d.Read().Row(ctx, `select count(*) from event_personal`).Scan(&left); err != nil || left != 1 {
		t.Errorf("%d personal details left, want Carl's alone (%v)", left, err)
	}
}

func TestTailHandsOnEverythingInOrder(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	d, _ := setup(t, 1)
	got := make(chan event.Event, 100)
	tail := event.NewTail(d, clock.System{}, slog.New(slog.DiscardHandler), func(es []event.Event) {
		for _, e := range es {
			got <- e
		}
	})
	l := event.NewLog(clock.System{}, tail.Wake)
	record(t, d, l, 1, event.Entry{Verb: "before.start", Kind: "thing"})
	ended := make(chan error)
	go func() { ended <- tail.Run(ctx) }()
	// The first event that arrives tells that the tail has started; until then
	// each one recorded may still be history to it.
	var first event.Event
	for first.N == 0 {
		record(t, d, l, 1, event.Entry{Verb: "warm.up", Kind: "thing"})
		select {
		case first = <-got:
		case <-time.After(20 * time.Millisecond):
		}
	}
	if first.Verb == "before.start" {
		t.Error("the tail told what happened before it started")
	}
	for range 20 {
		record(t, d, l, 1, event.Entry{Verb: "thing.happened", Kind: "thing"})
	}
	last := first.N
	for things := 0; things < 20; {
		select {
		case e := <-got:
			if e.N != last+1 {
				t.Fatalf("after %d came %d", last, e.N)
			}
			last = e.N
			if e.Verb == "thing.happened" {
				things++
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("only %d arrived", things)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
