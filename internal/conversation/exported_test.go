package conversation_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// exported is the content of the files of an export.
func (b *bundle) exported(a actor.Actor, person id.ID) map[string]string {
	b.Helper()
	e, err := b.desk.Export(context.Background(), a, person)
	b.must(err)
	var w bytes.Buffer
	held := func(_ context.Context, _ id.ID, address string) ([]byte, string, bool, error) {
		return []byte("picture of " + address), "image/png", strings.Contains(address, "kept"), nil
	}
	b.must(e.Write(context.Background(), &w, held, nil))
	z, err := zip.NewReader(bytes.NewReader(w.Bytes()), int64(w.Len()))
	b.must(err)
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		b.must(err)
		body, err := io.ReadAll(r)
		b.must(err)
		files[f.Name] = string(body)
	}
	return files
}

// An export holds what somebody said, before and after they edited it, what we
// answered, noted and marked, on every identity of theirs, and nothing of others.
func TestAnExportHoldsAllOfSomebodyAndNothingOfOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	first := says("vera", "v1", "", "My xylophone is gone", after(0))
	first.Post.Version = "1"
	first.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/kept.png", Alt: "a stand"}, {Kind: "image", URL: "https://far.example/never.png"}}
	edited := says("vera", "v1", "", "My xylophone is back", after(0))
	edited.Kind, edited.Post.Version, edited.Post.Edited, edited.Post.Media = network.KindEdit, "2", after(minute), first.Post.Media
	b.ingest(town, first, ours(says("our11", "a1", "v1", "@vera@far.example we are glad", after(2*minute))),
		says("carl", "c1", "v1", "Carl's own quarrel", after(3*minute)), context_(says("carl", "c2", "v1", "Carl again", after(3*minute))))
	b.ingest(town, edited)
	b.ingest(library, private(says("wera", "w1", "", "Privately about maps", after(0))))
	b.must(b.desk.Join(ctx, steward(), b.person("vera"), b.person("wera")))
	b.must(b.desk.Mark(ctx, steward(), b.person("vera"), conversation.Press, "of the Herald"))
	for who, words := range map[string]string{"vera": "Rings before noon", "carl": "Noted about Carl"} {
		_, err := b.desk.NotePerson(ctx, steward(), b.person(who), words)
		b.must(err)
	}
	for who, a := range map[string]actor.Actor{"a voice": voice(ben), "another workspace": {Workspace: elsewhere, Member: otto, Grants: steward().Grants}} {
		if _, err := b.desk.Export(ctx, a, b.person("vera")); problem.Of(err) == nil {
			t.Errorf("%s exported somebody: %v", who, err)
		}
	}
	files := b.exported(steward(), b.person("wera"))
	records := files["records.json"]
	for _, words := range []string{"My xylophone is gone", "My xylophone is back", "we are glad", "Privately about maps", "of the Herald", "Rings before noon", `"press"`} {
		if !strings.Contains(records, words) {
			t.Errorf("%q is not in the records", words)
		}
	}
	if got := files["messages.txt"]; !strings.Contains(got, "My xylophone is back") || !strings.Contains(got, "Privately about maps") || !strings.Contains(got, "Vera @vera@far.example") {
		t.Errorf("to be read:\n%s", got)
	}
	if files["pictures/1.png"] != "picture of https://far.example/kept.png" || len(files) != 3 {
		t.Errorf("the files are %q", files)
	}
	for name, body := range files {
		for _, never := range []string{"quarrel", "Carl again", "carl", "Noted about Carl", "password", "secret"} {
			if strings.Contains(body, never) {
				t.Errorf("%s tells %q", name, never)
			}
		}
	}
	var details string
	b.must(b.db.Read().Row(ctx, `select details from event where verb = 'person.exported'`).Scan(&details))
	if details != "{}" && details != "null" && details != "" {
		t.Errorf("the log tells %q", details)
	}
	b.must(b.desk.Erase(ctx, steward(), b.person("vera")))
	if _, err := b.desk.Export(ctx, steward(), b.person("carl")); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}

// Whatever has to do with a person is exported, or it is said why not: a table that
// is added later is noticed here.
func TestNoTableIsLeftOutOfAnExport(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("vera", "v1", "", "Hello", after(0)))
	e, err := b.desk.Export(ctx, steward(), b.person("vera"))
	b.must(err)
	without := map[string]string{
		"label": "the workspace's own words", "message_search": "made of the messages", "identity_word": "made of the names",
		"notification": "what a member was told, as ids", "ask": "a colleague's address; what they answered is a note, or an answer of ours",
		"account": "our own", "account_feed": "our own; message is a sentence about its health", "account_import": "as the feeds",
		"reply_draft": "what a member has begun to write is theirs alone until it is sent",
	}
	tables, err := b.db.Tables(ctx, b.db.Read())
	b.must(err)
	for _, table := range tables {
		columns, err := b.db.Columns(ctx, b.db.Read(), table)
		b.must(err)
		for _, c := range columns {
			switch c.Name {
			case "person", "identity", "author", "conversation", "message", "note", "delivery":
				if _, there := e.Records[table]; !there && without[table] == "" {
					t.Errorf("%s.%s has to do with a person and is not exported", table, c.Name)
				}
			}
		}
	}
}
