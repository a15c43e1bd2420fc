package team_test

import (
	"context"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/mail/mailtest"
	"parley/internal/secret"
	"parley/internal/team"
)

// mailing is a house that sends its letters to a server in memory.
func mailing(t *testing.T) (*house, *mailtest.Server) {
	t.Helper()
	server := mailtest.New(t, mailtest.Options{})
	at, err := mail.ParseServer(server.Address(""), "desk@example.org")
	must(t, err)
	bundle, err := i18n.NewBundle(team.Catalogue, mail.Catalogue)
	must(t, err)
	h := &house{t: t, db: dbtest.New(t), clock: clock.NewFake(start)}
	h.ids = id.NewMaker(h.clock, 1)
	jobs := job.New(h.db, h.clock, h.ids, slog.New(slog.DiscardHandler), "test", 4)
	post := mail.New(mail.Options{DB: h.db, Clock: h.clock, IDs: h.ids, Jobs: jobs, Keys: secret.InMemory(), Server: at,
		URL: &url.URL{Scheme: "https", Host: "desk.example.org"}, Words: bundle.Strict().Locale})
	h.Service = team.New(team.Config{DB: h.db, Events: event.NewLog(h.clock, nil), Clock: h.clock, IDs: h.ids, Cost: cheap(), Mail: post})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return h, server
}

// letters waits until the server took so many.
func letters(t *testing.T, s *mailtest.Server, n int) []mailtest.Letter {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if got := s.Letters(); len(got) >= n {
			return got
		} else if time.Now().After(end) {
			t.Fatalf("%d letters came, want %d", len(got), n)
		}
	}
}

var letterLink = regexp.MustCompile(`https://desk\.example\.org(/\S+)`)

func TestAnInvitationIsSent(t *testing.T) {
	t.Parallel()
	h, server := mailing(t)
	ctx := context.Background()
	v := h.founder(1)
	inv, err := h.Invite(ctx, v.actor, team.Invite{Email: "guest@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	l := letters(t, server, 1)[0]
	if l.To != "guest@example.org" || l.Subject != "Join Town 1" || !strings.Contains(l.Header.Get("From"), `"Town 1"`) || !strings.Contains(l.Text, "Founder 1 would like you") {
		t.Errorf("%s: %q\n%s", l.To, l.Subject, l.Text)
	}
	if link := letterLink.FindStringSubmatch(l.Text); link == nil || link[1] != team.InvitationPath(inv.Secret) {
		t.Errorf("the link is %q", link)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		all, err := h.Invitations(ctx, v.actor)
		must(t, err)
		if !all[0].Mail.Sent.IsZero() {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", all[0].Mail)
		}
	}
}

func TestAForgottenPassword(t *testing.T) {
	t.Parallel()
	h, server := mailing(t)
	ctx := context.Background()
	v := h.founder(1)
	must(t, h.Forgot(ctx, "nobody@example.org", team.Place{}))
	must(t, h.Forgot(ctx, " FOUNDER1@example.org", team.Place{}))
	l := letters(t, server, 1)[0]
	if l.To != v.email || strings.Contains(string(l.Raw), "nobody@") {
		t.Errorf("it went to %s", l.To)
	}
	link := letterLink.FindStringSubmatch(l.Text)
	if link == nil || !strings.HasPrefix(link[1], "/password/") {
		t.Fatalf("no link in %s", l.Text)
	}
	old := strings.TrimPrefix(link[1], "/password/")
	must(t, h.Forgot(ctx, v.email, team.Place{}))
	_, _, err := h.PasswordLinkFor(ctx, old)
	refused(t, err, "team.link_over")
	link = letterLink.FindStringSubmatch(letters(t, server, 2)[1].Text)
	_, err = h.UsePasswordLink(ctx, strings.TrimPrefix(link[1], "/password/"), "three herons by the canal", team.Place{})
	must(t, err)
	if n := h.count(`select count(*) from event where verb = 'member.password_link_made' and actor_part = 'sign-in'`); n != 2 {
		t.Errorf("%d links were recorded", n)
	}
}

// Whoever asks again and again fills nobody's mailbox, and is answered the same
// for an address that nobody has.
func TestAskingForAPasswordIsSlowedDown(t *testing.T) {
	t.Parallel()
	h, server := mailing(t)
	v := h.founder(1)
	for _, email := range []string{v.email, "nobody@example.org"} {
		refusedAt := 0
		for n := range 100 {
			if err := h.Forgot(context.Background(), email, team.Place{Address: "192.0.2.9"}); err != nil {
				refused(t, err, "team.throttled")
				refusedAt = n
				break
			}
		}
		if refusedAt != 3 {
			t.Errorf("%s: refused at the try %d", email, refusedAt)
		}
	}
	if got := letters(t, server, 1); len(got) > 3 {
		t.Errorf("%d letters", len(got))
	}
}

func TestWithoutMailNothingIsSent(t *testing.T) {
	t.Parallel()
	h := setup(t)
	v := h.founder(1)
	_, err := h.Invite(context.Background(), v.actor, team.Invite{Email: "guest@example.org", Roles: []team.RoleIn{{Role: team.Voice}}})
	must(t, err)
	refused(t, h.Forgot(context.Background(), v.email, team.Place{}), "team.no_mail")
	_, err = h.Operator().MailPasswordLink(context.Background(), v.email)
	refused(t, err, "team.no_mail")
	if n := h.count(`select count(*) from letter`); n != 0 {
		t.Errorf("%d letters", n)
	}
	s := siteOf(t, h)
	if a := s.browser("").get("/password"); a.path != "/sign-in" || !strings.Contains(a.body, "can make you a link") {
		t.Errorf("%s: %s", a.path, a.body)
	}
}

func TestPagesOfForgottenPasswords(t *testing.T) {
	t.Parallel()
	h, server := mailing(t)
	s := siteOf(t, h)
	v := s.founder(1)
	b := s.browser("")
	if a := b.get("/sign-in"); !strings.Contains(a.body, `href="/password"`) {
		t.Errorf("no way to a new password: %s", a.body)
	}
	b.get("/password")
	if a := b.post("/password", "email", "no address"); a.status != 422 {
		t.Errorf("%d", a.status)
	}
	known, unknown := b.post("/password", "email", v.email), b.post("/password", "email", "founder2@example.org")
	if known.status != 200 || strings.ReplaceAll(known.body, "founder1", "founder2") != unknown.body {
		t.Errorf("it tells who signs in here: %s\n%s", known.body, unknown.body)
	}
	letters(t, server, 1)
	if a := s.browser(v.SignedIn.Secret).post("/w/town-1/team/invitations", "email", "guest@example.org", "role", "voice"); !strings.Contains(a.body, "is on its way to") {
		t.Errorf("%s", a.body)
	}
	letters(t, server, 2)
	if a := s.browser(v.SignedIn.Secret).get("/w/town-1/team"); !strings.Contains(a.body, "mail ") || !strings.Contains(a.body, "Send the invitation") {
		t.Errorf("%s", a.body)
	}
}
