package conversation

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"parley/internal/actor"
	"parley/internal/id"
)

func TestANoteIsShownAsPlainlyAsItIsMeant(t *testing.T) {
	t.Parallel()
	names := map[id.ID]string{7: "Ben <b>Okoro"}
	for body, want := range map[string]string{
		"Ask **the** `<@0000000000007>` first": "<p>Ask <strong>the</strong> <code>&lt;@0000000000007&gt;</code> first</p>\n",
		"<@0000000000007>, please":             `<p><span class="note-mention">@Ben &lt;b&gt;Okoro</span>, please</p>` + "\n",
		"<@0000000000008> left":                "<p> left</p>\n",
		"# Careful":                            "<p><strong>Careful</strong></p>\n",
		"<script>alert(1)</script>":            "\n",
		"![a cat](https://far.example/c.png)":  `<p><a href="https://far.example/c.png" rel="nofollow noreferrer noopener" target="_blank">a cat</a></p>` + "\n",
		"https://far.example/a":                `<p><a href="https://far.example/a" rel="nofollow noreferrer noopener" target="_blank">https://far.example/a</a></p>` + "\n",
		"[no](javascript:alert(1))":            "<p>no</p>\n",
		"[no](/inbox)":                         "<p>no</p>\n",
		"1. one\n2. two":                       "<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n",
		"a\n\n> b":                             "<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n",
	} {
		if got := rendered(body, names); got != want {
			t.Errorf("%q becomes\n%q, want\n%q", body, got, want)
		}
	}
}

// team is three colleagues of whom two have the same name.
func namesakes() []Colleague {
	return []Colleague{{Actor: actor.Actor{Member: 1, Name: "Ana Lima"}}, {Actor: actor.Actor{Member: 2, Name: "Ben Okoro"}},
		{Actor: actor.Actor{Member: 3, Name: "Ben Okoro"}}, {Actor: actor.Actor{Member: 4, Name: "Jörg"}}}
}

func TestANameIsAMentionWhereItIsMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		words, want string
		chosen      []id.ID
	}{
		{words: "@Ana Lima knows", want: "<@0000000000001> knows"},
		{words: "@ana: knows", want: "<@0000000000001>: knows"},
		{words: "@Anabel knows", want: "@Anabel knows"},
		{words: "@JÖRG", want: "<@0000000000004>"},
		{words: "ana@lima.example", want: "ana@lima.example"},
		{words: "`@Ana`", want: "`@Ana`"},
		{words: "**@Ana** and > @Ana Lima", want: "**<@0000000000001>** and > <@0000000000001>"},
		{words: "@Ben Okoro", want: "@Ben Okoro"}, // which one?
		{words: "@Ben Okoro", want: "<@0000000000003>", chosen: []id.ID{3}},
		{words: "@Ben", want: "<@0000000000002>", chosen: []id.ID{2}},
	} {
		body, members := addressed(c.words, byName(namesakes(), c.chosen))
		if body != c.want || len(members) > 0 != (strings.Contains(c.want, "<@")) {
			t.Errorf("%q becomes %q and mentions %v, want %q", c.words, body, members, c.want)
		}
	}
	if got := written("<@0000000000001> and <@0000000000009>", map[id.ID]string{1: "Ana Lima"}); got != "@Ana Lima and <@0000000000009>" {
		t.Errorf("in the form stands %q", got)
	}
}

// Whatever somebody types, what is shown has no script, no picture, no address but
// of the web and mail, no attribute that acts; and it is the same whether it was
// stored once or changed without a change.
func FuzzNote(f *testing.F) {
	for _, s := range []string{"<img src=x onerror=alert(1)>", "[a](javascript:x)", "![x](data:text/html,1)", "@Ana Lima <@0000000000001>", "`<@0000000000001>`",
		"<@0000000000001", "[@Ana](https://a.example \"@Ana\")", "&lt;script&gt;", "\x00<svg/onload=1>", "- [ ] a\n\t@Ana", "<a href='vbscript:1'>@Ana</a>"} {
		f.Add(s)
	}
	names := map[id.ID]string{1: "Ana <i>Lima", 4: "Jörg"}
	known := regexp.MustCompile(`^(p|br|strong|em|del|code|pre|blockquote|ul|ol|li|hr|span|a)$`)
	f.Fuzz(func(t *testing.T, words string) {
		body, _ := addressed(words, byName(namesakes(), nil))
		again, _ := addressed(body, byName(namesakes(), nil))
		if again != body {
			t.Errorf("%q became %q and then %q", words, body, again)
		}
		z := html.NewTokenizer(strings.NewReader(rendered(body, names)))
		for z.Next() != html.ErrorToken {
			token := z.Token()
			if token.Type == html.TextToken {
				continue
			}
			if !known.MatchString(token.Data) {
				t.Errorf("%q shows a %s", words, token.Data)
			}
			for _, a := range token.Attr {
				switch {
				case a.Key == "href" && (strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "mailto:")):
				case a.Key == "rel" || a.Key == "target" || a.Key == "start" || a.Key == "class" && a.Val == "note-mention":
				default:
					t.Errorf("%q shows %s=%q", words, a.Key, a.Val)
				}
			}
			if token.Data == "a" && token.Type == html.StartTagToken && !strings.Contains(token.String(), "noreferrer") {
				t.Errorf("%q tells where it is read: %s", words, token)
			}
		}
	})
}
