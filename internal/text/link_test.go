package text_test

import (
	"strings"
	"testing"

	"parley/internal/text"
)

func TestLinkify(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nothing: here":                  "nothing: here",
		"@ann hi":                        "[mention ann|@ann] hi",
		"hi @bob@b.example.":             "hi [mention bob@b.example|@bob@b.example].",
		"@ann.bsky.example, you":         "[mention ann.bsky.example|@ann.bsky.example], you",
		"a@b.example":                    "a@b.example",
		"(@ann)":                         "([mention ann|@ann])",
		"@ann@@bob":                      "@ann@[mention bob|@bob]",
		"see https://a.example/b?c=d#e.": "see [link https://a.example/b?c=d#e|https://a.example/b?c=d#e].",
		"https://a.example/x_(y), z":     "[link https://a.example/x_(y)|https://a.example/x_(y)], z",
		"(https://a.example/x)":          "([link https://a.example/x|https://a.example/x])",
		"javascript:alert(1)//https":     "javascript:alert(1)//https",
		"https://user:pw@a.example/":     "https://user:pw@a.example/",
		"https://@evil.example":          "https://@evil.example",
		"http://192.0.2.1/x http://[::1]/ http://localhost/": "http://192.0.2.1/x http://[::1]/ http://localhost/",
		"#tag #日本語 #1 #a1 ＃全角":                               "[tag tag|#tag] [tag 日本語|#日本語] #1 [tag a1|#a1] [tag 全角|＃全角]",
		"a#b &#39; /#x =#y":                                  "a#b &#39; /#x =#y",
		"#_":                                                 "#_",
		"#ab·cd·":                                            "[tag ab·cd|#ab·cd]·",
		"https://a.example/@ann/#tag":                        "[link https://a.example/@ann/#tag|https://a.example/@ann/#tag]",
		"bad\xffhttps://a.example":                           "bad\ufffd[link https://a.example|https://a.example]",
		"見てhttps://a.example/漢字 を":                           "見て[link https://a.example/漢字|https://a.example/漢字] を",
	} {
		got := text.Linkify(in)
		checkText(t, in, got)
		if s := spell(got); s != want {
			t.Errorf("Linkify(%q)\n got %q\nwant %q", in, s, want)
		}
	}
}

// TestLinkifyIsLinear would not end in time if any of these were quadratic.
func TestLinkifyIsLinear(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"https://a.example/(", "https://a.example/((", "@a@", "@a.", "#a·", "#1", "https://a.", "h", "https://a.example?!", "a."} {
		in := strings.Repeat(part, 1<<20/len(part))
		got := text.Linkify(in)
		if got.Body != in {
			t.Errorf("the body of %q changed", part)
		}
	}
}

func FuzzLinkify(f *testing.F) {
	f.Add("hi @bob@b.example, see https://a.example/x_(y)?z#w and #tag")
	f.Add("https://xn--a.xn--b/(((＠\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Linkify(s)
		checkText(t, s, got)
		if got.Body != text.Clean(s) {
			t.Fatalf("the body of %q is %q", s, got.Body)
		}
	})
}
