package hours_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"parley/internal/hours"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func office(t testing.TB, name, weekdays, saturday string, holidays ...hours.Holiday) hours.Office {
	t.Helper()
	o := hours.Office{Zone: zone(t, name), Holidays: holidays}
	for d := time.Monday; d <= time.Friday; d++ {
		o.Week[d] = spans(t, weekdays)
	}
	o.Week[time.Saturday] = spans(t, saturday)
	return o
}

func spans(t testing.TB, s string) []hours.Span {
	t.Helper()
	all, err := hours.ParseSpans(s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func at(t testing.TB, z *time.Location, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", s, z)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each line is a moment, how much open time passes, and when it has.
func TestAddGoesByTheWallClock(t *testing.T) {
	t.Parallel()
	christmas := hours.Holiday{Date: hours.Date{Year: 2025, Month: time.December, Day: 25}, Name: "Christmas Day", Yearly: true}
	bridge := hours.Holiday{Date: hours.Date{Year: 2026, Month: time.May, Day: 15}, Name: "Bridge day"}
	town := office(t, "Europe/Berlin", "9-12, 13-17", "", christmas, bridge)
	early := office(t, "Europe/Berlin", "1:30-5", "1:30-5")
	early.Week[time.Sunday] = spans(t, "1:30-5")
	for _, one := range []struct {
		what   string
		office hours.Office
		from   string
		add    time.Duration
		want   string
	}{
		{"inside an hour", town, "2026-03-02 09:00", time.Hour, "2026-03-02 10:00"},
		{"to the end of the morning", town, "2026-03-02 09:00", 3 * time.Hour, "2026-03-02 12:00"},
		{"over lunch", town, "2026-03-02 11:00", 2 * time.Hour, "2026-03-02 14:00"},
		{"over the night", town, "2026-03-02 16:00", 2 * time.Hour, "2026-03-03 10:00"},
		{"from before opening", town, "2026-03-02 03:00", time.Hour, "2026-03-02 10:00"},
		{"over a weekend", town, "2026-03-06 16:30", time.Hour, "2026-03-09 09:30"},
		{"a whole week", town, "2026-03-02 09:00", 35 * time.Hour, "2026-03-06 17:00"},
		{"over a holiday and the weekend behind it", town, "2026-05-14 16:30", time.Hour, "2026-05-18 09:30"},
		{"asked on a holiday", town, "2026-05-15 11:00", time.Hour, "2026-05-18 10:00"},
		{"a holiday of every year", town, "2026-12-24 16:00", 2 * time.Hour, "2026-12-28 10:00"},
		{"not before its first year", town, "2024-12-25 09:00", time.Hour, "2024-12-25 10:00"},
		{"no time at all", town, "2026-03-01 03:00", 0, "2026-03-01 03:00"},
		{"over the weekend in which the clock jumps", town, "2026-03-27 16:00", 2 * time.Hour, "2026-03-30 10:00"},
		{"over the weekend in which it goes back", town, "2026-10-23 16:00", 2 * time.Hour, "2026-10-26 10:00"},
		{"through the jump: 1:30 to 2:00, then 3:00 on", early, "2026-03-29 01:30", time.Hour, "2026-03-29 03:30"},
		{"through the hour that comes twice", early, "2026-10-25 01:30", 2 * time.Hour, "2026-10-25 02:30"},
	} {
		z := one.office.Zone
		got, ok := one.office.Add(at(t, z, one.from), one.add)
		if !ok || got.In(z).Format("2006-01-02 15:04") != one.want {
			t.Errorf("%s: %s and %v of open time is %s (%v), want %s", one.what, one.from, one.add, got.In(z).Format("2006-01-02 15:04"), ok, one.want)
		}
	}
}

// Where a span begins or ends in an hour that is skipped or comes twice.
func TestDaysWithMoreOrFewerHours(t *testing.T) {
	t.Parallel()
	all := hours.Office{}
	for d := range all.Week {
		all.Week[d] = []hours.Span{{From: 0, To: hours.Day}}
	}
	night := hours.Office{}
	night.Week[time.Sunday] = []hours.Span{{From: 150, To: 300}} // 2:30 to 5:00
	for _, one := range []struct {
		what   string
		office hours.Office
		zone   string
		day    string
		want   time.Duration
	}{
		{"spring, open all day", all, "Europe/Berlin", "2026-03-29", 23 * time.Hour},
		{"autumn, open all day", all, "Europe/Berlin", "2026-10-25", 25 * time.Hour},
		{"a usual day", all, "Europe/Berlin", "2026-06-01", 24 * time.Hour},
		{"spring, from an hour that is not there", night, "Europe/Berlin", "2026-03-29", 2 * time.Hour},
		{"autumn, from the first 2:30", night, "Europe/Berlin", "2026-10-25", 3*time.Hour + 30*time.Minute},
		{"spring by half an hour", all, "Australia/Lord_Howe", "2026-10-04", 23*time.Hour + 30*time.Minute},
		{"spring at midnight", all, "America/Santiago", "2026-09-06", 23 * time.Hour},
		{"autumn at midnight", all, "America/Santiago", "2026-04-04", 25 * time.Hour},
		{"a day that was left out", all, "Pacific/Apia", "2011-12-30", 0},
	} {
		one.office.Zone = zone(t, one.zone)
		day, err := hours.ParseDate(one.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := one.office.Between(day.Time(one.office.Zone), day.Next().Time(one.office.Zone)); got != one.want {
			t.Errorf("%s: %v, want %v", one.what, got, one.want)
		}
	}
}

func TestClosedForeverPromisesNothing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	if _, ok := (hours.Office{}).Add(now, time.Hour); ok {
		t.Error("an office that never opens promises something")
	}
	if got := (hours.Office{}).Between(now, now.AddDate(1, 0, 0)); got != 0 {
		t.Errorf("it was open for %v", got)
	}
	o := office(t, "UTC", "9-10", "")
	for d := hours.DateOf(now, time.UTC); d.Year < 2040; d = d.Next() {
		o.Holidays = append(o.Holidays, hours.Holiday{Date: d})
	}
	if _, ok := o.Add(now, time.Hour); ok {
		t.Error("years of holidays promise something")
	}
}

// anyOffice draws hours, holidays and a zone with changes of its own.
func anyOffice(t *rapid.T) hours.Office {
	name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kathmandu", "Pacific/Apia"}).Draw(t, "zone")
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	o := hours.Office{Zone: z}
	for d := range o.Week {
		minute := 0
		for range rapid.IntRange(0, 3).Draw(t, "spans") {
			from := minute + rapid.IntRange(1, 300).Draw(t, "from")
			to := from + rapid.IntRange(1, 300).Draw(t, "to")
			if to > hours.Day {
				break
			}
			o.Week[d], minute = append(o.Week[d], hours.Span{From: from, To: to}), to
		}
	}
	for range rapid.IntRange(0, 4).Draw(t, "holidays") {
		o.Holidays = append(o.Holidays, hours.Holiday{Date: hours.DateOf(anyTime(t), z), Yearly: rapid.Bool().Draw(t, "yearly")})
	}
	return o
}

func anyTime(t *rapid.T) time.Time {
	// Two years with four changes of the clock.
	return time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "unix"), 0).UTC()
}

func TestOpenTimeAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice(t)
		a := anyTime(t)
		b := a.Add(time.Duration(rapid.Int64Range(0, 40*24*3600).Draw(t, "later")) * time.Second)
		c := b.Add(time.Duration(rapid.Int64Range(0, 40*24*3600).Draw(t, "later still")) * time.Second)
		if o.Between(a, b)+o.Between(b, c) != o.Between(a, c) {
			t.Fatalf("the parts are %v and %v, the whole is %v", o.Between(a, b), o.Between(b, c), o.Between(a, c))
		}
		if got := o.Between(a, b); got < 0 || got > b.Sub(a) {
			t.Fatalf("%v open within %v", got, b.Sub(a))
		}
		if o.Between(b, a) > 0 && b.After(a) {
			t.Fatal("time runs backwards")
		}
		if o.Open(a) != (o.Between(a, a.Add(time.Second)) > 0) {
			t.Fatal("open and between disagree")
		}
	})
}

func TestAddIsTheInverseOfBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOffice(t)
		a := anyTime(t)
		d := time.Duration(rapid.Int64Range(1, 100*3600).Draw(t, "d")) * time.Second
		due, ok := o.Add(a, d)
		if ok == o.Never() {
			t.Fatalf("promised: %v, never open: %v", ok, o.Never())
		}
		if !ok {
			return
		}
		if got := o.Between(a, due); got != d {
			t.Fatalf("%v of open time until then, want %v", got, d)
		}
		if o.Between(a, due.Add(-time.Second)) >= d {
			t.Fatal("it has passed before")
		}
		half, _ := o.Add(a, d/2)
		if rest, ok := o.Add(half, d-d/2); !ok || !rest.Equal(due) {
			t.Fatalf("in two steps it is %v, in one %v", rest, due)
		}
		later := a.Add(time.Duration(rapid.Int64Range(0, 10*24*3600).Draw(t, "later")) * time.Second)
		if then, ok := o.Add(later, d); !ok || then.Before(due) {
			t.Fatalf("who asks later is promised %v, before %v", then, due)
		}
	})
}
