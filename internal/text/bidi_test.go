package text_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/text"
)

func TestDisplaySafe(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain … text":                         "plain … text",
		"photo\u202egpj.exe":                   "photogpj.exe",
		"photo\u202egpj\u202c.exe":             "photogpj.exe",
		"\u202dleft\u202c":                     "left",
		"\u202bעברית\u202c ok":                 "\u202bעברית\u202c ok",
		"\u202bעברית":                          "עברית",
		"ok\u202c":                             "ok",
		"\u2067שם\u2069!":                      "\u2067שם\u2069!",
		"\u2068open":                           "open",
		"end\u2069":                            "end",
		"\u202bopen\nnext\u202c":               "open\nnext",
		"\u2067a\u202bb\u2069c\u202c":          "\u2067ab\u2069c",
		"\u202ba\u2067b\u202cc\u2069d\u202c":   "\u202ba\u2067bc\u2069d\u202c",
		"\u200e\u200f\u061c":                   "\u200e\u200f\u061c",
		"\u2066\u202ex\u202c\u2069":            "\u2066x\u2069",
		strings.Repeat("\u202a", 200) + "deep": "deep",
	} {
		if got := text.DisplaySafe(in); got != want {
			t.Errorf("DisplaySafe(%+q) is %+q, want %+q", in, got, want)
		}
	}
}

func TestIsolate(t *testing.T) {
	t.Parallel()
	if got, want := text.Isolate("a\u202eb\nc\u2069"), "\u2068ab c\u2069"; got != want {
		t.Errorf("%+q, want %+q", got, want)
	}
}

// TestDisplaySafeBalances holds the rule itself: in every line each opening
// character has its end, and there is no override.
func TestDisplaySafeBalances(t *testing.T) {
	t.Parallel()
	parts := rapid.SampledFrom([]string{"\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "a", "ש", "\n"})
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(parts, 0, 30).Draw(t, "parts")
		in := strings.Join(pieces, "")
		got := text.DisplaySafe(in)
		for _, line := range strings.Split(got, "\n") {
			var open []rune
			for _, r := range line {
				switch r {
				case '\u202d', '\u202e':
					t.Fatalf("%+q of %+q holds an override", got, in)
				case '\u202a', '\u202b', '\u2066', '\u2067', '\u2068':
					open = append(open, r)
				case '\u202c', '\u2069':
					if len(open) == 0 || (open[len(open)-1] >= '\u2066') != (r == '\u2069') {
						t.Fatalf("%+q of %+q closes what is not open", got, in)
					}
					open = open[:len(open)-1]
				}
			}
			if len(open) > 0 {
				t.Fatalf("%+q of %+q stays open", got, in)
			}
		}
		if strings.Count(got, "a") != strings.Count(in, "a") || strings.Count(got, "ש") != strings.Count(in, "ש") {
			t.Fatalf("%+q of %+q lost words", got, in)
		}
	})
}

func TestDisplaySafeMovesSpans(t *testing.T) {
	t.Parallel()
	in := text.HTML("\u202e<blockquote>\u202b\u202c\u202ea <a href=\"https://a.example/\">b\u202cc</a></blockquote>d\u2069", text.Hints{})
	got := in.DisplaySafe()
	checkText(t, in.Body, got)
	want := "\n\n[quote|\u202b\u202ca [link https://a.example/|bc]]\n\nd"
	if s := spell(got); s != want {
		t.Errorf("%+q, want %+q", s, want)
	}
}
