// Package notify tells members what concerns them: what is urgent, what was
// handed to them, who mentioned them, what came into what they are answering,
// what became of their answers, which account stopped working.
//
// It learns of everything from the spine, behind a cursor of its own that moves
// in the transaction that makes the notifications, so each event tells once. A
// notification holds ids and no words: who it is about is looked up, with the
// rights of whoever reads, when it is shown. Nobody is told of what they did
// themselves, nor of what they may not read, and that is asked again whenever
// something is shown or sent.
//
// Concurrency: any number of nodes may run it; the row of the cursor is the lock.
//
// Not its business: what happened (the verbs record it) and what is done about
// it. It looks at nobody's habits: who reads what when is only theirs.
package notify

import (
	"context"
	"embed"
	"log/slog"
	"sync"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/mail"
	"parley/internal/secret"
)

// Catalogue holds the sentences of this package.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Kind is what somebody is told of.
type Kind string

const (
	Urgent    Kind = "urgent"    // a conversation that cannot wait
	Handed    Kind = "handed"    // a colleague handed it to me
	Mentioned Kind = "mentioned" // a colleague named me in a note
	Answered  Kind = "answered"  // a colleague I asked has answered
	Message   Kind = "message"   // somebody wrote in what I am answering
	Failed    Kind = "failed"    // my answer was not sent
	Unknown   Kind = "unknown"   // nobody knows whether my answer was sent
	Account   Kind = "account"   // an account stopped working
)

// Kinds lists all kinds, the most pressing first.
func Kinds() []Kind {
	return []Kind{Urgent, Handed, Mentioned, Answered, Message, Failed, Unknown, Account}
}

// needs is the right without which somebody is not told of a kind, in the scope of
// the account it is about.
func (k Kind) needs() actor.Right {
	if k == Account {
		return actor.ManageAccounts
	}
	return actor.ReadConversations
}

// Notification is one, as it stands.
type Notification struct {
	ID           id.ID
	Workspace    id.ID
	Member       id.ID
	Kind         Kind
	Conversation id.ID // 0: it is about none
	Account      id.ID // of ours that it is about
	About        id.ID // the delivery or question; 0: none
	Event        int64 // the newest it stands for
	Times        int64
	Made         time.Time
	Read         time.Time // zero: not yet
}

// Seat is a member who may be told something.
type Seat struct {
	Actor     actor.Actor
	Login     id.ID
	Teams     []id.ID
	Email     string
	Locale    string
	Zone      *time.Location
	Workspace string // name
	Slug      string
}

// Options are what a Service is built from. The functions are asked outside and
// inside transactions, with the queryer to use.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	IDs    *id.Maker
	Log    *event.Log
	Jobs   *job.Queue
	Mail   *mail.Service
	Keys   *secret.Keyring
	Logger *slog.Logger
	// Roster lists who is in a workspace at this moment.
	Roster func(ctx context.Context, q db.Queryer, workspace id.ID) ([]Seat, error)
	// Held says who is answering which of the conversations.
	Held func(ctx context.Context, q db.Queryer, workspace id.ID, conversations []id.ID) (map[id.ID]id.ID, error)
	// Writer is who wrote what a delivery carries; 0: nobody here.
	Writer func(ctx context.Context, q db.Queryer, workspace, delivery id.ID) (id.ID, error)
	// Figures are the numbers of a digest, as the actor may know them.
	Figures func(ctx context.Context, a actor.Actor) (Figures, error)
	// Subjects names what notifications are about, with the rights of whoever reads.
	Subjects func(ctx context.Context, a actor.Actor, all []Notification) (map[id.ID]Subject, error)
}

// Subject is what a notification is about, as it is shown: the person and the
// account of ours. It is looked up whenever it is shown and kept nowhere.
type Subject struct {
	Key, Name, Handle, Avatar string // of the person; Name "" if it is about none
	Network                   string
	Account                   string // our handle
}

// Service makes notifications and shows them. Safe for concurrent use.
type Service struct {
	Options
	wake chan struct{}

	mu   sync.Mutex
	seen map[id.ID]int64 // how far this process has looked, by workspace
}

// New makes a Service and registers its jobs.
func New(o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{Options: o, wake: make(chan struct{}, 1), seen: map[id.ID]int64{}}
	o.Jobs.Handle("notify.sweep", job.Policy{Every: 6 * time.Hour, Limit: 1}, func(ctx context.Context, _ job.Job) error { return s.sweep(ctx) })
	o.Jobs.Handle("notify.tell", job.Policy{Every: time.Minute, Limit: 1}, func(ctx context.Context, _ job.Job) error { return s.Tell(ctx) })
	return s
}

// Wake makes it look for events now. It never blocks.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
