package job

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// Run works until ctx ends, then waits for the handlers that still run.
func (q *Queue) Run(ctx context.Context) error {
	if err := q.startPeriodic(ctx); err != nil {
		return err
	}
	beatCtx, stopBeat := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBeat()
	go q.heartbeat(beatCtx)
	defer q.wg.Wait()
	for ctx.Err() == nil {
		n, err := q.claim(ctx)
		if err != nil && ctx.Err() == nil {
			q.log.Warn("claiming jobs", "err", err)
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-q.clock.After(idlePoll):
		}
	}
	return nil
}

// startPeriodic makes sure that each periodic kind stands in the queue once.
func (q *Queue) startPeriodic(ctx context.Context) error {
	return q.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for kind, r := range q.kinds {
			if r.policy.Every == 0 {
				continue
			}
			if err := q.Enqueue(ctx, tx, Spec{Kind: kind, Key: "periodic"}); err != nil {
				return err
			}
		}
		return nil
	})
}

// heartbeat renews the leases of everything this node runs, in one statement.
func (q *Queue) heartbeat(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.clock.After(beat):
		}
		if err := q.renew(ctx); err != nil && ctx.Err() == nil {
			q.log.Warn("renewing the leases of running jobs", "err", err)
		}
	}
}

// renew renews the leases of what really runs here. A job whose end could not be
// stored still bears this node's name: its lease must run out, so that it is run
// again.
func (q *Queue) renew(ctx context.Context) error {
	var ids []id.ID
	var attempts []int64
	q.mu.Lock()
	for h := range q.held {
		ids, attempts = append(ids, h.id), append(attempts, h.attempt)
	}
	q.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	pairs, args := db.Pairs(3, ids, attempts)
	return q.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update job set lease = $1 where owner = $2 and state = 'running' and (id, attempt) in (`+pairs+`)`,
			append([]any{db.Micros(q.clock.Now().Add(lease)), q.owner}, args...)...)
		return err
	})
}

// claim takes what is due, as far as there are free workers, and starts it.
// Kinds with a limit of their own are taken one kind at a time, up to it.
func (q *Queue) claim(ctx context.Context) (int, error) {
	now := q.clock.Now()
	due, err := q.anyDue(ctx, now)
	if err != nil || !due {
		return 0, err // most looks find nothing, and reading does not disturb the writer
	}
	limited, limits := q.limits()
	total := 0
	not := ""
	if len(limited) > 0 {
		not = " and kind not in (" + db.List(5, len(limited)) + ")"
	}
	n, err := q.take(ctx, now, q.free(), not, limited...)
	total += n
	for i, kind := range limited {
		if err != nil {
			break
		}
		n, err = q.take(ctx, now, min(q.free(), limits[i]), " and kind = $5", kind)
		total += n
	}
	return total, err
}

func (q *Queue) free() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.workers - len(q.held)
}

// limits are the kinds with a limit of their own, and how many more of each may run.
func (q *Queue) limits() (kinds []any, left []int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(q.kinds)) {
		if r := q.kinds[kind]; r.policy.Limit > 0 {
			kinds, left = append(kinds, kind), append(left, r.policy.Limit-r.running)
		}
	}
	return kinds, left
}

// take claims up to n jobs that the condition lets through and starts them.
func (q *Queue) take(ctx context.Context, now time.Time, n int, condition string, args ...any) (int, error) {
	if n <= 0 {
		return 0, nil
	}
	var jobs []Job
	err := q.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		jobs = jobs[:0]
		// SQLite has one writer, so nothing is locked that could be skipped.
		lock := ""
		if tx.Dialect() == db.Postgres {
			lock = " for update skip locked"
		}
		rows, err := tx.Query(ctx, `update job set state = 'running', owner = $1, lease = $2, attempt = attempt + 1 where id in (
			select id from job where ((state = 'waiting' and due <= $3) or (state = 'running' and lease < $3))`+condition+`
			order by due limit $4`+lock+`)
			returning id, workspace, kind, key, payload, attempt, created`,
			append([]any{q.owner, db.Micros(now.Add(lease)), db.Micros(now), n}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			j := Job{owner: q.owner}
			if err := rows.Scan(&j.ID, &j.Workspace, &j.Kind, &j.Key, &j.Payload, &j.Attempt, db.ScanTime(&j.Created)); err != nil {
				return err
			}
			jobs = append(jobs, j)
		}
		return rows.Err()
	})
	if err != nil {
		return 0, fmt.Errorf("claiming jobs: %w", err)
	}
	for _, j := range jobs {
		q.start(ctx, j)
	}
	return len(jobs), nil
}

func (q *Queue) anyDue(ctx context.Context, now time.Time) (bool, error) {
	var one int
	err := q.db.Read().Row(ctx, `select 1 where exists (select 1 from job where state = 'waiting' and due <= $1)
		or exists (select 1 from job where state = 'running' and lease < $1)`, db.Micros(now)).Scan(&one)
	if db.NoRows(err) {
		return false, nil
	}
	return err == nil, err
}

func (q *Queue) start(ctx context.Context, j Job) {
	q.mu.Lock()
	r := q.kinds[j.Kind]
	h := held{j.ID, int64(j.Attempt)}
	q.held[h] = true
	if r != nil {
		r.running++
	}
	q.mu.Unlock()
	q.wg.Go(func() {
		policy := Policy{Attempts: 12}
		var result error
		if r == nil {
			// Left by a newer version: another node may know it.
			result = Later(time.Minute)
		} else {
			policy = r.policy
			result = q.call(ctx, r, j)
		}
		q.report(j, policy, result)
		if err := q.finish(context.WithoutCancel(ctx), j, policy, result); err != nil {
			q.log.Warn("a job's end was not stored", "kind", j.Kind, "job", j.ID, "err", err)
		}
		q.mu.Lock()
		delete(q.held, h)
		if r != nil {
			r.running--
		}
		q.mu.Unlock()
		q.Wake()
	})
}

func (q *Queue) report(j Job, p Policy, result error) {
	var l later
	if result == nil || errors.As(result, &l) || errors.Is(result, context.Canceled) {
		return
	}
	level := q.log.Info
	var s stop
	if errors.As(result, &s) || j.Attempt >= p.Attempts {
		level = q.log.Error
	}
	level("a job did not succeed", "kind", j.Kind, "job", j.ID, "workspace", j.Workspace, "attempt", j.Attempt, "err", result)
}

// call runs the handler under its deadline. A panic is a failed attempt, not
// the end of the program: the next job is not to blame.
func (q *Queue) call(ctx context.Context, r *registered, j Job) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.policy.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	err = r.fn(ctx, j)
	if err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return Later(0) // the program is stopping; another node, or the next start, goes on
	}
	return err
}

// Sweep removes finished jobs once nobody will ask about them.
func (q *Queue) Sweep(ctx context.Context) error {
	now := q.clock.Now()
	return q.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `delete from job where (state = 'done' and finished < $1) or (state = 'failed' and finished < $2)`,
			db.Micros(now.Add(-keepDone)), db.Micros(now.Add(-keepFailed)))
		if err != nil {
			return fmt.Errorf("sweeping finished jobs: %w", err)
		}
		return nil
	})
}
