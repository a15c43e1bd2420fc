package mail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/mail/mailtest"
	"parley/internal/secret"
)

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// house is a post office with its server.
type house struct {
	*testing.T
	*mail.Service
	server *mailtest.Server
	clock  *clock.Fake
	log    *shared
	ctx    context.Context
}

// shared is a log that jobs write while a test reads.
type shared struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func words(t testing.TB) func(string, *time.Location) *i18n.Locale {
	b, err := i18n.NewBundle(mail.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return b.Strict().Locale
}

// server reads the address of a fake as the program does.
func server(t *testing.T, s *mailtest.Server, query string) mail.Server {
	t.Helper()
	v, err := mail.ParseServer(s.Address(query), `"Town Hall" <desk@example.org>`)
	if err != nil {
		t.Fatal(err)
	}
	v.RootCAs, v.Timeout = s.Roots(), 10*time.Second
	return v
}

func setup(t *testing.T, o mailtest.Options, query string) *house {
	t.Helper()
	h := &house{T: t, server: mailtest.New(t, o), clock: clock.NewFake(start), log: &shared{}, ctx: context.Background()}
	d := dbtest.New(t)
	ids := id.NewMaker(h.clock, 1)
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	jobs := job.New(d, h.clock, ids, logger, "test", 4)
	h.Service = mail.New(mail.Options{DB: d, Clock: h.clock, IDs: ids, Jobs: jobs, Keys: secret.InMemory(), Logger: logger,
		URL: &url.URL{Scheme: "https", Host: "desk.example.org"}, Server: server(t, h.server, query), Words: words(t)})
	ctx, stop := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- jobs.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) post(to string, about id.ID) id.ID {
	h.Helper()
	var letter id.ID
	h.must(h.DB.InTx(h.ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		letter, err = h.Post(ctx, tx, mail.Letter{Workspace: 7, Purpose: "invitation", About: about, To: to, Name: "Béa Šuster", As: "Town of Millbrook", Locale: "en",
			Subject: "Join Town of Millbrook – today", Text: []string{"Hello Béa,", "Two lines\nof one paragraph."}, Items: []mail.Item{{"One thing", "https://desk.example.org/1"}},
			Action: mail.Action{"Join the team", "https://desk.example.org/invitation/isecretsecret"}, After: []string{"Once."}, Why: "Because.",
			Leave: mail.Action{"No more of these", "https://desk.example.org/leave/x"}})
		return err
	}))
	return letter
}

// until waits for the letters about something to be as wanted, moving time on so
// that what failed is tried again.
func (h *house) until(about id.ID, what string, ok func(mail.Progress) bool) mail.Progress {
	h.Helper()
	var p mail.Progress
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var err error
		p, err = h.State(h.ctx, h.DB.Read(), 7, "invitation", about)
		h.must(err)
		if ok(p) {
			return p
		}
		if time.Now().After(end) {
			h.Fatalf("never %s: %+v\n%s", what, p, h.log)
		}
		h.clock.Advance(time.Second)
	}
}

func sent(p mail.Progress) bool   { return !p.Sent.IsZero() }
func failed(p mail.Progress) bool { return !p.Failed.IsZero() }

func TestALetterArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := setup(t, mailtest.Options{}, "")
	letter := h.post("bea@example.org", 1)
	h.until(1, "sent", sent)
	got := h.server.Letters()
	if len(got) != 1 {
		t.Fatalf("%d letters", len(got))
	}
	l := got[0]
	if l.From != "desk@example.org" || l.To != "bea@example.org" || l.Subject != "Join Town of Millbrook – today" {
		t.Errorf("%s to %s: %q", l.From, l.To, l.Subject)
	}
	for name, want := range map[string]string{
		"From":                  `"Town of Millbrook" <desk@example.org>`,
		"Message-Id":            "<" + letter.String() + ".invitation@desk.example.org>",
		"Auto-Submitted":        "auto-generated",
		"List-Unsubscribe":      "<https://desk.example.org/leave/x>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Date":                  "Mon, 02 Mar 2026 09:00:00 +0000",
	} {
		if v := l.Header.Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
	for _, want := range []string{"Hello Béa,", "Two lines\nof one paragraph.", "* One thing", "https://desk.example.org/invitation/isecretsecret", "Because.", "No more of these"} {
		if !strings.Contains(l.Text, want) {
			t.Errorf("the text lacks %q:\n%s", want, l.Text)
		}
		if h := strings.ReplaceAll(l.HTML, "\r\n", "\n"); !strings.Contains(h, strings.TrimPrefix(want, "* ")) {
			t.Errorf("the page lacks %q:\n%s", want, l.HTML)
		}
	}
	for _, never := range []string{"<img", "<script", "<link", "url("} {
		if strings.Contains(l.HTML, never) {
			t.Errorf("the page has %s, which fetches or runs something", never)
		}
	}
}

// What a letter says stands nowhere in the clear, and once it is sent nowhere at all.
func TestNothingOfALetterIsKeptOrLogged(t *testing.T) {
	t.Parallel()
	h := setup(t, mailtest.Options{User: "desk", Password: "hunter2hunter2"}, "")
	h.post("refused@example.org", 1)
	h.post("bea@example.org", 2)
	if p := h.until(1, "refused", failed); !strings.Contains(p.Said, "550 5.1.1") {
		t.Errorf("it says %q", p.Said)
	}
	h.until(2, "sent", sent)
	rows, err := h.DB.Read().Query(h.ctx, `select sealed, said from letter`)
	h.must(err)
	defer rows.Close()
	kept := h.log.String()
	for rows.Next() {
		var sealed []byte
		var said string
		h.must(rows.Scan(&sealed, &said))
		if len(sealed) != 0 {
			t.Error("the words of a letter that is over are still there")
		}
		kept += said
	}
	var payloads string
	jobs, err := h.DB.Read().Query(h.ctx, `select payload, error from job`)
	h.must(err)
	defer jobs.Close()
	for jobs.Next() {
		var payload []byte
		var said string
		h.must(jobs.Scan(&payload, &said))
		payloads += string(payload) + said
	}
	for _, never := range []string{"isecretsecret", "refused@example.org", "bea@example.org", "hunter2", "Béa"} {
		if strings.Contains(kept, never) || strings.Contains(payloads, never) {
			t.Errorf("%q is kept: %s %s", never, kept, payloads)
		}
	}
}

// However often it is handed over, it is the same mail.
func TestALetterThatIsTriedAgainIsTheSame(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"dropped", "greylist", "cut"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			h := setup(t, mailtest.Options{}, "")
			h.post(who+"@example.org", 1)
			h.until(1, "sent", sent)
			if n := h.server.Tries(who + "@example.org"); n != 2 {
				t.Errorf("it was tried %d times", n)
			}
			got := h.server.Letters()
			if want := map[string]int{"dropped": 2}[who]; len(got) != max(1, want) {
				t.Fatalf("%d letters were taken", len(got))
			}
			for _, l := range got {
				if !bytes.Equal(l.Raw, got[0].Raw) {
					t.Errorf("the second is another mail:\n%s\n%s", got[0].Raw, l.Raw)
				}
			}
		})
	}
}

func TestALetterThatNobodyTakesIsGivenUp(t *testing.T) {
	t.Parallel()
	h := setup(t, mailtest.Options{}, "")
	h.post("busy@example.org", 1)
	var p mail.Progress
	for end := time.Now().Add(30 * time.Second); !failed(p); time.Sleep(5 * time.Millisecond) {
		var err error
		p, err = h.State(h.ctx, h.DB.Read(), 7, "invitation", 1)
		h.must(err)
		if time.Now().After(end) {
			t.Fatalf("never given up: %+v", p)
		}
		var due time.Time
		h.must(h.DB.Read().Row(h.ctx, `select coalesce(max(due), 0) from job where kind = 'mail.send' and state = 'waiting'`).Scan(db.ScanTime(&due)))
		if !due.IsZero() { // not while it runs: no lease may run out
			h.clock.Advance(max(0, due.Sub(h.clock.Now())) + 3*time.Second)
		}
	}
	if took := p.Failed.Sub(start); took < 24*time.Hour || took > 72*time.Hour {
		t.Errorf("it was given up after %s", took)
	}
}

func TestWhatIsWithdrawnOrTooLateIsNotSent(t *testing.T) {
	t.Parallel()
	h := setup(t, mailtest.Options{}, "")
	h.must(h.DB.InTx(h.ctx, func(ctx context.Context, tx *db.Tx) error {
		for about, until := range map[id.ID]time.Time{1: {}, 2: start.Add(-time.Second)} {
			if _, err := h.Post(ctx, tx, mail.Letter{Workspace: 7, Purpose: "invitation", About: about, To: "bea@example.org", Subject: "s", Until: until}); err != nil {
				return err
			}
		}
		return h.Withdraw(ctx, tx, 7, "invitation", 1)
	}))
	h.until(1, "withdrawn", failed)
	h.until(2, "too late", failed)
	if got := h.server.Letters(); len(got) != 0 {
		t.Errorf("%d letters left", len(got))
	}
}

func TestHowTheServerIsReached(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o     mailtest.Options
		query string
		says  string // why it was not taken; "" if it was
		plain bool
	}{
		"on this machine":                 {mailtest.Options{}, "", "", true},
		"STARTTLS":                        {mailtest.Options{TLS: "starttls"}, "?tls=required", "", false},
		"TLS from the first byte":         {mailtest.Options{TLS: "implicit"}, "", "", false},
		"signed in":                       {mailtest.Options{TLS: "starttls", User: "desk", Password: "p@ss:wörd/?#"}, "?tls=required", "", false},
		"signed in on this machine":       {mailtest.Options{User: "desk", Password: "hunter2hunter2"}, "", "", true},
		"STARTTLS is not offered":         {mailtest.Options{}, "?tls=required", "STARTTLS", false},
		"a handshake that is none":        {mailtest.Options{TLS: "broken"}, "?tls=required", "EOF", false},
		"a server that is not in service": {mailtest.Options{Greeting: "554 no service here"}, "", "554", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, tc.o)
			err := try(t, server(t, s, tc.query))
			if tc.says != "" {
				var r *mail.Refusal
				if !errors.As(err, &r) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(tc.says)) || r.Final {
					t.Errorf("it was refused with %v", err)
				}
				return
			}
			got := s.Letters()
			if err != nil || len(got) != 1 || got[0].Protected == tc.plain {
				t.Errorf("%v, %d letters", err, len(got))
			}
		})
	}
}

// try hands a test over.
func try(t *testing.T, v mail.Server) error {
	t.Helper()
	c := clock.NewFake(start)
	s := mail.New(mail.Options{Clock: c, IDs: id.NewMaker(c, 1), URL: &url.URL{Scheme: "http", Host: "localhost:8080"}, Server: v, Words: words(t)})
	return s.Test(context.Background(), "ana@example.org")
}

func TestOthersCannotStandInForTheServer(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{TLS: "starttls", User: "desk", Password: "hunter2hunter2"})
	v := server(t, s, "?tls=required")
	v.RootCAs = mailtest.New(t, mailtest.Options{}).Roots()
	err := try(t, v)
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), "hunter2") || len(s.Letters()) != 0 {
		t.Errorf("with another's certificate: %v", err)
	}
	v = server(t, s, "?tls=required")
	v.Password = "not that one at all"
	if err := try(t, v); err == nil || !strings.Contains(err.Error(), "535") || strings.Contains(err.Error(), "not that one") {
		t.Errorf("with a wrong password: %v", err)
	}
}

func TestASilentServerIsNotWaitedForForever(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	v := server(t, s, "")
	v.Timeout = 300 * time.Millisecond
	c := clock.NewFake(start)
	office := mail.New(mail.Options{Clock: c, IDs: id.NewMaker(c, 1), URL: &url.URL{Scheme: "http", Host: "localhost"}, Server: v, Words: words(t)})
	begun := time.Now()
	if err := office.Test(context.Background(), "silent@example.org"); err == nil || time.Since(begun) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(begun), err)
	}
}

func TestAddressesOfServers(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                     "none",
		"smtp://mail.example.org":              "smtp://mail.example.org:587",
		"smtps://mail.example.org":             "smtps://mail.example.org:465",
		"smtp://u:p@mail.example.org:25":       "smtp://mail.example.org:25",
		"smtp://[::1]:2525":                    "smtp://[::1]:2525",
		"smtp://10.0.0.5:25?tls=none":          "smtp://10.0.0.5:25",
		"http://mail.example.org":              "!must be",
		"mail.example.org:587":                 "!must be",
		"smtp://":                              "!must be",
		"smtp://mail.example.org/path":         "!must be",
		"smtp://u:hunter2@ma il":               "!must be",
		"smtp://u:hunter2@h:25?tls=none":       "!unprotected",
		"smtps://h?tls=none":                   "!leave out",
		"smtp://h?tls=maybe":                   "!none or required",
		"smtp://h?starttls=no":                 "!knows no",
		"smtp://u:hunter2%zz@mail.example.org": "!must be",
	} {
		s, err := mail.ParseServer(address, "desk@example.org")
		got := s.String()
		if err != nil {
			got = "!" + err.Error()
		}
		if !strings.HasPrefix(want, "!") && got != want || strings.HasPrefix(want, "!") && (err == nil || !strings.Contains(got, want[1:])) {
			t.Errorf("%q is %s, want %s", address, got, want)
		}
		if strings.Contains(got+fmt.Sprintf("%v %+v %#v", s, s, s), "hunter2") {
			t.Errorf("%q tells the password: %s", address, got)
		}
	}
	if _, err := mail.ParseServer("smtp://h", ""); err == nil {
		t.Error("letters from nobody")
	}
	if _, err := mail.ParseServer("smtp://h", "no address"); err == nil {
		t.Error("letters from no address")
	}
	if (*mail.Service)(nil).Ready() {
		t.Error("nothing is ready")
	}
}

// Names and subjects come from people: they make no further headers.
func TestNobodyWritesHeaders(t *testing.T) {
	t.Parallel()
	h := setup(t, mailtest.Options{}, "")
	evil := "Ana\r\nBcc: everybody@example.org\r\n\r\n<b>hello</b>"
	h.must(h.Hand(h.ctx, 1, mail.Letter{Purpose: "test", To: "bea@example.org", Name: evil, As: evil, Subject: evil, Text: []string{evil + "\n.\nRSET"}, Why: evil}, start))
	l := h.server.Letters()[0]
	if l.Header.Get("Bcc") != "" || strings.ContainsAny(l.Subject, "\r\n") || strings.Contains(l.HTML, "<b>") || !strings.Contains(l.Text, "\n.\nRSET") {
		t.Errorf("%q\n%s", l.Header, l.Raw)
	}
}
