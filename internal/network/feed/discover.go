package feed

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"parley/internal/text"
)

// offer is a feed that a page names.
type offer struct {
	address, title string
}

// maxOffers is how many feeds of one page are looked at.
const maxOffers = 20

// offers are the feeds a page names in its Link header and its <link
// rel="alternate"> elements, in its order, those of comments last: they are
// what others say about the site, and rarely what was meant.
func offers(a answer) []offer {
	var list []offer
	add := func(base *url.URL, l link) {
		if !slices.Contains(l.rel, "alternate") || !feedType(l.kind, l.href) {
			return
		}
		o := offer{address: withoutFragment(resolve(base, l.href)), title: text.CleanLine(l.title, maxTitle)}
		if o.address == "" || len(list) >= maxOffers || slices.ContainsFunc(list, func(p offer) bool { return p.address == o.address }) {
			return
		}
		list = append(list, o)
	}
	for _, l := range headerLinks(a.header) {
		add(a.from, l)
	}
	base, links := pageLinks(toUTF8(a.body, a.contentType()), a.from)
	for _, l := range links {
		add(base, l)
	}
	slices.SortStableFunc(list, func(x, y offer) int { return x.rank() - y.rank() })
	return list
}

func (o offer) rank() int {
	s := strings.ToLower(o.title + " " + o.address)
	if strings.Contains(s, "comment") || strings.Contains(s, "kommentar") {
		return 1
	}
	return 0
}

// feedType reports a MIME type of a feed. Plain JSON is one only where the
// address says so: pages name other documents with it.
func feedType(kind, href string) bool {
	switch mimeType(kind) {
	case "application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml":
		return true
	case "application/json":
		return strings.Contains(strings.ToLower(href), "feed.json")
	}
	return false
}

// link is one link of a page or a header.
type link struct {
	href, kind, title string
	rel               []string // lower case
}

// pageLinks reads the <link> elements of a page and what they are relative to.
func pageLinks(src []byte, from *url.URL) (*url.URL, []link) {
	base := from
	var out []link
	z := html.NewTokenizer(bytes.NewReader(src[:min(len(src), 1<<20)]))
	for len(out) < 200 {
		switch z.Next() {
		case html.ErrorToken:
			return base, out
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch string(name) {
			case "base":
				if b, err := url.Parse(resolve(from, attributes(z, more)["href"])); err == nil && b.Host != "" {
					base = b
				}
			case "link":
				at := attributes(z, more)
				out = append(out, link{href: at["href"], kind: at["type"], title: at["title"], rel: relations(at["rel"])})
			}
		}
	}
	return base, out
}

// attributes of the tag the tokenizer stands on; of a repeated one the first.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	out := map[string]string{}
	for more {
		var name, value []byte
		name, value, more = z.TagAttr()
		if _, ok := out[string(name)]; !ok && len(out) < 20 {
			out[string(name)] = string(value)
		}
	}
	return out
}

func relations(rel string) []string { return strings.Fields(strings.ToLower(rel)) }

// headerLinks reads Link headers (RFC 8288, section 3).
func headerLinks(h http.Header) []link {
	var out []link
	for _, value := range h.Values("Link") {
		for value != "" && len(out) < 50 {
			_, rest, ok := strings.Cut(value, "<")
			if !ok {
				break
			}
			href, rest, ok := strings.Cut(rest, ">")
			if !ok {
				break
			}
			var params string
			params, value = untilComma(rest)
			l := link{href: href}
			if _, p, err := mime.ParseMediaType("x/y" + params); err == nil {
				l.kind, l.title, l.rel = p["type"], p["title"], relations(p["rel"])
			}
			out = append(out, l)
		}
	}
	return out
}

// untilComma cuts at the first comma outside quotes.
func untilComma(s string) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// headerLink is the first address of a relation in the Link headers.
func headerLink(a answer, rel string) string {
	for _, l := range headerLinks(a.header) {
		if slices.Contains(l.rel, rel) {
			return resolve(a.from, l.href)
		}
	}
	return ""
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

// common are places where feeds stand that no page names, most likely first.
func common(from *url.URL) []string {
	paths := []string{"/feed/", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json"}
	if dir := strings.TrimSuffix(from.Path, "/"); dir != "" {
		paths = append([]string{dir + "/feed/"}, paths[:5]...)
	}
	out := make([]string, 0, len(paths))
	for _, p := range paths {
		u := url.URL{Scheme: from.Scheme, Host: from.Host, Path: p}
		out = append(out, u.String())
	}
	return out
}
