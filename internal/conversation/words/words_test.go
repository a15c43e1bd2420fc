package words

import (
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// labelled reads a table of testdata: its lines in columns.
func labelled(t *testing.T, name string, columns int) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.SplitN(line, " | ", columns)
		if len(row) != columns {
			t.Fatalf("%q is no line of %d columns", line, columns)
		}
		rows = append(rows, row)
	}
	return rows
}

// score counts what was found and should have been.
type score struct{ right, wrong, missed int }

func (s score) precision() float64 { return float64(s.right) / float64(max(1, s.right+s.wrong)) }
func (s score) recall() float64    { return float64(s.right) / float64(max(1, s.right+s.missed)) }

// The figures of docs/urgent.md. Who changes a rule sees here what it costs.
func TestPrecisionAndRecallOfUrgentSigns(t *testing.T) {
	t.Parallel()
	r := New()
	rows := labelled(t, "urgent.txt", 3)
	if len(rows) < 150 {
		t.Errorf("only %d sentences", len(rows))
	}
	bySign, byLang := map[string]*score{}, map[string]*score{}
	count := func(m map[string]*score, key string) *score {
		if m[key] == nil {
			m[key] = &score{}
		}
		return m[key]
	}
	for _, row := range rows {
		want, lang, words := row[0], row[1], row[2]
		found := r.Urgent(words)
		for _, s := range found {
			for _, c := range []*score{count(bySign, string(s)), count(byLang, lang), count(bySign, "all")} {
				if string(s) == want {
					c.right++
				} else {
					c.wrong++
				}
			}
			if string(s) != want {
				t.Logf("false alarm: %s in %q", s, words)
			}
		}
		if want != "-" && !slices.Contains(found, Sign(want)) {
			for _, c := range []*score{count(bySign, want), count(byLang, lang), count(bySign, "all")} {
				c.missed++
			}
			t.Logf("missed: %s in %q", want, words)
		}
	}
	for _, m := range []map[string]*score{bySign, byLang} {
		for key, s := range m {
			t.Logf("%-10s precision %.3f recall %.3f (%d right, %d wrong, %d missed)", key, s.precision(), s.recall(), s.right, s.wrong, s.missed)
		}
	}
	if all := bySign["all"]; all.precision() < 0.97 || all.recall() < 0.90 {
		t.Errorf("precision %.3f, recall %.3f over %d sentences", all.precision(), all.recall(), len(rows))
	}
}

func TestWhatOnlySaysThankYou(t *testing.T) {
	t.Parallel()
	r := New()
	var s score
	for _, row := range labelled(t, "thanks.txt", 2) {
		switch want, got := row[0] == "yes", r.OnlyThanks(row[1]); {
		case want && got:
			s.right++
		case want:
			s.missed++
			t.Logf("missed: %q", row[1])
		case got:
			s.wrong++
			t.Errorf("%q is taken for thanks alone", row[1]) // somebody would wait in vain
		}
	}
	t.Logf("precision %.3f, recall %.3f", s.precision(), s.recall())
	if s.recall() < 0.9 {
		t.Errorf("recall %.3f", s.recall())
	}
}

// What somebody else said, and names, are no sign.
func TestQuotedWordsAreNoSign(t *testing.T) {
	t.Parallel()
	r := New()
	for _, words := range []string{
		"> there is a fire in the library\nIs that true?", "He wrote “I will kill you” on a wall", "«je vais te tuer», quel titre",
		"look @there.is.a.fire.in.the.library", "https://far.example/there-is-a-bomb",
		"no, no, no bomb in the station", "there was never a bomb in the station",
	} {
		if found := r.Urgent(words); len(found) > 0 {
			t.Errorf("%v in %q", found, words)
		}
	}
	for _, words := range []string{`12" pipe. There is a fire in the library`, "No! There is a fire in the library", "THERE’S A FIRE IN THE LIBRARY"} {
		if found := r.Urgent(words); !slices.Equal(found, []Sign{Danger}) {
			t.Errorf("%v in %q", found, words)
		}
	}
	if found := r.Urgent("There is a fire in the library and I will kill you all"); !slices.Equal(found, []Sign{Danger, Threat}) {
		t.Errorf("two signs are %v", found)
	}
}

func TestRulesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"[danger]\nFire", "[danger]\n... fire", "[danger]\nfire? now", "[danger]\nfi* now", "[joy]\nhurray", "[not]\nNo", "lost"} {
		if _, err := parse(file); err == nil {
			t.Errorf("%q is read", file)
		}
	}
}

func TestWordsNeverPanic(t *testing.T) {
	t.Parallel()
	r := New()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		r.Urgent(s)
		if r.OnlyThanks(s) && strings.ContainsAny(s, "?0123456789") {
			t.Fatal("a question is taken for thanks")
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "there is a fire in the library", `"„“«»`, "thanks", "> no", "❤️", "\xff,;."} {
		f.Add(s)
	}
	r := New()
	f.Fuzz(func(_ *testing.T, s string) {
		r.Urgent(s)
		r.OnlyThanks(s)
	})
}

func BenchmarkUrgent(b *testing.B) {
	r := New()
	for b.Loop() {
		r.Urgent("Good morning, I would like to know whether bus 12 runs on Sunday, my neighbour says that it does not stop at the market any more.")
	}
}
