package conversation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
)

func (b *bundle) draft(who actor.Actor, c id.ID) conversation.ReplyDraft {
	b.Helper()
	v, err := b.desk.Draft(context.Background(), who, c)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func (b *bundle) save(who actor.Actor, c id.ID, version int64, words string) conversation.ReplyDraft {
	b.Helper()
	v, err := b.desk.SaveDraft(context.Background(), who, c, conversation.ReplyDraft{Text: words, Version: version})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func TestADraftIsItsWritersAloneAndEndsWhenItIsSent(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	first, err := b.desk.SaveDraft(ctx, voice(ana), c, conversation.ReplyDraft{Text: "It ru", Warning: "buses", Visibility: network.Unlisted})
	if err != nil || first.Version == 0 {
		t.Fatal(first, err)
	}
	if v := b.draft(voice(ana), c); v.Text != "It ru" || v.Warning != "buses" || v.Visibility != network.Unlisted {
		t.Errorf("kept: %+v", v)
	}
	if v := b.draft(voice(ben), c); v.Version != 0 || v.Text != "" {
		t.Errorf("somebody else reads %+v", v)
	}
	events, err := event.After(ctx, b.db.Read(), workspace, 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Member == ana {
			t.Errorf("that she writes is in the log: %s", e.Verb)
		}
	}
	second := b.save(voice(ana), c, first.Version, "It runs.")
	b.save(voice(ben), c, 0, "I think it does.")
	b.clock.Set(after(2 * time.Hour))
	if _, err := b.desk.Reply(ctx, voice(ana), conversation.Answer{Conversation: c, Text: "It runs."}); err != nil {
		t.Fatal(err)
	}
	if v := b.draft(voice(ana), c); v.Version != 0 {
		t.Errorf("after it was sent: %+v", v)
	}
	if v := b.save(voice(ana), c, second.Version, "It runs."); v.Version != 0 || b.draft(voice(ana), c).Version != 0 {
		t.Error("what was on its way when it was sent came back")
	}
	if v := b.draft(voice(ben), c); v.Text != "I think it does." {
		t.Errorf("a colleague's draft: %+v", v)
	}
	b.exec(`update member set departed = 5 where id = $1`, ben)
	if err := b.desk.ReleaseDeparted(ctx, actor.System(workspace, "team")); err != nil {
		t.Fatal(err)
	}
	if v := b.draft(voice(ben), c); v.Version != 0 {
		t.Errorf("of who left stays %+v", v)
	}
}

// Two devices of one member: whoever saves on top of what they have not read is
// told what stands there, and nothing is lost.
func TestTwoDevicesLoseNothingOfEachOther(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	phone := b.save(voice(ana), c, 0, "from the phone")
	theirs, err := b.desk.SaveDraft(ctx, voice(ana), c, conversation.ReplyDraft{Text: "from the desk"})
	wantProblem(t, err, "conversation.draft_elsewhere")
	if theirs.Text != "from the phone" || theirs.Version != phone.Version || b.draft(voice(ana), c).Text != "from the phone" {
		t.Errorf("told %+v, kept %+v", theirs, b.draft(voice(ana), c))
	}
	desk := b.save(voice(ana), c, theirs.Version, "from the desk")
	if desk.Version <= phone.Version {
		t.Errorf("version %d follows %d", desk.Version, phone.Version)
	}
	if v := b.save(voice(ana), c, desk.Version, "  \n"); v.Version != 0 || b.draft(voice(ana), c).Version != 0 {
		t.Errorf("empty words leave %+v", b.draft(voice(ana), c))
	}
	if v := b.save(voice(ana), c, desk.Version, "and again"); v.Text != "and again" {
		t.Errorf("after it was taken away elsewhere: %+v", v)
	}
	_, err = b.desk.SaveDraft(ctx, voice(ana), c, conversation.ReplyDraft{Text: strings.Repeat("x", 70_000)})
	wantProblem(t, err, "conversation.long_draft")
	reader := voice(ben)
	reader.Grants = []actor.Grant{{Right: actor.ReadConversations}}
	if _, err := b.desk.SaveDraft(ctx, reader, c, conversation.ReplyDraft{Text: "x"}); err == nil {
		t.Error("who may not answer keeps an answer")
	}
}

func TestADraftFollowsItsConversationAndForgetsWhoIsErased(t *testing.T) {
	t.Parallel()
	b, first, second := torn(t)
	b.save(voice(ana), first, 0, "the one")
	b.save(voice(ana), second, 0, "the other")
	b.save(voice(ben), second, 0, "mine")
	b.mend()
	if v := b.draft(voice(ana), first); v.Text != "the one\n\nthe other" {
		t.Errorf("joined: %q", v.Text)
	}
	if v := b.draft(voice(ben), first); v.Text != "mine" {
		t.Errorf("carried over: %q", v.Text)
	}

	b = setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("zuckmayerin", "z1", "", "hello", after(0)), says("bea", "m2", "", "hello", after(minute)))
	for _, r := range b.list(voice(ana), conversation.All) {
		b.save(voice(ana), r.ID, 0, "Dear zuckmayerin@far.example")
	}
	b.erase("zuckmayerin")
	rows := b.list(voice(ana), conversation.All)
	if v := b.draft(voice(ana), rows[0].ID); len(rows) != 1 || v.Text != "Dear […]" {
		t.Errorf("left: %+v", v)
	}
	var n int
	if err := b.db.Read().Row(context.Background(), `select count(*) from reply_draft`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d drafts are left (%v)", n, err)
	}
}
