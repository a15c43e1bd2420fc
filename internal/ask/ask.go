// Package ask lets a member ask somebody about a conversation who has no time for
// a desk: a lawyer, a head of department, anybody with a mailbox. They get a link,
// read on a phone what they need to know, and answer. The answer comes back as a
// note; a colleague who may answer people can let it go out in their own name.
//
// The link is a secret of 256 bits, kept as a hash, good for one answer, for a
// week, until it is revoked or whoever asked has left. It opens the messages of one
// conversation and nothing else. Opening it changes nothing, so programs that look
// at links in mails do no harm.
//
// In whose name: a link that was mailed to a colleague's own address speaks for
// them as a link to a new password would. A link that was shown to whoever asked,
// because there is no mail, speaks for nobody: then only the colleague themselves,
// signed in, sends in their own name.
//
// Not its business: what a note is and how an answer leaves (conversation), and
// how mail is sent (mail).
package ask

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/problem"
	"parley/internal/text"
)

// Catalogue holds the sentences of this package.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

const (
	// Life is how long a link works.
	Life = 7 * 24 * time.Hour
	// mostADay is how many questions a member may send in a day.
	mostADay = 20
	// longest question and answer, in characters.
	longest = 5000
	// kept is how long it is known that something was asked.
	kept   = 90 * 24 * time.Hour
	letter = "ask"
)

// Seat is a member who asks or is asked.
type Seat struct {
	Actor     actor.Actor
	Email     string
	Locale    string
	Zone      *time.Location
	Workspace string
	Slug      string
}

// Thread is what somebody who is asked is shown.
type Thread struct {
	Person   string
	Account  string // our handle
	Private  bool
	Messages []Message
}

// Message is one of it.
type Message struct {
	By       string
	Ours     bool
	Text     string
	Warning  string
	Pictures int
	Gone     bool
	At       time.Time
}

// Preview is how an answer would go out in somebody's name.
type Preview struct {
	To      string
	Account string
	Suffix  string // what is put behind the words
	Why     string // catalogue key of why it cannot; "" if it can
}

// Options are what a Service is built from.
type Options struct {
	DB    *db.DB
	Clock clock.Clock
	IDs   *id.Maker
	Log   *event.Log
	Mail  *mail.Service
	// Roster lists who is in a workspace at this moment.
	Roster func(ctx context.Context, q db.Queryer, workspace id.ID) ([]Seat, error)
	// Account is the account of a conversation that the actor may read.
	Account func(ctx context.Context, a actor.Actor, conversation id.ID) (id.ID, error)
	// Thread reads a conversation as whoever asked may.
	Thread func(ctx context.Context, a actor.Actor, conversation id.ID) (Thread, error)
	// Note keeps an answer as a note of the actor.
	Note func(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, words string) (id.ID, error)
	// Preview and Reply let words go out in the actor's name. asker hands over what
	// they hold. The same key is the same answer.
	Preview func(ctx context.Context, a actor.Actor, conversation id.ID) (Preview, error)
	Reply   func(ctx context.Context, a, asker actor.Actor, conversation id.ID, words, key string) (id.ID, error)
}

// Service asks. Safe for concurrent use.
type Service struct{ Options }

// New makes a Service.
func New(o Options) *Service { return &Service{o} }

// Ask is one question, as members see it.
type Ask struct {
	ID           id.ID
	Conversation id.ID
	Account      id.ID
	Member       id.ID  // who asked
	Address      string // who is asked; "" once it is over for long
	To           id.ID  // the member whose address it is; 0: somebody outside
	Question     string
	Made         time.Time
	Until        time.Time
	Shown        bool // the link was shown to who asked
	Answered     time.Time
	Note         id.ID
	Delivery     id.ID
	Revoked      time.Time
}

// open reports whether it can still be answered.
func (k Ask) open(now time.Time) bool {
	return k.Answered.IsZero() && k.Revoked.IsZero() && now.Before(k.Until)
}

// Question is what a member asks.
type Question struct {
	Conversation id.ID
	Address      string
	Text         string
}

func scope(account id.ID) actor.Scope { return actor.Scope{Kind: "account", ID: account} }

// Ask sends a question. Colleagues are asked by whoever may write notes there;
// people outside by whoever may answer people, since they read what was said. The
// secret is told only where it cannot be mailed.
func (s *Service) Ask(ctx context.Context, a actor.Actor, in Question) (k Ask, secret string, err error) {
	if a.Member == 0 {
		return k, "", a.Require(actor.Note)
	}
	account, err := s.Account(ctx, a, in.Conversation)
	if err != nil {
		return k, "", err
	}
	if err := a.Require(actor.Note, scope(account)); err != nil {
		return k, "", err
	}
	address, err := netmail.ParseAddress(strings.TrimSpace(in.Address))
	if err != nil || len(address.Address) > 254 {
		return k, "", problem.New(problem.Invalid, "ask.address").At("address")
	}
	words := strings.TrimSpace(text.Clean(in.Text))
	if words == "" || utf8.RuneCountInString(words) > longest {
		return k, "", problem.New(problem.Invalid, "ask.question", "max", longest).At("question")
	}
	secret, hash := newSecret()
	now := s.Clock.Now()
	k = Ask{ID: s.IDs.New(), Conversation: in.Conversation, Account: account, Member: a.Member, Address: address.Address, Question: words, Made: now, Until: now.Add(Life), Shown: !s.Mail.Ready()}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.ask(ctx, tx, a, &k, secret, hash) })
	if err != nil || !k.Shown {
		secret = ""
	}
	return k, secret, err
}

func (s *Service) ask(ctx context.Context, tx *db.Tx, a actor.Actor, k *Ask, secret string, hash []byte) error {
	var today int
	if err := tx.Row(ctx, `select count(*) from ask where workspace = $1 and member = $2 and made > $3`, a.Workspace, a.Member, db.Micros(k.Made.Add(-24*time.Hour))).Scan(&today); err != nil {
		return fmt.Errorf("counting questions: %w", err)
	}
	if today >= mostADay {
		return problem.New(problem.Throttled, "ask.often", "n", mostADay)
	}
	seats, err := s.Roster(ctx, tx, a.Workspace)
	if err != nil {
		return err
	}
	var me, to *Seat
	for i := range seats {
		if seats[i].Actor.Member == a.Member {
			me = &seats[i]
		} else if strings.EqualFold(seats[i].Email, k.Address) {
			to = &seats[i]
		}
	}
	if me == nil {
		return a.Require(actor.OwnWorkspace) // they left a moment ago
	}
	if to != nil {
		k.To = to.Actor.Member
	} else if err := a.Require(actor.Reply, scope(k.Account)); err != nil {
		return err
	}
	shown := 0
	if k.Shown {
		shown = 1
	}
	const q = `insert into ask (workspace, id, conversation, account, member, address, to_member, question, hash, made, until, shown, answered, note, delivery, revoked, revoked_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, 0, 0, 0)`
	if _, err := tx.Exec(ctx, q, a.Workspace, k.ID, k.Conversation, k.Account, a.Member, k.Address, k.To, k.Question, hash, db.Micros(k.Made), db.Micros(k.Until), shown); err != nil {
		return fmt.Errorf("storing a question: %w", err)
	}
	s.record(tx, a, "ask.made", *k)
	return s.post(ctx, tx, *me, to, *k, secret)
}

// post mails the link. What people outside said is not in the mail: it stays where
// it can be erased.
func (s *Service) post(ctx context.Context, tx *db.Tx, me Seat, to *Seat, k Ask, secret string) error {
	if !s.Mail.Ready() {
		return nil
	}
	locale, name := me.Locale, ""
	if to != nil {
		locale, name = to.Locale, to.Actor.Name
	}
	words := s.Mail.Speak(locale, me.Zone)
	_, err := s.Mail.Post(ctx, tx, mail.Letter{Workspace: me.Actor.Workspace, Purpose: letter, About: k.ID, Until: k.Until, To: k.Address, Name: name, As: me.Workspace, Locale: locale,
		Subject: words.T("ask.letter.subject", "name", me.Actor.Name),
		Text:    []string{words.T("ask.letter.text", "name", me.Actor.Name, "workspace", me.Workspace), k.Question},
		Action:  mail.Action{Label: words.T("ask.letter.go"), Link: s.Mail.Link(LinkPath(secret))},
		After:   []string{words.T("ask.letter.once", "date", words.Date(k.Until))},
		Why:     words.T("ask.letter.why", "name", me.Actor.Name)})
	return err
}

func (s *Service) record(tx *db.Tx, a actor.Actor, verb string, k Ask) {
	s.Log.Record(tx, a, event.Entry{Verb: verb, Kind: "ask", Subject: k.ID,
		Details: map[string]string{"conversation": k.Conversation.String(), "account": k.Account.String(), "member": k.Member.String()}})
}

// LinkPath is where a link leads; put the public address before it.
func LinkPath(secret string) string { return "/ask/" + secret }

func readable() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

func newSecret() (string, []byte) {
	b := make([]byte, 32)
	rand.Read(b) // never fails (crypto/rand)
	secret := "q" + readable().EncodeToString(b)
	return secret, hashOf(secret)
}

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}
