package archive_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/app"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/team"
)

// update writes the fixture of this version anew. It is done while a version is
// being made, and never again once it is tagged: what it left is what upgrades
// are tried with.
//
//	go test ./internal/archive -run Fixture -update
var update = flag.Bool("update", false, "write the fixture of this version anew")

// current is the fixture of the version that is being made.
const current = "testdata/v0.1.zip"

func config(t testing.TB, kind db.Dialect) app.Config {
	c := app.Config{Data: t.TempDir(), Demo: true, Seed: 1, URL: &url.URL{Scheme: "http", Host: "localhost"},
		Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}}
	if kind == db.Postgres {
		o := dbtest.Options(t)
		c.Postgres, c.Schema = o.DSN, o.Schema
	}
	return c
}

// makeFixture lets the demo run until its past is read, works a little, and
// archives what that left.
func makeFixture(t *testing.T, path string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := config(t, db.SQLite)
	c.Background = true
	a, err := app.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.SetUpDemo(ctx); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	until(t, "the past is read", func() bool {
		return count(t, a.DB, `select count(*) from account_import where finished = 0`) == 0 && count(t, a.DB, `select count(*) from conversation`) > 20
	})
	who := ana(t, a)
	work(t, a, who)
	until(t, "the answers have left", func() bool {
		return count(t, a.DB, `select count(*) from delivery where state in ('accepted', 'planned', 'sending')`) == 0
	})
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	os.Remove(path)
	err = app.NewFile(path, func(w io.Writer) error {
		_, err := app.Backup(context.Background(), c, w, true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// work leaves a little of everything.
func work(t *testing.T, a *app.App, who actor.Actor) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	waiting, err := a.Desk.List(ctx, who, conversation.Filter{Box: conversation.Waiting})
	must(err)
	for i, row := range waiting.Rows[:4] {
		if i == 0 {
			must(a.Desk.Claim(ctx, who, row.ID))
			continue
		}
		_, err := a.Desk.Reply(ctx, who, conversation.Answer{Conversation: row.ID, Text: "Thank you for telling us; we look into it."})
		must(err)
	}
	_, err = a.Team.CreateTeam(ctx, who, "Library")
	must(err)
	in, err := a.Team.Invite(ctx, who, team.Invite{Email: "eva@millbrook.example", Roles: []team.RoleIn{{Role: team.Contributor}}})
	must(err)
	must(a.Team.RevokeInvitation(ctx, who, in.ID))
	enter(t, a).erase(waiting.Rows[len(waiting.Rows)-1])
}

// ana is the owner of the demo's town.
func ana(t testing.TB, a *app.App) actor.Actor {
	t.Helper()
	ctx := context.Background()
	logins, err := a.Team.Operator().Logins(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range logins {
		if !strings.HasPrefix(l.Email, "ana@") {
			continue
		}
		s, err := a.Team.Operator().OpenSession(ctx, l.ID, team.Place{Agent: "test"})
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.Team.Authenticate(ctx, s.Secret)
		if err != nil {
			t.Fatal(err)
		}
		return v.Workspaces[0].Actor
	}
	t.Fatal("ana is not there")
	return actor.Actor{}
}

// visitor is a browser that has entered the demo.
type visitor struct {
	testing.TB
	app    *app.App
	cookie []*http.Cookie
}

func enter(t testing.TB, a *app.App) *visitor {
	t.Helper()
	v := &visitor{TB: t, app: a}
	v.cookie = v.post("/demo", url.Values{"email": {"ana@millbrook.example"}}).Cookies()
	return v
}

func (v *visitor) post(path string, form url.Values) *http.Response {
	v.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range v.cookie {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	v.app.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther {
		v.Fatalf("POST %s: %d %.300s", path, w.Code, w.Body)
	}
	return w.Result()
}

// erase does what the button on the page does, the database's file included.
func (v *visitor) erase(row conversation.Row) {
	v.Helper()
	workspaces, err := v.app.AllWorkspaces(context.Background())
	if err != nil {
		v.Fatal(err)
	}
	v.post("/w/"+workspaces[0].Slug+"/inbox/"+row.ID.String()+"/erase", nil)
}

func count(t testing.TB, d *db.DB, query string) int {
	t.Helper()
	var n int
	if err := d.Read().Row(context.Background(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// until waits for something that runs by the real clock.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !done() {
		select {
		case <-late:
			t.Fatal("in a minute it did not happen that " + what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Every version ever tagged has left an archive here. Each must still be
// restored, into either database, and work.
func TestFixturesOfAllVersionsAreRestored(t *testing.T) {
	t.Parallel()
	if *update {
		makeFixture(t, current)
	}
	all, err := filepath.Glob("testdata/v*.zip")
	if err != nil || !slices.Contains(all, current) {
		t.Fatalf("the fixture of this version is missing among %v (%v)", all, err)
	}
	for _, path := range all {
		for _, kind := range kinds() {
			t.Run(filepath.Base(path)+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				tryFixture(t, path, kind)
			})
		}
	}
}

func tryFixture(t *testing.T, path string, kind db.Dialect) {
	ctx := context.Background()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := config(t, kind)
	got, err := app.Restore(ctx, c, bytes.NewReader(b), int64(len(b)), app.Restoring{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Manifest.Key == nil || !got.KeyThere || got.Stopped != 0 {
		t.Errorf("restored with key %v, stopped %d", got.KeyThere, got.Stopped)
	}
	// Before anybody works with it: to a server, an old fixture is work long overdue.
	d, err := app.Examine(ctx, c, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range d.Checks {
		// Years later a sign-in may have ended; and PostgreSQL has a clock of its own.
		if one.Level == app.Wrong && one.Name != "accounts" && one.Name != "clock" {
			t.Errorf("%s: %s", one.Name, one.Says)
		}
	}
	a, err := app.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	who := ana(t, a)
	shown, err := a.Desk.List(ctx, who, conversation.Filter{Box: conversation.All, Limit: 200})
	if err != nil || len(shown.Rows) < 20 {
		t.Fatalf("%d conversations (%v)", len(shown.Rows), err)
	}
	for _, row := range shown.Rows {
		v, err := a.Desk.Open(ctx, who, row.ID)
		if err != nil || len(v.Messages) == 0 {
			t.Fatalf("a conversation with %s has %d messages (%v)", row.Person.Name, len(v.Messages), err)
		}
	}
	if _, faults, err := event.Verify(ctx, a.DB.Read(), who.Workspace); err != nil || len(faults) > 0 {
		t.Errorf("the log: %v (%v)", faults, err)
	}
	every := strings.Trim(conversation.SearchForm(kind, who.Workspace, ""), "'") // the word that all of a workspace have
	indexed := count(t, a.DB, map[db.Dialect]string{
		db.SQLite:   `select count(*) from message_search where message_search match '"` + every + `"'`,
		db.Postgres: `select count(*) from message_search where tokens @@ cast('''` + every + `''' as tsquery)`}[kind])
	if messages := count(t, a.DB, `select count(*) from message`); indexed != messages || messages == 0 {
		t.Errorf("%d of %d messages are found", indexed, messages)
	}
}

// What was erased before an archive is made is not in it.
func TestAnErasedPersonIsNotInANewArchive(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, err := os.ReadFile(current)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds() {
		c := config(t, kind)
		if _, err := app.Restore(ctx, c, bytes.NewReader(b), int64(len(b)), app.Restoring{}); err != nil {
			t.Fatal(err)
		}
		a, err := app.Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.Close() })
		who := ana(t, a)
		shown, err := a.Desk.List(ctx, who, conversation.Filter{Box: conversation.Closed, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		row := answered(t, a, shown.Rows)
		nameElsewhere(t, a, row)
		secrets := traces(t, a, who, row)
		if found := tracesIn(t, c, secrets); len(found) != len(secrets) {
			t.Fatalf("%s: before erasing only %q of %q are found: the search does not see what is there", kind, found, secrets)
		}
		enter(t, a).erase(row)
		if found := tracesIn(t, c, secrets); len(found) > 0 {
			t.Errorf("%s: %q are in a new archive", kind, found)
		}
		if _, faults, err := event.Verify(ctx, a.DB.Read(), who.Workspace); err != nil || len(faults) > 0 {
			t.Errorf("%s: the log: %v (%v)", kind, faults, err)
		}
	}
}

var base64Text = regexp.MustCompile(`"[A-Za-z0-9+/]{8,}={0,2}"`)

// answered picks a conversation with something of ours, so that deliveries and
// answers hold traces too.
func answered(t testing.TB, a *app.App, rows []conversation.Row) conversation.Row {
	t.Helper()
	for _, row := range rows {
		if count(t, a.DB, `select count(*) from answer where conversation = `+fmt.Sprint(int64(row.ID))) > 0 {
			return row
		}
	}
	t.Fatal("nobody was answered")
	return conversation.Row{}
}

// nameElsewhere lets us and others speak of somebody in another conversation.
func nameElsewhere(t testing.TB, a *app.App, row conversation.Row) {
	t.Helper()
	ctx := context.Background()
	err := a.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var one id.ID
		var raw []byte
		err := tx.Row(ctx, `select id, draft from delivery where subject <> $1 and state = 'sent' and length(draft) > 0 order by id limit 1`, row.ID).Scan(&one, &raw)
		if err != nil {
			return err
		}
		var draft network.Draft
		if err := json.Unmarshal(raw, &draft); err != nil {
			return err
		}
		draft.Parts[0].Text += " Ask " + row.Person.Name + " of " + row.Person.Handle
		if raw, err = json.Marshal(draft); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update delivery set draft = $1 where id = $2`, raw, one); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update message set warning = $1, parent = $2, quote = $2 where id = (
			select min(m.id) from message m join identity i on i.id = m.author where m.own = 0 and i.remote_id <> $3)`,
			"about "+row.Person.Name, "at://"+row.Person.RemoteID+"/post/1?of="+row.Person.Handle, row.Person.RemoteID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// traces are words by which somebody could be recognised: their address, and the
// whole of what they said.
func traces(t testing.TB, a *app.App, who actor.Actor, row conversation.Row) []string {
	t.Helper()
	v, err := a.Desk.Open(context.Background(), who, row.ID)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{row.Person.Handle, row.Person.Name}
	for _, m := range v.Messages {
		if m.Own == 0 && m.Author.RemoteID == row.Person.RemoteID && len(m.Text.Body) > 20 && !strings.ContainsAny(m.Text.Body, "\"\\\n") {
			secrets = append(secrets, m.Text.Body)
		}
	}
	if len(secrets) < 3 {
		t.Fatalf("%s said nothing to look for", row.Person.Name)
	}
	return secrets
}

// tracesIn searches every byte of a new archive, unpacked; and what stands in it
// as base64 too, where a search for bytes would see nothing.
func tracesIn(t testing.TB, c app.Config, secrets []string) []string {
	t.Helper()
	var b bytes.Buffer
	if _, err := app.Backup(context.Background(), c, &b, false); err != nil {
		t.Fatal(err)
	}
	var whole []byte
	decoded := 0
	for name, content := range unzip(t, b.Bytes()) {
		whole = append(append(whole, name...), content...)
		for _, quoted := range base64Text.FindAll(content, -1) {
			if plain, err := base64.StdEncoding.DecodeString(string(quoted[1 : len(quoted)-1])); err == nil {
				whole = append(whole, plain...)
				decoded++
			}
		}
	}
	if !bytes.Contains(whole, []byte(`"Parts":`)) {
		t.Fatalf("no draft can be read among %d values of base64", decoded)
	}
	var found []string
	for _, s := range secrets {
		if bytes.Contains(whole, []byte(s)) {
			found = append(found, s)
		}
	}
	return found
}
