// Package team knows who the people inside are: logins, the workspaces they
// are members of, their teams, what each may do, and how they prove who they
// are (password, session, API token, one-time link).
//
// A login is one person on this installation; a member is that person's stay in
// one workspace. A right is never a property of a person: it is a grant with a
// scope, a reason, a giver and an end, and it is read again at every request,
// so that what ends, ends at once.
//
// Concurrency: a Service is safe for concurrent use and by several nodes on one
// database. Verbs that could leave a workspace without an owner queue for the
// workspace's row first.
//
// Not its business: what a right allows (each verb asks for it itself), cookies
// and forms as such (page), how mail is sent (mail), and rights that training unlocks
// (charter will give and end grants through the same verbs).
package team

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/mail"
)

// How long things live.
const (
	// SessionIdle and SessionLife end a sign-in that rests, and every sign-in.
	// A desk is used all day: a week's holiday ends a session, a weekend does not.
	SessionIdle = 7 * 24 * time.Hour
	SessionLife = 30 * 24 * time.Hour
	// InvitationLife and PasswordLinkLife end links that nobody followed.
	InvitationLife   = 7 * 24 * time.Hour
	PasswordLinkLife = 24 * time.Hour
	// TokenLife is the longest an API token lives.
	TokenLife = 366 * 24 * time.Hour
)

// Ended says what has just lost its right to look, so that its live streams can
// be closed: a Session; or all that a Member had in a Workspace, who may have
// left or may only do less now; or an API Token of a Workspace. The rest is 0.
type Ended struct {
	Session   id.ID
	Workspace id.ID
	Member    id.ID
	Token     id.ID
}

// EndedBy reads from an event what ended with it, so that the other nodes learn
// from the spine what the Ended hook told the one that did it.
func EndedBy(e event.Event) (Ended, bool) {
	switch e.Verb {
	case "session.revoked":
		return Ended{Session: e.Subject}, true
	case "member.departed":
		return Ended{Workspace: e.Workspace, Member: e.Subject}, true
	case "grant.ended", "grant.given":
		member, err := id.Parse(e.Details["member"])
		return Ended{Workspace: e.Workspace, Member: member}, err == nil
	case "token.revoked":
		return Ended{Workspace: e.Workspace, Token: e.Subject}, true
	default:
		return Ended{}, false
	}
}

// NamedScope is one that a grant may be narrowed to, with the name members know it by.
type NamedScope struct {
	Scope actor.Scope
	Name  string
}

// Config is what a Service is made of.
type Config struct {
	DB     *db.DB
	Events *event.Log
	Clock  clock.Clock
	IDs    *id.Maker
	Logger *slog.Logger
	// URL is the public address, to which passkeys are bound; nil: there are none.
	URL *url.URL
	// OIDC is another organisation's sign-in; nil: there is none.
	OIDC *OIDC
	// Cost of a password hash; the zero Cost is DefaultCost.
	Cost Cost
	// Ended is called after the commit, on the node that did it. Other nodes
	// see the event. May be nil.
	Ended func(Ended)
	// Accounts lists the accounts of a workspace that a grant may be narrowed
	// to. nil: there are none.
	Accounts func(ctx context.Context, a actor.Actor) ([]NamedScope, error)
	// Mail sends what else is only shown to be copied. nil: there is none.
	Mail *mail.Service
}

// Service carries out everything this package can do.
type Service struct {
	db       *db.DB
	events   *event.Log
	clock    clock.Clock
	ids      *id.Maker
	logger   *slog.Logger
	hasher   *hasher
	oidc     *seconder          // nil: there is none
	relying  *webauthn.WebAuthn // nil where the address can have no passkeys
	ended    func(Ended)
	accounts func(ctx context.Context, a actor.Actor) ([]NamedScope, error)
	mail     *mail.Service

	mu       sync.Mutex
	sessions map[id.ID]time.Time    // seen since the last Flush
	tokens   map[tokenUse]time.Time // used since the last Flush
}

// New makes a Service. It touches nothing yet.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{
		db: c.DB, events: c.Events, clock: c.Clock, ids: c.IDs, logger: c.Logger,
		hasher: newHasher(c.Cost), relying: relyingParty(c.URL), oidc: newSeconder(c.OIDC), ended: c.Ended, accounts: c.Accounts, mail: c.Mail,
		sessions: map[id.ID]time.Time{}, tokens: map[tokenUse]time.Time{},
	}
}

// tell calls the Ended hook once the transaction has committed.
func (s *Service) tell(tx *db.Tx, e Ended) {
	if s.ended != nil {
		tx.AfterCommit(func() { s.ended(e) })
	}
}
