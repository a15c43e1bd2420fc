package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"parley/internal/actor"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

const (
	feedLease   = 90 * time.Second
	lookEvery   = time.Second
	everyMost   = 30 * time.Second // how often a feed is read where nothing else is said
	everyStream = 5 * time.Minute  // polling beside a stream that is open
	watchEvery  = 5 * time.Minute
	pagesAtOnce = 200 // of one feed before others have their turn
	callTimeout = 60 * time.Second
	parallel    = 16
)

// lease is the right to move one feed's bookmark.
type lease struct {
	workspace  id.ID
	account    id.ID
	feed       network.Feed
	cursor     network.Cursor
	generation int64
	failures   int
}

// errFenced says that somebody else reads this feed now.
var errFenced = errors.New("another node reads this feed now")

// Run reads due feeds until ctx ends, then waits for those being read.
func (s *Accounts) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	room := make(chan struct{}, parallel)
	for ctx.Err() == nil {
		leases, err := s.claimFeeds(ctx, parallel-len(room))
		if err != nil && ctx.Err() == nil {
			s.Logger.Warn("looking for feeds to read", "err", err)
		}
		for _, l := range leases {
			if l.feed == feedStream { // lives long and mostly waits: it takes no place
				wg.Go(func() { s.hold(ctx, l) })
				continue
			}
			room <- struct{}{}
			wg.Go(func() { defer func() { <-room }(); s.read(ctx, l) })
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-s.Clock.After(lookEvery):
		}
	}
	return nil
}

// claimFeeds takes leases of due feeds of connected accounts.
func (s *Accounts) claimFeeds(ctx context.Context, n int) ([]lease, error) {
	now := db.Micros(s.Clock.Now())
	const due = `from account_feed f join account a on a.workspace = f.workspace and a.id = f.account
		where f.due <= $1 and f.lease < $1 and a.state = 'connected'`
	var one int
	if err := s.DB.Read().Row(ctx, `select 1 `+due+` limit 1`, now).Scan(&one); n <= 0 || err != nil {
		if n <= 0 || db.NoRows(err) {
			return nil, nil // most looks find nothing, and reading does not disturb the writer
		}
		return nil, fmt.Errorf("looking for due feeds: %w", err)
	}
	var leases []lease
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		leases = leases[:0]
		lock := ""
		if tx.Dialect() == db.Postgres {
			lock = " for update of f skip locked"
		}
		rows, err := tx.Query(ctx, `update account_feed set owner = $2, generation = generation + 1, lease = $3, tried = $1
			where (workspace, account, feed) in (select f.workspace, f.account, f.feed `+due+` order by f.due limit $4`+lock+`)
			returning workspace, account, feed, cursor, generation, failures`,
			now, s.Owner, db.Micros(s.Clock.Now().Add(feedLease)), n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var l lease
			var cursor []byte
			if err := rows.Scan(&l.workspace, &l.account, &l.feed, &cursor, &l.generation, &l.failures); err != nil {
				return err
			}
			if len(cursor) > 0 {
				if err := json.Unmarshal(cursor, &l.cursor); err != nil {
					return fmt.Errorf("reading a bookmark: %w", err)
				}
			}
			leases = append(leases, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("claiming feeds: %w", err)
	}
	return leases, nil
}

// read brings one feed up to date, page by page, and says when to look again.
func (s *Accounts) read(ctx context.Context, l lease) {
	var wait time.Duration
	var rate network.Rate
	var err error
	switch l.feed {
	case feedWatch:
		wait, err = watchEvery, s.lookAgain(ctx, l)
	default:
		wait, rate, err = s.poll(ctx, l)
	}
	if ctx.Err() != nil || errors.Is(err, errFenced) {
		return
	}
	if err := s.settle(context.WithoutCancel(ctx), l, wait, rate, err); err != nil {
		s.Logger.Warn("storing how a feed was read", "account", l.account, "feed", l.feed, "err", err)
	}
}

func (s *Accounts) poll(ctx context.Context, l lease) (wait time.Duration, rate network.Rate, err error) {
	s.describe(ctx, l.workspace, l.account)
	for n := 0; ; n++ {
		var page network.Page
		var remote network.Account
		err := s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			p, ok := n.(network.Poller)
			if !ok {
				return &network.Error{Kind: network.Version, Message: "this network is not read this way any more"}
			}
			remote = a
			var err error
			page, err = p.Poll(ctx, a, l.feed, l.cursor)
			return err
		})
		if err != nil {
			return 0, page.Rate, err
		}
		if _, err := s.store(ctx, &l, remote, page); err != nil {
			return 0, page.Rate, err
		}
		if !page.More || n >= pagesAtOnce {
			if page.More {
				return time.Millisecond, page.Rate, nil
			}
			return s.every(ctx, l, page.Wait), page.Rate, nil
		}
	}
}

// every is how long a feed rests: as the network asks, else seldom beside an
// open stream, else often.
func (s *Accounts) every(ctx context.Context, l lease, asked time.Duration) time.Duration {
	v, err := s.View(ctx, l.workspace, l.account)
	rest := everyMost
	if err == nil && v.Capabilities.PollEvery > 0 {
		rest = v.Capabilities.PollEvery
	}
	if l.feed == network.Mentions && s.streaming(ctx, l) {
		rest = max(rest, everyStream)
	}
	return max(rest, asked)
}

func (s *Accounts) streaming(ctx context.Context, l lease) bool {
	var worked, leased int64
	err := s.DB.Read().Row(ctx, `select worked, lease from account_feed where workspace = $1 and account = $2 and feed = $3 and failures = 0`,
		l.workspace, l.account, string(feedStream)).Scan(&worked, &leased)
	return err == nil && worked > 0 && leased > db.Micros(s.Clock.Now())
}

// store is the one way in: the page and its bookmark in one transaction, fenced
// by the lease's generation.
func (s *Accounts) store(ctx context.Context, l *lease, remote network.Account, page network.Page) (int, error) {
	if page.Next.IsZero() {
		page.Next = l.cursor // a stream has no bookmark of its own
	}
	cursor, err := json.Marshal(page.Next)
	if err != nil {
		return 0, fmt.Errorf("writing a bookmark: %w", err)
	}
	fresh := 0
	a := actor.System(l.workspace, "poller")
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if fresh, err = s.Ingest(ctx, tx, a, Arrival{Account: l.account, Remote: remote, Feed: l.feed, Events: page.Events}); err != nil {
			return err
		}
		now := s.Clock.Now()
		n, err := tx.Exec(ctx, `update account_feed set cursor = $1, lease = $2, worked = $3
			where workspace = $4 and account = $5 and feed = $6 and generation = $7`,
			cursor, db.Micros(now.Add(feedLease)), db.Micros(now), l.workspace, l.account, string(l.feed), l.generation)
		if err != nil {
			return fmt.Errorf("moving a bookmark: %w", err)
		}
		if n == 0 {
			return errFenced
		}
		for _, e := range page.Events {
			if e.Kind == network.KindGap {
				s.record(tx, a, "account.gap", l.account, "feed", string(l.feed), "why", e.Note)
			}
		}
		if page.Moved != "" {
			if _, err := tx.Exec(ctx, `update account set instance = $1 where workspace = $2 and id = $3`, page.Moved, l.workspace, l.account); err != nil {
				return fmt.Errorf("storing a new address: %w", err)
			}
			s.record(tx, a, "account.moved", l.account)
		}
		if fresh > 0 && l.feed != feedWatch {
			// Somebody spoke: look soon at the thread it stands in.
			if _, err := tx.Exec(ctx, `update account_feed set due = $1 where workspace = $2 and account = $3 and feed = $4 and due > $1`,
				db.Micros(now.Add(2*time.Second)), l.workspace, l.account, string(feedWatch)); err != nil {
				return fmt.Errorf("asking for the thread: %w", err)
			}
		}
		s.Crash.At(crash.IngestBeforeCommit)
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.Crash.At(crash.IngestAfterCommit)
	l.cursor = page.Next
	return fresh, nil
}

// settle stores how reading went and when to go on. A first failure and a
// recovery are told once.
func (s *Accounts) settle(ctx context.Context, l lease, wait time.Duration, rate network.Rate, cause error) error {
	now := s.Clock.Now()
	due, failures, kind, native, message := now.Add(jitter(wait)), 0, "", "", ""
	if cause != nil {
		failures = l.failures + 1
		due = now.Add(jitter(backoff(failures)))
		e := asNetworkError(cause)
		kind, native, message = string(e.Kind), cleanSentence(e.Native), cleanSentence(e.Message)
		if e.RetryAt.After(now) {
			due = e.RetryAt.Add(jitter(time.Second))
		}
		s.Logger.Info("a feed could not be read", "account", l.account, "workspace", l.workspace, "feed", l.feed, "failures", failures, "err", cause)
		switch e.Kind {
		case network.Suspended, network.Paid, network.Scope:
			if err := s.breakNow(ctx, l, cause); err != nil {
				return err
			}
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account_feed set lease = 0, due = $1, failures = $2, kind = $3, native = $4, message = $5,
			rate_limit = $6, rate_left = $7, rate_reset = $8, worked = case when $2 = 0 then $9 else worked end
			where workspace = $10 and account = $11 and feed = $12 and generation = $13`,
			db.Micros(due), failures, kind, native, message, rate.Limit, rate.Left, db.Micros(rate.Reset), db.Micros(now),
			l.workspace, l.account, string(l.feed), l.generation)
		if err != nil || n == 0 {
			return err
		}
		switch {
		case failures == troubleAfter:
			s.record(tx, actor.System(l.workspace, "poller"), "account.trouble", l.account, "feed", string(l.feed), "kind", kind)
		case failures == 0 && l.failures >= troubleAfter:
			s.record(tx, actor.System(l.workspace, "poller"), "account.recovered", l.account, "feed", string(l.feed))
		}
		return nil
	})
}

// troubleAfter failures in a row a member is told: one lost connection is weather.
const troubleAfter = 3

func (s *Accounts) breakNow(ctx context.Context, l lease, cause error) error {
	acc, err := s.get(ctx, s.DB.Read(), l.workspace, l.account)
	if err != nil {
		return err
	}
	return s.breakOff(ctx, l.workspace, l.account, acc.Generation, cause)
}

func asNetworkError(err error) *network.Error {
	var e *network.Error
	if errors.As(err, &e) {
		return e
	}
	return &network.Error{Kind: network.Transient, Err: err}
}

// backoff: 10 s, doubling to 15 min.
func backoff(failures int) time.Duration {
	d := 10 * time.Second
	for i := 1; i < failures && d < 15*time.Minute; i++ {
		d *= 2
	}
	return min(d, 15*time.Minute)
}

// jitter adds up to a tenth, so that many accounts on one instance spread out.
func jitter(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d + time.Duration(rand.Int64N(int64(d/10)))
}
