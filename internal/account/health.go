package account

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// Level is how an account is, in one word.
type Level string

const (
	Fine Level = "fine"
	Soon Level = "soon" // works, and something will stop it or is already slow
	Bad  Level = "bad"  // does not work, or may be losing messages
	Off  Level = "off"  // disconnected by a member
)

// Health is everything that tells how an account is, worst first.
type Health struct {
	Account Account
	Level   Level
	Signs   []Sign // why it is not fine; empty if it is
	Feeds   []FeedHealth
	Imports []Import
}

// Sign is one reason to look, with what to do: "account.sign.<Code>" and
// "account.sign.<Code>.next" in the catalogue, with these arguments.
type Sign struct {
	Level Level
	Code  string
	At    time.Time
	Feed  network.Feed
	Said  string // the server's own words
}

// FeedHealth is how reading one feed goes.
type FeedHealth struct {
	Feed     network.Feed
	Worked   time.Time
	Tried    time.Time
	Due      time.Time
	Failures int
	Kind     network.Kind
	Native   string
	Said     string
	Rate     network.Rate
}

// Import is how far reading the past has come.
type Import struct {
	Feed     network.Feed
	Since    time.Time
	Oldest   time.Time
	Found    int
	Started  time.Time
	Finished time.Time
	Kind     network.Kind
	Said     string
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

const (
	tokenSoon  = 14 * 24 * time.Hour // a credential that ends within this is told
	quietLong  = 15 * time.Minute    // a feed that should have been read by now
	budgetTold = 10                  // percent of the rate budget that is left
)

// Health reads how every account of the workspace is.
func (s *Accounts) Health(ctx context.Context, a actor.Actor) ([]Health, error) {
	accounts, err := s.List(ctx, a)
	if err != nil {
		return nil, err
	}
	hs := make([]Health, len(accounts))
	at := map[id.ID]*Health{}
	for i, acc := range accounts {
		hs[i].Account = acc
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
	return hs, nil
}

func (s *Accounts) readFeeds(ctx context.Context, workspace id.ID, at map[id.ID]*Health) error {
	rows, err := s.DB.Read().Query(ctx, `select account, feed, worked, tried, due, failures, kind, native, message, rate_limit, rate_left, rate_reset
		from account_feed where workspace = $1 order by account, feed`, workspace)
	if err != nil {
		return fmt.Errorf("reading how feeds go: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		var f FeedHealth
		if err := rows.Scan(&account, &f.Feed, db.ScanTime(&f.Worked), db.ScanTime(&f.Tried), db.ScanTime(&f.Due), &f.Failures, &f.Kind,
			&f.Native, &f.Said, &f.Rate.Limit, &f.Rate.Left, db.ScanTime(&f.Rate.Reset)); err != nil {
			return fmt.Errorf("reading how a feed goes: %w", err)
		}
		if h := at[account]; h != nil {
			h.Feeds = append(h.Feeds, f)
		}
	}
	return rows.Err()
}

func (s *Accounts) readImports(ctx context.Context, workspace id.ID, at map[id.ID]*Health) error {
	rows, err := s.DB.Read().Query(ctx, `select account, feed, since, oldest, found, started, finished, kind, message
		from account_import where workspace = $1 order by account, feed`, workspace)
	if err != nil {
		return fmt.Errorf("reading the imports: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		var i Import
		if err := rows.Scan(&account, &i.Feed, db.ScanTime(&i.Since), db.ScanTime(&i.Oldest), &i.Found, db.ScanTime(&i.Started),
			db.ScanTime(&i.Finished), &i.Kind, &i.Said); err != nil {
			return fmt.Errorf("reading an import: %w", err)
		}
		if h := at[account]; h != nil {
			h.Imports = append(h.Imports, i)
		}
	}
	return rows.Err()
}

// judge finds the signs and the level. It says what will fail before it does.
func (h *Health) judge(now time.Time) {
	h.Level = Fine
	switch h.Account.State {
	case Disconnected:
		h.Level = Off
		return
	case Broken:
		h.sign(Sign{Level: Bad, Code: "broken." + h.Account.Reason, At: h.Account.Since, Said: h.Account.Message})
		return
	}
	if by := h.Account.RefreshBy; !by.IsZero() && by.Before(now.Add(tokenSoon)) {
		h.sign(Sign{Level: Soon, Code: "token_ends", At: by})
	}
	for _, f := range h.Feeds {
		if f.Feed == feedStream {
			if f.Failures >= troubleAfter {
				h.sign(Sign{Level: Soon, Code: "no_stream", At: f.Worked, Feed: f.Feed, Said: f.Said})
			}
			continue
		}
		switch {
		case f.Failures >= troubleAfter && f.Kind == network.RateLimited:
			h.sign(Sign{Level: Soon, Code: "rate", At: f.Due, Feed: f.Feed, Said: f.Said})
		case f.Failures >= troubleAfter:
			h.sign(Sign{Level: Bad, Code: "failing." + string(f.Kind), At: f.Worked, Feed: f.Feed, Said: f.Said})
		case f.Failures == 0 && f.Due.Before(now.Add(-quietLong)):
			h.sign(Sign{Level: Bad, Code: "not_read", At: f.Worked, Feed: f.Feed})
		case f.Rate.Limit > 0 && f.Rate.Left*100 < f.Rate.Limit*budgetTold && f.Rate.Reset.After(now):
			h.sign(Sign{Level: Soon, Code: "budget", At: f.Rate.Reset, Feed: f.Feed})
		}
	}
	for _, i := range h.Imports {
		if i.Kind != "" && i.Finished.IsZero() {
			h.sign(Sign{Level: Soon, Code: "import", Feed: i.Feed, Said: i.Said})
		}
	}
}

func (h *Health) sign(s Sign) {
	h.Signs = append(h.Signs, s)
	if s.Level == Bad || h.Level == Fine {
		h.Level = s.Level
	}
}
