package people_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/network/sandbox/people"
)

var live = time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)

var desks = []people.Desk{
	{Handle: "townhall", Name: "Ostermere Town Hall", Kind: "townhall"},
	{Handle: "library", Name: "Ostermere Library", Kind: "library"},
	{Handle: "buses", Name: "Ostermere Buses", Kind: "buses"},
}

// said is one message as the stage saw it.
type said struct {
	id   string
	at   time.Time
	line people.Line
	ours bool
}

// stage writes everything down and, if told to, answers like a desk that is
// sometimes kind, sometimes curt and sometimes away.
type stage struct {
	engine  *people.Engine
	log     []said
	script  strings.Builder // everything that happened, one line each
	pending []people.Ours
	answers bool
	n       int
}

func (s *stage) id() string { s.n++; return fmt.Sprintf("m%d", s.n) }

func (s *stage) Say(at time.Time, l people.Line) string {
	id := s.id()
	s.log = append(s.log, said{id, at, l, false})
	fmt.Fprintf(&s.script, "%s say %s %+v\n", at.Format(time.RFC3339Nano), id, l)
	if s.answers && s.n%3 != 0 {
		s.pending = append(s.pending, s.answer(id, l))
	}
	return id
}

// answer is ours, in one of a few manners.
func (s *stage) answer(to string, l people.Line) people.Ours {
	words := []string{
		fmt.Sprintf("Thank you for writing. Somebody will be there at %d:%02d tomorrow, with tools.\n– Mara", 7+s.n%11, s.n%60),
		fmt.Sprintf("Noted, number %d.", s.n),
		fmt.Sprintf("I'm sorry about that. Which side of it do you mean, the left or the %dth?\n– Jonas", s.n%90),
		fmt.Sprintf("That should not happen, and it won't stay like that beyond week %d, I promise you.", s.n%50),
	}
	return people.Ours{ID: s.id(), Desk: l.Desk, ReplyTo: to, Text: words[s.n%len(words)], Lang: "en", Private: l.Visibility == "direct"}
}

func (s *stage) Answer(at time.Time, desk, replyTo, text, lang string) string {
	id := s.id()
	s.log = append(s.log, said{id, at, people.Line{Desk: desk, ReplyTo: replyTo, Text: text, Lang: lang}, true})
	fmt.Fprintf(&s.script, "%s answer %s %s %s %q\n", at.Format(time.RFC3339Nano), id, desk, replyTo, text)
	return id
}

func (s *stage) Edit(at time.Time, id, text string) {
	fmt.Fprintf(&s.script, "%s edit %s %q\n", at.Format(time.RFC3339Nano), id, text)
}

func (s *stage) Delete(at time.Time, id string) {
	fmt.Fprintf(&s.script, "%s delete %s\n", at.Format(time.RFC3339Nano), id)
}

func (s *stage) Like(who people.Persona, id string) {
	fmt.Fprintf(&s.script, "like %s %s\n", who.Handle, id)
}

// town makes an engine on a stage.
func town(t testing.TB, seed uint64, history time.Duration, langs ...string) *stage {
	t.Helper()
	s := &stage{}
	e, err := people.New(people.Options{
		Seed: seed, Start: live.Add(-history), Live: live, Desks: desks, Langs: langs, Stage: s,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	return s
}

// run steps until a time, answering on the way.
func (s *stage) run(until time.Time, step time.Duration, from time.Time) {
	for at := from; !at.After(until); at = at.Add(step) {
		s.engine.Step(at)
		for _, o := range s.pending {
			s.engine.Heard(at, o)
		}
		s.pending = nil
	}
}
