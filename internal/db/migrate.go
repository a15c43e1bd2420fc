package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema up to date. Forward only; safe to run on several
// nodes at once (PostgreSQL takes an advisory lock, SQLite has one writer).
func (d *DB) Migrate(ctx context.Context) error {
	return d.migrate(ctx, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// MigrateTo is Migrate, but stops at a version: for data that was written under
// it. A schema that is past it already stays as it is.
func (d *DB) MigrateTo(ctx context.Context, version int64) error {
	return d.migrate(ctx, func(p *goose.Provider) error {
		_, err := p.UpTo(ctx, version)
		return err
	})
}

func (d *DB) migrate(ctx context.Context, up func(*goose.Provider) error) error {
	if d.dialect == Postgres {
		conn, err := d.write.Conn(ctx)
		if err != nil {
			return fmt.Errorf("migrating: %w", err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "select pg_advisory_lock(7214523501)"); err != nil {
			return fmt.Errorf("migrating: waiting for the other node: %w", err)
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock(7214523501)")
	}
	p, err := d.provider()
	if err != nil {
		return err
	}
	if err := up(p); err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	return nil
}

// Version is the number of the newest migration applied, and of the newest known.
func (d *DB) Version(ctx context.Context) (applied, known int64, err error) {
	p, err := d.provider()
	if err != nil {
		return 0, 0, err
	}
	applied, known, err = p.GetVersions(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("reading the schema version: %w", err)
	}
	return applied, known, nil
}

func (d *DB) provider() (*goose.Provider, error) {
	files, err := d.schema()
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if d.dialect == Postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, d.write, files,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName("schema_version"))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}

var (
	bigintWord = regexp.MustCompile(`\bbigint\b`)
	byteaWord  = regexp.MustCompile(`\bbytea\b`)
	tableEnd   = regexp.MustCompile(`(?m)^\);$`)
	only       = regexp.MustCompile(`(?ms)^-- only (sqlite|postgres)\n(.*?)^-- end only\n`)
)

// schema renders the migrations for this database. They are written once, in
// PostgreSQL's types; SQLite gets its own names for them and strict tables, so
// that it refuses a wrong type as PostgreSQL does. What one of them lacks stands
// between "-- only sqlite" or "-- only postgres" and "-- end only".
func (d *DB) schema() (fs.FS, error) {
	out := fstest.MapFS{}
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	for _, e := range entries {
		b, err := migrations.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("reading the migrations: %w", err)
		}
		out[e.Name()] = &fstest.MapFile{Data: []byte(d.render(string(b)))}
	}
	return out, nil
}

func (d *DB) render(s string) string {
	s = only.ReplaceAllStringFunc(s, func(block string) string {
		m := only.FindStringSubmatch(block)
		if m[1] == string(d.dialect) {
			return m[2]
		}
		return ""
	})
	if d.dialect == SQLite {
		s = bigintWord.ReplaceAllString(s, "integer")
		s = byteaWord.ReplaceAllString(s, "blob")
		s = tableEnd.ReplaceAllString(s, ") strict;")
	}
	if !strings.Contains(s, "-- +goose Up") {
		s = "-- +goose Up\n" + s
	}
	return s
}

// Tables lists Parley's tables in an order in which each comes after those it
// refers to.
func (d *DB) Tables(ctx context.Context, q Queryer) ([]string, error) {
	refs, err := d.references(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("listing the tables: %w", err)
	}
	var order []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(t string) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, r := range refs[t] {
			visit(r)
		}
		order = append(order, t)
	}
	for _, t := range sortedKeys(refs) {
		visit(t)
	}
	return order, nil
}

func (d *DB) references(ctx context.Context, q Queryer) (map[string][]string, error) {
	const lite = `select m.name, coalesce(f."table", '') from sqlite_schema m
		left join pragma_foreign_key_list(m.name) f
		where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like 'message_search%'
		and m.name <> 'schema_version'`
	const pg = `select t.relname, coalesce(r.relname, '') from pg_class t
		join pg_namespace n on n.oid = t.relnamespace
		left join pg_constraint c on c.conrelid = t.oid and c.contype = 'f'
		left join pg_class r on r.oid = c.confrelid
		where n.nspname = current_schema() and t.relkind = 'r' and t.relname <> 'schema_version'
		and t.relname not like 'message_search%'`
	text := lite
	if d.dialect == Postgres {
		text = pg
	}
	rows, err := q.Query(ctx, text)
	if err != nil {
		return nil, err
	}
	return collectRefs(rows)
}

func collectRefs(rows *sql.Rows) (map[string][]string, error) {
	defer rows.Close()
	refs := map[string][]string{}
	for rows.Next() {
		var t, r string
		if err := rows.Scan(&t, &r); err != nil {
			return nil, err
		}
		if r == "" || r == t {
			refs[t] = append(refs[t], []string{}...)
			continue
		}
		refs[t] = append(refs[t], r)
	}
	return refs, rows.Err()
}
