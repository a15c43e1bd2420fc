package text

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// index is Hints made ready for looking up.
type index struct {
	quoted   bool
	base     *url.URL
	mentions []MentionHint
	byURL    map[string]int    // canonical address → position in mentions
	byName   map[[2]string]int // host and user name → position in mentions
	tags     map[string]string // folded name → name
	tagURLs  map[string]string // canonical address → name
}

func newIndex(h Hints) index {
	x := index{
		quoted: h.Quoted, mentions: h.Mentions,
		byURL: map[string]int{}, byName: map[[2]string]int{},
		tags: map[string]string{}, tagURLs: map[string]string{},
	}
	if u, err := url.Parse(h.Base); err == nil && web(u) {
		x.base = u
	}
	for i, m := range h.Mentions {
		if u, ok := parse(m.URL, nil); ok {
			user, _, _ := strings.Cut(strings.TrimPrefix(m.Acct, "@"), "@")
			x.byURL[canonical(u)] = i
			x.byName[[2]string{bareHost(u.Hostname()), strings.ToLower(user)}] = i
		}
	}
	for _, t := range h.Tags {
		name := strings.TrimPrefix(Clean(t.Name), "#")
		if name == "" {
			continue
		}
		x.tags[Fold(name)] = name
		if u, ok := parse(t.URL, nil); ok {
			x.tagURLs[canonical(u)] = name
		}
	}
	return x
}

// anchor is what a link turned out to be. An empty kind is no link at all.
type anchor struct {
	kind   SpanKind
	target string
	name   string // mention, tag: what the network calls it
	host   string // link: where it really leads
}

func (x index) anchor(attrs map[string]string) anchor {
	u, ok := parse(attrs["href"], x.base)
	if !ok {
		return anchor{}
	}
	if hasClass(attrs, "hashtag") || slices.Contains(strings.Fields(attrs["rel"]), "tag") {
		if name, ok := x.tag(u); ok {
			return anchor{kind: Tag, target: name, name: name}
		}
	} else if hasClass(attrs, "mention") {
		if m, ok := x.mention(u); ok {
			a := anchor{kind: Mention, target: Clean(m.ID), name: CleanLine(strings.TrimPrefix(m.Acct, "@"), 512)}
			if a.target == "" {
				a.target = u.String()
			}
			if a.name != "" {
				return a
			}
		}
	}
	return anchor{kind: Link, target: u.String(), host: u.Hostname()}
}

// tag finds a tag by its address, or by the last part of it: servers list a tag
// with their own address while the author's server linked to its own.
func (x index) tag(u *url.URL) (string, bool) {
	if name, ok := x.tagURLs[canonical(u)]; ok {
		return name, true
	}
	name, ok := x.tags[Fold(lastPart(u))]
	return name, ok
}

// mention finds a person by their address, or by host and user name, since one
// person has several addresses on one host.
func (x index) mention(u *url.URL) (MentionHint, bool) {
	if i, ok := x.byURL[canonical(u)]; ok {
		return x.mentions[i], true
	}
	name := strings.ToLower(strings.TrimPrefix(lastPart(u), "@"))
	if i, ok := x.byName[[2]string{bareHost(u.Hostname()), name}]; ok && name != "" {
		return x.mentions[i], true
	}
	return MentionHint{}, false
}

func lastPart(u *url.URL) string {
	path := strings.TrimRight(u.Path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// label is what stands in the text for a link whose own words are given.
func (a anchor) label(words string) string {
	switch a.kind {
	case Mention:
		return "@" + a.name
	case Tag:
		if Fold(strings.TrimLeft(words, "#＃")) == Fold(a.name) {
			return words
		}
		return "#" + a.name
	}
	if words == "" {
		return a.target
	}
	if host := claimedHost(words); host != "" && !sameHost(host, a.host) {
		return words + " (" + a.host + ")"
	}
	return words
}

// claimedHost is the host that a link's words make a reader expect; "" if they
// are no address.
func claimedHost(words string) string {
	if n := scheme(words); n > 0 {
		host := words[n:]
		if i := strings.IndexAny(host, "/?#: \n…"); i >= 0 {
			host = host[:i]
		}
		return host
	}
	n := hostLen(words)
	if n == 0 || n < len(words) && !strings.HasPrefix(words[n:], ellipsis) && !strings.ContainsRune("/?#:", rune(words[n])) {
		return ""
	}
	return words[:n]
}

func sameHost(a, b string) bool {
	return bareHost(a) == bareHost(b)
}

func bareHost(h string) string {
	h = strings.TrimPrefix(strings.ToLower(h), "www.")
	if ascii, err := idna.Lookup.ToASCII(h); err == nil {
		return ascii
	}
	return h
}

// parse reads an address of the web. Others, javascript: above all, are none.
func parse(href string, base *url.URL) (*url.URL, bool) {
	href = strings.TrimSpace(href)
	if href == "" || len(href) > maxTarget {
		return nil, false
	}
	u, err := url.Parse(href)
	if err != nil {
		return nil, false
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	return u, web(u)
}

func web(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return false
	}
	return strings.IndexFunc(u.Host, func(r rune) bool { return unicode.Is(unicode.Cf, r) }) < 0
}

// canonical makes addresses of the same page compare equal, as far as that can
// be told from outside.
func canonical(u *url.URL) string {
	return strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/") + "?" + u.RawQuery
}
