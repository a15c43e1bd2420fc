package account

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// Health is everything that tells how an account is.
type Health struct {
	Account      Account
	Capabilities network.Capabilities
	Renews       bool // its credential renews itself, without a person
	Open         bool // it needs no credential: what is read there is open to all
	Level        Level
	Signs        []Sign // why it is not fine; empty if it is
	Feeds        []FeedHealth
	Imports      []Import
}

// FeedHealth is how reading one feed goes.
type FeedHealth struct {
	Feed     network.Feed
	Worked   time.Time
	Tried    time.Time
	Due      time.Time
	Failures int
	Kind     network.Kind // of the last refusal, while Failures > 0
	Native   string
	Said     string
	Help     string // catalogue key
	Gap      time.Time
	GapWhy   string // catalogue key
	Rate     network.Rate
}

// ours reports a bookkeeping feed, which is nothing a member knows of.
func (f FeedHealth) ours() bool { return f.Feed == feedStream || f.Feed == feedWatch }

// Import is how far reading the past has come.
type Import struct {
	Feed     network.Feed
	Since    time.Time
	Oldest   time.Time
	Found    int
	Started  time.Time
	Finished time.Time
	Kind     network.Kind // why it pauses; "" if it does not
	Said     string
	Help     string    // catalogue key
	Resumes  time.Time // zero: not known
}

// Share is how much of the wanted time is read, 0 to 1.
func (i Import) Share() float64 {
	if !i.Finished.IsZero() {
		return 1
	}
	whole := i.Started.Sub(i.Since)
	if i.Oldest.IsZero() || whole <= 0 {
		return 0
	}
	return min(0.99, max(0, float64(i.Started.Sub(i.Oldest))/float64(whole)))
}

// LastRead is when something was last read; zero if never.
func (h Health) LastRead() time.Time {
	var last time.Time
	for _, f := range h.Feeds {
		if f.Worked.After(last) && !f.ours() {
			last = f.Worked
		}
	}
	return last
}

// Live reports that news comes by itself, through an open stream.
func (h Health) Live() bool {
	for _, f := range h.Feeds {
		if f.Feed == feedStream {
			return f.Failures == 0 && !f.Worked.IsZero() && !f.Worked.Before(f.Tried)
		}
	}
	return false
}

// Budget is the request budget with the least left; the zero Rate if none was told
// that still counts.
func (h Health) Budget(now time.Time) network.Rate {
	var least network.Rate
	for _, f := range h.Feeds {
		r := f.Rate
		if r.Limit == 0 || !r.Reset.IsZero() && !r.Reset.After(now) {
			continue // it has been renewed since
		}
		if least.Limit == 0 || r.Left*least.Limit < least.Left*r.Limit {
			least = r
		}
	}
	return least
}

// Past is how far reading the past of an account has come, all feeds together.
type Past struct {
	Open    bool // not read to its end
	Share   float64
	Oldest  time.Time // so far; zero: nothing yet
	Found   int
	Resumes time.Time // when the network lets it go on; zero: it does not pause
}

// Past sums the imports up.
func (h Health) Past() Past {
	var p Past
	first := true
	for _, i := range h.Imports {
		p.Found += i.Found
		p.Share += i.Share() / float64(len(h.Imports))
		if !i.Finished.IsZero() {
			continue
		}
		if first || i.Oldest.IsZero() || !p.Oldest.IsZero() && i.Oldest.After(p.Oldest) {
			p.Oldest = i.Oldest
		}
		if i.Kind == network.RateLimited && i.Resumes.After(p.Resumes) {
			p.Resumes = i.Resumes
		}
		p.Open, first = true, false
	}
	return p
}

// Reconnect reports that only connecting again can help.
func (h Health) Reconnect() bool { return h.Account.State != Connected }

// Health reads how the accounts of the workspace are that the actor may look
// after, those that need somebody first.
func (s *Accounts) Health(ctx context.Context, a actor.Actor) ([]Health, error) {
	accounts, err := s.list(ctx, a, actor.ReadHealth, actor.ManageAccounts)
	if err != nil {
		return nil, err
	}
	hs := make([]Health, len(accounts))
	at := map[id.ID]*Health{}
	for i, acc := range accounts {
		_, renews := s.byName[acc.Remote.Network].(network.Refresher)
		v, err := s.View(ctx, acc.Workspace, acc.ID)
		if err != nil {
			return nil, err
		}
		hs[i] = Health{Account: acc, Capabilities: v.Capabilities, Renews: renews, Open: s.isOpen(acc.Remote.Network)}
		at[acc.ID] = &hs[i]
	}
	if err := s.readFeeds(ctx, a.Workspace, at); err != nil {
		return nil, err
	}
	if err := s.readImports(ctx, a.Workspace, at); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	for i := range hs {
		hs[i].judge(now)
	}
	slices.SortStableFunc(hs, func(a, b Health) int { return b.Level.weight() - a.Level.weight() })
	return hs, nil
}

// isOpen reports a network that is read without any credential.
func (s *Accounts) isOpen(name string) bool {
	n := s.byName[name]
	if n == nil {
		return false
	}
	_, renews := n.(network.Refresher)
	secret := slices.ContainsFunc(n.Info().Fields, func(f network.Field) bool { return f.Secret })
	return !renews && !secret && !s.NeedsConsent(name)
}

func (s *Accounts) readFeeds(ctx context.Context, workspace id.ID, at map[id.ID]*Health) error {
	rows, err := s.DB.Read().Query(ctx, `select account, feed, worked, tried, due, failures, kind, native, message, help, gap, gap_why,
		rate_limit, rate_left, rate_reset from account_feed where workspace = $1 and offered = 1 order by account, feed`, workspace)
	if err != nil {
		return fmt.Errorf("reading how feeds go: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		var f FeedHealth
		if err := rows.Scan(&account, &f.Feed, db.ScanTime(&f.Worked), db.ScanTime(&f.Tried), db.ScanTime(&f.Due), &f.Failures, &f.Kind,
			&f.Native, &f.Said, &f.Help, db.ScanTime(&f.Gap), &f.GapWhy, &f.Rate.Limit, &f.Rate.Left, db.ScanTime(&f.Rate.Reset)); err != nil {
			return fmt.Errorf("reading how a feed goes: %w", err)
		}
		if h := at[account]; h != nil {
			h.Feeds = append(h.Feeds, f)
		}
	}
	return rows.Err()
}

func (s *Accounts) readImports(ctx context.Context, workspace id.ID, at map[id.ID]*Health) error {
	rows, err := s.DB.Read().Query(ctx, `select account, feed, since, oldest, found, started, finished, kind, message, help, resumes
		from account_import where workspace = $1 order by account, feed`, workspace)
	if err != nil {
		return fmt.Errorf("reading the imports: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		var i Import
		if err := rows.Scan(&account, &i.Feed, db.ScanTime(&i.Since), db.ScanTime(&i.Oldest), &i.Found, db.ScanTime(&i.Started),
			db.ScanTime(&i.Finished), &i.Kind, &i.Said, &i.Help, db.ScanTime(&i.Resumes)); err != nil {
			return fmt.Errorf("reading an import: %w", err)
		}
		if h := at[account]; h != nil {
			h.Imports = append(h.Imports, i)
		}
	}
	return rows.Err()
}
