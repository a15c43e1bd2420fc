package feed

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/mmcdole/gofeed/atom"
	"github.com/mmcdole/gofeed/rss"

	"parley/internal/network"
	"parley/internal/text"
)

// document is one feed as it was served, whatever its format.
type document struct {
	format string // "RSS 2.0", for operators
	title  string
	site   string // address of what the feed is about
	icon   string
	lang   string
	author author

	self    string // rel="self": the WebSub topic
	hub     string // rel="hub"
	older   string // where older items stand (RFC 5005); "" if not offered
	ttl     time.Duration
	updated time.Time

	items []item
	gone  []tombstone
	cut   bool // there was more than was read
}

// item is one entry. Times are what the feed said, zero if it did not.
type item struct {
	key       string // the network's id of it: Ref.ID
	link      string
	body      text.Text
	lang      string
	author    author
	media     []network.Media
	published time.Time
	updated   time.Time
	version   string // hash of the content: Ref.Version
}

// tombstone is a deleted entry (RFC 6721).
type tombstone struct {
	key string
	at  time.Time
}

// author is somebody named by a feed or an entry.
type author struct {
	name, uri, email, avatar string
}

func (a author) isZero() bool { return a.name == "" && a.uri == "" && a.email == "" }

// raw is an entry before its words are made plain text.
type raw struct {
	id        string // guid or atom:id; "" if there is none
	link      string
	title     string
	titleHTML bool // the format allows markup in titles
	content   string
	html      bool // content is markup, not plain text
	lang      string
	author    author
	media     []network.Media
	published *time.Time
	updated   *time.Time
}

// parse reads a feed of any format. base is the address it came from; truncated
// says that body was cut at the size limit. The error is errNoFeed for anything
// that is no feed at all, and else says why this one cannot be read.
func parse(body []byte, contentType string, base *url.URL, truncated bool) (doc document, err error) {
	// The parsers of the library are not ours, and this is the one place where
	// somebody else's input could otherwise end the whole program.
	defer func() {
		if p := recover(); p != nil {
			doc, err = document{}, fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	src := toUTF8(body, contentType)
	switch first := bytes.TrimLeft(src, " \t\r\n"); {
	case bytes.HasPrefix(first, []byte("{")):
		return parseJSON(src, base)
	case bytes.HasPrefix(first, []byte("<")):
		return parseXML(src, base, truncated)
	}
	return document{}, errNoFeed
}

func parseXML(src []byte, base *url.URL, truncated bool) (document, error) {
	t, err := tidy(src, truncated)
	if err != nil {
		return document{}, err
	}
	var doc document
	var entries []raw
	if t.root == "feed" {
		f, err := (&atom.Parser{}).Parse(bytes.NewReader(t.xml))
		if err != nil {
			return document{}, fmt.Errorf("reading Atom: %w", err)
		}
		doc, entries = fromAtom(f, base)
	} else {
		f, err := (&rss.Parser{}).Parse(bytes.NewReader(t.xml))
		if err != nil {
			return document{}, fmt.Errorf("reading RSS: %w", err)
		}
		doc, entries = fromRSS(f, base)
	}
	doc.cut = t.cut
	return finish(doc, entries, base), nil
}

func parseJSON(src []byte, base *url.URL) (document, error) {
	f, err := readJSON(src)
	if err != nil {
		return document{}, err
	}
	doc, entries := fromJSON(f, base)
	return finish(doc, entries, base), nil
}

// Lengths of what a feed says of itself, in bytes.
const (
	maxTitle = 300
	maxURL   = 2048
)

// finish cleans what the formats have in common and makes the items.
func finish(doc document, entries []raw, base *url.URL) document {
	doc.format = text.CleanLine(doc.format, 40)
	doc.title = plainLine(doc.title, maxTitle)
	doc.site = resolve(base, doc.site)
	doc.icon = resolve(base, doc.icon)
	doc.self = resolve(base, doc.self)
	doc.hub = resolve(base, doc.hub)
	doc.older = resolve(base, doc.older)
	doc.lang = languageTag(doc.lang)
	doc.author = doc.author.clean(base)
	keys := keysOf(entries)
	doc.items = make([]item, 0, len(entries))
	taken := make(map[string]int, len(entries))
	for i, e := range entries {
		it := e.item(base)
		it.key = keys[i]
		if it.lang == "" {
			it.lang = doc.lang
		}
		if it.author.isZero() {
			it.author = doc.author
		}
		// The same key twice is two versions of one entry: the newer counts
		// (RFC 4287, section 4.1.2).
		if at, ok := taken[it.key]; ok {
			if it.updated.After(doc.items[at].updated) {
				doc.items[at] = it
			}
			continue
		}
		taken[it.key] = len(doc.items)
		doc.items = append(doc.items, it)
	}
	return doc
}

func (a author) clean(base *url.URL) author {
	return author{
		name:   text.CleanLine(a.name, 200),
		uri:    resolve(base, a.uri),
		email:  text.CleanLine(a.email, 254),
		avatar: resolve(base, a.avatar),
	}
}

// resolve makes an address absolute; what is none, too long, or leads anywhere
// but to http(s) becomes "".
func resolve(base *url.URL, ref string) string {
	ref = strings.TrimSpace(ref)
	if ref == "" || len(ref) > maxURL {
		return ""
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	s := text.Clean(u.String())
	if len(s) > maxURL {
		return ""
	}
	return s
}
