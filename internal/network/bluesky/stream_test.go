package bluesky_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/network/networktest"
)

func TestStreamHintsAtOurOwnPosts(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ctx, stop := context.WithCancel(r.ctx)
	ready, hints, ended := make(chan struct{}), make(chan network.Event, 10), make(chan error, 1)
	go func() {
		ended <- r.n.Stream(ctx, r.a, func() { close(ready) }, func(e network.Event) error { hints <- e; return nil })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("ended before it was ready: %v", err)
	}
	wait(t, func() bool { return r.fake.Streams() == 1 })
	r.fake.Say(stranger("ann", "not ours"))
	r.send(r.plan(draft("ours")))
	select {
	case e := <-hints:
		if e.Kind != network.KindHint || e.Post != nil {
			t.Errorf("%+v", e)
		}
	case <-r.ctx.Done():
		t.Fatal("no hint came")
	}
	if len(hints) != 0 {
		t.Error("a stranger's post was hinted at")
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a closed stream returns %v", err)
	}
	wait(t, func() bool { return r.fake.Streams() == 0 })
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it never happened")
		}
	}
}

func TestStreamThatCannotOpen(t *testing.T) {
	t.Parallel()
	r := setup(t)
	stream := func(n *bluesky.Network) error {
		return n.Stream(r.ctx, r.a, func() { t.Error("it says that it is ready") }, func(network.Event) error { return nil })
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpStream, Status: 503})
	wants(t, "503", stream(r.n), network.Transient, "")
	r.fake.Inject(networktest.Fault{Op: networktest.OpStream, Status: 429})
	wants(t, "429", stream(r.n), network.RateLimited, "")
	r.fake.Inject(networktest.Fault{Op: networktest.OpStream, Cut: true, Times: 2})
	wants(t, "cut", stream(r.n), network.Transient, "")
	r.opt.Jetstream = ""
	wants(t, "none set up", stream(bluesky.New(r.env, r.opt)), network.Version, "bluesky.why.no_stream")
}

func TestStreamEndsWithItsReader(t *testing.T) {
	t.Parallel()
	r := setup(t)
	full := errors.New("queue is full")
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() {
		ended <- r.n.Stream(r.ctx, r.a, func() { close(ready) }, func(network.Event) error { return full })
	}()
	<-ready
	wait(t, func() bool { return r.fake.Streams() == 1 })
	r.send(r.plan(draft("ours")))
	if err := <-ended; !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}
