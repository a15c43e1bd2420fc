package account

import (
	"slices"
	"testing"
	"time"

	"parley/internal/network"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	now := start
	day := 24 * time.Hour
	fine := FeedHealth{Feed: network.Mentions, Worked: now, Tried: now, Due: now.Add(time.Minute)}
	feed := func(change func(*FeedHealth)) Health {
		f := fine
		change(&f)
		return Health{Account: Account{State: Connected}, Feeds: []FeedHealth{f}}
	}
	ill := func(k network.Kind, n int) Health {
		return feed(func(f *FeedHealth) { f.Kind, f.Failures = k, n })
	}
	acc := func(a Account, renews bool) Health {
		if a.State == "" {
			a.State = Connected
		}
		return Health{Account: a, Renews: renews, Feeds: []FeedHealth{fine}}
	}
	for name, c := range map[string]struct {
		h     Health
		level Level
		signs []string
	}{
		"fine":                    {feed(func(*FeedHealth) {}), Fine, nil},
		"disconnected":            {acc(Account{State: Disconnected, Expires: now}, false), Off, nil},
		"broken":                  {acc(Account{State: Broken, Reason: "auth"}, true), Bad, []string{"broken.auth"}},
		"suspended":               {acc(Account{State: Broken, Reason: "suspended"}, true), Bad, []string{"broken.suspended"}},
		"unpaid":                  {acc(Account{State: Broken, Reason: "payment"}, true), Bad, []string{"broken.payment"}},
		"broken by something new": {acc(Account{State: Broken, Reason: "comet"}, true), Bad, []string{"broken.other"}},

		"only a person can renew it, soon":  {acc(Account{RefreshBy: now.Add(13 * day)}, true), Soon, []string{"token_ends"}},
		"only a person can renew it, later": {acc(Account{RefreshBy: now.Add(15 * day)}, true), Fine, nil},
		"it could have been renewed":        {acc(Account{RefreshBy: now.Add(-day)}, true), Bad, []string{"token_ended"}},
		"it renews itself every hour":       {acc(Account{Expires: now.Add(time.Hour)}, true), Fine, nil},
		"it cannot be renewed":              {acc(Account{Expires: now.Add(day)}, false), Soon, []string{"token_ends"}},
		"the earlier of two ends":           {acc(Account{Expires: now.Add(90 * day), RefreshBy: now.Add(day)}, false), Soon, []string{"token_ends"}},

		"one failure is weather":  {ill(network.Transient, 2), Fine, nil},
		"three are not":           {ill(network.Transient, 3), Bad, []string{"failing.transient"}},
		"limited":                 {ill(network.RateLimited, 3), Soon, []string{"rate"}},
		"a permission is missing": {ill(network.Scope, 3), Bad, []string{"failing.scope"}},
		"the key is gone":         {ill(ownSealed, 3), Bad, []string{"failing.own.sealed"}},
		"something odd":           {ill(network.TooLong, 3), Bad, []string{"failing.other"}},
		"edits come late": {feed(func(f *FeedHealth) { f.Feed, f.Kind, f.Failures = feedWatch, network.Transient, 5 }), Soon,
			[]string{"failing.transient"}},
		"the stream is down": {feed(func(f *FeedHealth) { f.Feed, f.Kind, f.Failures = feedStream, network.Transient, 5 }), Fine,
			[]string{"no_stream"}},

		"nobody reads it": {feed(func(f *FeedHealth) { f.Worked, f.Tried, f.Due = now.Add(-day), now.Add(-day), now.Add(-time.Hour) }), Bad,
			[]string{"not_read"}},
		"it is being read just now": {feed(func(f *FeedHealth) { f.Worked, f.Tried, f.Due = now.Add(-day), now, now.Add(-time.Hour) }), Fine, nil},
		"a long reading":            {feed(func(f *FeedHealth) { f.Tried, f.Due = now.Add(-day), now.Add(-day) }), Fine, nil},
		"rests for long":            {feed(func(f *FeedHealth) { f.Worked, f.Tried, f.Due = now.Add(-day), now.Add(-day), now.Add(day) }), Fine, nil},

		"little is left": {feed(func(f *FeedHealth) { f.Rate = network.Rate{Limit: 300, Left: 29, Reset: now.Add(time.Minute)} }), Soon,
			[]string{"budget"}},
		"enough is left":        {feed(func(f *FeedHealth) { f.Rate = network.Rate{Limit: 300, Left: 30, Reset: now.Add(time.Minute)} }), Fine, nil},
		"renewed meanwhile":     {feed(func(f *FeedHealth) { f.Rate = network.Rate{Limit: 300, Left: 1, Reset: now.Add(-time.Minute)} }), Fine, nil},
		"something may be lost": {feed(func(f *FeedHealth) { f.Gap, f.GapWhy = now.Add(-time.Hour), "why" }), Soon, []string{"gap"}},
		"worst first": {feed(func(f *FeedHealth) { f.Gap, f.Kind, f.Failures = now, network.Transient, 3 }), Bad,
			[]string{"failing.transient", "gap"}},

		"the past stands still":   {Health{Account: Account{State: Connected}, Imports: []Import{{Kind: network.Transient}}}, Soon, []string{"import"}},
		"the past waits its turn": {Health{Account: Account{State: Connected}, Imports: []Import{{Kind: network.RateLimited}}}, Fine, nil},
		"the past is read":        {Health{Account: Account{State: Connected}, Imports: []Import{{Kind: network.Transient, Finished: now}}}, Fine, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.h.judge(now)
			var signs []string
			for _, s := range c.h.Signs {
				signs = append(signs, s.Code)
				if !slices.Contains(SignCodes(), s.Code) {
					t.Errorf("%s is not in the list", s.Code)
				}
			}
			if c.h.Level != c.level || !slices.Equal(signs, c.signs) {
				t.Errorf("%s %q, want %s %q", c.h.Level, signs, c.level, c.signs)
			}
		})
	}
}

// Whatever a network refuses with, there is a code with words for it.
func TestEveryKindOfRefusalHasASign(t *testing.T) {
	t.Parallel()
	for _, k := range append(kinds(t), ownStore, ownSealed, ownConnector) {
		for _, feed := range []network.Feed{network.Mentions, feedStream, feedWatch} {
			h := Health{Account: Account{State: Connected}, Feeds: []FeedHealth{{Feed: feed, Failures: 3, Kind: k}}}
			h.judge(start)
			if len(h.Signs) != 1 || !slices.Contains(SignCodes(), h.Signs[0].Code) {
				t.Errorf("%s of %s: %+v", k, feed, h.Signs)
			}
		}
		h := Health{Account: Account{State: Broken, Reason: string(k)}}
		h.judge(start)
		if len(h.Signs) != 1 || !slices.Contains(SignCodes(), h.Signs[0].Code) {
			t.Errorf("broken by %s: %+v", k, h.Signs)
		}
	}
}

func TestHealthOfTheWorkspace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	names := map[string]Level{"fine": Fine, "broken": Bad, "gone": Off, "gappy": Soon}
	for name := range names {
		h.stage.remote.RemoteID, h.stage.remote.Handle = name, name
		h.connect()
	}
	h.turn()
	h.exec(`update account set state = 'broken', reason = 'auth' where handle = 'broken'`)
	h.exec(`update account set state = 'disconnected' where handle = 'gone'`)
	h.exec(`update account_feed set gap = 5 where feed = 'own' and account = (select id from account where handle = 'gappy')`)
	hs, err := h.Health(ctx, steward())
	must(t, err)
	var order []string
	for _, one := range hs {
		order = append(order, one.Account.Remote.Handle)
		if one.Level != names[one.Account.Remote.Handle] {
			t.Errorf("%s is %s", one.Account.Remote.Handle, one.Level)
		}
		if !one.LastRead().Equal(start) || len(one.Capabilities.Feeds) != 2 || !one.Renews {
			t.Errorf("%+v", one)
		}
	}
	same(t, order, []string{"broken", "gappy", "fine", "gone"})
}

func TestBudgetIsTheScarcest(t *testing.T) {
	t.Parallel()
	h := Health{Feeds: []FeedHealth{
		{Rate: network.Rate{Limit: 10, Left: 0, Reset: start.Add(-time.Second)}},
		{Rate: network.Rate{Limit: 100, Left: 90, Reset: start.Add(time.Minute)}},
		{Rate: network.Rate{Limit: 10, Left: 8, Reset: start.Add(time.Minute)}},
		{},
	}}
	if b := h.Budget(start); b.Limit != 10 || b.Left != 8 {
		t.Errorf("%+v", b)
	}
	if b := (Health{}).Budget(start); b.Limit != 0 {
		t.Errorf("%+v", b)
	}
}
