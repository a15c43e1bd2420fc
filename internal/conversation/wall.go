package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// wall is the moment at which a clock on the wall shows a time. What it shows twice,
// as summer ends, is the first of the two; what it leaves out, as summer begins, is
// as long after the change as it would have been.
func wall(year int, month time.Month, day, hour, minute int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, hour, minute, 0, 0, zone)
	const around = 3 * time.Hour
	_, before := t.Add(-around).Zone()
	_, after := t.Add(around).Zone()
	if before == after {
		return t
	}
	first := time.Date(year, month, day, hour, minute, 0, 0, time.UTC).Add(-time.Duration(before) * time.Second).In(zone)
	shows := func(t time.Time) bool { return t.Hour() == hour%24 && t.Minute() == minute }
	if shows(first) || !shows(t) {
		return first
	}
	return t
}

// rest is a moment until which a conversation may rest, by what it is called.
type rest struct {
	name string
	at   time.Time
}

const morning = 9 // o'clock

// rests are the moments that are offered: later today, if there is enough of it
// left, tomorrow morning and the morning of next week's Monday.
func rests(now time.Time, zone *time.Location) []rest {
	here := now.In(zone)
	y, m, d := here.Date()
	var all []rest
	// In three hours, on the half hour.
	later := here.Add(3*time.Hour + 29*time.Minute).Truncate(30 * time.Minute)
	if ly, lm, ld := later.Date(); ly == y && lm == m && ld == d && later.Hour() < 21 {
		all = append(all, rest{"today", later})
	}
	monday := (8 - int(here.Weekday())) % 7
	if monday == 0 {
		monday = 7
	}
	return append(all, rest{"tomorrow", wall(y, m, d+1, morning, 0, zone)}, rest{"week", wall(y, m, d+monday, morning, 0, zone)})
}

// readMoment reads what a form's field for a day and a time says.
func readMoment(s string, zone *time.Location) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04", s)
	if err != nil {
		return t, problem.New(problem.Invalid, "conversation.snooze_when").At("until").Because(err)
	}
	return wall(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), zone), nil
}

// zone is the workspace's own.
func (d *Desk) zone(ctx context.Context, q db.Queryer, workspace id.ID) (*time.Location, error) {
	var name string
	if err := q.Row(ctx, `select zone from workspace where id = $1`, workspace).Scan(&name); err != nil {
		return nil, fmt.Errorf("reading the workspace's time zone: %w", err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC, nil // it was checked when it was set; this machine knows fewer
	}
	return zone, nil
}
