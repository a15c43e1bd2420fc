package conversation

import (
	"testing"
	"time"
)

// What a clock on the wall shows twice is the first, what it leaves out comes as
// long after the change as it would have been.
func TestAWallClockChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, says, is string }{
		{"Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00Z"},
		{"Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00Z"}, // 3:30
		{"Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00Z"},
		{"Europe/Berlin", "2026-03-29T05:00", "2026-03-29T03:00:00Z"},
		{"Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00Z"},
		{"Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00Z"},
		{"Europe/Berlin", "2026-10-25T01:59", "2026-10-24T23:59:00Z"},
		{"America/New_York", "2026-03-08T02:30", "2026-03-08T07:30:00Z"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00Z"},
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00Z"}, // half an hour
		{"Asia/Kathmandu", "2026-06-01T09:00", "2026-06-01T03:15:00Z"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readMoment(c.says, zone)
		if err != nil || got.UTC().Format(time.RFC3339) != c.is {
			t.Errorf("%s in %s is %s (%v), want %s", c.says, c.zone, got.UTC().Format(time.RFC3339), err, c.is)
		}
	}
}

// Every moment that is offered is still to come, and a morning is at nine, whatever
// the clocks do that night.
func TestWhatIsOfferedIsStillToCome(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for now := time.Date(2026, 1, 1, 0, 0, 0, 0, zone); now.Year() == 2026; now = now.Add(37 * time.Minute) {
			for _, r := range rests(now, zone) {
				here := r.at.In(zone)
				if !r.at.After(now.Add(2*time.Hour)) && r.name == "today" || !r.at.After(now) {
					t.Fatalf("at %s %s is %s", now, r.name, r.at)
				}
				if r.name != "today" && (here.Hour() != morning || here.Minute() != 0) || r.name == "week" && here.Weekday() != time.Monday {
					t.Fatalf("at %s %s is %s", now, r.name, here)
				}
			}
		}
	}
}
