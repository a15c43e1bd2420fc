package ask_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/ask"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/problem"
	"parley/internal/secret"
)

var (
	start      = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	background = context.Background()
)

const (
	workspace id.ID = 1
	ana       id.ID = 11 // asks; may answer people
	ben       id.ID = 12 // is asked; may answer people
	dora      id.ID = 13 // is asked; reads along only
	erik      id.ID = 14 // may write notes, not answer people
	town      id.ID = 31
)

type house struct {
	testing.TB
	*ask.Service
	clock *clock.Fake
	seats []ask.Seat
	notes []string
	sent  []string
	taken map[string]bool
}

func seat(member id.ID, email string, rights ...actor.Right) ask.Seat {
	a := actor.Actor{Workspace: workspace, Member: member, Name: strings.ToUpper(email[:1]) + strings.Split(email, "@")[0][1:]}
	for _, r := range rights {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return ask.Seat{Actor: a, Email: email, Locale: "en", Zone: time.UTC, Workspace: "Town", Slug: "town"}
}

func setup(t testing.TB, mailed bool) *house {
	t.Helper()
	h := &house{TB: t, clock: clock.NewFake(start), taken: map[string]bool{}}
	all := []actor.Right{actor.ReadConversations, actor.Note, actor.Claim, actor.Reply}
	h.seats = []ask.Seat{seat(ana, "ana@example.org", all...), seat(ben, "ben@example.org", all...), seat(dora, "dora@example.org", actor.ReadConversations),
		seat(erik, "erik@example.org", actor.ReadConversations, actor.Note)}
	d := dbtest.New(t)
	ids := id.NewMaker(h.clock, 1)
	bundle, err := i18n.NewBundle(ask.Catalogue, mail.Catalogue)
	h.must(err)
	server := mail.Server{}
	if mailed {
		server, err = mail.ParseServer("smtp://127.0.0.1:1", "desk@example.org")
		h.must(err)
	}
	post := mail.New(mail.Options{DB: d, Clock: h.clock, IDs: ids, Jobs: job.New(d, h.clock, ids, slog.New(slog.DiscardHandler), "x", 1), Keys: secret.InMemory(),
		URL: &url.URL{Scheme: "https", Host: "desk.example.org"}, Server: server, Words: bundle.Strict().Locale})
	h.Service = ask.New(ask.Options{DB: d, Clock: h.clock, IDs: ids, Log: event.NewLog(h.clock, nil), Mail: post,
		Roster: func(context.Context, db.Queryer, id.ID) ([]ask.Seat, error) { return h.seats, nil },
		Account: func(_ context.Context, a actor.Actor, c id.ID) (id.ID, error) {
			if a.Workspace != workspace || !a.Can(actor.ReadConversations) {
				return 0, problem.New(problem.NotFound, "conversation.not_found")
			}
			return town, nil
		},
		Thread: func(context.Context, actor.Actor, id.ID) (ask.Thread, error) {
			return ask.Thread{Person: "Vera", Account: "town"}, nil
		},
		Note: func(_ context.Context, _ *db.Tx, a actor.Actor, c id.ID, words string) (id.ID, error) {
			h.notes = append(h.notes, fmt.Sprintf("%s in %d: %s", a.Name, int64(c), words))
			return 77, nil
		},
		Preview: func(_ context.Context, a actor.Actor, _ id.ID) (ask.Preview, error) {
			return ask.Preview{To: "Vera", Account: "town", Suffix: " ^" + a.Name}, nil
		},
		Reply: func(_ context.Context, a, asker actor.Actor, c id.ID, words, key string) (id.ID, error) {
			if !h.taken[key] {
				h.sent = append(h.sent, fmt.Sprintf("%s for %s in %d: %s", a.Name, asker.Name, int64(c), words))
			}
			h.taken[key] = true
			return 88, nil
		}})
	h.exec(`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values ($1, 'town', 'Town', 'en', 'UTC', 1, 0, 0)`, workspace)
	for _, v := range h.seats {
		m := v.Actor.Member
		h.exec(`insert into login (id, email, email_folded, name, password, locale, created, removed) values ($1, $2, $2, 'n', 'x', 'en', 1, 0)`, m, v.Email)
		h.exec(`insert into member (workspace, id, login, name, joined, departed, departed_by, reason) values ($1, $2, $2, 'n', 1, 0, 0, '')`, workspace, m)
	}
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) exec(q string, args ...any) {
	h.Helper()
	h.must(h.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	}))
}

func (h *house) asks(member id.ID, address string) (ask.Ask, string, error) {
	for _, v := range h.seats {
		if v.Actor.Member == member {
			return h.Ask(background, v.Actor, ask.Question{Conversation: 5, Address: address, Text: "May we say so?"})
		}
	}
	return ask.Ask{}, "", nil
}

func refused(t testing.TB, err error, code string) {
	t.Helper()
	if !problem.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

func as(member id.ID) func(id.ID) id.ID { return func(id.ID) id.ID { return member } }

func TestAnAnswerComesBackAsANote(t *testing.T) {
	t.Parallel()
	h := setup(t, false)
	k, secret, err := h.asks(ana, "legal@elsewhere.example")
	h.must(err)
	if !k.Shown || secret == "" || k.To != 0 {
		t.Errorf("%+v %q", k, secret)
	}
	for range 3 { // programs that look at links
		o, err := h.Open(background, secret, as(0))
		h.must(err)
		if o.By != "Ana" || o.Question != "May we say so?" || o.Mine || o.SignIn {
			t.Errorf("%+v", o)
		}
	}
	refused(t, h.Answer(background, secret, " \n"), "ask.empty")
	refused(t, h.Answer(background, secret, strings.Repeat("x", 6000)), "ask.long")
	h.must(h.Answer(background, secret, "Yes, if you add the date."))
	refused(t, h.Answer(background, secret, "Or no."), "ask.over")
	_, err = h.Open(background, secret, as(0))
	refused(t, err, "ask.over")
	if len(h.notes) != 1 || !strings.HasPrefix(h.notes[0], "Ana in 5: **legal@\u2060elsewhere.example** was asked") || !strings.Contains(h.notes[0], "> May we say so?") || !strings.HasSuffix(h.notes[0], "add the date.") {
		t.Errorf("%q", h.notes)
	}
	refused(t, h.Send(background, secret, "x", as(0)), "ask.over")
	var kept int
	h.must(h.DB.Read().Row(background, `select count(*) from ask where hash = $1`, []byte(secret)).Scan(&kept))
	if kept != 0 {
		t.Error("the secret itself is kept")
	}
}

func TestLinksThatAreOver(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(h *house, k ask.Ask){
		"revoked":              func(h *house, k ask.Ask) { h.must(h.Revoke(background, h.seats[0].Actor, k.ID)) },
		"late":                 func(h *house, _ ask.Ask) { h.clock.Advance(ask.Life) },
		"the asker left":       func(h *house, _ ask.Ask) { h.seats = h.seats[1:] },
		"the asked left":       func(h *house, _ ask.Ask) { h.seats = append(h.seats[:1], h.seats[2:]...) },
		"the asker's right":    func(h *house, _ ask.Ask) { h.seats[0].Actor.Grants = nil },
		"the workspace closed": func(h *house, _ ask.Ask) { h.exec(`update workspace set closed = 1`) },
		"erased": func(h *house, _ ask.Ask) {
			h.must(h.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error { return h.Forget(ctx, tx, workspace, []id.ID{5}) }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t, false)
			k, secret, err := h.asks(ana, "ben@example.org")
			h.must(err)
			_, err = h.Open(background, secret, as(0))
			h.must(err)
			end(h, k)
			_, err = h.Open(background, secret, as(ben))
			refused(t, err, "ask.over")
			refused(t, h.Answer(background, secret, "Yes."), "ask.over")
			refused(t, h.Send(background, secret, "Yes.", as(ben)), "ask.over")
			if len(h.notes)+len(h.sent) != 0 {
				t.Errorf("%q %q", h.notes, h.sent)
			}
		})
	}
	h := setup(t, false)
	for _, guess := range []string{"", "q", strings.Repeat("a", 53), "q" + strings.Repeat("a", 52)} {
		_, err := h.Open(background, guess, as(0))
		refused(t, err, "ask.over")
	}
}

// A link that was shown to whoever asked speaks for nobody; one that was mailed
// speaks for whom it was mailed to, unless somebody else is signed in.
func TestInWhoseName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		mailed  bool
		address string
		visitor id.ID
		may     bool
	}{
		{true, "ben@example.org", 0, true}, {true, "BEN@example.org", ben, true}, {true, "ben@example.org", ana, false},
		{false, "ben@example.org", 0, false}, {false, "ben@example.org", ben, true}, {false, "ben@example.org", ana, false},
		{true, "dora@example.org", 0, false}, {true, "dora@example.org", dora, false}, {true, "legal@elsewhere.example", 0, false},
	} {
		h := setup(t, tc.mailed)
		k, secret, err := h.asks(ana, tc.address)
		h.must(err)
		if tc.mailed {
			if secret != "" || k.Shown {
				t.Errorf("%+v: the link is told", tc)
			}
			secret = h.mailedSecret()
		}
		o, err := h.Open(background, secret, as(tc.visitor))
		h.must(err)
		_, before := h.Before(background, secret, "Yes.", as(tc.visitor))
		err = h.Send(background, secret, "Yes.", as(tc.visitor))
		if (err == nil) != tc.may || (before == nil) != tc.may || o.Mine != tc.may || len(h.sent) > 0 != tc.may {
			t.Errorf("%+v: %v, %v, %+v, %q", tc, before, err, o, h.sent)
		}
		if tc.may && h.sent[0] != "Ben for Ana in 5: Yes." {
			t.Errorf("%q", h.sent)
		}
		if tc.may {
			refused(t, h.Send(background, secret, "Yes.", as(tc.visitor)), "ask.over")
		}
	}
}

// mailedSecret reads the secret out of the letter, as its reader does.
func (h *house) mailedSecret() string {
	h.Helper()
	var letter id.ID
	var sealed []byte
	h.must(h.DB.Read().Row(background, `select id, sealed from letter`).Scan(&letter, &sealed))
	plain, err := h.Mail.Keys.Open("letter:"+workspace.String()+"/"+letter.String(), sealed)
	h.must(err)
	_, rest, _ := strings.Cut(string(plain), "/ask/")
	secret, _, _ := strings.Cut(rest, `"`)
	return secret
}

func TestWhoMayAskWhom(t *testing.T) {
	t.Parallel()
	h := setup(t, false)
	_, _, err := h.asks(erik, "ben@example.org")
	h.must(err)
	_, _, err = h.asks(erik, "legal@elsewhere.example") // what people said leaves the house only through who may answer them
	refused(t, err, "forbidden")
	_, _, err = h.asks(dora, "ben@example.org")
	refused(t, err, "forbidden")
	for _, address := range []string{"", "nobody", "a@b\r\nBcc: c@d"} {
		_, _, err := h.asks(ana, address)
		refused(t, err, "ask.address")
	}
	for n := range 20 {
		_, _, err := h.asks(ana, fmt.Sprintf("n%d@elsewhere.example", n))
		h.must(err)
	}
	_, _, err = h.asks(ana, "one.more@elsewhere.example")
	refused(t, err, "ask.often")
	h.clock.Advance(25 * time.Hour)
	_, _, err = h.asks(ana, "one.more@elsewhere.example")
	h.must(err)
	k, _, err := h.asks(ana, "ben@example.org")
	h.must(err)
	refused(t, h.Revoke(background, h.seats[1].Actor, k.ID), "forbidden")
}

func TestQuestionsAreForgotten(t *testing.T) {
	t.Parallel()
	h := setup(t, true)
	_, _, err := h.asks(ana, "ben@example.org")
	h.must(err)
	h.must(h.DB.InTx(background, func(ctx context.Context, tx *db.Tx) error {
		return h.Redact(ctx, tx, workspace, func(s string) string { return strings.ReplaceAll(s, "we", "[…]") })
	}))
	all, err := h.Of(background, h.seats[0].Actor, 5)
	h.must(err)
	if len(all) != 1 || all[0].Question != "May […] say so?" {
		t.Errorf("%+v", all)
	}
	h.exec(`update member set departed = 1 where id = $1`, ben)
	h.must(h.Sweep(background, workspace))
	all, err = h.Of(background, h.seats[0].Actor, 5)
	h.must(err)
	if all[0].Revoked.IsZero() || all[0].Address != "" {
		t.Errorf("of somebody who left: %+v", all[0])
	}
	var waiting int
	h.must(h.DB.Read().Row(background, `select count(*) from letter where failed = 0`).Scan(&waiting))
	if waiting != 0 {
		t.Error("the letter to somebody who left is still to be sent")
	}
	h.clock.Advance(91 * 24 * time.Hour)
	h.must(h.Sweep(background, workspace))
	if all, err = h.Of(background, h.seats[0].Actor, 5); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
