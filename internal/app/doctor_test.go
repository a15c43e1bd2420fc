package app_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/secret"
)

func examine(t testing.TB, c app.Config, full bool) app.Diagnosis {
	t.Helper()
	d, err := app.Examine(context.Background(), c, full)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// well reports whether nothing is wrong. PostgreSQL has its own clock, with which
// the one of a test never agrees.
func well(c app.Config, d app.Diagnosis) bool {
	for _, one := range d.Checks {
		if one.Level == app.Wrong && (one.Name != "clock" || c.Postgres == "") {
			return false
		}
	}
	return true
}

// finding is the worst that is said about something.
func finding(t testing.TB, c app.Config, name string) app.Check {
	t.Helper()
	var worst app.Check
	weight := map[app.Finding]int{app.Fine: 1, app.Look: 2, app.Wrong: 3}
	for _, one := range examine(t, c, true).Checks {
		if one.Name == name && weight[one.Level] > weight[worst.Level] {
			worst = one
		}
	}
	return worst
}

func restored(t testing.TB) app.Config {
	t.Helper()
	c := site(t)
	c.Clock = clock.NewFake(made)
	if _, err := restore(c, fixture(t), app.Restoring{}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAHealthyInstallation(t *testing.T) {
	t.Parallel()
	c := restored(t)
	d := examine(t, c, true)
	if c.Postgres == "" && !d.OK {
		t.Errorf("something is wrong: %+v", d.Checks)
	}
	names := map[string]bool{}
	for _, one := range d.Checks {
		names[one.Name] = true
		if one.Level != app.Fine && (one.Name != "clock" || c.Postgres == "") {
			t.Errorf("%s: %s %s", one.Name, one.Level, one.Says)
		}
	}
	for _, name := range []string{"address", "folder", "disk", "key", "schema", "database", "clock", "zones", "servers", "leases", "jobs", "credentials", "accounts", "sends", "log"} {
		if !names[name] {
			t.Errorf("nothing is said about %s", name)
		}
	}
	for _, one := range examine(t, c, false).Checks {
		if one.Name == "log" {
			t.Error("the whole log was read without being asked to")
		}
	}
}

// ill are ways in which an installation can be ill, and what the doctor must say.
var ill = map[string]struct {
	make  func(t *testing.T, c *app.Config, d *db.DB)
	name  string
	level app.Finding
	says  string
}{
	"an address that is none": {func(_ *testing.T, c *app.Config, _ *db.DB) {
		c.URL = &url.URL{Scheme: "https", Host: "x.example", Path: "/desk"}
	},
		"address", app.Wrong, "x.example/desk"},
	"no address": {func(_ *testing.T, c *app.Config, _ *db.DB) { c.URL = nil }, "address", app.Wrong, "--url"},
	"an address without a certificate": {func(_ *testing.T, c *app.Config, _ *db.DB) {
		c.URL = &url.URL{Scheme: "http", Host: "desk.example.org"}
	},
		"address", app.Look, "unprotected"},
	"an open folder":   {func(t *testing.T, c *app.Config, _ *db.DB) { chmod(t, c.Data, 0o777) }, "folder", app.Wrong, "write into"},
	"an open key file": {func(t *testing.T, c *app.Config, _ *db.DB) { chmod(t, filepath.Join(c.Data, "parley.key"), 0o644) }, "key", app.Wrong, "0644"},
	"a key file for its group": {func(t *testing.T, c *app.Config, _ *db.DB) { chmod(t, filepath.Join(c.Data, "parley.key"), 0o640) },
		"key", app.Look, "group"},
	"no key file": {func(t *testing.T, c *app.Config, _ *db.DB) { remove(t, filepath.Join(c.Data, "parley.key")) }, "credentials", app.Wrong, "2 accounts"},
	"another key file": {func(t *testing.T, c *app.Config, _ *db.DB) {
		path := filepath.Join(c.Data, "parley.key")
		remove(t, path)
		if _, err := secret.LoadOrCreate(path); err != nil {
			t.Fatal(err)
		}
	}, "credentials", app.Wrong, "2 of 2"},
	"a rotation that was interrupted": {func(t *testing.T, c *app.Config, _ *db.DB) {
		keys, err := secret.Load(filepath.Join(c.Data, "parley.key"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Rotate(secret.NewKey()); err != nil {
			t.Fatal(err)
		}
	}, "credentials", app.Look, "older key"},
	"a newer database": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update schema_version set version_id = 9999 where version_id = (select max(version_id) from schema_version)`)
	}, "schema", app.Wrong, "9999"},
	"a clock that is behind": {func(_ *testing.T, c *app.Config, _ *db.DB) { c.Clock = clock.NewFake(made.AddDate(-1, 0, 0)) }, "clock", app.Wrong, "recorded at"},
	"a zone nobody knows": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update workspace set zone = 'Europe/Atlantis'`)
	},
		"zones", app.Wrong, "Europe/Atlantis"},
	"a lease that never ends": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update account_feed set lease = $1`, db.Micros(made.AddDate(0, 0, 3)))
	}, "leases", app.Wrong, "2030-01-04"},
	"a job that was given up": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update job set state = 'failed', error = 'no luck', finished = $1 where state = 'waiting' and kind = 'housekeeping'`, db.Micros(made.Add(-time.Hour)))
	}, "jobs", app.Wrong, "housekeeping: no luck"},
	"a job that was given up long ago": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update job set state = 'failed', error = 'no luck', finished = $1 where state = 'waiting' and kind = 'housekeeping'`, db.Micros(made.Add(-72*time.Hour)))
	}, "jobs", app.Look, "0 jobs given up within a day, 1 job"},
	"work that nobody begins": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `insert into node (number, owner, lease, seen) values (0, 'x', $1, 0)`, db.Micros(made.Add(time.Minute)))
	}, "jobs", app.Wrong, "should have begun"},
	"feeds that nobody reads": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `insert into node (number, owner, lease, seen) values (0, 'x', $1, 0)`, db.Micros(made.Add(time.Minute)))
	}, "accounts", app.Wrong, "Nobody has been reading"},
	"an account that is broken": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update account set state = 'broken', reason = 'auth', message = 'token revoked', since = 5 where handle = 'millbrook'`)
	}, "accounts", app.Wrong, "token revoked"},
	"a sign-in that ends soon": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update account set secret_refresh_by = $1, secret_expires = $1 where handle = 'millbrook'`, db.Micros(made.Add(72*time.Hour)))
	}, "accounts", app.Look, "sign-in ends"},
	"an answer that is unknown": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update delivery set state = 'unknown', reason = 'delivery.no_proof' where id = (select max(id) from delivery)`)
	}, "sends", app.Wrong, "1 answer nobody knows"},
	"an answer that failed": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update delivery set state = 'failed', reason = 'delivery.policy' where id = (select max(id) from delivery)`)
	}, "sends", app.Look, "1 answer did not leave"},
	"an event that was changed": {func(t *testing.T, _ *app.Config, d *db.DB) {
		change(t, d, `update event set verb = 'nothing.happened' where n = 7`)
	},
		"log", app.Wrong, "event 7"},
}

func chmod(t testing.TB, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheDoctorFinds(t *testing.T) {
	t.Parallel()
	for name, tc := range ill {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := restored(t)
			tc.make(t, &c, raw(t, c))
			d := examine(t, c, true)
			found := finding(t, c, tc.name)
			if found.Level != tc.level || !strings.Contains(found.Says, tc.says) {
				t.Errorf("it says %+v, want %s and %q", found, tc.level, tc.says)
			}
			if found.Do == "" {
				t.Error("it does not say what to do")
			}
			if tc.name != "clock" && well(c, d) != (tc.level != app.Wrong) {
				t.Errorf("what else is wrong: %+v", d.Checks)
			}
			if d.OK && tc.level == app.Wrong {
				t.Error("all in all nothing is wrong")
			}
		})
	}
}

// The doctor makes nothing where nothing is, and leaves what is as it was.
func TestTheDoctorChangesNothing(t *testing.T) {
	t.Parallel()
	here := &url.URL{Scheme: "http", Host: "localhost"}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	if d := examine(t, app.Config{Data: nowhere, URL: here}, true); d.OK {
		t.Error("a folder that is not there is well")
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("the folder was made")
	}
	bare := t.TempDir()
	if d := examine(t, app.Config{Data: bare, URL: here}, true); d.OK {
		t.Error("an empty folder is well")
	}
	if left, err := os.ReadDir(bare); err != nil || len(left) > 0 {
		t.Errorf("it left %v (%v)", left, err)
	}

	c := restored(t)
	old := raw(t, c)
	before := number(t, old, `select count(*) from event`)
	examine(t, c, true)
	if n := number(t, old, `select count(*) from node`); n != 0 {
		t.Errorf("it holds %d node numbers", n)
	}
	if n := number(t, old, `select count(*) from event`); n != before {
		t.Error("it recorded something")
	}
}

func TestTheDoctorFindsADamagedFile(t *testing.T) {
	t.Parallel()
	c := restored(t)
	if c.Postgres != "" {
		t.Log("PostgreSQL looks after its own files")
		return
	}
	path := filepath.Join(c.Data, "parley.db")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	junk := []byte(strings.Repeat("junk", 1024))
	for at := info.Size() / 2; at < info.Size()-int64(len(junk)); at += 40 << 10 {
		if _, err := f.WriteAt(junk, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if d := examine(t, c, false); d.OK {
		t.Error("all in all nothing is wrong")
	}
	if found := finding(t, c, "database"); found.Level != app.Wrong || found.Do == "" {
		t.Errorf("it says %+v", found)
	}
}
