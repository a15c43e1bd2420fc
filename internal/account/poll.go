package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"parley/internal/actor"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/network"
)

const (
	lookEvery   = time.Second      // how late a feed may be read that another node made due
	everyMost   = 30 * time.Second // how often a feed is read where nothing else is said
	everyStream = 5 * time.Minute  // the same, beside a stream that is open
	watchEvery  = 5 * time.Minute
	hintRest    = 2 * time.Second // between readings however many hints come
	pagesAtOnce = 200             // of one feed before others have their turn
	callTimeout = time.Minute
	parallel    = 16
)

// Run reads due feeds until ctx ends, then waits for those being read.
func (s *Accounts) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.beat(ctx) })
	room := make(chan struct{}, parallel)
	for ctx.Err() == nil {
		free := parallel - len(room)
		leases, err := s.claimFeeds(ctx, free)
		if err != nil && ctx.Err() == nil {
			s.Logger.Warn("looking for feeds to read", "err", err)
		}
		for _, l := range leases {
			if l.feed == feedStream { // lives long and mostly waits: it takes no place
				wg.Go(func() { s.follow(ctx, l, s.listen) })
				continue
			}
			room <- struct{}{}
			wg.Go(func() {
				defer func() { <-room; s.Wake() }()
				s.follow(ctx, l, s.read)
			})
		}
		if len(leases) > 0 && len(leases) == free {
			continue // there may be more, and streams have left room
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-s.Clock.After(lookEvery):
		}
	}
	return nil
}

// outcome is how one reading went.
type outcome struct {
	wait  time.Duration // until the next one, if it went well
	rate  network.Rate
	moved bool  // at least one page was stored
	quiet bool  // trouble is nothing to tell anybody: there is another way
	err   error // nil: brought up to date
}

// follow reads one feed under its lease and stores how that went.
func (s *Accounts) follow(ctx context.Context, l lease, read func(context.Context, *lease) outcome) {
	held, done := s.hold(ctx, l)
	defer done()
	o := s.guarded(held, &l, read)
	switch {
	case errors.Is(o.err, errFenced) || errors.Is(context.Cause(held), errFenced):
		return // whoever has the lease now stores how it goes
	case ctx.Err() != nil:
		s.release(ctx, l)
		return
	}
	if err := s.settle(context.WithoutCancel(ctx), l, o); err != nil {
		s.Logger.Warn("storing how a feed was read", "account", l.account, "feed", l.feed, "err", err)
	}
}

// guarded makes a panic a failed reading, not the end of the program: the other
// accounts are not to blame for what one network sends.
func (s *Accounts) guarded(ctx context.Context, l *lease, read func(context.Context, *lease) outcome) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o.err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return read(ctx, l)
}

// read brings one feed up to date.
func (s *Accounts) read(ctx context.Context, l *lease) outcome {
	if l.feed == feedWatch {
		return s.lookAgain(ctx, l)
	}
	return s.poll(ctx, l)
}

// poll reads a feed page by page.
func (s *Accounts) poll(ctx context.Context, l *lease) (o outcome) {
	s.describe(ctx, l.workspace, l.account)
	for n := 1; ; n++ {
		page, remote, err := s.pollPage(ctx, l)
		o.rate, o.err = page.Rate, err
		if err != nil {
			return o
		}
		stuck := page.More && len(page.Events) == 0 && sameCursor(page.Next, l.cursor)
		if _, o.err = s.store(ctx, l, remote, page); o.err != nil {
			return o
		}
		o.moved = true
		switch {
		case stuck:
			o.err = &network.Error{Kind: network.Transient, Native: "stuck", Message: "the network keeps offering the same empty page"}
			return o
		case !page.More:
			o.wait = s.every(ctx, l, page.Wait)
			return o
		case n >= pagesAtOnce || page.Wait > 0:
			o.wait = page.Wait
			return o
		}
	}
}

func (s *Accounts) pollPage(ctx context.Context, l *lease) (page network.Page, remote network.Account, err error) {
	err = s.With(ctx, l.workspace, l.account, func(ctx context.Context, n network.Network, a network.Account) error {
		p, ok := n.(network.Poller)
		if !ok {
			return &network.Error{Kind: network.Version, Message: "this network is not read this way any more"}
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		remote = a
		var err error
		page, err = p.Poll(ctx, a, l.feed, l.cursor)
		return err
	})
	return page, remote, err
}

func sameCursor(a, b network.Cursor) bool { return a.V == b.V && string(a.Opaque) == string(b.Opaque) }

// every is how long a feed rests: as the network asks, at its own pace if it has
// one, else seldom beside an open stream and often without.
func (s *Accounts) every(ctx context.Context, l *lease, asked time.Duration) time.Duration {
	rest := everyMost
	if v, err := s.View(ctx, l.workspace, l.account); err == nil && v.Capabilities.PollEvery > 0 {
		// A network that names its pace keeps it beside a stream too: its stream
		// need not tell everything.
		rest = v.Capabilities.PollEvery
	} else if s.streaming(ctx, l) {
		rest = everyStream
	}
	return max(rest, asked)
}

// streaming reports whether the account's stream is open somewhere.
func (s *Accounts) streaming(ctx context.Context, l *lease) bool {
	var tried, opened, leased int64
	err := s.DB.Read().Row(ctx, `select tried, worked, lease from account_feed
		where workspace = $1 and account = $2 and feed = $3 and offered = 1 and failures = 0`,
		l.workspace, l.account, string(feedStream)).Scan(&tried, &opened, &leased)
	return err == nil && opened >= tried && opened > 0 && leased > db.Micros(s.Clock.Now())
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
		if err := s.turn(ctx, tx, l, cursor); err != nil {
			return err
		}
		if err := s.storeGaps(ctx, tx, a, l.key(), page.Events); err != nil {
			return err
		}
		if err := s.storeMove(ctx, tx, a, l, page.Moved); err != nil {
			return err
		}
		if fresh > 0 && l.feed != feedWatch {
			// Somebody spoke: look soon at the thread it stands in.
			if err := s.hint(ctx, tx, l, `feed = '`+string(feedWatch)+`'`); err != nil {
				return err
			}
		}
		s.Crash.At(crash.IngestBeforeCommit)
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.Crash.At(crash.IngestAfterCommit)
	if page.Moved != "" {
		s.forget(l.workspace, l.account)
	}
	l.cursor = page.Next
	return fresh, nil
}

// turn moves the bookmark, if the lease still holds.
func (s *Accounts) turn(ctx context.Context, tx *db.Tx, l *lease, cursor []byte) error {
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
	return nil
}

// storeGaps keeps that something may have been lost, until a member has looked.
func (s *Accounts) storeGaps(ctx context.Context, tx *db.Tx, a actor.Actor, k feedKey, events []network.Event) error {
	for _, e := range events {
		if e.Kind != network.KindGap {
			continue
		}
		at := e.At
		if at.IsZero() || at.After(s.Clock.Now()) {
			at = s.Clock.Now()
		}
		if _, err := tx.Exec(ctx, `update account_feed set gap = $1, gap_why = $2 where workspace = $3 and account = $4 and feed = $5`,
			db.Micros(at), e.Note, k.workspace, k.account, string(k.feed)); err != nil {
			return fmt.Errorf("storing a gap: %w", err)
		}
		s.record(tx, a, "account.gap", k.account, "feed", string(k.feed), "why", e.Note)
	}
	return nil
}

// storeMove follows an account to its new address. Where the address is also the
// name (a feed), that moves too, unless another account has it already.
func (s *Accounts) storeMove(ctx context.Context, tx *db.Tx, a actor.Actor, l *lease, address string) error {
	if address = cleanAccount(network.Account{Instance: address}).Instance; address == "" {
		return nil
	}
	was, err := s.get(ctx, tx, l.workspace, l.account)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `update account set instance = $1, remote_id = case when remote_id = instance then $1 else remote_id end
		where workspace = $2 and id = $3 and instance <> $1 and not exists (select 1 from account o
			where o.workspace = account.workspace and o.network = account.network and o.instance = $1 and o.id <> account.id
			and (o.remote_id = account.remote_id or o.remote_id = $1))`, address, l.workspace, l.account)
	if err != nil {
		return fmt.Errorf("storing a new address: %w", err)
	}
	if n == 0 {
		return nil
	}
	s.record(tx, a, "account.moved", l.account)
	return s.moveAlong(ctx, tx, l, was.Remote)
}

// moveAlong lets what is known by the old address follow, unless another account
// still reads there.
func (s *Accounts) moveAlong(ctx context.Context, tx *db.Tx, l *lease, from network.Account) error {
	var left int
	if err := tx.Row(ctx, `select count(*) from account where workspace = $1 and network = $2 and instance = $3`,
		l.workspace, from.Network, from.Instance).Scan(&left); err != nil {
		return fmt.Errorf("looking who else reads an old address: %w", err)
	}
	if left > 0 {
		return nil
	}
	is, err := s.get(ctx, tx, l.workspace, l.account)
	if err != nil {
		return err
	}
	return s.Moved(ctx, tx, l.workspace, from, is.Remote)
}
