package hours

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrSpans is that hours could not be read.
var ErrSpans = errors.New("these are no hours")

// maxSpans is how often a day may open: more is a mistake.
const maxSpans = 6

// ParseSpans reads hours as they stand on a door: "9–12, 13:30–17". Nothing, or a
// dash, is closed. Spans that touch or overlap become one. Minutes stand behind a
// colon or a point; any dash will do, and "h" may stand for the colon.
func ParseSpans(s string) ([]Span, error) {
	s = strings.NewReplacer("–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-", ";", ",", "\u00a0", " ").Replace(s)
	if t := strings.TrimSpace(s); t == "" || t == "-" {
		return nil, nil
	}
	var spans []Span
	for _, part := range strings.Split(s, ",") {
		from, to, ok := strings.Cut(part, "-")
		a, err := minute(from)
		b, err2 := minute(to)
		if !ok || err != nil || err2 != nil || b <= a || len(spans) == maxSpans {
			return nil, fmt.Errorf("%w: %.60q", ErrSpans, part)
		}
		spans = append(spans, Span{a, b})
	}
	return merged(spans), nil
}

// minute reads 9, 9:30, 09.30 or 9h30.
func minute(s string) (int, error) {
	hour, rest, some := strings.TrimSpace(s), "0", false
	if i := strings.IndexAny(hour, ":.hH"); i >= 0 {
		hour, rest, some = hour[:i], hour[i+1:], hour[i] == ':' || hour[i] == '.'
		if rest == "" && !some {
			rest = "0" // 9h
		} else if len(rest) != 2 {
			return 0, ErrSpans
		}
	}
	h, err := strconv.ParseUint(hour, 10, 8)
	m, err2 := strconv.ParseUint(rest, 10, 8)
	if err != nil || err2 != nil || len(hour) > 2 || m > 59 || h*60+m > Day {
		return 0, ErrSpans
	}
	return int(h*60 + m), nil
}

// merged puts spans in order and makes one of those that touch.
func merged(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return a.From - b.From })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// FormatSpans writes hours as ParseSpans reads them: "09:00–12:00, 13:30–17:00".
func FormatSpans(spans []Span) string {
	var parts []string
	for _, s := range spans {
		parts = append(parts, clockTime(s.From)+"–"+clockTime(s.To))
	}
	return strings.Join(parts, ", ")
}

func clockTime(minute int) string { return fmt.Sprintf("%02d:%02d", minute/60, minute%60) }

// Check puts the spans of a week in order and refuses what is no part of a day.
func (w Week) Check() (Week, error) {
	for d, spans := range w {
		if len(spans) > maxSpans {
			return w, fmt.Errorf("%w: a day opens %d times", ErrSpans, len(spans))
		}
		for _, s := range spans {
			if s.From < 0 || s.To <= s.From || s.To > Day {
				return w, fmt.Errorf("%w: from %d to %d", ErrSpans, s.From, s.To)
			}
		}
		w[d] = merged(slices.Clone(spans))
	}
	return w, nil
}
