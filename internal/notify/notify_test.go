package notify_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/notify"
	"parley/internal/problem"
)

var (
	start      = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	background = context.Background()
)

const (
	workspace id.ID = 1
	ana       id.ID = 11 // voice everywhere
	ben       id.ID = 12 // voice for account 31 only
	chiara    id.ID = 13 // steward
	town      id.ID = 31
	library   id.ID = 32
)

// house is a service on a database, with what it asks others.
type house struct {
	testing.TB
	*notify.Service
	db      *db.DB
	log     *event.Log
	clock   *clock.Fake
	seats   []notify.Seat
	holds   map[id.ID]id.ID
	writer  map[id.ID]id.ID
	figures notify.Figures
}

func seat(member id.ID, grants ...actor.Grant) notify.Seat {
	return notify.Seat{Actor: actor.Actor{Workspace: workspace, Member: member, Name: fmt.Sprint("member ", int64(member)), Grants: append(grants, actor.Grant{Right: actor.Self})},
		Login: member + 100, Email: fmt.Sprintf("m%d@example.org", int64(member)), Locale: "en", Zone: time.UTC, Workspace: "Town", Slug: "town"}
}

func setup(t testing.TB) *house {
	t.Helper()
	h := &house{TB: t, db: dbtest.New(t), clock: clock.NewFake(start), holds: map[id.ID]id.ID{}, writer: map[id.ID]id.ID{}}
	h.log = event.NewLog(h.clock, nil)
	only := actor.Scope{Kind: "account", ID: town}
	h.seats = []notify.Seat{
		seat(ana, actor.Grant{Right: actor.ReadConversations}, actor.Grant{Right: actor.Claim}),
		seat(ben, actor.Grant{Right: actor.ReadConversations, Scope: only}, actor.Grant{Right: actor.Claim, Scope: only}),
		seat(chiara, actor.Grant{Right: actor.ReadConversations}, actor.Grant{Right: actor.Claim}, actor.Grant{Right: actor.ManageAccounts}),
	}
	h.exec(`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, 'town', 'Town', 'en', 'UTC', 1, 0, 0)`, workspace)
	for _, v := range h.seats {
		h.exec(`insert into login (id, email, email_folded, name, password, locale, created, removed) values ($1, $2, $2, 'n', 'x', 'en', 1, 0)`, v.Login, v.Email)
		h.exec(`insert into member (workspace, id, login, name, joined, departed, departed_by, reason) values ($1, $2, $3, 'n', 1, 0, 0, '')`, workspace, v.Actor.Member, v.Login)
	}
	h.Service = h.node(1)
	return h
}

// node is another process on the same database.
func (h *house) node(n int) *notify.Service {
	ids := id.NewMaker(h.clock, n)
	return notify.New(notify.Options{DB: h.db, Clock: h.clock, IDs: ids, Log: h.log,
		Jobs:   job.New(h.db, h.clock, ids, slog.New(slog.DiscardHandler), fmt.Sprint("node", n), 2),
		Roster: func(context.Context, db.Queryer, id.ID) ([]notify.Seat, error) { return h.seats, nil },
		Held: func(_ context.Context, _ db.Queryer, _ id.ID, cs []id.ID) (map[id.ID]id.ID, error) {
			held := map[id.ID]id.ID{}
			for _, c := range cs {
				if m := h.holds[c]; m != 0 {
					held[c] = m
				}
			}
			return held, nil
		},
		Writer: func(_ context.Context, _ db.Queryer, _, d id.ID) (id.ID, error) { return h.writer[d], nil },
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) exec(q string, args ...any) {
	h.Helper()
	h.must(h.db.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	}))
}

// happens records events and lets the service look at them.
func (h *house) happens(es ...event.Entry) {
	h.Helper()
	h.happensBy(actor.System(workspace, "test"), es...)
	h.must(h.Look(background))
}

func (h *house) happensBy(a actor.Actor, es ...event.Entry) {
	h.Helper()
	h.must(h.db.InTx(background, func(_ context.Context, tx *db.Tx) error {
		for _, e := range es {
			h.log.Record(tx, a, e)
		}
		return nil
	}))
}

func (h *house) actor(member id.ID) actor.Actor {
	for _, v := range h.seats {
		if v.Actor.Member == member {
			return v.Actor
		}
	}
	return actor.Actor{}
}

// told is what a member has, newest first: "message 5×2", with "read" where it is.
func (h *house) told(member id.ID) string {
	h.Helper()
	all, _, err := h.List(background, h.actor(member), notify.Place{}, 0)
	h.must(err)
	var lines []string
	for _, n := range all {
		line := fmt.Sprintf("%s %d", n.Kind, int64(n.Conversation))
		if n.Times > 1 {
			line += fmt.Sprintf("×%d", n.Times)
		}
		if !n.Read.IsZero() {
			line += " read"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

func (h *house) want(member id.ID, want string) {
	h.Helper()
	if got := h.told(member); got != want {
		h.Errorf("member %d is told %q, want %q", int64(member), got, want)
	}
}

func arrived(conversation, account id.ID) event.Entry {
	return event.Entry{Verb: "message.arrived", Kind: "conversation", Subject: conversation, Details: map[string]string{"account": account.String(), "message": "0"}}
}

func mentioned(member, conversation, account id.ID) event.Entry {
	return event.Entry{Verb: "note.mentioned", Kind: "member", Subject: member,
		Details: map[string]string{"account": account.String(), "conversation": conversation.String(), "note": "0"}}
}

func about(verb, kind string, subject, conversation, account id.ID) event.Entry {
	return event.Entry{Verb: verb, Kind: kind, Subject: subject, Details: map[string]string{"conversation": conversation.String(), "account": account.String()}}
}

func TestWhoIsToldOfWhat(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.holds[5], h.writer[7] = ana, ana
	h.happens(arrived(5, town), arrived(6, town)) // nobody answers 6
	h.want(ana, "message 5")
	h.happens(arrived(5, town))
	h.want(ana, "message 5×2")
	h.clock.Advance(time.Minute)
	h.happens(mentioned(ben, 5, town), about("conversation.urgent", "conversation", 8, 8, town))
	h.want(ben, "urgent 8, mentioned 5")
	h.clock.Advance(time.Minute)
	h.happens(about("delivery.unknown", "delivery", 7, 5, town))
	h.want(ana, "unknown 5, urgent 8, message 5×2")
	h.happens(event.Entry{Verb: "account.broken", Kind: "account", Subject: town})
	h.want(chiara, "account 0, urgent 8")
	for _, n := range []id.ID{ana, ben} {
		if strings.Contains(h.told(n), "account") {
			t.Errorf("%d hears of accounts", int64(n))
		}
	}
}

func TestWhatIsHandedOver(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const press id.ID = 51
	h.seats[0].Teams, h.seats[1].Teams = []id.ID{press}, []id.ID{press}
	handed := func(by, c, account id.ID, to string, whom id.ID) {
		h.happensBy(h.actor(by), event.Entry{Verb: "conversation.handed_over", Kind: "conversation", Subject: c, Details: map[string]string{"account": account.String(), to: whom.String()}})
		h.must(h.Look(background))
	}
	handed(chiara, 5, town, "member", ben)
	handed(ana, 6, town, "team", press)    // Ana is in the team, and did it
	handed(ana, 7, library, "team", press) // which Ben may not read
	h.want(ana, "")
	h.want(ben, "handed 6, handed 5")
	h.want(chiara, "")
}

func TestNobodyIsToldOfTheirOwnDoingOrWhatTheyMayNotRead(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.happensBy(h.actor(ben), mentioned(ben, 5, town), event.Entry{Verb: "account.broken", Kind: "account", Subject: town})
	h.happensBy(h.actor(chiara), event.Entry{Verb: "account.broken", Kind: "account", Subject: library})
	h.happens(mentioned(ben, 6, library), about("conversation.urgent", "conversation", 8, 8, library))
	h.want(ben, "")
	h.want(ana, "urgent 8")
	h.want(chiara, "urgent 8, account 0")
	// A right that ends takes with it what it let somebody know.
	h.seats[0].Actor.Grants = []actor.Grant{{Right: actor.Self}}
	h.want(ana, "")
	if n, err := h.Unread(background, h.actor(ana)); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestWhatIsOverIsNoNews(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.writer[7] = ana
	h.happens(about("delivery.failed", "delivery", 7, 5, town), event.Entry{Verb: "account.broken", Kind: "account", Subject: town})
	h.want(ana, "failed 5")
	h.happens(about("delivery.sending", "delivery", 7, 5, town), event.Entry{Verb: "account.reconnected", Kind: "account", Subject: town})
	h.want(ana, "failed 5 read")
	h.want(chiara, "account 0 read")
	h.happens(about("delivery.failed", "delivery", 7, 5, town))
	h.want(ana, "failed 5, failed 5 read")
}

func TestReading(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.holds[5], h.holds[6] = ana, ana
	h.happens(arrived(5, town))
	h.clock.Advance(time.Second)
	h.happens(arrived(6, town), mentioned(ana, 6, town), mentioned(ben, 6, town))
	count := func(want int) {
		t.Helper()
		if n, err := h.Unread(background, h.actor(ana)); err != nil || n != want {
			t.Errorf("%d unread, want %d (%v)", n, want, err)
		}
	}
	count(3)
	h.must(h.Opened(background, h.actor(ana), 6))
	count(1)
	h.must(h.Opened(background, h.actor(ana), 6))
	all, _, err := h.List(background, h.actor(ana), notify.Place{}, 0)
	h.must(err)
	first := all[len(all)-1].ID
	if err := h.MarkRead(background, h.actor(ben), first); !problem.Is(err, "notify.not_found") {
		t.Errorf("Ben marks Ana's: %v", err)
	}
	h.must(h.MarkRead(background, h.actor(ana), first))
	h.must(h.MarkRead(background, h.actor(ana), first))
	count(0)
	if n, _ := h.Unread(background, h.actor(ben)); n != 1 {
		t.Errorf("Ben has %d", n)
	}
	h.happens(arrived(5, town))
	h.must(h.MarkAllRead(background, h.actor(ana)))
	h.must(h.MarkAllRead(background, h.actor(ana)))
	count(0)
	var read int
	h.must(h.db.Read().Row(background, `select count(*) from event where verb = 'notification.read' and subject = $1`, ana).Scan(&read))
	if read != 3 {
		t.Errorf("%d times something was read", read)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for c := id.ID(1); c <= 25; c++ {
		h.holds[c] = ana
		h.happens(arrived(c, town))
		if c%3 == 0 {
			h.clock.Advance(time.Second)
		}
	}
	seen := map[id.ID]bool{}
	var after notify.Place
	for pages := 0; ; pages++ {
		all, next, err := h.List(background, h.actor(ana), after, 10)
		h.must(err)
		for _, n := range all {
			if seen[n.ID] {
				t.Errorf("%s comes twice", n.ID)
			}
			seen[n.ID] = true
		}
		if next.ID == 0 {
			break
		}
		after = next
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25", len(seen))
	}
}

func TestWhatIsErasedRemovedOrOldIsForgotten(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.holds[5], h.holds[6], h.holds[9] = ana, ana, ana
	h.happens(arrived(5, town), arrived(6, town), mentioned(ben, 6, town), arrived(9, town), mentioned(ben, 9, town))
	h.must(h.db.InTx(background, func(ctx context.Context, tx *db.Tx) error { return h.Forget(ctx, tx, workspace, []id.ID{5}) }))
	h.want(ana, "message 9, message 6")
	// A conversation that becomes part of another takes its notifications along.
	h.must(h.db.InTx(background, func(ctx context.Context, tx *db.Tx) error { return h.Move(ctx, tx, workspace, 9, 6) }))
	h.want(ana, "message 6")
	h.want(ben, "mentioned 6")
	h.happens(event.Entry{Verb: "member.departed", Kind: "member", Subject: ben})
	var n int
	h.must(h.db.Read().Row(background, `select count(*) from notification where member = $1`, ben).Scan(&n))
	if n != 0 {
		t.Errorf("%d are kept of somebody who left", n)
	}
}

// Old events, after a restore for instance, tell nobody anything.
func TestOldEventsAreNoNews(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.holds[5] = ana
	h.happensBy(actor.System(workspace, "test"), arrived(5, town))
	h.clock.Advance(25 * time.Hour)
	h.happens(arrived(5, town))
	h.want(ana, "message 5")
}

// However many nodes look, in whatever order and however often, each event is told
// once, and what is unread is counted right.
func TestEachEventTellsOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		h := setup(t)
		nodes := []*notify.Service{h.Service, h.node(2)}
		restarts := 0
		want := map[id.ID]int64{} // times, by conversation
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			switch rapid.SampledFrom([]string{"arrive", "look", "look", "restart", "read"}).Draw(r, "step") {
			case "arrive":
				c := id.ID(rapid.IntRange(1, 3).Draw(r, "conversation"))
				h.holds[c] = ana
				h.happensBy(actor.System(workspace, "test"), arrived(c, town))
				want[c]++
			case "look":
				h.must(nodes[rapid.IntRange(0, 1).Draw(r, "node")].Look(background))
			case "restart":
				restarts++
				nodes[1] = h.node(2 + restarts)
			case "read":
				for _, n := range nodes {
					h.must(n.Look(background))
				}
				h.must(h.MarkAllRead(background, h.actor(ana)))
				clear(want)
			}
		}
		for _, n := range nodes {
			h.must(n.Look(background))
		}
		all, _, err := h.List(background, h.actor(ana), notify.Place{}, 0)
		h.must(err)
		got := map[id.ID]int64{}
		for _, n := range all {
			if n.Read.IsZero() {
				got[n.Conversation] += n.Times
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			r.Errorf("told %v, want %v", got, want)
		}
	})
}

func TestKindsHaveTheirSentences(t *testing.T) {
	t.Parallel()
	raw, err := notify.Catalogue.ReadFile("catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range notify.Kinds() {
		if !strings.Contains(string(raw), `"notify.say.`+string(k)+`"`) {
			t.Errorf("%s has no sentence", k)
		}
	}
	if !slices.Contains(notify.Kinds(), notify.Urgent) {
		t.Error("nothing is urgent")
	}
}
