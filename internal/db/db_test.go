package db_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
)

func workspace(t *testing.T, d *db.DB, n id.ID) {
	t.Helper()
	err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into workspace (id, slug, name, locale, zone, created, closed, keep_days)
			values ($1, $2, 'W', 'en', 'UTC', 1, 0, 0)`, n, fmt.Sprint("w", int64(n)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCommitAndRollback(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	workspace(t, d, 1)
	broken := errors.New("broken")
	var after int
	err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		tx.AfterCommit(func() { after++ })
		if _, err := tx.Exec(ctx, `update workspace set name = 'changed' where id = $1`, id.ID(1)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) || after != 0 {
		t.Fatalf("err %v, after-commit ran %d times", err, after)
	}
	var name string
	if err := d.Read().Row(ctx, `select name from workspace where id = $1`, id.ID(1)).Scan(&name); err != nil || name != "W" {
		t.Fatalf("after a rollback the name is %q (%v)", name, err)
	}
}

func TestPanicRollsBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	func() {
		defer func() { recover() }()
		d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { panic("defect") })
	}()
	workspace(t, d, 1) // would wait for ever if the writer were still held
}

func TestConstraintErrors(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	workspace(t, d, 1)
	exec := func(q string, args ...any) error {
		return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, q, args...)
			return err
		})
	}
	err := exec(`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (2, 'w1', 'X', 'en', 'UTC', 1, 0, 0)`)
	if !db.IsUnique(err) || db.IsForeignKey(err) {
		t.Errorf("same slug twice: %v", err)
	}
	err = exec(`insert into event_head (workspace, n) values (99, 1)`)
	if !db.IsForeignKey(err) || db.IsUnique(err) {
		t.Errorf("head of no workspace: %v", err)
	}
	if err := exec(`insert into setting (name, value) values ('x', $1)`, []byte{0, 1, 0xff}); err != nil {
		t.Errorf("bytes: %v", err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.SQLite {
		t.Log("PostgreSQL has one pool; the rule is SQLite's")
		return
	}
	if _, err := d.Read().Exec(context.Background(), `insert into setting (name, value) values ('x', x'00')`); err == nil {
		t.Error("the read pool wrote")
	}
}

func TestTablesComeAfterWhatTheyReferTo(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	tables, err := d.Tables(context.Background(), d.Read())
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, n := range tables {
		at[n] = i + 1
	}
	for _, pair := range [][2]string{{"workspace", "event"}, {"event", "event_personal"}, {"media", "media_chunk"}} {
		if at[pair[0]] == 0 || at[pair[1]] == 0 || at[pair[0]] > at[pair[1]] {
			t.Errorf("%s should come before %s in %v", pair[0], pair[1], tables)
		}
	}
	if at["schema_version"] != 0 {
		t.Error("the migration tool's own table is not data")
	}
}

func TestTimeRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 1, 59, 59, 123456000, time.UTC)
	if got := db.Time(db.Micros(at)); !got.Equal(at) {
		t.Errorf("got %v", got)
	}
	if !db.Time(db.Micros(time.Time{})).IsZero() {
		t.Error("the zero time did not come back as zero")
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	applied, known, err := d.Version(context.Background())
	if err != nil || applied != known || known == 0 {
		t.Errorf("applied %d of %d (%v)", applied, known, err)
	}
}
