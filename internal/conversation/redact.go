package conversation

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// gap stands where a name was.
const gap = "[…]"

// A name is a word by which somebody is known. A short one counts only where it
// stands alone: Ann is not in banner.
type name struct {
	re    *regexp.Regexp
	alone bool
}

// shortName is up to how many letters a name may be a part of another word.
const shortName = 7

// known makes names of what somebody is known by, the longest first, so that
// none is cut by a shorter one in it. What has two bytes or fewer names nobody.
func known(words []string) []name {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return len(w) < 3 })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	var out []name
	for _, w := range slices.Compact(words) {
		out = append(out, name{regexp.MustCompile(`(?i)` + regexp.QuoteMeta(w)), utf8.RuneCountInString(w) <= shortName})
	}
	return out
}

func (n name) cut(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range n.re.FindAllStringIndex(s, -1) {
		if n.alone && (joined(s, m[0]) || joined(s, m[1])) {
			continue
		}
		b.WriteString(s[at:m[0]] + gap)
		at = m[1]
	}
	return b.String() + s[at:]
}

// joined reports that the letters on both sides of a place in s belong to one
// word, as far as their script parts words.
func joined(s string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at:])
	for _, r := range []rune{before, after} {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) {
			return false
		}
	}
	return true
}

// Redact takes the names out of a text that stays because others need it.
func (e Erased) Redact(s string) string {
	for _, n := range e.names {
		s = n.cut(s)
	}
	return s
}

// within is e for what stands in a thread. A stranger chooses the name they show, and
// it may be any word: where they never spoke, "You" is nobody.
func (e Erased) within(thread id.ID) Erased {
	if e.threads[thread] {
		e.names = e.called
	}
	return e
}

// isIn reports that a text has one of the names in it.
func (e Erased) isIn(s string) bool { return e.Redact(s) != s }

// candidates is a condition that holds for every text with one of the names in
// it, and for some more: lower folds only ASCII on SQLite, and JSON writes some
// letters in another way, so what may differ counts as anything.
func (e Erased) candidates(column string, from int) (condition string, args []any) {
	var either []string
	for i, w := range e.words {
		pattern := "%"
		for _, r := range strings.ToLower(w) {
			switch {
			case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@:/. -", r)):
				pattern += string(r)
			case !strings.HasSuffix(pattern, "%"):
				pattern += "%"
			}
		}
		either = append(either, fmt.Sprintf("lower(%s) like $%d", column, from+i))
		args = append(args, strings.TrimSuffix(pattern, "%")+"%")
	}
	return "(" + strings.Join(either, " or ") + ")", args
}

// redactOthers takes somebody out of what others and we said, in every version of
// it, and out of where it stands: an answer or a quotation names whose post it is
// about. It looks at every message there is, once.
func (d *Desk) redactOthers(ctx context.Context, tx *db.Tx, e Erased) error {
	if len(e.called) == 0 {
		return nil
	}
	named := map[id.ID]bool{}
	for _, from := range []struct{ key, table, columns string }{
		{"id", "message", `body || ' ' || spans || ' ' || warning || ' ' || media || ' ' || parent || ' ' || quote`},
		{"message", "message_version", `body || ' ' || spans || ' ' || warning || ' ' || media`},
	} {
		if err := e.naming(ctx, tx, from.key, from.table, from.columns, named); err != nil {
			return fmt.Errorf("looking for where somebody is named: %w", err)
		}
	}
	for m := range named {
		var thread id.ID
		if err := tx.Row(ctx, `select thread from message where workspace = $1 and id = $2`, e.Workspace, m).Scan(&thread); err != nil {
			return fmt.Errorf("reading where somebody is named: %w", err)
		}
		here := e.within(thread)
		if err := d.redactMessage(ctx, tx, m, here); err != nil {
			return err
		}
		if err := redactVersions(ctx, tx, m, here); err != nil {
			return err
		}
	}
	if err := d.redactBeside(ctx, tx, e); err != nil {
		return err
	}
	if err := redactAbout(ctx, tx, e); err != nil {
		return err
	}
	return redactThreads(ctx, tx, e)
}

// naming adds the rows in whose columns one of the names stands.
func (e Erased) naming(ctx context.Context, tx *db.Tx, key, table, columns string, named map[id.ID]bool) error {
	condition, args := e.candidates(columns, 2)
	rows, err := tx.Query(ctx, `select `+key+`, `+columns+` from `+table+` where workspace = $1 and `+condition, append([]any{e.Workspace}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	either := e
	either.names = e.called
	for rows.Next() {
		var one id.ID
		var written string
		if err := rows.Scan(&one, &written); err != nil {
			return err
		}
		if either.isIn(unescaped.Replace(written)) {
			named[one] = true
		}
	}
	return rows.Err()
}

// unescaped reads what JSON writes in another way than it stands in a name.
var unescaped = strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">", `\"`, `"`, `\\`, `\`)

// ids reads one column of ids.
func ids(ctx context.Context, q db.Queryer, query string, args ...any) ([]id.ID, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []id.ID
	for rows.Next() {
		var i id.ID
		if err := rows.Scan(&i); err != nil {
			return nil, err
		}
		found = append(found, i)
	}
	return found, rows.Err()
}

// wording is what a message says, as it is stored.
type wording struct{ body, spans, warning, media string }

// without is w with nobody named in it. Offsets move and targets name people:
// where something was cut the spans go, and the words stay.
func (w wording) without(e Erased) (wording, error) {
	out := wording{body: e.Redact(w.body), warning: e.Redact(w.warning), spans: w.spans}
	if out.body != w.body || e.isIn(w.spans) {
		out.spans = ""
	}
	media, err := decode[network.Media](w.media)
	if err != nil {
		return w, fmt.Errorf("reading the attachments of a message: %w", err)
	}
	for i := range media {
		media[i].Alt = e.Redact(media[i].Alt)
		if e.isIn(media[i].URL) {
			media[i].URL = ""
		}
	}
	out.media = encodeMedia(media)
	return out, nil
}

func (d *Desk) redactMessage(ctx context.Context, tx *db.Tx, message id.ID, e Erased) error {
	var was wording
	var parent, quote string
	err := tx.Row(ctx, `select body, spans, warning, media, parent, quote from message where workspace = $1 and id = $2`, e.Workspace, message).
		Scan(&was.body, &was.spans, &was.warning, &was.media, &parent, &quote)
	if err != nil {
		return fmt.Errorf("reading where somebody is named: %w", err)
	}
	is, err := was.without(e)
	if err != nil {
		return err
	}
	about, quoted := parent, quote
	if e.isIn(parent) {
		about = erasedParent
	}
	if e.isIn(quote) {
		quoted = ""
	}
	if is == was && about == parent && quoted == quote {
		return nil
	}
	if _, err := tx.Exec(ctx, `update message set body = $1, spans = $2, warning = $3, media = $4, parent = $5, quote = $6 where workspace = $7 and id = $8`,
		is.body, is.spans, is.warning, is.media, about, quoted, e.Workspace, message); err != nil {
		return fmt.Errorf("taking a name out of a message: %w", err)
	}
	if is.body == was.body {
		return nil
	}
	index := d.newIndex(tx, e.Workspace, 1)
	if err := index.remove(ctx, message, was.body); err != nil {
		return fmt.Errorf("taking a name out of the search: %w", err)
	}
	index.add(message, is.body)
	return index.flush(ctx)
}

// redactVersions does the same with what a message said before.
func redactVersions(ctx context.Context, tx *db.Tx, message id.ID, e Erased) error {
	rows, err := tx.Query(ctx, `select version, body, spans, warning, media from message_version where workspace = $1 and message = $2`, e.Workspace, message)
	if err != nil {
		return fmt.Errorf("reading where somebody was named: %w", err)
	}
	defer rows.Close()
	changed := map[string]wording{}
	for rows.Next() {
		var version string
		var was wording
		if err := rows.Scan(&version, &was.body, &was.spans, &was.warning, &was.media); err != nil {
			return fmt.Errorf("reading where somebody was named: %w", err)
		}
		is, err := was.without(e)
		if err != nil {
			return err
		}
		if is != was {
			changed[version] = is
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for version, is := range changed {
		if _, err := tx.Exec(ctx, `update message_version set body = $1, spans = $2, warning = $3, media = $4
			where workspace = $5 and message = $6 and version = $7`, is.body, is.spans, is.warning, is.media, e.Workspace, message, version); err != nil {
			return fmt.Errorf("taking a name out of an earlier wording: %w", err)
		}
	}
	return nil
}

// redactThreads renames threads that begin with a post of somebody's that never
// reached us.
func redactThreads(ctx context.Context, tx *db.Tx, e Erased) error {
	condition, args := e.candidates("root", 2)
	rows, err := tx.Query(ctx, `select id, root from thread where workspace = $1 and `+condition, append([]any{e.Workspace}, args...)...)
	if err != nil {
		return fmt.Errorf("looking for threads that somebody began: %w", err)
	}
	defer rows.Close()
	var theirs []id.ID
	for rows.Next() {
		var t id.ID
		var root string
		if err := rows.Scan(&t, &root); err != nil {
			return fmt.Errorf("looking for threads that somebody began: %w", err)
		}
		if e.isIn(root) {
			theirs = append(theirs, t)
		}
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, t := range theirs {
		if _, err := tx.Exec(ctx, `update thread set root = 'erased ' || cast(id as text) where workspace = $1 and id = $2`, e.Workspace, t); err != nil {
			return fmt.Errorf("renaming a thread that somebody began: %w", err)
		}
	}
	return nil
}
