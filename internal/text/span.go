package text

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Piece is a stretch of a text to which the same spans apply, the outermost
// first. It is what a page walks along: each piece is escaped and wrapped.
type Piece struct {
	Body  string
	Spans []Span
}

// Pieces cuts the body at the borders of its spans. Joined together the pieces
// are the body. Spans that do not fit the body are passed over, so that a text
// from an older version of the program can always be shown.
func (t Text) Pieces() []Piece {
	var out []Piece
	var open []Span
	at, next := 0, 0
	spans := t.valid()
	for at < len(t.Body) {
		open = slices.DeleteFunc(open, func(s Span) bool { return s.End <= at })
		for next < len(spans) && spans[next].Start == at {
			open = append(open, spans[next])
			next++
		}
		end := len(t.Body)
		if next < len(spans) {
			end = spans[next].Start
		}
		for _, s := range open {
			end = min(end, s.End)
		}
		out = append(out, Piece{Body: t.Body[at:end], Spans: slices.Clone(open)})
		at = end
	}
	return out
}

// Split parts what is said from what a mail repeats below it; the second part is
// empty for a text that repeats nothing.
func (t Text) Split() (said, past Text) {
	for i, s := range t.valid() {
		if s.Kind != Past || s.End != len(t.Body) || s.Start == 0 {
			continue
		}
		ok := t.valid()
		said = Text{Body: strings.TrimRight(t.Body[:s.Start], "\n ")}
		for _, in := range ok[:i] {
			in.End = min(in.End, len(said.Body))
			said.Spans = append(said.Spans, in)
		}
		past = Text{Body: t.Body[s.Start:]}
		for _, in := range ok[i+1:] {
			in.Start, in.End = in.Start-s.Start, in.End-s.Start
			past.Spans = append(past.Spans, in)
		}
		return said, past
	}
	return t, Text{}
}

// valid returns the spans that keep the promises of Text.
func (t Text) valid() []Span {
	ok := make([]Span, 0, len(t.Spans))
	var open []Span
	for _, s := range t.Spans {
		if s.Start < 0 || s.End > len(t.Body) || s.Start >= s.End || !onBorder(t.Body, s.Start) || !onBorder(t.Body, s.End) {
			continue
		}
		if len(ok) > 0 && s.Start < ok[len(ok)-1].Start {
			continue
		}
		open = slices.DeleteFunc(open, func(o Span) bool { return o.End <= s.Start })
		if len(open) > 0 && s.End > open[len(open)-1].End {
			continue
		}
		open = append(open, s)
		ok = append(ok, s)
	}
	return ok
}

func onBorder(s string, at int) bool {
	return at == len(s) || utf8.RuneStart(s[at])
}

// sortSpans puts spans in the order Text promises. Two that cover the same
// stretch stand with the one that may hold the other first.
func sortSpans(spans []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End), cmp.Compare(a.Kind.rank(), b.Kind.rank()))
	})
}

func (k SpanKind) rank() int {
	switch k {
	case Past:
		return -1
	case Quote:
		return 0
	case Strike:
		return 1
	case Code:
		return 2
	default:
		return 3
	}
}
