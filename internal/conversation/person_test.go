package conversation_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/problem"
)

// person is who stands behind a remote id.
func (b *bundle) person(remote string) id.ID {
	b.Helper()
	var p id.ID
	if err := b.db.Read().Row(context.Background(), `select person from identity where remote_id = $1`, remote).Scan(&p); err != nil {
		b.Fatal(err)
	}
	return p
}

func (b *bundle) profile(a actor.Actor, person id.ID) conversation.Profile {
	b.Helper()
	p, err := b.desk.Profile(context.Background(), a, person)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// narrowed may do in one account what a voice may do everywhere.
func narrowed(account id.ID) actor.Actor {
	a := voice(ben)
	for i := range a.Grants {
		a.Grants[i].Scope = actor.Scope{Kind: "account", ID: account}
	}
	return a
}

func TestAProfileTellsWhatIsKnown(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("vera", "v1", "", "Is the bridge open?", after(-48*time.Hour)), says("vera", "v2", "", "And the ferry?", after(0)),
		context_(says("vera", "v3", "v2", "I mean the small one", after(minute))), says("carl", "c1", "", "Bins", after(0)))
	b.ingest(library, says("vera", "v4", "", "Do you lend maps?", after(2*minute)))
	var bridge id.ID
	for _, r := range b.list(voice(ana), conversation.All) {
		if strings.Contains(r.Snippet, "bridge") {
			bridge = r.ID
		}
	}
	_, err := b.desk.Reply(ctx, voice(ben), conversation.Answer{Conversation: bridge, Text: "It is.", Seen: -1})
	b.must(err)
	b.must(b.desk.Finish(ctx, voice(ben), bridge))
	vera := b.person("vera")
	b.must(b.desk.Mark(ctx, voice(ana), vera, conversation.Press, "writes for the Herald"))
	b.must(b.desk.Mark(ctx, voice(ana), vera, conversation.Press, "again"))
	_, err = b.desk.NotePerson(ctx, voice(ana), vera, "Calls before noon.\nAsk for figures.")
	b.must(err)

	p := b.profile(voice(ana), vera)
	if p.Said != 4 || !p.Since.Equal(after(-48*time.Hour)) || p.Open != 2 || len(p.Talks) != 3 || p.Talks[0].Snippet != "Do you lend maps?" {
		t.Errorf("all of it: %+v", p)
	}
	if !slices.Equal(p.With, []string{"Ben Okoro"}) {
		t.Errorf("talked with %q", p.With)
	}
	if len(p.Marks) != 1 || p.Marks[0].Reason != "writes for the Herald" || p.Marks[0].By != "Ana Lima" || len(p.Notes) != 1 {
		t.Errorf("marks %+v, notes %+v", p.Marks, p.Notes)
	}

	p = b.profile(narrowed(library), vera)
	if p.Said != 1 || len(p.Talks) != 1 || p.Talks[0].Account != library || p.Open != 1 || len(p.With) != 0 {
		t.Errorf("who reads the library only is told %+v", p)
	}
	if _, err := b.desk.Profile(ctx, narrowed(library), b.person("carl")); !problem.Is(err, "conversation.no_person") {
		t.Errorf("who reads the library only sees somebody who spoke to the town: %v", err)
	}
	stranger := steward()
	stranger.Workspace = elsewhere
	if _, err := b.desk.Profile(ctx, stranger, vera); !problem.Is(err, "conversation.no_person") {
		t.Errorf("another workspace: %v", err)
	}

	b.must(b.desk.Unmark(ctx, voice(ben), vera, conversation.Press))
	b.must(b.desk.RemovePersonNote(ctx, voice(ben), p.Notes[0].ID))
	if p = b.profile(voice(ana), vera); len(p.Marks)+len(p.Notes) != 0 {
		t.Errorf("what was taken back is still told: %+v", p)
	}
}

func TestWhoOnlyReadsChangesNothingAboutAPerson(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("vera", "v1", "", "Hello", after(0)), says("carl", "c1", "", "Hello", after(0)))
	vera, reader := b.person("vera"), actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}}}
	note, err := b.desk.NotePerson(ctx, voice(ana), vera, "Likes maps")
	b.must(err)
	for what, err := range map[string]error{
		"mark":   b.desk.Mark(ctx, reader, vera, conversation.Friend, ""),
		"unmark": b.desk.Unmark(ctx, reader, vera, conversation.Friend),
		"join":   b.desk.Join(ctx, voice(ben), vera, b.person("carl")), // a voice here may not moderate
		"remove": b.desk.RemovePersonNote(ctx, reader, note),
	} {
		if problem.Of(err) == nil || problem.Of(err).Kind != problem.Forbidden {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"no_mark":    b.desk.Mark(ctx, voice(ana), vera, "enemy", ""),
		"empty_note": func() error { _, err := b.desk.NotePerson(ctx, voice(ana), vera, " \n\t "); return err }(),
		"long_note": func() error {
			_, err := b.desk.NotePerson(ctx, voice(ana), vera, strings.Repeat("x", 10001))
			return err
		}(),
	} {
		if !problem.Is(err, "conversation."+what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Who asked to be left alone is answered with care, on every identity of theirs, and
// retention does not forget it.
func TestWhoAskedToBeLeftAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("vera", "v1", "", "Leave me alone", after(0)), says("vera2", "w1", "", "I said so", after(minute)), says("carl", "c1", "", "Hello", after(0)))
	b.must(b.desk.Join(ctx, steward(), b.person("vera"), b.person("vera2")))
	b.must(b.desk.Mark(ctx, voice(ana), b.person("vera2"), conversation.Alone, "by letter"))
	for _, r := range b.list(voice(ana), conversation.All) {
		c, err := b.desk.Compose(ctx, voice(ana), r.ID, 0)
		if want := strings.HasPrefix(r.Person.RemoteID, "vera"); err != nil || c.Alone != want {
			t.Errorf("%s: %v, %v", r.Person.RemoteID, c.Alone, err)
		}
	}
	b.exec(`update workspace set keep_days = 1 where id = 1`)
	b.clock.Set(after(100 * time.Hour))
	for range 3 {
		_, err := b.desk.Sweep(ctx, actor.System(workspace, "retention"))
		b.must(err)
	}
	var left string
	b.must(b.db.Read().Row(ctx, `select min(remote_id) || ' ' || max(remote_id) from identity where workspace = 1`).Scan(&left))
	if left != "vera vera2" {
		t.Errorf("kept are %q", left)
	}
}

func TestPeopleAreFoundByHandleAndName(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("émile", "e1", "", "Bonjour", after(0)), says("emma", "e2", "", "Hello", after(0)), context_(says("emil", "e3", "e1", "not to us", after(0))))
	b.ingest(library, says("emmy", "e4", "", "Hello", after(0)))
	for words, want := range map[string]string{"EM": "emma emmy émile", "@emma@far": "emma", "Émi": "émile", "mma": "", " ": "", "e_": "", "%": ""} {
		found, err := b.desk.FindPeople(ctx, voice(ana), words)
		var got []string
		for _, f := range found {
			got = append(got, f.Identity.RemoteID)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%q finds %q, %v", words, got, err)
		}
	}
	found, err := b.desk.FindPeople(ctx, narrowed(library), "em")
	if len(found) != 1 || found[0].Identity.RemoteID != "emmy" || err != nil {
		t.Errorf("who reads the library only finds %+v, %v", found, err)
	}
	if found, err = b.desk.Alike(ctx, voice(ana), b.person("emma")); len(found) != 0 || err != nil {
		t.Errorf("nobody is like emma: %+v, %v", found, err)
	}
	twin := says("other-emma", "o1", "", "Hello again", after(minute))
	twin.Post.Author.Handle = "Emma@Far.example"
	b.ingest(town, twin)
	if found, err = b.desk.Alike(ctx, voice(ana), b.person("emma")); len(found) != 1 || found[0].Identity.RemoteID != "other-emma" || err != nil {
		t.Errorf("alike: %+v, %v", found, err)
	}
}
