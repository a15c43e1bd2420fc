package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/archive"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/text"
)

// somebody says something to the town under one of two names.
func (d *desk) quill(remote, handle, words string, direct bool) id.ID {
	d.Helper()
	d.connected()
	p := &network.Post{Ref: network.Ref{ID: remote, URL: "https://far.example/" + handle + "/" + remote}, Text: text.Text{Body: words}, Visibility: network.Public,
		Created: d.clock.Now(), Author: network.Person{RemoteID: "id-" + handle, Handle: handle + "@far.example", Name: "Ottoline Quillfeather",
			URL: "https://far.example/@" + handle, Avatar: "https://far.example/" + handle + ".png"},
		Media: []network.Media{{Kind: "image", URL: "https://far.example/" + handle + "-1.png", Alt: "Quillfeather at home"}}}
	if direct {
		p.Visibility = network.DirectTo
	}
	d.must(d.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		_, err := d.Desk.Ingest(ctx, tx, actor.System(d.owner.Workspace, "poller"), conversation.Arrival{Account: d.account, Remote: remoteTown(),
			Feed: network.Mentions, Events: []network.Event{{Kind: network.KindMessage, Addressed: true, Direct: direct, At: p.Created, Post: p}}})
		return err
	}))
	page, err := d.Desk.List(background, d.owner, conversation.Filter{Box: conversation.All, Limit: 1})
	d.must(err)
	return page.Rows[0].ID
}

// left looks for words in everything that is kept: each row, the file byte by byte,
// a fresh archive, and what the API tells.
func (d *desk) left(words []string) (where []string) {
	d.Helper()
	look := func(name, content string) {
		for _, w := range words {
			// A row's bytes are shown as hexadecimal numbers.
			if strings.Contains(strings.ToLower(content), w) || strings.Contains(content, hex.EncodeToString([]byte(w))) {
				where = append(where, name+": "+w)
			}
		}
	}
	for _, l := range d.everything() {
		table, _, _ := strings.Cut(l.text, " ")
		look("row of "+table, l.text)
	}
	if path := d.DB.Path(); path != "" {
		files, err := filepath.Glob(path + "*")
		d.must(err)
		for _, f := range files {
			content, err := os.ReadFile(f)
			d.must(err)
			look("file "+filepath.Base(f), string(content))
		}
	}
	var backup bytes.Buffer
	_, err := archive.Write(background, d.DB, &backup, archive.Options{Now: d.clock.Now()})
	d.must(err)
	z, err := zip.NewReader(bytes.NewReader(backup.Bytes()), int64(backup.Len()))
	d.must(err)
	for _, f := range z.File {
		r, err := f.Open()
		d.must(err)
		content, err := io.ReadAll(r)
		d.must(err)
		look("archive "+f.Name, string(content))
	}
	token := d.token()
	for _, path := range []string{"/conversations?box=all", "/conversations?box=waiting", "/conversations?box=done", "/people?q=quill", "/people?q=ottoline", "/events", "/deliveries"} {
		look("API "+path, d.ask(token, "GET", path, "").body)
	}
	return where
}

// Somebody is put everywhere there is a place for them, and erased: then nothing that
// was said, by them or about them, and none of their names is anywhere, while what
// belongs to others stays.
func TestNothingIsLeftOfSomebodyWhoWasErased(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	d := o.desk()
	token := d.token()
	do := func(path, body string) string {
		t.Helper()
		r := d.ask(token, "POST", path, body, "Idempotency-Key", d.IDs.New().String())
		if r.status > 299 {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		return r.body
	}
	public := d.quill("z1", "quillfeather", "My xylophone was taken at Quarrelgate", false)
	d.clock.Advance(time.Minute)
	private := d.quill("z2", "plumewright", "Privately: the ophicleide too", true)
	other := d.said("Has @quillfeather@far.example found it? asks a neighbour")
	person, err := d.Desk.PersonOf(background, d.owner, public)
	d.must(err)
	twin, err := d.Desk.PersonOf(background, d.owner, private)
	d.must(err)
	neighbour, err := d.Desk.PersonOf(background, d.owner, other)
	d.must(err)

	at := "/people/" + person.String()
	do(at+"/join", `{"other":"`+twin.String()+`"}`)
	do(at+"/mark", `{"mark":"press","reason":"writes about tubaphones"}`)
	do(at+"/mark", `{"mark":"alone","reason":"by carillon"}`)
	do(at+"/notes", `{"note":"Prefers a glockenspiel"}`)
	do("/people/"+neighbour.String()+"/notes", `{"note":"Lives beside Ottoline Quillfeather, keeps *bees*"}`)
	do("/conversations/"+public.String()+"/notes", `{"text":"Ask about the hurdygurdy"}`)
	do("/conversations/"+public.String()+"/claim", ``)
	do("/conversations/"+public.String()+"/reply", `{"text":"We look for the flugelhorn, @quillfeather@far.example"}`)
	do("/conversations/"+other.String()+"/reply", `{"text":"Ask @quillfeather@far.example yourself"}`)
	var out struct{ Archive []byte }
	d.must(json.Unmarshal([]byte(do(at+"/export", ``)), &out))
	if len(out.Archive) < 100 {
		t.Fatal("the export is empty")
	}

	words := []string{"quillfeather", "plumewright", "ottoline", "xylophone", "quarrelgate", "ophicleide", "tubaphone", "carillon",
		"glockenspiel", "hurdygurdy", "flugelhorn"}
	before := strings.Join(d.left(words), "\n")
	for _, want := range append(words, "row of message:", "row of identity:", "row of person_note:", "row of person_mark:", "row of note:", "row of delivery:",
		"archive", "API /people?q=quill", "API /conversations?box=all") {
		if !strings.Contains(before, strings.TrimSuffix(want, ":")) {
			t.Errorf("%s is nowhere before the erasing: the search would not notice", want)
		}
	}
	if r := d.ask(token, "DELETE", at, ""); r.status != 204 {
		t.Fatalf("erasing: %d %s", r.status, r.body)
	}
	for _, found := range d.left(words) {
		t.Errorf("still there: %s", found)
	}
	for _, one := range []string{at, "/people/" + twin.String(), "/conversations/" + public.String(), "/conversations/" + private.String()} {
		if r := d.ask(token, "GET", one, ""); r.status != 404 {
			t.Errorf("%s: %d %s", one, r.status, r.body)
		}
	}
	stays := d.ask(token, "GET", "/people/"+neighbour.String(), "").body
	if !strings.Contains(stays, "keeps *bees*") || !strings.Contains(d.ask(token, "GET", "/conversations/"+other.String(), "").body, "asks a neighbour") {
		t.Errorf("others lost their words: %s", stays)
	}
}
