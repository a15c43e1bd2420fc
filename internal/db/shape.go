package db

import (
	"context"
	"fmt"
	"strings"
)

// Type is what a column holds. There are no others: dates, flags and JSON are
// kept in these.
type Type string

const (
	Integer Type = "integer" // 64 bits, signed
	Text    Type = "text"    // UTF-8
	Bytes   Type = "bytes"
)

// Column is one column of a table.
type Column struct {
	Name string
	Type Type
	Key  int // place in the primary key, from 1; 0 is none
}

// Columns describes a table's columns in the order in which they were made.
func (d *DB) Columns(ctx context.Context, q Queryer, table string) ([]Column, error) {
	const lite = `select name, type, pk from pragma_table_info($1) order by cid`
	// indkey counts from 0 (PostgreSQL, section 53.26).
	const pg = `select a.attname, format_type(a.atttypid, a.atttypmod), coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)
		from pg_class t join pg_namespace n on n.oid = t.relnamespace join pg_attribute a on a.attrelid = t.oid
		left join pg_index i on i.indrelid = t.oid and i.indisprimary
		where n.nspname = current_schema() and t.relname = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`
	text := lite
	if d.dialect == Postgres {
		text = pg
	}
	rows, err := q.Query(ctx, text, table)
	if err != nil {
		return nil, fmt.Errorf("listing the columns of %s: %w", table, err)
	}
	defer rows.Close()
	var cs []Column
	for rows.Next() {
		var c Column
		var native string
		if err := rows.Scan(&c.Name, &native, &c.Key); err != nil {
			if ctx.Err() != nil { // the driver closed the rows under our hands
				err = ctx.Err()
			}
			return nil, fmt.Errorf("listing the columns of %s: %w", table, err)
		}
		if c.Type, err = typeOf(native); err != nil {
			return nil, fmt.Errorf("column %s of table %s: %w", c.Name, table, err)
		}
		cs = append(cs, c)
	}
	return cs, rows.Err()
}

// typeOf reads a database's own name of a type.
func typeOf(native string) (Type, error) {
	switch strings.ToLower(native) {
	case "integer", "bigint":
		return Integer, nil
	case "text":
		return Text, nil
	case "blob", "bytea":
		return Bytes, nil
	}
	return "", fmt.Errorf("the type %q is none that Parley uses", native)
}

// Applied is the number of the newest migration as q's snapshot has it. It is an
// error where none was ever applied.
func (d *DB) Applied(ctx context.Context, q Queryer) (int64, error) {
	var n int64
	if err := q.Row(ctx, `select max(version_id) from schema_version`).Scan(&n); err != nil {
		return 0, fmt.Errorf("reading the schema version: %w", err)
	}
	return n, nil
}
