package db_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// update writes testdata anew:
//
//	go test ./internal/db -run Schema -update
//	PARLEY_TEST_POSTGRES=… go test ./internal/db -run Schema -update
var update = flag.Bool("update", false, "write the schema dumps anew")

// The dumps show what the migrations add up to, so that a change of the schema
// is read in one place and none happens unseen.
func TestSchemaIsAsCommitted(t *testing.T) {
	t.Parallel()
	o := dbtest.Options(t)
	lite := db.Options{Path: filepath.Join(t.TempDir(), "parley.db")}
	compareDump(t, lite, dumpSQLite)
	if o.DSN != "" {
		compareDump(t, o, dumpPostgres)
	}
}

func compareDump(t *testing.T, o db.Options, dump func(*testing.T, *db.DB) string) {
	t.Helper()
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, path := dump(t, d), fmt.Sprintf("testdata/schema.%s.sql", d.Dialect())
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			t.Fatalf("%s, line %d, is\n\t%s\nbut the migrations make\n\t%s\nIf that is meant: go test ./internal/db -run Schema -update, on both databases", path, i+1, b[i], a[i])
		}
	}
	t.Fatalf("%s has %d lines, the migrations make %d. If that is meant: go test ./internal/db -run Schema -update, on both databases", path, len(b), len(a))
}

// dumpSQLite is the text SQLite keeps of each object, tables first. The shadow
// tables of the search index are FTS5's own.
func dumpSQLite(t *testing.T, d *db.DB) string {
	return join(t, d, `select sql || ';' from sqlite_schema where sql is not null and name not like 'sqlite_%'
		and name not like 'message_search_%' and tbl_name <> 'schema_version'
		order by case type when 'table' then 0 else 1 end, name`)
}

// dumpPostgres writes the catalogue as statements, in the order of the names.
func dumpPostgres(t *testing.T, d *db.DB) string {
	const ours = `t.relnamespace = (select oid from pg_namespace where nspname = current_schema()) and t.relname <> 'schema_version'`
	tables := join(t, d, `select 'create table ' || t.relname || E' (\n' || string_agg('  ' || line, E',\n' order by kind, place, line collate "C") || E'\n);'
		from pg_class t cross join lateral (
			select 0 as kind, a.attnum as place, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
				|| case when a.attnotnull then ' not null' else '' end
				|| coalesce(' default ' || pg_get_expr(f.adbin, f.adrelid, true), '') as line
			from pg_attribute a left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
			where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
			union all
			select case c.contype when 'p' then 1 when 'u' then 2 when 'f' then 3 else 4 end, 0, pg_get_constraintdef(c.oid, true)
			from pg_constraint c where c.conrelid = t.oid and c.contype in ('p', 'u', 'f', 'c')
		) lines where `+ours+` and t.relkind = 'r' group by t.relname order by t.relname collate "C"`)
	// Indexes behind a constraint are made by it.
	indexes := join(t, d, `select pg_get_indexdef(i.indexrelid, 0, true) || ';' from pg_index i
		join pg_class t on t.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
		where `+ours+` and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'))
		order by x.relname collate "C"`)
	return tables + indexes
}

func join(t *testing.T, d *db.DB, query string) string {
	t.Helper()
	rows, err := d.Read().Query(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		b.WriteString(s)
		b.WriteString("\n\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
