package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
)

const press id.ID = 61 // a team of ben's

func (b *bundle) teams() {
	b.exec(`insert into team (workspace, id, name, name_folded, created, created_by, closed, closed_by) values ($1, $2, 'Press', 'press', 1, 0, 0, 0)`, workspace, press)
	b.exec(`insert into team_member (workspace, id, team, member, added, added_by, removed, removed_by) values ($1, 71, $2, $3, 1, 0, 0, 0)`, workspace, press, ben)
	b.team[1].Teams = []id.ID{press}
}

func (b *bundle) give(who actor.Actor, c id.ID, to conversation.Receiver, words string) error {
	return b.desk.HandOver(context.Background(), who, c, to, conversation.NoteIn{Text: words})
}

// mine is what stands in somebody's own box: by whom it was given, or that they
// answer it.
func (b *bundle) mine(who actor.Actor) (lines []string) {
	b.Helper()
	for _, r := range b.list(who, conversation.Mine) {
		switch {
		case r.ClaimedBy == who.Member:
			lines = append(lines, "answering")
		case r.Handed != nil && r.Handed.Back:
			lines = append(lines, "back from "+r.Handed.By+": "+r.Handed.Words)
		case r.Handed != nil:
			lines = append(lines, "from "+r.Handed.By+": "+r.Handed.Words)
		}
	}
	return lines
}

func (b *bundle) wantMine(what string, who actor.Actor, want ...string) {
	b.Helper()
	got := b.mine(who)
	if len(got) != len(want) || len(got) == 1 && got[0] != want[0] {
		b.Errorf("%s: %s has %q, want %q", what, who.Name, got, want)
	}
	counts, err := b.desk.Counts(context.Background(), who)
	if err != nil || counts[conversation.Mine] != len(want) {
		b.Errorf("%s: %s is told of %d (%v)", what, who.Name, counts[conversation.Mine], err)
	}
}

func TestAHandOverIsTheReceiversUntilTheyTakeItOn(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	if err := b.desk.Claim(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b.give(voice(ben), c, conversation.Receiver{Member: ben}, ""), "conversation.claimed")
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{Member: ana}, ""), "conversation.handed_to_self")
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{Member: otto}, ""), "conversation.no_receiver")
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{}, ""), "conversation.no_receiver")
	if err := b.give(voice(ana), c, conversation.Receiver{Member: ben}, "**You** know the buses, @Ben"); err != nil {
		t.Fatal(err)
	}
	b.wantMine("given", voice(ana))
	b.wantMine("given", voice(ben), "from Ana Lima: You know the buses, @Ben Okoro")
	if err := b.desk.HandBack(ctx, voice(ana), c, conversation.NoteIn{}); err == nil {
		t.Error("who gave it hands it back")
	}
	if err := b.desk.HandBack(ctx, voice(ben), c, conversation.NoteIn{Text: "I am off"}); err != nil {
		t.Fatal(err)
	}
	b.wantMine("handed back", voice(ana), "back from Ben Okoro: I am off")
	b.wantMine("handed back", voice(ben))
	if err := b.give(voice(ana), c, conversation.Receiver{Member: ben}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.desk.Reply(ctx, voice(ben), conversation.Answer{Conversation: c, Text: "It runs."}); err != nil {
		t.Fatal(err)
	}
	b.wantMine("taken on", voice(ben), "answering")
	b.wantMine("taken on", voice(ana))
	var ends string
	rows, err := b.db.Read().Query(ctx, `select how from handover order by id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var how string
		if err := rows.Scan(&how); err != nil {
			t.Fatal(err)
		}
		ends += how + " "
	}
	if ends != "returned again claimed " {
		t.Errorf("they ended as %q", ends)
	}
}

func TestAHandOverGoesOnlyToWhoMayAnswerThere(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	b.teams()
	b.team[1].Actor.Grants = []actor.Grant{{Right: actor.ReadConversations}, {Right: actor.Reply, Scope: actor.Scope{Kind: "account", ID: library}}}
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{Member: ben}, ""), "conversation.cannot_answer_there")
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{Team: press}, ""), "conversation.team_cannot_answer")
	wantProblem(t, b.give(voice(ana), c, conversation.Receiver{Team: 99}, ""), "conversation.no_receiver")
	members, teams, err := b.desk.Receivers(context.Background(), voice(ana), c)
	if err != nil || len(members)+len(teams) != 0 {
		t.Errorf("it is offered to %v and %v (%v)", members, teams, err)
	}
	b.team[1].Actor = voice(ben)
	members, teams, err = b.desk.Receivers(context.Background(), voice(ana), c)
	if err != nil || len(members) != 1 || members[0].Actor.Member != ben || len(teams) != 1 || teams[0].Name != "Press" {
		t.Errorf("it is offered to %v and %v (%v)", members, teams, err)
	}
	if err := b.give(voice(ana), c, conversation.Receiver{Team: press}, "for the press"); err != nil {
		t.Fatal(err)
	}
	b.wantMine("given to a team", voice(ben), "from Ana Lima: for the press")
	b.wantMine("given to a team", voice(ana))
	b.exec(`update team_member set removed = 5 where workspace = $1`, workspace)
	b.wantMine("out of the team", voice(ben))
}

func TestAHandOverEndsWithWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(*bundle, id.ID) error{
		"finished": func(b *bundle, c id.ID) error { return b.desk.Finish(context.Background(), voice(ana), c) },
		"the receiver left": func(b *bundle, _ id.ID) error {
			b.exec(`update member set departed = 5 where id = $1`, ben)
			return b.desk.ReleaseDeparted(context.Background(), actor.System(workspace, "team"))
		},
		"erased": func(b *bundle, _ id.ID) error {
			b.erase("bea")
			return nil
		},
	} {
		b, c := asked(t)
		if err := b.give(voice(ana), c, conversation.Receiver{Member: ben}, "yours"); err != nil {
			t.Fatal(err)
		}
		b.clock.Set(after(2 * time.Hour))
		if err := end(b, c); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		b.wantMine(what, voice(ben))
	}
}

// What is joined into one conversation is still somebody's.
func TestAHandOverFollowsItsConversationIntoAnother(t *testing.T) {
	t.Parallel()
	b, first, second := torn(t)
	if err := b.give(voice(ana), second, conversation.Receiver{Member: ben}, "the later one"); err != nil {
		t.Fatal(err)
	}
	b.mend()
	b.wantMine("joined", voice(ben), "from Ana Lima: the later one")
	if said := b.notes(first); len(said) != 1 {
		t.Errorf("the notes: %q", said)
	}
}
