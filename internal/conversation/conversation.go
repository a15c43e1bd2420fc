// Package conversation is the desk: what people say to us, in threads as they
// stand on the networks, and the conversations members answer.
//
// A conversation is one outside person, one account of ours and one thread; for
// direct messages there is no thread. Public and private never share one. Ten
// people under one of our posts are ten conversations, shown together.
//
// Words come in through Ingest alone, whatever brought them: a poll, a stream,
// an import, our own send. They go out through Reply, which hands them to
// delivery; nothing here talks to a network.
//
// Not its business: when accounts are read (account), how a send is done and
// proved (delivery), who may do what (team).
package conversation

import (
	"context"
	"embed"
	"log/slog"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/conversation/words"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/text"
)

//go:embed catalogue/*.json
var Catalogue embed.FS

// Kind of a conversation.
type Kind string

const (
	Public Kind = "public" // in a thread others can read
	Direct Kind = "direct" // between this person and our account
	Item   Kind = "item"   // an entry of a feed: something to read, nobody waits
)

// State of a conversation.
type State string

const (
	Open State = "open"
	Done State = "done"
)

// Desk holds the verbs and reads of this capability. Safe for concurrent use.
type Desk struct {
	db    *db.DB
	clock clock.Clock
	ids   *id.Maker
	log   *event.Log
	jobs  *job.Queue
	crash *crash.Points
	out   *slog.Logger
	words *words.Reader
	// of searches
	bounds bounds

	send     Send
	move     Move
	describe Describe
	keep     Attach
	sources  sources
	look     int // how many conversations are looked at for a page of a narrowed list

	colleagues Colleagues
	underWay   UnderWay
}

// Outgoing is an answer for delivery.
type Outgoing struct {
	Account      id.ID
	Conversation id.ID
	Draft        network.Draft
	At           time.Time // not before; zero: at once
}

// Send hands an answer to delivery inside the replying transaction.
type Send func(ctx context.Context, tx *db.Tx, a actor.Actor, out Outgoing) (id.ID, error)

// Describe tells an account's abilities and how answers are signed there. It is
// asked outside any transaction and may come from a cache.
type Describe func(ctx context.Context, workspace, account id.ID) (AccountView, error)

// AccountView is what the desk needs to know of one of our accounts.
type AccountView struct {
	ID           id.ID
	Network      string
	Instance     string
	RemoteID     string
	Handle       string
	Name         string
	Avatar       string
	Signature    string // "" or "caret"
	Working      bool
	Capabilities network.Capabilities
}

// Options are what a Desk is built from.
type Options struct {
	DB       *db.DB
	Clock    clock.Clock
	IDs      *id.Maker
	Log      *event.Log
	Jobs     *job.Queue
	Crash    *crash.Points
	Logger   *slog.Logger
	Send     Send
	Move     Move // nil: nobody has to be told
	Describe Describe
	Attach   Attach

	Colleagues Colleagues
	UnderWay   UnderWay // nil: nothing ever is
}

// New makes the desk.
func New(o Options) *Desk {
	return &Desk{db: o.DB, words: words.New(), clock: o.Clock, ids: o.IDs, log: o.Log, jobs: o.Jobs, crash: o.Crash, bounds: usualBounds(),
		out: o.Logger, send: o.Send, move: o.Move, describe: o.Describe, keep: o.Attach,
		colleagues: o.Colleagues, underWay: o.UnderWay, look: lookAtMost}
}

// Person is an identity of somebody outside as it was last seen.
type Person struct {
	Identity id.ID
	Person   id.ID
	RemoteID string
	Handle   string
	Name     string
	URL      string
	Avatar   string
	Bot      bool
}

// Message is something said, as it stands now.
type Message struct {
	ID         id.ID
	RemoteID   string
	Version    string
	Parent     string // remote id of what it answers
	Thread     id.ID
	Author     Person
	Own        id.ID // the account of ours that wrote it; 0 for somebody outside
	Delivery   id.ID // what sent it; 0 if written elsewhere
	By         id.ID // the member who wrote it; 0 if not known
	Visibility network.Visibility
	Text       text.Text
	Lang       string
	Warning    string
	Media      []network.Media
	QuoteID    string
	URL        string
	At         time.Time
	Seen       time.Time // when it reached us
	Edited     time.Time
	Gone       time.Time
	Versions   []Version // earlier words, oldest first
	Direct     bool
	Mine       bool // belongs to the conversation that was asked for, not only to its thread
}

// Version is what a message said before an edit.
type Version struct {
	Text    text.Text
	Warning string
	At      time.Time // since when it said this
	Until   time.Time
}

// scope is where rights on an account's conversations may be granted.
func scope(account id.ID) actor.Scope { return actor.Scope{Kind: "account", ID: account} }
