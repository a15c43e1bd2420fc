package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// answeredElsewhere answers elsewhere what Bea asked, and closes it.
func answeredElsewhere(t *testing.T) (*bundle, id.ID) {
	t.Helper()
	b, c := asked(t)
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(30*time.Second))))
	if err := b.desk.Finish(context.Background(), voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.clock.Set(after(2 * time.Hour))
	return b, c
}

// Bea writes again while we write to her, and the poll brings it after our
// answer: nobody has read it.
func TestWhatWasWrittenBeforeOurAnswerAndCameAfterItWaits(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	b.stands(sent(b, c, send, "a1"))
	b.want(`Bea public 11 done | Bea: Is bus 12 running? / we: Yes ^Ana`)
	b.clock.Set(after(time.Hour + minute))
	late := says("bea", "m2", "m1", "My child is at stop B!", after(20*time.Second))
	b.ingest(town, late)
	waits := `Bea public 11 open waiting 1h1m0s | Bea: Is bus 12 running? / Bea: My child is at stop B! / we: Yes ^Ana`
	b.want(waits)
	b.clock.Set(after(2 * time.Hour))
	b.ingest(town, late, ours(says("our11", "a1", "m1", "Yes ^Ana", after(time.Hour))))
	b.want(waits)
	if err := b.desk.Finish(context.Background(), voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.ingest(town, late)
	b.want(`Bea public 11 done | Bea: Is bus 12 running? / Bea: My child is at stop B! / we: Yes ^Ana`)
	if err := b.desk.Reopen(context.Background(), voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.want(waits)
}

// An answer may be on its way for minutes. Who pressed Send had not read what
// came meanwhile.
func TestWhatCameWhileOurAnswerWasOnItsWayWaits(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"echo first", "sent first"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
			if err != nil {
				t.Fatal(err)
			}
			b.clock.Set(after(2 * time.Hour))
			b.ingest(town, says("bea", "m2", "m1", "And tomorrow?", after(90*minute)))
			b.clock.Set(after(3 * time.Hour))
			if order == "echo first" {
				b.ingest(town, ours(says("our11", "a1", "m1", "Yes ^Ana", after(3*time.Hour))))
			}
			for range 2 {
				b.stands(sent(b, c, send, "a1"))
				b.want(`Bea public 11 open waiting 2h0m0s | Bea: Is bus 12 running? / Bea: And tomorrow? / we: Yes ^Ana`)
			}
		})
	}
}

func TestALateMessageWaitsUnlessWeAnsweredItOrItIsHistory(t *testing.T) {
	t.Parallel()
	late := says("bea", "m2", "m1", "two", after(20*time.Second))
	answer := ours(says("our11", "a2", "m2", "yes, two", after(40*time.Second)))
	for name, tc := range map[string]struct {
		history bool
		pages   [][]network.Event
		want    string
	}{
		"alone": {false, [][]network.Event{{late}},
			`Bea public 11 open waiting 2h0m0s | Bea: Is bus 12 running? / Bea: two / we: Yes`},
		"found by an import": {true, [][]network.Event{{late}},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / we: Yes`},
		"with our answer to it": {false, [][]network.Event{{answer, late}},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / we: Yes / we: yes, two`},
		"after our answer to it": {false, [][]network.Event{{answer}, {late}},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / we: Yes / we: yes, two`},
		"before our answer to it": {false, [][]network.Event{{late}, {answer}, {late, answer}},
			`Bea public 11 open | Bea: Is bus 12 running? / Bea: two / we: Yes / we: yes, two`},
		"edited": {false, [][]network.Event{{edited(says("bea", "m1", "", "Is bus 13 running?", after(0)), after(minute))}},
			`Bea public 11 done | Bea: Is bus 13 running?[was Is bus 12 running?] / we: Yes`},
		"only beside us": {false, [][]network.Event{{context_(late)}},
			`Bea public 11 done | Bea: Is bus 12 running? / ~Bea: two / we: Yes`},
		"thanks and a question": {false, [][]network.Event{{says("bea", "m3", "a1", "Thanks! And tomorrow?", after(minute))}},
			`Bea public 11 open waiting 1m0s | Bea: Is bus 12 running? / we: Yes / Bea: Thanks! And tomorrow?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := answeredElsewhere(t)
			for _, page := range tc.pages {
				if _, err := b.tryIngest(workspace, town, tc.history, page...); err != nil {
					t.Fatal(err)
				}
			}
			b.want(tc.want)
		})
	}
}

// What we said long ago may come last, from an import or a slow feed of our own.
func TestOldWordsOfOursThatComeLateEndNoWaiting(t *testing.T) {
	t.Parallel()
	for name, history := range map[string]bool{"poll": false, "import": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := answeredElsewhere(t)
			b.ingest(town, says("bea", "m2", "m1", "two", after(20*time.Second)))
			b.clock.Set(after(3 * time.Hour))
			if _, err := b.tryIngest(workspace, town, history, ours(says("our11", "a0", "m1", "One moment", after(10*time.Second)))); err != nil {
				t.Fatal(err)
			}
			b.want(`Bea public 11 open waiting 2h0m0s | Bea: Is bus 12 running? / we: One moment / Bea: two / we: Yes`)
		})
	}
}

// What is stored as part of a thread may turn out to be said to us, when a member
// has read it there, answered and closed the conversation.
func TestWhatWasReadInAThreadWaitsOnlyIfItCameAfterOurWords(t *testing.T) {
	t.Parallel()
	said := says("bea", "m2", "m1", "two", after(20*time.Second))
	asks := says("bea", "m3", "m1", "three", after(25*time.Second))
	answer := ours(says("our11", "a1", "m1", "Yes", after(30*time.Second)))
	named := ours(says("our11", "a1", "m2", "Yes", after(30*time.Second)))
	for name, tc := range map[string]struct {
		pages []network.Event
		want  string
	}{
		"read, then answered": {[]network.Event{context_(said), answer},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / we: Yes`},
		"answered, then read": {[]network.Event{answer, context_(said)},
			`Bea public 11 open waiting 3h0m0s | Bea: Is bus 12 running? / Bea: two / we: Yes`},
		"answered by name": {[]network.Event{named, context_(said)},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / we: Yes`},
		"beside what was closed": {[]network.Event{context_(said), answer, asks},
			`Bea public 11 done | Bea: Is bus 12 running? / Bea: two / Bea: three / we: Yes`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			for i, e := range tc.pages {
				b.clock.Set(after(time.Duration(i+2) * time.Hour))
				b.ingest(town, e)
			}
			if err := b.desk.Finish(context.Background(), voice(ana), c); err != nil {
				t.Fatal(err)
			}
			b.ingest(town, said)
			b.want(tc.want)
		})
	}
}

// After days without Parley, whoever wrote meanwhile waits until we answer, not until
// something else happens; the import's old words wait on no such occasion.
func TestWhoWroteWhileWeWereAwayWaitsHoweverLongThatWas(t *testing.T) {
	t.Parallel()
	const days = 24 * time.Hour
	late := says("bea", "m2", "m1", "My child is at stop B!", after(minute))
	for name, tc := range map[string]struct {
		then func(*testing.T, *bundle, id.ID)
		want string
	}{
		"something else is deleted": {func(_ *testing.T, b *bundle, _ id.ID) {
			b.ingest(town, late)
			b.clock.Set(after(4*days + 2*time.Hour))
			b.ingest(town, says("bea", "m3", "m1", "Hello?", after(2*minute)))
			b.ingest(town, taken("m3"))
		}, `Bea public 11 open waiting 97h1m0s | Bea: Is bus 12 running? / Bea: My child is at stop B! / Bea: (Hello?) / we: Yes`},
		"our answer is on its way": {func(t *testing.T, b *bundle, c id.ID) {
			send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "No"})
			if err != nil {
				t.Fatal(err)
			}
			b.clock.Set(after(4*days + 2*time.Hour))
			b.ingest(town, late)
			b.clock.Set(after(4*days + 3*time.Hour))
			b.stands(sent(b, c, send, "a2"))
		}, `Bea public 11 open waiting 98h0m0s | Bea: Is bus 12 running? / Bea: My child is at stop B! / we: Yes / we: No ^Ana`},
		"an import": {func(t *testing.T, b *bundle, _ id.ID) {
			b.ingest(town, says("bea", "m3", "a1", "Thanks", after(4*days)))
			if _, err := b.tryIngest(workspace, town, true, says("bea", "m0", "m1", "last year", start.AddDate(-1, 0, 0))); err != nil {
				t.Fatal(err)
			}
			b.ingest(town, taken("m3"))
		}, `Bea public 11 open | Bea: last year / Bea: Is bus 12 running? / we: Yes / Bea: (Thanks)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			b.exec(`update account set created = $1`, db.Micros(start))
			b.clock.Set(after(4*days + time.Hour))
			b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(3*days))))
			b.clock.Set(after(4*days + time.Hour + minute))
			tc.then(t, b, c)
			b.want(tc.want)
		})
	}
}

func edited(e network.Event, at time.Time) network.Event {
	e.Kind, e.Post.Version, e.Post.Edited = network.KindEdit, "2", at
	return e
}

// The page with our words may come before the one with what they answer, and
// their clock may be ahead of ours.
func TestAnAnswerThatComesBeforeItsQuestionEndsTheWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(5*minute))))
	b.ingest(town, says("bea", "m1", "", "Is it?", after(0)))
	b.ingest(town, ours(says("our11", "a2", "m2", "No", after(5*minute))), says("carl", "m2", "", "Was it?", after(6*minute)))
	want := `
		Bea public 11 open | Bea: Is it? / we: Yes
		Carl public 11 open | we: No / Carl: Was it?`
	b.want(want)
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(5*minute))), says("bea", "m1", "", "Is it?", after(0)))
	b.want(want)
}

// The same in private, where our words have their conversation at once.
func TestAPrivateAnswerThatComesBeforeItsQuestionLeavesNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	question := private(says("bea", "d1", "", "Is it?", after(0)))
	b.ingest(town, answering(question, after(5*minute)))
	b.ingest(town, question)
	b.want(`Bea direct 11 done | Bea: Is it? / we: answer to d1`)
	b.ingest(town, private(says("bea", "d2", "", "Really?", after(minute))))
	b.want(`Bea direct 11 open waiting 1h0m0s | Bea: Is it? / Bea: Really? / we: answer to d1`)
}

// Our words end the waiting of who spoke before them, not of who spoke after.
func TestAnAnswerOfOursThatComesLateLeavesWhoSpokeAfterItWaiting(t *testing.T) {
	t.Parallel()
	b, _ := asked(t)
	b.ingest(town, says("bea", "m2", "m1", "And tomorrow?", after(10*minute)))
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(5*minute))))
	b.want(`Bea public 11 open waiting 10m0s | Bea: Is bus 12 running? / we: Yes / Bea: And tomorrow?`)
	b.ingest(town, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: "m2"}, At: after(time.Hour)})
	b.want(`Bea public 11 open | Bea: Is bus 12 running? / we: Yes / Bea: (And tomorrow?)`)
}
