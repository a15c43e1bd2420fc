package account

import (
	"slices"
	"time"

	"parley/internal/network"
)

// Level is how an account is, in one word.
type Level string

const (
	Fine Level = "fine"
	Soon Level = "soon"   // works, and something will stop it, or somebody should look
	Bad  Level = "broken" // does not work
	Off  Level = "off"    // disconnected by a member
)

// weight orders levels by how much they need somebody.
func (l Level) weight() int {
	return slices.Index([]Level{Off, Fine, Soon, Bad}, l)
}

// Sign is one reason to look, with what to do: "account.sign.<Code>" and
// "account.sign.<Code>.next" in the catalogue, with these arguments.
type Sign struct {
	Level Level
	Code  string
	At    time.Time
	Feed  network.Feed // "" if it is about the whole account
	Rate  network.Rate
	Said  string // the server's own words
	Help  string // catalogue key of a more precise sentence; "" if none
}

const (
	tokenSoon  = 14 * 24 * time.Hour // a credential that ends within this is told
	quietLong  = 15 * time.Minute    // a feed that should have been read by now
	budgetTold = 10                  // percent of the rate budget that is left
)

// SignCodes are all codes that a Sign can have.
func SignCodes() []string {
	codes := []string{"token_ends", "token_ended", "no_stream", "rate", "budget", "not_read", "gap", "import"}
	for _, k := range brokenBy() {
		codes = append(codes, "broken."+k)
	}
	for _, k := range failingBy() {
		codes = append(codes, "failing."+k)
	}
	return codes
}

// other stands for the kinds of refusal that have no sentence of their own here,
// because they are about writing.
const other = "other"

func brokenBy() []string {
	return []string{string(network.Auth), string(network.Suspended), string(network.Paid), other}
}

func failingBy() []string {
	return []string{string(network.Auth), string(network.Scope), string(network.Gone), string(network.Policy),
		string(network.Version), string(network.Transient), string(ownStore), string(ownSealed), string(ownConnector), other}
}

// among is k if it is one of known.
func among(known []string, k string) string {
	if slices.Contains(known, k) {
		return k
	}
	return other
}

// judge finds the signs and the level. It says what will fail before it does.
func (h *Health) judge(now time.Time) {
	h.Level = Fine
	switch a := h.Account; a.State {
	case Disconnected:
		h.Level = Off
		return
	case Broken:
		h.sign(Sign{Level: Bad, Code: "broken." + among(brokenBy(), a.Reason), At: a.Since, Said: a.Message, Help: a.Help})
		return
	}
	h.judgeToken(now)
	for _, f := range h.Feeds {
		h.judgeFeed(f, now)
	}
	for _, i := range h.Imports {
		// A rate limit is no trouble: the import says itself when it goes on.
		if i.Kind != "" && i.Kind != network.RateLimited && i.Finished.IsZero() {
			h.sign(Sign{Level: Soon, Code: "import", Feed: i.Feed, Said: i.Said, Help: i.Help})
		}
	}
	slices.SortStableFunc(h.Signs, func(a, b Sign) int { return b.Level.weight() - a.Level.weight() })
}

// judgeToken tells of a credential that only a person can renew.
func (h *Health) judgeToken(now time.Time) {
	ends := h.TokenEnds()
	switch {
	case ends.IsZero() || ends.After(now.Add(tokenSoon)):
	case ends.After(now):
		h.sign(Sign{Level: Soon, Code: "token_ends", At: ends})
	default:
		h.sign(Sign{Level: Bad, Code: "token_ended", At: ends})
	}
}

// TokenEnds is when the credential ends unless a person renews it; zero if that is
// not known, or never.
func (h Health) TokenEnds() time.Time {
	if h.Renews {
		return h.Account.RefreshBy
	}
	ends := h.Account.Expires
	if by := h.Account.RefreshBy; ends.IsZero() || !by.IsZero() && by.Before(ends) {
		ends = by
	}
	return ends
}

func (h *Health) judgeFeed(f FeedHealth, now time.Time) {
	if !f.Gap.IsZero() {
		h.sign(Sign{Level: Soon, Code: "gap", At: f.Gap, Feed: f.Feed, Help: f.GapWhy})
	}
	failing := f.Failures >= troubleAfter
	switch {
	case failing && f.Feed == feedStream: // polling brings everything, only a little later
		h.sign(Sign{Level: Fine, Code: "no_stream", At: f.Worked, Said: f.Said, Help: f.Help})
	case failing && f.Kind == network.RateLimited:
		h.sign(Sign{Level: Soon, Code: "rate", At: f.Due, Feed: f.Feed, Said: f.Said, Help: f.Help})
	case failing && f.Feed == feedWatch: // messages come in; only edits and deletions are late
		h.sign(Sign{Level: Soon, Code: "failing." + among(failingBy(), string(f.Kind)), At: f.Worked, Feed: f.Feed, Said: f.Said, Help: f.Help})
	case failing:
		h.sign(Sign{Level: Bad, Code: "failing." + among(failingBy(), string(f.Kind)), At: f.Worked, Feed: f.Feed, Said: f.Said, Help: f.Help})
	case f.ours():
	case f.Failures == 0 && overdue(f, now):
		h.sign(Sign{Level: Bad, Code: "not_read", At: f.Worked, Feed: f.Feed})
	case scarce(f.Rate, now):
		h.sign(Sign{Level: Soon, Code: "budget", At: f.Rate.Reset, Feed: f.Feed, Rate: f.Rate})
	}
}

// overdue reports a feed that nobody has read although it was time.
func overdue(f FeedHealth, now time.Time) bool {
	late := now.Add(-quietLong)
	return f.Due.Before(late) && f.Tried.Before(late) && f.Worked.Before(late)
}

func scarce(r network.Rate, now time.Time) bool {
	return r.Limit > 0 && r.Left*100 < r.Limit*budgetTold && r.Reset.After(now)
}

func (h *Health) sign(s Sign) {
	h.Signs = append(h.Signs, s)
	if s.Level.weight() > h.Level.weight() {
		h.Level = s.Level
	}
}
