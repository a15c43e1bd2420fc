package text_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/text"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                            "",
		" .,;!? ":                     "",
		"Hello, World!":               "hello world",
		"e-mail don't A1_b2":          "e mail don t a1 b2",
		"https://example.org/a?b=c":   "https example org a b c",
		"Straße STRASSE straße":       "strasse strasse strasse",
		"Café CAFE\u0301 ｃａｆé":        "cafe cafe cafe",
		"Ærø Łódź Đorđe İstanbul ısı": "aero lodz dorde istanbul isi",
		"ΣΊΣΥΦΟΣ σίσυφος":             "σισυφοσ σισυφοσ",
		"Йод ЁЛКА елка":               "иод елка елка",
		"ﬁx ½ x² ①":                   "fix 1 2 x2 1",
		"東京都":                         "東京 京都",
		"京":                           "京",
		"iPhone15を買う":                 "iphone15 を買 買う",
		"がカ゛ｶﾞ":                       "がカ ガ",
		"データベース":                      "デー ータ タベ ベー ース",
		"한국어 서울":                      "한국 국어 서울",
		"\u1112\u1161\u11ab국":         "한국",
		"2026年11月":                    "2026 年 11 月",
		"नमस्ते दुनिया":               "नमस्ते दुनिया",
		"مَرْحَبًا مرحبا كتـــاب":           "مرحبا مرحبا كتاب",
		"שָׁלוֹם שלום":                      "שלום שלום",
		"می\u200cخواهم so\u00adft a\u200bb": "میخواهم soft ab",
		"น้ำ":                          "น\u0e49\u0e4d\u0e32",
		"привет👋мир":                   "привет мир",
		"a\x00b\xffc":                  "a b c",
		"#TownHall @ann@there.example": "townhall ann there example",
		"٣ ३ 3":                        "٣ ३ 3",
		"\u0301x":                      "x",
		"\u093fक":                      "क",
	} {
		if got := strings.Join(text.Tokens(in), " "); got != want {
			t.Errorf("Tokens(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{strings.Repeat("ab ", 3000), strings.Repeat("äb ", 3000), strings.Repeat("漢", 3000)} {
		if n := len(text.Tokens(in)); n != text.MaxTokens {
			t.Errorf("%d tokens of %.9q…, want %d", n, in, text.MaxTokens)
		}
	}
	if got, want := text.Tokens(strings.Repeat("a", 100)), strings.Repeat("a", text.MaxToken); len(got) != 1 || got[0] != want {
		t.Errorf("a long word gives %q", got)
	}
	if got, want := text.Tokens("a"+strings.Repeat("д", 100)), "a"+strings.Repeat("д", 31); len(got) != 1 || got[0] != want {
		t.Errorf("a long word gives %q", got)
	}
}

func TestFoldEveryCharacterOnce(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		once := text.Fold(string(r))
		if twice := text.Fold(once); twice != once {
			t.Errorf("%U folds to %+q, then to %+q", r, once, twice)
		}
		if upper := text.Fold(string(unicode.ToUpper(r))); unicode.IsLetter(r) && unicode.ToLower(unicode.ToUpper(r)) == r && upper != once {
			t.Errorf("%U folds to %+q, its upper case to %+q", r, once, upper)
		}
	}
}

func TestTokensProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		got := text.Tokens(s)
		checkTokens(t, s, got)
		if upper := text.Tokens(strings.ToUpper(s)); isASCII(s) && !reflect.DeepEqual(got, upper) {
			t.Fatalf("%q gives %q, in capitals %q", s, got, upper)
		}
		// The fast way and the long way agree.
		if long := text.Tokens(s + " ä"); isASCII(s) && len(long) <= text.MaxTokens && !reflect.DeepEqual(append(got, "a"), long) {
			t.Fatalf("%q gives %q, beside an umlaut %q", s, got, long)
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func checkTokens(t failer, from string, tokens []string) {
	t.Helper()
	if len(tokens) > text.MaxTokens {
		t.Fatalf("%d tokens of %q", len(tokens), from)
	}
	for _, tok := range tokens {
		if tok == "" || len(tok) > text.MaxToken || !utf8.ValidString(tok) {
			t.Fatalf("token %q of %q", tok, from)
		}
		for i, r := range tok {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && (i == 0 || !unicode.IsMark(r)) {
				t.Fatalf("token %q of %q holds %U", tok, from, r)
			}
		}
	}
}

func FuzzTokens(f *testing.F) {
	f.Add("Hello 東京都 \"Café au lait\" don't* น้ำ ﬁ")
	f.Add("\u0301\u200d\xff“x")
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Tokens(s)
		checkTokens(t, s, got)
		if once := text.Fold(text.Clean(s)); text.Fold(once) != once {
			t.Fatalf("folding %q twice differs", s)
		}
		q := text.Query(s)
		for _, term := range q.Terms {
			if len(term.Tokens) == 0 {
				t.Fatalf("%q has an empty term", s)
			}
			checkTokens(t, s, term.Tokens)
		}
	})
}

const sentence = "The Town Hall opens at 9 on Monday, and the new counter for passports is on the second floor; please bring a photograph that is not older than six months, and write to help@town.example if it is not."

func BenchmarkTokensASCII(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		text.Tokens(sentence)
	}
}

func BenchmarkTokensGerman(b *testing.B) {
	s := strings.ReplaceAll(sentence, "o", "ö")
	b.ReportAllocs()
	for b.Loop() {
		text.Tokens(s)
	}
}

func BenchmarkTokensJapanese(b *testing.B) {
	s := strings.Repeat("東京都庁は月曜日に開く。", 6)
	b.ReportAllocs()
	for b.Loop() {
		text.Tokens(s)
	}
}

func BenchmarkHTML(b *testing.B) {
	in := `<p><span class="h-card"><a href="https://here.example/@ann" class="u-url mention">@<span>ann</span></a></span> ` + sentence + `</p>`
	b.ReportAllocs()
	for b.Loop() {
		text.HTML(in, hints)
	}
}

func BenchmarkCount(b *testing.B) {
	rule := text.Rule{Unit: text.Graphemes, Max: 500, URLWeight: 23, MentionDomainFree: true}
	b.ReportAllocs()
	for b.Loop() {
		text.Count(rule, sentence, "")
	}
}
