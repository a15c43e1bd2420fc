package event

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
)

const columns = `workspace, n, at, actor, actor_part, verb, kind, subject, details, sealed, leaf`

// After reads up to limit events of a workspace that come after number n.
func After(ctx context.Context, q db.Queryer, workspace id.ID, n int64, limit int) ([]Event, error) {
	rows, err := q.Query(ctx, `select `+columns+` from event where workspace = $1 and n > $2 order by n limit $3`, workspace, n, limit)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return scan(rows)
}

// Of reads the newest limit events about one subject, newest first.
func Of(ctx context.Context, q db.Queryer, workspace id.ID, kind string, subject id.ID, limit int) ([]Event, error) {
	rows, err := q.Query(ctx, `select `+columns+` from event
		where workspace = $1 and kind = $2 and subject = $3 order by n desc limit $4`, workspace, kind, subject, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the events of a %s: %w", kind, err)
	}
	return scan(rows)
}

// Head is the number of the newest event; 0 where there is none yet.
func Head(ctx context.Context, q db.Queryer, workspace id.ID) (int64, error) {
	var n int64
	err := q.Row(ctx, `select n from event_head where workspace = $1`, workspace).Scan(&n)
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("reading the newest event: %w", err)
	}
	return n, nil
}

// Heads are the newest numbers of all workspaces.
func Heads(ctx context.Context, q db.Queryer) (map[id.ID]int64, error) {
	rows, err := q.Query(ctx, `select workspace, n from event_head`)
	if err != nil {
		return nil, fmt.Errorf("reading the newest events: %w", err)
	}
	defer rows.Close()
	heads := map[id.ID]int64{}
	for rows.Next() {
		var w id.ID
		var n int64
		if err := rows.Scan(&w, &n); err != nil {
			return nil, err
		}
		heads[w] = n
	}
	return heads, rows.Err()
}

func scan(rows *sql.Rows) ([]Event, error) {
	defer rows.Close()
	var es []Event
	for rows.Next() {
		e, err := scanOne(rows)
		if err != nil {
			return nil, fmt.Errorf("reading an event: %w", err)
		}
		es = append(es, e)
	}
	return es, rows.Err()
}

func scanOne(rows *sql.Rows) (Event, error) {
	var e Event
	var details string
	err := rows.Scan(&e.Workspace, &e.N, db.ScanTime(&e.At), &e.Member, &e.Part, &e.Verb, &e.Kind, &e.Subject, &details, &e.Sealed, &e.Leaf)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
		return e, fmt.Errorf("details of event %d: %w", e.N, err)
	}
	if len(e.Details) == 0 {
		e.Details = nil
	}
	return e, nil
}

// Fault is one thing wrong with a log.
type Fault struct {
	Workspace id.ID
	N         int64
	What      string
}

// Verify reads a workspace's whole log and reports every event that was changed,
// removed or added outside the spine: a gap in the numbers, a leaf that does not
// match its row, personal details that do not match their seal. Details that
// were erased are no fault. It cannot see a log rewritten from its first event
// on: that takes a witness outside.
func Verify(ctx context.Context, q db.Queryer, workspace id.ID) (checked int64, faults []Fault, err error) {
	rows, err := q.Query(ctx, `select e.workspace, e.n, e.at, e.actor, e.actor_part, e.verb, e.kind, e.subject, e.details, e.sealed, e.leaf,
		p.salt, p.details from event e left join event_personal p on p.workspace = e.workspace and p.n = e.n
		where e.workspace = $1 order by e.n`, workspace)
	if err != nil {
		return 0, nil, fmt.Errorf("reading the log: %w", err)
	}
	defer rows.Close()
	var last int64
	for rows.Next() {
		var e Event
		var details string
		var salt []byte
		var personal sql.NullString
		if err := rows.Scan(&e.Workspace, &e.N, db.ScanTime(&e.At), &e.Member, &e.Part, &e.Verb, &e.Kind, &e.Subject,
			&details, &e.Sealed, &e.Leaf, &salt, &personal); err != nil {
			return checked, faults, fmt.Errorf("reading the log: %w", err)
		}
		bad := func(what string) { faults = append(faults, Fault{workspace, e.N, what}) }
		if e.N != last+1 {
			bad(fmt.Sprintf("events %d to %d are missing", last+1, e.N-1))
		}
		last = e.N
		if err := json.Unmarshal([]byte(details), &e.Details); err != nil {
			bad("its details cannot be read")
		} else if !bytes.Equal(Leaf(e), e.Leaf) {
			bad("it was changed after it was recorded")
		}
		if personal.Valid && !bytes.Equal(Sealed(salt, personal.String), e.Sealed) {
			bad("its personal details were changed after it was recorded")
		}
		checked++
	}
	if err := rows.Err(); err != nil {
		return checked, faults, fmt.Errorf("reading the log: %w", err)
	}
	head, err := Head(ctx, q, workspace)
	if err != nil {
		return checked, faults, err
	}
	if head != last {
		faults = append(faults, Fault{workspace, head, fmt.Sprintf("events %d to %d are missing", last+1, head)})
	}
	return checked, faults, nil
}

// Erase removes the personal details about one outside person. The events stay.
func Erase(ctx context.Context, tx *db.Tx, workspace, about id.ID) error {
	if _, err := tx.Exec(ctx, `delete from event_personal where workspace = $1 and about = $2`, workspace, about); err != nil {
		return fmt.Errorf("erasing personal details: %w", err)
	}
	return nil
}
