// Package dbtest gives each test a migrated database of its own: SQLite in a
// temporary folder, or a schema of its own on the PostgreSQL that
// PARLEY_TEST_POSTGRES names.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"parley/internal/db"
)

// Env names the variable that moves every test to PostgreSQL.
const Env = "PARLEY_TEST_POSTGRES"

// New opens a database with the newest schema, closed and removed with the test.
func New(t testing.TB) *db.DB {
	t.Helper()
	d := Open(t, Options(t))
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

// Open opens what Options describe without migrating, and closes it with the test.
func Open(t testing.TB, o db.Options) *db.DB {
	t.Helper()
	if o.Path != "" {
		copyTemplate(t, o.Path)
	}
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Options describe a new, empty place for a database, removed with the test.
func Options(t testing.TB) db.Options {
	t.Helper()
	dsn := os.Getenv(Env)
	if dsn == "" {
		return db.Options{Path: filepath.Join(t.TempDir(), "parley.db")}
	}
	var b [8]byte
	rand.Read(b[:])
	schema := "t_" + hex.EncodeToString(b[:])
	admin(t, dsn, "create schema "+schema)
	t.Cleanup(func() { admin(t, dsn, "drop schema "+schema+" cascade") })
	return db.Options{DSN: dsn, Schema: schema, Conns: 4}
}

func admin(t testing.TB, dsn, statement string) {
	t.Helper()
	pool, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// template is a migrated SQLite file, made once per test process: migrating
// costs far more than copying.
var template = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "parley-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "t.db")
	d, err := db.Open(context.Background(), db.Options{Path: path})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(context.Background()); err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

func copyTemplate(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	b, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
