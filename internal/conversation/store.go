package conversation

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/text"
)

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func direct(b bool) int64 { return flag(b) }

// encodeSpans and encodeMedia write what is never searched as JSON, "" for none.
func encodeSpans(s []text.Span) string {
	if len(s) == 0 {
		return ""
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and integers always can
	}
	return string(b)
}

func encodeMedia(m []network.Media) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// decode reads what encode wrote; the empty text is nothing.
func decode[T any](s string) ([]T, error) {
	if s == "" {
		return nil, nil
	}
	var v []T
	err := json.Unmarshal([]byte(s), &v)
	return v, err
}

// revise replaces the words of a stored message and keeps the old ones as a version.
func (d *Desk) revise(ctx context.Context, tx *db.Tx, workspace id.ID, r *row, p *network.Post, now time.Time) (bool, error) {
	since := r.at
	if !r.edited.IsZero() {
		since = r.edited
	}
	until := p.Edited
	if until.IsZero() {
		until = now
	}
	var before string
	if err := tx.Row(ctx, `select body from message where workspace = $1 and id = $2`, workspace, r.id).Scan(&before); err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, `insert into message_version (workspace, message, version, body, spans, warning, media, at, until)
		select workspace, id, version, body, spans, warning, media, $3, $4 from message where workspace = $1 and id = $2
		on conflict (workspace, message, version) do nothing`, workspace, r.id, db.Micros(since), db.Micros(until)); err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, `update message set version = $1, body = $2, spans = $3, warning = $4, media = $5, edited = $6, lang = $7
		where workspace = $8 and id = $9`, p.Version, p.Text.Body, encodeSpans(p.Text.Spans), p.Warning, encodeMedia(p.Media),
		db.Micros(until), p.Lang, workspace, r.id); err != nil {
		return false, err
	}
	if lang := primary(p.Lang); lang != "" {
		if _, err := tx.Exec(ctx, relang, workspace, r.id, lang); err != nil {
			return false, err
		}
	}
	index := d.newIndex(tx, workspace, 1)
	if err := index.remove(ctx, r.id, before); err != nil {
		return false, err
	}
	index.add(r.id, searchable(p))
	return true, index.flush(ctx)
}

// relang is for conversations in which the newest words are now in another language.
const relang = `update conversation set lang = $3 where workspace = $1 and last_message = $2
	and id in (select r.conversation from reach r where r.workspace = $1 and r.message = $2 and r.gone >= 0)`

// searchable is the text a message is found by.
func searchable(p *network.Post) string { return p.Text.Body }

// index gathers rows of the search index.
type index struct {
	tx        *db.Tx
	workspace id.ID
	rows      *db.Rows
}

func (d *Desk) newIndex(tx *db.Tx, workspace id.ID, n int) *index {
	return &index{tx, workspace, db.NewRows(2, n)}
}

// workspaceToken is the word by which a search stays inside its workspace. No
// word of a text looks like it: none holds a character for private use, and both
// databases take one as part of a word. FTS5 folds upper case, so that alone
// would not set it apart (SQLite, FTS5 section 4.3.2).
func workspaceToken(w id.ID) string { return "\uE000" + w.String() }

func (x *index) add(message id.ID, body string) {
	x.rows.Add(message, x.tokens(body))
}

func (x *index) tokens(body string) string { return SearchForm(x.tx.Dialect(), x.workspace, body) }

// SearchForm is a body as the search index takes it: for FTS5 words with spaces
// between, for PostgreSQL the text of a tsvector, whose words stand in quotes
// with their positions (at most 16383: PostgreSQL, section 12.11). The workspace
// is the first word.
func SearchForm(dialect db.Dialect, workspace id.ID, body string) string {
	words := text.Tokens(body)
	var b strings.Builder
	if dialect == db.SQLite {
		b.WriteString(workspaceToken(workspace))
		for _, w := range words {
			b.WriteByte(' ')
			b.WriteString(w)
		}
		return b.String()
	}
	b.WriteString("'" + workspaceToken(workspace) + "'")
	for i, w := range words {
		b.WriteString(" '")
		b.WriteString(w)
		b.WriteString("':")
		b.WriteString(itoa(min(i+1, 16383)))
	}
	return b.String()
}

func (x *index) flush(ctx context.Context) error {
	if x.tx.Dialect() == db.SQLite {
		return x.rows.Insert(ctx, x.tx, `insert into message_search (rowid, tokens)`, "")
	}
	return x.rows.Insert(ctx, x.tx, `insert into message_search (id, tokens)`, "")
}

// remove takes a message out of the index. FTS5 keeps no copy of what it
// indexed (content=”), so it must be told the words again, exactly.
func (x *index) remove(ctx context.Context, message id.ID, body string) error {
	if x.tx.Dialect() == db.SQLite {
		_, err := x.tx.Exec(ctx, `insert into message_search (message_search, rowid, tokens) values ('delete', $1, $2)`, message, x.tokens(body))
		return err
	}
	_, err := x.tx.Exec(ctx, `delete from message_search where id = $1`, message)
	return err
}
