package api

import (
	"sync"
	"time"

	"parley/internal/clock"
	"parley/internal/id"
	"parley/internal/problem"
)

// Rate is a token bucket: Burst requests at once, and one more every Every.
type Rate struct {
	Burst int
	Every time.Duration
}

// DefaultRate lets a script catch up quickly and then ask ten times a second.
func DefaultRate() Rate { return Rate{Burst: 120, Every: 100 * time.Millisecond} }

// limiter counts the requests of each token in this process. It keeps the moment
// at which a bucket is full again, which says everything about it: the generic
// cell rate algorithm (ITU-T I.371).
type limiter struct {
	clock clock.Clock
	rate  Rate

	mu   sync.Mutex
	full map[id.ID]time.Time
}

// tidyAt is how many buckets are kept before full ones are let go.
const tidyAt = 1000

func newLimiter(c clock.Clock, r Rate) *limiter {
	return &limiter{clock: c, rate: r, full: map[id.ID]time.Time{}}
}

// take counts one request; 0 lets it pass, else it is how long to wait.
func (l *limiter) take(token id.ID) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if len(l.full) >= tidyAt {
		for t, at := range l.full {
			if !at.After(now) {
				delete(l.full, t)
			}
		}
	}
	full := l.full[token]
	if full.Before(now) {
		full = now
	}
	full = full.Add(l.rate.Every)
	if wait := full.Sub(now) - time.Duration(l.rate.Burst)*l.rate.Every; wait > 0 {
		return wait
	}
	l.full[token] = full
	return 0
}

// limited is the refusal of a token that asks too often.
type limited struct{ wait time.Duration }

func (e *limited) Error() string { return "api.too_often" }

// Unwrap makes it a problem.
func (e *limited) Unwrap() error {
	return problem.New(problem.Throttled, "api.too_often", "n", e.seconds())
}

// seconds is the wait as Retry-After says it: whole seconds, rounded up.
func (e *limited) seconds() int { return int((e.wait + time.Second - 1) / time.Second) }
