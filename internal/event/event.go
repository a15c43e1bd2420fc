// Package event is the spine: one append-only table in which every verb records
// what it did, in its own transaction. It is the audit log, the source of live
// updates and webhooks, and the timeline of everything.
//
// Number order is commit order. An event takes its number from its workspace's
// event_head row as the last act before commit, so a cursor that has passed n
// has seen everything up to n. Numbers have no gaps.
//
// Details hold ids and plain facts, never the words or names of outside people.
// Personal details are kept beside the event under a random salt; the event
// itself holds only their salted hash, so that erasing a person removes the
// words and leaves a log that still verifies.
//
// Not its business: what an event means, and who may see it.
package event

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
)

// Entry is what a verb records.
type Entry struct {
	Verb     string            // "conversation.claimed": capability.past-tense
	Kind     string            // what the subject is: "conversation"
	Subject  id.ID             //
	Details  map[string]string // ids and plain facts
	Personal string            // words or names of people; sealed, erasable
	About    id.ID             // the outside person Personal is about; 0 if a member
}

// Event is an Entry with its place.
type Event struct {
	Workspace id.ID
	N         int64
	At        time.Time
	Member    id.ID  // 0 when Parley acted by itself
	Part      string // the acting part of Parley; "" for a member
	Verb      string
	Kind      string
	Subject   id.ID
	Details   map[string]string
	Sealed    []byte
	Leaf      []byte
}

// Log writes and reads the spine.
type Log struct {
	clock clock.Clock
	wake  func(workspace id.ID)
}

// NewLog makes a log. wake is called after each commit that recorded something,
// with the workspace; it must not block.
func NewLog(c clock.Clock, wake func(workspace id.ID)) *Log {
	if wake == nil {
		wake = func(id.ID) {}
	}
	return &Log{clock: c, wake: wake}
}

// Channel is the PostgreSQL notification channel on which nodes wake each other.
const Channel = "parley_event"

// Record adds e to the transaction. The number is given when it commits.
func (l *Log) Record(tx *db.Tx, a actor.Actor, e Entry) {
	b := tx.Late(l, func() db.Late { return &batch{log: l} }).(*batch)
	b.entries = append(b.entries, pending{a, e})
}

type pending struct {
	actor actor.Actor
	entry Entry
}

// batch is a transaction's events, waiting for their numbers.
type batch struct {
	log     *Log
	entries []pending
}

func (b *batch) Flush(ctx context.Context, tx *db.Tx) error {
	byWorkspace := map[id.ID][]pending{}
	var order []id.ID
	for _, p := range b.entries {
		w := p.actor.Workspace
		if byWorkspace[w] == nil {
			order = append(order, w)
		}
		byWorkspace[w] = append(byWorkspace[w], p)
	}
	at := b.log.clock.Now()
	for _, w := range order {
		if err := b.write(ctx, tx, w, at, byWorkspace[w]); err != nil {
			return fmt.Errorf("recording events: %w", err)
		}
	}
	if tx.Dialect() == db.Postgres {
		if _, err := tx.Exec(ctx, `select pg_notify($1, '')`, Channel); err != nil {
			return fmt.Errorf("waking the other nodes: %w", err)
		}
	}
	tx.AfterCommit(func() {
		for _, w := range order {
			b.log.wake(w)
		}
	})
	return nil
}

func (b *batch) write(ctx context.Context, tx *db.Tx, w id.ID, at time.Time, ps []pending) error {
	var head int64
	const take = `insert into event_head (workspace, n) values ($1, $2)
		on conflict (workspace) do update set n = event_head.n + excluded.n returning n`
	if err := tx.Row(ctx, take, w, len(ps)).Scan(&head); err != nil {
		return err
	}
	n := head - int64(len(ps))
	rows, personal := db.NewRows(12, len(ps)), db.NewRows(5, 0)
	for _, p := range ps {
		n++
		e, salt, err := seal(w, n, at, p)
		if err != nil {
			return err
		}
		rows.Add(w, n, db.Micros(at), actorKind(e), e.Member, e.Part, e.Verb, e.Kind, e.Subject,
			string(encode(e.Details)), e.Sealed, e.Leaf)
		if salt != nil {
			personal.Add(w, n, p.entry.About, salt, p.entry.Personal)
		}
	}
	if err := rows.Insert(ctx, tx, `insert into event
		(workspace, n, at, actor_kind, actor, actor_part, verb, kind, subject, details, sealed, leaf)`, ""); err != nil {
		return err
	}
	return personal.Insert(ctx, tx, `insert into event_personal (workspace, n, about, salt, details)`, "")
}

func actorKind(e Event) string {
	if e.Part != "" {
		return "system"
	}
	return "member"
}

func seal(w id.ID, n int64, at time.Time, p pending) (Event, []byte, error) {
	e := Event{Workspace: w, N: n, At: at, Member: p.actor.Member, Part: p.actor.System,
		Verb: p.entry.Verb, Kind: p.entry.Kind, Subject: p.entry.Subject, Details: p.entry.Details}
	var salt []byte
	if p.entry.Personal != "" {
		salt = make([]byte, 16)
		if _, err := rand.Read(salt); err != nil {
			return e, nil, fmt.Errorf("salting: %w", err)
		}
		e.Sealed = Sealed(salt, p.entry.Personal)
	}
	e.Leaf = Leaf(e)
	return e, salt, nil
}

// Sealed is the salted hash of personal details.
func Sealed(salt []byte, personal string) []byte {
	h := sha256.New()
	field(h, salt)
	field(h, []byte(personal))
	return h.Sum(nil)
}

// Leaf is the RFC 6962 section 2.1 leaf hash, SHA-256(0x00 || entry), of the
// event's fields, each behind its length as 8 bytes big-endian, so that no two
// events share an encoding.
func Leaf(e Event) []byte {
	h := sha256.New()
	h.Write([]byte{0})
	number(h, int64(e.Workspace))
	number(h, e.N)
	number(h, db.Micros(e.At))
	number(h, int64(e.Member))
	field(h, []byte(e.Part))
	field(h, []byte(e.Verb))
	field(h, []byte(e.Kind))
	number(h, int64(e.Subject))
	field(h, encode(e.Details))
	field(h, e.Sealed)
	return h.Sum(nil)
}

func field(h hash.Hash, b []byte) {
	number(h, int64(len(b)))
	h.Write(b)
}

func number(h hash.Hash, v int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(v))
	h.Write(b[:])
}

// encode is the stored form of details: JSON with sorted keys, as encoding/json
// writes maps. It is hashed as stored and never made anew from the parsed form.
func encode(m map[string]string) []byte {
	if len(m) == 0 {
		return []byte("{}")
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("event: details that JSON cannot hold: %v", err)) // map[string]string always can
	}
	return b
}
