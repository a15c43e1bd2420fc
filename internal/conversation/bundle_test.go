package conversation_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/text"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// bundle is a workspace with two accounts, two voices and a desk; sent answers
// are only gathered.
type bundle struct {
	testing.TB
	db    *db.DB
	clock *clock.Fake
	ids   *id.Maker
	desk  *conversation.Desk
	sent  []conversation.Outgoing
	moved [][2]id.ID // conversations that became another
	locks string     // what telling of that locks
	files []string   // what was attached
	why   string     // set: answering is not possible
	mail  bool       // the account writes letters

	team []conversation.Colleague // of workspace
	busy bool                     // an answer is under way
}

const (
	workspace id.ID = 1
	town      id.ID = 11
	library   id.ID = 12
	ana       id.ID = 21
	ben       id.ID = 22
	elsewhere id.ID = 2
	other     id.ID = 31 // an account in workspace 2
	otto      id.ID = 41
)

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{TB: t, db: dbtest.New(t), clock: clock.NewFake(start)}
	b.ids = id.NewMaker(b.clock, 1)
	b.desk = conversation.New(conversation.Options{DB: b.db, Clock: b.clock, IDs: b.ids, Log: event.NewLog(b.clock, nil),
		Logger: slog.New(slog.DiscardHandler), Send: b.send, Move: b.move, Describe: b.describe, Attach: b.attach,
		Colleagues: b.colleagues,
		UnderWay:   func(context.Context, db.Queryer, id.ID, id.ID) (bool, error) { return b.busy, nil }})
	b.team = []conversation.Colleague{{Actor: voice(ana)}, {Actor: voice(ben)}}
	for w, rows := range map[id.ID][2][]id.ID{workspace: {{town, library}, {ana, ben}}, elsewhere: {{other}, {otto}}} {
		b.exec(`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, $2, 'W', 'en', 'UTC', 1, 0, 0)`, w, fmt.Sprint("w", int64(w)))
		for _, a := range rows[0] {
			b.exec(`insert into account (workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra, state, reason, message, since,
				secret, secret_generation, secret_expires, secret_refresh_by, refresh_owner, refresh_lease, capabilities, capabilities_until, signature, simulated, created, created_by)
				values ($1, $2, 'mastodon', 'https://town.example', $3, $4, '', '', '', '', '', '', 'connected', '', '', 1, $5, 1, 0, 0, '', 0, $5, 0, '', 0, 1, 0)`,
				w, a, "our"+fmt.Sprint(int64(a)), "our"+fmt.Sprint(int64(a)), []byte{})
		}
		for _, m := range rows[1] {
			b.exec(`insert into login (id, email, email_folded, name, password, locale, created, removed) values ($1, $2, $2, 'N', 'x', 'en', 1, 0)`, m, fmt.Sprint(int64(m), "@example.org"))
			name := map[id.ID]string{ana: "Ana Lima", ben: "Ben Okoro", otto: "Otto"}[m]
			b.exec(`insert into member (workspace, id, login, name, joined, departed, departed_by, reason) values ($1, $2, $2, $3, 1, 0, 0, '')`, w, m, name)
		}
	}
	return b
}

func (b *bundle) exec(q string, args ...any) {
	b.Helper()
	if err := b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	}); err != nil {
		b.Fatal(err)
	}
}

// clear empties the desk for the next case of a property.
func (b *bundle) clear() {
	// Late messages are numbered by when they were said: the next case's may be the same.
	b.exec(map[db.Dialect]string{db.SQLite: `insert into message_search (message_search) values ('delete-all')`, db.Postgres: `delete from message_search`}[b.db.Dialect()])
	b.exec("delete from response")
	for _, table := range []string{"reply_draft", "claim_ask", "desk_rule"} {
		b.exec("delete from " + table)
	}
	b.exec("delete from urgent")
	for _, table := range []string{"handover", "note_mention", "note_version", "note", "reach", "answer", "claim", "labelling", "snooze", "conversation", "message_version", "message", "thread", "tombstone"} {
		b.exec("delete from " + table)
	}
}

func (b *bundle) send(_ context.Context, _ *db.Tx, _ actor.Actor, out conversation.Outgoing) (id.ID, error) {
	b.sent = append(b.sent, out)
	return b.ids.New(), nil
}

func (b *bundle) attach(_ context.Context, _ id.ID, body io.Reader) (network.Media, error) {
	file, err := io.ReadAll(body)
	b.files = append(b.files, string(file))
	return network.Media{Kind: "image", Digest: sha256.Sum256(file)}, err
}

func (b *bundle) move(ctx context.Context, tx *db.Tx, w, from, to id.ID) error {
	if w == workspace {
		b.moved = append(b.moved, [2]id.ID{from, to})
	}
	if b.locks == "" {
		return nil
	}
	_, err := tx.Exec(ctx, b.locks)
	return err
}

func (b *bundle) colleagues(_ context.Context, _ db.Queryer, w id.ID) ([]conversation.Colleague, error) {
	if w != workspace {
		return []conversation.Colleague{{Actor: actor.Actor{Workspace: w, Member: otto, Name: "Otto"}}}, nil
	}
	return b.team, nil
}

func (b *bundle) describe(_ context.Context, _, account id.ID) (conversation.AccountView, error) {
	grant := network.Grant{OK: b.why == "", Why: b.why}
	return conversation.AccountView{ID: account, Network: "mastodon", Instance: "https://town.example", Working: true, Signature: "caret",
		Capabilities: network.Capabilities{Letters: b.mail, Can: map[network.Ability]network.Grant{network.CanReply: grant, network.CanDirect: grant},
			Text:         text.Rule{Unit: text.Graphemes, Max: 100, URLWeight: 23, CWCounts: true, MentionDomainFree: true},
			Visibilities: []network.Visibility{network.Public, network.Unlisted, network.Followers, network.DirectTo}}}, nil
}

// voice is a member who may read and answer everywhere in the workspace.
func voice(m id.ID) actor.Actor {
	a := actor.Actor{Workspace: workspace, Member: m, Name: map[id.ID]string{ana: "Ana Lima", ben: "Ben Okoro"}[m]}
	for _, r := range []actor.Right{actor.ReadConversations, actor.Claim, actor.Note, actor.Reply} {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return a
}

func (b *bundle) remote(account id.ID) network.Account {
	handle := "our" + fmt.Sprint(int64(account))
	return network.Account{Network: "mastodon", Instance: "https://town.example", RemoteID: handle, Handle: handle, Name: "Town"}
}

// ingest stores events as one account sees them and returns how many were new.
func (b *bundle) ingest(account id.ID, es ...network.Event) int {
	b.Helper()
	w := workspace
	if account == other {
		w = elsewhere
	}
	n, err := b.tryIngest(w, account, false, es...)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bundle) tryIngest(w, account id.ID, history bool, es ...network.Event) (n int, err error) {
	err = b.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		n, err = b.desk.Ingest(ctx, tx, actor.System(w, "poller"), conversation.Arrival{Account: account, Remote: b.remote(account),
			Feed: network.Mentions, History: history, Events: es})
		return err
	})
	return n, err
}

// says makes an addressed public message; parent "" begins a thread.
func says(who, remote, parent, words string, at time.Time) network.Event {
	return network.Event{Kind: network.KindMessage, Addressed: true, At: at, Post: &network.Post{
		Ref: network.Ref{ID: remote, ParentID: parent}, Text: text.Text{Body: words}, Visibility: network.Public, Created: at,
		Author: network.Person{RemoteID: who, Handle: who + "@far.example", Name: strings.ToUpper(who[:1]) + who[1:]}}}
}

func private(e network.Event) network.Event {
	e.Direct, e.Post.Visibility = true, network.DirectTo
	return e
}

func ours(e network.Event) network.Event {
	e.Own, e.Addressed = true, false
	return e
}

func context_(e network.Event) network.Event {
	e.Addressed = false
	return e
}

func (b *bundle) list(a actor.Actor, box conversation.Box) []conversation.Row {
	b.Helper()
	p, err := b.desk.List(context.Background(), a, conversation.Filter{Box: box, Limit: 200})
	if err != nil {
		b.Fatal(err)
	}
	return p.Rows
}

// state is the desk as text: every conversation with its messages, so that a
// test compares what a person would see.
func (b *bundle) state() string {
	b.Helper()
	a := voice(ana)
	var lines []string
	for _, box := range []conversation.Box{conversation.All, conversation.Closed, conversation.Reading} {
		for _, r := range b.list(a, box) {
			v, err := b.desk.Open(context.Background(), a, r.ID)
			if err != nil {
				b.Fatal(err)
			}
			var said []string
			for _, m := range v.Messages {
				who := m.Author.Name
				if m.Own != 0 {
					who = "we"
				}
				word := m.Text.Body
				if !m.Gone.IsZero() {
					word = "(" + word + ")"
				}
				if len(m.Versions) > 0 {
					word += fmt.Sprintf("[was %s]", m.Versions[0].Text.Body)
				}
				if !m.Mine {
					who = "~" + who
				}
				said = append(said, who+": "+word)
			}
			wait := ""
			if !r.Waiting.IsZero() {
				wait = " waiting " + r.Waiting.Sub(start).String()
			}
			lines = append(lines, fmt.Sprintf("%s %s %d %s%s | %s", r.Person.Name, r.Kind, int64(r.Account), r.State, wait, strings.Join(said, " / ")))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (b *bundle) want(state string) {
	b.Helper()
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(state), "\n") {
		lines = append(lines, strings.TrimSpace(l))
	}
	slices.Sort(lines)
	if got := b.state(); got != strings.Join(lines, "\n") {
		b.Errorf("the desk shows\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}

func after(d time.Duration) time.Time { return start.Add(d) }
