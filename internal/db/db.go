// Package db opens the one database of an installation, SQLite in a file or
// PostgreSQL behind a DSN, and gives both the same face: one SQL text, $1
// placeholders, times as bigint microseconds, errors sorted into the few kinds
// callers act on.
//
// Concurrency: SQLite has one writing connection and a pool of readers that
// cannot write; InTx queues for the writer. PostgreSQL has one pool. Whatever
// is given to InTx runs at least once and commits at most once: a deadlock or a
// serialization failure on PostgreSQL runs it again.
//
// It knows no table. What a capability stores is that capability's business.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Dialect is which database it is. Code asks for it only where the two cannot
// share a text; each such place says why.
type Dialect string

const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// Options say where the data is. Exactly one of Path and DSN is set.
type Options struct {
	Path   string // SQLite file; its folder must exist
	DSN    string // PostgreSQL, as a URL or key=value pairs
	Schema string // PostgreSQL: search_path; "" keeps the server's
	Conns  int    // PostgreSQL: open connections; 0 means 16
}

// Queryer runs statements: a *Tx, or DB.Read for single reads.
type Queryer interface {
	Exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	Row(ctx context.Context, query string, args ...any) *sql.Row
	Dialect() Dialect
}

// DB is an open database. Safe for concurrent use.
type DB struct {
	dialect Dialect
	write   *sql.DB
	read    *sql.DB
	wstmts  *statements
	rstmts  *statements
	dsn     string
	path    string
}

// SQLite pragmas. WAL lets readers go on while one writes; synchronous=full
// means that a committed message survives a power cut; secure_delete overwrites
// what is deleted, so that an erased person is not left in free pages; mmap is
// off because a truncated file would kill the process instead of failing a query.
const (
	pragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
		"&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=temp_store(memory)"
	writer = "&_txlock=immediate&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(4000)"
	reader = "&_pragma=query_only(1)&_pragma=cache_size(-8192)"
)

// readers is how many SQLite connections read at once: more than the cores of a
// small server, few enough that their page caches stay under 40 MB.
const readers = 4

// Open opens and pings. It does not migrate.
func Open(ctx context.Context, o Options) (*DB, error) {
	if (o.Path == "") == (o.DSN == "") {
		return nil, errors.New("opening the database: give either a file or a PostgreSQL address")
	}
	d := &DB{dsn: o.DSN, path: o.Path}
	if o.Path != "" {
		return d, d.openSQLite(ctx, o.Path)
	}
	return d, d.openPostgres(ctx, o)
}

func (d *DB) openSQLite(ctx context.Context, path string) error {
	d.dialect = SQLite
	// The file is made here so that nobody but its owner can ever read it.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening the database file: %w", err)
	}
	f.Close()
	abs, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("opening the database file: %w", err)
	}
	base := (&url.URL{Scheme: "file", Path: abs}).String() + "?" + pragmas
	if d.write, err = sql.Open("sqlite", base+writer); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	d.write.SetMaxOpenConns(1)
	d.write.SetConnMaxIdleTime(0)
	if d.read, err = sql.Open("sqlite", base+reader); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	d.read.SetMaxOpenConns(readers)
	d.read.SetMaxIdleConns(readers)
	// The writer comes first: it is the one that may switch the file to WAL.
	if err := d.write.PingContext(ctx); err != nil {
		d.Close()
		return fmt.Errorf("opening %s: %w", path, err)
	}
	d.wstmts, d.rstmts = newStatements(d.write), newStatements(d.read)
	return nil
}

func (d *DB) openPostgres(ctx context.Context, o Options) error {
	d.dialect = Postgres
	cfg, err := pgx.ParseConfig(o.DSN)
	if err != nil {
		// pgx quotes the DSN without its password, but may quote a malformed one.
		return errors.New("opening PostgreSQL: the address cannot be read; it looks like postgres://user@host/database")
	}
	if o.Schema != "" {
		cfg.RuntimeParams["search_path"] = o.Schema
	}
	cfg.RuntimeParams["application_name"] = "parley"
	// A node that freezes in the middle of a transaction would hold its locks, and
	// every other node up, until it wakes. Ours never wait for anything outside.
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "10s"
	// A plan that was kept while a table was empty reads all of it once it is full,
	// also where a foreign key is checked, until statistics are gathered.
	cfg.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["default_text_search_config"] = "pg_catalog.simple"
	d.write = stdlib.OpenDB(*cfg)
	n := o.Conns
	if n == 0 {
		n = 16
	}
	d.write.SetMaxOpenConns(n)
	d.write.SetMaxIdleConns(n)
	d.write.SetConnMaxIdleTime(5 * time.Minute)
	d.read = d.write
	if err := d.write.PingContext(ctx); err != nil {
		d.Close()
		return fmt.Errorf("opening PostgreSQL: %w", err)
	}
	return nil
}

// Close waits for what runs and closes.
func (d *DB) Close() error {
	var err error
	if d.read != nil && d.read != d.write {
		err = d.read.Close()
	}
	if d.write != nil {
		err = errors.Join(err, d.write.Close())
	}
	return err
}

// Dialect is which database it is.
func (d *DB) Dialect() Dialect { return d.dialect }

// Path is the SQLite file; "" on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Pools gives the pools to metrics.
func (d *DB) Pools() (write, read *sql.DB) { return d.write, d.read }

// Read runs single statements outside any transaction. On SQLite it cannot write.
func (d *DB) Read() Queryer { return reading{d} }

type reading struct{ d *DB }

func (r reading) Dialect() Dialect { return r.d.dialect }

func (r reading) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	res, err := r.d.read.ExecContext(ctx, q, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (r reading) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if st := r.d.rstmts.get(ctx, q); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return r.d.read.QueryContext(ctx, q, args...)
}

func (r reading) Row(ctx context.Context, q string, args ...any) *sql.Row {
	if st := r.d.rstmts.get(ctx, q); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return r.d.read.QueryRowContext(ctx, q, args...)
}

// View runs several reads on one snapshot.
func (d *DB) View(ctx context.Context, fn func(ctx context.Context, q Queryer) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if d.dialect == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	} else {
		opts = nil // the readers' connections are read-only already
	}
	t, err := d.read.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("beginning to read: %w", err)
	}
	tx := &Tx{d: d, t: t, stmts: d.rstmts}
	if d.dialect == Postgres { // a snapshot locks nobody out, and a backup may be read slowly
		if _, err := t.ExecContext(ctx, `set local idle_in_transaction_session_timeout = 0`); err != nil {
			t.Rollback()
			return fmt.Errorf("beginning to read: %w", err)
		}
	}
	err = fn(ctx, tx)
	t.Rollback()
	for _, after := range tx.after { // prepares what was run for the first time
		after()
	}
	return err
}

// statements keeps prepared statements by their text. Preparing costs SQLite
// more than running a small statement; pgx keeps its own, so PostgreSQL has none.
type statements struct {
	pool *sql.DB
	mu   sync.RWMutex
	m    map[string]*sql.Stmt
}

// maxStatements bounds the cache. Texts are constants plus a few row counts, so
// it is reached only by a defect; then statements simply run unprepared.
const maxStatements = 1000

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, m: map[string]*sql.Stmt{}}
}

// get returns nil where the text should run unprepared; an error in it then
// shows where it is run.
func (s *statements) get(ctx context.Context, q string) *sql.Stmt {
	if s == nil {
		return nil
	}
	s.mu.RLock()
	st, n := s.m[q], len(s.m)
	s.mu.RUnlock()
	if st != nil || n >= maxStatements {
		return st
	}
	st, err := s.pool.PrepareContext(ctx, q)
	if err != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.m[q]; other != nil {
		st.Close()
		return other
	}
	s.m[q] = st
	return st
}

// Placeholders is "($1,$2),($3,$4)" for rows rows of cols columns.
func Placeholders(rows, cols int) string {
	b := make([]byte, 0, rows*cols*6)
	for n := range rows * cols {
		switch {
		case n%cols != 0:
			b = append(b, ',')
		case n > 0:
			b = append(b, "),("...)
		default:
			b = append(b, '(')
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(n+1), 10)
	}
	return string(append(b, ')'))
}

// List is "$from,$from+1,…" with n members, for an in (…).
func List(from, n int) string {
	b := make([]byte, 0, n*5)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(from+i), 10)
	}
	return string(b)
}
