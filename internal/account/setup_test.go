package account

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/secret"
)

var (
	start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	ctx   = context.Background()
)

const (
	here      id.ID = 1 // workspaces
	elsewhere id.ID = 2
	ana       id.ID = 21 // members of here
	ben       id.ID = 22
	otto      id.ID = 31 // of elsewhere
)

// house is a database with one node of Parley on it.
type house struct {
	*Accounts
	t     testing.TB
	db    *db.DB
	clock *clock.Fake
	stage *stage
	logs  *logs
	look  []network.Ref // what Watchlist answers
	looks int           // how often it was asked for all of that
	loose []network.Ref
	moves []string // what Moved was told
}

func setup(t testing.TB) *house {
	t.Helper()
	d, c := dbtest.New(t), clock.NewFake(start)
	err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, q := range []string{
			`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (1, 'harbour', 'Harbour', 'en', 'UTC', 1, 0, 0)`,
			`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (2, 'ferry', 'Ferry', 'en', 'UTC', 1, 0, 0)`,
			`create table heard (workspace bigint not null, account bigint not null, message text not null, feed text not null, primary key (workspace, account, message))`,
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	return on(t, d, c, "node-1", newStage(c), secret.InMemory())
}

// on makes a node on a database.
func on(t testing.TB, d *db.DB, c *clock.Fake, owner string, g *stage, keys *secret.Keyring) *house {
	h := &house{t: t, db: d, clock: c, stage: g, logs: &logs{}}
	ids := id.NewMaker(c, len(owner)+int(owner[len(owner)-1]))
	log := slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.Accounts = New(Options{DB: d, Clock: c, IDs: ids, Log: event.NewLog(c, nil), Jobs: job.New(d, c, ids, log, owner, 4),
		Keys: keys, Logger: log, Owner: owner, BaseURL: &url.URL{Scheme: "https", Host: "desk.example"},
		Ingest: ingest,
		Moved: func(_ context.Context, _ *db.Tx, _ id.ID, from, to network.Account) error {
			h.moves = append(h.moves, from.Instance+" "+from.RemoteID+" > "+to.Instance+" "+to.RemoteID)
			return nil
		},
		Watchlist: func(_ context.Context, _, _ id.ID, all bool) ([]network.Ref, []network.Ref, error) {
			if !all {
				return nil, h.loose, nil
			}
			h.looks++
			return h.look, h.loose, nil
		}})
	h.Use(g)
	return h
}

// another node on the same database and network.
func (h *house) another() *house {
	n := on(h.t, h.db, h.clock, "node-2", h.stage, h.Keys)
	n.Use(h.networks...)
	return n
}

// ingest stores that a message was heard, once for each account.
func ingest(ctx context.Context, tx *db.Tx, a actor.Actor, in Arrival) (int, error) {
	fresh := 0
	for _, e := range in.Events {
		if e.Post == nil {
			continue
		}
		n, err := tx.Exec(ctx, `insert into heard (workspace, account, message, feed) values ($1, $2, $3, $4) on conflict do nothing`,
			a.Workspace, in.Account, e.Post.ID, string(in.Feed))
		if err != nil {
			return 0, err
		}
		fresh += int(n)
	}
	return fresh, nil
}

// logs keeps every log line.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// steward may do everything here with accounts.
func steward() actor.Actor {
	return member(here, ana, actor.ManageAccounts, actor.ReadHealth, actor.ReadConversations)
}

func member(w, m id.ID, rights ...actor.Right) actor.Actor {
	a := actor.Actor{Workspace: w, Member: m, Name: "Ana Lima"}
	for _, r := range rights {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return a
}

func (h *house) connect() id.ID {
	h.t.Helper()
	account, err := h.SignIn(ctx, steward(), "stage", typed("town", "pass word"))
	must(h.t, err)
	return account
}

func typed(handle, password string) url.Values {
	return url.Values{"handle": {handle}, "password": {password}}
}

// turn reads, one after the other, everything that is due now but streams, and
// says what it read.
func (h *house) turn() []string {
	h.t.Helper()
	leases, err := h.claimFeeds(ctx, 100)
	must(h.t, err)
	var read []string
	for _, l := range leases {
		if l.feed == feedStream {
			h.release(ctx, l)
			continue
		}
		h.follow(ctx, l, h.read)
		read = append(read, string(l.feed))
	}
	slices.Sort(read)
	return read
}

// claim takes the lease of one feed that is due.
func (h *house) claim(f network.Feed) lease {
	h.t.Helper()
	leases, err := h.claimFeeds(ctx, 100)
	must(h.t, err)
	var found *lease
	for _, l := range leases {
		if l.feed == f {
			found = &l
			continue
		}
		h.release(ctx, l)
	}
	if found == nil {
		h.t.Fatalf("%s is not due", f)
	}
	return *found
}

// heard lists what was stored for an account.
func (h *house) heard() []string {
	h.t.Helper()
	rows, err := h.db.Read().Query(ctx, `select message from heard order by message`)
	must(h.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var m string
		must(h.t, rows.Scan(&m))
		all = append(all, m)
	}
	must(h.t, rows.Err())
	return all
}

// verbs lists, in order, what was recorded in a workspace.
func (h *house) verbs() []string {
	h.t.Helper()
	es, err := event.After(ctx, h.db.Read(), here, 0, 1000)
	must(h.t, err)
	var all []string
	for _, e := range es {
		all = append(all, e.Verb)
	}
	return all
}

func (h *house) told(verb string) int {
	n := 0
	for _, v := range h.verbs() {
		if v == verb {
			n++
		}
	}
	return n
}

func (h *house) number(q string, args ...any) int64 {
	h.t.Helper()
	var n int64
	must(h.t, h.db.Read().Row(ctx, q, args...).Scan(&n))
	return n
}

func (h *house) exec(q string, args ...any) {
	h.t.Helper()
	must(h.t, h.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	}))
}

// feed reads how one feed stands.
func (h *house) feed(f network.Feed) FeedHealth {
	h.t.Helper()
	hs, err := h.Health(ctx, steward())
	must(h.t, err)
	for _, one := range hs {
		for _, fh := range one.Feeds {
			if fh.Feed == f {
				return fh
			}
		}
	}
	h.t.Fatalf("no feed %s", f)
	return FeedHealth{}
}

func (h *house) account(account id.ID) Account {
	h.t.Helper()
	a, err := h.get(ctx, h.db.Read(), here, account)
	must(h.t, err)
	return a
}

// token is the credential that is stored.
func (h *house) token(account id.ID) string {
	h.t.Helper()
	_, sec, err := h.credential(ctx, here, account)
	must(h.t, err)
	return string(sec.Blob)
}

// work runs the queue of this node until enough is true.
func (h *house) work(enough func() bool) {
	h.t.Helper()
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Jobs.Run(run) }()
	defer func() { stop(); must(h.t, <-ended) }()
	h.until(enough)
}

// until waits for something that other goroutines do.
func (h *house) until(enough func() bool) {
	h.t.Helper()
	patience, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for !enough() {
		if patience.Err() != nil {
			h.t.Fatalf("waited too long; the log says:\n%s", h.logs)
		}
		runtime.Gosched()
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refusedAs(t testing.TB, err error, code string) {
	t.Helper()
	if !problem.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
