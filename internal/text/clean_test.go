package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"parley/internal/text"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "",
		"plain":                   "plain",
		"two\nlines\tand a tab":   "two\nlines\tand a tab",
		"dos\r\nand mac\rlines":   "dos\nand mac\nlines",
		"nul\x00bell\x07del\x7f":  "nulbelldel",
		"c1\u0080\u009fnel\u0085": "c1nel\n",
		"bad\xff\xfe\xc3":         "bad\ufffd\ufffd\ufffd",
		"surrogate\xed\xa0\x80":   "surrogate\ufffd\ufffd\ufffd",
		"\u200fשלום\u202e":        "\u200fשלום\u202e",
		"e\u0301 stays":           "e\u0301 stays",
		"漢字 👩‍💻":                  "漢字 👩‍💻",
	} {
		if got := text.Clean(in); got != want {
			t.Errorf("Clean(%q) is %q, want %q", in, got, want)
		}
	}
}

// TestCleanCopiesNothingClean runs alone: allocations are counted for the whole
// process.
func TestCleanCopiesNothingClean(t *testing.T) {
	s := strings.Repeat("clean – text ", 100)
	if n := testing.AllocsPerRun(10, func() { text.Clean(s) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCleanLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"  Ann \n of\u00a0\tTown\x00 ", 100, "Ann of Town"},
		{"1234567890", 10, "1234567890"},
		{"12345678901", 10, "1234567…"},
		{" \n ", 10, ""},
	} {
		if got := text.CleanLine(c.in, c.max); got != c.want {
			t.Errorf("CleanLine(%q, %d) is %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	family := "👨‍👩‍👧‍👦"
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"short", 5, "short"},
		{"longer", 5, "lo…"},
		{"one two", 7, "one two"},
		{"one two three", 7, "one…"},
		{"é漢é", 6, "é…"},
		{"a" + family + "b", 26, "a…"},
		{"a" + family + "bcdef", 29, "a" + family + "…"},
		{family + "x", 10, "👨\u200d…"},
		{"🇩🇪🇫🇷🇬🇧", 15, "🇩🇪…"},
		{"abc", 2, ""},
	} {
		if got := text.Cut(c.in, c.max); got != c.want {
			t.Errorf("Cut(%q, %d) is %q, want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestCutProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := rapid.IntRange(0, 40).Draw(t, "max")
		got := text.Cut(s, n)
		if len(got) > n && got != "" {
			t.Fatalf("%q is longer than %d", got, n)
		}
		if !utf8.ValidString(got) {
			t.Fatalf("%q is no UTF-8", got)
		}
		if got != s && got != "" && !strings.HasPrefix(s, strings.TrimSuffix(got, "…")) {
			t.Fatalf("%q does not begin %q", got, s)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("a\r\n\x00\xff\u0085\u202e")
	f.Add("\xc2")
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Clean(%q) is no UTF-8: %q", s, got)
		}
		for _, r := range got {
			if r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("Clean(%q) holds %U", s, r)
			}
		}
		if again := text.Clean(got); again != got {
			t.Fatalf("Clean twice: %q, then %q", got, again)
		}
		safe := text.DisplaySafe(got)
		if again := text.DisplaySafe(safe); again != safe {
			t.Fatalf("DisplaySafe twice: %q, then %q", safe, again)
		}
	})
}
