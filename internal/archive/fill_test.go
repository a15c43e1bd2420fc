package archive_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// open gives an empty, migrated database of the kind that is wanted. PostgreSQL
// only where dbtest knows one.
func open(t testing.TB, kind db.Dialect) *db.DB {
	t.Helper()
	o := db.Options{Path: filepath.Join(t.TempDir(), "parley.db")}
	if kind == db.Postgres {
		o = dbtest.Options(t)
	}
	d, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// kinds are the databases this run can try: SQLite always.
func kinds() []db.Dialect {
	if os.Getenv(dbtest.Env) == "" {
		return []db.Dialect{db.SQLite}
	}
	return []db.Dialect{db.SQLite, db.Postgres}
}

func migrated(t testing.TB, kind db.Dialect) *db.DB {
	t.Helper()
	d := open(t, kind)
	if err := d.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return d
}

// values of one row; what is left out is 0, "" or no bytes.
type values map[string]any

func put(t testing.TB, d *db.DB, table string, v values) {
	t.Helper()
	err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		columns, err := d.Columns(ctx, tx, table)
		if err != nil {
			return err
		}
		var names []string
		var args []any
		for _, c := range columns {
			names = append(names, c.Name)
			arg, given := v[c.Name]
			if !given {
				arg = map[db.Type]any{db.Integer: 0, db.Text: "", db.Bytes: []byte{}}[c.Type]
			}
			args = append(args, arg)
		}
		_, err = tx.Exec(ctx, "insert into "+table+" ("+strings.Join(names, ", ")+") values "+db.Placeholders(1, len(args)), args...)
		return err
	})
	if err != nil {
		t.Fatalf("filling %s: %v", table, err)
	}
}

// odd are texts and bytes that formats like to lose.
const odd = "\"quoted\" \\ back\\slash\r\n\ttab \x01\x1f\x7f \u2028\u2029 \ufeffBOM  é e\u0301 שלום \u202eright\u202c 👩‍👩‍👧 <b>&amp;</b> \U0010ffff \ufffd null"

func everyByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// fill puts rows into every table. A new table must get some here: a test says so.
func fill(t testing.TB, d *db.DB) {
	t.Helper()
	for w := range 2 {
		w := w + 1
		put(t, d, "workspace", values{"id": w, "slug": fmt.Sprint("w", w), "name": odd, "locale": "en", "zone": "UTC", "created": math.MaxInt64})
	}
	for i := range 70 { // more than one batch
		put(t, d, "login", values{"id": i + 1, "email": fmt.Sprint(i, "@example.org"), "email_folded": fmt.Sprint(i, "@example.org"), "password": "x"})
	}
	fillGround(t, d)
	fillTeam(t, d)
	fillAccount(t, d)
	fillConversation(t, d)
	fillDelivery(t, d)
}

func fillGround(t testing.TB, d *db.DB) {
	put(t, d, "event", values{"workspace": 1, "n": 1, "actor_kind": "member", "actor_part": odd, "details": "{}", "sealed": nil, "leaf": everyByte(), "at": math.MinInt64})
	put(t, d, "event", values{"workspace": 1, "n": 2, "actor_kind": "system", "sealed": []byte{}, "subject": math.MaxInt64 - 1})
	put(t, d, "event_head", values{"workspace": 1, "n": 2})
	put(t, d, "event_personal", values{"workspace": 1, "n": 2, "salt": everyByte(), "details": strings.Repeat(odd, 3000)})
	for _, consumer := range []string{"a", "B", "é", "z", "Z", "_", " "} { // collations order them in different ways
		put(t, d, "event_cursor", values{"workspace": 1, "consumer": consumer})
	}
	put(t, d, "job", values{"id": 1, "kind": "k", "state": "running", "owner": "somebody", "lease": math.MaxInt64, "payload": []byte(`{"a":1}`)})
	put(t, d, "job", values{"id": -5, "kind": "k", "state": "failed", "error": odd})
	put(t, d, "node", values{"number": 3, "owner": "somebody", "lease": math.MaxInt64})
	put(t, d, "setting", values{"name": "tombstone.x", "value": everyByte()})
	put(t, d, "media", values{"workspace": 1, "digest": everyByte()[:32], "size": 600000, "refs": 1})
	for n := range 3 {
		put(t, d, "media_chunk", values{"workspace": 1, "digest": everyByte()[:32], "n": n, "bytes": []byte(strings.Repeat(string(everyByte()), 500+n))})
	}
	put(t, d, "media_ref", values{"workspace": 1, "digest": everyByte()[:32], "kind": "message", "subject": 7})
}

func fillTeam(t testing.TB, d *db.DB) {
	for id := range 3 {
		put(t, d, "member", values{"workspace": 1, "id": id + 1, "login": id + 1, "name": "Ana"})
	}
	put(t, d, "team", values{"workspace": 1, "id": 1, "name": odd, "name_folded": "n"})
	put(t, d, "team_member", values{"workspace": 1, "id": 1, "team": 1, "member": 2})
	put(t, d, "right_grant", values{"workspace": 1, "id": 1, "member": 1, "role": "owner"})
	put(t, d, "invitation", values{"workspace": 1, "id": 1, "hash": everyByte()})
	put(t, d, "invitation_role", values{"workspace": 1, "invitation": 1, "role": "voice"})
	put(t, d, "api_answer", values{"workspace": 1, "token": 1, "key": odd, "request": everyByte()})
	put(t, d, "login_link", values{"hash": []byte{1}, "purpose": "password", "login": 2})
	put(t, d, "login_session", values{"id": 1, "login": 1, "hash": []byte{2}})
	put(t, d, "passkey", values{"id": 1, "login": 1, "credential": []byte{3}, "name": "Phone", "record": "{}"})
	put(t, d, "login_identity", values{"id": 1, "login": 1, "issuer": "https://login.example", "subject": "s"})
	put(t, d, "login_step", values{"hash": []byte{4}, "purpose": "passkey.use", "place": []byte{5}})
	put(t, d, "login_place", values{"login": 1, "place": []byte{0}})
	put(t, d, "login_throttle", values{"bucket": []byte{9}})
	put(t, d, "notification", values{"workspace": 1, "id": 1, "member": 1, "kind": "message", "conversation": 1, "event": 1, "times": 1})
	put(t, d, "notify_choice", values{"workspace": 1, "member": 1, "mail": "urgent"})
	put(t, d, "notify_mailed", values{"workspace": 1, "member": 1})
	put(t, d, "ask", values{"workspace": 1, "id": 1, "member": 1, "question": odd, "hash": everyByte()})
	put(t, d, "letter", values{"workspace": 1, "id": 1, "purpose": "invitation", "about": 1, "sealed": everyByte(), "said": odd})
	put(t, d, "api_token", values{"workspace": 1, "id": 1, "member": 1, "hash": []byte{3}, "name": "n"})
}

func fillAccount(t testing.TB, d *db.DB) {
	for w := range 2 {
		put(t, d, "account", values{"workspace": w + 1, "id": w + 11, "state": "connected", "secret": everyByte(), "refresh_owner": "o", "refresh_lease": math.MaxInt64})
	}
	put(t, d, "account_feed", values{"workspace": 1, "account": 11, "feed": "mentions", "owner": "o", "lease": math.MaxInt64, "cursor": everyByte()})
	put(t, d, "account_import", values{"workspace": 1, "account": 11, "feed": "mentions"})
	put(t, d, "network_app", values{"network": "mastodon", "instance": "https://é.example", "redirect": "r", "secret": everyByte()})
	put(t, d, "network_app", values{"network": "Mastodon", "instance": "", "redirect": ""})
	put(t, d, "account_begin", values{"workspace": 1, "id": 1, "hash": []byte{4}})
}

func fillConversation(t testing.TB, d *db.DB) {
	put(t, d, "source", values{"workspace": 1, "id": 1})
	put(t, d, "person", values{"workspace": 1, "id": 1})
	put(t, d, "identity", values{"workspace": 1, "id": 1, "person": 1, "source": 1, "name": odd})
	put(t, d, "identity_word", values{"workspace": 1, "word": "東京", "identity": 1})
	put(t, d, "thread", values{"workspace": 1, "id": 1, "source": 1, "root": "r"})
	for id := range 200 {
		put(t, d, "message", values{"workspace": 1, "id": 200 - id, "source": 1, "remote_id": fmt.Sprint(id), "thread": 1, "author": 1, "body": odd + fmt.Sprint(id)})
	}
	put(t, d, "message_version", values{"workspace": 1, "message": 5, "version": "1", "body": odd})
	put(t, d, "conversation", values{"workspace": 1, "id": 1, "account": 11, "identity": 1, "thread": 1, "kind": "public", "state": "open"})
	put(t, d, "reach", values{"workspace": 1, "message": 5, "account": 11, "conversation": 1})
	put(t, d, "claim", values{"workspace": 1, "id": 1, "conversation": 1, "member": 1})
	put(t, d, "tombstone", values{"workspace": 1, "key": everyByte()})
	fillSorting(t, d)
	put(t, d, "webhook", values{"workspace": 1, "id": 1, "url": odd, "secret": []byte{0, 1}, "paused": 1})
	fillTogether(t, d)
	fillPeople(t, d)
	fillClock(t, d)
	put(t, d, "answer", values{"workspace": 1, "delivery": 1, "conversation": 1, "member": 1, "key": odd})
}

func fillDelivery(t testing.TB, d *db.DB) {
	put(t, d, "delivery", values{"workspace": 1, "id": 1, "account": 11, "kind": "reply", "member": nil, "state": "accepted", "round": 1})
	put(t, d, "delivery", values{"workspace": 1, "id": 2, "account": 11, "kind": "reply", "member": 2, "state": "sending", "round": 1, "draft": everyByte()})
	put(t, d, "delivery_attempt", values{"workspace": 1, "id": 1, "delivery": 2})
	put(t, d, "delivery_part", values{"workspace": 1, "delivery": 2, "part": 0})
}

// rows are all rows of all tables, written by other means than the archive's.
func rows(t testing.TB, d *db.DB) map[string][]string {
	t.Helper()
	ctx := context.Background()
	tables, err := d.Tables(ctx, d.Read())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, table := range tables {
		all[table] = rowsOf(t, d, table)
	}
	return all
}

func rowsOf(t testing.TB, d *db.DB, table string) []string {
	t.Helper()
	found, err := d.Read().Query(context.Background(), "select * from "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for found.Next() {
		cells := make([]any, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(names))
		for i, c := range cells {
			parts[i] = fmt.Sprintf("%s=%T:%q", names[i], c, fmt.Sprint(c))
		}
		lines = append(lines, strings.Join(parts, " "))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
