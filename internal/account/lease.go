package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// feedLease is how long a node may be silent before another reads in its place.
const feedLease = 90 * time.Second

// lease is the right to move one feed's bookmark.
type lease struct {
	workspace  id.ID
	account    id.ID
	feed       network.Feed
	cursor     network.Cursor
	generation int64
	failures   int // in a row, before this reading
}

// errFenced says that somebody else reads this feed now.
var errFenced = errors.New("another node reads this feed now")

// feedKey names a feed of an account.
type feedKey struct {
	workspace, account id.ID
	feed               network.Feed
}

func (l lease) key() feedKey { return feedKey{l.workspace, l.account, l.feed} }

// heldLease is a lease that this process reads under, and how to end that.
type heldLease struct {
	generation int64
	end        context.CancelCauseFunc
}

// claimFeeds takes up to n leases of due feeds of connected accounts.
func (s *Accounts) claimFeeds(ctx context.Context, n int) ([]lease, error) {
	now := db.Micros(s.Clock.Now())
	const due = ` from account_feed f
		join account a on a.workspace = f.workspace and a.id = f.account
		join workspace w on w.id = f.workspace
		where f.due <= $1 and f.lease < $1 and f.offered = 1 and a.state = 'connected' and w.closed = 0`
	var one int
	switch err := s.DB.Read().Row(ctx, `select 1`+due+` limit 1`, now).Scan(&one); {
	case n <= 0 || db.NoRows(err):
		return nil, nil // most looks find nothing, and reading does not disturb the writer
	case err != nil:
		return nil, fmt.Errorf("looking for due feeds: %w", err)
	}
	var leases []lease
	// Cut off as it commits, it would take leases that nobody knows of and gives back.
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		// SQLite has one writer, so nothing is locked that could be skipped.
		lock := ""
		if tx.Dialect() == db.Postgres {
			lock = " for update of f skip locked"
		}
		// Materialized, because PostgreSQL may otherwise run the limited part more
		// than once and lock more rows than it takes.
		rows, err := tx.Query(ctx, `with picked as materialized (select f.workspace, f.account, f.feed`+due+` order by f.due limit $4`+lock+`)
			update account_feed set owner = $2, generation = generation + 1, lease = $3, tried = $1, hinted = 0
			where (workspace, account, feed) in (select workspace, account, feed from picked)
			returning workspace, account, feed, cursor, generation, failures`,
			now, s.Owner, db.Micros(s.Clock.Now().Add(feedLease)), n)
		if err != nil {
			return err
		}
		defer rows.Close()
		leases = leases[:0]
		for rows.Next() {
			l, err := scanLease(rows.Scan)
			if err != nil {
				return err
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

func scanLease(scan func(...any) error) (lease, error) {
	var l lease
	var cursor []byte
	if err := scan(&l.workspace, &l.account, &l.feed, &cursor, &l.generation, &l.failures); err != nil {
		return l, err
	}
	if len(cursor) > 0 {
		if err := json.Unmarshal(cursor, &l.cursor); err != nil {
			return l, fmt.Errorf("reading a bookmark: %w", err)
		}
	}
	return l, nil
}

// hold notes that this process reads under a lease, until done is called. The
// returned context ends with cause errFenced when the lease turns out to be lost.
func (s *Accounts) hold(ctx context.Context, l lease) (held context.Context, done func()) {
	held, end := context.WithCancelCause(ctx)
	s.mu.Lock()
	if old, ok := s.held[l.key()]; ok {
		old.end(errFenced)
	}
	s.held[l.key()] = heldLease{l.generation, end}
	s.mu.Unlock()
	return held, func() {
		end(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[l.key()].generation == l.generation {
			delete(s.held, l.key())
		}
	}
}

// drop ends at once what this process reads of an account.
func (s *Accounts) drop(workspace, account id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, h := range s.held {
		if k.workspace == workspace && k.account == account {
			h.end(errFenced)
		}
	}
}

// beat renews all leases of this process together, and ends what is read under a
// lease that was lost: to another node while this one was frozen, or because the
// account was disconnected. A lease that nobody reads under any more, because
// its end could not be stored, is not renewed: it runs out, and the feed is read
// again.
func (s *Accounts) beat(ctx context.Context) {
	for clock.Sleep(ctx, s.Clock, feedLease/3) == nil {
		if err := s.renewLeases(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("renewing the leases of feeds", "err", err)
		}
	}
}

func (s *Accounts) renewLeases(ctx context.Context) error {
	s.mu.Lock()
	held := maps.Clone(s.held)
	s.mu.Unlock()
	if len(held) == 0 {
		return nil
	}
	valid := map[feedKey]bool{}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		clear(valid)
		until := db.Micros(s.Clock.Now().Add(feedLease))
		for k, h := range held {
			n, err := tx.Exec(ctx, `update account_feed set lease = $1
				where workspace = $2 and account = $3 and feed = $4 and generation = $5 and lease > 0`,
				until, k.workspace, k.account, string(k.feed), h.generation)
			if err != nil {
				return err
			}
			valid[k] = n > 0
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, h := range held {
		if !valid[k] {
			h.end(errFenced) // or it has ended by itself, and this changes nothing
		}
	}
	return nil
}

// release gives a lease back with nothing changed, so that another node, or the
// next start, goes on at once.
func (s *Accounts) release(ctx context.Context, l lease) {
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account_feed set lease = 0 where workspace = $1 and account = $2 and feed = $3 and generation = $4`,
			l.workspace, l.account, string(l.feed), l.generation)
		return err
	})
	if err != nil {
		s.Logger.Warn("giving back a lease; it ends by itself", "account", l.account, "feed", l.feed, "err", err)
	}
}
