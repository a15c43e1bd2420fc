// Package clock is the only door to the time of day. Everything that waits,
// expires or is stamped takes a Clock, so that tests move time instead of
// sleeping through it.
package clock

import (
	"context"
	"sort"
	"sync"
	"time"
)

// A Clock tells the time and wakes sleepers.
type Clock interface {
	// Now is the current instant in UTC, cut to the microsecond: what the
	// databases keep is what the program compares.
	Now() time.Time
	// After delivers once, d from now. A d of zero or less delivers at once.
	After(d time.Duration) <-chan time.Time
}

// Sleep waits for d or until ctx ends, whichever is first, and says which by
// returning ctx's error.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.After(d):
		return nil
	}
}

// System is the machine's clock.
type System struct{}

func (System) Now() time.Time                         { return time.Now().UTC().Truncate(time.Microsecond) }
func (System) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Fake stands still until a test moves it. Safe for concurrent use.
type Fake struct {
	mu      sync.Mutex
	now     time.Time
	waiting []waiter
}

type waiter struct {
	at time.Time
	ch chan time.Time
}

// NewFake starts at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC().Truncate(time.Microsecond)} }

func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *Fake) After(d time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan time.Time, 1)
	if d <= 0 {
		ch <- f.now
		return ch
	}
	f.waiting = append(f.waiting, waiter{f.now.Add(d), ch})
	return ch
}

// Advance moves the clock by d and wakes, in order, whoever waited for it.
func (f *Fake) Advance(d time.Duration) { f.Set(f.Now().Add(d)) }

// Set moves the clock to t, forwards or backwards.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC().Truncate(time.Microsecond)
	sort.SliceStable(f.waiting, func(i, j int) bool { return f.waiting[i].at.Before(f.waiting[j].at) })
	for len(f.waiting) > 0 && !f.waiting[0].at.After(f.now) {
		f.waiting[0].ch <- f.now
		f.waiting = f.waiting[1:]
	}
}

// Waiters counts those who sleep on the clock, so that a test can wait until
// the code under test is really asleep before it moves time.
func (f *Fake) Waiters() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting)
}
