package conversation_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/network"
	"parley/internal/text"
)

func steward() actor.Actor {
	a := voice(ana)
	for _, r := range []actor.Right{actor.ErasePerson, actor.Moderate, actor.ManageTeam} {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return a
}

// bytesOnDisk is everything SQLite keeps of the database.
func (b *bundle) bytesOnDisk() []byte {
	b.Helper()
	files, err := filepath.Glob(b.db.Path() + "*")
	if err != nil || len(files) == 0 {
		b.Fatal("no database file", err)
	}
	var all []byte
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}

func TestErasingAPersonLeavesNothingOfThem(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	secretive := says("zuckmayerin", "z1", "", "My xylophone was stolen at Quarrelgate", after(0))
	secretive.Post.Version = "1"
	edited := says("zuckmayerin", "z1", "", "My xylophone came back from Quarrelgate", after(0))
	edited.Kind, edited.Post.Version, edited.Post.Edited = network.KindEdit, "2", after(minute)
	reply := ours(says("our11", "a1", "z1", "@zuckmayerin@far.example we are sorry", after(2*minute)))
	reply.Post.Text.Spans = []text.Span{{Start: 0, End: 24, Kind: text.Mention, Target: "zuckmayerin"}}
	b.ingest(town, secretive, reply,
		says("bea", "m2", "z1", "What @zuckmayerin says is true", after(3*minute)),
		says("bea", "m3", "", "Something else entirely", after(4*minute)))
	b.ingest(town, edited)
	for i := range 60 { // so that the index and the pages have something to move
		b.ingest(town, says("carl", "c"+string(rune('a'+i%26))+string(rune('a'+i/26)), "", "filler words about buses and bins number", after(5*minute)))
	}
	words := []string{"zuckmayerin", "Zuckmayerin", "xylophone", "Quarrelgate", "quarrelgate"}
	if b.db.Path() != "" {
		if disk := b.bytesOnDisk(); !bytes.Contains(disk, []byte("xylophone")) {
			t.Fatal("the search for bytes does not find what is there")
		}
	}

	var who conversation.Row
	for _, r := range b.list(voice(ana), conversation.All) {
		if r.Person.Name == "Zuckmayerin" {
			who = r
		}
	}
	person, err := b.desk.PersonOf(ctx, steward(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Erase(ctx, voice(ben), person); err == nil {
		t.Error("a voice erased a person")
	}
	stranger := steward()
	stranger.Workspace, stranger.Member = elsewhere, otto
	if err := b.desk.Erase(ctx, stranger, person); err == nil {
		t.Error("another workspace erased a person")
	}
	if err := b.desk.Erase(ctx, steward(), person); err != nil {
		t.Fatal(err)
	}
	if err := b.db.Scrub(ctx); err != nil {
		t.Fatal(err)
	}

	if _, faults, err := event.Verify(ctx, b.db.Read(), workspace); err != nil || len(faults) != 0 {
		t.Errorf("the log does not verify: %v %v", faults, err)
	}
	if b.db.Path() != "" {
		disk := b.bytesOnDisk()
		for _, w := range words {
			if bytes.Contains(disk, []byte(w)) {
				t.Errorf("%q is still in the file", w)
			}
		}
	}
	for _, table := range []string{"message", "message_version", "identity", "thread", "event", "event_personal"} {
		rows, err := b.db.Read().Query(ctx, `select cast(t as text) from (select * from `+table+`) t`)
		if b.db.Path() != "" {
			break // SQLite has no row as text; its bytes were searched
		}
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			for _, w := range words {
				if bytes.Contains([]byte(row), []byte(w)) {
					t.Errorf("%q is still in %s", w, table)
				}
			}
		}
		rows.Close()
	}
	if got := b.state(); !bytes.Contains([]byte(got), []byte("Something else entirely")) || !bytes.Contains([]byte(got), []byte("What […] says is true")) {
		t.Errorf("others lost their words:\n%s", got)
	}
	if n := b.ingest(town, secretive, edited); n != 0 {
		t.Error("an erased message came back with the next poll")
	}
	if n := b.ingest(town, says("zuckmayerin", "z9", "", "I am new here", after(10*minute))); n != 1 {
		t.Error("somebody who was erased cannot speak to us any more")
	}
}

func TestRetentionRemovesWhatIsPastItsTime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	kept := says("bea", "m1", "", "stays", after(0))
	short := says("carl", "m2", "", "goes soon", after(0))
	short.Post.KeepUntil = after(2 * time.Hour)
	b.ingest(town, kept, short)
	sweep := func() int {
		n, err := b.desk.Sweep(ctx, actor.System(workspace, "retention"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(); n != 0 {
		t.Errorf("%d removed before their time", n)
	}
	b.clock.Set(after(3 * time.Hour))
	if n := sweep(); n != 1 {
		t.Errorf("%d removed, want one", n)
	}
	b.want(`Bea public 11 open waiting 0s | Bea: stays`)
	if n := b.ingest(town, short); n != 0 {
		t.Error("a message past its time came back")
	}
	b.exec(`update workspace set keep_days = 30 where id = 1`)
	b.clock.Set(start.AddDate(0, 0, 40))
	if n := sweep(); n != 1 {
		t.Errorf("%d removed by the workspace's rule, want one", n)
	}
	b.want("")
	if _, err := b.desk.Sweep(ctx, voice(ana)); err == nil {
		t.Error("a voice swept")
	}
}
