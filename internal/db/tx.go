package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Tx is one transaction. It is used by one goroutine at a time.
type Tx struct {
	d     *DB
	t     *sql.Tx
	stmts *statements
	own   map[string]*sql.Stmt // asked for and not in stmts; nil: once so far
	late  []lateEntry
	after []func()
}

// A Late gathers work that belongs at the very end of a transaction, such as
// taking an event's number: whatever locks the next transaction waits for is
// held only from then until the commit.
type Late interface {
	Flush(ctx context.Context, tx *Tx) error
}

type lateEntry struct {
	key  any
	late Late
}

// Late returns the transaction's gatherer of that key, made at first use.
// Flushes run in the order of first use.
func (t *Tx) Late(key any, make func() Late) Late {
	for _, e := range t.late {
		if e.key == key {
			return e.late
		}
	}
	l := make()
	t.late = append(t.late, lateEntry{key, l})
	return l
}

// AfterCommit runs fn once the commit is known to have happened. It must be
// quick and cannot fail: a node that dies in between never runs it.
func (t *Tx) AfterCommit(fn func()) { t.after = append(t.after, fn) }

func (t *Tx) Dialect() Dialect { return t.d.dialect }

func (t *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if st := t.prepared(ctx, q); st != nil {
		res, err = st.ExecContext(ctx, args...)
	} else {
		res, err = t.t.ExecContext(ctx, q, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *Tx) Query(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	if st := t.prepared(ctx, q); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return t.t.QueryContext(ctx, q, args...)
}

func (t *Tx) Row(ctx context.Context, q string, args ...any) *sql.Row {
	if st := t.prepared(ctx, q); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return t.t.QueryRowContext(ctx, q, args...)
}

// prepared finds the statement for this transaction's connection. The writer
// pool has one connection and it is ours now, so nothing may be prepared through
// the pool: that would wait for ourselves.
func (t *Tx) prepared(ctx context.Context, q string) *sql.Stmt {
	if t.stmts == nil {
		return nil
	}
	t.stmts.mu.RLock()
	st := t.stmts.m[q]
	t.stmts.mu.RUnlock()
	if st == nil {
		return t.preparedHere(ctx, q)
	}
	return t.t.StmtContext(ctx, st)
}

// preparedHere is for a text that no transaction has run before: it is prepared
// for the others after the commit, and for this one once it comes a second time,
// as in a long load.
func (t *Tx) preparedHere(ctx context.Context, q string) *sql.Stmt {
	st, again := t.own[q]
	if st != nil {
		return st
	}
	if !again {
		if t.own == nil {
			t.own = map[string]*sql.Stmt{}
		}
		t.own[q] = nil
		t.after = append(t.after, func() { t.stmts.get(context.WithoutCancel(ctx), q) })
		return nil
	}
	st, err := t.t.PrepareContext(ctx, q)
	if err != nil {
		return nil // it shows where it is run
	}
	t.own[q] = st
	return st
}

// attempts is how often InTx runs a transaction that PostgreSQL broke off.
const attempts = 4

// InTx runs fn in one writing transaction. fn must touch nothing outside the
// database and may be run again from the start.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	for n := 1; ; n++ {
		err := d.inTx(ctx, fn)
		if err == nil || n == attempts || !retryable(err) {
			return err
		}
	}
}

func (d *DB) inTx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) (err error) {
	t, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if d.dialect == SQLite {
		// A context that can end costs SQLite's driver a goroutine for every
		// statement. Ours are short, so once begun they run to their end.
		ctx = context.WithoutCancel(ctx)
	}
	tx := &Tx{d: d, t: t, stmts: d.wstmts}
	done := false
	defer func() {
		if !done { // also when fn panics
			t.Rollback()
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	for i := 0; i < len(tx.late); i++ { // a flush may add another
		if err := tx.late[i].late.Flush(ctx, tx); err != nil {
			return err
		}
	}
	done = true
	if err := t.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	for _, fn := range tx.after {
		fn()
	}
	return nil
}

// retryable: 40001 serialization_failure, 40P01 deadlock_detected
// (PostgreSQL, appendix A). SQLite's single writer has neither.
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// IsUnique reports a broken unique or primary key constraint.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY ||
			lite.Code() == sqlite3.SQLITE_CONSTRAINT_ROWID
	}
	return false
}

// IsForeignKey reports a reference to a row that is not there, or the deletion
// of one that is still referred to.
func IsForeignKey(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23503"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// IsConstraint reports a row that the schema refuses: a broken key, reference or
// check, a null or a type where it may not be (PostgreSQL, appendix A, class 23).
func IsConstraint(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "23")
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_CONSTRAINT
}

// IsFull reports that the disk or the quota is used up.
func IsFull(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "53")
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_FULL
}

// NoRows reports that a Row found nothing.
func NoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
