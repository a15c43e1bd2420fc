package i18n

import (
	"strconv"
	"time"
)

// Clock writes the time of day: 14:05.
func (l *Locale) Clock(t time.Time) string { return l.pattern("time.clock", t) }

// Date writes the day: 3 May 2026.
func (l *Locale) Date(t time.Time) string { return l.pattern("time.date", t) }

// Exact leaves nothing out: Sunday 3 May 2026, 14:05 CEST.
func (l *Locale) Exact(t time.Time) string { return l.pattern("time.exact", t) }

// Short says how long ago in as few letters as a list has room for: now, 5m,
// 3h, Tue, 3 May, 3 May 2024. A time ahead is written as its day.
func (l *Locale) Short(t, now time.Time) string {
	age := now.Sub(t)
	switch {
	case age > -time.Minute && age < time.Minute:
		return l.T("time.now")
	case age >= 0 && age < time.Hour:
		return l.T("time.minutes", "n", int64(age/time.Minute))
	case age >= 0 && age < 24*time.Hour:
		return l.T("time.hours", "n", int64(age/time.Hour))
	case age < 0 && l.days(t, now) == 0:
		return l.Clock(t)
	case age >= 0 && l.days(t, now) < 7:
		return l.pattern("time.weekday.short", t)
	case t.In(l.zone).Year() == now.In(l.zone).Year():
		return l.pattern("time.day", t)
	default:
		return l.pattern("time.date", t)
	}
}

// Moment says when, to the minute: 14:05, yesterday 14:05, Tue 14:05, 3 May
// 14:05, 3 May 2024 14:05.
func (l *Locale) Moment(t, now time.Time) string {
	switch days := l.days(t, now); {
	case days == 0:
		return l.Clock(t)
	case days == 1:
		return l.pattern("time.moment.yesterday", t)
	case days == -1:
		return l.pattern("time.moment.tomorrow", t)
	case days > 0 && days < 7:
		return l.pattern("time.moment.weekday", t)
	case t.In(l.zone).Year() == now.In(l.zone).Year():
		return l.pattern("time.moment.day", t)
	default:
		return l.pattern("time.moment.date", t)
	}
}

// Day names a day as a heading: Today, Yesterday, Tuesday 3 May, 3 May 2024.
func (l *Locale) Day(t, now time.Time) string {
	switch days := l.days(t, now); {
	case days == 0:
		return l.T("time.today")
	case days == 1:
		return l.T("time.yesterday")
	case days == -1:
		return l.T("time.tomorrow")
	case t.In(l.zone).Year() == now.In(l.zone).Year():
		return l.pattern("time.heading", t)
	default:
		return l.Date(t)
	}
}

// Ago says how long ago, or in how long, in a sentence: 5 minutes ago, in 3 days.
func (l *Locale) Ago(t, now time.Time) string {
	d, way := now.Sub(t), "ago"
	if d < 0 {
		d, way = -d, "ahead"
	}
	unit, n := largest(d)
	if unit == "" {
		return l.T("time." + way + ".now")
	}
	return l.T("time."+way+"."+unit, "n", n)
}

// Span says how long in words: 40 minutes, 3 hours, 2 days. Less than a minute
// is a minute: people ask for the order of magnitude.
func (l *Locale) Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	unit, n := largest(max(d, time.Minute))
	return l.T("time.span."+unit, "n", n)
}

// largest unit that fits at least once. From 48 hours on it speaks of days and
// from 60 days on of months, since "49 hours" and "90 days" make people count.
func largest(d time.Duration) (unit string, n int64) {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "", 0
	case d < time.Hour:
		return "minutes", int64(d / time.Minute)
	case d < 2*day:
		return "hours", int64(d / time.Hour)
	case d < 60*day:
		return "days", int64(d / day)
	case d < 730*day:
		return "months", int64(d / (30 * day))
	default:
		return "years", int64(d / (365 * day))
	}
}

// days counts midnights from t to now in the reader's zone: 0 is today, 1
// yesterday, -1 tomorrow.
func (l *Locale) days(t, now time.Time) int {
	return dayNumber(now.In(l.zone)) - dayNumber(t.In(l.zone))
}

func dayNumber(t time.Time) int {
	y, m, d := t.Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// pattern fills a pattern of the catalogue. It offers {year} {month} {mon}
// {day} {weekday} {wday} {hour} {hour12} {ampm} {minute} {zone}.
func (l *Locale) pattern(key string, t time.Time) string {
	e, tag, ok := l.entry(key)
	if !ok {
		l.bundle.missing(l.locale.name, key)
		return t.In(l.zone).Format(time.RFC3339)
	}
	t = t.In(l.zone)
	return l.fill(key, e, tag, func(hole string) (any, bool) { return l.part(t, hole) })
}

func (l *Locale) part(t time.Time, hole string) (any, bool) {
	switch hole {
	case "year":
		return strconv.Itoa(t.Year()), true
	case "month":
		return l.T("time.month." + strconv.Itoa(int(t.Month()))), true
	case "mon":
		return l.T("time.mon." + strconv.Itoa(int(t.Month()))), true
	case "day":
		return strconv.Itoa(t.Day()), true
	case "weekday":
		return l.T("time.weekday." + strconv.Itoa(int(t.Weekday()))), true
	case "wday":
		return l.T("time.wday." + strconv.Itoa(int(t.Weekday()))), true
	case "hour":
		return t.Format("15"), true
	case "hour12":
		return t.Format("3"), true
	case "ampm":
		return l.T("time." + t.Format("pm")), true
	case "minute":
		return t.Format("04"), true
	case "zone":
		return t.Format("MST"), true
	}
	return nil, false
}
