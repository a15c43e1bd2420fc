// Package hours is pure arithmetic with the time an office is open: when so much
// of it has passed, and how much of it lies between two moments.
//
// An office is open at certain times of the wall clock on certain days of the
// week, in one time zone, except on its holidays. A time that the clock skips in
// spring means the moment at which it jumps; one that it shows twice in autumn
// means the first of both. So a desk that is open all day is open for 23 hours in
// spring and for 25 in autumn, and nothing is ever counted twice.
//
// Not its business: what was promised to whom, and what people see of it.
package hours

import (
	"slices"
	"time"
)

// Day is how many minutes the wall clock has in a day, whatever the day has.
const Day = 24 * 60

// Span is a part of a day by the wall clock: from a minute after midnight until
// another, which is later and at most Day.
type Span struct {
	From int
	To   int
}

// Week holds the spans of each day, by time.Weekday.
type Week [7][]Span

// Holiday is a day on which nobody is there. Yearly ones come back on the same
// day of every year from then on.
type Holiday struct {
	Date   Date
	Name   string
	Yearly bool
}

// Office is when somebody is there. The zero Office never is.
type Office struct {
	Zone     *time.Location // nil is UTC
	Week     Week
	Holidays []Holiday
}

// Never reports an office that no day of the week opens.
func (o Office) Never() bool {
	for _, spans := range o.Week {
		if len(spans) > 0 {
			return false
		}
	}
	return true
}

// farthest bounds every search: an office that is closed for so long because of
// its holidays is closed for good.
const farthest = 10 * 366

// Add says when d of open time has passed after t: t itself for no time at all,
// however closed it is then. It is false where that never happens.
func (o Office) Add(t time.Time, d time.Duration) (time.Time, bool) {
	if d <= 0 {
		return t, true
	}
	if o.Never() {
		return time.Time{}, false
	}
	day := DateOf(t, o.zone())
	for range farthest {
		for _, open := range o.on(day) {
			from := latest(open.from, t)
			if !from.Before(open.to) {
				continue
			}
			if left := open.to.Sub(from); d > left {
				d -= left
				continue
			}
			return from.Add(d).In(t.Location()), true
		}
		day = day.Next()
	}
	return time.Time{}, false
}

// Between is how much open time lies between two moments; none if b is not after a.
func (o Office) Between(a, b time.Time) (sum time.Duration) {
	if o.Never() {
		return 0
	}
	last := DateOf(b, o.zone())
	for day := DateOf(a, o.zone()); !last.Before(day); day = day.Next() {
		for _, open := range o.on(day) {
			from, to := latest(open.from, a), open.to
			if to.After(b) {
				to = b
			}
			if from.Before(to) {
				sum += to.Sub(from)
			}
		}
	}
	return sum
}

// Open reports whether somebody is there at t.
func (o Office) Open(t time.Time) bool {
	for _, open := range o.on(DateOf(t, o.zone())) {
		if !t.Before(open.from) && t.Before(open.to) {
			return true
		}
	}
	return false
}

func (o Office) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

// between is a span as moments.
type between struct{ from, to time.Time }

// on are the times of one day at which the office is open, in order.
func (o Office) on(day Date) []between {
	spans := o.Week[day.Weekday()]
	if len(spans) == 0 || o.closed(day) {
		return nil
	}
	open := make([]between, 0, len(spans))
	for _, s := range spans {
		to := moment(day, s.To, o.zone())
		if s.To >= Day {
			to = moment(day.Next(), 0, o.zone())
		}
		open = append(open, between{moment(day, s.From, o.zone()), to})
	}
	return open
}

func (o Office) closed(day Date) bool {
	return slices.ContainsFunc(o.Holidays, func(h Holiday) bool {
		return h.Date == day || h.Yearly && h.Date.Month == day.Month && h.Date.Day == day.Day && h.Date.Year < day.Year
	})
}

// moment is the first one at which the wall clock of a day shows so many minutes
// after midnight, or more. time.Date does not say which of two it takes.
func moment(d Date, minute int, zone *time.Location) time.Time {
	wall := time.Date(d.Year, d.Month, d.Day, 0, minute, 0, 0, time.UTC)
	before, after := wall.Add(-offset(wall.Add(-24*time.Hour), zone)), wall.Add(-offset(wall.Add(24*time.Hour), zone))
	if before.After(after) {
		before, after = after, before
	}
	for _, t := range []time.Time{before, after} {
		if shows(t, zone, wall) {
			return t.In(zone)
		}
	}
	// Skipped: the later of both lies behind the jump.
	jump, _ := after.In(zone).ZoneBounds()
	return jump
}

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

func shows(t time.Time, zone *time.Location, wall time.Time) bool {
	return t.Add(offset(t, zone)).Equal(wall)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
