package notify_test

import (
	"context"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/event"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/mail/mailtest"
	"parley/internal/notify"
	"parley/internal/problem"
	"parley/internal/secret"
)

// post gives the house a mail server in memory.
func (h *house) post() *mailtest.Server {
	h.Helper()
	server := mailtest.New(h.TB, mailtest.Options{})
	at, err := mail.ParseServer(server.Address(""), "desk@example.org")
	h.must(err)
	bundle, err := i18n.NewBundle(notify.Catalogue, mail.Catalogue)
	h.must(err)
	ids := id.NewMaker(h.clock, 9)
	jobs := job.New(h.db, h.clock, ids, slog.New(slog.DiscardHandler), "mail", 2)
	keys := secret.InMemory()
	h.Service.Keys = keys
	h.Service.Mail = mail.New(mail.Options{DB: h.db, Clock: h.clock, IDs: ids, Jobs: jobs, Keys: keys, Server: at,
		URL: &url.URL{Scheme: "https", Host: "desk.example.org"}, Words: bundle.Strict().Locale})
	h.Service.Figures = func(context.Context, actor.Actor) (notify.Figures, error) { return h.figures, nil }
	ctx, stop := context.WithCancel(background)
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	h.Cleanup(func() { stop(); <-done })
	return server
}

// after lets time pass and Parley write to whom there is to write.
func (h *house) after(d time.Duration) {
	h.Helper()
	h.clock.Advance(d)
	h.must(h.Tell(background))
}

// mails waits for so many letters in all, and no more.
func (h *house) mails(s *mailtest.Server, n int) []mailtest.Letter {
	h.Helper()
	var posted int
	h.must(h.db.Read().Row(background, `select count(*) from letter`).Scan(&posted))
	if posted != n {
		h.Fatalf("%d letters were posted, want %d", posted, n)
	}
	for end := time.Now().Add(10 * time.Second); len(s.Letters()) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("%d of %d letters came", len(s.Letters()), n)
		}
		h.clock.Advance(100 * time.Millisecond) // slower than leases run out
	}
	return s.Letters()
}

func TestWhatIsNotReadIsMailed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	h.holds[5] = ana
	h.happens(mentioned(ana, 5, town), mentioned(ben, 6, town), arrived(5, town))
	h.must(h.MarkAllRead(background, h.actor(ben))) // who has read it is not mailed
	h.after(time.Minute)
	h.mails(s, 0)
	h.after(3 * time.Minute)
	l := h.mails(s, 1)[0]
	if l.To != "m11@example.org" || l.Subject != "You are named in a note" || !strings.Contains(l.Header.Get("From"), "Town") {
		t.Errorf("%s: %q", l.To, l.Subject)
	}
	if !regexp.MustCompile(`https://desk\.example\.org/w/town/notifications/\S+`).MatchString(l.Text) || strings.Contains(l.Text, "wrote in what") {
		t.Errorf("%s", l.Text)
	}
	h.after(time.Hour)
	h.mails(s, 1) // never twice
}

func TestSeveralThingsAreOneMailAndMailsKeepApart(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	h.happens(mentioned(ana, 5, town), mentioned(ana, 6, town), mentioned(ana, 7, town))
	h.after(4 * time.Minute)
	if l := h.mails(s, 1)[0]; l.Subject != "3 things for you in Town" || strings.Count(l.Text, "You are named") != 3 {
		t.Errorf("%q\n%s", l.Subject, l.Text)
	}
	h.happens(mentioned(ana, 8, town))
	h.after(4 * time.Minute)
	h.mails(s, 1)
	h.after(7 * time.Minute)
	h.mails(s, 2)
}

func TestRightsAreAskedAgainWhenItIsMailed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	h.happens(mentioned(ana, 5, town), mentioned(ben, 5, town))
	h.seats[0].Actor.Grants = []actor.Grant{{Right: actor.Self}}
	h.seats = append(h.seats[:1], h.seats[2:]...) // and Ben has left
	h.after(4 * time.Minute)
	h.mails(s, 0)
}

func TestQuietTime(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	c, err := h.Choices(background, h.actor(ana))
	h.must(err)
	c.QuietFrom, c.QuietTo, c.Zone = 20*60, 7*60+30, "Asia/Tokyo" // it is 18:00 there
	c.QuietDays = []time.Weekday{time.Wednesday}
	h.must(h.Choose(background, h.actor(ana), c))
	h.clock.Advance(3 * time.Hour) // 21:00
	h.happens(mentioned(ana, 5, town), about("conversation.urgent", "conversation", 8, 8, town))
	h.after(4 * time.Minute)
	h.mails(s, 2) // Ben and Chiara, who have no quiet hours
	c.Urgent = true
	h.must(h.Choose(background, h.actor(ana), c))
	h.after(time.Minute)
	if l := h.mails(s, 3)[2]; l.To != "m11@example.org" || l.Subject != "A conversation is urgent" {
		t.Errorf("%s: %q", l.To, l.Subject)
	}
	h.after(10 * time.Hour) // 7:05 on Tuesday
	h.mails(s, 3)
	h.after(30 * time.Minute)
	if l := h.mails(s, 4)[3]; l.Subject != "You are named in a note" {
		t.Errorf("%q", l.Subject)
	}
	h.clock.Advance(24 * time.Hour) // Wednesday, all of which is quiet
	h.happens(mentioned(ana, 6, town))
	h.after(4 * time.Minute)
	h.mails(s, 4)
}

func TestQuietHoursOverMidnightAndWhereClocksChange(t *testing.T) {
	t.Parallel()
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	h := setup(t)
	s := h.post()
	// The night of 28 to 29 March 2026 has no 2:30 in Brussels.
	h.clock.Advance(time.Date(2026, 3, 28, 23, 30, 0, 0, brussels).Sub(h.clock.Now()))
	c := notify.Choices{Mail: notify.Kinds(), QuietFrom: 23 * 60, QuietTo: 2*60 + 30, Zone: "Europe/Brussels"}
	h.must(h.Choose(background, h.actor(ana), c))
	h.happens(mentioned(ana, 5, town))
	h.after(2 * time.Hour) // 1:30
	h.mails(s, 0)
	h.after(40 * time.Minute) // 3:10, an hour after 2:10
	h.mails(s, 1)
}

func TestDigests(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	h.must(h.Choose(background, h.actor(ana), notify.Choices{Digest: notify.Daily}))
	h.must(h.Choose(background, h.actor(chiara), notify.Choices{Digest: notify.Weekly}))
	h.after(time.Minute) // Monday, 9:01: there is nothing to say
	h.mails(s, 0)
	h.figures = notify.Figures{Waiting: 3, Longest: h.clock.Now().Add(-50 * time.Hour), Mine: 1}
	h.after(time.Hour)
	h.mails(s, 0) // once a day
	h.after(21 * time.Hour)
	h.mails(s, 0) // 7:00
	h.after(time.Hour)
	l := h.mails(s, 1)[0]
	if l.To != "m11@example.org" || l.Subject != "Town this morning" || !strings.Contains(l.Text, "3 people wait for an answer, the first for 3 days.") || !strings.Contains(l.Text, "One conversation is in your hands.") {
		t.Errorf("%s: %q\n%s", l.To, l.Subject, l.Text)
	}
	h.must(h.Choose(background, h.actor(ana), notify.Choices{}))
	h.after(5 * 24 * time.Hour) // Sunday
	h.mails(s, 1)
	h.after(24 * time.Hour)
	if l := h.mails(s, 2)[1]; l.To != "m13@example.org" || l.Subject != "Town this week" {
		t.Errorf("%s: %q", l.To, l.Subject)
	}
}

func TestTheLinkInEveryMailEndsThem(t *testing.T) {
	t.Parallel()
	h := setup(t)
	s := h.post()
	h.happens(mentioned(ana, 5, town))
	h.after(4 * time.Minute)
	l := h.mails(s, 1)[0]
	link := strings.Trim(l.Header.Get("List-Unsubscribe"), "<>")
	secret := strings.TrimPrefix(link, "https://desk.example.org/notifications/stop/")
	if secret == link || l.Header.Get("List-Unsubscribe-Post") == "" {
		t.Fatalf("no way out: %q", l.Header)
	}
	for _, wrong := range []string{"", "x", secret[:len(secret)-2] + "AA", strings.Repeat("A", 5000)} {
		if err := h.Stop(background, wrong); !problem.Is(err, "notify.stop_over") {
			t.Errorf("%.20s: %v", wrong, err)
		}
	}
	h.must(h.Stop(background, secret))
	h.must(h.Stop(background, secret))
	h.happens(mentioned(ana, 6, town), mentioned(ben, 6, town))
	h.after(20 * time.Minute)
	if got := h.mails(s, 2); got[1].To != "m12@example.org" {
		t.Errorf("Ana is still written to: %s", got[1].To)
	}
	h.happens(event.Entry{Verb: "member.departed", Kind: "member", Subject: ana})
	for _, table := range []string{"notification", "notify_choice", "notify_mailed"} {
		var n int
		h.must(h.db.Read().Row(background, `select count(*) from `+table+` where member = $1`, ana).Scan(&n))
		if n != 0 {
			t.Errorf("%d rows of %s are kept of somebody who left", n, table)
		}
	}
}

func TestWhatCannotBeChosen(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for code, c := range map[string]notify.Choices{
		"notify.kind": {Mail: []notify.Kind{"gossip"}}, "notify.hour": {QuietFrom: 1440}, "notify.day": {QuietDays: []time.Weekday{7}},
		"notify.zone": {Zone: "Mars/Olympus"}, "notify.digest": {Digest: "hourly"},
	} {
		if err := h.Choose(background, h.actor(ana), c); !problem.Is(err, code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	c := notify.Choices{Mail: []notify.Kind{notify.Account, notify.Urgent}, QuietFrom: 1200, QuietTo: 450, QuietDays: []time.Weekday{0, 6}, Urgent: true, Zone: "Europe/Lisbon", Digest: notify.Weekly}
	h.must(h.Choose(background, h.actor(ana), c))
	got, err := h.Choices(background, h.actor(ana))
	h.must(err)
	c.Mail = []notify.Kind{notify.Urgent, notify.Account} // in their order
	if want := c; !equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func equal(a, b notify.Choices) bool {
	return strings.Join(names(a), " ") == strings.Join(names(b), " ") && a.QuietFrom == b.QuietFrom && a.QuietTo == b.QuietTo && len(a.QuietDays) == len(b.QuietDays) &&
		a.Urgent == b.Urgent && a.Zone == b.Zone && a.Digest == b.Digest
}

func names(c notify.Choices) (all []string) {
	for _, k := range c.Mail {
		all = append(all, string(k))
	}
	return all
}
