package mail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/text"
)

// Refusal is why the server did not take a letter. It holds no address and no
// password: it is logged and shown.
type Refusal struct {
	Code  int    // the server's reply; 0: it did not come to one
	Said  string // its words, or what the connection broke with
	Final bool   // trying again cannot help: the server refuses this letter for good
}

func (r *Refusal) Error() string {
	if r.Code == 0 {
		return r.Said
	}
	return fmt.Sprintf("the mail server answered %s", r.Said)
}

// timeout of one command. A server may think about a letter for longer than
// about a command (RFC 5321, section 4.5.3.2), but nobody waits for this.
const timeout = 30 * time.Second

// Hand gives a letter to the server now: what the job does, and what somebody
// does who tries whether mail works. The error is a *Refusal.
func (s *Service) Hand(ctx context.Context, letter id.ID, l Letter, made time.Time) error {
	if err := l.check(); err != nil {
		return &Refusal{Said: err.Error(), Final: true}
	}
	m, err := s.message(ctx, letter, l, made)
	if err != nil {
		return &Refusal{Said: err.Error(), Final: true}
	}
	c, err := gomail.NewClient(s.Server.Host, s.options()...)
	if err != nil {
		return s.refusal(err, l.To)
	}
	err = c.DialAndSendWithContext(ctx, m)
	if err == nil || m.IsDelivered() { // it is the server's, however the goodbye went
		return nil
	}
	return s.refusal(err, l.To)
}

func (s *Service) options() []gomail.Option {
	v := s.Server
	limit := v.Timeout
	if limit == 0 {
		limit = timeout
	}
	o := []gomail.Option{gomail.WithPort(v.Port), gomail.WithTimeout(limit), gomail.WithHELO(s.host()),
		gomail.WithTLSConfig(&tls.Config{ServerName: v.Host, RootCAs: v.RootCAs, MinVersion: tls.VersionTLS12})}
	login := gomail.SMTPAuthAutoDiscover
	switch {
	case v.Implicit:
		o = append(o, gomail.WithSSL())
	case v.Plain:
		o = append(o, gomail.WithTLSPolicy(gomail.NoTLS))
		login = gomail.SMTPAuthPlainNoEnc // to this machine only: protect sees to it
	default:
		o = append(o, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if v.User != "" {
		o = append(o, gomail.WithSMTPAuth(login), gomail.WithUsername(v.User), gomail.WithPassword(v.Password))
	}
	return o
}

// refusal takes what the library says apart, and the address out of it.
func (s *Service) refusal(err error, to string) *Refusal {
	said, _, _ := strings.Cut(err.Error(), ", affected ")
	said = strings.NewReplacer("dial failed: ", "", "send failed: ", "").Replace(said)
	for _, private := range []string{to, s.Server.Password} {
		if len(private) > 2 {
			said = strings.ReplaceAll(said, private, "…")
		}
	}
	r := &Refusal{Said: text.CleanLine(said, 300)}
	var sent *gomail.SendError
	var slow net.Error
	switch {
	case errors.As(err, &sent):
		r.Code = sent.ErrorCode()
		if _, words, found := strings.Cut(r.Said, fmt.Sprintf(": %d ", r.Code)); found {
			r.Said = fmt.Sprintf("%d %s", r.Code, strings.ReplaceAll(words, `"`, ""))
		}
		// What is wrong with our own name or password an operator can mend.
		about := sent.Reason == gomail.ErrSMTPRcptTo || sent.Reason == gomail.ErrSMTPData || sent.Reason == gomail.ErrSMTPDataClose
		r.Final = r.Code >= 500 && about
	case errors.As(err, &slow) && slow.Timeout():
		r.Said = "the mail server did not answer in time"
	}
	return r
}

// send is the job: it hands one letter over and notes how that went.
func (s *Service) send(ctx context.Context, j job.Job) error {
	var p sending
	if err := j.Decode(&p); err != nil {
		return err
	}
	return s.Try(ctx, p.Workspace, p.Letter, j.Attempt >= attempts)
}

// Try hands a posted letter over, unless it is over already. last says that
// nobody will try again.
func (s *Service) Try(ctx context.Context, workspace, letter id.ID, last bool) error {
	var sealed []byte
	var made, until time.Time
	var over int64
	err := s.DB.Read().Row(ctx, `select sealed, made, until, sent + failed from letter where workspace = $1 and id = $2`, workspace, letter).
		Scan(&sealed, db.ScanTime(&made), db.ScanTime(&until), &over)
	switch {
	case db.NoRows(err), err == nil && over != 0:
		return nil // swept, withdrawn or sent by an attempt whose end was lost
	case err != nil:
		return fmt.Errorf("reading a letter: %w", err)
	case !until.IsZero() && s.Clock.Now().After(until):
		return s.note(ctx, workspace, letter, false, true, "it came too late to be of use")
	case !s.Ready():
		return errors.New("no mail server is set at present")
	}
	opened, err := s.Keys.Open(aad(workspace, letter), sealed)
	if err != nil {
		return fmt.Errorf("opening a letter: %w", err)
	}
	var l Letter
	if err := json.Unmarshal(opened, &l); err != nil {
		return job.Stop(fmt.Errorf("reading a letter: %w", err))
	}
	if err := s.DB.Read().Row(ctx, `select purpose, about from letter where workspace = $1 and id = $2`, workspace, letter).Scan(&l.Purpose, &l.About); err != nil {
		return fmt.Errorf("reading a letter: %w", err)
	}
	err = s.Hand(ctx, letter, l, made)
	if err == nil {
		return s.note(ctx, workspace, letter, true, false, "")
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return err // the program is stopping: nothing was learned
	}
	var r *Refusal
	errors.As(err, &r)
	final := r.Final || last
	if noted := s.note(ctx, workspace, letter, false, final, r.Said); noted != nil {
		return noted
	}
	if final {
		return job.Stop(err)
	}
	return err
}

// note stores how a letter is. What is over loses its words.
func (s *Service) note(ctx context.Context, workspace, letter id.ID, sent, failed bool, said string) error {
	now := db.Micros(s.Clock.Now())
	set, args := `said = $1`, []any{said, workspace, letter}
	if sent || failed {
		column := "sent"
		if failed {
			column = "failed"
		}
		set, args = set+`, `+column+` = $4, sealed = $5`, append(args, now, []byte{})
	}
	return s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update letter set `+set+` where workspace = $2 and id = $3 and sent = 0 and failed = 0`, args...)
		if err != nil {
			return fmt.Errorf("noting how a letter is: %w", err)
		}
		return nil
	})
}

// keep is how long it is known that a letter was sent.
const keep = 60 * 24 * time.Hour

func (s *Service) sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `delete from letter where made < $1`, db.Micros(s.Clock.Now().Add(-keep)))
		if err != nil {
			return fmt.Errorf("sweeping letters: %w", err)
		}
		return nil
	})
}

// Test sends a letter to somebody who tries whether mail works, at once and
// without writing it down. The error is a *Refusal.
func (s *Service) Test(ctx context.Context, to string) error {
	words := s.Words("en", nil)
	now := s.Clock.Now()
	return s.Hand(ctx, s.IDs.New(), Letter{Purpose: "test", To: to, Locale: words.Name(),
		Subject: words.T("mail.test.subject"),
		Text:    []string{words.T("mail.test.text", "url", s.Link("/"), "time", words.Exact(now))},
		Why:     words.T("mail.test.why")}, now)
}
