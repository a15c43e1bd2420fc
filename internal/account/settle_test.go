package account

import (
	"testing"
	"time"

	"parley/internal/network"
)

func TestARateLimitIsTakenAtItsWord(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	until := start.Add(17 * time.Minute)
	h.stage.page.Rate = network.Rate{Limit: 300, Left: 12, Reset: until}
	h.turn()
	h.clock.Advance(time.Minute)
	limited := refused(network.RateLimited)
	limited.RetryAt = until
	h.stage.fail("poll.mentions", limited)
	h.turn()
	f := h.feed(network.Mentions)
	if f.Due.Before(until) || f.Due.After(until.Add(2*time.Minute)) || f.Kind != network.RateLimited || f.Said != "we would rather not" {
		t.Errorf("%+v", f)
	}
	if f.Rate.Left != 12 {
		t.Errorf("the refusal wiped out what was known of the budget: %+v", f.Rate)
	}
	// A stream that opens does not break the word.
	l := h.claim(feedStream)
	h.pollNow(ctx, &l, true)
	if got := h.feed(network.Mentions).Due; !got.Equal(f.Due) {
		t.Errorf("due %v, was %v", got, f.Due)
	}
}

func TestTroubleIsToldOnceAndSoIsItsEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	var rests []time.Duration
	for range 6 {
		h.stage.fail("poll.mentions", refused(network.Transient))
		h.turn()
		f := h.feed(network.Mentions)
		rests = append(rests, f.Due.Sub(h.clock.Now()))
		h.clock.Set(f.Due)
	}
	for i, want := range []time.Duration{10, 20, 40, 80, 160, 320} {
		if got := rests[i]; got < want*time.Second || got > want*time.Second*11/10 {
			t.Errorf("after %d failures it rests %v", i+1, got)
		}
	}
	h.turn()
	h.clock.Advance(time.Hour)
	h.turn()
	same(t, h.verbs(), []string{"account.connected", "account.trouble", "account.recovered"})
	if f := h.feed(network.Mentions); f.Failures != 0 || f.Kind != "" || f.Said != "" || f.Native != "" {
		t.Errorf("%+v", f)
	}
}

// A reading that got somewhere before it failed is not the old trouble going on.
func TestProgressBeforeAFailureCounts(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	for range 4 {
		h.stage.fail("poll.mentions", refused(network.Transient))
		h.turn()
		h.clock.Set(h.feed(network.Mentions).Due)
	}
	h.stage.say(network.Mentions, "1", "2", "3", "4")
	h.stage.fail("poll.mentions", nil, refused(network.Transient))
	h.turn()
	if f := h.feed(network.Mentions); f.Failures != 1 || f.Due.Sub(h.clock.Now()) > 12*time.Second {
		t.Errorf("%+v", f)
	}
	same(t, h.verbs(), []string{"account.connected", "account.trouble", "account.recovered"})
}

func TestRestAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		e        network.Error
		failures int
		want     time.Duration
	}{
		"first":                           {network.Error{Kind: network.Transient}, 1, 10 * time.Second},
		"fifth":                           {network.Error{Kind: network.Transient}, 5, 160 * time.Second},
		"at most":                         {network.Error{Kind: network.Transient}, 500, restMost},
		"as asked":                        {network.Error{Kind: network.Transient, RetryAt: start.Add(time.Hour)}, 1, time.Hour},
		"asked for less than is fit":      {network.Error{Kind: network.Transient, RetryAt: start.Add(time.Second)}, 9, restMost},
		"limited":                         {network.Error{Kind: network.RateLimited, RetryAt: start.Add(3 * time.Second)}, 20, 4 * time.Second},
		"limited, in the past":            {network.Error{Kind: network.RateLimited, RetryAt: start.Add(-time.Hour)}, 1, 10 * time.Second},
		"limited, not told until when":    {network.Error{Kind: network.RateLimited}, 2, 20 * time.Second},
		"a person must mend it":           {network.Error{Kind: network.Scope}, 500, time.Hour},
		"taken down":                      {network.Error{Kind: network.Gone}, 500, 24 * time.Hour},
		"taken down, or only for a while": {network.Error{Kind: network.Gone}, 2, 20 * time.Second},
	} {
		if got := restAfter(&c.e, c.failures, start); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for range 200 {
		for _, d := range []time.Duration{0, 1, 9, 10, time.Second, 24 * time.Hour} {
			if j := jitter(d); j < d || j > d+d/10 || j > d+jitterMost {
				t.Fatalf("jitter of %v is %v", d, j)
			}
		}
	}
}

// Suspended and unpaid accounts stop; a missing permission of one feed does not
// keep the others from being read.
func TestRefusalsThatAreAboutTheAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Until = start.Add(24 * time.Hour)
	for kind, want := range map[network.Kind]State{network.Suspended: Broken, network.Paid: Broken, network.Scope: Connected, network.Gone: Connected} {
		h.stage.remote.RemoteID = string(kind)
		account := h.connect()
		describes := h.stage.count("describe")
		h.stage.fail("poll.own", refused(kind))
		h.turn()
		if acc := h.account(account); acc.State != want || want == Broken && acc.Reason != string(kind) {
			t.Errorf("%s: %+v", kind, acc)
		}
		h.clock.Advance(2 * time.Minute)
		h.turn()
		if asked := h.stage.count("describe") > describes; asked != (kind == network.Scope) {
			t.Errorf("%s: asked what is possible: %v", kind, asked)
		}
		must(t, h.Disconnect(ctx, steward(), account))
	}
}
