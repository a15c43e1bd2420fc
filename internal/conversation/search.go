package conversation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Hit is a message that was looked for.
type Hit struct {
	Message      id.ID
	Conversation id.ID // where it is read; 0: it is a post of ours that nobody has answered
	Direct       bool
	Account      id.ID // of ours, that it reached or that said it
	Network      string
	Handle       string // our account's
	Author       Person
	Own          bool
	By           id.ID // the member who wrote it here; 0: not known
	Body         string
	Marks        []text.Range // where the words stand in Body
	Lang         string
	Warning      string
	Media        bool
	URL          string
	At           time.Time
}

// Results are one page of what was found, newest first: in the order in which it
// was said, and what reached us within minutes in the order in which it did.
type Results struct {
	Hits []Hit
	// Next goes on from here; 0: there is no more. A page may be short, or empty,
	// and have a Next: then it says how far back was looked in the time there is.
	Next   id.ID
	Looked time.Time
}

// bounds keep a search from taking longer than somebody waits.
type bounds struct {
	// look is how many messages one looks at before it shows what it has: much is
	// looked at where little of what the words find is of that person or that day.
	look int
	// few and walk are PostgreSQL's: up to how many matches are fetched and sorted,
	// and how many of the newest messages are gone through where there are more.
	few, walk int
}

func usualBounds() bounds { return bounds{look: 2000, few: 2000, walk: 4000} }

// Search finds messages by the words they have now. What is gone, or was said to
// accounts that the actor may not read, is not there for them.
func (d *Desk) Search(ctx context.Context, a actor.Actor, q Query) (Results, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return Results{}, a.Require(actor.ReadConversations)
	}
	if q.IsZero() {
		return Results{}, problem.New(problem.Invalid, "search.nothing").At("q")
	}
	s, err := d.prepare(ctx, a, q)
	if err != nil || s == nil {
		return Results{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = pageSize
	}
	limit = min(limit, 200)
	var r Results
	before, n := q.Before, limit+1
	if before == 0 {
		before = math.MaxInt64
	}
	for looked := 0; ; n = min(4*n, 500) {
		some, err := s.candidates(ctx, before, n)
		if err != nil {
			return Results{}, fmt.Errorf("searching: %w", err)
		}
		found, err := s.load(ctx, some)
		if err != nil {
			return Results{}, fmt.Errorf("reading what was found: %w", err)
		}
		r.Hits = append(r.Hits, found...)
		if len(r.Hits) > limit {
			r.Hits = r.Hits[:limit]
			r.Next = r.Hits[limit-1].Message
			return r, nil
		}
		if len(some) < n {
			return r, nil
		}
		before = some[len(some)-1]
		if looked += len(some); looked >= d.bounds.look {
			r.Next, r.Looked = before, before.Time()
			return r, nil
		}
	}
}

// search is a query of an actor, with what had to be looked up for it.
type search struct {
	desk    *Desk
	actor   actor.Actor
	q       Query
	source  source
	match   string
	authors []id.ID // From, looked up
	within  []id.ID // accounts; nil: all
	oldest  id.ID
	few     []id.ID // PostgreSQL: everything that matches, newest first; nil: not asked yet
	many    bool    // or too much of it
}

// prepare looks up what a query names; nil where nobody is called so: then there
// is nothing to find.
func (d *Desk) prepare(ctx context.Context, a actor.Actor, q Query) (*search, error) {
	s := &search{desk: d, actor: a, q: q, source: byWords}
	if err := s.findAccounts(ctx); err != nil {
		return nil, err
	}
	if len(q.From) > 0 {
		var err error
		if s.authors, err = d.authors(ctx, a.Workspace, q.From); err != nil || len(s.authors) == 0 {
			return nil, err
		}
	}
	if !q.Since.IsZero() {
		// Nothing reaches us before it is said.
		s.oldest = id.First(q.Since.Add(-time.Minute))
	}
	few, err := s.fewWords(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(s.authors) > 0 && (few || len(q.Words) == 0):
		s.source = byAuthor
	case len(q.Words) == 0 && len(q.Not) == 0:
		s.source = byTime
	}
	s.match = matchText(d.db.Dialect(), a.Workspace, q.Words, q.Not)
	return s, nil
}

// findAccounts narrows to the accounts that the query names, of those that the
// actor may read.
func (s *search) findAccounts(ctx context.Context) error {
	readable, all := readable(s.actor)
	if all && len(s.q.Accounts)+len(s.q.Networks) == 0 {
		return nil
	}
	rows, err := s.desk.db.Read().Query(ctx, `select id, handle, network from account where workspace = $1 order by id`, s.actor.Workspace)
	if err != nil {
		return fmt.Errorf("reading which accounts there are: %w", err)
	}
	defer rows.Close()
	var named [2]bool
	s.within = []id.ID{0} // stands for none: an empty list is no condition
	for rows.Next() {
		var account id.ID
		var handle, network string
		if err := rows.Scan(&account, &handle, &network); err != nil {
			return fmt.Errorf("reading which accounts there are: %w", err)
		}
		if !all && !slices.Contains(readable, account) {
			continue
		}
		is := [2]bool{len(s.q.Accounts) == 0 || slices.ContainsFunc(s.q.Accounts, func(n string) bool { return goesBy(handle, n) }),
			len(s.q.Networks) == 0 || slices.Contains(s.q.Networks, network)}
		named[0], named[1] = named[0] || is[0], named[1] || is[1]
		if is[0] && is[1] {
			s.within = append(s.within, account)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading which accounts there are: %w", err)
	}
	switch {
	case len(s.q.Accounts) > 0 && !named[0]:
		return problem.New(problem.Invalid, "search.no_account", "value", text.Cut(s.q.Accounts[0], 60)).At("q")
	case len(s.q.Networks) > 0 && !named[1]:
		return problem.New(problem.Invalid, "search.no_network", "value", text.Cut(s.q.Networks[0], 60)).At("q")
	}
	return nil
}

// goesBy reports that an account of ours is called so, with or without where it is.
func goesBy(handle, name string) bool {
	handle = strings.ToLower(handle)
	return handle == name || strings.HasPrefix(handle, name+"@") || strings.HasPrefix(handle, name+".")
}

// fewWords reports that those who are asked for said so little that it is read
// sooner than the words are looked for.
func (s *search) fewWords(ctx context.Context) (bool, error) {
	if len(s.authors) == 0 || len(s.q.Words)+len(s.q.Not) == 0 {
		return false, nil
	}
	in, args := db.In(3, s.authors)
	var n int
	err := s.desk.db.Read().Row(ctx, `select count(*) from (select 1 from message where workspace = $1 and author `+in+` limit $2) x`,
		append([]any{s.actor.Workspace, s.desk.bounds.look}, args...)...).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("counting what somebody said: %w", err)
	}
	return n < s.desk.bounds.look, nil
}
