package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/archive"
	"parley/internal/db"
)

var now = time.Date(2026, 11, 3, 4, 5, 6, 0, time.UTC)

func write(t testing.TB, d *db.DB, key []byte) ([]byte, archive.Manifest) {
	t.Helper()
	var b bytes.Buffer
	m, err := archive.Write(context.Background(), d, &b, archive.Options{Program: "0.1", Now: now, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

func read(d *db.DB, b []byte, o archive.ReadOptions) error {
	_, err := archive.Read(context.Background(), bytes.NewReader(b), int64(len(b)), d, o)
	return err
}

func compare(t testing.TB, got, want map[string][]string) {
	t.Helper()
	for _, table := range slices.Sorted(maps.Keys(want)) {
		a, b := slices.Sorted(slices.Values(got[table])), slices.Sorted(slices.Values(want[table]))
		if len(a) != len(b) {
			t.Errorf("%s has %d rows, want %d", table, len(a), len(b))
			continue
		}
		for i := range a {
			if a[i] != b[i] {
				t.Errorf("%s: row\n%.600s\nwant\n%.600s", table, a[i], b[i])
				break
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d tables, want %d", len(got), len(want))
	}
}

// entries without the manifest, which says where the archive came from.
func withoutManifest(t testing.TB, b []byte) map[string]string {
	files := map[string]string{}
	for name, content := range unzip(t, b) {
		if name != "manifest.json" {
			files[name] = string(content)
		}
	}
	return files
}

func TestThereAndBack(t *testing.T) {
	t.Parallel()
	first := migrated(t, db.SQLite)
	fill(t, first)
	want := rows(t, first)
	for table, lines := range want {
		if len(lines) == 0 {
			t.Errorf("nothing is in %s: put rows into it in fill_test.go", table)
		}
	}
	b, m := write(t, first, nil)
	if m.From != db.SQLite || m.Key != nil || m.Repaired != 0 || !m.Made.Equal(now) || len(m.Tables) != len(want) {
		t.Errorf("the manifest says %+v", m)
	}
	total := 0
	for _, lines := range want {
		total += len(lines)
	}
	if m.Rows() != int64(total) {
		t.Errorf("the manifest counts %d rows, want %d", m.Rows(), total)
	}

	way := append(kinds(), db.SQLite)
	for i, kind := range way {
		next := open(t, kind)
		if err := read(next, b, archive.ReadOptions{}); err != nil {
			t.Fatalf("stop %d, %s: %v", i+1, kind, err)
		}
		compare(t, rows(t, next), want)
		if err := archive.Finished(context.Background(), next.Read()); err != nil {
			t.Error(err)
		}
		again, m := write(t, next, nil)
		if m.From != kind {
			t.Errorf("an archive from %s says %s", kind, m.From)
		}
		if !maps.Equal(withoutManifest(t, again), withoutManifest(t, b)) {
			t.Errorf("the archive made by %s has other bytes", kind)
		}
		b = again
	}
}

// A row written while the archive is written belongs to the next one, even where
// its table comes later.
func TestAnArchiveIsOneMoment(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		d := migrated(t, kind)
		fill(t, d)
		want := rows(t, d)
		late := &lateWriter{before: func() {
			put(t, d, "workspace", values{"id": 9, "slug": "late", "name": "Late"})
			put(t, d, "person", values{"workspace": 9, "id": 9})
		}}
		if _, err := archive.Write(context.Background(), d, late, archive.Options{Now: now}); err != nil {
			t.Fatal(err)
		}
		if late.before != nil {
			t.Fatal("nothing was written meanwhile")
		}
		into := open(t, db.SQLite)
		if err := read(into, late.Bytes(), archive.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
		compare(t, rows(t, into), want)
	}
}

// lateWriter calls before once, at the first byte.
type lateWriter struct {
	bytes.Buffer
	before func()
}

func (w *lateWriter) Write(p []byte) (int, error) {
	if w.before != nil {
		before := w.before
		w.before = nil
		before()
	}
	return w.Buffer.Write(p)
}

func TestTheKeyIsInsideOnlyIfGiven(t *testing.T) {
	t.Parallel()
	d := migrated(t, db.SQLite)
	key := []byte("{\"current\":\"zweiundvierzig\"}\n")
	with, m := write(t, d, key)
	without, _ := write(t, d, nil)
	if m.Key == nil || !bytes.Equal(unzip(t, with)["parley.key"], key) {
		t.Error("the key is not inside")
	}
	if _, inside := unzip(t, without)["parley.key"]; inside {
		t.Error("the key is inside though it was not given")
	}
	for name, b := range map[string][]byte{"with": with, "without": without} {
		var got []byte
		keep := func(k []byte) error { got = k; return nil }
		if err := read(open(t, db.SQLite), b, archive.ReadOptions{Key: keep}); err != nil {
			t.Fatal(err)
		}
		if (name == "with") != bytes.Equal(got, key) {
			t.Errorf("%s the key, %q was kept", name, got)
		}
	}
}

func TestWhatNoJSONCanHoldIsRepairedAndCounted(t *testing.T) {
	t.Parallel()
	d := migrated(t, db.SQLite) // PostgreSQL refuses such texts
	put(t, d, "workspace", values{"id": 1, "slug": "w", "name": "a\xffb\x00c"})
	b, m := write(t, d, nil)
	if m.Repaired != 1 {
		t.Errorf("%d repaired, want 1", m.Repaired)
	}
	for _, kind := range kinds() {
		into := open(t, kind)
		if err := read(into, b, archive.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
		var name string
		if err := into.Read().Row(context.Background(), `select name from workspace`).Scan(&name); err != nil || name != "a\uFFFDb\uFFFDc" {
			t.Errorf("the name is %q (%v)", name, err)
		}
	}
}

func TestADatabaseInUseIsRefused(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		source := migrated(t, kind)
		fill(t, source)
		b, _ := write(t, source, nil)
		used := migrated(t, kind)
		put(t, used, "workspace", values{"id": 77, "slug": "w", "name": "Mine"})
		before := rows(t, used)
		if err := read(used, b, archive.ReadOptions{Leftovers: []string{"node", "job"}}); !errors.Is(err, archive.ErrNotEmpty) {
			t.Errorf("%s: %v", kind, err)
		}
		compare(t, rows(t, used), before)

		started := migrated(t, kind)
		put(t, started, "node", values{"number": 0})
		put(t, started, "job", values{"id": 1, "state": "waiting"})
		if err := read(started, b, archive.ReadOptions{Leftovers: []string{"node"}}); !errors.Is(err, archive.ErrNotEmpty) {
			t.Errorf("%s, a job that is no leftover: %v", kind, err)
		}
		if err := read(started, b, archive.ReadOptions{Leftovers: []string{"node", "job"}}); err != nil {
			t.Errorf("%s, only leftovers: %v", kind, err)
		}
		compare(t, rows(t, started), rows(t, source))
	}
}

func TestSomebodyElsesTablesAreRefused(t *testing.T) {
	t.Parallel()
	b, _ := write(t, migrated(t, db.SQLite), nil)
	for _, kind := range kinds() {
		d := open(t, kind)
		err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `create table invoice (id bigint primary key)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := read(d, b, archive.ReadOptions{}); !errors.Is(err, archive.ErrNotEmpty) || !strings.Contains(err.Error(), "invoice") {
			t.Errorf("%s: %v", kind, err)
		}
		if tables, err := d.Tables(context.Background(), d.Read()); err != nil || len(tables) != 1 {
			t.Errorf("%s: tables %v (%v)", kind, tables, err)
		}
	}
}

func TestAnUnfinishedRestoreGoesOn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, kind := range kinds() {
		source := migrated(t, db.SQLite)
		fill(t, source)
		b, _ := write(t, source, []byte("key"))
		put(t, source, "person", values{"workspace": 1, "id": 1234})
		another, _ := write(t, source, nil)

		d := open(t, kind)
		broken := errors.New("the power is out")
		indexed, settled := 0, 0
		o := archive.ReadOptions{
			Reindex: func(context.Context, *db.DB) error { indexed++; return nil },
			Key:     func([]byte) error { return broken },
			Settle: func(ctx context.Context, tx *db.Tx, _ archive.Manifest) error {
				settled++
				_, err := tx.Exec(ctx, `delete from node`)
				return err
			},
		}
		if err := read(d, b, o); !errors.Is(err, broken) || indexed != 1 || settled != 0 {
			t.Fatalf("%s: %v, indexed %d, settled %d", kind, err, indexed, settled)
		}
		if err := archive.Finished(ctx, d.Read()); !errors.Is(err, archive.ErrUnfinished) {
			t.Errorf("%s: a half restored database counts as whole: %v", kind, err)
		}
		if _, err := archive.Write(ctx, d, &bytes.Buffer{}, archive.Options{Now: now}); !errors.Is(err, archive.ErrUnfinished) {
			t.Errorf("%s: it was archived: %v", kind, err)
		}
		if err := read(d, another, archive.ReadOptions{}); !errors.Is(err, archive.ErrUnfinished) {
			t.Errorf("%s: another archive went on: %v", kind, err)
		}
		o.Key = func([]byte) error { return nil }
		if err := read(d, b, o); err != nil || indexed != 2 || settled != 1 {
			t.Fatalf("%s: %v, indexed %d, settled %d", kind, err, indexed, settled)
		}
		if err := archive.Finished(ctx, d.Read()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if n := len(rowsOf(t, d, "node")); n != 0 {
			t.Errorf("%s: %d nodes, though they were settled", kind, n)
		}
		if n := len(rowsOf(t, d, "message")); n != 200 {
			t.Errorf("%s: %d messages, want 200", kind, n)
		}
	}
}

func TestARestoreThatIsStoppedLeavesNothing(t *testing.T) {
	t.Parallel()
	source := migrated(t, db.SQLite)
	fill(t, source)
	b, _ := write(t, source, nil)
	for _, kind := range kinds() {
		d := open(t, kind)
		ctx, stop := context.WithCancel(context.Background())
		_, err := archive.Read(ctx, bytes.NewReader(b), int64(len(b)), d, archive.ReadOptions{Progress: func(tb archive.Table) {
			if tb.Name == "login" {
				stop()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", kind, err)
		}
		empty(t, d)
		if err := read(d, b, archive.ReadOptions{}); err != nil {
			t.Errorf("%s, afterwards: %v", kind, err)
		}
	}
}

func empty(t testing.TB, d *db.DB) {
	t.Helper()
	for table, lines := range rows(t, d) {
		if len(lines) > 0 {
			t.Errorf("%d rows are left in %s", len(lines), table)
		}
	}
}

// An archive of an older version is loaded as it was and then migrated; one whose
// tables are past it cannot take it.
func TestAnOlderArchiveIsMigrated(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, kind := range kinds() {
		old := open(t, kind)
		if err := old.MigrateTo(ctx, 1); err != nil {
			t.Fatal(err)
		}
		put(t, old, "workspace", values{"id": 1, "slug": "w", "name": "Old", "created": math.MaxInt64})
		b, m := write(t, old, nil)
		if m.Schema != 1 {
			t.Fatalf("version %d, want 1", m.Schema)
		}
		d := open(t, kind)
		if err := read(d, b, archive.ReadOptions{}); err != nil {
			t.Fatal(err)
		}
		applied, known, err := d.Version(ctx)
		if err != nil || applied != known {
			t.Errorf("%s: at version %d of %d (%v)", kind, applied, known, err)
		}
		if n := len(rowsOf(t, d, "workspace")); n != 1 {
			t.Errorf("%s: %d workspaces", kind, n)
		}
		past := migrated(t, kind)
		if err := read(past, b, archive.ReadOptions{}); !errors.Is(err, archive.ErrNotEmpty) || !strings.Contains(err.Error(), fmt.Sprint("version ", known)) {
			t.Errorf("%s, tables of a later version: %v", kind, err)
		}
	}
}
