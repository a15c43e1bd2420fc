package feed

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

// FuzzParse: whatever arrives, what comes of it can be stored and shown.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>A</title><description>&lt;p&gt;x&lt;/p&gt;</description><pubDate>Wed, 11 Nov 2026 08:00:00 GMT</pubDate><enclosure url="a.mp3" type="audio/mpeg"/></item></channel></rss>`,
		`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><channel><title>T</title></channel><item><title>x</title></item></rdf:RDF>`,
		`<feed xmlns="http://www.w3.org/2005/Atom" xml:base="/b/"><title type="html">T</title><entry><id>1</id><content type="xhtml"><div><img src="a" alt="b"/></div></content><link href="x"/></entry></feed>`,
		`{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":1,"content_html":"<p>x","attachments":[{"url":"a","size_in_bytes":"7"}]}]}`,
		`<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head>`,
		`<rss version="2.0"><channel><item><guid>1</guid></item><item><gui`,
		`{"version":"https://jsonfeed.org/version/1","items":[{"id":"1"},{"id`,
		`<!DOCTYPE r [<!ENTITY a "&b;&b;"><!ENTITY b SYSTEM "file:///x">]><rss><channel><item><title>&a;</title></item></channel></rss>`,
		"<?xml version='1.0' encoding='iso-8859-1'?><rss><channel><item><title>caf\xe9</title></item></channel></rss>",
		"\xff\xfe<\x00r\x00s\x00s\x00/\x00>\x00",
		"<rss><channel><item><title>\x00\xff&#0;&#xFFFF;</title><description><![CDATA[]]]]><![CDATA[>]]></description></item></channel></rss>",
		`<rss><channel>` + strings.Repeat("<a>", 300),
		`<feed><entry><id>x</id><published>2999-01-01T00:00:00Z</published></entry><at:deleted-entry ref="x"/></feed>`,
	} {
		f.Add([]byte(seed), false)
	}
	from := base(f)
	now := time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)
	a := network.Account{Instance: "https://example.org/feed", RemoteID: "https://example.org/feed"}
	f.Fuzz(func(t *testing.T, src []byte, truncated bool) {
		doc, err := parse(src, "application/xml", from, truncated)
		if err != nil {
			if strings.Contains(err.Error(), "gave up") {
				t.Fatalf("a parser panicked: %v", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, it := range doc.items {
			checkPost(t, message(a, it, now).Post, now)
			if seen[it.key] {
				t.Fatalf("the key %q twice", it.key)
			}
			seen[it.key] = true
			if again := markOf(it); again.version == goneVersion {
				t.Fatal("a version that means deleted")
			}
		}
		for _, s := range []string{doc.title, doc.format, doc.author.name, doc.author.email} {
			storable(t, s)
		}
		for _, s := range []string{doc.site, doc.icon, doc.self, doc.hub, doc.older, doc.author.uri} {
			if s != "" {
				webAddress(t, s)
			}
		}
		same, err := parse(src, "application/xml", from, truncated)
		if err != nil || dump(same) != dump(doc) {
			t.Fatal("the same bytes are understood differently")
		}
	})
}

func checkPost(t *testing.T, p *network.Post, now time.Time) {
	t.Helper()
	if p.ID == "" || p.Version == "" || len(p.ID) > maxKey+100 {
		t.Fatalf("id %q, version %q", p.ID, p.Version)
	}
	for _, s := range []string{p.ID, p.URL, p.Lang, p.Text.Body, p.Author.RemoteID, p.Author.Name, p.Author.Handle} {
		storable(t, s)
	}
	if p.URL != "" {
		webAddress(t, p.URL)
	}
	if p.Created.After(now) || p.Created.Year() < 1990 {
		t.Fatalf("created %v", p.Created)
	}
	if len(p.Text.Body) > text.MaxBody || p.Author.RemoteID == "" {
		t.Fatalf("%d bytes by %q", len(p.Text.Body), p.Author.RemoteID)
	}
	at := 0
	for _, s := range p.Text.Spans {
		if s.Start < at || s.End <= s.Start || s.End > len(p.Text.Body) || !utf8.ValidString(p.Text.Body[s.Start:s.End]) {
			t.Fatalf("span %+v in %q", s, p.Text.Body)
		}
		if s.Kind == text.Link {
			webAddress(t, s.Target)
		}
		at = s.Start
	}
	if len(p.Media) > maxMedia {
		t.Fatalf("%d attachments", len(p.Media))
	}
	for _, m := range p.Media {
		webAddress(t, m.URL)
		storable(t, m.Alt)
		storable(t, m.MIME)
		if !slices.Contains([]string{"image", "video", "audio", "file"}, m.Kind) || m.Size < 0 {
			t.Fatalf("media %+v", m)
		}
	}
}

func storable(t *testing.T, s string) {
	t.Helper()
	if s != text.Clean(s) {
		t.Fatalf("cannot be stored: %q", s)
	}
}

func webAddress(t *testing.T, s string) {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		t.Fatalf("no address of the web: %q", s)
	}
	storable(t, s)
}

// FuzzTidy: what tidy writes stays as it is, in limits, and is what it was for
// documents that were in order.
func FuzzTidy(f *testing.F) {
	f.Add([]byte(`<rss><channel><item a='1' b=2 c>x &amp; y<!-- z --><![CDATA[<]]></item></channel></rss>`))
	f.Add([]byte(`<feed><entry><a><b></a></entry>`))
	f.Add([]byte(`<rss><channel><item/><item x="<`))
	f.Fuzz(func(t *testing.T, src []byte) {
		src = bytes.ToValidUTF8(src, []byte("?"))
		once, err := tidy(src, false)
		if err != nil {
			return
		}
		if bytes.Contains(once.xml, []byte("<!DOCTYPE")) || bytes.Contains(once.xml, []byte("<?")) && !bytes.Contains(once.xml, []byte("<![CDATA[")) {
			t.Fatalf("declarations got through: %q", once.xml)
		}
		twice, err := tidy(once.xml, false)
		if err != nil || twice.cut || !bytes.Equal(twice.xml, once.xml) {
			t.Fatalf("not in order after all (%v):\n%q\n%q\n%q", err, src, once.xml, twice.xml)
		}
	})
}

// FuzzPage: links of a page are addresses or nothing, and cursors never panic.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`<base href="/x/"><link rel=alternate type=application/rss+xml title=T href=feed>`), `</a>; rel="alternate"; type="application/atom+xml"`, []byte(`{"known":"AAAA"}`))
	f.Add([]byte(`<link rel=alternate type=application/rss+xml href="javascript:1">`), `<`, []byte(`{}`))
	from := base(f)
	f.Fuzz(func(t *testing.T, page []byte, header string, cursor []byte) {
		for _, o := range offers(answer{from: from, body: page, header: map[string][]string{"Link": {header}}}) {
			webAddress(t, o.address)
			storable(t, o.title)
		}
		b, ok := readCursor(network.Cursor{V: cursorVersion, Opaque: cursor})
		if ok {
			b.known()
		}
		readPast(network.Cursor{V: cursorVersion, Opaque: cursor}, "https://example.org/")
	})
}
