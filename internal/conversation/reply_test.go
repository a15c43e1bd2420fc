package conversation_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// asked is a desk on which Bea asked something in public.
func asked(t *testing.T) (*bundle, id.ID) {
	t.Helper()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)))
	return b, b.list(voice(ana), conversation.Waiting)[0].ID
}

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	if !problem.Is(err, code) {
		t.Errorf("got %v, want the problem %s", err, code)
	}
}

func TestAClaimIsOneMembersUntilItIsHandedBack(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	if err := b.desk.Claim(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Claim(ctx, voice(ana), c); err != nil {
		t.Errorf("claiming again what is mine: %v", err)
	}
	err := b.desk.Claim(ctx, voice(ben), c)
	wantProblem(t, err, "conversation.claimed")
	if p := problem.Of(err); p.Args["name"] != "Ana Lima" {
		t.Errorf("the refusal names %v", p.Args["name"])
	}
	wantProblem(t, b.desk.Release(ctx, voice(ben), c), "conversation.claimed")
	wantProblem(t, b.desk.Finish(ctx, voice(ben), c), "conversation.claimed")
	if rows := b.list(voice(ana), conversation.Mine); len(rows) != 1 || rows[0].Claimer != "Ana Lima" {
		t.Errorf("mine: %+v", rows)
	}
	if rows := b.list(voice(ben), conversation.Mine); len(rows) != 0 {
		t.Errorf("Ben's: %+v", rows)
	}
	if err := b.desk.Release(ctx, steward(), c); err != nil { // Ana herself, as a steward
		t.Fatal(err)
	}
	if err := b.desk.Claim(ctx, voice(ben), c); err != nil {
		t.Errorf("after it was handed back: %v", err)
	}
	if err := b.desk.Release(ctx, steward(), c); err != nil {
		t.Errorf("a steward takes it from Ben: %v", err)
	}
	var how string
	if err := b.db.Read().Row(ctx, `select how from claim where member = $1`, ben).Scan(&how); err != nil || how != "taken" {
		t.Errorf("Ben's claim ended as %q (%v)", how, err)
	}
}

func TestWhatADepartedMemberHeldIsFreeAgain(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	if err := b.desk.Claim(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	release := func() {
		if err := b.desk.ReleaseDeparted(ctx, actor.System(workspace, "team")); err != nil {
			t.Fatal(err)
		}
	}
	release()
	wantProblem(t, b.desk.Claim(ctx, voice(ben), c), "conversation.claimed")
	b.exec(`update member set departed = 5 where id = $1`, ana)
	release()
	if err := b.desk.Claim(ctx, voice(ben), c); err != nil {
		t.Errorf("after Ana left: %v", err)
	}
	if err := b.desk.ReleaseDeparted(ctx, voice(ben)); err == nil {
		t.Error("a voice did what only Parley does")
	}
}

func TestTwoMembersNeverBothSend(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			who := voice(ana)
			if i%2 == 1 {
				who = voice(ben)
			}
			_, errs[i] = b.desk.Reply(context.Background(), who, conversation.Answer{Conversation: c, Text: "Yes", Key: who.Name})
		})
	}
	wg.Wait()
	if len(b.sent) != 1 {
		t.Errorf("%d answers were handed on, want 1", len(b.sent))
	}
	refused := 0
	for _, err := range errs {
		if problem.Is(err, "conversation.claimed") {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 4 {
		t.Errorf("%d were refused, want the four of one member", refused)
	}
}

func TestTheSameAnswerSentTwiceIsOne(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	in := conversation.Answer{Conversation: c, Text: "Yes", Key: "k1"}
	first, err := b.desk.Reply(context.Background(), voice(ana), in)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.desk.Reply(context.Background(), voice(ana), in)
	if err != nil || first != second || len(b.sent) != 1 {
		t.Errorf("%v and %v, %d handed on (%v)", first, second, len(b.sent), err)
	}
	in.Text = "Yes, but not on Sunday"
	third, err := b.desk.Reply(context.Background(), voice(ana), in)
	if err != nil || third == first || len(b.sent) != 2 {
		t.Errorf("other words from the same composer: %v, %d handed on (%v)", third, len(b.sent), err)
	}
}

// The answer of a colleague may be out and the claim over before I press send:
// then I must read it first.
func TestAnAnswerBegunBeforeAnotherWasGivenIsRefused(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	mine, err := b.desk.Compose(ctx, voice(ben), c, 0)
	if err != nil {
		t.Fatal(err)
	}
	send, err := b.desk.Reply(ctx, voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	b.stands(sent(b, c, send, "a1"))
	late := conversation.Answer{Conversation: c, Text: "It is", Seen: mine.Seen}
	_, err = b.desk.Reply(ctx, voice(ben), late)
	wantProblem(t, err, "conversation.answered_meanwhile")
	again, err := b.desk.Compose(ctx, voice(ben), c, 0)
	if err != nil {
		t.Fatal(err)
	}
	late.Seen = again.Seen
	if _, err := b.desk.Reply(ctx, voice(ben), late); err != nil {
		t.Errorf("having read it: %v", err)
	}
}

func TestAnAnswerIsSignedAddressedAndNeverWider(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	quiet := says("bea", "m1", "", "between us and my followers", after(0))
	quiet.Post.Visibility = network.Followers
	b.ingest(town, quiet)
	c := b.list(voice(ana), conversation.Waiting)[0].ID
	answer := conversation.Answer{Conversation: c, Text: "  We will look at it.\r\n  "}
	for _, v := range []network.Visibility{network.Public, network.Unlisted} {
		answer.Visibility = v
		_, err := b.desk.Reply(context.Background(), voice(ana), answer)
		wantProblem(t, err, "conversation.wider")
	}
	answer.Visibility = ""
	if _, err := b.desk.Reply(context.Background(), voice(ana), answer); err != nil {
		t.Fatal(err)
	}
	d := b.sent[0].Draft
	part := d.Parts[0]
	if part.Text != "We will look at it. ^Ana" || part.Visibility != network.Followers || len(part.Keep) != 1 || part.Keep[0].Handle != "bea@far.example" {
		t.Errorf("the draft is %+v", part)
	}
	if d.ReplyTo == nil || d.ReplyTo.ID != "m1" || !d.ByHuman {
		t.Errorf("it answers %+v", d.ReplyTo)
	}
}

func TestWhatCannotBeAnsweredSaysWhy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prepare func(*bundle)
		in      conversation.Answer
		code    string
	}{
		"empty":      {nil, conversation.Answer{Text: " \n "}, "conversation.empty_answer"},
		"too long":   {nil, conversation.Answer{Text: strings.Repeat("long ", 40)}, "conversation.too_long"},
		"not here":   {func(b *bundle) { b.why = "mastodon.why.x" }, conversation.Answer{Text: "x"}, "conversation.cannot_answer"},
		"taken back": {func(b *bundle) { b.ingest(town, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: "m1"}}) }, conversation.Answer{Text: "x"}, "conversation.cannot_answer"},
		"not theirs": {nil, conversation.Answer{Text: "x", To: 12345}, "conversation.nothing_to_answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			if tc.prepare != nil {
				tc.prepare(b)
			}
			tc.in.Conversation = c
			_, err := b.desk.Reply(context.Background(), voice(ana), tc.in)
			wantProblem(t, err, tc.code)
			if len(b.sent) != 0 {
				t.Error("it was handed on")
			}
		})
	}
}

// The mention in front and the signature behind count, so that what the composer
// lets through is never refused by the network as too long.
func TestExactlyAsMuchAsFits(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	room := 100 - len("@bea ") - len(" ^Ana") // the host of a handle is free on this network
	if _, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: strings.Repeat("x", room+1)}); !problem.Is(err, "conversation.too_long") {
		t.Errorf("one too many: %v", err)
	}
	if _, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: strings.Repeat("x", room)}); err != nil {
		t.Errorf("exactly: %v", err)
	}
}

func sent(b *bundle, c, send id.ID, ref string) conversation.Sent {
	d := b.sent[len(b.sent)-1].Draft
	return conversation.Sent{Delivery: send, Account: town, Conversation: c, Remote: b.remote(town), ReplyTo: d.ReplyTo, Part: d.Parts[0], Ref: network.Ref{ID: ref, ParentID: d.ReplyTo.ID}}
}

func (b *bundle) stands(in conversation.Sent) {
	b.Helper()
	if err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		return b.desk.Sent(ctx, tx, actor.System(workspace, "delivery"), in)
	}); err != nil {
		b.Fatal(err)
	}
}

// The network's echo of our answer may come before or after we know that it was
// sent, and be seen by a poll as well: it is one message, signed by its writer.
func TestAnAnswerAndItsEchoAreOneMessage(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"echo first", "sent first"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
			if err != nil {
				t.Fatal(err)
			}
			b.want(`Bea public 11 open waiting 0s | Bea: Is bus 12 running?`)
			echo := ours(says("our11", "a1", "m1", "Yes ^Ana", after(time.Hour)))
			if order == "echo first" {
				b.ingest(town, echo)
				b.ingest(town, echo)
			}
			b.stands(sent(b, c, send, "a1"))
			b.stands(sent(b, c, send, "a1")) // told again after a crash
			b.ingest(town, echo)
			b.want(`Bea public 11 done | Bea: Is bus 12 running? / we: Yes ^Ana`)
			v, err := b.desk.Open(context.Background(), voice(ben), c)
			if err != nil {
				t.Fatal(err)
			}
			if m := v.Messages[1]; m.Delivery != send || m.By != ana || v.ClaimedBy != 0 {
				t.Errorf("delivery %v by %v, claimed by %v", m.Delivery, m.By, v.ClaimedBy)
			}
		})
	}
}

func TestNobodySeesOrTouchesAnotherWorkspaceOrAccount(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	stranger := actor.Actor{Workspace: elsewhere, Member: otto, Grants: voice(ana).Grants}
	onlyLibrary := actor.Actor{Workspace: workspace, Member: ben}
	for _, g := range voice(ana).Grants {
		g.Scope = actor.Scope{Kind: "account", ID: library}
		onlyLibrary.Grants = append(onlyLibrary.Grants, g)
	}
	head, _ := event.Head(ctx, b.db.Read(), workspace)
	for name, a := range map[string]actor.Actor{"another workspace": stranger, "another account": onlyLibrary, "nobody": {}} {
		for what, err := range map[string]error{
			"claim":   b.desk.Claim(ctx, a, c),
			"release": b.desk.Release(ctx, a, c),
			"finish":  b.desk.Finish(ctx, a, c),
			"reopen":  b.desk.Reopen(ctx, a, c),
			"open":    second(b.desk.Open(ctx, a, c)),
			"compose": second(b.desk.Compose(ctx, a, c, 0)),
			"reply":   second(b.desk.Reply(ctx, a, conversation.Answer{Conversation: c, Text: "x"})),
			"person":  second(b.desk.PersonOf(ctx, a, c)),
		} {
			if err == nil {
				t.Errorf("%s: %s succeeded", name, what)
			}
		}
		if p, err := b.desk.List(ctx, a, conversation.Filter{Box: conversation.All}); err == nil && len(p.Rows) != 0 {
			t.Errorf("%s sees %d conversations", name, len(p.Rows))
		}
	}
	reader := actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}}}
	wantProblem(t, b.desk.Claim(ctx, reader, c), "forbidden")
	if again, _ := event.Head(ctx, b.db.Read(), workspace); again != head {
		t.Error("a refusal left an event")
	}
}

func second[T any](_ T, err error) error { return err }

func TestPagesOfAListMeetWithoutGapOrOverlap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	for i := range 23 {
		b.ingest(town, says("p"+string(rune('a'+i)), "m"+string(rune('a'+i)), "", "x", after(time.Duration(i/3)*minute))) // some at the same time
	}
	for _, box := range []conversation.Box{conversation.Waiting, conversation.All} {
		seen := map[id.ID]bool{}
		f := conversation.Filter{Box: box, Limit: 5}
		for range 10 {
			p, err := b.desk.List(context.Background(), voice(ana), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range p.Rows {
				if seen[r.ID] {
					t.Errorf("%s: %v came twice", box, r.ID)
				}
				seen[r.ID] = true
			}
			if p.Next.ID == 0 {
				break
			}
			f.After = p.Next
		}
		if len(seen) != 23 {
			t.Errorf("%s: %d of 23 were listed", box, len(seen))
		}
	}
}
