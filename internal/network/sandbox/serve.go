package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Serve runs a network of its own on ln until ctx ends: the network's API, and
// with control not nil the control API on that listener. It closes both. A
// BaseURL left empty is taken from ln's address.
func Serve(ctx context.Context, ln, control net.Listener, o Options) error {
	if o.BaseURL == "" {
		o.BaseURL = "http://" + ln.Addr().String()
	}
	s, err := New(o)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	run := func(l net.Listener, h http.Handler) *http.Server {
		srv := &http.Server{
			Handler: h, ReadHeaderTimeout: 10 * time.Second,
			BaseContext: func(net.Listener) context.Context { return ctx }, // open streams end with it
		}
		go func() {
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serving the sandbox: %w", err))
			}
		}()
		return srv
	}
	servers := []*http.Server{run(ln, s)}
	if control != nil {
		servers = append(servers, run(control, s.Control()))
	}
	_ = s.Run(ctx) // ends with ctx
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	for _, srv := range servers {
		err = errors.Join(err, srv.Shutdown(grace))
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}
