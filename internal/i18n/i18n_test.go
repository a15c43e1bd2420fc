package i18n_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"parley/internal/i18n"
	"parley/internal/problem"
)

func files(names map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, body := range names {
		m["catalogue/"+name] = &fstest.MapFile{Data: []byte(body)}
	}
	return m
}

func bundle(t *testing.T, names map[string]string) *i18n.Bundle {
	t.Helper()
	b, err := i18n.NewBundle(files(names))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var polish = `{"greet": "Witaj, {name}", "cats": {"one": "{n} kot", "few": "{n} koty", "many": "{n} kotów", "other": "{n} kota"}}`

func TestNewBundleRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"a key of another package":  {`{"time.now": "jetzt"}`, "two catalogues"},
		"an open brace":             {`{"a": "hello {name"}`, "without its }"},
		"a closing brace":           {`{"a": "hello name}"}`, "without its {"},
		"an empty hole":             {`{"a": "hello {}"}`, "without a plain name"},
		"a plural without other":    {`{"a": {"one": "x"}}`, `without "other"`},
		"an unknown plural form":    {`{"a": {"other": "x", "lots": "y"}}`, "lots"},
		"a list":                    {`{"a": ["x"]}`, "neither"},
		"something that isn't JSON": {`{`, "JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := i18n.NewBundle(files(map[string]string{"en.json": c.body}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want an error about %q", err, c.want)
			}
		})
	}
}

func TestT(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{
		"en.json": `{"greet": "Hello, {name}", "cats": {"one": "{n} cat", "other": "{n} cats"}, "only": "English", "of": "{a} of {b}"}`,
		"pl.json": polish,
	}).Strict()
	en, pl := b.Locale("en", nil), b.Locale("pl", nil)
	for _, c := range []struct{ got, want string }{
		{en.T("greet", "name", "Ana"), "Hello, Ana"},
		{en.T("greet", "name", "יוסף"), "Hello, \u2068יוסף\u2069"},
		{en.T("greet", "name", "a\u202eb"), "Hello, \u2068a\u202eb\u2069"},
		{en.T("cats", "n", 1), "1 cat"},
		{en.T("cats", "n", 0), "0 cats"},
		{en.T("cats", "n", int64(12345)), "12,345 cats"},
		{pl.T("cats", "n", 1), "1 kot"},
		{pl.T("cats", "n", 3), "3 koty"},
		{pl.T("cats", "n", 5), "5 kotów"},
		{pl.T("cats", "n", 1000000003), "1\u00a0000\u00a0000\u00a0003 koty"},
		{pl.T("only"), "English"},
		{en.T("of", "a", i18n.Key("only"), "b", 2.5), "English of 2.5"},
		{b.Locale("xx", nil).T("only"), "English"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestMissingIsLoudInTestsAndQuietInProduction(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{"en.json": `{"hole": "a {b}"}`})
	var log bytes.Buffer
	quiet := b.Logging(slog.New(slog.NewTextHandler(&log, nil))).Locale("en", nil)
	for range 3 {
		if got := quiet.T("nowhere"); got != "nowhere" {
			t.Errorf("got %q, want the key", got)
		}
		if got := quiet.T("hole"); got != "a {b}" {
			t.Errorf("got %q, want the hole left open", got)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d log lines, want one for the key and one for the hole:\n%s", n, log.String())
	}
	for _, key := range []string{"nowhere", "hole"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("strict bundle said %q without complaint", key)
				}
			}()
			b.Strict().Locale("en", nil).T(key)
		}()
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{"en.json": `{
		"problem.full": "The box {name} is full.", "problem.full.next": "Empty it, {name}.",
		"problem.kind.gone": "It is gone.", "problem.kind.gone.next": "Go on."}`})
	l := b.Locale("en", nil)
	what, next := l.Problem(problem.New(problem.Conflict, "full", "name", "A"))
	if what != "The box A is full." || next != "Empty it, A." {
		t.Errorf("got %q, %q", what, next)
	}
	what, next = l.Problem(problem.New(problem.Gone, "unheard.of"))
	if what != "It is gone." || next != "Go on." {
		t.Errorf("a code without entries: got %q, %q", what, next)
	}
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{"en.json": `{}`, "pl.json": `{}`, "pt-BR.json": `{}`})
	for _, c := range []struct{ header, preferred, want string }{
		{"", "", "en"},
		{"pl", "", "pl"},
		{"pl-PL,pl;q=0.9,en;q=0.5", "", "pl"},
		{"de, pl;q=0.4", "", "pl"},
		{"ja", "", "en"},
		{"en-XA", "", "en"}, // nobody stumbles into the pseudo-locale
		{"pl", i18n.Pseudo, i18n.Pseudo},
		{"pl", "en", "en"},
		{"pl", "nonsense", "pl"},
		{"%%%;;q", "", "en"},
		{strings.Repeat("pl,", 5000), "", "en"},
	} {
		if got := b.Negotiate(c.header, c.preferred); got != c.want {
			t.Errorf("Negotiate(%.30q, %q) = %q, want %q", c.header, c.preferred, got, c.want)
		}
	}
}

func FuzzNegotiate(f *testing.F) {
	b, err := i18n.NewBundle(files(map[string]string{"pl.json": `{}`}))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "pl;q=1", "*", "en-US,en;q=0.5", "x-y-z;q=2,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := b.Negotiate(header); got != "en" && got != "pl" {
			t.Errorf("Negotiate(%q) = %q", header, got)
		}
	})
}

func TestTimes(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	l := bundle(t, nil).Strict().Locale("en", berlin)
	now := time.Date(2026, 11, 22, 14, 5, 0, 0, time.UTC) // a Sunday, 15:05 in Berlin
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const day = 24 * time.Hour
	for _, c := range []struct{ got, want string }{
		{l.Short(ago(30*time.Second), now), "now"},
		{l.Short(ago(-30*time.Second), now), "now"},
		{l.Short(ago(5*time.Minute), now), "5m"},
		{l.Short(ago(3*time.Hour), now), "3h"},
		{l.Short(ago(-3*time.Hour), now), "18:05"},
		{l.Short(ago(2*day), now), "Fri"},
		{l.Short(ago(8*day), now), "14 Nov"},
		{l.Short(ago(400*day), now), "18 Oct 2025"},
		{l.Short(ago(-3*day), now), "25 Nov"},
		{l.Moment(now, now), "15:05"},
		{l.Moment(ago(15*time.Hour+10*time.Minute), now), "yesterday 23:55"},
		{l.Moment(ago(-day), now), "tomorrow 15:05"},
		{l.Moment(ago(2*day), now), "Fri 15:05"},
		{l.Moment(ago(30*day), now), "23 Oct 16:05"}, // summer time then
		{l.Moment(ago(400*day), now), "18 Oct 2025 16:05"},
		{l.Day(now, now), "Today"},
		{l.Day(ago(day), now), "Yesterday"},
		{l.Day(ago(5*day), now), "Tuesday 17 November"},
		{l.Day(ago(400*day), now), "18 Oct 2025"},
		{l.Exact(now), "Sunday 22 November 2026, 15:05 CET"},
		{l.Ago(ago(10*time.Second), now), "just now"},
		{l.Ago(ago(time.Minute), now), "a minute ago"},
		{l.Ago(ago(3*day), now), "3 days ago"},
		{l.Ago(ago(-3*time.Hour), now), "in 3 hours"},
		{l.Span(time.Second), "1 minute"},
		{l.Span(26 * time.Hour), "26 hours"},
		{l.Span(90 * day), "3 months"},
		{l.Exact(time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)), "Monday 1 January 1601, 00:53 LMT"},
		{l.Date(time.Date(2999, 12, 31, 12, 0, 0, 0, time.UTC)), "31 Dec 2999"},
		{l.Bytes(512), "512 bytes"},
		{l.Bytes(1_400_000), "1.4 MB"},
		{l.Percent(0.256), "26%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// Whatever the times are, nothing is empty and nothing panics.
func TestTimesOfAnyAge(t *testing.T) {
	t.Parallel()
	l := bundle(t, nil).Strict().Locale("en", nil)
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(-1e10, 3e10).Draw(t, "now"), 0)
		then := time.Unix(rapid.Int64Range(-1e10, 3e10).Draw(t, "then"), 0)
		for _, s := range []string{l.Short(then, now), l.Moment(then, now), l.Day(then, now), l.Ago(then, now), l.Span(now.Sub(then))} {
			if s == "" || strings.ContainsAny(s, "{}") {
				t.Fatalf("%v seen at %v is said as %q", then, now, s)
			}
		}
	})
}

func TestPseudo(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{"en.json": `{"greet": "Hello, {name}", "cats": {"one": "{n} cat", "other": "{n} cats"}}`}).Strict()
	l := b.Locale(i18n.Pseudo, nil)
	if got := l.T("greet", "name", "Ana"); got != "⟦Ĥéļļö, Ana ~~~⟧" {
		t.Errorf("got %q", got)
	}
	if got := l.T("cats", "n", 1); got != "⟦1 çåţ ~~⟧" {
		t.Errorf("got %q", got)
	}
	if l.Dir() != "ltr" || b.Locale("en", nil).Name() != "en" {
		t.Errorf("direction %q", l.Dir())
	}
	for _, name := range b.Locales() {
		if name == i18n.Pseudo {
			t.Error("the pseudo-locale is offered to people")
		}
	}
}

func TestDirection(t *testing.T) {
	t.Parallel()
	b := bundle(t, map[string]string{"en.json": `{}`, "ar.json": `{}`, "he.json": `{}`, "pl.json": `{}`})
	for name, want := range map[string]string{"ar": "rtl", "he": "rtl", "pl": "ltr", "en": "ltr"} {
		if got := b.Locale(name, nil).Dir(); got != want {
			t.Errorf("%s is written %s, want %s", name, got, want)
		}
	}
}
