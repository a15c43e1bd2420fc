package account

import (
	"context"
	"math/rand/v2"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
)

// troubleAfter failures in a row a member is told: one lost connection is weather.
const troubleAfter = 3

// settle gives the lease back with how the reading went and when to go on. A
// lasting trouble and its end are told once.
func (s *Accounts) settle(ctx context.Context, l lease, o outcome) error {
	now := s.Clock.Now()
	e, failures, due := &network.Error{}, 0, now.Add(jitter(o.wait))
	if o.err != nil {
		if failures = l.failures + 1; o.moved {
			failures = 1 // something came through: this is a new trouble, not the old one
		}
		e = refusalOf(o.err)
		due = now.Add(jitter(restAfter(e, failures, now)))
		s.Logger.Info("a feed could not be read", "account", l.account, "workspace", l.workspace, "feed", l.feed, "failures", failures, "err", o.err)
		if err := s.judgeRefusal(ctx, l, e); err != nil {
			return err
		}
	}
	soon := due
	if failures == 0 {
		soon = now.Add(hintRest)
	}
	worked := time.Time{}
	if failures == 0 {
		worked = now
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account_feed set lease = 0, hinted = 0, failures = $1, kind = $2, native = $3, message = $4, help = $5,
			due = case when hinted = 1 then cast($6 as bigint) else cast($7 as bigint) end,
			worked = case when cast($8 as bigint) > 0 then cast($8 as bigint) else worked end
			where workspace = $9 and account = $10 and feed = $11 and generation = $12`,
			failures, string(e.Kind), cleanSentence(e.Native), cleanSentence(e.Message), e.Help, db.Micros(earlier(soon, due)), db.Micros(due), db.Micros(worked),
			l.workspace, l.account, string(l.feed), l.generation)
		if err != nil || n == 0 {
			return err // n is 0 if the lease was lost: then the other's word counts
		}
		if o.rate.Limit > 0 {
			if _, err := tx.Exec(ctx, `update account_feed set rate_limit = $1, rate_left = $2, rate_reset = $3 where workspace = $4 and account = $5 and feed = $6`,
				o.rate.Limit, o.rate.Left, db.Micros(o.rate.Reset), l.workspace, l.account, string(l.feed)); err != nil {
				return err
			}
		}
		s.tell(tx, l, o, failures, e)
		return nil
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (s *Accounts) tell(tx *db.Tx, l lease, o outcome, failures int, e *network.Error) {
	if o.quiet {
		return
	}
	a := actor.System(l.workspace, "poller")
	switch {
	case failures == troubleAfter:
		s.record(tx, a, "account.trouble", l.account, "feed", string(l.feed), "kind", string(e.Kind))
	case failures < troubleAfter && l.failures >= troubleAfter:
		s.record(tx, a, "account.recovered", l.account, "feed", string(l.feed))
	}
}

// judgeRefusal acts on refusals that are about the account, not about one reading.
func (s *Accounts) judgeRefusal(ctx context.Context, l lease, e *network.Error) error {
	switch e.Kind {
	case network.Suspended, network.Paid:
		acc, err := s.get(ctx, s.DB.Read(), l.workspace, l.account)
		if err != nil {
			return err
		}
		return s.breakOff(ctx, l.workspace, l.account, acc.Generation, e)
	case network.Scope, network.Version, network.Policy:
		return s.describeSoon(ctx, l.workspace, l.account) // less is possible than we thought
	}
	return nil
}

const (
	restFirst  = 10 * time.Second
	restMost   = 15 * time.Minute
	restUseful = time.Hour      // where only a person, or another version, can mend it
	restGone   = 24 * time.Hour // what was taken down seldom comes back
)

// restAfter is how long a feed rests after a number of failures in a row: from
// ten seconds, doubling; never less than the network asks for. The time of a rate
// limit is taken at its word, however often it is met.
func restAfter(e *network.Error, failures int, now time.Time) time.Duration {
	asked := max(0, e.RetryAt.Sub(now))
	most := restMost
	switch e.Kind {
	case network.RateLimited:
		if asked > 0 {
			return asked + time.Second // the server's clock and ours are never quite the same
		}
	case network.Gone:
		most = restGone
	case network.Scope, network.Policy, network.Version, network.BadInput, ownConnector, ownSealed:
		most = restUseful
	}
	d := restFirst
	for i := 1; i < failures && d < most; i++ {
		d *= 2
	}
	return max(min(d, most), asked)
}

// jitter adds up to a tenth, at most jitterMost, so that many accounts of one
// instance spread out.
func jitter(d time.Duration) time.Duration {
	tenth := min(d/10, jitterMost)
	if tenth <= 0 {
		return d
	}
	return d + time.Duration(rand.Int64N(int64(tenth)))
}

const jitterMost = 5 * time.Minute
