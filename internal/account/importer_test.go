package account

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
)

// history is how far the import of a feed has come.
func (h *house) history(f network.Feed) Import {
	h.t.Helper()
	hs, err := h.Health(ctx, steward())
	must(h.t, err)
	for _, i := range hs[0].Imports {
		if i.Feed == f {
			return i
		}
	}
	h.t.Fatalf("no import of %s", f)
	return Import{}
}

// finished reports whether the whole past is read.
func (h *house) finished() bool {
	return h.number(`select count(*) from account_import where finished = 0`) == 0
}

// idle reports that no job runs.
func (h *house) idle() bool { return h.number(`select count(*) from job where state = 'running'`) == 0 }

func TestTheLastYearIsRead(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Feeds = []network.Feed{network.Mentions}
	h.connect()
	if i := h.history(network.Mentions); i.Share() != 0 || !i.Finished.IsZero() || !i.Since.Equal(start.Add(-past)) {
		t.Errorf("%+v", i)
	}
	h.work(func() bool { return h.finished() && h.idle() })
	i := h.history(network.Mentions)
	if i.Found != 12 || i.Share() != 1 || !i.Oldest.Equal(i.Since) && i.Oldest.After(start.AddDate(0, -11, 0)) {
		t.Errorf("%+v", i)
	}
	if n := len(h.heard()); n != 12 {
		t.Errorf("%d heard", n)
	}
	if n := h.told("account.imported"); n != 1 {
		t.Errorf("told %d times", n)
	}
	if n := h.told("account.importing"); n < 5 || n > importSteps {
		t.Errorf("its progress was told %d times", n)
	}
	// Connected again there is nothing to read again.
	h.connect()
	if n := h.number(`select count(*) from job where state in ('waiting', 'running')`); n != 0 {
		t.Errorf("%d jobs", n)
	}
}

// The node stops in the middle; the next one goes on where it was.
func TestAnImportGoesOnAfterAStop(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Feeds = []network.Feed{network.Mentions}
	h.connect()
	h.stage.page.Wait = time.Minute // so that each page is a run of its own
	h.work(func() bool { return h.history(network.Mentions).Found == 1 && h.idle() })
	if i := h.history(network.Mentions); i.Found != 1 || i.Share() <= 0 || i.Share() >= 0.2 || i.Kind != "" {
		t.Errorf("%+v, share %v", i, i.Share())
	}
	other := h.another()
	other.work(func() bool {
		if h.clock.Waiters() >= 2 && h.idle() { // the queue and its heartbeat are asleep
			h.clock.Advance(10 * time.Second) // less than the lease of a job
		}
		return h.finished()
	})
	if n := h.stage.count("import"); n != 12 {
		t.Errorf("%d pages", n)
	}
	if i := h.history(network.Mentions); i.Found != 12 {
		t.Errorf("%+v", i)
	}
}

// A page that could not be stored leaves the place where it was.
func TestAPageOfHistoryIsStoredWithItsPlace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Feeds = []network.Feed{network.Mentions}
	h.connect()
	pages := 0
	h.Ingest = func(ctx context.Context, tx *db.Tx, a actor.Actor, in Arrival) (int, error) {
		if !in.History || a.System != "import" {
			t.Errorf("%+v by %+v", in, a)
		}
		n, err := ingest(ctx, tx, a, in)
		if pages++; pages == 3 {
			return n, errors.New("the disk is full")
		}
		return n, err
	}
	h.work(func() bool { return h.history(network.Mentions).Kind == ownStore && h.idle() })
	if i := h.history(network.Mentions); i.Found != 2 || len(h.heard()) != 2 {
		t.Errorf("%+v", i)
	}
	h.clock.Advance(time.Minute)
	h.work(h.finished)
	if i := h.history(network.Mentions); i.Found != 12 || i.Kind != "" {
		t.Errorf("%+v", i)
	}
}

// A node freezes with a page of history in its hands; another takes the job over;
// the first wakes up and stores nothing.
func TestAFrozenImportStoresNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Feeds = []network.Feed{network.Mentions}
	h.connect()
	h.stage.on("import", func() { h.exec(`update job set owner = 'node-2', attempt = attempt + 1`) })
	h.work(func() bool { return strings.Contains(h.logs.String(), "taken over") })
	if i := h.history(network.Mentions); i.Found != 0 || !i.Oldest.IsZero() || len(h.heard()) != 0 || i.Kind != "" {
		t.Errorf("%+v, heard %q", i, h.heard())
	}
}

func TestAnImportPauses(t *testing.T) {
	t.Parallel()
	until := start.Add(20 * time.Minute)
	limited := refused(network.RateLimited)
	limited.RetryAt = until
	for name, c := range map[string]struct {
		refusal *network.Error
		sign    bool
		sooner  time.Duration // it does not go on before
		mend    func(h *house)
	}{
		"because of the rate": {limited, false, 19 * time.Minute, func(h *house) { h.clock.Set(until.Add(time.Second)) }},
		"for a moment":        {refused(network.Transient), true, 0, func(h *house) { h.clock.Advance(time.Minute) }},
		"until a member asks": {refused(network.Policy), true, 100 * time.Hour, func(h *house) {
			must(h.t, h.ResumeImport(ctx, steward(), h.accountID()))
		}},
		"until it is connected again": {refused(network.Scope), true, 100 * time.Hour, func(h *house) { h.connect() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.stage.caps.Feeds = []network.Feed{network.Mentions}
			h.connect()
			h.stage.fail("import", nil, nil, c.refusal)
			h.work(func() bool { return h.history(network.Mentions).Kind != "" && h.idle() })
			i := h.history(network.Mentions)
			if i.Kind != c.refusal.Kind || i.Said != "we would rather not" || c.refusal.Kind == network.RateLimited && !i.Resumes.Equal(until) {
				t.Errorf("%+v", i)
			}
			hs, err := h.Health(ctx, steward())
			must(t, err)
			if told := len(hs[0].Signs) > 0 && hs[0].Signs[0].Code == "import"; told != c.sign {
				t.Errorf("%+v", hs[0].Signs)
			}
			if c.sooner > 0 {
				h.until(h.idle)
				h.clock.Advance(c.sooner)
				rest := h.clock.Waiters()
				h.work(func() bool { return h.clock.Waiters() > rest+1 && h.idle() })
				if n := h.stage.count("import"); n != 3 {
					t.Errorf("%d pages: it did not pause", n)
				}
			}
			c.mend(h)
			h.work(h.finished)
			if i := h.history(network.Mentions); i.Kind != "" || i.Said != "" || i.Found != 12 {
				t.Errorf("%+v", i)
			}
		})
	}
}

// The account breaks in the middle: the import waits, and goes on at once when it
// is connected again.
func TestAnImportWaitsForItsAccount(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.stage.caps.Feeds = []network.Feed{network.Mentions}
	account := h.connect()
	h.stage.fail("import", nil, refused(network.Auth))
	h.stage.fail("refresh", refused(network.Auth))
	h.work(func() bool { return h.history(network.Mentions).Kind == network.Auth && h.idle() })
	if h.account(account).State != Broken {
		t.Error("the account is not broken")
	}
	h.connect()
	h.work(h.finished)
	if i := h.history(network.Mentions); i.Found != 12 || i.Kind != "" {
		t.Errorf("%+v", i)
	}
}

// A network that cannot be read backwards, and one that no longer can.
func TestNothingToImport(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.Use(plainly(h.stage))
	h.connect()
	if n := h.number(`select count(*) from account_import`); n != 0 {
		t.Errorf("%d imports", n)
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	year := Import{Since: start.Add(-past), Started: start}
	with := func(f func(*Import)) Import { i := year; f(&i); return i }
	for name, c := range map[string]struct {
		i    Import
		want float64
	}{
		"nothing yet":         {year, 0},
		"half":                {with(func(i *Import) { i.Oldest = start.Add(-past / 2) }), 0.5},
		"all but the end":     {with(func(i *Import) { i.Oldest = i.Since }), 0.99},
		"beyond":              {with(func(i *Import) { i.Oldest = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }), 0.99},
		"in the future":       {with(func(i *Import) { i.Oldest = start.Add(time.Hour) }), 0},
		"finished":            {with(func(i *Import) { i.Finished = start }), 1},
		"no time to read":     {Import{Since: start, Started: start, Oldest: start}, 0},
		"since after started": {Import{Since: start.Add(time.Hour), Started: start, Oldest: start}, 0},
	} {
		if got := c.i.Share(); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	// Dates are their authors' word.
	events := []network.Event{message("a", time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)), message("b", time.Time{}), gap("g")}
	if got := oldest(year, events); !got.Equal(year.Since) {
		t.Errorf("%v", got)
	}
	if got := oldest(year, nil); !got.IsZero() {
		t.Errorf("%v", got)
	}
}

func TestThePastOfAllFeeds(t *testing.T) {
	t.Parallel()
	at := func(months int) time.Time { return start.AddDate(0, -months, 0) }
	open := func(months, found int) Import {
		i := Import{Since: start.Add(-past), Started: start, Found: found}
		if months > 0 {
			i.Oldest = at(months)
		}
		return i
	}
	done := Import{Since: start.Add(-past), Started: start, Finished: start, Oldest: at(12), Found: 100}
	paused := open(3, 1)
	paused.Kind, paused.Resumes = network.RateLimited, start.Add(time.Hour)
	for name, c := range map[string]struct {
		imports []Import
		want    Past
	}{
		"nothing to read":          {nil, Past{}},
		"read to the end":          {[]Import{done, done}, Past{Share: 1, Found: 200}},
		"the least far counts":     {[]Import{open(6, 5), open(2, 1), done}, Past{Open: true, Oldest: at(2), Found: 106}},
		"one has not begun":        {[]Import{open(6, 5), open(0, 0), open(9, 1)}, Past{Open: true, Found: 6}},
		"the first has not begun":  {[]Import{open(0, 0), open(9, 1)}, Past{Open: true, Found: 1}},
		"the network asks to wait": {[]Import{done, paused}, Past{Open: true, Oldest: at(3), Found: 101, Resumes: start.Add(time.Hour)}},
	} {
		got := (Health{Imports: c.imports}).Past()
		if c.want.Open && (got.Share <= 0 && c.want.Oldest != (time.Time{}) || got.Share >= 1) {
			t.Errorf("%s: share %v", name, got.Share)
		}
		if c.want.Open {
			got.Share = 0
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
