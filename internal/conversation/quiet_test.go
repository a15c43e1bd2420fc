package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

// withPerson is the open conversation with somebody.
func (b *bundle) withPerson(name string) id.ID {
	b.Helper()
	for _, r := range b.list(voice(ana), conversation.All) {
		if r.Person.Name == name {
			return r.ID
		}
	}
	b.Fatalf("there is no conversation with %s", name)
	return 0
}

// quiet is said by a program.
func quiet(e network.Event) network.Event {
	e.Quiet = true
	return e
}

// An automatic reply stands in the conversation and makes nobody wait, whatever
// else is said around it and whenever who waits is looked at again.
func TestNobodyWaitsBecauseOfAProgram(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, quiet(private(says("bot", "n1", "", "Our newsletter", after(0)))))
	b.want(`Bot direct 11 done | Bot: Our newsletter`)

	b.ingest(town, private(says("bea", "m1", "", "Is bus 12 running?", after(time.Minute))))
	b.ingest(town, quiet(private(says("bea", "m2", "", "I am out of office", after(30*time.Second)))))
	b.want(`Bot direct 11 done | Bot: Our newsletter
		Bea direct 11 open waiting 1m0s | Bea: I am out of office / Bea: Is bus 12 running?`)

	answer := ours(private(says("our11", "a1", "m1", "Yes", after(2*time.Minute))))
	answer.Post.To = []network.Person{{RemoteID: "bea", Handle: "bea@far.example", Name: "Bea"}}
	b.ingest(town, answer)
	b.ingest(town, quiet(private(says("bea", "m3", "a1", "I am still out of office", after(3*time.Minute)))))
	silent := `Bot direct 11 done | Bot: Our newsletter
		Bea direct 11 open | Bea: I am out of office / Bea: Is bus 12 running? / we: Yes / Bea: I am still out of office`
	b.want(silent)

	c := b.withPerson("Bea")
	for _, verb := range []func() error{
		func() error { return b.desk.Finish(context.Background(), voice(ana), c) },
		func() error { return b.desk.Reopen(context.Background(), voice(ana), c) },
	} {
		if err := verb(); err != nil {
			t.Fatal(err)
		}
	}
	b.want(silent)
	b.ingest(town, private(says("bea", "m4", "a1", "And tomorrow?", after(4*time.Minute))))
	b.want(`Bot direct 11 done | Bot: Our newsletter
		Bea direct 11 open waiting 4m0s | Bea: I am out of office / Bea: Is bus 12 running? / we: Yes / Bea: I am still out of office / Bea: And tomorrow?`)
}

// What a program of ours sent, that we are away, is no answer: whoever asked still
// waits, in either order.
func TestOurAutomaticReplyIsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"question first", "reply first"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.clock.Set(after(time.Hour))
			asks := private(says("bea", "m1", "", "Is bus 12 running?", after(0)))
			away := quiet(ours(private(says("our11", "a1", "m1", "We are back on Monday", after(time.Minute)))))
			away.Post.To = []network.Person{{RemoteID: "bea", Handle: "bea@far.example", Name: "Bea"}}
			if order == "question first" {
				b.ingest(town, asks)
				b.ingest(town, away)
			} else {
				b.ingest(town, away)
				b.ingest(town, asks)
			}
			b.want(`Bea direct 11 open waiting 0s | Bea: Is bus 12 running? / we: We are back on Monday`)
		})
	}
}

// Who signs a letter does so in a line of its own, with the whole name.
func TestALetterIsSigned(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	b.mail = true
	if _, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes, it is."}); err != nil {
		t.Fatal(err)
	}
	if got := b.sent[0].Draft.Parts[0].Text; got != "Yes, it is.\n\nAna Lima" {
		t.Errorf("%q", got)
	}
}
