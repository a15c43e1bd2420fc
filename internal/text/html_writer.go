package text

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// writer collects words and spans. White space is written late, when a word
// follows it, so that neither body nor spans begin or end with any.
type writer struct {
	body  []byte
	spans []Span
	lines int    // new lines owed before the next word
	owed  bool   // a space is owed
	mark  string // a list item's mark is owed
	lead  string // white space that pre keeps is owed
	full  bool   // MaxBody was reached
}

// write appends words, with white space collapsed unless pre. The elements of
// stack that have no words yet begin with these.
func (w *writer) write(s string, pre bool, stack []element) {
	for s != "" && !w.full {
		rest := strings.TrimLeft(s, " \t\n\f")
		w.white(s[:len(s)-len(rest)], pre)
		s = rest
		n := strings.IndexAny(s, " \t\n\f")
		if n < 0 {
			n = len(s)
		}
		if n > 0 {
			w.begin(stack)
			w.append(s[:n])
			s = s[n:]
		}
	}
}

// white owes white space; inside pre it is kept as it is.
func (w *writer) white(s string, pre bool) {
	if s == "" {
		return
	}
	if !pre {
		w.owed = true
		return
	}
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		w.lines += strings.Count(s, "\n")
		w.lead, s = "", s[i+1:]
	}
	w.lead += s
}

func (w *writer) space() { w.owed = true }

// newline is a <br>: two of them leave an empty line.
func (w *writer) newline() { w.lines++ }

// breakLine ends the line, and with empty leaves one empty.
func (w *writer) breakLine(empty bool) {
	w.lead = ""
	w.lines = max(w.lines, 1)
	if empty {
		w.lines = max(w.lines, 2)
	}
}

// begin writes the white space and list mark that are owed. The mark belongs to
// what is around the list item, not to what is inside.
func (w *writer) begin(stack []element) {
	switch {
	case len(w.body) == 0:
	case w.lines > 0:
		w.append("\n\n"[:min(w.lines, 2)])
	case w.owed:
		w.append(" ")
	}
	w.lines, w.owed = 0, false
	if w.mark != "" {
		for i := len(stack) - 1; i >= 0; i-- {
			if stack[i].tag == atom.Li {
				w.startAll(stack[:i+1])
				break
			}
		}
		w.append(w.mark)
		w.mark = ""
	}
	w.startAll(stack)
	w.append(w.lead)
	w.lead = ""
}

// startAll lets the elements that have no words yet begin here.
func (w *writer) startAll(stack []element) {
	for i := len(stack) - 1; i >= 0 && stack[i].start < 0; i-- {
		stack[i].start = len(w.body)
	}
}

// append adds s as it stands, or as much of it as there is room for.
func (w *writer) append(s string) {
	room := MaxBody - len(ellipsis) - len(w.body)
	switch {
	case w.full, room < 0:
		w.full = true
	case len(s) <= room:
		w.body = append(w.body, s...)
	default:
		for room > 0 && !utf8.RuneStart(s[room]) {
			room--
		}
		w.body = append(append(w.body, s[:room]...), ellipsis...)
		w.full = true
	}
}

// close makes a span of an element that has just left the stack.
func (w *writer) close(e element, stack []element) {
	if e.tag == atom.A {
		w.closeLink(e, stack)
		return
	}
	kind := spanOf(e.tag)
	if kind == "" || e.start < 0 {
		return
	}
	for i := range stack {
		if spanOf(stack[i].tag) == kind {
			return // the outer one will cover it
		}
	}
	w.span(Span{Start: e.start, End: len(w.body), Kind: kind})
}

// closeLink puts the right words in the place of the link's own.
func (w *writer) closeLink(e element, stack []element) {
	if e.link.kind == "" {
		return
	}
	if e.start < 0 {
		w.begin(stack)
		e.start = len(w.body)
	}
	words := string(w.body[e.start:])
	if label := e.link.label(words); label != words {
		w.body, w.full = w.body[:e.start], false
		w.append(label)
	}
	// A link holds no other span.
	for len(w.spans) > 0 && w.spans[len(w.spans)-1].Start >= e.start {
		w.spans = w.spans[:len(w.spans)-1]
	}
	w.span(Span{Start: e.start, End: len(w.body), Kind: e.link.kind, Target: e.link.target})
}

func (w *writer) span(s Span) {
	if s.Start < s.End && len(w.spans) < maxSpans {
		w.spans = append(w.spans, s)
	}
}

func (w *writer) result() Text {
	sortSpans(w.spans)
	return Text{Body: string(w.body), Spans: w.spans}
}
