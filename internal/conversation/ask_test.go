package conversation_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

func (b *bundle) expire() error {
	return b.desk.ExpireClaims(context.Background(), actor.System(workspace, "claims"))
}

// holder is who answers, by their record and by the conversation, which must agree.
func (b *bundle) holder(c id.ID) id.ID {
	b.Helper()
	var by, recorded id.ID
	ctx := context.Background()
	if err := b.db.Read().Row(ctx, `select claimed_by from conversation where id = $1`, c).Scan(&by); err != nil {
		b.Fatal(err)
	}
	if err := b.db.Read().Row(ctx, `select coalesce(max(member), 0) from claim where conversation = $1 and ended = 0`, c).Scan(&recorded); err != nil {
		b.Fatal(err)
	}
	if by != recorded {
		b.Fatalf("the conversation is answered by %d, the record says %d", by, recorded)
	}
	return by
}

func TestAForgottenClaimIsOverAndOneInUseIsNot(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	if err := b.desk.Claim(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	at := func(minutes time.Duration, want id.ID, what string) {
		t.Helper()
		b.clock.Set(after(time.Hour + minutes*time.Minute))
		if err := b.expire(); err != nil {
			t.Fatal(err)
		}
		if got := b.holder(c); got != want {
			t.Errorf("after %d minutes %s: answered by %d, want %d", minutes, what, got, want)
		}
	}
	at(59, ana, "nothing happened")
	b.save(voice(ana), c, 0, "It r")
	at(118, ana, "she wrote a moment before the hour")
	b.busy = true
	at(121, ana, "her answer is under way")
	b.busy = false
	at(121, 0, "nothing happens")
	var how string
	if err := b.db.Read().Row(ctx, `select how from claim where conversation = $1`, c).Scan(&how); err != nil || how != "expired" {
		t.Errorf("it ended as %q (%v)", how, err)
	}
	if v := b.draft(voice(ana), c); v.Text != "It r" {
		t.Errorf("her words: %+v", v)
	}
	steward := steward()
	steward.Grants = append(steward.Grants, actor.Grant{Right: actor.ManageWorkspace})
	wantProblem(t, b.desk.SetRules(ctx, steward, conversation.Rules{ClaimMinutes: -1}), "conversation.claim_minutes")
	wantProblem(t, b.desk.SetRules(ctx, steward, conversation.Rules{CallBack: 31}), "conversation.call_back")
	if err := b.desk.SetRules(ctx, voice(ana), conversation.Rules{}); err == nil {
		t.Error("a voice changes how everybody works")
	}
	if err := b.desk.SetRules(ctx, steward, conversation.Rules{}); err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Claim(ctx, voice(ben), c); err != nil {
		t.Fatal(err)
	}
	at(10_000, ben, "claims never end by themselves")
	if err := b.desk.ExpireClaims(ctx, voice(ben)); err == nil {
		t.Error("a voice did what only Parley does")
	}
}

func TestAClaimIsAskedForAndGivenKeptOrTaken(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	do := func(verb func(context.Context, actor.Actor, id.ID) error, who id.ID) {
		t.Helper()
		if err := verb(ctx, voice(who), c); err != nil {
			t.Fatal(err)
		}
	}
	do(b.desk.Claim, ana)
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.ask_first")
	wantProblem(t, b.desk.GiveClaim(ctx, voice(ana), c), "conversation.not_asked")
	do(b.desk.AskFor, ben)
	wantProblem(t, b.desk.GiveClaim(ctx, voice(ben), c), "conversation.not_asked")
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.wait_for_it")
	do(b.desk.KeepClaim, ana)
	b.clock.Advance(10 * time.Minute)
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.ask_first")
	do(b.desk.AskFor, ben)
	b.clock.Advance(5*time.Minute - time.Second)
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.wait_for_it")
	b.clock.Advance(time.Second)
	b.busy = true
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.wait_for_it")
	b.busy = false
	if v, err := b.desk.Open(ctx, voice(ben), c); err != nil || v.Asked == nil || !v.Asked.Due || v.Asked.By != "Ben Okoro" {
		t.Errorf("shown: %+v (%v)", v.Asked, err)
	}
	do(b.desk.TakeClaim, ben)
	if b.holder(c) != ben {
		t.Error("what nobody reacted to was not taken")
	}
	do(b.desk.AskFor, ana)
	do(b.desk.GiveClaim, ben)
	if b.holder(c) != ana {
		t.Error("what was given is not hers")
	}
	do(b.desk.AskFor, ben)
	do(b.desk.Release, ana)
	wantProblem(t, b.desk.TakeClaim(ctx, voice(ben), c), "conversation.ask_first")
}

// Whatever two members do with a conversation, and however long they wait, at most
// one of them answers it, it is the one the desk shows, and each Send is theirs.
func TestTwoMembersNeverBothSendWhateverTheyDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		b.clear()
		b.clock.Set(after(time.Hour))
		b.busy = false
		b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)))
		c := b.list(voice(ana), conversation.Waiting)[0].ID
		n := 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			me := rapid.SampledFrom([]id.ID{ana, ben}).Draw(rt, "who")
			was := b.holder(c)
			what := rapid.SampledFrom([]string{"claim", "release", "ask", "give", "keep", "take", "send", "expire", "wait", "write", "hand"}).Draw(rt, "what")
			var err error
			switch what {
			case "claim":
				err = b.desk.Claim(ctx, voice(me), c)
			case "release":
				err = b.desk.Release(ctx, voice(me), c)
			case "ask":
				err = b.desk.AskFor(ctx, voice(me), c)
			case "give":
				err = b.desk.GiveClaim(ctx, voice(me), c)
			case "keep":
				err = b.desk.KeepClaim(ctx, voice(me), c)
			case "take":
				err = b.desk.TakeClaim(ctx, voice(me), c)
			case "hand":
				err = b.give(voice(me), c, conversation.Receiver{Member: map[id.ID]id.ID{ana: ben, ben: ana}[me]}, "")
			case "expire":
				err = b.expire()
			case "write":
				_, err = b.desk.SaveDraft(ctx, voice(me), c, conversation.ReplyDraft{Text: fmt.Sprint("words ", n), Version: b.draft(voice(me), c).Version})
			case "wait":
				b.clock.Advance(time.Duration(rapid.IntRange(1, 70).Draw(rt, "minutes")) * time.Minute)
			case "send":
				n++
				before := len(b.sent)
				_, err = b.desk.Reply(ctx, voice(me), conversation.Answer{Conversation: c, Text: fmt.Sprint("Yes ", n), Key: fmt.Sprint(n), Seen: -1})
				if sent := len(b.sent) > before; sent != (was == 0 || was == me) || sent && b.holder(c) != me {
					rt.Fatalf("%d sends while %d answers: %v (%v)", me, was, sent, err)
				}
			}
			if err != nil && problem.Of(err).Kind == problem.Internal {
				rt.Fatalf("%s: %v", what, err)
			}
			now := b.holder(c)
			other := now != was && now != 0 && was != 0
			if other && what != "give" && what != "take" {
				rt.Fatalf("%s by %d made it %d's instead of %d's", what, me, now, was)
			}
			if now == 0 && was != 0 && was != me && what != "expire" {
				rt.Fatalf("%s by %d ended the claim of %d", what, me, was)
			}
		}
	})
}

func TestWhatIsCalledBackIsItsWritersToGoOnWith(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	in := conversation.Answer{Conversation: c, Text: "It runs.", Warning: "buses", Key: "k", Seen: -1, Patient: true}
	send, err := b.desk.Reply(ctx, voice(ana), in)
	if err != nil || !b.sent[0].At.Equal(b.clock.Now().Add(8*time.Second)) {
		t.Fatalf("it leaves at %v (%v)", b.sent[0].At, err)
	}
	b.save(voice(ana), c, 0, "And one more thing")
	back := func(said network.Draft) {
		t.Helper()
		if err := b.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			return b.desk.TakenBack(ctx, tx, voice(ben), send, said)
		}); err != nil {
			t.Fatal(err)
		}
	}
	back(b.sent[0].Draft)
	back(b.sent[0].Draft)
	if v := b.draft(voice(ana), c); v.Text != "It runs.\n\nAnd one more thing" || v.Warning != "buses" {
		t.Errorf("to go on with: %+v", v)
	}
	if v := b.draft(voice(ben), c); v.Text != "" {
		t.Errorf("who called it back has %+v", v)
	}
	again, err := b.desk.Reply(ctx, voice(ana), in)
	if err != nil || again == send || len(b.sent) != 2 {
		t.Errorf("the same words under the same key are not sent anew: %v, %d sent", err, len(b.sent))
	}
	in.Patient, in.Key = false, "another"
	if _, err := b.desk.Reply(ctx, voice(ana), in); err != nil || !b.sent[2].At.IsZero() {
		t.Errorf("a program's answer waits until %v (%v)", b.sent[2].At, err)
	}
}
