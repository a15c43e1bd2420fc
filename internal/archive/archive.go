// Package archive writes a whole database into one portable file and loads such
// a file into an empty database of either kind. It is the backup, and the way
// from SQLite to PostgreSQL and back.
//
// An archive is a ZIP file with an entry for each table: one JSON object a line,
// columns by name, integers exact to 64 bits, bytes in base64. A last entry,
// manifest.json, says which version of the schema it is, what every table's
// columns are, how many rows it has and the SHA-256 of its entry. The file of the
// sealing keys is inside only if the caller gave it.
//
// What is written is one snapshot: writing may take minutes while others go on
// working, and the archive is the database as it was when it began. Neither
// writing nor reading needs memory for more than one row of the largest table and
// a batch of small ones. Rows come in the order of their keys, so that two
// archives of the same data have the same entries.
//
// Reading trusts nothing. The whole archive is read and checked once before the
// database is touched, and loaded in one transaction, so that a database is
// either empty or whole. What an archive cannot know (which rows are leases of
// processes long gone, how the search index is made) is done by functions of the
// caller after loading; until they have ended the database is marked as
// unfinished, and reading the same archive again goes on from there.
//
// Not its business: what a table means. It knows the name of one, setting, in
// which the mark stands.
package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"parley/internal/db"
)

// Format and Layout are how an archive is recognised; Layout counts changes of
// the format itself, not of the schema.
const (
	Format = "parley archive"
	Layout = 1
)

const (
	manifestName = "manifest.json"
	keyName      = "parley.key"

	maxManifest = 1 << 20  // bytes; a thousand tables have room
	maxKey      = 1 << 20  // bytes
	maxLine     = 64 << 20 // bytes of one row; the largest there is, a chunk of media, has 350 thousand
)

var (
	// ErrDamaged is an archive that is incomplete, was changed, or never was one.
	ErrDamaged = errors.New("the archive is damaged or is none")
	// ErrNewer is an archive of a newer Parley.
	ErrNewer = errors.New("the archive was made by a newer Parley")
	// ErrNotEmpty is a database that holds something already.
	ErrNotEmpty = errors.New("the database is not empty")
	// ErrUnfinished is a database into which an archive was loaded without coming
	// to the end.
	ErrUnfinished = errors.New("a restore into this database did not come to its end")
)

// Manifest says what is in an archive.
type Manifest struct {
	Format  string     `json:"format"`
	Layout  int        `json:"layout"`
	Program string     `json:"program"` // the version of Parley that wrote it
	Made    time.Time  `json:"made"`
	From    db.Dialect `json:"from"`
	Schema  int64      `json:"schema"` // number of the newest migration
	Tables  []Table    `json:"tables"` // each after those it refers to
	Key     *Entry     `json:"key"`    // the sealing keys; nil: they are not inside
	// Repaired counts texts that no JSON and no PostgreSQL can hold (invalid UTF-8,
	// U+0000), which stand in the archive with those characters replaced.
	Repaired int64 `json:"repaired"`
}

// Entry is one file of the archive.
type Entry struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hexadecimal
}

// Table is one table. Its entry is called by its name and ".jsonl".
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	Rows    int64    `json:"rows"`
	Entry
}

// Column is one column of a table.
type Column struct {
	Name string  `json:"name"`
	Type db.Type `json:"type"`
}

// Rows is how many rows there are in all.
func (m Manifest) Rows() int64 {
	var n int64
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

func (t Table) file() string { return t.Name + ".jsonl" }

// word is what a table or a column may be called: it stands in SQL.
var word = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// check refuses a manifest that no Parley has written.
func (m Manifest) check() error {
	switch {
	case m.Format != Format:
		return damaged("its manifest does not say %q", Format)
	case m.Layout > Layout:
		return fmt.Errorf("%w (%s, layout %d; this one reads %d)", ErrNewer, m.Program, m.Layout, Layout)
	case m.Layout < 1 || m.Schema < 1:
		return damaged("its manifest has no version")
	}
	seen := map[string]bool{}
	for _, t := range m.Tables {
		if !word.MatchString(t.Name) || seen[t.Name] || t.Rows < 0 || len(t.Columns) == 0 {
			return damaged("its manifest describes a table %.80q that cannot be", t.Name)
		}
		seen[t.Name] = true
		columns := map[string]bool{}
		for _, c := range t.Columns {
			known := c.Type == db.Integer || c.Type == db.Text || c.Type == db.Bytes
			if !word.MatchString(c.Name) || columns[c.Name] || !known {
				return damaged("its manifest describes a column %.80q of %s that cannot be", c.Name, t.Name)
			}
			columns[c.Name] = true
		}
	}
	return nil
}

func (m Manifest) encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and a time always can
	}
	return append(b, '\n')
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
}

// markName is the setting that stands in a database from the moment an archive
// was loaded until all is done; its value is the SHA-256 of the manifest.
const markName = "archive.unfinished"

// mark reads it; nil where there is none.
func mark(ctx context.Context, q db.Queryer) ([]byte, error) {
	var v []byte
	err := q.Row(ctx, `select value from setting where name = $1`, markName).Scan(&v)
	if err != nil && !db.NoRows(err) {
		return nil, fmt.Errorf("looking for an unfinished restore: %w", err)
	}
	return v, nil
}

// Finished returns ErrUnfinished where a restore was begun and did not end. The
// schema must be there.
func Finished(ctx context.Context, q db.Queryer) error {
	v, err := mark(ctx, q)
	if err == nil && v != nil {
		err = ErrUnfinished
	}
	return err
}
