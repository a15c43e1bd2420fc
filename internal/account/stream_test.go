package account

import (
	"context"
	"slices"
	"testing"
	"time"

	"parley/internal/id"
	"parley/internal/network"
)

// openStream lets a stream be followed until it ends; the channel closes then.
func (h *house) openStream(running context.Context) <-chan struct{} {
	h.t.Helper()
	l := h.claim(feedStream)
	ended := make(chan struct{})
	opened := make(chan struct{})
	h.stage.on("stream.open", func() { h.stage.on("stream.open", nil); close(opened) })
	go func() {
		defer close(ended)
		h.follow(running, l, h.listen)
	}()
	select {
	case <-opened:
	case <-ended:
	}
	return ended
}

// A message that comes by stream, by poll and as our own echo is one message.
func TestOneMessageHoweverItComes(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.stage.say("streamed", "m1", "m2")
	h.stage.say(network.Mentions, "m1", "m2", "m3")
	h.stage.say(network.Own, "m3")
	running, stop := context.WithCancel(ctx)
	ended := h.openStream(running)
	same(t, h.heard(), []string{"m1", "m2"})
	h.turn()
	h.turn()
	same(t, h.heard(), []string{"m1", "m2", "m3"})
	stop()
	<-ended
	if f := h.feed(feedStream); f.Failures != 0 {
		t.Errorf("stopping is no trouble: %+v", f)
	}
	if n := h.number(`select count(*) from account_feed where feed = 'stream' and lease = 0`); n != 1 {
		t.Error("the lease was not given back")
	}
}

func TestAStreamThatOpensOrHintsIsFollowedByAPoll(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.turn()
	same(t, h.turn(), nil)
	h.clock.Advance(3 * time.Second)
	ended := h.openStream(ctx)
	same(t, h.turn(), []string{"mentions", "own"})
	same(t, h.turn(), nil)

	// A hint while nothing is read makes the feeds due.
	h.clock.Advance(3 * time.Second)
	l := lease{workspace: here, account: h.accountID()}
	h.pollNow(ctx, &l, false)
	same(t, h.turn(), []string{"mentions", "own"})

	// Many hints are one poll, a moment later.
	for range 20 {
		h.pollNow(ctx, &l, false)
	}
	same(t, h.turn(), nil)
	h.clock.Advance(hintRest)
	same(t, h.turn(), []string{"mentions", "own"})
	h.drop(here, l.account)
	<-ended
}

func (h *house) accountID() (account id.ID) {
	h.t.Helper()
	must(h.t, h.db.Read().Row(ctx, `select id from account`).Scan(&account))
	return account
}

// A hint that comes while the feed is read may be about what that reading has
// passed already: it is read once more.
func TestAHintDuringAPollIsNotLost(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	l := h.claim(network.Mentions)
	h.stage.on("poll.mentions", func() {
		h.stage.on("poll.mentions", nil)
		h.pollNow(ctx, &l, false)
	})
	h.follow(ctx, l, h.read)
	if due := h.feed(network.Mentions).Due; due.After(start.Add(hintRest)) {
		t.Errorf("due in %v", due.Sub(start))
	}
	h.clock.Advance(hintRest)
	if read := h.turn(); !slices.Contains(read, "mentions") {
		t.Errorf("%q", read)
	}
	if due := h.feed(network.Mentions).Due; due.Before(h.clock.Now().Add(everyMost)) {
		t.Errorf("and then it rests: due in %v", due.Sub(h.clock.Now()))
	}

	// A failed reading keeps its pause however many hints come.
	h.clock.Advance(time.Hour)
	l = h.claim(network.Mentions)
	h.stage.fail("poll.mentions", refused(network.Transient))
	h.stage.on("poll.mentions", func() { h.pollNow(ctx, &l, false) })
	h.follow(ctx, l, h.read)
	h.pollNow(ctx, &l, false)
	if due := h.feed(network.Mentions).Due; due.Before(h.clock.Now().Add(restFirst)) {
		t.Errorf("due in %v", due.Sub(h.clock.Now()))
	}
}

// A hint for a feed that is about to be read anyway does not put that off.
func TestAHintNeverDelays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.turn()
	soon := h.clock.Now().Add(time.Second)
	h.exec(`update account_feed set due = $1`, soon.UnixMicro())
	h.pollNow(ctx, &lease{workspace: here, account: h.accountID()}, false)
	if due := h.feed(network.Mentions).Due; !due.Equal(soon) {
		t.Errorf("due in %v", due.Sub(h.clock.Now()))
	}
}

func TestAStreamWhoseLeaseIsLostEnds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	ended := h.openStream(ctx)
	other := h.another()
	h.clock.Advance(feedLease + time.Second) // frozen
	theirs := other.claim(feedStream)
	must(t, h.renewLeases(ctx)) // awake
	<-ended
	if n := h.number(`select generation from account_feed where feed = 'stream'`); n != theirs.generation {
		t.Errorf("generation %d, want %d", n, theirs.generation)
	}
	if n := h.number(`select lease from account_feed where feed = 'stream'`); n == 0 {
		t.Error("it gave away what was no longer its own")
	}
}

// The heartbeat keeps what is read, and nothing else.
func TestTheHeartbeatKeepsLeases(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	ended := h.openStream(ctx)
	for range 5 {
		h.clock.Advance(feedLease / 3)
		must(t, h.renewLeases(ctx))
	}
	if leases := must1(h.another().claimFeeds(ctx, 100)); slices.ContainsFunc(leases, func(l lease) bool { return l.feed == feedStream }) {
		t.Error("taken over although it is alive")
	}
	must(t, h.Disconnect(ctx, steward(), h.accountID()))
	<-ended // at once, without waiting for the heartbeat
	if len(h.held) != 0 {
		t.Errorf("%d are still held", len(h.held))
	}
}

func TestAStreamThatFails(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	for i := range 4 {
		h.stage.fail("stream", refused(network.Transient))
		<-h.openStream(ctx)
		f := h.feed(feedStream)
		if f.Failures != i+1 || f.Due.Sub(h.clock.Now()) < restFirst {
			t.Errorf("%+v", f)
		}
		h.clock.Set(f.Due)
		h.turn()
	}
	// Nobody is told: polling brings everything. Polls are as frequent as without it.
	if got := h.verbs(); slices.Contains(got, "account.trouble") {
		t.Errorf("%q", got)
	}
	if rest := h.feed(network.Mentions).Due.Sub(h.clock.Now()); rest > everyMost*11/10 {
		t.Errorf("rests %v", rest)
	}

	// It opens: everything is well, and the feeds are polled. It breaks at once,
	// again and again: the pauses go on growing.
	h.stage.fail("stream.open", refused(network.Transient))
	<-h.openStream(ctx)
	if f := h.feed(feedStream); f.Failures != 5 {
		t.Errorf("%+v", f)
	}
	h.clock.Set(h.feed(feedStream).Due)
	ended := h.openStream(ctx)
	if f := h.feed(feedStream); f.Failures != 0 || f.Kind != "" {
		t.Errorf("%+v", f)
	}
	h.drop(here, h.accountID())
	<-ended
}

// A stream that had worked for long and breaks is a new trouble, not the old one.
func TestAStreamThatHadWorked(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	for range 3 {
		h.stage.fail("stream", refused(network.Transient))
		<-h.openStream(ctx)
		h.clock.Set(h.feed(feedStream).Due)
	}
	l := h.claim(feedStream)
	h.stage.fail("stream.open", refused(network.Transient))
	h.stage.on("stream.open", func() { h.clock.Advance(time.Hour) })
	h.follow(ctx, l, h.listen)
	if f := h.feed(feedStream); f.Failures != 1 {
		t.Errorf("%+v", f)
	}
	if read := h.turn(); !slices.Contains(read, "mentions") {
		t.Errorf("what it told of is now polled for: %q", read)
	}
}

func TestLookingAgain(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.look = []network.Ref{{ID: "l1"}, {ID: "l2"}}
	h.loose = []network.Ref{{ID: "t1"}, {ID: "t2"}}
	h.stage.fail("thread", refused(network.Gone), nil)
	h.turn()
	same(t, h.heard(), []string{"parent-of-t2"}) // one that is gone does not keep the other back
	if len(h.stage.seen) != 2 {
		t.Errorf("looked at %v", h.stage.seen)
	}
	if rest := h.feed(feedWatch).Due.Sub(start); rest < watchEvery || rest > watchEvery*11/10 {
		t.Errorf("rests %v", rest)
	}

	// Somebody speaks: the threads are read soon, those only that were not asked
	// for lately, and not everything is looked at again.
	h.clock.Advance(time.Minute)
	h.loose = append(h.loose, network.Ref{ID: "t3"})
	h.stage.say(network.Mentions, "m1")
	h.turn()
	h.clock.Advance(hintRest)
	same(t, h.turn(), []string{"watch"})
	if n := h.stage.count("thread"); n != 3 {
		t.Errorf("%d threads read", n)
	}
	if h.looks != 1 {
		t.Errorf("what is on the desk was listed %d times, and looked at once", h.looks)
	}
	if len(h.stage.seen) != 2 {
		t.Errorf("looked at %v", h.stage.seen)
	}
	// The whole look comes when it would have come.
	h.clock.Set(start.Add(watchEvery * 11 / 10))
	h.turn()
	if len(h.stage.seen) != 4 || h.stage.count("thread") != 3 {
		t.Errorf("looked at %v, %d threads", h.stage.seen, h.stage.count("thread"))
	}
	h.clock.Advance(threadAgain)
	h.turn()
	if n := h.stage.count("thread"); n != 6 {
		t.Errorf("%d threads read", n)
	}
	// A refusal that is about the account ends the look.
	h.clock.Advance(threadAgain)
	h.stage.fail("thread", refused(network.RateLimited))
	h.turn()
	if f := h.feed(feedWatch); f.Failures != 1 || f.Kind != network.RateLimited || h.stage.count("thread") != 7 {
		t.Errorf("%+v, %d threads", f, h.stage.count("thread"))
	}
}

// Run does it all by itself: reads, holds the stream, and gives everything back
// when it is told to stop.
func TestRun(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.say(network.Mentions, "1", "2", "3", "4")
	h.connect()
	running, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- h.Run(running) }()
	open := func() bool {
		return h.number(`select count(*) from account_feed where feed = 'stream' and worked > 0 and lease > 0`) == 1
	}
	h.until(func() bool { return len(h.heard()) == 4 && open() })
	h.stage.say(network.Mentions, "5")
	h.until(func() bool {
		h.clock.Advance(lookEvery)
		return len(h.heard()) == 5
	})
	stop()
	must(t, <-ended)
	if n := h.number(`select count(*) from account_feed where lease > 0`); n != 0 {
		t.Errorf("%d leases are still held", n)
	}
	if n := h.number(`select count(*) from account_feed where failures > 0`); n != 0 {
		t.Errorf("%d feeds failed", n)
	}
}
