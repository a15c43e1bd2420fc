package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/text"
)

// marked puts what was found between brackets.
func marked(s string, found []text.Range) string {
	var b strings.Builder
	at := 0
	for _, r := range found {
		b.WriteString(s[at:r.Start] + "[" + s[r.Start:r.End] + "]")
		at = r.End
	}
	return b.String() + s[at:]
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, in, want string }{
		{"bridge", "Is the Bridge open? BRIDGES are not.", "Is the [Bridge] open? BRIDGES are not."},
		{"bridg*", "Bridges, bridge-head", "[Bridges], [bridge]-head"},
		{`"the bridge"`, "the bridge or The  bridge, not the old bridge", "[the bridge] or [The  bridge], not the old bridge"},
		{"strasse", "Die Straße, die STRASSE", "Die [Straße], die [STRASSE]"},
		{"cafe", "Un café\u0301 et un cafe\u0301.", "Un [café\u0301] et un [cafe\u0301]."},
		{"ﬁsh", "ﬁsh & fish", "[ﬁsh] & [fish]"},
		{"soft", "so\u00adft", "[so\u00adft]"},
		{"京", "東京都の京都", "東[京]都の[京]都"},
		{"東京都", "ここは東京都です", "ここは[東京都]です"},
		{"한국", "대한국민", "대[한국]민"},
		{"कि", "किताब कि", "किताब [कि]"},
		{"שלום", "שָׁלוֹם עולם", "[שָׁלוֹם] עולם"},
		{"e-mail", "An e-mail, an e mail", "An [e-mail], an [e mail]"},
		{"absent", "nothing here", "nothing here"},
		{"a b", "a b c", "[a] [b] c"},
	} {
		got := marked(c.in, text.Find(c.in, text.Query(c.query).Terms))
		if got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.in, got, c.want)
		}
	}
}

// Wherever the tokens say that a term is there, its place is told, and what stands
// there has the term in it.
func TestWhatIsThereIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]string{"Straße", "café", "cafe\u0301", "東京都", "京", "ﬁn", "x", "שָׁלוֹם", "नमस्ते", "a\u00adb", "İ", "ǅ", "가나", "\u1100\u1161", "10,5", "…", "👩‍👩‍👧", "@ann"})
		body := strings.Join(rapid.SliceOfN(words, 1, 12).Draw(t, "body"), rapid.SampledFrom([]string{" ", "", "\n", "-"}).Draw(t, "between"))
		term, ok := text.ParseTerm(words.Draw(t, "term") + rapid.SampledFrom([]string{"", "*"}).Draw(t, "star"))
		if !ok {
			return
		}
		found := text.Find(body, []text.Term{term})
		if there := term.In(text.Tokens(body)); there != (len(found) > 0) {
			t.Fatalf("%v is in %q: %t, found at %v", term, body, there, found)
		}
		for _, r := range found {
			if !border(body, r.Start) || !border(body, r.End) || !term.In(text.Tokens(body[r.Start:r.End])) {
				t.Fatalf("%v is not at %v of %q", term, r, body)
			}
		}
	})
}

func FuzzFind(f *testing.F) {
	f.Add("Die Straße 東京都", "strasse 京*")
	f.Add("a\u0301\u0301b", `"a b`)
	f.Fuzz(func(t *testing.T, body, query string) {
		body = text.Clean(body)
		at := 0
		found := text.Find(body, text.Query(query).Terms)
		for _, r := range found {
			if r.Start < at || r.End <= r.Start || r.End > len(body) || !border(body, r.Start) || !border(body, r.End) {
				t.Fatalf("%v of %q", found, body)
			}
			at = r.End + 1
		}
		cut, inside := text.Excerpt(body, found, 40)
		if !utf8.ValidString(cut) || len(cut) > 40+6 && len(cut) > len(body) {
			t.Fatalf("%q is cut to %q", body, cut)
		}
		for _, r := range inside {
			if r.Start < 0 || r.End > len(cut) || !border(cut, r.Start) || !border(cut, r.End) {
				t.Fatalf("%v of %q", inside, cut)
			}
		}
	})
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("lorem ipsum ", 30) + "the heron stands " + strings.Repeat("dolor sit ", 30)
	found := text.Find(body, text.Query("heron").Terms)
	cut, inside := text.Excerpt(body, found, 80)
	if got := marked(cut, inside); !strings.Contains(got, "the [heron] stands") || !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "…") || len(cut) > 90 {
		t.Errorf("%q", got)
	}
	if cut, inside := text.Excerpt("short heron", text.Find("short heron", text.Query("heron").Terms), 80); marked(cut, inside) != "short [heron]" {
		t.Errorf("%q %v", cut, inside)
	}
}
