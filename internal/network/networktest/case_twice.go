package networktest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"parley/internal/network"
)

// caseTwice is g: the same thing by poll, stream and echo; answers before what
// they answer; gone before it came.
func caseTwice(s *suite) {
	s.rig("polled twice").polledTwice()
	s.rig("answer before its parent").answerFirst()
	s.rig("gone before it came").goneFirst()
	if r := s.rig("echo by poll"); r.speaks() && r.reads(network.Own) {
		r.echo()
	}
	if r := s.rig("streamed and polled"); r.needs(network.CanStream) {
		r.streamed()
	}
	if r := s.rig("stream refused"); r.needs(network.CanStream) {
		r.streamRefused()
	}
	if r := s.rig("echo by stream"); r.speaks(network.CanStream) && r.reads(network.Own) {
		r.streamedEcho()
	}
}

func (r *rig) reads(f network.Feed) bool { return slices.Contains(r.caps.Feeds, f) }

// polledTwice: reading again from any older cursor changes nothing.
func (r *rig) polledTwice() {
	in := r.inbox()
	before := map[network.Feed]network.Cursor{}
	for f, c := range in.cursor {
		before[f] = c
	}
	var refs []network.Ref
	for range 5 {
		refs = append(refs, r.fake.Say(r.stranger()))
	}
	in.drain()
	for f, c := range before {
		in.cursor[f] = c
	}
	in.drain()
	in.cursor = map[network.Feed]network.Cursor{}
	in.drain()
	for _, ref := range refs {
		if n := in.store.versions(ref.ID); n != 1 {
			r.errorf("%s was read three times and stored %d times", ref.ID, n)
		}
	}
}

// answerFirst: a parent that is not there yet is a placeholder, then adopted.
func (r *rig) answerFirst() {
	if !r.needs(network.CanMentions) {
		return
	}
	in := r.inbox()
	parent := r.fake.Say(r.stranger())
	p := r.stranger()
	p.ParentID = parent.ID
	child := r.fake.Say(p)
	var events []network.Event
	for _, f := range r.caps.Feeds {
		page, err := in.peek(f)
		if err != nil {
			r.fatalf("Poll: %v", err)
		}
		events = append(events, page.Events...)
	}
	slices.Reverse(events)
	late := newStore()
	for _, e := range events {
		if err := late.put(e); err != nil {
			r.errorf("storing: %v", err)
		}
		if e.Post != nil && e.Post.ID == child.ID && !late.waiting(parent.ID) {
			r.errorf("the answer %s came before %s and does not name it as its parent (%q)", child.ID, parent.ID, e.Post.ParentID)
		}
	}
	for _, ref := range []network.Ref{parent, child} {
		if _, ok := late.post(ref.ID); !ok {
			r.errorf("%s did not arrive", ref.ID)
		}
	}
	if late.waiting(parent.ID) {
		r.errorf("the parent %s was not adopted", parent.ID)
	}
}

// goneFirst: whatever the order, what was deleted stays gone, and no new
// reading brings it back.
func (r *rig) goneFirst() {
	in := r.inbox()
	ref := r.fake.Say(r.stranger())
	stays := r.fake.Say(r.stranger())
	in.drain()
	if _, ok := in.store.post(ref.ID); !ok {
		r.fatalf("%s did not arrive", ref.ID)
	}
	r.fake.Change(ref, nil)
	in.drain()
	w, watches := r.fresh().(network.Watcher)
	if !watches {
		return
	}
	var events []network.Event
	var err error
	r.quiet("Watch", func() {
		events, err = w.Watch(r.ctx, r.acct, []network.Ref{in.ref(ref), in.ref(stays)})
	})
	if err != nil {
		r.checkError("Watch", err, false)
		r.fatalf("Watch: %v", err)
	}
	in.keep(events)
	if !in.store.isGone(ref.ID) {
		r.errorf("Watch does not say that %s is gone: %+v", ref.ID, events)
	}
	if in.store.isGone(stays.ID) || in.store.versions(stays.ID) != 1 {
		r.errorf("Watch reports %s, which has not changed", stays.ID)
	}
	in.cursor = map[network.Feed]network.Cursor{}
	in.drain()
	if _, ok := in.store.post(ref.ID); ok {
		r.errorf("%s is back after it was gone", ref.ID)
	}
}

// ref is what is stored of something, as Watch gets it.
func (in *inbox) ref(r network.Ref) network.Ref {
	if p, ok := in.store.post(r.ID); ok {
		return p.Ref
	}
	return r
}

// echo: our own post is there before Do has returned, and is one.
func (r *rig) echo() {
	in := r.inbox()
	snd := r.begin(r.speech())
	i := snd.create()
	var once sync.Once
	r.wire.watch(nil, func(q *http.Request) {
		if q.Method == http.MethodGet {
			return
		}
		once.Do(func() {
			r.wire.watch(nil, nil)
			in.drainFeed(network.Own)
		})
	})
	d, err := snd.do(i)
	if err != nil || d.State != network.Sent {
		r.fatalf("Do: %q, %v", d.State, err)
	}
	if i < len(snd.plan.Steps)-1 {
		// A step behind the create keeps the copy that this network shows.
		if err := snd.all(); err != nil {
			r.fatalf("sending: %v", err)
		}
		in.drainFeed(network.Own)
	}
	got, ok := in.store.post(d.Ref.ID)
	if !ok {
		r.fatalf("the echo %v came before Do returned %q, under another id", in.store.order, d.Ref.ID)
	}
	if got.Version != d.Ref.Version && d.Ref.Version != "" {
		r.errorf("Do says version %q, the echo %q: they would be stored twice", d.Ref.Version, got.Version)
	}
	in.drain()
	if n := in.store.versions(d.Ref.ID); n != 1 {
		r.errorf("our own post is stored %d times", n)
	}
}

// listening is an open stream.
type listening struct {
	*rig
	in     *inbox
	events chan network.Event
	ended  chan error
	stop   context.CancelFunc
}

// listen opens a stream and waits until it is ready.
func (r *rig) listen(in *inbox) *listening {
	r.tb.Helper()
	s, ok := r.fresh().(network.Streamer)
	if !ok {
		r.fatalf("streams are granted, but the connector is no Streamer")
	}
	ctx, stop := context.WithCancel(r.ctx)
	l := &listening{rig: r, in: in, events: make(chan network.Event, 1000), ended: make(chan error, 1), stop: stop}
	ready := make(chan struct{})
	var once sync.Once
	go func() {
		l.ended <- s.Stream(ctx, r.acct, func() { once.Do(func() { close(ready) }) },
			func(e network.Event) error { l.events <- e; return nil })
	}()
	select {
	case <-ready:
	case err := <-l.ended:
		stop()
		r.fatalf("Stream ended before it was ready: %v", err)
	case <-r.ctx.Done():
		stop()
		r.fatalf("Stream was never ready")
	}
	return l
}

// until stores what arrives until done says so; a hint means poll.
func (l *listening) until(what string, done func() bool) {
	l.tb.Helper()
	for !done() {
		select {
		case e := <-l.events:
			if e.Kind == network.KindHint {
				l.in.drain()
				continue
			}
			l.in.keep([]network.Event{e})
		case err := <-l.ended:
			l.fatalf("the stream ended while waiting for %s: %v", what, err)
		case <-l.ctx.Done():
			l.fatalf("%s never came by stream", what)
		}
	}
}

// close ends the stream, which must return soon.
func (l *listening) close() {
	l.tb.Helper()
	l.stop()
	select {
	case err := <-l.ended:
		if !errors.Is(err, context.Canceled) {
			var e *network.Error
			if !errors.As(err, &e) {
				l.errorf("a stream that was closed returns %v", err)
			}
		}
	case <-l.ctx.Done():
		l.errorf("a stream that was closed does not return")
	}
}

// streamed: stream and poll bring one message, and a deleted one stays gone.
func (r *rig) streamed() {
	in := r.inbox()
	l := r.listen(in)
	in.drain()
	var refs []network.Ref
	for range 3 {
		refs = append(refs, r.fake.Say(r.stranger()))
	}
	l.until("what was said", func() bool {
		return !slices.ContainsFunc(refs, func(ref network.Ref) bool { return in.store.versions(ref.ID) == 0 })
	})
	in.drain()
	for _, ref := range refs {
		if n := in.store.versions(ref.ID); n != 1 {
			r.errorf("%s came by stream and by poll and is stored %d times", ref.ID, n)
		}
	}
	l.close()
	again := r.listen(in)
	again.close()
}

// streamRefused: a stream that can't be opened is only Transient, one that is
// refused for its token is Auth, and neither says that it was ready.
func (r *rig) streamRefused() {
	dead, _ := r.native(TokenDead, OpStream)
	dead.Op = OpStream
	for _, c := range []struct {
		fault Fault
		want  network.Kind
	}{{Fault{Op: OpStream, Status: 503}, network.Transient}, {Fault{Op: OpStream, Cut: true, Times: 2}, network.Transient}, {dead, network.Auth}} {
		rr := *r
		rr.fake.Inject(c.fault)
		isReady := false
		err := rr.fresh().(network.Streamer).Stream(rr.ctx, rr.acct, func() { isReady = true },
			func(network.Event) error { return nil })
		rr.checkError("Stream", err, false)
		if k := network.KindOf(err); k != c.want {
			rr.errorf("a stream answered %d (cut %v) says %q (%v), want %q", c.fault.Status, c.fault.Cut, k, err, c.want)
		}
		if isReady {
			rr.errorf("a stream answered %d says that it is ready", c.fault.Status)
		}
	}
}

// streamedEcho: our own post by stream, by poll and by Do is one.
func (r *rig) streamedEcho() {
	in := r.inbox()
	l := r.listen(in)
	snd := r.begin(r.speech())
	if err := snd.all(); err != nil {
		r.fatalf("sending: %v", err)
	}
	ref := snd.plan.Steps[len(snd.plan.Steps)-1].Done
	// Not every stream tells our own posts; something behind it in the stream
	// shows that it would have come.
	after := r.fake.Say(r.stranger())
	l.until("what was said after it", func() bool { return in.store.versions(after.ID) > 0 })
	in.drain()
	if n := in.store.versions(ref.ID); n != 1 {
		r.errorf("our own post came by stream and by poll and is stored %d times", n)
	}
	l.close()
}
