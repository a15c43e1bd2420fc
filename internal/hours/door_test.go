package hours_test

import (
	"errors"
	"reflect"
	"testing"

	"parley/internal/hours"
)

func TestHoursAsTheyStandOnADoor(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "",
		" - ":                        "",
		"–":                          "",
		"9-17":                       "09:00–17:00",
		"9–12, 13:30–17":             "09:00–12:00, 13:30–17:00",
		"09.00 - 12.30; 14-18":       "09:00–12:30, 14:00–18:00",
		"9h-12h30, 14h — 18h":        "09:00–12:30, 14:00–18:00",
		"13-17, 9-12":                "09:00–12:00, 13:00–17:00",
		"9-12, 12-17":                "09:00–17:00",
		"9-14, 13-17":                "09:00–17:00",
		"0-24":                       "00:00–24:00",
		"1-2,3-4,5-6,7-8,9-10,11-12": "01:00–02:00, 03:00–04:00, 05:00–06:00, 07:00–08:00, 09:00–10:00, 11:00–12:00",
	} {
		spans, err := hours.ParseSpans(in)
		if got := hours.FormatSpans(spans); err != nil || got != want {
			t.Errorf("%q is read as %q (%v), want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"9", "9-", "-17", "17-9", "9-9", "9-25", "24:01-24:02", "9:5-17", "9:60-17", "9:-17", "nine to five", "9-12-17", "9-17,", "009-17",
		"1-2,3-4,5-6,7-8,9-10,11-12,13-14", "9-+17"} {
		if spans, err := hours.ParseSpans(in); !errors.Is(err, hours.ErrSpans) {
			t.Errorf("%q is read as %v (%v)", in, spans, err)
		}
	}
}

func FuzzSpans(f *testing.F) {
	for _, s := range []string{"", "9-17", "9–12, 13:30–17", "0-24", "9h-12h30", "١-٢", "9-17,,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spans, err := hours.ParseSpans(s)
		if err != nil {
			return
		}
		end := -1
		for _, one := range spans {
			if one.From <= end || one.To <= one.From || one.To > hours.Day {
				t.Fatalf("%q is read as %v", s, spans)
			}
			end = one.To
		}
		again, err := hours.ParseSpans(hours.FormatSpans(spans))
		if err != nil || !reflect.DeepEqual(again, spans) {
			t.Fatalf("%v is written and read as %v (%v)", spans, again, err)
		}
	})
}
