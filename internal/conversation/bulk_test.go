package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

// posted is a post of the town's, with n answers under it and one by somebody else
// elsewhere. It returns the post and the answers, the oldest first.
func posted(t *testing.T, n int) (b *bundle, post id.ID, under []id.ID) {
	t.Helper()
	b = setup(t)
	b.clock.Set(after(24 * time.Hour))
	b.ingest(town, ours(says("our11", "p1", "", "The bridge is open again", after(0))))
	var es []network.Event
	for i := range n {
		es = append(es, says(fmt.Sprintf("who%03d", i), fmt.Sprint("r", i), "p1", fmt.Sprint("answer ", i), after(time.Duration(i+1)*time.Second)))
	}
	b.ingest(town, append(es, says("elsa", "e1", "e0", "elsewhere", after(0)))...)
	for c := range b.in(conversation.Waiting) {
		v, err := b.desk.Open(context.Background(), voice(ana), c)
		b.must(err)
		if v.Post != 0 {
			post = v.Post
			under = append(under, c)
		}
	}
	slices.Sort(under)
	if len(under) != n {
		t.Fatalf("%d are under our post, want %d", len(under), n)
	}
	return b, post, under
}

func (b *bundle) finished() (n int) {
	return b.number(`select count(*) from conversation where state = 'done'`)
}

func TestManyAreDoneTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, _, under := posted(t, 6)
	b.must(b.desk.Claim(ctx, voice(ben), under[1]))
	b.must(b.desk.Finish(ctx, voice(ana), under[2]))
	did, err := b.desk.FinishMany(ctx, voice(ana), append(under[:4:4], under[0], 999))
	b.must(err)
	if len(did.Done) != 3 || len(did.Skipped) != 2 || b.finished() != 3 {
		t.Errorf("done %v, left %v, finished %d", did.Done, did.Skipped, b.finished())
	}
	for _, s := range did.Skipped {
		if want := map[id.ID]string{under[1]: "conversation.claimed", 999: "conversation.not_found"}[s.Conversation]; s.Why.Code != want {
			t.Errorf("%s is left because of %s", s.Conversation, s.Why.Code)
		}
	}
	roads := b.label("Roads")
	did, err = b.desk.LabelMany(ctx, voice(ana), roads, true, under)
	b.must(err)
	if len(did.Done) != 6 || b.number(`select count(*) from labelling where ended = 0`) != 6 {
		t.Errorf("labelled %v", did)
	}
	_, err = b.desk.LabelMany(ctx, voice(ana), roads, false, under[:2])
	b.must(err)
	if n := b.number(`select count(*) from labelling where ended = 0`); n != 4 {
		t.Errorf("%d labels are left", n)
	}
	b.must(b.desk.RetireLabel(ctx, manager(ana), roads))
	_, err = b.desk.LabelMany(ctx, voice(ana), roads, true, under)
	wantProblem(t, err, "conversation.label_retired")
	_, err = b.desk.LabelMany(ctx, voice(ana), 999, true, under)
	wantProblem(t, err, "conversation.no_label")
	_, err = b.desk.FinishMany(ctx, voice(ana), nil)
	wantProblem(t, err, "conversation.bulk_many")
	many := make([]id.ID, 201)
	for i := range many {
		many[i] = id.ID(i + 1)
	}
	_, err = b.desk.FinishMany(ctx, voice(ana), many)
	wantProblem(t, err, "conversation.bulk_many")
	_, err = b.desk.FinishMany(ctx, actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}}}, under)
	wantProblem(t, err, "forbidden")

	// What fails in the middle leaves nothing behind.
	before := b.finished()
	next := b.number(`select max(n) + 1 from event where workspace = 1`)
	b.exec(`insert into event (workspace, n, at, actor_kind, actor, actor_part, verb, kind, subject, details, leaf) values (1, $1, 0, 'member', 0, '', 'x', 'x', 0, '{}', $2)`, next, []byte{})
	if _, err := b.desk.FinishMany(ctx, voice(ana), under); err == nil || b.finished() != before {
		t.Errorf("%v, and %d are finished instead of %d", err, b.finished(), before)
	}
}

// Everything under a post is shown once, fifty at a time, the open ones first; one
// after the other leads through all that can be answered.
func TestEverythingUnderAPost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, post, under := posted(t, 120)
	for _, c := range under[:20] {
		b.must(b.desk.Finish(ctx, voice(ana), c))
	}
	b.must(b.desk.Claim(ctx, voice(ben), under[50]))
	b.must(b.desk.Snooze(ctx, voice(ana), under[60], after(48*time.Hour)))
	var seen []id.ID
	var states []conversation.State
	var at conversation.Standing
	for pages := 1; ; pages++ {
		p, err := b.desk.Under(ctx, voice(ana), post, "", at)
		b.must(err)
		if p.Open != 100 || p.Message.Text.Body != "The bridge is open again" || len(p.Rows) > 50 {
			t.Fatalf("%d open, %d rows, under %q", p.Open, len(p.Rows), p.Message.Text.Body)
		}
		for _, r := range p.Rows {
			seen, states = append(seen, r.ID), append(states, r.State)
		}
		if at = p.Next; at.ID == 0 {
			break
		}
	}
	if states[99] != conversation.Open || states[100] != conversation.Done {
		t.Errorf("the open ones are not first: %v", states)
	}
	slices.Sort(seen)
	if !slices.Equal(seen, under) {
		t.Errorf("%d are shown, want %d", len(seen), len(under))
	}
	var worked []id.ID
	for last := id.ID(0); ; {
		next, err := b.desk.NextUnder(ctx, voice(ana), post, last)
		b.must(err)
		if next == 0 {
			break
		}
		if len(worked)%2 == 0 { // every other one is skipped at first, and comes again
			b.must(b.desk.Finish(ctx, voice(ana), next))
		}
		if worked, last = append(worked, next), next; len(worked) > 400 {
			t.Fatal("it does not end")
		}
	}
	// Ben's and what rests are left; and at most the one that was skipped when it was
	// the last.
	if n := b.finished(); n != 117 {
		t.Errorf("%d are finished", n)
	}
	_, err := b.desk.Under(ctx, voice(ana), under[0], "", conversation.Standing{})
	wantProblem(t, err, "conversation.no_post")
	only := actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations, Scope: actor.Scope{Kind: "account", ID: library}}}}
	_, err = b.desk.Under(ctx, only, post, "", conversation.Standing{})
	wantProblem(t, err, "conversation.no_post")
}
