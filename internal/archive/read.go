package archive

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"parley/internal/db"
)

// ReadOptions are what the caller knows of the tables and the archive does not.
// Whatever is nil is not done.
type ReadOptions struct {
	// Leftovers are tables in which a program that was started and never set up
	// leaves rows of its own. They do not make a database count as in use, and are
	// emptied.
	Leftovers []string
	// Reindex makes what is derived from the rows and not in the archive.
	Reindex func(ctx context.Context, d *db.DB) error
	// Key keeps the file of the sealing keys. It is called only if it is inside.
	Key func(content []byte) error
	// Settle ends what belonged to processes of the installation the archive was
	// made from, in the transaction that makes the restore complete.
	Settle func(ctx context.Context, tx *db.Tx, m Manifest) error
	// Progress is told after each table.
	Progress func(t Table)
}

// Read loads an archive of size bytes into d, whose schema it brings up to date:
// first to the archive's version, under which the rows are loaded, then to the
// newest. d is empty, or was left unfinished by an earlier Read of the same
// archive, which then goes on.
//
// Whatever goes wrong until the rows are committed leaves d without a row.
// ErrDamaged, ErrNewer, ErrNotEmpty, ErrUnfinished (of another archive).
func Read(ctx context.Context, r io.ReaderAt, size int64, d *db.DB, o ReadOptions) (Manifest, error) {
	a, err := Open(r, size)
	if err != nil {
		return Manifest{}, err
	}
	if err := a.Check(ctx); err != nil {
		return a.Manifest, err
	}
	begun, err := a.begun(ctx, d)
	if err != nil {
		return a.Manifest, err
	}
	if !begun {
		if err := d.MigrateTo(ctx, a.Manifest.Schema); err != nil {
			return a.Manifest, err
		}
		if err := a.load(ctx, d, o); err != nil {
			return a.Manifest, err
		}
	}
	if err := d.Migrate(ctx); err != nil {
		return a.Manifest, err
	}
	return a.Manifest, a.finish(ctx, d, o)
}

// begun looks whether the database can take the archive, before anything in it
// is changed, and whether it has its rows already.
func (a *Archive) begun(ctx context.Context, d *db.DB) (bool, error) {
	m := a.Manifest
	there, err := d.Tables(ctx, d.Read())
	if err != nil {
		return false, err
	}
	if len(there) > 0 && !slices.Contains(there, "setting") {
		return false, fmt.Errorf("%w: it has a table %s that is not Parley's", ErrNotEmpty, there[0])
	}
	applied, known, err := d.Version(ctx)
	if err != nil {
		return false, err
	}
	if m.Schema > known {
		return false, fmt.Errorf("%w (%s, with version %d of the database; this one knows %d)", ErrNewer, m.Program, m.Schema, known)
	}
	if applied == 0 {
		return false, nil
	}
	v, err := mark(ctx, d.Read())
	if err != nil {
		return false, err
	}
	if v != nil {
		if !bytes.Equal(v, a.id[:]) {
			return false, fmt.Errorf("%w, and it was of another archive", ErrUnfinished)
		}
		return true, nil
	}
	if applied > m.Schema {
		return false, fmt.Errorf("%w: its tables are of version %d, those of the archive of version %d; name a database in which no newer program has made tables", ErrNotEmpty, applied, m.Schema)
	}
	return false, nil
}

// load puts all rows into the tables, or none.
func (a *Archive) load(ctx context.Context, d *db.DB, o ReadOptions) error {
	// A transaction on SQLite does not listen to its context; this one is long.
	outer := ctx
	return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		tables, err := d.Tables(ctx, tx)
		if err != nil {
			return err
		}
		if err := vacate(ctx, tx, tables, o.Leftovers); err != nil {
			return err
		}
		inside := map[string]Table{}
		for _, t := range a.Manifest.Tables {
			inside[t.Name] = t
		}
		for _, name := range tables {
			t, ok := inside[name]
			if !ok {
				return damaged("it lacks the table %s", name)
			}
			delete(inside, name)
			if err := fits(ctx, d, tx, t); err != nil {
				return err
			}
			if err := a.loadTable(outer, ctx, tx, t); err != nil {
				return err
			}
			if o.Progress != nil {
				o.Progress(t)
			}
		}
		for name := range inside {
			return damaged("it has a table %s that version %d of the database does not have", name, a.Manifest.Schema)
		}
		_, err = tx.Exec(ctx, `insert into setting (name, value) values ($1, $2)
			on conflict (name) do update set value = excluded.value`, markName, a.id[:])
		return err
	})
}

// vacate refuses a database that is in use, and empties the leftovers.
func vacate(ctx context.Context, tx *db.Tx, tables, leftovers []string) error {
	for _, name := range slices.Backward(tables) {
		if slices.Contains(leftovers, name) {
			if _, err := tx.Exec(ctx, "delete from "+name); err != nil {
				return fmt.Errorf("emptying %s: %w", name, err)
			}
			continue
		}
		var one int
		err := tx.Row(ctx, "select 1 from "+name+" limit 1").Scan(&one)
		if err == nil {
			return fmt.Errorf("%w: there are rows in %s", ErrNotEmpty, name)
		}
		if !db.NoRows(err) {
			return fmt.Errorf("looking into %s: %w", name, err)
		}
	}
	return nil
}

// fits compares the columns of the archive with those of the database. Their
// order does not matter.
func fits(ctx context.Context, d *db.DB, q db.Queryer, t Table) error {
	columns, err := d.Columns(ctx, q, t.Name)
	if err != nil {
		return err
	}
	for _, c := range columns {
		if !slices.Contains(t.Columns, Column{c.Name, c.Type}) {
			return damaged("its table %s lacks the column %s of type %s", t.Name, c.Name, c.Type)
		}
	}
	if len(columns) != len(t.Columns) {
		return damaged("its table %s has columns that the database does not have", t.Name)
	}
	return nil
}

// Rows of one statement: as many as go into the largest that db prepares, fewer
// if they are large.
const (
	batchRows  = 64
	batchBytes = 1 << 20
)

func (a *Archive) loadTable(outer, ctx context.Context, tx *db.Tx, t Table) error {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	head := "insert into " + t.Name + " (" + strings.Join(names, ", ") + ")"
	batch, size := db.NewRows(len(names), batchRows), 0
	flush := func() error {
		if err := batch.Insert(ctx, tx, head, ""); err != nil {
			return misfit(t.Name, err)
		}
		batch, size = db.NewRows(len(names), batchRows), 0
		return nil
	}
	err := a.each(outer, t, func(values []any, length int) error {
		batch.Add(values...)
		if size += length; batch.Len() < batchRows && size < batchBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// misfit tells a row that the schema refuses from a database that is in trouble.
func misfit(table string, err error) error {
	if db.IsConstraint(err) {
		return damaged("a row of %s cannot be: %v", table, err)
	}
	return fmt.Errorf("loading %s: %w", table, err)
}

// finish does what the archive itself cannot and takes the mark away.
func (a *Archive) finish(ctx context.Context, d *db.DB, o ReadOptions) error {
	if o.Reindex != nil {
		if err := o.Reindex(ctx, d); err != nil {
			return goOn(err)
		}
	}
	if o.Key != nil && a.Manifest.Key != nil {
		key, err := a.Key()
		if err == nil {
			err = o.Key(key)
		}
		if err != nil {
			return goOn(err)
		}
	}
	err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if o.Settle != nil {
			if err := o.Settle(ctx, tx, a.Manifest); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `delete from setting where name = $1`, markName)
		return err
	})
	if err != nil {
		return goOn(err)
	}
	return d.Checkpoint(ctx)
}

// goOn says that the rows are there.
func goOn(err error) error {
	return fmt.Errorf("all rows are loaded, but the restore is not finished; run it again to go on: %w", err)
}
