package account

import (
	"slices"
	"testing"
	"time"

	"parley/internal/network"
)

// What the network stops offering rests; when it comes back it goes on where it
// was. One feed without permission is not read in vain for ever.
func TestFeedsComeAndGo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Until = start.Add(time.Hour)
	h.connect()
	h.stage.say(network.Own, "1", "2", "3", "4")
	h.turn()
	offer := func(feeds ...network.Feed) {
		h.stage.mu.Lock()
		h.stage.caps.Feeds, h.stage.caps.Until = feeds, h.clock.Now().Add(2*time.Hour)
		h.stage.mu.Unlock()
		h.clock.Advance(time.Hour + time.Second)
	}
	offer(network.Mentions, network.Direct)
	h.turn()
	if read := h.turn(); !slices.Equal(read, []string{"direct"}) {
		t.Errorf("what is new is read at once: %q", read)
	}
	h.clock.Advance(time.Minute)
	if read := h.turn(); slices.Contains(read, "own") {
		t.Errorf("what is not offered is read: %q", read)
	}
	if hs := must1(h.Health(ctx, steward())); slices.ContainsFunc(hs[0].Feeds, func(f FeedHealth) bool { return f.Feed == network.Own }) {
		t.Error("what is not offered is still judged")
	}
	h.stage.say(network.Own, "5")
	offer(network.Mentions, network.Own)
	offer(network.Mentions, network.Own)
	h.turn()
	before := h.stage.count("poll.own")
	h.turn()
	if n := h.stage.count("poll.own") - before; n != 1 {
		t.Errorf("%d pages: the bookmark was lost", n)
	}
	same(t, h.heard(), []string{"1", "2", "3", "4", "5"})
	if n := h.told("account.abilities_changed"); n != 2 {
		t.Errorf("told %d times", n)
	}
}

// An instance that does not say what is possible is not asked at every poll.
func TestAnInstanceThatDoesNotDescribeItself(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Until = start.Add(time.Minute)
	h.connect()
	asked := h.stage.count("describe")
	for range 10 {
		h.stage.fail("describe", refused(network.Transient))
		h.clock.Advance(time.Minute)
		h.turn()
	}
	if n := h.stage.count("describe") - asked; n != 1 {
		t.Errorf("asked %d times in ten minutes", n)
	}
	if f := h.feed(network.Mentions); f.Failures != 0 {
		t.Errorf("reading suffers: %+v", f)
	}
}

// Several feeds and nodes find the answer too old at once: one of them asks.
func TestAnInstanceIsAskedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Until = start.Add(time.Hour)
	account := h.connect()
	h.clock.Advance(2 * time.Hour)
	other := h.another()
	asked := h.stage.count("describe")
	must1(h.View(ctx, here, account)) // both remember the old answer
	must1(other.View(ctx, here, account))
	h.describe(ctx, here, account)
	other.describe(ctx, here, account)
	if n := h.stage.count("describe") - asked; n != 1 {
		t.Errorf("asked %d times", n)
	}
	// An answer that is too old the moment it comes does not count as one for ever.
	if v := must1(h.View(ctx, here, account)); !v.Capabilities.Until.After(h.clock.Now()) {
		t.Errorf("until %v", v.Capabilities.Until)
	}
}
