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

// The database goes away for the moment in which a reading ends, while this node
// reads other feeds on and on: the lease runs out, and the feed is read again.
func TestAFeedWhoseEndWasNotStoredIsReadAgain(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for i := range 2 {
		h.stage.remote.RemoteID = fmt.Sprint("r", i)
		h.connect()
	}
	var held, ended []lease
	for _, l := range must1(h.claimFeeds(ctx, 100)) {
		if l.feed == network.Mentions {
			ended = append(ended, l)
			continue
		}
		_, done := h.hold(ctx, l)
		defer done()
		held = append(held, l)
	}
	h.exec(`create unique index no_second on account_feed (feed) where lease = 0`)
	for _, l := range ended {
		h.follow(ctx, l, h.read)
	}
	h.exec(`drop index no_second`)
	for range 4 {
		h.clock.Advance(feedLease / 3)
		must(t, h.renewLeases(ctx))
	}
	if read := h.turn(); !slices.Equal(read, []string{"mentions", "mentions"}) {
		t.Errorf("read %q, want both feeds of mentions", read)
	}
	for _, l := range held {
		if h.number(`select count(*) from account_feed where account = $1 and feed = $2 and generation = $3 and lease > $4`,
			l.account, string(l.feed), l.generation, db.Micros(h.clock.Now())) != 1 {
			t.Errorf("the lease of %s, which is read, ran out", l.feed)
		}
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
	same(t, h.moves, []string{"https://old.example/feed https://old.example/feed > https://new.example/feed https://new.example/feed"})
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

// Two accounts of one instance: what is known by its address stays until the last
// of them has moved.
func TestWhatOthersStillReadDoesNotMove(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for i := range 2 {
		h.stage.remote.Instance, h.stage.remote.RemoteID = "https://old.example", fmt.Sprint("r", i)
		h.connect()
	}
	h.stage.page.Moved = "https://new.example"
	for i := range 2 {
		h.follow(ctx, h.mentions(t), h.read)
		if len(h.moves) != i {
			t.Errorf("after %d of two accounts moved: %q", i+1, h.moves)
		}
	}
}

// mentions claims one account's feed of mentions.
func (h *house) mentions(t *testing.T) (one lease) {
	t.Helper()
	for _, l := range must1(h.claimFeeds(ctx, 100)) {
		if l.feed == network.Mentions && one.account == 0 {
			one = l
			continue
		}
		h.release(ctx, l)
	}
	return one
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
