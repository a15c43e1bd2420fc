package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/archive"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/team"
)

// fixture is the archive of the version that is being made: a demo that was
// worked in.
func fixture(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("../archive/testdata/v0.1.zip")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// made is after the fixture was.
var made = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// site is an installation that nothing is in yet.
func site(t testing.TB) app.Config {
	t.Helper()
	o := dbtest.Options(t)
	return app.Config{Data: t.TempDir(), Postgres: o.DSN, Schema: o.Schema, Demo: true, Seed: 1, Clock: clock.NewFake(made),
		URL: &url.URL{Scheme: "http", Host: "localhost"}, Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}}
}

func restore(c app.Config, b []byte, o app.Restoring) (app.Restored, error) {
	return app.Restore(context.Background(), c, bytes.NewReader(b), int64(len(b)), o)
}

// raw opens the database of an installation without the program.
func raw(t testing.TB, c app.Config) *db.DB {
	t.Helper()
	o := db.Options{DSN: c.Postgres, Schema: c.Schema}
	if c.Postgres == "" {
		o = db.Options{Path: filepath.Join(c.Data, "parley.db")}
	}
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func change(t testing.TB, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, query, args...)
		if err == nil && n == 0 {
			err = errors.New("it changed nothing")
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func number(t testing.TB, d *db.DB, query string) int {
	t.Helper()
	var n int
	if err := d.Read().Row(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// busy is an archive of an installation that was killed in the middle of its work.
func busy(t testing.TB) []byte {
	t.Helper()
	c := site(t)
	if _, err := restore(c, fixture(t), app.Restoring{}); err != nil {
		t.Fatal(err)
	}
	d := raw(t, c)
	far := db.Micros(made.AddDate(1, 0, 0))
	change(t, d, `insert into node (number, owner, lease, seen) values (0, 'killed', $1, 0)`, far)
	change(t, d, `update job set state = 'running', owner = 'killed', lease = $1 where state = 'waiting'`, far)
	change(t, d, `update account_feed set owner = 'killed', lease = $1`, far)
	change(t, d, `update account set refresh_owner = 'killed', refresh_lease = $1`, far)
	change(t, d, `update delivery set state = 'accepted', round = 1`)
	var b bytes.Buffer
	if _, err := app.Backup(context.Background(), c, &b, true); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestARestoreEndsWhatTheOldInstallationHeld(t *testing.T) {
	t.Parallel()
	b := busy(t)
	for _, moved := range []bool{false, true} {
		c := site(t)
		got, err := restore(c, b, app.Restoring{Moved: moved})
		if err != nil {
			t.Fatal(err)
		}
		d := raw(t, c)
		for what, query := range map[string]string{
			"nodes":       `select count(*) from node`,
			"jobs":        `select count(*) from job where state = 'running' or owner <> '' and state = 'waiting' or lease > 0`,
			"feeds":       `select count(*) from account_feed where owner <> '' or lease > 0`,
			"credentials": `select count(*) from account where refresh_owner <> '' or refresh_lease > 0`,
			"marks":       `select count(*) from setting where name like 'archive.%'`,
		} {
			if n := number(t, d, query); n != 0 {
				t.Errorf("%d %s are held still", n, what)
			}
		}
		waiting, failed := number(t, d, `select count(*) from delivery where state = 'accepted'`), number(t, d, `select count(*) from delivery where state = 'failed' and reason = 'delivery.restored'`)
		if moved && (got.Stopped != 0 || waiting != 3) {
			t.Errorf("moved: %d stopped, %d wait", got.Stopped, waiting)
		}
		if !moved && (got.Stopped != 3 || waiting != 0 || failed != 3) {
			t.Errorf("%d stopped, %d wait, %d failed for that reason", got.Stopped, waiting, failed)
		}
		if n := number(t, d, `select count(*) from event where verb = 'workspace.restored'`); n != 2 { // of busy, too
			t.Errorf("%d restores are in the log, want 2", n)
		}
		key, err := os.ReadFile(filepath.Join(c.Data, "parley.key"))
		if info, e := os.Stat(filepath.Join(c.Data, "parley.key")); err != nil || e != nil || info.Mode().Perm() != 0o600 || len(key) == 0 || !got.KeyThere {
			t.Errorf("the key file: %v %v %v", info, err, e)
		}
		a, err := app.Open(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		a.Close()
	}
}

func TestWhatRestoreRefuses(t *testing.T) {
	t.Parallel()
	b := fixture(t)
	refused := func(name string, c app.Config, want string) {
		t.Helper()
		if _, err := restore(c, b, app.Restoring{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	used := site(t)
	if _, err := restore(used, b, app.Restoring{}); err != nil {
		t.Fatal(err)
	}
	refused("a second time", used, archive.ErrNotEmpty.Error())

	started := site(t)
	a, err := app.Open(context.Background(), started)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetUpLink(context.Background()); err != nil {
		t.Fatal(err)
	}
	refused("a server that works", started, "stop it first")
	a.Close()
	refused("the key of a server that was started once", started, "another key file")
	if err := os.Rename(filepath.Join(started.Data, "parley.key"), filepath.Join(started.Data, "old.key")); err != nil {
		t.Fatal(err)
	}
	// The archive is an older program's: its rows go into tables of its own time,
	// which are brought up to date afterwards.
	refused("the tables that a newer program made", started, "its tables are of version")
}

// A server does not work on half a restore, and the restore goes on.
func TestARestoreThatWasInterrupted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, b := site(t), fixture(t)
	d := raw(t, c)
	_, err := archive.Read(ctx, bytes.NewReader(b), int64(len(b)), d, archive.ReadOptions{
		Reindex: func(context.Context, *db.DB) error { return errors.New("the power is out") }})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	if _, err := app.Open(ctx, c); !errors.Is(err, archive.ErrUnfinished) || !strings.Contains(err.Error(), "parley restore again") {
		t.Errorf("a server started: %v", err)
	}
	if found := finding(t, c, "restore"); found.Level != app.Wrong {
		t.Errorf("the doctor says %+v", found)
	}
	if _, err := restore(c, b, app.Restoring{}); err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
}

func TestBackupMakesNothingWhereNothingIs(t *testing.T) {
	t.Parallel()
	c := app.Config{Data: filepath.Join(t.TempDir(), "mistyped"), URL: &url.URL{Scheme: "http", Host: "localhost"}}
	if _, err := app.Backup(context.Background(), c, &bytes.Buffer{}, false); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(c.Data, "parley.db")); err == nil {
		t.Error("a database was made")
	}
}

func writes(s string, err error) func(io.Writer) error {
	return func(w io.Writer) error {
		io.WriteString(w, s)
		return err
	}
}

func TestANewFileReplacesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.zip")
	broken := errors.New("broken")
	if err := app.NewFile(path, writes("half", broken)); !errors.Is(err, broken) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	if err := app.NewFile(path, writes("first", nil)); err != nil {
		t.Error(err)
	}
	if err := app.NewFile(path, writes("second", nil)); err == nil {
		t.Error("it was replaced")
	}
	b, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	if err != nil || string(b) != "first" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q %v %v", b, info.Mode(), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v are left", left)
	}
}
