// Package webhook tells other programs what happens here, event by event, in the
// order of the log, signed as Standard Webhooks describes
// (https://github.com/standard-webhooks/standard-webhooks, specification 1.0.0).
//
// A hook has a bookmark in its workspace's log. It moves on when the receiver has
// accepted an event, so nothing is left out through crashes, restarts and days in
// which the receiver was away; an event whose acceptance was lost comes again under
// the same webhook-id. What is told holds ids only: who wants words asks the API
// for them, with a token and its rights.
//
// Not its business: what events there are (the spine), and what a member is told
// of (notifications).
package webhook

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/problem"
	"parley/internal/secret"
)

// Catalogue holds the sentences of this package.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Options are what Hooks are made of. All are required.
type Options struct {
	DB     *db.DB
	Clock  clock.Clock
	IDs    *id.Maker
	Log    *event.Log
	Jobs   *job.Queue
	Keys   *secret.Keyring
	HTTP   *http.Client // guarded: the address was typed by a member
	Logger *slog.Logger
}

// Hooks holds the verbs and reads. Safe for concurrent use.
type Hooks struct{ o Options }

// New makes them and registers their jobs.
func New(o Options) *Hooks {
	h := &Hooks{o}
	h.jobs()
	return h
}

// Hook is one receiver.
type Hook struct {
	ID      id.ID
	URL     string
	Groups  []Group // what it is told of; none: everything
	Made    time.Time
	Cursor  int64     // the number of the last event it accepted, or did not ask for
	Sent    time.Time // when it last accepted something; zero: never
	Failing time.Time // since when it has accepted nothing; zero: it does
	Tries   int       // how often it was tried since
	Due     time.Time // when it is tried again
	Said    string    // what came back instead
	Paused  time.Time // zero: it is told
	GaveUp  bool      // Parley paused it, because it failed for too long
}

// Group is a kind of things that events are about.
type Group string

const (
	Conversations Group = "conversations" // messages, conversations, people, labels, notes
	Sending       Group = "sending"       // answers on their way
	Accounts      Group = "accounts"
	Inside        Group = "inside" // members, rights, settings: everything else
)

// Groups in the order in which they are offered.
func Groups() []Group { return []Group{Conversations, Sending, Accounts, Inside} }

// groupOf is the group of an event's subject.
func groupOf(kind string) Group {
	switch kind {
	case "conversation", "message", "thread", "person", "identity", "label", "note":
		return Conversations
	case "delivery":
		return Sending
	case "account":
		return Accounts
	}
	return Inside
}

// wants reports whether a hook is told of an event. Of itself it always is: that
// is how it is tried.
func (h Hook) wants(e event.Event) bool {
	if e.Kind == kind {
		return e.Subject == h.ID
	}
	if len(h.Groups) == 0 {
		return true
	}
	for _, g := range h.Groups {
		if g == groupOf(e.Kind) {
			return true
		}
	}
	return false
}

// kind of the events about hooks.
const kind = "webhook"

// Create makes a hook and returns its secret, which is shown once. Whoever makes
// one lets another program read the log, so it takes the right to read it too.
func (h *Hooks) Create(ctx context.Context, a actor.Actor, address string, groups []Group) (Hook, string, error) {
	if err := may(a); err != nil {
		return Hook{}, "", err
	}
	address, err := cleanAddress(address)
	if err != nil {
		return Hook{}, "", err
	}
	if groups, err = cleanGroups(groups); err != nil {
		return Hook{}, "", err
	}
	key := newKey()
	hook := Hook{ID: h.o.IDs.New(), URL: address, Groups: groups, Made: h.o.Clock.Now()}
	err = h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := count(ctx, tx, a.Workspace)
		if err != nil {
			return err
		}
		if n >= most {
			return problem.New(problem.Conflict, "webhook.too_many", "n", most)
		}
		if hook.Cursor, err = event.Head(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if err := insert(ctx, tx, a, hook, h.o.Keys.Seal(aad(a.Workspace, hook.ID), key)); err != nil {
			return err
		}
		h.record(tx, a, "webhook.created", hook.ID)
		return nil
	})
	return hook, secretText(key), err
}

// most is how many hooks a workspace may have: each costs a request an event.
const most = 20

// Ping writes an event about the hook itself into the log, which it is told of
// like any other.
func (h *Hooks) Ping(ctx context.Context, a actor.Actor, hook id.ID) error {
	return h.change(ctx, a, hook, "webhook.pinged", func(w *Hook) {
		w.Due = time.Time{}
	})
}

// Pause stops telling; what happens meanwhile is told when it goes on.
func (h *Hooks) Pause(ctx context.Context, a actor.Actor, hook id.ID) error {
	return h.change(ctx, a, hook, "webhook.paused", func(w *Hook) {
		w.Paused, w.GaveUp = h.o.Clock.Now(), false
	})
}

// Resume goes on where the hook stopped; skip leaves out what happened meanwhile.
func (h *Hooks) Resume(ctx context.Context, a actor.Actor, hook id.ID, skip bool) error {
	verb := "webhook.resumed"
	if skip {
		verb = "webhook.skipped"
	}
	return h.change(ctx, a, hook, verb, func(w *Hook) {
		w.Paused, w.GaveUp, w.Failing, w.Due, w.Tries, w.Said = time.Time{}, false, time.Time{}, time.Time{}, 0, ""
		if skip {
			w.Cursor = toHead
		}
	})
}

// Remove ends a hook. Its secret goes with it.
func (h *Hooks) Remove(ctx context.Context, a actor.Actor, hook id.ID) error {
	if err := may(a); err != nil {
		return err
	}
	return h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `delete from webhook where workspace = $1 and id = $2`, a.Workspace, hook)
		if err != nil {
			return fmt.Errorf("removing a webhook: %w", err)
		}
		if n == 0 {
			return notFound()
		}
		h.record(tx, a, "webhook.removed", hook)
		return nil
	})
}

// All reads the workspace's hooks, oldest first.
func (h *Hooks) All(ctx context.Context, a actor.Actor) ([]Hook, error) {
	if err := may(a); err != nil {
		return nil, err
	}
	return list(ctx, h.o.DB.Read(), `workspace = $1 order by id`, a.Workspace)
}

func (h *Hooks) change(ctx context.Context, a actor.Actor, hook id.ID, verb string, do func(*Hook)) error {
	if err := may(a); err != nil {
		return err
	}
	return h.o.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		w, err := load(ctx, tx, a.Workspace, hook)
		if err != nil {
			return err
		}
		do(&w)
		if w.Cursor == toHead {
			if w.Cursor, err = event.Head(ctx, tx, a.Workspace); err != nil {
				return err
			}
		}
		if err := store(ctx, tx, a.Workspace, w); err != nil {
			return err
		}
		h.record(tx, a, verb, hook)
		return nil
	})
}

// toHead stands for the newest event until it is known.
const toHead = -1

func (h *Hooks) record(tx *db.Tx, a actor.Actor, verb string, hook id.ID) {
	h.o.Log.Record(tx, a, event.Entry{Verb: verb, Kind: kind, Subject: hook})
}

func may(a actor.Actor) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	return a.Require(actor.ReadAudit)
}

func notFound() error { return problem.New(problem.NotFound, "webhook.not_found") }

func cleanGroups(in []Group) ([]Group, error) {
	var out []Group
	for _, known := range Groups() {
		for _, g := range in {
			if g == known {
				out = append(out, g)
				break
			}
		}
	}
	for _, g := range in {
		if groupOfName(g) == "" {
			return nil, problem.New(problem.Invalid, "webhook.group", "group", string(g)).At("groups")
		}
	}
	if len(out) == len(Groups()) {
		out = nil
	}
	return out, nil
}

func groupOfName(g Group) Group {
	for _, known := range Groups() {
		if g == known {
			return g
		}
	}
	return ""
}

func joined(groups []Group) string {
	words := make([]string, len(groups))
	for i, g := range groups {
		words[i] = string(g)
	}
	return strings.Join(words, " ")
}
