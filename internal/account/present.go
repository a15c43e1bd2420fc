package account

import (
	"context"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/text"
)

// person is an account as the page draws people.
func person(ctx context.Context, h Health, pictures bool) page.Person {
	r := h.Account.Remote
	p := page.Person{Key: r.RemoteID, Name: text.DisplaySafe(r.Name), Handle: text.DisplaySafe(r.Handle), Network: r.Network, URL: r.URL}
	if p.Name == "" {
		p.Name = p.Handle
	}
	if pictures && r.Avatar != "" {
		p.Avatar = page.Link(ctx, "accounts/"+h.Account.ID.String()+"/picture")
	}
	return p
}

// handle is how people write the account: with an @ where it can be mentioned.
func handle(h Health) string {
	name := text.DisplaySafe(h.Account.Remote.Handle)
	if h.Capabilities.Can[network.CanMentions].OK && !strings.HasPrefix(name, "@") {
		return "@" + name
	}
	return name
}

// manages reports whether an actor may change this account.
func manages(a actor.Actor, h Health) bool {
	return a.Can(actor.ManageAccounts, h.Account.scope())
}

func levelIcon(l Level) string {
	switch l {
	case Fine:
		return "check"
	case Soon:
		return "clock"
	case Bad:
		return "alert"
	default:
		return "pause"
	}
}

func signKind(l Level) page.CalloutKind {
	switch l {
	case Bad:
		return page.Bad
	case Soon:
		return page.Warning
	default:
		return page.Info
	}
}

// signArgs fill the sentences of a sign.
func signArgs(ctx context.Context, h Health, s Sign) []any {
	when := page.T(ctx, "account.never")
	if !s.At.IsZero() {
		when = page.Locale(ctx).Moment(s.At, page.Now(ctx))
	}
	feed := s.Feed
	if feed == "" {
		feed = network.Mentions
	}
	return []any{"when", when, "feed", i18n.Key("account.feed." + feedKeyOf(feed)), "left", s.Rate.Left, "limit", s.Rate.Limit, "name", h.Account.Name()}
}

// feedKeyOf is the catalogue's name of a feed; a connector may have one that has none.
func feedKeyOf(f network.Feed) string {
	switch f {
	case network.Mentions, network.Direct, network.Own, network.Items, feedStream, feedWatch:
		return string(f)
	}
	return other
}

// What is the sign as a sentence.
func (s Sign) What(ctx context.Context, h Health) string {
	return page.T(ctx, "account.sign."+s.Code, signArgs(ctx, h, s)...)
}

// Next is what to do about a sign; "" where a connector's own sentence says that
// already for a feed that fails.
func (s Sign) Next(ctx context.Context, h Health) string {
	if strings.HasPrefix(s.Code, "failing.") && helpful(ctx, s.Help) {
		return ""
	}
	return page.T(ctx, "account.sign."+s.Code+".next", signArgs(ctx, h, s)...)
}

// helpful reports whether a connector's sentence can be said.
func helpful(ctx context.Context, key string) bool { return key != "" && page.Locale(ctx).Has(key) }

// abilities are what is shown of an account, in the order in which people ask for it.
func abilities() []network.Ability {
	return []network.Ability{network.CanMentions, network.CanReply, network.CanPost, network.CanDirect, network.CanThread, network.CanMedia,
		network.CanWarn, network.CanLang, network.CanEdit, network.CanDelete, network.CanLike, network.CanRepost, network.CanFollow,
		network.CanMute, network.CanBlock, network.CanReport, network.CanStream, network.CanImport, network.CanMetrics}
}

// ability is one of them with its grant.
type ability struct {
	Name network.Ability
	network.Grant
}

// possible lists what the account can do, and what it cannot with the reason.
func possible(h Health) (can, cannot []ability) {
	for _, name := range abilities() {
		g, told := h.Capabilities.Can[name]
		switch {
		case g.OK:
			can = append(can, ability{name, g})
		case told && g.Why != "":
			cannot = append(cannot, ability{name, g})
		}
	}
	return can, cannot
}

// answers reports whether answers leave from here, so that they can be signed.
func answers(h Health) bool {
	return h.Capabilities.Can[network.CanReply].OK || h.Capabilities.Can[network.CanDirect].OK
}

// tokenLife says how long the sign-in lasts; "" where there is none.
func tokenLife(ctx context.Context, h Health) string {
	ends := h.TokenEnds()
	switch {
	case h.Account.State != Connected || h.Open:
		return ""
	case !ends.IsZero():
		return page.T(ctx, "account.token.until", "date", page.Locale(ctx).Date(ends))
	case h.Renews && !h.Account.Expires.IsZero():
		return page.T(ctx, "account.token.renews")
	default:
		return page.T(ctx, "account.token.lasts")
	}
}

// budget says what is left of the requests the network allows; "" if it told none.
func budget(ctx context.Context, h Health) string {
	b := h.Budget(page.Now(ctx))
	switch {
	case b.Limit == 0:
		return ""
	case b.Reset.IsZero():
		return page.T(ctx, "account.budget.open", "left", b.Left, "limit", b.Limit)
	default:
		return page.T(ctx, "account.budget", "left", b.Left, "limit", b.Limit, "when", page.Locale(ctx).Clock(b.Reset))
	}
}

// importLine is the sentence above the bar.
func importLine(ctx context.Context, p Past) string {
	if p.Oldest.IsZero() {
		return page.T(ctx, "account.import.begins")
	}
	return page.T(ctx, "account.import.reads", "date", page.Locale(ctx).Date(p.Oldest), "n", p.Found)
}

// pause says when the import goes on that the network asked to wait; "" if it need not.
func pause(ctx context.Context, p Past) string {
	if !p.Resumes.After(page.Now(ctx)) {
		return ""
	}
	return page.T(ctx, "account.import.waits", "when", page.Locale(ctx).Moment(p.Resumes, page.Now(ctx)))
}

// finishedImports is how much was found where the past is read to its end.
func finishedImports(h Health) (found int, since time.Time) {
	for _, i := range h.Imports {
		if i.Finished.IsZero() {
			continue
		}
		found += i.Found
		if since.IsZero() || i.Since.Before(since) {
			since = i.Since
		}
	}
	return found, since
}
