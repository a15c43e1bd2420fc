package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
)

func TestAFeedIsReadToItsEndAndThenRests(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.stage.say(network.Mentions, "1", "2", "3", "4", "5", "6", "7")
	h.turn()
	same(t, h.heard(), []string{"1", "2", "3", "4", "5", "6", "7"})
	if n := h.stage.count("poll.mentions"); n != 3 {
		t.Errorf("%d pages", n)
	}
	f := h.feed(network.Mentions)
	if rest := f.Due.Sub(start); rest < everyMost || rest > everyMost*11/10 || !f.Worked.Equal(start) {
		t.Errorf("rests %v, worked %v", rest, f.Worked)
	}
	h.clock.Advance(everyMost - time.Second)
	if read := h.turn(); slices.Contains(read, "mentions") {
		t.Errorf("too early: %q", read)
	}
	h.clock.Advance(everyMost)
	if read := h.turn(); !slices.Contains(read, "mentions") {
		t.Errorf("not again: %q", read)
	}
}

// The pace: what the network asks, else its own, else seldom beside a stream.
func TestHowOftenAFeedIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pace, wait time.Duration
		stream     bool
		want       time.Duration
	}{
		"by default":                    {want: everyMost},
		"at the network's pace":         {pace: 10 * time.Minute, want: 10 * time.Minute},
		"as the network asks":           {wait: time.Hour, want: time.Hour},
		"not sooner than its pace":      {pace: time.Minute, wait: time.Second, want: time.Minute},
		"beside a stream":               {stream: true, want: everyStream},
		"at its pace, despite a stream": {stream: true, pace: 15 * time.Second, want: 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.stage.caps.PollEvery, h.stage.page.Wait = c.pace, c.wait
			account := h.connect()
			if c.stream {
				l := h.claim(feedStream)
				must(t, h.streamOpen(ctx, &l))
			}
			h.turn()
			if rest := h.feed(network.Mentions).Due.Sub(start); rest < c.want || rest > c.want*11/10 {
				t.Errorf("rests %v, want %v", rest, c.want)
			}
			if h.account(account).State != Connected {
				t.Error("broken")
			}
		})
	}
}

// A page and its bookmark are stored together or not at all.
func TestAPageThatCannotBeStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.stage.say(network.Mentions, "1", "2", "3", "4")
	pages := 0
	h.Ingest = func(ctx context.Context, tx *db.Tx, a actor.Actor, in Arrival) (int, error) {
		n, err := ingest(ctx, tx, a, in)
		if in.Feed == network.Mentions {
			if pages++; pages == 2 {
				return n, errors.New("the disk is full")
			}
		}
		return n, err
	}
	h.turn()
	same(t, h.heard(), []string{"1", "2", "3"})
	if f := h.feed(network.Mentions); f.Failures != 1 || f.Kind != ownStore {
		t.Errorf("%+v", f)
	}
	h.clock.Advance(time.Minute)
	h.turn()
	same(t, h.heard(), []string{"1", "2", "3", "4"})
	if n := h.stage.count("poll.mentions"); n != 3 {
		t.Errorf("%d pages: the first was read again", n)
	}
	if f := h.feed(network.Mentions); f.Failures != 0 || f.Kind != "" {
		t.Errorf("%+v", f)
	}
}

// A node stops between two pages; another goes on where the first ended.
func TestAStopBetweenPages(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.stage.say(network.Mentions, "1", "2", "3", "4", "5")
	running, stop := context.WithCancel(ctx)
	h.stage.on("poll.mentions", func() {
		if h.stage.count("poll.mentions") == 2 {
			stop()
		}
	})
	l := h.claim(network.Mentions)
	h.follow(running, l, h.read)
	same(t, h.heard(), []string{"1", "2", "3"})
	f := h.feed(network.Mentions)
	if f.Failures != 0 {
		t.Errorf("stopping is no trouble: %+v", f)
	}
	h.stage.on("poll.mentions", nil)
	other := h.another()
	if read := other.turn(); !slices.Contains(read, "mentions") { // at once: the lease was given back
		t.Fatalf("%q", read)
	}
	same(t, h.heard(), []string{"1", "2", "3", "4", "5"})
	if n := h.stage.count("poll.mentions"); n != 3 {
		t.Errorf("%d pages", n)
	}
}

// A poller freezes with a page in its hands, wakes up after another took the
// lease, and stores nothing: neither messages nor bookmark nor how it went.
func TestAFrozenPollerStoresNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	other := h.another()
	h.stage.say(network.Mentions, "1")
	l := h.claim(network.Mentions)
	h.stage.on("poll.mentions", func() {
		h.stage.on("poll.mentions", nil)
		h.clock.Advance(feedLease + time.Second) // frozen
		if read := other.turn(); !slices.Contains(read, "mentions") {
			t.Errorf("nobody took over: %q", read)
		}
		h.exec(`delete from heard`) // so that we see whether it is stored again
	})
	before := h.number(`select count(*) from event`)
	h.follow(ctx, l, h.read)
	same(t, h.heard(), nil)
	if n := h.number(`select count(*) from event`); n != before {
		t.Error("something was recorded")
	}
	f := h.feed(network.Mentions)
	if f.Failures != 0 || h.number(`select count(*) from account_feed where feed = 'mentions' and generation = 2 and lease = 0`) != 1 {
		t.Errorf("%+v", f)
	}
}

// The same where what it wakes up to is a refusal: that is the other's to judge.
func TestAFrozenPollerDoesNotTellHowItWent(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	other := h.another()
	l := h.claim(network.Mentions)
	var theirs lease
	h.stage.fail("poll.mentions", refused(network.Transient))
	h.stage.on("poll.mentions", func() {
		h.clock.Advance(feedLease + time.Second)
		theirs = other.claim(network.Mentions)
	})
	h.follow(ctx, l, h.read)
	if f := h.feed(network.Mentions); f.Failures != 0 {
		t.Errorf("%+v", f)
	}
	if n := h.number(`select count(*) from account_feed where feed = 'mentions' and lease > 0 and generation = $1`, theirs.generation); n != 1 {
		t.Error("it gave away what was not its own")
	}
}

func TestTwoNodesReadAFeedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for i := range 5 {
		h.stage.remote.RemoteID = fmt.Sprint("r", i)
		h.connect()
	}
	nodes := []*house{h, h.another()}
	var mu sync.Mutex
	got := map[feedKey]int{}
	var wg sync.WaitGroup
	for _, n := range nodes {
		for range 4 {
			wg.Go(func() {
				leases, err := n.claimFeeds(ctx, 3)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, l := range leases {
					got[l.key()]++
				}
			})
		}
	}
	wg.Wait()
	for k, n := range got {
		if n != 1 {
			t.Errorf("%v was claimed %d times", k, n)
		}
	}
	for _, l := range must1(h.claimFeeds(ctx, 100)) {
		got[l.key()]++
	}
	if len(got) != 20 {
		t.Errorf("%d feeds claimed, want 20", len(got))
	}
	if n := h.number(`select count(*) from account_feed where generation <> 1`); n != 0 {
		t.Errorf("%d feeds were claimed more than once", n)
	}
}

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

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

func TestGapsAreShownUntilSomebodyHasLooked(t *testing.T) {
	t.Parallel()
	h := setup(t)
	account := h.connect()
	h.stage.log[network.Mentions] = []network.Event{message("1", start), gap("stage.gap"), message("2", start)}
	h.turn()
	f := h.feed(network.Mentions)
	if !f.Gap.Equal(start) || f.GapWhy != "stage.gap" {
		t.Errorf("%+v", f)
	}
	same(t, h.heard(), []string{"1", "2"})
	must(t, h.CheckedGap(ctx, steward(), account))
	if f := h.feed(network.Mentions); !f.Gap.IsZero() || f.GapWhy != "" {
		t.Errorf("%+v", f)
	}
	same(t, h.verbs(), []string{"account.connected", "account.gap", "account.gap_checked"})
}

func TestAnAccountThatMoves(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.remote.Instance, h.stage.remote.RemoteID = "https://old.example/feed", "https://old.example/feed"
	account := h.connect()
	h.stage.page.Moved = "https://new.example/feed"
	h.turn()
	r := h.account(account).Remote
	if r.Instance != "https://new.example/feed" || r.RemoteID != "https://new.example/feed" {
		t.Errorf("%+v", r)
	}
	if n := h.told("account.moved"); n != 1 {
		t.Errorf("told %d times", n)
	}
	// Typed again at its new address it is the same account.
	h.stage.remote.Instance, h.stage.remote.RemoteID = "https://new.example/feed", "https://new.example/feed"
	if again := h.connect(); again != account {
		t.Error("a second account")
	}
	// Where another account stands already, it stays.
	h.stage.page.Moved = ""
	h.stage.remote.Instance, h.stage.remote.RemoteID = "https://third.example/", "https://third.example/"
	third := h.connect()
	h.stage.page.Moved = "https://new.example/feed"
	h.turn()
	if r := h.account(third).Remote; r.Instance != "https://third.example/" {
		t.Errorf("%+v", r)
	}
	if f := h.feed(network.Mentions); f.Failures != 0 {
		t.Errorf("%+v", f)
	}
}

// A network that never comes to an end does not keep the program busy for ever.
func TestAFeedThatNeverEnds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.Use(endless{plainly(h.stage)})
	h.connect()
	h.turn()
	if f := h.feed(network.Mentions); f.Failures != 1 || f.Native != "stuck" {
		t.Errorf("%+v", f)
	}
	h.stage.pageSize = 1
	h.Use(plainly(h.stage))
	for i := range pagesAtOnce + 5 {
		h.stage.say(network.Mentions, fmt.Sprint(i))
	}
	h.clock.Advance(time.Minute)
	before := h.stage.count("poll.mentions")
	h.turn()
	if n := h.stage.count("poll.mentions") - before; n != pagesAtOnce {
		t.Errorf("%d pages at once", n)
	}
	h.clock.Advance(time.Millisecond)
	h.turn()
	if n := len(h.heard()); n != pagesAtOnce+5 {
		t.Errorf("%d heard", n)
	}
}

type endless struct{ network.Network }

func (e endless) SignIn(ctx context.Context, f url.Values) (network.Account, network.Secret, error) {
	return e.Network.(plain).SignIn(ctx, f)
}

func (e endless) Poll(context.Context, network.Account, network.Feed, network.Cursor) (network.Page, error) {
	return network.Page{More: true}, nil
}

// What a network sends cannot end the program.
func TestAPanicIsAFailedReading(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.connect()
	h.stage.on("poll.mentions", func() { panic("an index out of range") })
	h.turn()
	if f := h.feed(network.Mentions); f.Failures != 1 {
		t.Errorf("%+v", f)
	}
	if f := h.feed(network.Own); f.Failures != 0 || f.Worked.IsZero() {
		t.Errorf("%+v", f)
	}
}
