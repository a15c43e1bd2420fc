package team

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"net/netip"
	"time"

	"parley/internal/db"
	"parley/internal/problem"
)

// Place is where a request comes from, as far as it can be told.
type Place struct {
	Agent   string // User-Agent header
	Address string // client address without a port, after trusted proxies
}

// limit is how many wrong tries are free, and how long at most the next one
// must wait. In between the wait doubles from a second. No try is counted while
// it is refused, so that hammering does not lengthen the wait: nobody is ever
// locked out, only slowed down.
type limit struct {
	free int
	most time.Duration
}

const (
	// forget is the quiet after which wrong tries no longer count.
	forget = 24 * time.Hour
	// placeLife is how long a place stays known without a sign-in there.
	placeLife = 90 * 24 * time.Hour
)

// wait is how long after the n-th wrong try the next one is looked at.
func (l limit) wait(n int) time.Duration {
	if n <= l.free {
		return 0
	}
	d := math.Exp2(float64(n - l.free - 1))
	return time.Duration(min(d, l.most.Seconds()) * float64(time.Second))
}

// bucket is one thing that tries are counted by.
type bucket struct {
	key   []byte
	limit limit
}

// buckets says what a try counts against. Where this login has signed in before
// it has a count of its own, so that somebody guessing from elsewhere, even from
// a thousand addresses, does not keep its owner out of their own office.
func buckets(folded, network string, known bool) []bucket {
	account := limit{free: 5, most: 15 * time.Minute}
	address := limit{free: 30, most: 15 * time.Minute} // an office behind one address has many hands
	if known {
		return []bucket{{hashOf("known", folded, network), account}}
	}
	return []bucket{{hashOf("account", folded), account}, {hashOf("address", network), address}}
}

func hashOf(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return h.Sum(nil)
}

// network is what one attacker can be expected to hold: an IPv4 address, or the
// /64 every IPv6 customer gets. What is no address is one place.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ""
	}
	return p.String()
}

// admitted is a try that was let through and counted as wrong beforehand, so
// that a hundred at the same moment count as a hundred.
type admitted struct {
	account []bucket
	shared  []bucket
}

// admit counts a try before it is looked at, or refuses it.
func (s *Service) admit(ctx context.Context, folded string, p Place) (t admitted, err error) {
	net := network(p.Address)
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		known, err := s.knows(ctx, tx, folded, net)
		if err != nil {
			return err
		}
		all := buckets(folded, net, known)
		t = admitted{account: all[:1], shared: all[1:]}
		for _, b := range all {
			if err := s.count(ctx, tx, b); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

// count adds a try to a bucket, unless it comes too early: then the refusal
// rolls the transaction back.
func (s *Service) count(ctx context.Context, tx *db.Tx, b bucket) error {
	now := s.clock.Now()
	var tries int
	var next time.Time
	const q = `insert into login_throttle (bucket, tries, last, next) values ($1, 1, $2, 0)
		on conflict (bucket) do update set last = excluded.last,
			tries = case when login_throttle.last < $3 then 1 else login_throttle.tries + 1 end
		returning tries, next`
	err := tx.Row(ctx, q, b.key, db.Micros(now), db.Micros(now.Add(-forget))).Scan(&tries, db.ScanTime(&next))
	if err != nil {
		return fmt.Errorf("counting a try: %w", err)
	}
	if left := next.Sub(now); left > 0 {
		return problem.New(problem.Throttled, "team.throttled",
			"seconds", int64(math.Ceil(left.Seconds())), "n", int64(math.Ceil(left.Minutes())))
	}
	_, err = tx.Exec(ctx, `update login_throttle set next = $1 where bucket = $2`,
		db.Micros(now.Add(b.limit.wait(tries))), b.key)
	if err != nil {
		return fmt.Errorf("counting a try: %w", err)
	}
	return nil
}

// forgive takes back what admit counted, once the password was right. The count
// of the account starts anew; that of the address loses only this one try, or
// an attacker with a login of their own could wipe it clean.
func (t admitted) forgive(ctx context.Context, tx *db.Tx) error {
	for _, b := range t.account {
		if _, err := tx.Exec(ctx, `delete from login_throttle where bucket = $1`, b.key); err != nil {
			return fmt.Errorf("forgiving a try: %w", err)
		}
	}
	for _, b := range t.shared {
		const q = `update login_throttle set tries = tries - 1, next = 0 where bucket = $1 and tries > 0`
		if _, err := tx.Exec(ctx, q, b.key); err != nil {
			return fmt.Errorf("forgiving a try: %w", err)
		}
	}
	return nil
}

// knows reports whether the login has signed in from this network before.
func (s *Service) knows(ctx context.Context, tx *db.Tx, folded, net string) (bool, error) {
	var n int
	const q = `select count(*) from login_place p join login l on l.id = p.login
		where l.email_folded = $1 and l.removed = 0 and p.place = $2 and p.seen > $3`
	err := tx.Row(ctx, q, folded, hashOf("place", net), db.Micros(s.clock.Now().Add(-placeLife))).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("looking for a known place: %w", err)
	}
	return n > 0, nil
}
