package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/media"
	"parley/internal/network"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

const (
	workspace id.ID = 1
	account   id.ID = 2
	member    id.ID = 3
	talk      id.ID = 4 // the conversation
)

// desk is one database, one network and as many short-lived processes as a test wants.
type desk struct {
	db     *db.DB
	clock  *clock.Fake
	ids    *id.Maker
	log    *event.Log
	stage  *stage
	rules  rules
	fence  Fence
	with   func(With) With // wraps the account's; nil: as it is
	mu     sync.Mutex
	told   map[string]int // how often Stored heard of a part
	stored error          // what Stored answers
	broken error          // what With answers instead of lending the account
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	c := clock.NewFake(start)
	k := &desk{db: dbtest.New(t), clock: c, ids: id.NewMaker(c, 1), log: event.NewLog(c, nil),
		rules: rules{next: next, judge: judge, judgeProof: judgeProof}}
	k.perform(network.ProofReadback)
	err := k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		for _, q := range []string{
			`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (1, 'w', 'W', 'en', 'UTC', 1, 0, 0)`,
			`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (9, 'x', 'X', 'en', 'UTC', 1, 0, 0)`,
			`insert into login (id, email, email_folded, name, password, locale, created, removed)
				values (5, 'ana@example.org', 'ana@example.org', 'Ana', 'x', 'en', 1, 0)`,
			`insert into member (workspace, id, login, name, joined, departed, departed_by, reason) values (1, 3, 5, 'Ana', 1, 0, 0, '')`,
			`insert into account (workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra, state, reason,
				message, since, secret, secret_generation, secret_expires, secret_refresh_by, refresh_owner, refresh_lease,
				capabilities, capabilities_until, signature, simulated, created, created_by)
				values (1, 2, 'stage', '', 'r', 'h', 'N', '', '', '', '', '', 'connected', '', '', 0, $1, 0, 0, 0, '', 0, $1, 0, '', 0, 1, 3)`,
		} {
			var args []any
			if strings.Contains(q, "$1") {
				args = []any{[]byte{}}
			}
			if _, err := tx.Exec(ctx, q, args...); err != nil {
				return fmt.Errorf("%s: %w", q, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// perform puts a fresh network on the stage.
func (k *desk) perform(proof network.Proof) {
	k.stage = &stage{clock: k.clock, proof: proof}
	k.told = map[string]int{}
}

// ana may answer for the account.
func ana() actor.Actor {
	return actor.Actor{Workspace: workspace, Member: member, Name: "Ana", Grants: []actor.Grant{
		{Right: actor.ReadConversations}, {Right: actor.Reply}, {Right: actor.ErasePerson}}}
}

// lend is account's With: it refreshes once.
func (k *desk) lend(n network.Network) With {
	return func(ctx context.Context, _, _ id.ID, fn func(context.Context, network.Network, network.Account) error) error {
		if k.broken != nil {
			return k.broken
		}
		a := network.Account{ID: account.String(), Network: "stage"}
		err := fn(ctx, n, a)
		if network.KindOf(err) != network.Auth {
			return err
		}
		if f, ok := k.stage.take("refresh", ""); ok {
			return f.err
		}
		return fn(ctx, n, a)
	}
}

// hear is conversation's Stored.
func (k *desk) hear(_ context.Context, _ *db.Tx, d Record, part int, ref network.Ref, _ time.Time) error {
	if k.stored != nil {
		return k.stored
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.told[fmt.Sprintf("%s/%d %s", d.ID, part, ref.ID)]++
	return nil
}

// process is a fresh start of the program, which meets its end or its breaks at
// points; nil: it meets nothing.
func (k *desk) process(points Points, n network.Network) *Delivery {
	log := slog.New(slog.DiscardHandler)
	with := k.lend(n)
	if k.with != nil {
		with = k.with(with)
	}
	d := New(Options{DB: k.db, Clock: k.clock, IDs: k.ids, Log: k.log, Logger: log, Crash: points,
		Jobs: job.New(k.db, k.clock, k.ids, log, "", 4), With: with, Fence: k.fence, Stored: k.hear, Media: media.NewStore(k.clock)})
	d.rules = k.rules
	return d
}

// plain is a process to which nothing happens.
func (k *desk) plain() *Delivery { return k.process(nil, k.stage) }

// reply accepts an answer of n parts.
func (k *desk) reply(t fataler, n int) id.ID {
	t.Helper()
	draft := network.Draft{ByHuman: true, ReplyTo: &network.Post{Ref: network.Ref{ID: "q1", Version: "v1"},
		Author: network.Person{Handle: "bea@example.net", Name: "Bea"}, Raw: []byte("<raw>")}}
	for i := range n {
		draft.Parts = append(draft.Parts, network.Part{Text: fmt.Sprintf("We open at %d.", i+8), Visibility: network.Public,
			Keep: []network.Person{{Handle: "bea@example.net"}}})
	}
	return k.accept(t, Outgoing{Account: account, Kind: Reply, Subject: talk, Draft: draft})
}

func (k *desk) accept(t fataler, out Outgoing) (delivery id.ID) {
	t.Helper()
	d := k.plain()
	err := k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) (err error) {
		delivery, err = d.Accept(ctx, tx, ana(), out)
		return err
	})
	if err != nil {
		t.Fatalf("accepting: %v", err)
	}
	return delivery
}

// fataler is what tests and the model have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// claim takes the delivery's unfinished job away from whoever has it, as another
// node does after a lease ran out. Attempts only grow, so that Fence can tell.
func (k *desk) claim(t fataler, delivery id.ID) (job.Job, bool) {
	t.Helper()
	var j job.Job
	err := k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		return tx.Row(ctx, `update job set state = 'running', owner = '', attempt = attempt + 1 where id = (
			select id from job where workspace = $1 and kind = $2 and key like $3 and state in ('waiting', 'running') order by id desc limit 1)
			returning id, workspace, kind, key, payload, attempt`, workspace, jobSend, delivery.String()+".%").
			Scan(&j.ID, &j.Workspace, &j.Kind, &j.Key, &j.Payload, &j.Attempt)
	})
	if db.NoRows(err) {
		return j, false
	}
	if err != nil {
		t.Fatalf("claiming the job: %v", err)
	}
	return j, true
}

// finish stores how a handler ended, if the job is still its own.
func (k *desk) finish(t fataler, j job.Job, result error) {
	t.Helper()
	state := "waiting"
	if result == nil {
		state = "done"
	}
	err := k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update job set state = $1 where id = $2 and attempt = $3 and state = 'running'`, state, j.ID, j.Attempt)
		return err
	})
	if err != nil {
		t.Fatalf("finishing the job: %v", err)
	}
}

// work runs the delivery's job once in d and says whether there was one.
func (k *desk) work(t fataler, d *Delivery, delivery id.ID) (bool, error) {
	t.Helper()
	j, ok := k.claim(t, delivery)
	if !ok {
		return false, nil
	}
	err := d.run(context.Background(), j)
	k.finish(t, j, err)
	return true, err
}

// settle works in fresh processes, moving the clock to whatever it waits for,
// until Parley itself has nothing more to do.
func (k *desk) settle(t fataler, delivery id.ID) Record {
	t.Helper()
	for range 400 {
		r := k.row(t, delivery)
		if !r.state.Moving() {
			return k.get(t, delivery)
		}
		ok, _ := k.work(t, k.plain(), delivery)
		r = k.row(t, delivery)
		if !ok && r.state.Moving() {
			t.Fatalf("the delivery is %s, but no job carries it on", r.state)
		}
		if m := next(r, k.clock.Now()); m.kind == moveWait {
			k.clock.Set(m.at)
		} else {
			k.clock.Advance(time.Millisecond)
		}
	}
	t.Fatalf("no end was reached: %+v", k.get(t, delivery))
	return Record{}
}

func (k *desk) row(t fataler, delivery id.ID) row {
	t.Helper()
	r, err := load(context.Background(), k.db.Read(), workspace, delivery)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return r
}

func (k *desk) get(t fataler, delivery id.ID) Record {
	t.Helper()
	rec, err := k.plain().Get(context.Background(), ana(), delivery)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return rec
}

// why is the code of the reason; "" if there is none.
func why(r Record) string {
	if r.Reason == nil {
		return ""
	}
	return r.Reason.Code
}

// verbs are the events about a delivery, oldest first.
func (k *desk) verbs(t fataler, delivery id.ID) []string {
	t.Helper()
	es, err := event.Of(context.Background(), k.db.Read(), workspace, "delivery", delivery, 100)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var vs []string
	for i := len(es) - 1; i >= 0; i-- {
		vs = append(vs, es[i].Verb)
	}
	return vs
}

// saveRow writes a row as no verb would.
func saveRow(t testing.TB, k *desk, r row) {
	t.Helper()
	err := k.db.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error { return save(ctx, tx, r) })
	if err != nil {
		t.Fatal(err)
	}
}
