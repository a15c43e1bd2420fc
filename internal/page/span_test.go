package page_test

import (
	"context"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"parley/internal/page"
	"parley/internal/text"
)

func rendered(t text.Text) string {
	var b strings.Builder
	if err := page.TextWithSpans(t).Render(context.Background(), &b); err != nil {
		panic(err)
	}
	return b.String()
}

func TestTextWithSpans(t *testing.T) {
	t.Parallel()
	const rel = ` rel="noopener noreferrer nofollow" target="_blank">`
	for name, c := range map[string]struct {
		in   text.Text
		want string
	}{
		"plain":                        {text.Text{Body: `a <b> & "c"`}, `a &lt;b&gt; &amp; &#34;c&#34;`},
		"a link":                       {text.Text{Body: "see a.example/x", Spans: []text.Span{{Start: 4, End: 15, Kind: text.Link, Target: "https://a.example/x"}}}, `see <a class="link" href="https://a.example/x"` + rel + `a.example/x</a>`},
		"a lie":                        {text.Text{Body: "bank.example", Spans: []text.Span{{End: 12, Kind: text.Link, Target: "https://evil.example/"}}}, `<a class="link" href="https://evil.example/"` + rel + `bank.example</a><span class="true-host"> (evil.example)</span>`},
		"a near lie":                   {text.Text{Body: "a.example.evil.example", Spans: []text.Span{{End: 22, Kind: text.Link, Target: "https://a.example/"}}}, `<a class="link" href="https://a.example/"` + rel + `a.example.evil.example</a><span class="true-host"> (a.example)</span>`},
		"script":                       {text.Text{Body: "click", Spans: []text.Span{{End: 5, Kind: text.Link, Target: "javascript:alert(1)"}}}, "click"},
		"quotes in a target":           {text.Text{Body: "x", Spans: []text.Span{{End: 1, Kind: text.Mention, Target: `https://a.example/"onclick="x`}}}, `<a class="mention" href="https://a.example/%22onclick=%22x"` + rel + `x</a>`},
		"a mention without an address": {text.Text{Body: "@ana hi", Spans: []text.Span{{End: 4, Kind: text.Mention, Target: "did:plc:x"}}}, `<span class="mention">@ana</span> hi`},
		"a tag in a quote":             {text.Text{Body: "ab #c d", Spans: []text.Span{{End: 5, Kind: text.Quote}, {Start: 3, End: 5, Kind: text.Tag, Target: "c"}}}, `<span class="quote">ab <span class="hashtag">#c</span></span> d`},
		"past the end":                 {text.Text{Body: "ab", Spans: []text.Span{{Start: 1, End: 9, Kind: text.Code}}}, "ab"},
		"negative":                     {text.Text{Body: "ab", Spans: []text.Span{{Start: -1, End: 1, Kind: text.Code}}}, "ab"},
		"inside a letter":              {text.Text{Body: "é", Spans: []text.Span{{Start: 0, End: 1, Kind: text.Code}}}, "é"},
		"crossing":                     {text.Text{Body: "abcd", Spans: []text.Span{{End: 3, Kind: text.Code}, {Start: 2, End: 4, Kind: text.Strike}}}, "<code>abc</code>d"},
		"an unknown kind":              {text.Text{Body: "ab", Spans: []text.Span{{End: 1, Kind: "blink"}}}, "ab"},
	} {
		if got := rendered(c.in); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// Whatever the spans are, the words come out unchanged and nothing but our own
// few elements appears.
func TestTextWithAnySpans(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := text.Text{Body: rapid.StringOfN(rapid.SampledFrom([]rune(`ab<&">é漢👩 /`)), 0, 30, -1).Draw(t, "body")}
		for range rapid.IntRange(0, 5).Draw(t, "spans") {
			in.Spans = append(in.Spans, text.Span{
				Start:  rapid.IntRange(-2, len(in.Body)+2).Draw(t, "start"),
				End:    rapid.IntRange(-2, len(in.Body)+2).Draw(t, "end"),
				Kind:   rapid.SampledFrom([]text.SpanKind{text.Link, text.Mention, text.Tag, text.Quote, text.Code, text.Strike, "x"}).Draw(t, "kind"),
				Target: rapid.SampledFrom([]string{"", "https://a.example/<x>\"", "javascript:x", "a b", "http://"}).Draw(t, "target"),
			})
		}
		doc, err := html.ParseFragment(strings.NewReader(rendered(in)), &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div})
		if err != nil {
			t.Fatal(err)
		}
		var words strings.Builder
		for _, n := range doc {
			read(t, n, &words)
		}
		if got := words.String(); got != in.Body || !utf8.ValidString(got) {
			t.Fatalf("%q came out as %q", in.Body, got)
		}
	})
}

func read(t *rapid.T, n *html.Node, words *strings.Builder) {
	if n.Type == html.TextNode {
		words.WriteString(n.Data)
		return
	}
	if n.Type == html.ElementNode {
		for _, a := range n.Attr {
			if a.Key == "class" && a.Val == "true-host" {
				return
			}
			if a.Key == "href" && !strings.HasPrefix(a.Val, "http") {
				t.Fatalf("address %q", a.Val)
			}
		}
		if !strings.Contains(" html head body a span code s ", " "+n.Data+" ") {
			t.Fatalf("element %s", n.Data)
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		read(t, c, words)
	}
}
