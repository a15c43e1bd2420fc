package archive

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"parley/internal/db"
)

// Options say what goes into an archive besides the tables.
type Options struct {
	Program string    // the version of Parley that writes it
	Now     time.Time //
	Key     []byte    // content of the file of the sealing keys; nil leaves it out
}

// Write writes everything d holds to w, as it is at one moment, while others go
// on reading and writing. On an error w holds something useless.
//
// It refuses a database into which a restore has not come to its end.
func Write(ctx context.Context, d *db.DB, w io.Writer, o Options) (Manifest, error) {
	var m Manifest
	err := d.View(ctx, func(ctx context.Context, q db.Queryer) (err error) {
		m, err = write(ctx, d, q, w, o)
		return err
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("writing the archive: %w", err)
	}
	return m, nil
}

func write(ctx context.Context, d *db.DB, q db.Queryer, w io.Writer, o Options) (Manifest, error) {
	m := Manifest{Format: Format, Layout: Layout, Program: o.Program, Made: o.Now.UTC(), From: d.Dialect()}
	var err error
	if m.Schema, err = d.Applied(ctx, q); err != nil {
		return m, err
	}
	if err := Finished(ctx, q); err != nil {
		return m, err
	}
	tables, err := d.Tables(ctx, q)
	if err != nil {
		return m, err
	}
	z := &writer{zip: zip.NewWriter(w), made: m.Made}
	for _, name := range tables {
		t, repaired, err := z.table(ctx, d, q, name)
		if err != nil {
			return m, fmt.Errorf("table %s: %w", name, err)
		}
		m.Tables, m.Repaired = append(m.Tables, t), m.Repaired+repaired
	}
	if o.Key != nil {
		e, err := z.entry(keyName, func(w io.Writer) error { _, err := w.Write(o.Key); return err })
		if err != nil {
			return m, err
		}
		m.Key = &e
	}
	if _, err := z.entry(manifestName, func(w io.Writer) error { _, err := w.Write(m.encode()); return err }); err != nil {
		return m, err
	}
	return m, z.zip.Close()
}

// writer adds entries to an archive.
type writer struct {
	zip  *zip.Writer
	made time.Time
}

// entry writes one file and says what was written.
func (z *writer) entry(name string, fill func(io.Writer) error) (Entry, error) {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: z.made}
	h.SetMode(0o600)
	f, err := z.zip.CreateHeader(h)
	if err != nil {
		return Entry{}, err
	}
	sum := &summed{w: f, hash: sha256.New()}
	b := bufio.NewWriterSize(sum, 64<<10)
	if err := fill(b); err != nil {
		return Entry{}, err
	}
	if err := b.Flush(); err != nil {
		return Entry{}, err
	}
	return Entry{Bytes: sum.n, SHA256: hex.EncodeToString(sum.hash.Sum(nil))}, nil
}

// summed counts and hashes what passes.
type summed struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (s *summed) Write(p []byte) (int, error) {
	s.hash.Write(p)
	s.n += int64(len(p))
	return s.w.Write(p)
}

// table writes the rows of a table in the order of its key.
func (z *writer) table(ctx context.Context, d *db.DB, q db.Queryer, name string) (t Table, repaired int64, err error) {
	columns, err := d.Columns(ctx, q, name)
	if err != nil {
		return t, 0, err
	}
	t.Name = name
	for _, c := range columns {
		t.Columns = append(t.Columns, Column{c.Name, c.Type})
	}
	t.Entry, err = z.entry(t.file(), func(w io.Writer) error {
		rows, err := q.Query(ctx, selection(q.Dialect(), name, columns))
		if err != nil {
			return err
		}
		defer rows.Close()
		r := newRow(t.Columns)
		for rows.Next() {
			if err := rows.Scan(r.into...); err != nil {
				return fmt.Errorf("row %d: %w", t.Rows+1, err)
			}
			line, mended := r.encode()
			if len(line) > maxLine {
				return fmt.Errorf("row %d has %d bytes, more than an archive can take", t.Rows+1, len(line))
			}
			if _, err := w.Write(line); err != nil {
				return err
			}
			t.Rows++
			repaired += mended
		}
		return rows.Err()
	})
	return t, repaired, err
}

// selection reads all rows in an order that is the same on both databases:
// PostgreSQL must be told to compare texts by their bytes, as SQLite does.
func selection(dialect db.Dialect, table string, columns []db.Column) string {
	var names []string
	var keys []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	for place := 1; ; place++ {
		found := false
		for _, c := range columns {
			if c.Key != place {
				continue
			}
			found = true
			key := c.Name
			if dialect == db.Postgres && c.Type == db.Text {
				key += ` collate "C"`
			}
			keys = append(keys, key)
		}
		if !found {
			break
		}
	}
	text := "select " + strings.Join(names, ", ") + " from " + table
	if len(keys) > 0 {
		text += " order by " + strings.Join(keys, ", ")
	}
	return text
}
