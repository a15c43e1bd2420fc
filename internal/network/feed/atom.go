package feed

import (
	"net/url"
	"strings"
	"time"

	"github.com/mmcdole/gofeed/atom"
	ext "github.com/mmcdole/gofeed/extensions"
)

// fromAtom reads Atom 1.0 (RFC 4287) and 0.3.
func fromAtom(f *atom.Feed, base *url.URL) (document, []raw) {
	doc := document{
		format:  strings.TrimSpace("Atom " + f.Version),
		title:   f.Title,
		site:    linkOf(f.Links, "alternate"),
		icon:    firstOf(f.Icon, f.Logo),
		lang:    f.Language,
		self:    linkOf(f.Links, "self"),
		hub:     linkOf(f.Links, "hub"),
		older:   firstOf(linkOf(f.Links, "prev-archive"), linkOf(f.Links, "next")),
		ttl:     syndication(f.Extensions),
		updated: timeOf(f.UpdatedParsed),
		gone:    tombstones(f.Extensions),
	}
	doc.author = atomAuthor(f.Authors)
	entries := make([]raw, 0, len(f.Entries))
	for _, e := range f.Entries {
		entries = append(entries, atomEntry(e, base))
	}
	return doc, entries
}

func atomEntry(e *atom.Entry, base *url.URL) raw {
	r := raw{
		id:        e.ID,
		link:      linkOf(e.Links, "alternate"),
		title:     e.Title,
		titleHTML: true,
		author:    atomAuthor(e.Authors),
		published: e.PublishedParsed,
		updated:   e.UpdatedParsed,
	}
	if r.author.isZero() && e.Source != nil {
		r.author = atomAuthor(e.Source.Authors)
	}
	switch c := e.Content; {
	case c != nil && c.Src == "" && strings.TrimSpace(c.Value) != "":
		r.content, r.html = c.Value, markup(c.Type, c.Value)
	default:
		r.content, r.html = e.Summary, markup("", e.Summary)
	}
	media := collector{base: base}
	for _, l := range e.Links {
		if l.Rel == "enclosure" {
			media.enclosure(l.Href, l.Type, l.Length)
		}
	}
	media.extension(e.Extensions)
	r.media = media.media
	return r
}

// markup reports content that is HTML. The type says so; without one it is
// plain text by RFC 4287, section 3.1.1, but many feeds leave it out in front
// of HTML, and reading tags aloud helps nobody.
func markup(kind, content string) bool {
	switch kind = strings.ToLower(kind); {
	case strings.Contains(kind, "html"):
		return true
	case kind == "" || kind == "text" || kind == "text/plain":
		return looksHTML(content)
	}
	return strings.HasPrefix(strings.TrimSpace(content), "<")
}

func atomAuthor(list []*atom.Person) author {
	for _, p := range list {
		if a := (author{name: p.Name, uri: p.URI, email: p.Email}); !a.isZero() {
			return a
		}
	}
	return author{}
}

// linkOf is the first link of a relation.
func linkOf(links []*atom.Link, rel string) string {
	for _, l := range links {
		if l.Href != "" && strings.EqualFold(l.Rel, rel) {
			return l.Href
		}
	}
	return ""
}

// tombstones reads at:deleted-entry (RFC 6721, section 3).
func tombstones(e ext.Extensions) []tombstone {
	var out []tombstone
	for _, prefix := range []string{"at", "http://purl.org/atompub/tombstones/1.0"} {
		for _, d := range e[prefix]["deleted-entry"] {
			at, err := time.Parse(time.RFC3339, strings.TrimSpace(d.Attrs["when"]))
			if err != nil {
				at = time.Time{}
			}
			if ref := cleanKey(d.Attrs["ref"]); ref != "" {
				out = append(out, tombstone{key: ref, at: at})
			}
		}
	}
	return out
}

func firstOf(list ...string) string {
	for _, s := range list {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
