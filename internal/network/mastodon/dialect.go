package mastodon

import (
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

// Dialect is which server software speaks the Mastodon API.
type Dialect string

// The dialects that are told apart. Unknown gets the strictest rule of each kind.
const (
	Mastodon   Dialect = "mastodon"
	GoToSocial Dialect = "gotosocial"
	Pleroma    Dialect = "pleroma" // and its descendant Akkoma
	Pixelfed   Dialect = "pixelfed"
	Snac       Dialect = "snac"
	Unknown    Dialect = "unknown"
)

// dialectOf reads software.name of a nodeinfo document. The version string is
// no help: Pleroma, GoToSocial and snac may all claim to be Mastodon there.
func dialectOf(software string) Dialect {
	switch name := strings.ToLower(strings.TrimSpace(software)); name {
	case "akkoma":
		return Pleroma
	case string(Mastodon), string(GoToSocial), string(Pleroma), string(Pixelfed), string(Snac):
		return Dialect(name)
	default:
		return Unknown
	}
}

// traits are what is known of a dialect and not told by the server.
type traits struct {
	title string // what people call the software; "" where its own name is shown

	keyed        bool // a repeated Idempotency-Key is answered with the first result
	whole        bool // lists come as one newest page, without a way to page forward
	includeTypes bool // notifications are filtered by include_types[] instead of types[]
	ownDirect    bool // the list of one's own posts shows direct ones too
	looksAtReply bool // a reply to a post that is gone is refused, not posted elsewhere
	htmlMissing  bool // a 404 is an HTML page, so its body proves nothing

	posts, directs, threads, edits, mutes, reports, streams bool

	scopes       string // asked for on the consent page
	unit         text.Unit
	shortens     bool // addresses and remote handles count less than their length
	defaultMax   int
	visibilities []network.Visibility
}

func (d Dialect) traits() traits {
	const granular = "read write:statuses write:media write:favourites write:follows write:mutes write:blocks write:reports"
	four := []network.Visibility{network.Public, network.Unlisted, network.Followers, network.DirectTo}
	t := traits{
		posts: true, directs: true, threads: true, edits: true, mutes: true, reports: true, streams: true,
		scopes: granular, unit: text.CodePoints, defaultMax: 500, visibilities: four,
	}
	switch d {
	case Mastodon:
		t.title, t.keyed, t.ownDirect, t.looksAtReply = "Mastodon", true, true, true
		t.unit, t.shortens = text.Graphemes, true
	case GoToSocial:
		t.title, t.ownDirect, t.looksAtReply, t.defaultMax = "GoToSocial", true, true, 5000
	case Pleroma:
		t.title, t.includeTypes, t.defaultMax = "Pleroma", true, 5000
	case Pixelfed:
		t.title, t.scopes = "Pixelfed", "read write follow"
		t.posts, t.directs, t.threads, t.edits, t.reports, t.streams = false, false, false, false, false, false
		t.visibilities = four[:3]
	case Snac:
		t.title, t.scopes, t.whole, t.htmlMissing = "snac", "read write", true, true
		t.mutes, t.reports, t.streams = false, false, false
	default:
		t.scopes, t.edits, t.reports = "read write", false, false
	}
	return t
}

// rule is how the server counts, from what it told and what is known of it.
func (s server) rule() text.Rule {
	t := s.Dialect.traits()
	r := text.Rule{Unit: t.unit, Max: s.MaxChars, CWCounts: true}
	if t.shortens {
		r.URLWeight, r.MentionDomainFree = s.URLWeight, true
	}
	return r
}

// visibility turns Parley's word into the API's.
func visibility(v network.Visibility) string {
	switch v {
	case network.Public, network.Unlisted:
		return string(v)
	case network.Followers:
		return "private"
	default:
		return "direct"
	}
}

// heard turns the API's word into Parley's. A word not known here (mutuals_only,
// list:…) counts as direct, so that no answer can be wider than what it answers;
// Pleroma's local is seen by one server only, which is nearest to followers.
func heard(v string) network.Visibility {
	switch v {
	case "public", "unlisted":
		return network.Visibility(v)
	case "private", "local":
		return network.Followers
	default:
		return network.DirectTo
	}
}

// width orders visibilities; smaller is wider.
func width(v network.Visibility) int {
	switch v {
	case network.Public:
		return 0
	case network.Unlisted:
		return 1
	case network.Followers:
		return 2
	default:
		return 3
	}
}
