package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"parley/internal/network/sandbox/people"
)

// No sentence is said twice within 500 messages: in every language alone, in
// all together, for several seeds, over 5,000 messages of the living stream
// with answers of ours in between.
func TestNoSentenceTwice(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "de", "es", "fr", "tr", ""} {
		for _, seed := range []uint64{1, 2, 77} {
			t.Run(fmt.Sprintf("%s %d", lang, seed), func(t *testing.T) {
				t.Parallel()
				var langs []string
				if lang != "" {
					langs = []string{lang}
				}
				s := town(t, seed, 0, langs...)
				s.answers = true
				const want = 5000
				for at := live; len(s.log) < want; at = at.Add(time.Hour) {
					s.run(at.Add(time.Hour), time.Minute, at)
					if at.Sub(live) > 60*time.Hour {
						t.Fatalf("only %d messages in 60 hours: they fell silent for want of words", len(s.log))
					}
				}
				unique(t, s.log)
			})
		}
	}
}

func unique(t *testing.T, log []said) {
	t.Helper()
	last := map[string]int{}
	texts := map[string]string{}
	for i, m := range log {
		for _, sentence := range people.Sentences(m.line.Text) {
			if j, ok := last[sentence]; ok && i-j < people.Window {
				t.Fatalf("messages %d and %d both say %q:\n %s\n %s", j, i, sentence, texts[sentence], m.line.Text)
			}
			last[sentence], texts[sentence] = i, m.line.Text
		}
	}
}

// The history of the demo holds no sentence twice either, apart from the names
// that sign our answers, and looks like two weeks at a desk.
func TestHistory(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		s := town(t, seed, 14*24*time.Hour)
		s.engine.Step(live)
		var theirs, ours, opened, private, pictures, late int
		langs := map[string]int{}
		for i := range s.log {
			m := &s.log[i]
			switch {
			case m.ours:
				ours++
				m.line.Text, _, _ = strings.Cut(m.line.Text, "\n– ")
			default:
				theirs++
				langs[m.line.Lang]++
				if m.line.ReplyTo == "" {
					opened++
				}
				if m.line.Visibility == "direct" {
					private++
				}
				pictures += len(m.line.Pictures)
				if live.Sub(m.at) < 5*time.Hour {
					late++
				}
			}
			if i > 0 && m.at.Before(s.log[i-1].at) {
				t.Fatalf("seed %d: message %d is older than the one before it", seed, i)
			}
		}
		unique(t, s.log)
		if n := theirs + ours; n < 230 || n > 420 || opened < 90 || opened > 190 || ours < 50 {
			t.Errorf("seed %d: %d messages, %d conversations, %d answers of ours", seed, n, opened, ours)
		}
		if private < 5 || pictures < 3 || late < 5 || len(langs) < 6 {
			t.Errorf("seed %d: %d private, %d pictures, %d in the last hours, languages %v", seed, private, pictures, late, langs)
		}
	}
}

// Seed and clock decide everything: not how often Step is called, and a second
// town says the same letter by letter.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	script := func(seed uint64, step time.Duration) string {
		s := town(t, seed, 3*24*time.Hour)
		end := live.Add(40 * time.Minute)
		for at := live.Add(-3 * 24 * time.Hour); at.Before(end); at = at.Add(step) {
			s.engine.Step(at)
		}
		s.engine.Step(end)
		return s.script.String()
	}
	want := script(5, 7*time.Second)
	if got := script(5, 7*time.Second); got != want {
		t.Error("the same seed and clock said something else")
	}
	if got := script(5, 11*time.Minute); got != want {
		t.Error("stepping in larger steps changed what was said")
	}
	if got := script(6, 11*time.Minute); got == want {
		t.Error("another seed said the same")
	}
}

// Whoever writes again unanswered names what they named before, and most who
// were answered name that, or quote us.
func TestMemory(t *testing.T) {
	t.Parallel()
	s := town(t, 9, 0)
	s.answers = true
	s.run(live.Add(6*time.Hour), 30*time.Second, live)
	byID := map[string]said{}
	before := map[string]string{} // post → all its author has said in the matter so far
	var reminders, reactions, vague int
	for _, m := range s.log {
		parent, own := byID[m.line.ReplyTo]
		past := before[m.line.ReplyTo]
		byID[m.id] = m
		before[m.id] = past + " " + m.line.Text
		var n int
		fmt.Sscanf(m.id, "m%d", &n)
		before[fmt.Sprintf("m%d", n+1)] = before[m.id] // where the stage answers, its answer is numbered next
		if past == "" {
			continue
		}
		shares := sharesWord(past, m.line.Text)
		switch {
		case own && parent.line.Who == m.line.Who && m.at.Sub(parent.at) > 4*time.Minute:
			if reminders++; !shares {
				t.Errorf("a reminder names nothing of\n %s\nin\n %s", past, m.line.Text)
			}
		case !own:
			if reactions++; !shares && !strings.ContainsAny(m.line.Text, "“«„「") {
				vague++
			}
		}
	}
	if reminders < 30 || reactions < 150 || vague*4 > reactions {
		t.Errorf("%d reminders, %d reactions, %d of them say nothing of what was said before", reminders, reactions, vague)
	}
}

// sharesWord reports a word of four letters, a number, two words in a row, or
// two signs of a script that parts no words, which both texts hold.
func sharesWord(a, b string) bool {
	words := func(s string) []string { return strings.Fields(strings.Join(people.Sentences(s), " ")) }
	wa, wb := words(a), words(b)
	joined := " " + strings.Join(wa, " ") + " "
	for i, w := range wb {
		if (len([]rune(w)) >= 4 || strings.ContainsAny(w, "0123456789")) && slices.Contains(wa, w) {
			return true
		}
		if i > 0 && len(wb[i-1]+w) >= 5 && strings.Contains(joined, " "+wb[i-1]+" "+w+" ") {
			return true
		}
	}
	rs := []rune(b)
	for i := 0; i+2 <= len(rs); i++ {
		if unicode.Is(unicode.Han, rs[i]) && unicode.Is(unicode.Han, rs[i+1]) && strings.Contains(a, string(rs[i:i+2])) {
			return true
		}
	}
	return false
}

// What we say is taken up: a question is answered, a curt word complained
// about, and a name signed is used.
func TestReactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer string
		any          []string // one of them must come, from somebody
		never        []string
	}{
		{"curt", "Zebra noted %d.", []string{"“Zebra noted"}, []string{"Mara"}},
		{"signed", "We will come with the striped lorry on Friday at %d o'clock, I promise.\n– Mara", []string{"Mara"}, nil},
		{"quoted", "We will send the striped lorry number %d.\n– Mara", []string{"“We will send the striped lorry number"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := town(t, 3, 0, "en")
			s.engine.Step(live.Add(20 * time.Minute))
			n := len(s.log)
			for i, m := range s.log {
				s.engine.Heard(live.Add(20*time.Minute), people.Ours{
					ID: fmt.Sprintf("ours%d", i), Desk: m.line.Desk, ReplyTo: m.id, Lang: "en", Text: fmt.Sprintf(c.answer, i),
				})
			}
			s.engine.Step(live.Add(40 * time.Minute))
			found := 0
			for _, m := range s.log[n:] {
				if slices.ContainsFunc(c.any, func(w string) bool { return strings.Contains(m.line.Text, w) }) {
					found++
					if !strings.HasPrefix(m.line.ReplyTo, "ours") {
						t.Errorf("a reaction stands under %q, not under our answer: %s", m.line.ReplyTo, m.line.Text)
					}
				}
				for _, w := range c.never {
					if strings.Contains(m.line.Text, w) {
						t.Errorf("nobody signed %s: %s", w, m.line.Text)
					}
				}
			}
			if found == 0 {
				t.Errorf("nobody said any of %q", c.any)
			}
		})
	}
}

// A language with few names has few people, each under a handle of their own.
func TestFewNames(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"ja", "ar", "en"} {
		handles := map[string]bool{}
		for _, p := range town(t, 11, 0, lang).engine.Personas() {
			if handles[p.Handle] || p.Name == "" || p.Lang != lang {
				t.Errorf("%+v", p)
			}
			handles[p.Handle] = true
		}
		if len(handles) < 4 {
			t.Errorf("%s: %d people", lang, len(handles))
		}
	}
}

// People remember over days: somebody mentions what it was last time.
func TestRemembersEarlierMatters(t *testing.T) {
	t.Parallel()
	s := town(t, 12, 14*24*time.Hour, "en")
	s.engine.Step(live)
	again := 0
	for _, m := range s.log {
		for _, sign := range []string{"It's me again, first", "You know me by now, first", "still cross about", "Last time it was", "and yet here I am", "so I try my luck once more", "nobody ever answered me about"} {
			if strings.Contains(strings.ToLower(m.line.Text), strings.ToLower(sign)) {
				again++
			}
		}
	}
	if again == 0 {
		t.Error("in two weeks nobody mentioned an earlier matter")
	}
}

// A month of the demo holds no more in memory than a day. What can't be
// measured from outside is that the engine's own maps are capped; that nothing
// slows down shows it.
func TestManyMessages(t *testing.T) {
	t.Parallel()
	s := town(t, 4, 0)
	s.answers = true
	s.run(live.Add(100*time.Hour), time.Minute, live)
	if len(s.log) < 10000 {
		t.Errorf("%d messages in 100 hours", len(s.log))
	}
	for i := 1; i < len(s.log); i++ {
		if gap := s.log[i].at.Sub(s.log[i-1].at); gap > 3*time.Minute {
			t.Fatalf("nobody spoke for %v", gap)
		}
	}
}

// A clock that jumps by a week is not caught up with message by message.
func TestJump(t *testing.T) {
	t.Parallel()
	s := town(t, 4, 0)
	s.engine.Step(live.Add(time.Minute))
	s.engine.Step(live.Add(7 * 24 * time.Hour))
	if n := len(s.log); n < 50 || n > 400 {
		t.Errorf("%d messages after a jump of a week", n)
	}
}

func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		s := town(b, 1, 14*24*time.Hour)
		s.engine.Step(live)
	}
}
