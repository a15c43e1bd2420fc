package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// hits are the messages that the index finds for a word of a workspace, newest first.
func (b *bundle) hits(w id.ID, word string) []id.ID {
	b.Helper()
	in := strings.Trim(conversation.SearchForm(b.db.Dialect(), w, ""), "'")
	query, arg := `select rowid from message_search where message_search match $1 order by rowid desc`, fmt.Sprintf(`"%s" "%s"`, in, word)
	if b.db.Dialect() == db.Postgres {
		query, arg = `select id from message_search where tokens @@ cast($1 as tsquery) order by id desc`, fmt.Sprintf(`'%s' & '%s'`, in, word)
	}
	rows, err := b.db.Read().Query(context.Background(), query, arg)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	var ids []id.ID
	for rows.Next() {
		var m id.ID
		if err := rows.Scan(&m); err != nil {
			b.Fatal(err)
		}
		ids = append(ids, m)
	}
	return ids
}

func TestReindexingFindsWhatWasFoundBefore(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	var es []network.Event
	for i := range 1203 { // more than two batches
		es = append(es, says("bea", fmt.Sprint("m", i), "", fmt.Sprintf("Die Straße number %d of many 東京都", i), after(time.Duration(i)*time.Second)))
	}
	b.clock.Set(after(time.Hour))
	b.ingest(town, es...)
	edited := says("bea", "m7", "", "now about a heron", after(7*time.Second))
	edited.Kind, edited.Post.Version, edited.Post.Edited = network.KindEdit, "2", after(minute)
	b.ingest(town, edited)
	b.ingest(other, says("otto", "x1", "", "a heron elsewhere", after(minute)))

	words := []string{"heron", "number", "strasse", "東京", "7", "1202", "absent"}
	look := func() map[string][]id.ID {
		found := map[string][]id.ID{}
		for _, w := range words {
			found[w], found["elsewhere "+w] = b.hits(workspace, w), b.hits(elsewhere, w)
		}
		return found
	}
	before := look()
	if len(before["heron"]) != 1 || len(before["number"]) != 1202 || len(before["elsewhere heron"]) != 1 || len(before["absent"]) != 0 {
		t.Fatalf("the index is not what this test is about: %d herons, %d numbers", len(before["heron"]), len(before["number"]))
	}
	b.exec(map[db.Dialect]string{db.SQLite: `insert into message_search (message_search) values ('delete-all')`, db.Postgres: `delete from message_search`}[b.db.Dialect()])
	if len(b.hits(workspace, "number")) != 0 {
		t.Fatal("the index was not emptied")
	}
	for range 2 { // the second finds a whole index
		if err := b.desk.Reindex(ctx); err != nil {
			t.Fatal(err)
		}
		now := look()
		for w, want := range before {
			if !slices.Equal(now[w], want) {
				t.Errorf("%q: %d found, want %d", w, len(now[w]), len(want))
			}
		}
	}
	// What was indexed anew can be taken out again, word for word.
	again := says("bea", "m7", "", "now about an owl", after(7*time.Second))
	again.Kind, again.Post.Version, again.Post.Edited = network.KindEdit, "3", after(2*minute)
	b.ingest(town, again)
	if len(b.hits(workspace, "heron")) != 0 || len(b.hits(workspace, "owl")) != 1 {
		t.Error("an edit after reindexing leaves the words of before")
	}

	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := b.desk.Reindex(stopped); err == nil {
		t.Error("it went on after it was told to stop")
	}
}

// Whoever writes the word of another workspace into a message must not be found
// there.
func TestNoWordLeadsIntoAnotherWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	in := strings.Trim(conversation.SearchForm(b.db.Dialect(), workspace, ""), "'")
	plain := "W" + workspace.String()
	b.ingest(other, says("otto", "x1", "", strings.Join([]string{in, strings.ToLower(in), plain, strings.ToLower(plain), "zebra"}, " "), after(minute)))
	if n := len(b.hits(elsewhere, "zebra")); n != 1 {
		t.Errorf("%d zebras where it was said, want 1", n)
	}
	if n := len(b.hits(workspace, "zebra")); n != 0 {
		t.Errorf("%d zebras in the other workspace", n)
	}
}
