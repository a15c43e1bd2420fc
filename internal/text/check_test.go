package text_test

import (
	"strings"
	"unicode/utf8"

	"parley/internal/text"
)

// failer is what checkText needs of a test, a fuzz run or a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkText fails unless t keeps the promises of Text and of Clean.
func checkText(t failer, from string, got text.Text) {
	t.Helper()
	if got.Body != text.Clean(got.Body) {
		t.Fatalf("body %q of %q is not clean", got.Body, from)
	}
	var open []text.Span
	for i, s := range got.Spans {
		if s.Start < 0 || s.Start >= s.End || s.End > len(got.Body) {
			t.Fatalf("span %d %+v of %q is outside %q", i, s, from, got.Body)
		}
		if !border(got.Body, s.Start) || !border(got.Body, s.End) {
			t.Fatalf("span %d %+v of %q cuts a character of %q", i, s, from, got.Body)
		}
		if !utf8.ValidString(s.Target) || strings.ContainsRune(s.Target, 0) {
			t.Fatalf("span %d of %q has target %q", i, from, s.Target)
		}
		if i > 0 && s.Start < got.Spans[i-1].Start {
			t.Fatalf("spans of %q are not sorted: %+v", from, got.Spans)
		}
		for len(open) > 0 && open[len(open)-1].End <= s.Start {
			open = open[:len(open)-1]
		}
		for _, o := range open {
			if s.End > o.End || o.Kind == s.Kind || o.Kind == text.Link || o.Kind == text.Mention || o.Kind == text.Tag {
				t.Fatalf("spans of %q: %+v does not belong into %+v", from, s, o)
			}
		}
		open = append(open, s)
	}
	var whole strings.Builder
	n := 0
	for _, p := range got.Pieces() {
		whole.WriteString(p.Body)
		n += len(p.Spans)
	}
	if whole.String() != got.Body {
		t.Fatalf("pieces of %q are %q, not %q", from, whole.String(), got.Body)
	}
	if n < len(got.Spans) {
		t.Fatalf("pieces of %q hold %d spans of %d", from, n, len(got.Spans))
	}
}

func border(s string, at int) bool { return at == len(s) || utf8.RuneStart(s[at]) }

// spell writes a text with its spans in brackets: "see [link https://a.example|a.example]".
func spell(t text.Text) string {
	var b strings.Builder
	depth := 0
	var open []text.Span
	for _, p := range t.Pieces() {
		for depth > 0 && !contains(p.Spans, open[depth-1]) {
			b.WriteByte(']')
			depth--
			open = open[:depth]
		}
		for _, s := range p.Spans[depth:] {
			b.WriteByte('[')
			b.WriteString(string(s.Kind))
			if s.Target != "" {
				b.WriteString(" " + s.Target)
			}
			b.WriteByte('|')
			open = append(open, s)
			depth++
		}
		b.WriteString(p.Body)
	}
	return b.String() + strings.Repeat("]", depth)
}

func contains(spans []text.Span, s text.Span) bool {
	for _, o := range spans {
		if o == s {
			return true
		}
	}
	return false
}
