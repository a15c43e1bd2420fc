package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

func taken(remote string) network.Event {
	return network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: remote}, At: after(minute)}
}

// A page that was read before a deletion may be stored after it.
func TestGoneWins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	said := says("bea", "m1", "", "sorry, wrong account", after(0))
	b.ingest(town, said)
	b.ingest(town, taken("m1"))
	b.want(`Bea public 11 open | Bea: (sorry, wrong account)`)
	b.clock.Set(after(time.Hour + 10*minute))
	b.ingest(town, said)
	b.want(`Bea public 11 open | Bea: (sorry, wrong account)`)
	b.ingest(town, taken("m9"))
	if n := b.ingest(town, says("carl", "m9", "", "deleted before it came", after(0))); n != 0 {
		t.Error("a message came back after its deletion")
	}
	b.want(`Bea public 11 open | Bea: (sorry, wrong account)`)
}

// Who blocks @town has not deleted anything: @library still gets it, waits for
// nobody else and answers.
func TestWhatIsGoneForOneAccountStaysForTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	said := says("bea", "m1", "", "@town @library help", after(0))
	b.ingest(town, said)
	b.ingest(library, said)
	b.ingest(town, taken("m1"))
	b.ingest(town, taken("m1"))
	b.want(`
		Bea public 11 open | Bea: (@town @library help)
		Bea public 12 open waiting 0s | Bea: @town @library help`)
	rows := map[id.ID]conversation.Row{}
	for _, r := range b.list(voice(ana), conversation.All) {
		rows[r.Account] = r
	}
	if !rows[town].Gone || rows[library].Gone {
		t.Errorf("gone in the list: %v for town, %v for the library", rows[town].Gone, rows[library].Gone)
	}
	answer := conversation.Answer{Conversation: rows[town].ID, Text: "We come"}
	_, err := b.desk.Reply(context.Background(), voice(ana), answer)
	wantProblem(t, err, "conversation.cannot_answer")
	answer.Conversation = rows[library].ID
	if _, err := b.desk.Reply(context.Background(), voice(ana), answer); err != nil {
		t.Errorf("the library answers: %v", err)
	}
	b.ingest(library, taken("m1"))
	b.want(`
		Bea public 11 open | Bea: (@town @library help)
		Bea public 12 open | Bea: (@town @library help)`)
}

// The block was lifted, or it was a mistake of the network's: who sees it again
// is made to wait for it again.
func TestWhatIsSeenAgainIsBack(t *testing.T) {
	t.Parallel()
	for name, again := range map[string]func(network.Event) network.Event{
		"in a page":   func(e network.Event) network.Event { return e },
		"in a thread": context_,
		"edited":      func(e network.Event) network.Event { return edited(e, after(2*time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.clock.Set(after(time.Hour))
			said := func() network.Event { return says("bea", "m1", "", "help", after(0)) }
			b.ingest(town, said())
			b.ingest(library, said())
			b.ingest(town, taken("m1"))
			b.ingest(library, taken("m1"))
			b.clock.Set(after(2 * time.Hour))
			b.ingest(town, again(said()))
			was := map[string]string{"edited": "[was help]"}[name]
			b.want(`
				Bea public 11 open waiting 0s | Bea: help` + was + `
				Bea public 12 open | Bea: (help)` + was)
			b.ingest(town, taken("m1"))
			b.want(`
				Bea public 11 open | Bea: (help)` + was + `
				Bea public 12 open | Bea: (help)` + was)
		})
	}
}

// Words of ours that belong to no conversation are gone like any other: a page that
// was read before their deletion does not bring them back, what is read later does.
func TestOurOwnWordsThatAreGoneStayGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	post := ours(says("our11", "p", "", "The pool opens on Monday", after(0)))
	b.ingest(town, post, says("bea", "m1", "p", "At last", after(minute)))
	b.ingest(town, taken("p"))
	gone := `Bea public 11 open waiting 1m0s | ~we: (The pool opens on Monday) / Bea: At last`
	b.want(gone)
	b.clock.Set(after(time.Hour + 10*minute))
	b.ingest(town, post)
	b.want(gone)
	b.clock.Set(after(time.Hour + 16*minute))
	b.ingest(town, post)
	b.want(`Bea public 11 open waiting 1m0s | ~we: The pool opens on Monday / Bea: At last`)
}

// What a member closed does not wait again because the network changed its mind.
func TestWhatIsBackOpensNothingThatWasClosed(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	if err := b.desk.Finish(context.Background(), voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.ingest(town, taken("m1"))
	b.clock.Set(after(2 * time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)))
	b.want(`Bea public 11 done | Bea: Is bus 12 running?`)
}

// Another account is told of a message for the first time after one was told
// that it is gone; a third is kept from nothing that it never had.
func TestWhatIsGoneForOneAccountMayStillReachAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	said := says("bea", "m1", "", "help", after(0))
	b.ingest(town, said)
	b.ingest(town, taken("m1"), taken("m2"))
	b.ingest(library, said, says("carl", "m2", "", "me too", after(minute)))
	b.want(`
		Bea public 11 open | Bea: (help)
		Bea public 12 open waiting 0s | Bea: help
		Carl public 12 open waiting 1m0s | Carl: me too`)
}

// A page that was read before the deletion brings nothing back; what arrives long
// after we were told that it is not there was only late.
func TestWhatWasNotThereYetIsNotLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	said := says("bea", "m1", "", "help", after(0))
	b.ingest(town, taken("m1"))
	b.ingest(town, said)
	b.want(``)
	b.clock.Set(after(time.Hour + 16*time.Minute))
	b.ingest(town, said)
	b.want(`Bea public 11 open waiting 0s | Bea: help`)
}
