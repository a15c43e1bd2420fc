package bench

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

const (
	// batch is how many messages a page, and a blind transaction that counts, holds.
	batch = 80
	// fillBatch is how many a transaction holds that only fills the database.
	fillBatch = 50 * batch
)

// Ingest brings pages of decoded events the whole way in: fence, look-ups,
// threads, people, conversations, search index, events, bookmark. Beside it, in
// the same run, the very rows it made are inserted blindly into the same tables
// of an empty database with the same indexes and settings, 80 messages a
// transaction. The rates compared are those of the last tenth, when both are
// filled to the same size.
func Ingest(ctx context.Context, o Options) ([]Metric, error) {
	if o.Messages == 0 {
		o.Messages = 100_000
	}
	real, dropReal, err := open(ctx, o, "in")
	if err != nil {
		return nil, err
	}
	defer dropReal()
	blind, dropBlind, err := open(ctx, o, "bare")
	if err != nil {
		return nil, err
	}
	defer dropBlind()
	pages := o.Messages / batch
	tail := max(1, pages/10)
	whole, last, err := ingestPages(ctx, o, real, pages, tail)
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(ctx, real.DB)
	if err != nil {
		return nil, err
	}
	bare, err := insertBlindly(ctx, o, real.DB, blind.DB, pages, tail)
	if err != nil {
		return nil, err
	}
	n := float64(tail * batch)
	return []Metric{
		{"messages", float64(pages * batch), "messages"},
		{"ratio_to_bare_insert", float64(bare) / float64(last), "ratio"},
		{"ingest_per_s", n / last.Seconds(), "messages/s"},
		{"bare_per_s", n / bare.Seconds(), "messages/s"},
		{"whole_run_per_s", float64(pages*batch) / whole.Seconds(), "messages/s"},
		{"bytes_per_message", float64(size) / float64(pages*batch), "bytes"},
	}, nil
}

// ingestPages lets the poller read a network that always has one page more. The
// time of a page is from handing it over until the next is asked for; where the
// poller let others have their turn in between, that page is not counted.
func ingestPages(ctx context.Context, o Options, a *app.App, pages, tail int) (whole, last time.Duration, err error) {
	workspace, err := seat(ctx, a)
	if err != nil {
		return 0, 0, err
	}
	s := &endless{remote: town(), people: newCrowd(o.Messages), pages: pages, tail: tail, done: make(chan struct{}), o: o,
		generation: func() (n int64) {
			a.DB.Read().Row(ctx, `select generation from account_feed where workspace = $1`, workspace.ID).Scan(&n)
			return n
		}}
	a.Accounts.Use(s)
	if _, err := a.Accounts.SignIn(ctx, actor.System(workspace.ID, "bench"), "mastodon", nil); err != nil {
		return 0, 0, err
	}
	done := s.done
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Accounts.Run(ctx) }()
	select {
	case <-done:
		cancel()
		err = <-ended
	case err = <-ended:
		cancel()
	}
	var stored int
	if err == nil {
		err = a.DB.Read().Row(context.WithoutCancel(ctx), `select count(*) from message`).Scan(&stored)
	}
	if err == nil && stored != pages*batch {
		err = fmt.Errorf("%d of %d messages were stored", stored, pages*batch)
	}
	scale := float64(tail) / float64(max(1, s.counted))
	return s.whole, time.Duration(float64(s.last) * scale), err
}

// endless is a network that always has one page more, until there are enough.
type endless struct {
	remote      network.Account
	people      *crowd
	pages, tail int
	o           Options
	generation  func() int64
	done        chan struct{}

	n           int
	handed      time.Time
	under       int64
	whole, last time.Duration
	counted     int
}

func (*endless) Info() network.Info { return network.Info{Name: "mastodon"} }

func (e *endless) SignIn(context.Context, url.Values) (network.Account, network.Secret, error) {
	return e.remote, network.Secret{Blob: []byte("bench")}, nil
}

func (*endless) Describe(context.Context, network.Account) (network.Capabilities, error) {
	return network.Capabilities{Feeds: []network.Feed{network.Mentions}}, nil
}

func (e *endless) Poll(context.Context, network.Account, network.Feed, network.Cursor) (network.Page, error) {
	now := time.Now()
	generation := e.generation()
	if e.n > 0 && generation == e.under {
		took := now.Sub(e.handed)
		e.whole += took
		if e.n > e.pages-e.tail {
			e.last += took
			e.counted++
		}
	}
	e.under = generation
	if e.n == e.pages {
		if e.handed.IsZero() || e.done == nil {
			return network.Page{}, nil
		}
		close(e.done)
		e.done = nil
		return network.Page{}, nil
	}
	page := network.Page{Events: e.people.page(batch), Next: network.Cursor{V: 1, Opaque: fmt.Appendf(nil, "%d", e.n)}, More: true}
	e.n++
	progress(e.o, "ingest", e.n-1, e.pages)
	e.handed = time.Now()
	return page, nil
}

// copied are the tables that a message makes rows in, parents first, with the
// condition that picks the rows of a batch of messages.
var copied = []struct{ table, of string }{
	{"person", `select p.* from person p join identity i on i.workspace = p.workspace and i.person = p.id join message m on m.workspace = i.workspace and m.author = i.id where m.id between $1 and $2`},
	{"identity", `select i.* from identity i join message m on m.workspace = i.workspace and m.author = i.id where m.id between $1 and $2`},
	{"thread", `select t.* from thread t join message m on m.workspace = t.workspace and m.thread = t.id where m.id between $1 and $2`},
	{"message", `select m.* from message m where m.id between $1 and $2`},
	{"conversation", `select c.* from conversation c join reach r on r.workspace = c.workspace and r.conversation = c.id where r.workspace in (select id from workspace) and r.message between $1 and $2`},
	{"reach", `select r.* from reach r where r.workspace in (select id from workspace) and r.message between $1 and $2`},
}

// insertBlindly copies the rows and returns how long the last batches took. The
// database is filled up to them in large transactions, which do not count, and
// neither does reading and preparing the rows.
func insertBlindly(ctx context.Context, o Options, from, to *db.DB, pages, tail int) (time.Duration, error) {
	for _, table := range []string{"workspace", "account", "source"} {
		s, err := load(ctx, from, table, `select * from `+table, nil)
		if err != nil {
			return 0, err
		}
		if err := to.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.insert(ctx, tx) }); err != nil {
			return 0, err
		}
	}
	c := &copier{from: from, to: to, seen: map[string]bool{}}
	var last time.Duration
	for whole, fill := pages*batch, (pages-tail)*batch; c.done < whole; {
		size := batch
		if c.done < fill {
			size = min(fillBatch, fill-c.done)
		}
		took, err := c.next(ctx, size)
		if err != nil {
			return 0, err
		}
		if c.done > fill {
			last += took
		}
		progress(o, "bare insert", c.done/batch-1, pages)
	}
	return last, nil
}

// copier copies the rows that messages made, in the order of the messages.
type copier struct {
	from, to *db.DB
	seen     map[string]bool // rows that several messages share
	after    id.ID
	event    int64
	done     int
}

// next copies the rows of size messages in one transaction and says how long
// that took.
func (c *copier) next(ctx context.Context, size int) (time.Duration, error) {
	var first, final id.ID
	err := c.from.Read().Row(ctx, `select min(id), max(id) from (select id from message where id > $1 order by id limit $2) b`, c.after, size).Scan(&first, &final)
	if err != nil {
		return 0, err
	}
	var sets []rowSet
	for _, t := range copied {
		s, err := load(ctx, c.from, t.table, t.of, c.seen, first, final)
		if err != nil {
			return 0, err
		}
		sets = append(sets, s)
	}
	events, err := load(ctx, c.from, "event", `select * from event where verb = 'message.arrived' and n > $1 order by n limit $2`, nil, c.event, size)
	if err != nil {
		return 0, err
	}
	if c.event, err = events.last("n"); err != nil {
		return 0, err
	}
	search, err := searchRows(sets, c.to.Dialect())
	if err != nil {
		return 0, err
	}
	sets = append(sets, events, search)
	c.after, c.done = final, c.done+size
	began := time.Now()
	err = c.to.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, s := range sets {
			if err := s.insert(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", s.table, err)
			}
		}
		return nil
	})
	return time.Since(began), err
}

// rowSet is some rows of one table.
type rowSet struct {
	table   string
	columns []string
	rows    [][]any
}

// load reads rows, leaving out those whose id is in seen and adding the rest to it.
func load(ctx context.Context, d *db.DB, table, q string, seen map[string]bool, args ...any) (rowSet, error) {
	s := rowSet{table: table}
	rows, err := d.Read().Query(ctx, q, args...)
	if err != nil {
		return s, err
	}
	defer rows.Close()
	if s.columns, err = rows.Columns(); err != nil {
		return s, err
	}
	for rows.Next() {
		row := make([]any, len(s.columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return s, err
		}
		if seen != nil && !s.fresh(row, seen) {
			continue
		}
		s.rows = append(s.rows, row)
	}
	return s, rows.Err()
}

// last is an integer column of the last row.
func (s rowSet) last(column string) (int64, error) {
	for i, c := range s.columns {
		if c == column && len(s.rows) > 0 {
			if v, ok := s.rows[len(s.rows)-1][i].(int64); ok {
				return v, nil
			}
		}
	}
	return 0, fmt.Errorf("%s has no integer %s", s.table, column)
}

func (s rowSet) fresh(row []any, seen map[string]bool) bool {
	for i, c := range s.columns {
		if c == "id" && s.table != "message" {
			key := fmt.Sprint(s.table, row[i])
			if seen[key] {
				return false
			}
			seen[key] = true
		}
	}
	return true
}

func (s rowSet) insert(ctx context.Context, tx *db.Tx) error {
	if len(s.rows) == 0 {
		return nil
	}
	rows := db.NewRows(len(s.columns), len(s.rows))
	for _, r := range s.rows {
		rows.Add(r...)
	}
	return rows.Insert(ctx, tx, "insert into "+s.table+" ("+strings.Join(s.columns, ", ")+")", "")
}

func searchRows(sets []rowSet, dialect db.Dialect) (rowSet, error) {
	out := rowSet{table: "message_search", columns: []string{"rowid", "tokens"}}
	if dialect == db.Postgres {
		out.columns[0] = "id"
	}
	for _, s := range sets {
		if s.table != "message" {
			continue
		}
		at := map[string]int{}
		for i, c := range s.columns {
			at[c] = i
		}
		for _, r := range s.rows {
			body, ok := r[at["body"]].(string)
			if !ok {
				return out, fmt.Errorf("a body of type %T", r[at["body"]])
			}
			out.rows = append(out.rows, []any{r[at["id"]], conversation.SearchForm(dialect, id.ID(r[at["workspace"]].(int64)), body)})
		}
	}
	return out, nil
}

// sizeOf is what the database takes on disk, in bytes.
func sizeOf(ctx context.Context, d *db.DB) (int64, error) {
	if d.Dialect() == db.SQLite {
		if err := d.Checkpoint(ctx); err != nil {
			return 0, err
		}
		i, err := os.Stat(d.Path())
		if err != nil {
			return 0, err
		}
		return i.Size(), nil
	}
	var n sql.NullInt64
	err := d.Read().Row(ctx, `select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = current_schema() and c.relkind = 'r'`).Scan(&n)
	return n.Int64, err
}

func progress(o Options, what string, n, of int) {
	if o.Progress != nil && (n+1)%max(1, of/20) == 0 {
		fmt.Fprintf(o.Progress, "\r%s: %d%%   ", what, (n+1)*100/of)
		if n+1 == of {
			fmt.Fprintln(o.Progress)
		}
	}
}
