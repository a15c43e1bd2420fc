package conversation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/problem"
)

// torn is a desk on which Bea's two messages of one thread stand in two
// conversations, because the one between them was not read yet.
func torn(t *testing.T) (b *bundle, first, second id.ID) {
	t.Helper()
	b = setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Where is the pool?", after(0)))
	b.ingest(town, says("bea", "m3", "m2", "And is it open?", after(3*minute)))
	for _, r := range b.list(voice(ana), conversation.Waiting) {
		if r.Snippet == "And is it open?" {
			second = r.ID
		} else {
			first = r.ID
		}
	}
	return b, first, second
}

// mend reads the message that joins them.
func (b *bundle) mend() {
	b.Helper()
	b.ingest(town, context_(says("carl", "m2", "m1", "Beside the school", after(minute))))
}

func (b *bundle) claimer(c id.ID) string {
	b.Helper()
	v, err := b.desk.Open(context.Background(), voice(ana), c)
	if err != nil {
		b.Fatal(err)
	}
	return v.Claimer
}

// Ana answers in the seconds before the thread is read: her answer, and that she
// is answering, belong to the conversation that stays.
func TestAnAnswerFollowsItsConversationIntoAnother(t *testing.T) {
	t.Parallel()
	b, first, second := torn(t)
	ctx := context.Background()
	send, err := b.desk.Reply(ctx, voice(ana), conversation.Answer{Conversation: second, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	b.mend()
	if want := [][2]id.ID{{second, first}}; !slices.Equal(b.moved, want) {
		t.Errorf("delivery was told %v, want %v", b.moved, want)
	}
	if who := b.claimer(first); who != "Ana Lima" {
		t.Errorf("claimed by %q", who)
	}
	_, err = b.desk.Reply(ctx, voice(ben), conversation.Answer{Conversation: first, Text: "Yes, it is"})
	wantProblem(t, err, "conversation.claimed")
	b.stands(sent(b, second, send, "a1"))
	b.want(`Bea public 11 done | Bea: Where is the pool? / ~Carl: Beside the school / Bea: And is it open? / we: Yes ^Ana`)
	if who := b.claimer(first); who != "" {
		t.Errorf("claimed by %q after it was answered", who)
	}
	if c, err := b.desk.Compose(ctx, voice(ben), first, 0); err != nil || c.Seen != 1 {
		t.Errorf("Ben is told of %d answers (%v), want 1", c.Seen, err)
	}
}

func TestWhoAnswersTheConversationThatStaysGoesOnAnswering(t *testing.T) {
	t.Parallel()
	b, first, second := torn(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: second, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Claim(context.Background(), voice(ben), first); err != nil {
		t.Fatal(err)
	}
	b.mend()
	b.stands(sent(b, second, send, "a1"))
	if who := b.claimer(first); who != "Ben Okoro" {
		t.Errorf("claimed by %q, want Ben, who is not done", who)
	}
	var open int
	if err := b.db.Read().Row(context.Background(), `select count(*) from claim where ended = 0`).Scan(&open); err != nil || open != 1 {
		t.Errorf("%d claims are open (%v)", open, err)
	}
}

// Whoever was erased has no conversation any more that an answer could close.
func TestAnAnswerToNobodyIsStillStored(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	in := sent(b, c, send, "a1")
	person, err := b.desk.PersonOf(context.Background(), voice(ana), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Erase(context.Background(), steward(), person); err != nil {
		t.Fatal(err)
	}
	b.stands(in)
	if _, err := b.desk.Open(context.Background(), voice(ana), c); !problem.Is(err, "conversation.not_found") {
		t.Errorf("the conversation: %v", err)
	}
}
