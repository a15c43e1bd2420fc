package conversation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/conversation"
	"parley/internal/problem"
	"parley/internal/text"
)

// reading is a query as text, so that a table says what was understood.
func reading(q conversation.Query) string {
	var all []string
	add := func(name string, ts ...text.Term) {
		for _, t := range ts {
			s := name + strings.Join(t.Tokens, "+")
			if t.Prefix {
				s += "*"
			}
			all = append(all, s)
		}
	}
	add("", q.Words...)
	add("-", q.Not...)
	add("from:", q.From...)
	for name, values := range map[string][]string{"account:": q.Accounts, "network:": q.Networks, "lang:": q.Langs} {
		for _, v := range values {
			all = append(all, name+v)
		}
	}
	if q.Us {
		all = append(all, "us")
	}
	if q.Kind != "" {
		all = append(all, string(q.Kind))
	}
	if q.Media {
		all = append(all, "media")
	}
	for name, t := range map[string]time.Time{"since ": q.Since, "until ": q.Until} {
		if !t.IsZero() {
			all = append(all, name+t.Format("2006-01-02 15:04 MST"))
		}
	}
	if len(all) > 1 && (strings.HasPrefix(all[0], "until") || strings.HasPrefix(all[len(all)-1], "since")) {
		all[len(all)-2], all[len(all)-1] = all[len(all)-1], all[len(all)-2]
	}
	return strings.Join(all, " ")
}

func TestParseQuery(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 1, 30, 0, 0, berlin) // the clocks went forward yesterday
	for in, want := range map[string]string{
		"":                           "",
		"Hello  World":               "hello world",
		`"Hello World" -bye`:         "hello+world -bye",
		`-"good bye" wel*`:           "wel* -good+bye",
		"e-mail - -- *":              "e+mail",
		"From:@Bea@far.example x":    "x from:bea+far+example",
		`from:"Bea Lund" from:ca*`:   "from:bea+lund from:ca*",
		"from:us":                    "us",
		"account:@Town in:DIRECT":    "account:town direct",
		"network:Mastodon has:media": "network:mastodon media",
		"lang:de lang:pt-BR":         "lang:de lang:pt-br",
		"on:2026-03-29":              "since 2026-03-29 00:00 CET until 2026-03-30 00:00 CEST",
		"on:yesterday":               "since 2026-03-29 00:00 CET until 2026-03-30 00:00 CEST",
		"before:2026-03-29":          "until 2026-03-29 00:00 CET",
		"after:today":                "since 2026-03-30 00:00 CEST",
		"on:2026-02":                 "since 2026-02-01 00:00 CET until 2026-03-01 00:00 CET",
		"on:2025":                    "since 2025-01-01 00:00 CET until 2026-01-01 00:00 CET",
		"after:2026-01 on:2026-02":   "since 2026-02-01 00:00 CET until 2026-03-01 00:00 CET",
		"https://there.example/a":    "https+there+example+a",
		"10:30 Re:hello":             "10+30 re+hello",
		`"from:bea"`:                 "from+bea",
		"from bea":                   "from bea",
		"東京都":                        "東京+京都",
	} {
		q, err := conversation.ParseQuery(in, now, false)
		if got := reading(q); err != nil || got != want {
			t.Errorf("%q is read as %q, %v, want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"from:":                         "search.no_value filter=from",
		"bridge from: bea":              "search.no_value filter=from",
		"from:!":                        "search.no_value filter=from",
		"-from:bea":                     "search.no_without filter=from",
		"form:bea":                      "search.no_filter filter=form like=from",
		"befor:2026":                    "search.no_filter filter=befor like=before",
		"accounts:x":                    "search.no_filter filter=accounts like=account",
		"in:private":                    "search.no_in value=private",
		"has:link":                      "search.no_has value=link",
		"lang:german!":                  "search.no_lang value=german!",
		"on:monday":                     "search.no_date today=2026-03-30 value=monday",
		"on:2026-02-30":                 "search.no_date today=2026-03-30 value=2026-02-30",
		"after:2026-03 before:2026-02":  "search.no_day",
		strings.Repeat("x", 1001):       "search.too_long",
		strings.Repeat("x ", 17):        "search.too_long",
		strings.Repeat("from:bea ", 17): "search.too_long",
		strings.Repeat("-x ", 9) + "a b c d e f g h": "search.too_long",
	} {
		_, err := conversation.ParseQuery(in, now, false)
		p := problem.Of(err)
		if p == nil || p.Kind != problem.Invalid || p.Field != "q" {
			t.Errorf("%q: %v", in, err)
			continue
		}
		got := p.Code
		for _, k := range []string{"filter", "like", "today", "value"} {
			if v, ok := p.Args[k]; ok {
				got += fmt.Sprintf(" %s=%v", k, v)
			}
		}
		if got != want {
			t.Errorf("%q is refused with %q, want %q", in, got, want)
		}
	}
}

// The word under the cursor may be unfinished; what stands between marks, is short
// or is followed by a space is meant as it is.
func TestWhatIsBeingTyped(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"muse": "muse*", "muse ": "muse", "the muse": "the muse*", "mu": "mu", `"muse"`: "muse", `"the muse`: "the+muse",
		"-muse": "-muse", "from:bea": "from:bea", "e-mail": "e+mail*", "mus*": "mus*", "": "", "muse !": "muse"} {
		q, err := conversation.ParseQuery(in, start, true)
		if got := reading(q); err != nil || got != want {
			t.Errorf("%q is read as %q, %v, want %q", in, got, err, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{`from:"bea lund" -x "a b"* 東京 on:2026-03`, "before:", "in:direct\tlang:de", "-“a”", "a:b:c", "\u2028from:x"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, typing bool) {
		q, err := conversation.ParseQuery(s, start, typing)
		if err != nil {
			if p := problem.Of(err); p.Kind != problem.Invalid || !strings.HasPrefix(p.Code, "search.") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		for _, term := range append(append(append([]text.Term{}, q.Words...), q.Not...), q.From...) {
			if len(term.Tokens) == 0 {
				t.Fatalf("%q has a term of nothing", s)
			}
			for _, token := range term.Tokens {
				if token == "" || strings.ContainsAny(token, " '\"\\:*&|!()<>-") || !utf8.ValidString(token) {
					t.Fatalf("%q has the token %q", s, token)
				}
			}
		}
	})
}
