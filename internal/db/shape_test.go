package db_test

import (
	"context"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

func TestColumnsAreTheSameOnBoth(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	got, err := d.Columns(context.Background(), d.Read(), "event_personal")
	if err != nil {
		t.Fatal(err)
	}
	want := []db.Column{{"workspace", db.Integer, 1}, {"n", db.Integer, 2}, {"about", db.Integer, 0}, {"salt", db.Bytes, 0}, {"details", db.Text, 0}}
	if len(got) != len(want) {
		t.Fatalf("columns %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("column %d is %v, want %v", i, got[i], want[i])
		}
	}
	tables, err := d.Tables(context.Background(), d.Read())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		cs, err := d.Columns(context.Background(), d.Read(), table)
		if err != nil {
			t.Fatal(err)
		}
		keyed := false
		for _, c := range cs {
			keyed = keyed || c.Key > 0
		}
		if !keyed {
			t.Errorf("%s has no primary key, so its rows have no order of their own", table)
		}
	}
	if cs, err := d.Columns(context.Background(), d.Read(), "no_such_table"); err != nil || len(cs) != 0 {
		t.Errorf("a table that is not there has columns %v (%v)", cs, err)
	}
}

func TestMigratingStopsWhereItShould(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, err := db.Open(ctx, dbtest.Options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	for _, want := range []int64{1, 2} {
		if err := d.MigrateTo(ctx, want); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Applied(ctx, d.Read()); err != nil || got != want {
			t.Errorf("at version %d (%v), want %d", got, err, want)
		}
	}
	if err := d.MigrateTo(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if got, _ := d.Applied(ctx, d.Read()); got != 2 {
		t.Errorf("it went back to %d", got)
	}
	if err := d.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if applied, known, err := d.Version(ctx); err != nil || applied != known {
		t.Errorf("at %d of %d (%v)", applied, known, err)
	}
}
