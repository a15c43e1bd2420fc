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
)

func (b *bundle) note(who actor.Actor, c id.ID, words string) id.ID {
	b.Helper()
	n, err := b.desk.AddNote(context.Background(), who, c, conversation.NoteIn{Text: words})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bundle) notes(c id.ID) (said []string) {
	b.Helper()
	all, err := b.desk.Notes(context.Background(), voice(ana), c)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range all {
		said = append(said, n.By+": "+n.Written())
	}
	return said
}

// told lists who was told that they are mentioned.
func (b *bundle) told() (members []id.ID) {
	b.Helper()
	all, err := event.After(context.Background(), b.db.Read(), workspace, 0, 500)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range all {
		if e.Verb == "note.mentioned" {
			members = append(members, e.Subject)
		}
	}
	return members
}

func TestANoteIsForColleaguesAndIsNeverSent(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	b.note(voice(ben), c, "She *always* asks. @Ana Lima, can you?")
	if _, err := b.desk.Reply(ctx, voice(ana), conversation.Answer{Conversation: c, Text: "It is."}); err != nil {
		t.Fatal(err)
	}
	if len(b.sent) != 1 || strings.Contains(b.sent[0].Draft.Parts[0].Text, "always") {
		t.Errorf("sent: %+v", b.sent)
	}
	if strings.Contains(b.state(), "always") {
		t.Errorf("a note stands among what was said:\n%s", b.state())
	}
	if said := b.notes(c); len(said) != 1 || said[0] != "Ben Okoro: She *always* asks. @Ana Lima, can you?" {
		t.Errorf("the notes: %q", said)
	}
	if told := b.told(); len(told) != 1 || told[0] != ana {
		t.Errorf("told: %v", told)
	}
	all, err := b.desk.Notes(ctx, voice(ana), c)
	if err != nil || !strings.Contains(all[0].HTML(), `<em>always</em>`) || !strings.Contains(all[0].HTML(), `@Ana Lima</span>`) {
		t.Errorf("it is shown as %+v (%v)", all, err)
	}
	b.exec(`update member set name = 'Ana Lopes' where id = $1`, ana)
	if said := b.notes(c); said[0] != "Ben Okoro: She *always* asks. @Ana Lopes, can you?" {
		t.Errorf("after she changed her name: %q", said)
	}
}

func TestOnlyItsWriterChangesANote(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	n := b.note(voice(ben), c, "first")
	edit := func(who actor.Actor, words string) error {
		return b.desk.EditNote(ctx, who, n, conversation.NoteIn{Text: words})
	}
	wantProblem(t, edit(voice(ana), "mine now"), "conversation.others_note")
	wantProblem(t, b.desk.DeleteNote(ctx, voice(ana), n), "conversation.others_note")
	wantProblem(t, edit(voice(ben), "  \n"), "conversation.empty_note")
	wantProblem(t, edit(voice(ben), strings.Repeat("x", 10_001)), "conversation.long_note")
	reader := voice(ben)
	reader.Grants = []actor.Grant{{Right: actor.ReadConversations}}
	if err := edit(reader, "as a reader"); err == nil {
		t.Error("who may write none any more changes one")
	}
	b.clock.Set(after(2 * time.Hour))
	for _, words := range []string{"second, @Ana", "second, @Ana", "third, @Ana and @Ben"} {
		if err := edit(voice(ben), words); err != nil {
			t.Fatal(err)
		}
	}
	if told := b.told(); len(told) != 1 || told[0] != ana {
		t.Errorf("told: %v", told)
	}
	if err := b.desk.DeleteNote(ctx, voice(ben), n); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, b.desk.DeleteNote(ctx, voice(ben), n), "conversation.no_note")
	if said := b.notes(c); len(said) != 0 {
		t.Errorf("after it was deleted: %q", said)
	}
	var kept int
	if err := b.db.Read().Row(ctx, `select count(*) from note_version where note = $1`, n).Scan(&kept); err != nil || kept != 3 {
		t.Errorf("%d versions are kept (%v), want 3", kept, err)
	}
	b.exec(`update workspace set keep_days = 10 where id = $1`, workspace)
	b.clock.Set(after(11 * 24 * time.Hour))
	if _, err := b.desk.Sweep(ctx, actor.System(workspace, "retention")); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Read().Row(ctx, `select count(*) from note_version`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d versions are kept past their time (%v)", kept, err)
	}
}

func TestWhoMayNotReadIsNotMentioned(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	ctx := context.Background()
	b.team[1].Actor.Grants = []actor.Grant{{Right: actor.ReadConversations, Scope: actor.Scope{Kind: "account", ID: library}}}
	_, err := b.desk.AddNote(ctx, voice(ana), c, conversation.NoteIn{Text: "@Ben Okoro, look"})
	wantProblem(t, err, "conversation.cannot_read")
	_, err = b.desk.AddNote(ctx, voice(ana), c, conversation.NoteIn{Text: "<@" + otto.String() + ">, look"})
	wantProblem(t, err, "conversation.no_colleague")
	_, err = b.desk.AddNote(ctx, b.team[1].Actor, c, conversation.NoteIn{Text: "x"})
	wantProblem(t, err, "conversation.not_found")
	stranger := voice(otto)
	stranger.Workspace = elsewhere
	if notes, err := b.desk.Notes(ctx, stranger, c); err == nil {
		t.Errorf("another workspace reads %v", notes)
	}
	if len(b.told()) != 0 || len(b.notes(c)) != 0 {
		t.Errorf("told %v, kept %v", b.told(), b.notes(c))
	}
}

// Notes go with the conversation of whoever is erased, and lose the name where
// they stand beside others.
func TestErasingAPersonTakesThemOutOfNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("zuckmayerin", "z1", "", "My xylophone", after(0)), says("bea", "m2", "", "hello", after(minute)))
	at := map[string]id.ID{}
	for _, r := range b.list(voice(ana), conversation.All) {
		at[r.Person.Name] = r.ID
	}
	b.note(voice(ben), at["Zuckmayerin"], "She lost her xylophone, @Ana")
	other := b.note(voice(ben), at["Bea"], "This is the neighbour of zuckmayerin@far.example, @Ana")
	if err := b.desk.EditNote(ctx, voice(ben), other, conversation.NoteIn{Text: "Asks like @zuckmayerin did, @Ana"}); err != nil {
		t.Fatal(err)
	}
	b.erase("zuckmayerin")
	if said := b.notes(at["Bea"]); len(said) != 1 || said[0] != "Ben Okoro: Asks like […] did, @Ana Lima" {
		t.Errorf("beside somebody else stands %q", said)
	}
	for _, q := range []string{`select body from note`, `select body from note_version`} {
		rows, err := b.db.Read().Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var body string
			if err := rows.Scan(&body); err != nil || strings.Contains(strings.ToLower(body), "zuckmayerin") || strings.Contains(body, "xylophone") {
				t.Errorf("left: %q (%v)", body, err)
			}
		}
		rows.Close()
	}
}
