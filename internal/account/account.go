// Package account connects our handles on the networks and keeps them alive:
// credentials, polling and streaming under leases, the import of the past, and
// health that is shown before something fails.
//
// A feed of an account is read by whoever holds its lease. Each lease has a
// generation, and a page is stored together with its bookmark only if that
// generation still holds: a node that froze in the middle of a page wakes up,
// finds its generation gone, and stores nothing.
//
// A credential changes by compare-and-swap on its own generation. One node
// refreshes it at a time and saves what it got before anybody uses it; an empty
// answer never overwrites.
//
// Concurrency: Run is called once per process; verbs and reads by anybody at any
// time. Nothing outside is asked while a transaction is open.
//
// Not its business: what arrives (it is handed to Ingest), what leaves (delivery
// borrows accounts through With), how a network speaks (the connectors).
package account

import (
	"context"
	"embed"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/secret"
)

//go:embed catalogue/*.json
var Catalogue embed.FS

// State of an account.
type State string

const (
	Connected    State = "connected"
	Broken       State = "broken"       // only a member can mend it; Reason says how
	Disconnected State = "disconnected" // by a member
)

// Ingest stores what arrived, inside the transaction that moves the bookmark.
type Ingest func(ctx context.Context, tx *db.Tx, a actor.Actor, in Arrival) (int, error)

// Arrival is one page of one account's feed.
type Arrival struct {
	Account id.ID
	Remote  network.Account
	Feed    network.Feed
	History bool
	Events  []network.Event
}

// Watchlist names the messages of an account to look at again: those whose thread
// is not known, and, if all is set, those on a desk now (for edits and deletions).
type Watchlist func(ctx context.Context, workspace, account id.ID, all bool) (look []network.Ref, threads []network.Ref, err error)

// Moved tells, inside the transaction that moves it, that an account's network
// address changed and no other account of its workspace reads the old one.
type Moved func(ctx context.Context, tx *db.Tx, workspace id.ID, from, to network.Account) error

// Picture fetches a picture from outside, made safe, by its address; edge is its
// longest side in pixels.
type Picture func(ctx context.Context, workspace id.ID, address string, edge int) (body []byte, mime string, err error)

// Options are what Accounts is built from.
type Options struct {
	DB        *db.DB
	Clock     clock.Clock
	IDs       *id.Maker
	Log       *event.Log
	Jobs      *job.Queue
	Keys      *secret.Keyring
	Crash     *crash.Points
	Logger    *slog.Logger
	Ingest    Ingest
	Watchlist Watchlist
	Moved     Moved
	Picture   Picture  // of our accounts; nil shows initials
	BaseURL   *url.URL // where members' browsers reach us
	Owner     string   // this process, uniquely
}

// Accounts holds the verbs and the workers. Safe for concurrent use.
type Accounts struct {
	Options
	networks []network.Network
	byName   map[string]network.Network
	wake     chan struct{}

	mu      sync.Mutex
	views   map[viewKey]keptView    // what Describe said, until it changes
	held    map[feedKey]heldLease   // what this process reads just now
	threads map[threadKey]time.Time // when a thread was last asked for
}

type viewKey struct{ workspace, account id.ID }

// New makes the accounts and registers their jobs.
func New(o Options) *Accounts {
	s := &Accounts{Options: o, byName: map[string]network.Network{}, wake: make(chan struct{}, 1),
		views: map[viewKey]keptView{}, held: map[feedKey]heldLease{}, threads: map[threadKey]time.Time{}}
	o.Jobs.Handle(importKind, job.Policy{Timeout: importTimeout, Limit: 2, Attempts: importAttempts}, s.importJob)
	return s
}

// Use registers the networks, in the order they are offered. It comes after New
// because connectors keep their registrations in Accounts; before anything runs.
func (s *Accounts) Use(networks ...network.Network) {
	s.networks, s.byName = networks, map[string]network.Network{}
	for _, n := range networks {
		s.byName[n.Info().Name] = n
	}
}

// Wake makes the pollers look for due feeds now. It never blocks.
func (s *Accounts) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Redirect is the address networks send a member back to.
func (s *Accounts) Redirect() string { return s.BaseURL.JoinPath("connect", "callback").String() }

// The bookkeeping feeds that every account may have beside its network's own.
const (
	feedStream network.Feed = "stream" // holding a stream open
	feedWatch  network.Feed = "watch"  // looking again at what is on a desk
)
