package text_test

import (
	"strings"
	"testing"

	"parley/internal/text"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "",
		" * \"\" \"*\" -- ":          "",
		"Hello World":                "hello & world",
		`"town hall" open`:           "town hall & open",
		"pass*":                      "pass*",
		`"new pass"* x`:              "new pass* & x",
		`"never closed`:              "never closed",
		`a"b c"d`:                    "a & b c & d",
		"„unter uns“ «entre nous»":   "unter uns & entre nous",
		"e-mail e-ma*":               "e mail & e ma*",
		"東京都":                        "東京 京都",
		"京":                          "京*",
		"น้":                         "น้*",
		"a京":                         "a 京*",
		"not or and near":            "not & or & and & near",
		`x:* & | ! <-> ( ) ' \ ^ "*`: "x*",
		"Müller":                     "muller",
		"@ann@there.example":         "ann there example",
	} {
		var terms []string
		for _, term := range text.Query(in).Terms {
			s := strings.Join(term.Tokens, " ")
			if term.Prefix {
				s += "*"
			}
			terms = append(terms, s)
		}
		if got := strings.Join(terms, " & "); got != want {
			t.Errorf("Query(%q) is %q, want %q", in, got, want)
		}
		if text.Query(in).IsZero() != (want == "") {
			t.Errorf("Query(%q).IsZero is wrong", in)
		}
	}
}

func TestQueryIsBounded(t *testing.T) {
	t.Parallel()
	q := text.Query(strings.Repeat("a ", 1_000_000))
	if len(q.Terms) != 16 {
		t.Errorf("%d terms", len(q.Terms))
	}
	q = text.Query(`"` + strings.Repeat("a ", 1_000_000))
	if len(q.Terms) != 1 || len(q.Terms[0].Tokens) != 32 {
		t.Errorf("%d terms", len(q.Terms))
	}
}
