package conversation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/hours"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Promise is when somebody is there in a workspace, and how soon people are
// answered. Without one, everybody simply waits since when they wait.
type Promise struct {
	Within time.Duration // of open time; 0: nothing is promised
	Office hours.Office
	Zone   string    // the workspace's
	Set    time.Time // zero: never
}

// Due is when somebody who waits since then is promised an answer; the zero time
// if nothing is promised.
func (p Promise) Due(since time.Time) time.Time {
	if p.Within <= 0 || since.IsZero() {
		return time.Time{}
	}
	due, _ := p.Office.Add(since, p.Within)
	return due
}

const (
	longestPromise = 30 * 24 * time.Hour
	mostHolidays   = 200
	maxHoliday     = 80 // bytes of a name
)

// Promise reads what is promised in the actor's workspace.
func (d *Desk) Promise(ctx context.Context, a actor.Actor) (Promise, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return Promise{}, a.Require(actor.ReadConversations)
	}
	return d.promise(ctx, d.db.Read(), a.Workspace)
}

func (d *Desk) promise(ctx context.Context, q db.Queryer, workspace id.ID) (p Promise, err error) {
	var zone, week, holidays string
	var minutes int64
	err = q.Row(ctx, `select w.zone, coalesce(p.minutes, 0), coalesce(p.week, ''), coalesce(p.holidays, ''), coalesce(p.set_at, 0)
		from workspace w left join promise p on p.workspace = w.id where w.id = $1`, workspace).
		Scan(&zone, &minutes, &week, &holidays, db.ScanTime(&p.Set))
	if err != nil {
		return p, fmt.Errorf("reading what is promised: %w", err)
	}
	p.Zone = zone
	if p.Set.IsZero() {
		return p, nil
	}
	p.Within = time.Duration(minutes) * time.Minute
	if p.Office.Zone, err = time.LoadLocation(zone); err != nil {
		return p, fmt.Errorf("reading when somebody is there: %w", err)
	}
	if err := json.Unmarshal([]byte(week), &p.Office.Week); err != nil {
		return p, fmt.Errorf("reading when somebody is there: %w", err)
	}
	if p.Office.Holidays, err = decode[hours.Holiday](holidays); err != nil {
		return p, fmt.Errorf("reading when nobody is there: %w", err)
	}
	return p, nil
}

// SetPromise says when somebody is there and how soon people are answered. The
// zone of the hours is the workspace's, whatever the one given.
func (d *Desk) SetPromise(ctx context.Context, a actor.Actor, in Promise) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	in, err := in.clean()
	if err != nil {
		return err
	}
	week, err := json.Marshal(in.Office.Week)
	if err != nil {
		return fmt.Errorf("writing when somebody is there: %w", err)
	}
	holidays, err := json.Marshal(in.Office.Holidays)
	if err != nil {
		return fmt.Errorf("writing when nobody is there: %w", err)
	}
	minutes := int64(in.Within / time.Minute)
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `insert into promise (workspace, minutes, week, holidays, set_by, set_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (workspace) do update set minutes = excluded.minutes, week = excluded.week, holidays = excluded.holidays,
				set_by = excluded.set_by, set_at = excluded.set_at`,
			a.Workspace, minutes, string(week), string(holidays), a.Member, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("setting what is promised: %w", err)
		}
		d.log.Record(tx, a, event.Entry{Verb: "promise.set", Kind: "workspace", Subject: a.Workspace, Details: map[string]string{"minutes": strconv.FormatInt(minutes, 10)}})
		return nil
	})
}

// clean checks a promise and brings it into the form that is stored.
func (p Promise) clean() (Promise, error) {
	if p.Within < 0 || p.Within > longestPromise || p.Within%time.Minute != 0 {
		return p, problem.New(problem.Invalid, "conversation.promise_within", "max", int(longestPromise/time.Hour)).At("within")
	}
	week, err := p.Office.Week.Check()
	if err != nil {
		return p, problem.New(problem.Invalid, "conversation.promise_hours").At("week").Because(err)
	}
	p.Office.Week = week
	if p.Within > 0 && p.Office.Never() {
		return p, problem.New(problem.Invalid, "conversation.promise_closed").At("within")
	}
	if len(p.Office.Holidays) > mostHolidays {
		return p, problem.New(problem.Invalid, "conversation.promise_holidays", "max", mostHolidays).At("holidays")
	}
	holidays := make([]hours.Holiday, 0, len(p.Office.Holidays))
	for _, h := range p.Office.Holidays {
		if y := h.Date.Year; y < 1 || y > 9999 {
			return p, problem.New(problem.Invalid, "conversation.promise_date").At("holidays")
		}
		h.Name = strings.TrimSpace(text.CleanLine(h.Name, maxHoliday))
		holidays = append(holidays, h)
	}
	slices.SortStableFunc(holidays, func(a, b hours.Holiday) int { return strings.Compare(a.Date.String(), b.Date.String()) })
	p.Office.Holidays = slices.CompactFunc(holidays, func(a, b hours.Holiday) bool { return a.Date == b.Date })
	return p, nil
}

// due is when somebody who waits since then is promised an answer.
func (d *Desk) due(ctx context.Context, workspace id.ID, since time.Time) (time.Time, error) {
	if since.IsZero() {
		return since, nil
	}
	p, err := d.promise(ctx, d.db.Read(), workspace)
	return p.Due(since), err
}

// dueRows says of each row when its answer falls due.
func (d *Desk) dueRows(ctx context.Context, workspace id.ID, rows []Row) error {
	if !slices.ContainsFunc(rows, func(r Row) bool { return !r.Waiting.IsZero() }) {
		return nil
	}
	p, err := d.promise(ctx, d.db.Read(), workspace)
	for i := range rows {
		rows[i].Due = p.Due(rows[i].Waiting)
	}
	return err
}
