package feed

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// base is where every document of these tests came from.
func base(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse("https://example.org/news/feed.xml")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Each file in testdata/parse holds a document and how it is understood.
func TestParse(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/parse/*.txtar")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d documents, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(b), "-- in --\n")
			in, want, ok := strings.Cut(rest, "-- want --\n")
			if !ok {
				t.Fatal("want the parts in and want")
			}
			doc, err := parse([]byte(in), "", base(t), false)
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(doc); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// dump is a document as readable text, without what is empty.
func dump(d document) string {
	var b strings.Builder
	line := func(name string, v any) {
		if s := fmt.Sprint(v); s != "" && s != "0s" && s != "false" {
			fmt.Fprintf(&b, "%s: %s\n", name, s)
		}
	}
	line("format", d.format)
	line("title", d.title)
	line("site", d.site)
	line("icon", d.icon)
	line("lang", d.lang)
	line("self", d.self)
	line("hub", d.hub)
	line("older", d.older)
	line("ttl", d.ttl)
	line("cut", d.cut)
	for _, g := range d.gone {
		line("gone", g.key+" "+date(g.at))
	}
	for _, it := range d.items {
		line("\nitem", it.key)
		line("  link", it.link)
		line("  lang", it.lang)
		line("  by", strings.TrimSpace(strings.Join([]string{it.author.name, it.author.uri, it.author.email, it.author.avatar}, " ")))
		line("  published", date(it.published))
		line("  updated", date(it.updated))
		line("  says", fmt.Sprintf("%q", it.body.Body))
		for _, s := range it.body.Spans {
			line("  span", fmt.Sprintf("%s %q %s", s.Kind, it.body.Body[s.Start:s.End], s.Target))
		}
		for _, m := range it.media {
			line("  media", strings.TrimSpace(fmt.Sprintf("%s %s %s %dx%d %d %q", m.Kind, m.MIME, m.URL, m.Width, m.Height, m.Size, m.Alt)))
		}
	}
	return b.String()
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
