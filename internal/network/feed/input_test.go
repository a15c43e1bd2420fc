package feed

import (
	"strings"
	"testing"
	"unicode/utf16"

	"parley/internal/network"
	"parley/internal/text"
)

// one wraps words into a feed of one item.
func one(words string) string {
	return `<rss version="2.0"><channel><title>T</title><item><guid>1</guid><description>` + words + `</description></item></channel></rss>`
}

func utf16le(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	declare := func(enc, words string) string {
		return `<?xml version="1.0" encoding="` + enc + `"?>` + one(words)
	}
	for name, c := range map[string]struct{ body, contentType, want string }{
		"utf-8":                             {declare("UTF-8", "Blåbær"), "", "Blåbær"},
		"utf-8 with a mark":                 {"\ufeff" + one("Blåbær"), "", "Blåbær"},
		"nothing said":                      {one("Blåbær"), "", "Blåbær"},
		"latin-1 declared":                  {declare("ISO-8859-1", "Bl\xe5b\xe6r"), "", "Blåbær"},
		"windows-1252 quotes as latin-1":    {declare("iso-8859-1", "\x93ja\x94"), "", "“ja”"},
		"koi8-r declared":                   {declare("koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4"), "", "Привет"},
		"shift-jis declared":                {declare("Shift_JIS", "\x93\xfa\x96\x7b"), "", "日本"},
		"gb2312 by the server":              {one("\xc4\xe3\xba\xc3"), "text/xml; charset=gb2312", "你好"},
		"the declaration beats the server":  {declare("utf-8", "Blåbær"), "text/xml; charset=iso-8859-1", "Blåbær"},
		"latin-1 that says nothing":         {one("Bl\xe5b\xe6r"), "", "Blåbær"},
		"utf-16":                            {utf16le(declare("utf-16", "Blåbær 🫐")), "", "Blåbær 🫐"},
		"utf-16 declared, but it is not":    {declare("utf-16", "Blåbær"), "", "Blåbær"},
		"an encoding nobody knows":          {declare("x-martian", "plain"), "", "plain"},
		"utf-7 is not decoded":              {declare("utf-7", "+ADw-b+AD4-"), "", "+ADw-b+AD4-"},
		"utf-8 with broken bytes":           {declare("utf-8", "a\xffb\xc3"), "", "a\ufffdb\ufffd"},
		"zeros and controls":                {one("a\x00b\x01c&#0;d&#x1f;e&#xFFFE;f"), "", "abcdef"},
		"a surrogate":                       {one("a&#xD800;b\xed\xa0\x80c"), "text/xml; charset=utf-8", "ab\ufffdc"},
		"a character beyond Unicode":        {one("a&#x7fffffff;b&#99999999999;c"), "", "abc"},
		"marks of direction are left alone": {one("a\u202eb\u2066c"), "", "a\u202eb\u2066c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := parse([]byte(c.body), c.contentType, base(t), false)
			if err != nil || len(doc.items) != 1 {
				t.Fatalf("%d items, %v", len(doc.items), err)
			}
			if got := doc.items[0].body.Body; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAPostOfTenMegabytes(t *testing.T) {
	t.Parallel()
	doc, err := parse([]byte(one(strings.Repeat("words ", 1_600_000))), "", base(t), false)
	if err != nil || len(doc.items) != 1 {
		t.Fatalf("%d items, %v", len(doc.items), err)
	}
	if n := len(doc.items[0].body.Body); n > text.MaxBody || n < text.MaxBody-100 || !strings.HasSuffix(doc.items[0].body.Body, "…") {
		t.Errorf("%d bytes", n)
	}
}

func TestALongTitleAndLongGuid(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("g", 100_000)
	src := `<rss version="2.0"><channel><item><guid>` + long + `</guid><title>` + long + `</title><description>` + strings.Repeat("w ", text.MaxBody) + `</description></item></channel></rss>`
	doc, err := parse([]byte(src), "", base(t), false)
	if err != nil || len(doc.items) != 1 {
		t.Fatalf("%d items, %v", len(doc.items), err)
	}
	it := doc.items[0]
	if !strings.HasPrefix(it.key, "sha256:") || len(it.key) > 80 {
		t.Errorf("key %q", it.key)
	}
	if len(it.body.Body) > text.MaxBody {
		t.Errorf("%d bytes", len(it.body.Body))
	}
}

func TestTitleAndWords(t *testing.T) {
	t.Parallel()
	link := text.Span{Start: 0, End: 4, Kind: text.Link, Target: "https://e.example/"}
	for _, c := range []struct{ title, words, want string }{
		{"", "words", "words"},
		{"Title", "", "Title"},
		{"Title", "words", "Title\n\nwords"},
		{"The quick brown…", "The quick brown fox", "The quick brown fox"},
		{"The quick brown...", "The  quick\nbrown fox", "The  quick\nbrown fox"},
		{"Same", "Same", "Same"},
		{"…", "words", "…\n\nwords"},
	} {
		got := withTitle(c.title, text.Text{Body: c.words, Spans: []text.Span{link}})
		if got.Body != c.want {
			t.Errorf("%q above %q is %q, want %q", c.title, c.words, got.Body, c.want)
		}
		if len(c.words) >= 4 && got.Body[got.Spans[0].Start:got.Spans[0].End] != c.words[:4] {
			t.Errorf("the span moved to %q", got.Body[got.Spans[0].Start:got.Spans[0].End])
		}
	}
}

func TestPersons(t *testing.T) {
	t.Parallel()
	a := network.Account{Instance: "https://example.org/feed", RemoteID: "https://example.org/feed", Handle: "example.org/feed", Name: "The Feed", URL: "https://example.org/", Avatar: "https://example.org/i.png"}
	for _, c := range []struct {
		in               author
		id, name, avatar string
	}{
		{author{}, "https://example.org/feed", "The Feed", "https://example.org/i.png"},
		{author{name: "Anna"}, "name:anna", "Anna", ""},
		{author{name: "ANNA", email: "noreply@example.org"}, "name:anna", "ANNA", ""},
		{author{email: "Anna@Example.org"}, "mailto:anna@example.org", "Anna@Example.org", ""},
		{author{name: "Anna", uri: "https://anna.example/", avatar: "https://anna.example/a.png"}, "https://anna.example/", "Anna", "https://anna.example/a.png"},
	} {
		p := person(a, c.in)
		if p.RemoteID != c.id || p.Name != c.name || p.Avatar != c.avatar || p.Network != Name || p.Instance != a.Instance || p.Handle != "example.org/feed" || p.Bot {
			t.Errorf("%+v is %+v", c.in, p)
		}
	}
}

func TestSameLink(t *testing.T) {
	t.Parallel()
	same := []string{"https://example.org/a", "http://www.example.org/a/", "https://EXAMPLE.org/a?utm_source=x&utm_medium=y#top"}
	for _, s := range same {
		if sameLink(s) != sameLink(same[0]) {
			t.Errorf("%s and %s are the same page", s, same[0])
		}
	}
	for _, s := range []string{"https://example.org/b", "https://example.org/a?id=1", "https://other.example/a", "", "nothing"} {
		if sameLink(s) == sameLink(same[0]) {
			t.Errorf("%s and %s are two pages", s, same[0])
		}
	}
}
