package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
	"parley/internal/job"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// bundle is one database with as many nodes as a test asks for.
type bundle struct {
	t     *testing.T
	db    *db.DB
	clock *clock.Fake
	nodes int
}

func setup(t *testing.T) *bundle {
	t.Parallel()
	return &bundle{t: t, db: dbtest.New(t), clock: clock.NewFake(start)}
}

func (b *bundle) node() *job.Queue { return b.nodeOn(b.clock) }

func (b *bundle) nodeOn(c clock.Clock) *job.Queue {
	b.nodes++
	return job.New(b.db, c, id.NewMaker(c, b.nodes), slog.New(slog.DiscardHandler), fmt.Sprint("node", b.nodes), 4)
}

func (b *bundle) enqueue(q *job.Queue, s job.Spec) {
	b.t.Helper()
	err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error { return q.Enqueue(ctx, tx, s) })
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) exec(q string) {
	b.t.Helper()
	err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// run starts a node and returns the function that stops it and waits.
func (b *bundle) run(q *job.Queue) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	var once atomic.Bool
	stop = func() {
		if once.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	}
	b.t.Cleanup(stop)
	return stop
}

// until moves the clock in steps until ok, or fails after a real deadline.
func (b *bundle) until(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			b.t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
		b.clock.Advance(200 * time.Millisecond) // a busy machine must not outlive a lease
	}
}

func (b *bundle) states() map[string]int {
	b.t.Helper()
	rows, err := b.db.Read().Query(context.Background(), `select state, count(*) from job group by state`)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	m := map[string]int{}
	for rows.Next() {
		var s string
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			b.t.Fatal(err)
		}
		m[s] = n
	}
	return m
}

func TestRunsOnceWithItsPayload(t *testing.T) {
	b := setup(t)
	q := b.node()
	var got atomic.Value
	var runs atomic.Int32
	q.Handle("greet", job.Policy{}, func(_ context.Context, j job.Job) error {
		var in struct{ Name string }
		if err := j.Decode(&in); err != nil {
			return err
		}
		got.Store(in.Name)
		runs.Add(1)
		return nil
	})
	b.enqueue(q, job.Spec{Kind: "greet", Payload: struct{ Name string }{"Ana"}})
	b.run(q)
	b.until("the job to be done", func() bool { return b.states()["done"] == 1 })
	if got.Load() != "Ana" || runs.Load() != 1 {
		t.Errorf("got %v in %d runs", got.Load(), runs.Load())
	}
}

func TestRollbackLeavesNoJob(t *testing.T) {
	b := setup(t)
	q := b.node()
	undone := errors.New("undone")
	err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		if err := q.Enqueue(ctx, tx, job.Spec{Kind: "greet"}); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) || len(b.states()) != 0 {
		t.Errorf("err %v, states %v", err, b.states())
	}
}

func TestSameKeyIsOneJobAndTheSoonerTimeWins(t *testing.T) {
	b := setup(t)
	q := b.node()
	b.enqueue(q, job.Spec{Kind: "poll", Key: "a", At: start.Add(time.Hour)})
	b.enqueue(q, job.Spec{Kind: "poll", Key: "a", At: start.Add(time.Minute)})
	b.enqueue(q, job.Spec{Kind: "poll", Key: "a", At: start.Add(2 * time.Hour)})
	b.enqueue(q, job.Spec{Kind: "poll", Key: "b", At: start.Add(time.Hour)})
	b.enqueue(q, job.Spec{Kind: "poll", Key: "a", Workspace: 7, At: start.Add(time.Hour)})
	var n int
	var due time.Time
	if err := b.db.Read().Row(context.Background(), `select count(*) from job`).Scan(&n); err != nil || n != 3 {
		t.Errorf("%d jobs, want 3 (%v)", n, err)
	}
	if err := b.db.Read().Row(context.Background(), `select due from job where key = 'a' and workspace = 0`).Scan(db.ScanTime(&due)); err != nil || !due.Equal(start.Add(time.Minute)) {
		t.Errorf("due %v (%v)", due, err)
	}
}

func TestFailuresAreRetriedThenKeptAsFailed(t *testing.T) {
	b := setup(t)
	q := b.node()
	var runs, last atomic.Int32
	q.Handle("flaky", job.Policy{Attempts: 3}, func(_ context.Context, j job.Job) error {
		runs.Add(1)
		last.Store(int32(j.Attempt))
		return errors.New("no luck")
	})
	q.Handle("hopeless", job.Policy{}, func(context.Context, job.Job) error { return job.Stop(errors.New("never")) })
	q.Handle("panics", job.Policy{Attempts: 1}, func(context.Context, job.Job) error { panic("defect") })
	b.enqueue(q, job.Spec{Kind: "flaky"})
	b.enqueue(q, job.Spec{Kind: "hopeless"})
	b.enqueue(q, job.Spec{Kind: "panics"})
	b.run(q)
	b.until("all three to fail", func() bool { return b.states()["failed"] == 3 })
	if runs.Load() != 3 || last.Load() != 3 {
		t.Errorf("%d runs, last attempt %d", runs.Load(), last.Load())
	}
}

func TestLaterDoesNotCountAsAnAttempt(t *testing.T) {
	b := setup(t)
	q := b.node()
	var runs atomic.Int32
	q.Handle("patient", job.Policy{Attempts: 2}, func(_ context.Context, j job.Job) error {
		if j.Attempt != 1 {
			return job.Stop(fmt.Errorf("attempt %d", j.Attempt))
		}
		if runs.Add(1) < 5 {
			return job.Later(time.Minute)
		}
		return nil
	})
	b.enqueue(q, job.Spec{Kind: "patient"})
	b.run(q)
	b.until("the patient job", func() bool { s := b.states(); return s["done"]+s["failed"] == 1 })
	if b.states()["done"] != 1 || runs.Load() != 5 {
		t.Errorf("states %v after %d runs", b.states(), runs.Load())
	}
}

// A node freezes inside a handler; another takes the job over; the first wakes
// up and must neither complete the job nor pass its fence.
func TestFrozenNodeCannotFinishWhatAnotherTookOver(t *testing.T) {
	b := setup(t)
	// To a frozen process time stands still: no heartbeat, and no claim of its own.
	frozen, other := b.nodeOn(clock.NewFake(start)), b.node()
	entered, wake, fenced := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	frozen.Handle("work", job.Policy{}, func(ctx context.Context, j job.Job) error {
		close(entered)
		<-wake
		fenced <- b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error { return frozen.Fence(ctx, tx, j) })
		return errors.New("the frozen node's own end")
	})
	var took atomic.Int32
	release := make(chan struct{})
	other.Handle("work", job.Policy{}, func(_ context.Context, j job.Job) error {
		took.Store(int32(j.Attempt))
		<-release
		return nil
	})
	b.enqueue(frozen, job.Spec{Kind: "work"})
	b.run(frozen)
	<-entered
	b.run(other)
	// Before the nodes are stopped, so that a failure above ends the test instead of hanging it.
	thaw, finish := sync.OnceFunc(func() { close(wake) }), sync.OnceFunc(func() { close(release) })
	t.Cleanup(func() { thaw(); finish() })
	b.until("the other node to take over", func() bool { return took.Load() == 2 })
	thaw()
	if err := <-fenced; !errors.Is(err, job.ErrLost) {
		t.Errorf("the frozen node passed its fence: %v", err)
	}
	finish()
	b.until("the job to be done", func() bool { return b.states()["done"] == 1 })
	var message string
	if err := b.db.Read().Row(context.Background(), `select error from job`).Scan(&message); err != nil || message != "" {
		t.Errorf("the frozen node left %q (%v)", message, err)
	}
}

// The database goes away for the moment in which a job ends, while another runs on:
// nobody runs the first any more, and its lease must not be renewed with the other's.
func TestAJobWhoseEndWasNotStoredIsRunAgain(t *testing.T) {
	b := setup(t)
	q := b.node()
	var runs atomic.Int32
	release := make(chan struct{})
	finish := sync.OnceFunc(func() { close(release) })
	q.Handle("long", job.Policy{}, func(context.Context, job.Job) error { <-release; return nil })
	q.Handle("short", job.Policy{}, func(context.Context, job.Job) error { runs.Add(1); return nil })
	b.enqueue(q, job.Spec{Kind: "short"})
	b.run(q)
	t.Cleanup(finish)
	b.until("a job that is done", func() bool { return b.states()["done"] == 1 })
	b.exec(`create unique index no_second on job (state) where state = 'done'`) // so that no other can end
	b.enqueue(q, job.Spec{Kind: "long"})
	b.enqueue(q, job.Spec{Kind: "short"})
	b.until("the job to be run again", func() bool { return runs.Load() >= 3 })
	b.exec(`drop index no_second`)
	b.until("the job to be done", func() bool { return b.states()["done"] == 2 })
	if b.states()["running"] != 1 {
		t.Errorf("the long one was lost: %v", b.states())
	}
	finish()
	b.until("both to be done", func() bool { return b.states()["done"] == 3 })
}

func TestPeriodicRunsAgain(t *testing.T) {
	b := setup(t)
	q := b.node()
	var runs atomic.Int32
	q.Handle("sweep", job.Policy{Every: time.Minute}, func(context.Context, job.Job) error { runs.Add(1); return nil })
	b.run(q)
	b.until("three runs", func() bool { return runs.Load() >= 3 })
	if s := b.states(); s["waiting"]+s["running"] != 1 {
		t.Errorf("a periodic kind should stand in the queue once: %v", s)
	}
}

func TestLimitOfAKind(t *testing.T) {
	b := setup(t)
	q := b.node()
	var now, most atomic.Int32
	q.Handle("heavy", job.Policy{Limit: 1}, func(context.Context, job.Job) error {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(2 * time.Millisecond)
		now.Add(-1)
		return nil
	})
	for range 6 {
		b.enqueue(q, job.Spec{Kind: "heavy"})
	}
	b.run(q)
	b.until("all six", func() bool { return b.states()["done"] == 6 })
	if most.Load() != 1 {
		t.Errorf("%d ran at once", most.Load())
	}
}
