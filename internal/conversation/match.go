package conversation

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/text"
)

// A search reads candidates, newest first and a few at a time, from one of three
// places: the index of words, what certain people said, or everything in the
// order it came. What else is asked for is looked at in the messages themselves.
type source int

const (
	byWords source = iota
	byAuthor
	byTime
)

// candidates are up to n ids below one and not below another, newest first.
func (s *search) candidates(ctx context.Context, before id.ID, n int) ([]id.ID, error) {
	q := s.desk.db.Read()
	switch {
	case s.source == byAuthor:
		in, args := db.In(5, s.authors)
		return ids(ctx, q, `select id from message where workspace = $1 and id < $2 and id >= $3 and author `+in+` order by id desc limit $4`,
			append([]any{s.actor.Workspace, before, s.oldest, n}, args...)...)
	case s.source == byTime:
		return ids(ctx, q, `select id from message where workspace = $1 and id < $2 and id >= $3 order by id desc limit $4`,
			s.actor.Workspace, before, s.oldest, n)
	case q.Dialect() == db.SQLite:
		return ids(ctx, q, matchLite, s.match, before, s.oldest, n)
	}
	return s.candidatesPostgres(ctx, before, n)
}

// FTS5 keeps each word's messages in the order of their ids and reads no further
// than it must.
const matchLite = `select rowid from message_search where message_search match $1 and rowid < $2 and rowid >= $3 order by rowid desc limit $4`

// PostgreSQL's index has no order: it gives all there are. As long as they are few
// they are fetched and sorted here. What is said more often is soon met by whoever
// goes through the newest messages of the workspace; what was, but is no longer,
// is sorted there, however many there are. See bounds.
const (
	// Without the fence the planner, which cannot know how often two words meet, goes
	// through everybody's messages for what it takes to be common.
	matchFew  = matchAll + ` select id from found limit $4`
	matchMany = matchAll + ` select id from found order by id desc limit $4`
	matchAll  = `with found as materialized (select id from message_search where tokens @@ cast($1 as tsquery) and id < $2 and id >= $3)`
	matchNext = `select w.id, case when s.id is null then 0 else 1 end from (
		select id from message where workspace = $1 and id < $2 and id >= $3 order by id desc limit $4) w
		left join message_search s on s.id = w.id and s.tokens @@ cast($5 as tsquery) order by w.id desc`
)

func (s *search) candidatesPostgres(ctx context.Context, before id.ID, n int) ([]id.ID, error) {
	q := s.desk.db.Read()
	if s.few == nil && !s.many {
		few, err := ids(ctx, q, matchFew, s.match, before, s.oldest, s.desk.bounds.few)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(few, func(a, b id.ID) int { return cmp.Compare(b, a) })
		s.few, s.many = append([]id.ID{}, few...), len(few) == s.desk.bounds.few
	}
	if s.many {
		return s.walk(ctx, before, n)
	}
	at, _ := slices.BinarySearchFunc(s.few, before, func(a, b id.ID) int { return cmp.Compare(b, a) })
	for at < len(s.few) && s.few[at] >= before {
		at++
	}
	return s.few[at:min(at+n, len(s.few))], nil
}

// walk goes through the newest messages until n of them match.
func (s *search) walk(ctx context.Context, before id.ID, n int) (found []id.ID, err error) {
	below, bound := before, s.desk.bounds.walk
	for size, walked := bound/8, 0; walked < bound; size = bound - walked {
		last, err := s.step(ctx, below, size, &found)
		if err != nil || last == 0 || len(found) >= n {
			return found[:min(n, len(found))], err
		}
		below, walked = last, walked+size
	}
	return ids(ctx, s.desk.db.Read(), matchMany, s.match, before, s.oldest, n)
}

// step looks at the next messages and returns the last of them; 0 if there were
// fewer.
func (s *search) step(ctx context.Context, below id.ID, size int, found *[]id.ID) (last id.ID, err error) {
	rows, err := s.desk.db.Read().Query(ctx, matchNext, s.actor.Workspace, below, s.oldest, size, s.match)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var matches int
		if err := rows.Scan(&last, &matches); err != nil {
			return 0, err
		}
		if matches == 1 {
			*found = append(*found, last)
		}
	}
	if n < size {
		last = 0
	}
	return last, rows.Err()
}

// matchText is what the index of a database is asked for: all of the words in a
// workspace, and none of the others. Tokens need no escaping.
func matchText(dialect db.Dialect, workspace id.ID, words, not []text.Term) string {
	if dialect == db.SQLite {
		return matchFTS5(workspace, words, not)
	}
	all := []string{"'" + workspaceToken(workspace) + "'"}
	for _, t := range words {
		all = append(all, tsquery(t))
	}
	for _, t := range not {
		all = append(all, "!"+tsquery(t))
	}
	return strings.Join(all, " & ")
}

// tsquery writes a term for PostgreSQL (section 8.11.2).
func tsquery(t text.Term) string {
	s := "('" + strings.Join(t.Tokens, "' <-> '") + "'"
	if t.Prefix {
		s += ":*"
	}
	return s + ")"
}

// matchFTS5 writes terms for SQLite (FTS5, section 3).
func matchFTS5(workspace id.ID, words, not []text.Term) string {
	phrase := func(t text.Term) string {
		s := `"` + strings.Join(t.Tokens, " ") + `"`
		if t.Prefix {
			s += "*"
		}
		return s
	}
	all := []string{`"` + workspaceToken(workspace) + `"`}
	for _, t := range words {
		all = append(all, phrase(t))
	}
	s := "(" + strings.Join(all, " AND ") + ")"
	for _, t := range not {
		s += " NOT " + phrase(t)
	}
	return s
}
