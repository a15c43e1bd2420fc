package people

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var known = map[string]bool{"desk": true, "staff": true, "said": true, "old": true, "author": true, "startday": true, "today": true}

var refs = regexp.MustCompile(`\{([^{}]*)\}`)

// Every word a text refers to exists, in the form it asks for; brackets close;
// every topic can be opened, explained and answered.
func TestGrammars(t *testing.T) {
	t.Parallel()
	gs, err := grammars([]string{"en", "de", "es", "fr", "tr", "ja", "ar"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gs {
		checkLists(t, g, nil, g.lists)
		for _, tp := range g.topics {
			checkLists(t, g, tp, tp.lists)
			for _, name := range []string{"thing", "open", "detail", "reply", "deskq"} {
				if tp.lists[name] == nil {
					t.Errorf("%s: topic %s has no %q", g.lang, tp.name, name)
				}
			}
			for _, open := range tp.lists["open"].items {
				if !strings.Contains(open, "{thing") && !strings.Contains(open, "{street") && !tp.fix {
					t.Errorf("%s: %s opens without a noun to come back to: %s", g.lang, tp.name, open)
				}
			}
			if tp.warn && tp.lists["warning"] == nil {
				t.Errorf("%s: topic %s warns of nothing", g.lang, tp.name)
			}
		}
		if n := len(g.lists["dayname"].items); n != 7 {
			t.Errorf("%s: %d days in the week", g.lang, n)
		}
		for _, move := range []string{"greet", "ask", "remind", "remind2", "giveup", "thanks", "fixed", "broken", "curt", "answerq", "again", "metoo", "comment", "ps", "joke", "desk.ask", "desk.pass"} {
			if g.lists[move] == nil {
				t.Errorf("%s has no %q", g.lang, move)
			}
		}
	}
}

func checkLists(t *testing.T, g *grammar, tp *topic, lists map[string]*list) {
	t.Helper()
	for name, l := range lists {
		for _, item := range l.items {
			if !utf8.ValidString(item) || item == "" || strings.Count(item, "<") != strings.Count(item, ">") || strings.Count(item, "{") != strings.Count(item, "}") {
				t.Errorf("%s: %s: %q is not well formed", g.lang, name, item)
			}
			for _, m := range refs.FindAllStringSubmatch(item, -1) {
				checkRef(t, g, tp, name, m[1])
			}
			if l.kind == kept && l.forms != nil && len(split(item, '/')) != len(l.forms) {
				t.Errorf("%s: %s: %q has not the forms %v", g.lang, name, item, l.forms)
			}
		}
	}
}

// checkRef resolves a reference as every topic would that can use the list.
func checkRef(t *testing.T, g *grammar, tp *topic, in, ref string) {
	t.Helper()
	name, form, _ := strings.Cut(ref, ".")
	if known[name] {
		if g.form(nil, form) < 0 {
			t.Errorf("%s: %s asks for the form %q of %q", g.lang, in, form, name)
		}
		return
	}
	topics := g.topics
	if tp != nil {
		topics = []*topic{tp}
	}
	for _, o := range topics {
		l := g.find(o, ref)
		if l != nil {
			continue
		}
		if l = g.find(o, name); l == nil {
			if name != "more" && name != "deskq" { // a topic may have none
				t.Errorf("%s: %s speaks of %q, which topic %s does not know", g.lang, in, ref, o.name)
			}
			continue
		}
		i := g.form(l, form)
		if i < 0 {
			t.Errorf("%s: %s asks for the form %q of %q", g.lang, in, form, name)
			continue
		}
		if l.kind == free {
			continue
		}
		for _, item := range l.items {
			if i > 0 && i >= len(split(item, '/')) {
				t.Errorf("%s: %s needs form %q of %q", g.lang, in, form, item)
			}
		}
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"@townhall Hello, it's 4.80 now. Really?": "hello its 480 now|really",
		"“We come…” settles it.":                  "we come settles it",
		"¿De verdad?, dijo él. Sí…":               "de verdad|dijo él|sí",
		"一つ目。二つ目":                                 "一つ目|二つ目",
		"🙂":                                       "",
		"3.º B, por favor":                        "3º b por favor",
	} {
		if got := strings.Join(Sentences(text), "|"); got != want {
			t.Errorf("Sentences(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestUnderstand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want reading
	}{
		{"Noted.", reading{curt: true, said: "Noted"}},
		{"Thank you for writing. We come on Friday at 10.\n– Mara", reading{said: "We come on Friday at 10", staff: "Mara"}},
		{"@lina Which side is it on?\n\n— Jonas K.", reading{question: true, said: "Which side is it on", staff: "Jonas K."}},
		{"", reading{}},
		{"ご連絡ありがとうございます。明日の朝に担当の者がそちらへ伺います。", reading{said: "明日の朝に担当の者がそちらへ伺います"}},
	} {
		if got := understand(c.text); got != c.want {
			t.Errorf("understand(%q) = %+v, want %+v", c.text, got, c.want)
		}
	}
}

// Whatever a member writes, a quotation of it is short and of one line.
func FuzzUnderstand(f *testing.F) {
	f.Add("Thank you. We come on Friday.\n– Mara")
	f.Add("@a @b https://x.example ???…\u0000\xff")
	f.Fuzz(func(t *testing.T, s string) {
		r := understand(s)
		if strings.Contains(r.said, "\n") || utf8.RuneCountInString(r.said) > 400 {
			t.Errorf("would quote %q", r.said)
		}
	})
}
