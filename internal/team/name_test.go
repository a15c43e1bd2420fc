package team

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"parley/internal/problem"
)

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Anna Mertens":               "Anna Mertens",
		"  Anna \t\n Mertens ":       "Anna Mertens",
		"Zoe\u0308":                  "Zoë",
		"مریم\u200cالسادات":          "مریم\u200cالسادات", // with a zero width non-joiner
		"李雷":                         "李雷",
		"👩‍💻 Kim":                    "👩‍💻 Kim",
		"\u202eannA":                 "annA",
		"A\u2066nn\u2069a\u200b":     "Anna",
		"An\x00na":                   "Anna",
		"\ufeffAnna\u200e":           "Anna",
		"Anna\u2028Mertens":          "Anna Mertens",
		strings.Repeat("a", maxName): strings.Repeat("a", maxName),
	} {
		got, err := cleanName(in, "name")
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for in, code := range map[string]string{
		"":                              "team.name_empty",
		" \u200b\u202e\x00 ":            "team.name_empty",
		"\u200d\u200c":                  "team.name_empty",
		"\u0301\u0301":                  "team.name_empty",
		"\xff\xfe":                      "team.name_unreadable",
		strings.Repeat("a", maxName+1):  "team.name_long",
		strings.Repeat("a", 10_000_000): "team.name_long",
	} {
		if _, err := cleanName(in, "name"); !problem.Is(err, code) {
			t.Errorf("%.20q: got %v, want %s", in, err, code)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"Anna", "\u202eannA", "a\x00b", "\xff", "👩‍💻", "Zoe\u0308", "A\u202e\u0308"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := cleanName(s, "name")
		if err != nil {
			return
		}
		if !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\n\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") ||
			utf8.RuneCountInString(name) > maxName || strings.TrimFunc(name, unicode.IsSpace) != name {
			t.Fatalf("%q became %q", s, name)
		}
		if again, err := cleanName(name, "name"); err != nil || again != name {
			t.Fatalf("%q cleaned again is %q, %v", name, again, err)
		}
	})
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]address{
		"Anna.Mertens@Example.ORG":  {"Anna.Mertens@example.org", "anna.mertens@example.org"},
		" anna+press@example.org\n": {"anna+press@example.org", "anna+press@example.org"},
		"anna@bücher.example":       {"anna@xn--bcher-kva.example", "anna@bücher.example"},
		"ａｎｎａ@example.org":          {"anna@example.org", "anna@example.org"}, // full width
		"анна@example.org":          {"анна@example.org", "ahha@example.org"},
		"用户@example.org":            {"用户@example.org", "用户@example.org"},
		"root@localhost":            {"root@localhost", "root@localhost"},
	} {
		got, err := parseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "anna", "@example.org", "anna@", "anna@example", "an na@example.org", "anna@exa mple.org",
		"anna@example.org, bob@example.org", "Anna <anna@example.org>", ".anna@example.org", "an..na@example.org", "anna@-.org",
		"an\x00na@example.org", "anna\xff@example.org", "an\u202ena@example.org", "anna@example.org\u202e",
		strings.Repeat("a", 65) + "@example.org", "a@" + strings.Repeat("a.", 130) + "org", strings.Repeat("@", 1_000_000)} {
		if got, err := parseAddress(in); !problem.Is(err, "team.email") {
			t.Errorf("%.60q: got %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"аnna@example.org", "annа@example.org", "αnna@example.org"} { // one letter is not Latin
		if got, err := parseAddress(in); !problem.Is(err, "team.email_mixed") {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
}

func TestAddressesThatLookAlikeAreOne(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"oceah@example.org", "осеан@example.org"},    // Cyrillic
		{"BOB@example.org", "вов@example.org"},        // Cyrillic capitals
		{"anna@apple.example", "anna@аррӏе.example"},  // the domain
		{"STRASSE@example.org", "straße@example.org"}, // case folding
	} {
		x, err := parseAddress(pair[0])
		y, err2 := parseAddress(pair[1])
		if err != nil || err2 != nil || x.folded != y.folded {
			t.Errorf("%q and %q: %q, %q (%v, %v)", pair[0], pair[1], x.folded, y.folded, err, err2)
		}
	}
	x, _ := parseAddress("anna@example.org")
	y, _ := parseAddress("anne@example.org")
	if x.folded == y.folded {
		t.Error("two different addresses are one")
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"anna@example.org", "анна@пример.example", "a@b", "\x00@\xff", "ａ@example.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := parseAddress(s)
		if err != nil {
			return
		}
		again, err := parseAddress(a.shown)
		if err != nil || again != a {
			t.Fatalf("%q became %q, and that %q, %v", s, a, again, err)
		}
		if strings.ContainsAny(a.shown, "\x00\u202e<> \n") || len(a.shown) > maxAddress*5 || a.folded == "" {
			t.Fatalf("%q became %q", s, a)
		}
	})
}

func TestSlugOf(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Town Hall":                "town-hall",
		"Universität Gent":         "universitaet-gent",
		"Łódź / Øresund":           "lodz-oresund",
		"  !!! ":                   "workspace",
		"东京":                       "workspace",
		strings.Repeat("a b ", 40): "a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b",
	} {
		if got := slugOf(in); got != want && !(len(in) > 100 && len(got) <= 31) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLimitsGrowAndEnd(t *testing.T) {
	t.Parallel()
	l := limit{free: 5, most: 900_000_000_000}
	last := l.wait(0)
	for n := 1; n < 5000; n++ {
		d := l.wait(n)
		if d < last || d > l.most || n <= l.free && d != 0 || n > l.free && d == 0 {
			t.Fatalf("after %d tries the wait is %v, after %d it was %v", n, d, n-1, last)
		}
		last = d
	}
	if last != l.most {
		t.Errorf("the longest wait is %v", last)
	}
}

func TestNetworkIsWhatOneAttackerHolds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7",
		"::ffff:192.0.2.7":     "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"":                     "",
		"pipe":                 "",
	} {
		if got := network(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
