package conversation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/id"
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
	b.ingest(town, namedByOthers()...)
	b.ingest(town, renamed())
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
	for _, table := range []string{"message", "message_version", "identity", "thread", "event", "event_personal", "tombstone", "message_search"} {
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
	for _, words := range []string{"Something else entirely", "What […] says is true", "@our11 is that so?", "look at this", "ask her[was ask […]]"} {
		if got := b.state(); !strings.Contains(got, words) {
			t.Errorf("others lost their words %q:\n%s", words, got)
		}
	}
	if n := b.ingest(town, secretive, edited); n != 0 {
		t.Error("an erased message came back with the next poll")
	}
	b.clock.Set(after(2 * time.Hour))
	for _, history := range []bool{true, false} {
		if n, err := b.tryIngest(workspace, town, history, says("zuckmayerin", "z0", "", "What I said last month", after(-30*24*time.Hour))); n != 0 || err != nil {
			t.Errorf("what had never reached us came after the erasing: %d, %v", n, err)
		}
	}
	if n := b.ingest(town, says("zuckmayerin", "z9", "", "I am new here", after(90*minute)), says("bea", "m9", "", "so am I", after(0))); n != 2 {
		t.Error("somebody who was erased cannot speak to us any more, or somebody else cannot")
	}
}

// erase erases the person behind a remote id.
func (b *bundle) erase(remote string) {
	b.Helper()
	var person id.ID
	if err := b.db.Read().Row(context.Background(), `select person from identity where remote_id = $1`, remote).Scan(&person); err != nil {
		b.Fatal(err)
	}
	if err := b.desk.Erase(context.Background(), steward(), person); err != nil {
		b.Fatal(err)
	}
}

// namedByOthers are messages of others in which, or by which, Zuckmayerin is
// named elsewhere than in the words: by answering and quoting posts of hers that
// never reached us, in a picture's description, in a warning.
func namedByOthers() []network.Event {
	answer := says("bea", "m4", "at://zuckmayerin/post/77", "@our11 is that so?", after(4*minute))
	answer.Post.RootID, answer.Post.QuoteID = "at://zuckmayerin/post/76", "at://zuckmayerin/post/78"
	picture := says("carl", "m5", "", "look at this", after(4*minute))
	picture.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/zuckmayerin.png", Alt: "ZUCKMAYERIN \"on\" her bicycle"},
		{Kind: "image", URL: "https://far.example/2.png", Alt: "the bicycle"}}
	picture.Post.Warning = "about Zuckmayerin"
	before := says("dora", "m6", "", "ask Zuckmayerin", after(4*minute))
	before.Post.Version = "1"
	return []network.Event{answer, picture, before}
}

// renamed is the edit by which dora names her no longer.
func renamed() network.Event {
	e := says("dora", "m6", "", "ask her", after(4*minute))
	e.Kind, e.Post.Version, e.Post.Edited = network.KindEdit, "2", after(5*minute)
	return e
}

// Short names are parts of other words, and signs that a search takes for
// something else are parts of names.
func TestErasingCutsNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	for name, c := range map[string]struct{ body, want string }{
		"Ann":            {"Ann's banner: ANN, @ann1, Hannes and Annual", "[…]'s banner: […], @ann1, Hannes and Annual"},
		"Özil":           {"özil, ÖZIL and Tözils", "[…], […] and Tözils"},
		"田中":             {"私は田中さんです", "私は[…]さんです"},
		`50%_"off\" <b>`: {`A 50%_"OFF\" <B> day`, "A […] day"},
		"Max":            {"maximal", "maximal"},
	} {
		who := "id" + itoa(len(name)) + "of" + itoa(len(c.body))
		said := says(who, "z"+who, "", "hello", after(0))
		said.Post.Author.Name, said.Post.Author.Handle = name, ""
		other := says("bea", "m"+who, "z"+who, c.body, after(minute))
		other.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/1.png", Alt: c.body}}
		b.ingest(town, said, other)
		b.erase(who)
		var body, media string
		if err := b.db.Read().Row(ctx, `select body, media from message where remote_id = $1`, "m"+who).Scan(&body, &media); err != nil {
			t.Fatal(err)
		}
		var pictures []network.Media
		if err := json.Unmarshal([]byte(media), &pictures); err != nil || len(pictures) != 1 {
			t.Fatal(media, err)
		}
		if body != c.want || pictures[0].Alt != c.want || pictures[0].URL == "" {
			t.Errorf("%s: %q and %+v are left, want %q", name, body, pictures, c.want)
		}
	}
}

// A stranger may call themselves anything. Where they never spoke, a common word is
// not their name, and a year is not their number.
func TestErasingLeavesCommonWordsOfOthersAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	said := says("2024", "z1", "", "hello", after(0))
	said.Post.Author.Name, said.Post.Author.Handle = "You", "yousef@far.example"
	b.ingest(town, said, says("carl", "m1", "", "Can you tell me when the 2024 budget was passed?", after(minute)),
		says("dora", "m2", "", "ask @yousef@far.example", after(2*minute)))
	b.erase("2024")
	b.want(`
		Carl public 11 open waiting 1m0s | Carl: Can you tell me when the 2024 budget was passed?
		Dora public 11 open waiting 2m0s | Dora: ask @[…]`)
}

func itoa(n int) string { return strconv.Itoa(n) }
