package delivery

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// row is a delivery as it is stored, with its open attempt.
type row struct {
	workspace, id, account id.ID
	kind                   string
	subject, member        id.ID
	draft, hash            []byte
	accepted, notBefore    time.Time
	state                  State
	round                  int64
	plan                   network.Plan
	progress               []progress
	due                    time.Time
	trouble                trouble
	since                  time.Time
	tries                  int
	reason                 reason
	changed                time.Time
	looking                bool // restored: it is only looked for, and a member decides about the rest

	open   *attempt  // nobody knows what became of it; nil if there is none
	untold int       // parts that stand on the network and were not told
	parts  int       // parts that stand on the network
	tried  time.Time // when the newest attempt was opened
}

// progress of one step.
type progress byte

const (
	todo    progress = '.'
	pending progress = 'p'
	done    progress = 'd'
)

// trouble is what makes a step take long.
type trouble string

const (
	noTrouble trouble = ""
	transient trouble = "transient"
	notReady  trouble = "pending"
)

// attempt is one request that may write.
type attempt struct {
	id                      id.ID
	step                    int
	first, opened, deadline time.Time
	ended                   time.Time // zero: its node never said that it was over
	duplicate               bool
	looks                   int
	looked, absent          time.Time
	again                   bool
	detail                  string
}

const rowColumns = `d.workspace, d.id, d.account, d.kind, d.subject, coalesce(d.member, 0), d.draft, d.hash, d.accepted, d.not_before,
	d.state, d.round, d.plan, d.progress, d.due, d.trouble, d.since, d.tries,
	d.reason, d.reason_args, d.help, d.said, d.evidence, d.changed, d.looking,
	(select count(*) from delivery_part p where p.workspace = d.workspace and p.delivery = d.id),
	(select count(*) from delivery_part p where p.workspace = d.workspace and p.delivery = d.id and p.told = 0),
	coalesce((select max(a.opened) from delivery_attempt a where a.workspace = d.workspace and a.delivery = d.id), 0)`

type scanner interface{ Scan(...any) error }

func scanRow(s scanner) (row, error) {
	var r row
	var plan []byte
	var steps string
	var looking int64
	err := s.Scan(&r.workspace, &r.id, &r.account, &r.kind, &r.subject, &r.member, &r.draft, &r.hash, db.ScanTime(&r.accepted),
		db.ScanTime(&r.notBefore), &r.state, &r.round, &plan, &steps, db.ScanTime(&r.due), &r.trouble, db.ScanTime(&r.since), &r.tries,
		&r.reason.code, &r.reason.args, &r.reason.help, &r.reason.said, &r.reason.evidence, db.ScanTime(&r.changed), &looking,
		&r.parts, &r.untold, db.ScanTime(&r.tried))
	if err != nil {
		return r, err
	}
	r.progress, r.looking = []progress(steps), looking != 0
	if len(plan) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(plan, &r.plan); err != nil {
		return r, fmt.Errorf("reading the plan of delivery %s: %w", r.id, err)
	}
	if len(r.plan.Steps) != len(r.progress) {
		return r, fmt.Errorf("reading delivery %s: %d steps, but the progress of %d", r.id, len(r.plan.Steps), len(r.progress))
	}
	return r, nil
}

// load reads a delivery; db.NoRows(err) if there is none.
func load(ctx context.Context, q db.Queryer, workspace, delivery id.ID) (row, error) {
	r, err := scanRow(q.Row(ctx, `select `+rowColumns+` from delivery d where d.workspace = $1 and d.id = $2`, workspace, delivery))
	if err != nil {
		return r, fmt.Errorf("reading a delivery: %w", err)
	}
	r.open, err = openAttempt(ctx, q, workspace, delivery)
	return r, err
}

// lock is load for whoever will change it: nobody else can until the transaction
// ends. The update does on PostgreSQL what SQLite's single writer does anyway,
// and unlike "for update" it is one text for both.
func lock(ctx context.Context, tx *db.Tx, workspace, delivery id.ID) (row, error) {
	if _, err := tx.Exec(ctx, `update delivery set changed = changed where workspace = $1 and id = $2`, workspace, delivery); err != nil {
		return row{}, fmt.Errorf("locking a delivery: %w", err)
	}
	return load(ctx, tx, workspace, delivery)
}

func openAttempt(ctx context.Context, q db.Queryer, workspace, delivery id.ID) (*attempt, error) {
	var a attempt
	var duplicate, again int64
	err := q.Row(ctx, `select id, step, first, opened, deadline, ended, duplicate, looks, looked, absent, again, detail
		from delivery_attempt where workspace = $1 and delivery = $2 and closed = 0`, workspace, delivery).
		Scan(&a.id, &a.step, db.ScanTime(&a.first), db.ScanTime(&a.opened), db.ScanTime(&a.deadline), db.ScanTime(&a.ended),
			&duplicate, &a.looks, db.ScanTime(&a.looked), db.ScanTime(&a.absent), &again, &a.detail)
	if db.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the open attempt of a delivery: %w", err)
	}
	a.duplicate, a.again = duplicate != 0, again != 0
	return &a, nil
}

func insert(ctx context.Context, tx *db.Tx, r row) error {
	_, err := tx.Exec(ctx, `insert into delivery (workspace, id, account, kind, subject, member, draft, hash, accepted, not_before,
		state, round, plan, progress, due, trouble, since, tries, reason, reason_args, help, said, evidence, changed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', $14, '', 0, 0, '', '', '', '', '', $15)`,
		r.workspace, r.id, r.account, r.kind, r.subject, orNull(r.member), r.draft, r.hash, db.Micros(r.accepted), db.Micros(r.notBefore),
		string(r.state), r.round, []byte{}, db.Micros(r.due), db.Micros(r.changed))
	if err != nil {
		return fmt.Errorf("storing a delivery: %w", err)
	}
	return nil
}

func orNull(i id.ID) any {
	if i == 0 {
		return nil
	}
	return i
}

// save writes what can change of a delivery. The caller holds its lock.
func save(ctx context.Context, tx *db.Tx, r row) error {
	plan := []byte{}
	if len(r.plan.Steps) > 0 {
		var err error
		if plan, err = json.Marshal(r.plan); err != nil {
			return fmt.Errorf("writing a plan: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `update delivery set draft = $1, hash = $2, state = $3, round = $4, plan = $5, progress = $6, due = $7,
		trouble = $8, since = $9, tries = $10, reason = $11, reason_args = $12, help = $13, said = $14, evidence = $15, changed = $16, looking = $17
		where workspace = $18 and id = $19`,
		r.draft, r.hash, string(r.state), r.round, plan, string(r.progress), db.Micros(r.due),
		string(r.trouble), db.Micros(r.since), r.tries, r.reason.code, r.reason.args, r.reason.help, r.reason.said, r.reason.evidence,
		db.Micros(r.changed), number(r.looking), r.workspace, r.id)
	if err != nil {
		return fmt.Errorf("storing a delivery: %w", err)
	}
	return nil
}

func insertAttempt(ctx context.Context, tx *db.Tx, r row, a attempt) error {
	_, err := tx.Exec(ctx, `insert into delivery_attempt (workspace, id, delivery, step, first, opened, deadline, ended, closed, outcome,
		duplicate, looks, looked, absent, again, detail) values ($1, $2, $3, $4, $5, $6, $7, 0, 0, '', 0, $8, $9, 0, 0, '')`,
		r.workspace, a.id, r.id, a.step, db.Micros(a.first), db.Micros(a.opened), db.Micros(a.deadline), a.looks, db.Micros(a.looked))
	if err != nil {
		return fmt.Errorf("opening an attempt: %w", err)
	}
	return nil
}

// saveAttempt writes what is known of an attempt that stays open.
func saveAttempt(ctx context.Context, tx *db.Tx, r row, a attempt) error {
	_, err := tx.Exec(ctx, `update delivery_attempt set ended = $1, duplicate = $2, looks = $3, looked = $4, absent = $5, again = $6, detail = $7
		where workspace = $8 and id = $9 and closed = 0`,
		db.Micros(a.ended), number(a.duplicate), a.looks, db.Micros(a.looked), db.Micros(a.absent), number(a.again), a.detail, r.workspace, a.id)
	if err != nil {
		return fmt.Errorf("storing an attempt: %w", err)
	}
	return nil
}

// outcome is what became of an attempt.
type outcome string

const (
	outcomeSent      outcome = "sent"
	outcomePending   outcome = "pending"
	outcomeNotSent   outcome = "not_sent"
	outcomeRepeated  outcome = "repeated"  // the identical request after it tells
	outcomeAbandoned outcome = "abandoned" // a member gave up on it
)

// closeAttempt stores what became of an attempt, and that its request is over.
func closeAttempt(ctx context.Context, tx *db.Tx, r row, a attempt, o outcome, at time.Time) error {
	if a.ended.IsZero() {
		a.ended = at
	}
	_, err := tx.Exec(ctx, `update delivery_attempt set ended = $1, closed = $2, outcome = $3, detail = $4
		where workspace = $5 and id = $6 and closed = 0`,
		db.Micros(a.ended), db.Micros(at), string(o), a.detail, r.workspace, a.id)
	if err != nil {
		return fmt.Errorf("closing an attempt: %w", err)
	}
	return nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// insertPart stores what stands on the network. A connector that names a part
// twice does not make it stand twice.
func insertPart(ctx context.Context, tx *db.Tx, r row, p Part) error {
	ref, err := json.Marshal(p.Ref)
	if err != nil {
		return fmt.Errorf("writing a reference: %w", err)
	}
	_, err = tx.Exec(ctx, `insert into delivery_part (workspace, delivery, part, ref, at, told) values ($1, $2, $3, $4, $5, 0)
		on conflict (workspace, delivery, part) do nothing`, r.workspace, r.id, p.Index, ref, db.Micros(p.At))
	if err != nil {
		return fmt.Errorf("storing what was sent: %w", err)
	}
	return nil
}

// loadParts reads what stands on the network; only what was not told if untold.
func loadParts(ctx context.Context, q db.Queryer, workspace, delivery id.ID, untold bool) ([]Part, error) {
	where := ""
	if untold {
		where = " and told = 0"
	}
	rows, err := q.Query(ctx, `select part, ref, at from delivery_part where workspace = $1 and delivery = $2`+where+` order by part`,
		workspace, delivery)
	if err != nil {
		return nil, fmt.Errorf("reading what was sent: %w", err)
	}
	defer rows.Close()
	var ps []Part
	for rows.Next() {
		var p Part
		var ref []byte
		if err := rows.Scan(&p.Index, &ref, db.ScanTime(&p.At)); err != nil {
			return nil, fmt.Errorf("reading what was sent: %w", err)
		}
		if err := json.Unmarshal(ref, &p.Ref); err != nil {
			return nil, fmt.Errorf("reading what was sent: %w", err)
		}
		ps = append(ps, p)
	}
	return ps, rows.Err()
}

// dots is the progress of a fresh plan.
func dots(n int) []progress { return []progress(strings.Repeat(string(todo), n)) }
