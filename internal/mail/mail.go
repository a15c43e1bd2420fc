// Package mail sends Parley's own letters: invitations, links to a new password,
// what a member is told of. It speaks to one SMTP server, which the operator
// names.
//
// A letter is written down in the transaction of the verb that wants it sent,
// sealed, because a link in it lets somebody in; a durable job hands it to the
// server. The same letter has the same Message-ID, date and bytes however often
// it is handed over: where the server's answer is lost and the job tries again,
// mailboxes and people see one mail. Once it is over nothing of it is kept but
// that it was, what for, and how it ended.
//
// Its methods may be called on nil, which is an installation without mail.
//
// Not its business: which words a letter has (the capability that sends it), and
// mail as a network on which people write to us.
package mail

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/secret"
)

// Catalogue holds this package's words.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Letter is one mail to one person, in their language. Everything in it is plain
// text; each string is a paragraph.
type Letter struct {
	Workspace id.ID     `json:"-"` // 0: the installation's own
	Purpose   string    `json:"-"` // "invitation"; a word for the table, not for people
	About     id.ID     `json:"-"` // with Purpose what Withdraw and State find it by
	Until     time.Time `json:"-"` // not sent after this; zero: until it is given up

	To      string // address
	Name    string // of the person; may be ""
	As      string // who writes, beside the address: the workspace's name; "" is Parley
	Locale  string
	Subject string
	Text    []string
	Items   []Item
	Action  Action   // the one thing to do; may be zero
	After   []string // quieter, below it
	Why     string   // why this mail came
	Leave   Action   // how to get no more of its kind; may be zero
}

// Item is a line of a short list. Link may be "".
type Item struct{ Text, Link string }

// Action is a link with its name.
type Action struct{ Label, Link string }

// Options are what a Service is built from.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	IDs    *id.Maker
	Jobs   *job.Queue
	Keys   *secret.Keyring
	Logger *slog.Logger
	URL    *url.URL // the public address
	Server Server
	// Words are the catalogues in a language; asked late, when all are there.
	Words func(locale string, zone *time.Location) *i18n.Locale
}

// Service posts letters and sends them. Safe for concurrent use.
type Service struct {
	Options
}

// New makes a Service and registers its jobs.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o}
	if o.Jobs != nil {
		o.Jobs.Handle(sendJob, job.Policy{Attempts: attempts, Timeout: 2 * time.Minute, Limit: 4}, s.send)
		o.Jobs.Handle(sweepJob, job.Policy{Every: 6 * time.Hour, Limit: 1}, func(ctx context.Context, _ job.Job) error { return s.sweep(ctx) })
	}
	return s
}

// Ready reports whether there is a server to send with.
func (s *Service) Ready() bool { return s != nil && s.Server.Host != "" }

// Link is the public address of a path.
func (s *Service) Link(path string) string { return s.URL.Scheme + "://" + s.URL.Host + path }

// Speak is a language for the words of a letter.
func (s *Service) Speak(locale string, zone *time.Location) *i18n.Locale {
	return s.Words(locale, zone)
}

const (
	sendJob  = "mail.send"
	sweepJob = "mail.sweep"
	// attempts: with the queue's pauses about two days, as mail servers try among themselves.
	attempts = 24
)

// sending is what the job knows of a letter.
type sending struct {
	Workspace id.ID `json:"workspace"`
	Letter    id.ID `json:"letter"`
}

// Post writes a letter down and has it sent after the transaction. Without a
// server it does nothing and returns 0: ask Ready to know.
func (s *Service) Post(ctx context.Context, tx *db.Tx, l Letter) (id.ID, error) {
	if !s.Ready() {
		return 0, nil
	}
	if err := l.check(); err != nil {
		return 0, err
	}
	letter := s.IDs.New()
	plain, err := json.Marshal(l)
	if err != nil {
		return 0, fmt.Errorf("writing a letter: %w", err)
	}
	const q = `insert into letter (workspace, id, purpose, about, sealed, made, until, sent, failed, said)
		values ($1, $2, $3, $4, $5, $6, $7, 0, 0, '')`
	if _, err := tx.Exec(ctx, q, l.Workspace, letter, l.Purpose, l.About, s.Keys.Seal(aad(l.Workspace, letter), plain),
		db.Micros(s.Clock.Now()), db.Micros(l.Until)); err != nil {
		return 0, fmt.Errorf("posting a letter: %w", err)
	}
	return letter, s.Jobs.Enqueue(ctx, tx, job.Spec{Workspace: l.Workspace, Kind: sendJob, Key: letter.String(), Payload: sending{l.Workspace, letter}})
}

// Withdraw makes sure that what was posted about something is not sent any more,
// unless it has left already.
func (s *Service) Withdraw(ctx context.Context, tx *db.Tx, workspace id.ID, purpose string, about id.ID) error {
	if s == nil {
		return nil
	}
	_, err := tx.Exec(ctx, `update letter set failed = $1, sealed = $2, said = '' where workspace = $3 and purpose = $4 and about = $5
		and sent = 0 and failed = 0`, db.Micros(s.Clock.Now()), []byte{}, workspace, purpose, about)
	if err != nil {
		return fmt.Errorf("withdrawing a letter: %w", err)
	}
	return nil
}

// Restored gives up what a workspace had still to send when an archive was made:
// it may have been sent since.
func (s *Service) Restored(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	_, err := tx.Exec(ctx, `update letter set failed = $1, sealed = $2 where workspace = $3 and sent = 0 and failed = 0`,
		db.Micros(s.Clock.Now()), []byte{}, workspace)
	if err != nil {
		return fmt.Errorf("giving up letters after a restore: %w", err)
	}
	return nil
}

// Progress is how far a letter is. The zero Progress is one that was never posted.
type Progress struct {
	Posted time.Time
	Sent   time.Time // the server took it; zero: not yet
	Failed time.Time // given up; zero: not
	Said   string    // what the server said last, without the address
}

// State tells how the newest letter about something is.
func (s *Service) State(ctx context.Context, q db.Queryer, workspace id.ID, purpose string, about id.ID) (Progress, error) {
	var p Progress
	if s == nil {
		return p, nil
	}
	err := q.Row(ctx, `select made, sent, failed, said from letter where workspace = $1 and purpose = $2 and about = $3 order by id desc limit 1`,
		workspace, purpose, about).Scan(db.ScanTime(&p.Posted), db.ScanTime(&p.Sent), db.ScanTime(&p.Failed), &p.Said)
	if err != nil && !db.NoRows(err) {
		return p, fmt.Errorf("reading how a letter is: %w", err)
	}
	return p, nil
}

func aad(workspace, letter id.ID) string {
	return "letter:" + workspace.String() + "/" + letter.String()
}

// Sealed are the columns that secret rotation re-seals.
func Sealed() []secret.Column {
	return []secret.Column{{Table: "letter", Key: []string{"workspace", "id"}, Column: "sealed",
		AAD: func(k []any) string { return aad(id.ID(k[0].(int64)), id.ID(k[1].(int64))) }}}
}
