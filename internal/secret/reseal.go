package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/internal/db"
)

// Column is one place in the database where sealed values stand.
type Column struct {
	Table  string
	Key    []string // the primary key's columns, in its order: bigint or text
	Column string   // bytea; null and empty are skipped
	// AAD is what the row's value was sealed with; key holds an int64 or a
	// string for each column of Key.
	AAD func(key []any) string
}

// Resealed is what Reseal did.
type Resealed struct {
	Rows   int // sealed values seen
	Sealed int // of these, sealed anew
	Broken int // could not be opened, and were left as they are

	changed int // needed it, but changed between being read and being written
}

// batch is how many rows one transaction carries over: long enough to be quick,
// short enough that the desk's own writes are not held up.
const batch = 100

// passes bounds how often Reseal begins anew. The last pass finds nothing to do;
// more than two are needed only while another node still seals with an old key.
const passes = 5

// Reseal carries every value that is not sealed with the current key over to it,
// in batches of one transaction each. It may be stopped and started again at any
// time: what is done stays done, and is recognised by its key id. A value that
// changes meanwhile is never overwritten.
//
// A value that cannot be opened does not stop the others; the error then joins
// one for each such row, without its content.
func (k *Keyring) Reseal(ctx context.Context, d *db.DB, columns []Column) (Resealed, error) {
	if err := k.Reload(); err != nil {
		return Resealed{}, fmt.Errorf("sealing anew: %w", err)
	}
	var total Resealed
	for range passes {
		var pass Resealed
		var broken []error
		for _, c := range columns {
			errs, err := k.resealColumn(ctx, d, c, &pass)
			if err != nil {
				return total, fmt.Errorf("sealing %s.%s anew: %w", c.Table, c.Column, err)
			}
			broken = append(broken, errs...)
		}
		total.Rows, total.Broken = pass.Rows, pass.Broken
		total.Sealed += pass.Sealed
		if pass.Sealed+pass.changed == 0 {
			return total, errors.Join(broken...)
		}
	}
	return total, errors.New("sealing anew: something still seals with an older key; restart every node, then run it again")
}

// resealColumn walks one column in the order of its key.
func (k *Keyring) resealColumn(ctx context.Context, d *db.DB, c Column, sum *Resealed) (broken []error, err error) {
	var after []any
	for {
		var part Resealed
		var next []any
		var errs []error
		err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			part, errs = Resealed{}, nil // the transaction may run twice
			rows, err := c.read(ctx, tx, after)
			if err != nil {
				return err
			}
			next = nil
			if len(rows) == batch {
				next = rows[batch-1].key
			}
			for _, r := range rows {
				if err := k.resealRow(ctx, tx, c, r, &part, &errs); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		sum.Rows += part.Rows
		sum.Sealed += part.Sealed
		sum.Broken += part.Broken
		sum.changed += part.changed
		broken = append(broken, errs...)
		if next == nil {
			return broken, nil
		}
		after = next
	}
}

// resealRow seals one value anew, unless it changed since it was read.
func (k *Keyring) resealRow(ctx context.Context, tx *db.Tx, c Column, r row, sum *Resealed, broken *[]error) error {
	if len(r.sealed) == 0 {
		return nil
	}
	sum.Rows++
	aad := c.AAD(r.key)
	plain, err := k.Open(aad, r.sealed)
	if err != nil {
		sum.Broken++
		*broken = append(*broken, fmt.Errorf("%s %v: %w", c.Table, r.key, err))
		return nil
	}
	if !k.NeedsReseal(r.sealed) {
		return nil
	}
	args := append([]any{k.Seal(aad, plain)}, r.key...)
	n, err := tx.Exec(ctx, c.update(), append(args, r.sealed)...)
	if err != nil {
		return err
	}
	sum.Sealed += int(n)
	sum.changed += 1 - int(n)
	return nil
}

// row is one row's key and sealed value.
type row struct {
	key    []any
	sealed []byte
}

// read fetches the batch that follows the key after; nil is the beginning.
func (c Column) read(ctx context.Context, q db.Queryer, after []any) ([]row, error) {
	rows, err := q.Query(ctx, c.query(after != nil), after...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []row
	for rows.Next() {
		r := row{key: make([]any, len(c.Key))}
		dest := make([]any, 0, len(c.Key)+1)
		for i := range r.key {
			dest = append(dest, &r.key[i])
		}
		if err := rows.Scan(append(dest, &r.sealed)...); err != nil {
			return nil, err
		}
		for i, v := range r.key {
			if b, ok := v.([]byte); ok { // a driver may give text as bytes
				r.key[i] = string(bytes.Clone(b))
			}
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// query reads a batch in the order of the key. Row values compare as the key
// sorts, on both databases.
func (c Column) query(resume bool) string {
	key := strings.Join(c.Key, ", ")
	where := ""
	if resume {
		where = fmt.Sprintf(" where (%s) > (%s)", key, db.List(1, len(c.Key)))
	}
	return fmt.Sprintf("select %s, %s from %s%s order by %s limit %d", key, c.Column, c.Table, where, key, batch)
}

// update writes a value back if it is still the one that was read: a token
// refreshed in between must not be undone.
func (c Column) update() string {
	var where strings.Builder
	for i, name := range c.Key {
		fmt.Fprintf(&where, "%s = $%d and ", name, i+2)
	}
	return fmt.Sprintf("update %s set %s = $1 where %s%s = $%d", c.Table, c.Column, where.String(), c.Column, len(c.Key)+2)
}
