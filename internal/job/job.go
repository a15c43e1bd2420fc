// Package job runs durable work: enqueued inside a verb's transaction, claimed
// by one node at a time under a lease, run at least once, completed under a fence.
//
// Concurrency: a Queue runs up to Workers handlers at once. A lease is renewed
// by one heartbeat for all of a node's jobs; a job whose node went silent is
// claimed again after Lease. The fence is owner and attempt: a frozen node that
// wakes up finds that the job is no longer its own and can neither complete it
// nor, if the handler asks with Fence, change anything else.
//
// Handlers must be idempotent, shallow, and call a verb. What may not be done
// twice (a send) keeps its own record: see delivery.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/text"
)

// Spec is work to be done.
type Spec struct {
	Workspace id.ID     // 0: the installation's own work
	Kind      string    // registered with Handle
	Key       string    // while one of the same workspace, kind and key is unfinished, no second is made; "" for no such rule
	At        time.Time // not before; zero: now
	Payload   any       // JSON
}

// Job is claimed work.
type Job struct {
	ID        id.ID
	Workspace id.ID
	Kind      string
	Key       string
	Payload   []byte
	Attempt   int // 1 at the first run
	Created   time.Time

	owner string
}

// Decode reads the payload.
func (j Job) Decode(into any) error {
	if err := json.Unmarshal(j.Payload, into); err != nil {
		return Stop(fmt.Errorf("reading the payload of a %s job: %w", j.Kind, err))
	}
	return nil
}

// Handler does the work. nil completes it; Later and Stop say otherwise; any
// other error runs it again after a growing pause, Attempts times in all.
type Handler func(ctx context.Context, j Job) error

// Policy is how a kind of job is run; zero fields take the defaults.
type Policy struct {
	Attempts int           // default 12: with the pauses below about a day
	Timeout  time.Duration // default 5 min
	Limit    int           // how many of this kind run at once on this node; default: no own limit
	Every    time.Duration // run again this long after the last run ended: periodic work
}

const (
	lease        = 30 * time.Second // a silent node's jobs go to others after this
	beat         = 10 * time.Second
	idlePoll     = 2 * time.Second // how late a job of another node's making may start
	keepDone     = 24 * time.Hour
	keepFailed   = 30 * 24 * time.Hour
	firstPause   = 2 * time.Second
	longestPause = 4 * time.Hour
)

type registered struct {
	fn      Handler
	policy  Policy
	running int
}

// Queue runs jobs. Handle before Run.
type Queue struct {
	db      *db.DB
	clock   clock.Clock
	ids     *id.Maker
	log     *slog.Logger
	owner   string
	workers int

	mu    sync.Mutex
	kinds map[string]*registered
	held  map[held]bool // what runs just now
	wake  chan struct{}
	wg    sync.WaitGroup
}

// held is a run of a job: one that was lost and claimed again may run twice here.
type held struct {
	id      id.ID
	attempt int64
}

// New makes a queue; owner names this process uniquely.
func New(d *db.DB, c clock.Clock, ids *id.Maker, log *slog.Logger, owner string, workers int) *Queue {
	return &Queue{db: d, clock: c, ids: ids, log: log, owner: owner, workers: workers,
		kinds: map[string]*registered{}, held: map[held]bool{}, wake: make(chan struct{}, 1)}
}

// Handle registers the handler of a kind.
func (q *Queue) Handle(kind string, p Policy, fn Handler) {
	if p.Attempts == 0 {
		p.Attempts = 12
	}
	if p.Timeout == 0 {
		p.Timeout = 5 * time.Minute
	}
	if _, twice := q.kinds[kind]; twice {
		panic("job: two handlers for " + kind)
	}
	q.kinds[kind] = &registered{fn: fn, policy: p}
}

// Enqueue adds work to the transaction. Work with a key that is already waiting
// is left as it is, but made due sooner if this one is.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, s Spec) error {
	payload, err := json.Marshal(s.Payload)
	if err != nil {
		return fmt.Errorf("writing the payload of a %s job: %w", s.Kind, err)
	}
	now := q.clock.Now()
	if s.At.Before(now) {
		s.At = now
	}
	const insert = `insert into job (id, workspace, kind, key, payload, due, attempt, owner, lease, state, error, created, finished)
		values ($1, $2, $3, $4, $5, $6, 0, '', 0, 'waiting', '', $7, 0)
		on conflict (workspace, kind, key) where state in ('waiting', 'running') and key <> ''
		do update set due = case when excluded.due < job.due then excluded.due else job.due end`
	if _, err := tx.Exec(ctx, insert, q.ids.New(), s.Workspace, s.Kind, s.Key, payload, db.Micros(s.At), db.Micros(now)); err != nil {
		return fmt.Errorf("enqueueing a %s job: %w", s.Kind, err)
	}
	if !s.At.After(now) {
		tx.AfterCommit(q.Wake)
	}
	return nil
}

// Wake makes the queue look for work now. It never blocks.
func (q *Queue) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Later asks to be run again in d, without counting as a failure.
func Later(d time.Duration) error { return later(d) }

type later time.Duration

func (l later) Error() string { return "later, in " + time.Duration(l).String() }

// Stop ends a job as failed: trying again cannot help.
func Stop(err error) error { return stop{err} }

type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

// ErrLost says that the job now belongs to another owner or attempt.
var ErrLost = errors.New("the job was taken over by another node")

// Fence fails with ErrLost unless j is still this attempt's, and keeps it so
// until the transaction ends.
func (q *Queue) Fence(ctx context.Context, tx *db.Tx, j Job) error {
	n, err := tx.Exec(ctx, `update job set lease = lease where id = $1 and owner = $2 and attempt = $3 and state = 'running'`,
		j.ID, j.owner, j.Attempt)
	if err != nil {
		return fmt.Errorf("fencing a job: %w", err)
	}
	if n == 0 {
		return ErrLost
	}
	return nil
}

// finish stores how an attempt ended, if the job is still this attempt's.
func (q *Queue) finish(ctx context.Context, j Job, p Policy, result error) error {
	now := q.clock.Now()
	state, due, attempt, message := "done", time.Time{}, j.Attempt, ""
	var l later
	var s stop
	switch {
	case result == nil:
	case errors.As(result, &l):
		state, due, attempt = "waiting", now.Add(time.Duration(l)), j.Attempt-1
	case errors.As(result, &s) || j.Attempt >= p.Attempts:
		state, message = "failed", result.Error()
	default:
		state, due, message = "waiting", now.Add(pause(j.Attempt)), result.Error()
	}
	return q.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		finished := int64(0)
		if state == "done" || state == "failed" {
			finished = db.Micros(now)
		}
		n, err := tx.Exec(ctx, `update job set state = $1, due = $2, attempt = $3, error = $4, finished = $5, owner = '', lease = 0
			where id = $6 and owner = $7 and attempt = $8 and state = 'running'`,
			state, db.Micros(due), attempt, text.CleanLine(message, 500), finished, j.ID, j.owner, j.Attempt)
		if err != nil {
			return fmt.Errorf("completing a %s job: %w", j.Kind, err)
		}
		if n == 0 {
			return ErrLost
		}
		if finished != 0 && p.Every > 0 {
			return q.Enqueue(ctx, tx, Spec{Workspace: j.Workspace, Kind: j.Kind, Key: j.Key, At: now.Add(p.Every), Payload: json.RawMessage(j.Payload)})
		}
		return nil
	})
}

// pause before the next attempt: 2 s, doubling to 4 h, with up to a quarter
// added at random so that what failed together does not come back together.
func pause(attempt int) time.Duration {
	d := firstPause
	for i := 1; i < attempt && d < longestPause; i++ {
		d *= 2
	}
	d = min(d, longestPause)
	return d + time.Duration(rand.Int64N(int64(d/4)))
}
