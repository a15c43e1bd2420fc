// Package delivery carries approved words out: plan, do, prove. Nothing is said
// twice, or by accident.
//
// What is accepted is written down with its hash and who approved it, in the
// transaction of the verb that wants it said. A job then plans it (everything is
// frozen and stored before the first request), does it step by step, and where an
// answer was lost, proves it. Each request that may write lies between two short
// transactions: one opens an attempt, which the Fence may refuse, and one closes
// it with what became of it.
//
//	accepted → planned → sending → sent
//	                             → failed    certainly not said (or only in part)
//	                             → unknown   cannot be told; a member decides
//	discarded, called_back                   a member decided
//
// Promises, to be kept on several nodes and through crashes:
//
//   - At most one attempt of a delivery is unreconciled; the schema enforces it.
//   - What may have been said is never said again before it was proved absent. The
//     exceptions are requests which the network itself makes one of: uploads, and
//     steps with proof by key or id.
//   - Nobody proves or repeats while another node's request may be under way: a
//     request has a deadline, stored before it leaves, and others wait for it and
//     a margin. Nodes' clocks must agree within that margin. What remains is a
//     process that is frozen in the instant between looking at the clock and
//     writing to the socket; no sender can rule that out for a network without keys.
//   - Whoever opened an attempt may close it, even late and after losing the job:
//     what it knows is true. Nobody else may, except by proof or by a member.
//   - What is sent, discarded or called back has no plan any more: there is nothing
//     left that could be sent again.
//
// Which move comes next (next.go) and what an answer means (judge.go) are pure
// functions; the rest only carries them out.
//
// Not its business: who may answer whom (conversation), what a pause covers and
// whether words are approved (publish), tokens (account), how a network is
// spoken to (network). It shows nothing by itself: its states, reasons and events
// are for others to show.
package delivery

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
)

// Catalogue holds the sentences of this package.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Reply is the kind of an answer in a conversation; its subject is the conversation.
const Reply = "reply"

// Outgoing is what somebody with the right to do so wants said.
type Outgoing struct {
	Account id.ID
	Kind    string // Reply
	Subject id.ID  // the conversation
	Draft   network.Draft
	At      time.Time // not before; zero: now
}

// With lends an account, its credential opened, to fn. Where fn returns an Auth
// error it refreshes once and calls fn again: Auth says that the write did not
// happen. A *problem.Problem says that the account cannot be used until a member
// mends it; any other error of its own that it will work later.
type With func(ctx context.Context, workspace, account id.ID, fn func(ctx context.Context, n network.Network, a network.Account) error) error

// Stored tells the capability a delivery belongs to that part of the draft now
// stands on the network as ref. It is told once for each part, in order, and
// again if its transaction did not commit, so it must be idempotent by ref.ID.
// It is not told of what only a member vouches for: that has no id.
type Stored func(ctx context.Context, tx *db.Tx, d Record, part int, ref network.Ref, at time.Time) error

// Recalled tells the capability a delivery belongs to that it was called back, so
// that its words can be written on.
type Recalled func(ctx context.Context, tx *db.Tx, a actor.Actor, delivery id.ID, words network.Draft) error

// Fence refuses, with a *problem.Problem, to let anything leave an account while
// a pause covers it. It is asked inside the transaction that opens an attempt and
// must lock what it reads, so that a pause which is confirmed later has seen the
// attempt.
type Fence func(ctx context.Context, tx *db.Tx, workspace, account id.ID) error

// Queue is what delivery needs of a job.Queue.
type Queue interface {
	Handle(kind string, p job.Policy, fn job.Handler)
	Enqueue(ctx context.Context, tx *db.Tx, s job.Spec) error
	Fence(ctx context.Context, tx *db.Tx, j job.Job) error
}

// Holder keeps the pictures of a delivery until it is over: a *media.Store.
type Holder interface {
	Hold(ctx context.Context, tx *db.Tx, workspace id.ID, digest [32]byte, kind string, subject id.ID) error
	ReleaseAll(ctx context.Context, tx *db.Tx, workspace id.ID, kind string, subject id.ID) error
}

// Points are the places where a test may end the program: a *crash.Points.
type Points interface{ At(name string) }

// Options are what a Delivery is built from.
type Options struct {
	DB       *db.DB
	Clock    clock.Clock
	IDs      *id.Maker
	Log      *event.Log
	Jobs     Queue
	Logger   *slog.Logger
	Crash    Points // nil: none
	With     With
	Stored   Stored
	Fence    Fence    // nil: never refuses
	Recalled Recalled // nil: nobody has to be told
	Media    Holder   // nil: nothing is held
}

// Delivery holds the verbs, reads and jobs. Safe for concurrent use.
type Delivery struct {
	db       *db.DB
	clock    clock.Clock
	ids      *id.Maker
	log      *event.Log
	jobs     Queue
	out      *slog.Logger
	crash    Points
	with     With
	stored   Stored
	fence    Fence
	media    Holder
	recalled Recalled
	rules    rules
}

// rules are the decisions. They are fields so that tests can break one at a time
// and prove that they would notice.
type rules struct {
	next       func(row, time.Time) move
	judge      func(network.Step, bool, answer) verdict
	judgeProof func(network.Step, attempt, answer, time.Time) verdict
}

// New registers the jobs and makes a Delivery.
func New(o Options) *Delivery {
	d := &Delivery{db: o.DB, clock: o.Clock, ids: o.IDs, log: o.Log, jobs: o.Jobs, out: o.Logger,
		crash: o.Crash, with: o.With, stored: o.Stored, fence: o.Fence, media: o.Media, recalled: o.Recalled,
		rules: rules{next: next, judge: judge, judgeProof: judgeProof}}
	if d.crash == nil {
		d.crash = nowhere{}
	}
	if d.fence == nil {
		d.fence = func(context.Context, *db.Tx, id.ID, id.ID) error { return nil }
	}
	d.register()
	return d
}

type nowhere struct{}

func (nowhere) At(string) {}

// Accept writes down what shall be said, inside the transaction of the verb that
// wants it said, and makes sure that it happens. The caller has authorised a: its
// right to speak is the approval, which is recorded with the hash of exactly
// these words, for this account and time.
func (d *Delivery) Accept(ctx context.Context, tx *db.Tx, a actor.Actor, in Outgoing) (id.ID, error) {
	now := d.clock.Now()
	r := row{workspace: a.Workspace, id: d.ids.New(), account: in.Account, kind: in.Kind, subject: in.Subject,
		member: a.Member, accepted: now, notBefore: in.At, state: Accepted, round: 1, due: in.At, changed: now}
	draft, err := freeze(in.Draft, r.id, now, in.At)
	if err != nil {
		return 0, err
	}
	r.draft, r.hash = draft, hash(in.Account, in.At, draft)
	if err := insert(ctx, tx, r); err != nil {
		return 0, err
	}
	if err := d.hold(ctx, tx, r, in.Draft); err != nil {
		return 0, err
	}
	d.record(tx, a, "delivery.accepted", r)
	return r.id, d.enqueue(ctx, tx, r)
}

// hold keeps the pictures of a draft until its delivery is over.
func (d *Delivery) hold(ctx context.Context, tx *db.Tx, r row, draft network.Draft) error {
	if d.media == nil {
		return nil
	}
	for _, p := range draft.Parts {
		for _, m := range p.Media {
			if err := d.media.Hold(ctx, tx, r.workspace, m.Digest, "delivery", r.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// freeze is the draft as it is stored, hashed and shown. What the network sent of
// the message answered is left out: connectors plan from what we read out of it.
func freeze(draft network.Draft, delivery id.ID, now, at time.Time) ([]byte, error) {
	if draft.Key == "" {
		draft.Key = delivery.String()
	}
	if draft.At.IsZero() {
		draft.At = now
		if at.After(now) {
			draft.At = at
		}
	}
	if draft.ReplyTo != nil {
		to := *draft.ReplyTo
		to.Raw = nil
		draft.ReplyTo = &to
	}
	b, err := json.Marshal(draft)
	if err != nil {
		return nil, fmt.Errorf("writing a draft: %w", err)
	}
	return b, nil
}

// hash is SHA-256 over what an approval is bound to.
func hash(account id.ID, at time.Time, draft []byte) []byte {
	h := sha256.New()
	fmt.Fprintf(h, "parley delivery 1\n%d\n%d\n", int64(account), db.Micros(at))
	h.Write(draft)
	return h.Sum(nil)
}

// record writes the event of a change. It names what the delivery belongs to by
// id, so that live pages know what to fetch again.
func (d *Delivery) record(tx *db.Tx, a actor.Actor, verb string, r row) {
	subject := r.kind
	if r.kind == Reply {
		subject = "conversation"
	}
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "delivery", Subject: r.id,
		Details: map[string]string{subject: r.subject.String(), "account": r.account.String()}})
}
