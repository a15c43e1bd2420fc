package delivery

import (
	"context"
	"time"

	"parley/internal/clock"
)

// limit is a context that ends at a moment of the injected clock. Err looks at
// the clock itself, so that a process which was frozen beyond the moment knows it
// before the goroutine that closes Done has had its turn. It has no Deadline:
// libraries would hold that against the machine's clock.
type limit struct {
	context.Context
	clock clock.Clock
	at    time.Time
}

func (l limit) Err() error {
	if err := l.Context.Err(); err != nil {
		return err
	}
	if !l.clock.Now().Before(l.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// withLimit ends a context at a moment. The caller calls cancel.
func withLimit(ctx context.Context, c clock.Clock, at time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-c.After(at.Sub(c.Now())):
			cancel()
		case <-ctx.Done():
		}
	}()
	return limit{ctx, c, at}, cancel
}
