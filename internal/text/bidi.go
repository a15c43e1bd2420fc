package text

import (
	"sort"
	"strings"
)

// Bidirectional formatting characters (UAX #9, section 2). The marks LRM, RLM
// and ALM are not among them: they are harmless and stay.
const (
	lre = '\u202A'
	rle = '\u202B'
	pdf = '\u202C'
	lro = '\u202D'
	rlo = '\u202E'
	lri = '\u2066'
	rli = '\u2067'
	fsi = '\u2068'
	pdi = '\u2069'
)

// maxBidiDepth is how many levels of embedding the algorithm knows (UAX #9, BD2).
const maxBidiDepth = 125

// DisplaySafe is s as it may stand on a screen beside other words. Overrides,
// which can make "gpj.exe" read as a picture, are taken out; embeddings and
// isolates stay only where they end within their own line, so that nothing said
// outside turns the words of the page around. What is stored keeps them all.
func DisplaySafe(s string) string {
	cuts := bidiCuts(s)
	if len(cuts) == 0 {
		return s
	}
	return without(s, cuts)
}

// Isolate is DisplaySafe between a first-strong isolate and its end: a name of
// unknown direction that can stand inside a sentence.
func Isolate(s string) string {
	return string(fsi) + DisplaySafe(strings.ReplaceAll(s, "\n", " ")) + string(pdi)
}

// DisplaySafe is t with a safe body and its spans moved accordingly; spans left
// empty are dropped.
func (t Text) DisplaySafe() Text {
	cuts := bidiCuts(t.Body)
	if len(cuts) == 0 {
		return t
	}
	out := Text{Body: without(t.Body, cuts)}
	for _, s := range t.Spans {
		s.Start, s.End = moved(s.Start, cuts), moved(s.End, cuts)
		if s.Start < s.End {
			out.Spans = append(out.Spans, s)
		}
	}
	sortSpans(out.Spans)
	return out
}

// opened is a formatting character whose end has not come yet.
type opened struct {
	at      int
	r       rune
	dropped bool
}

func (o opened) isolate() bool { return o.r == lri || o.r == rli || o.r == fsi }

// bidiLine follows the nesting of one line (UAX #9, X1 to X8).
type bidiLine struct {
	stack []opened
	cuts  map[int]bool
}

// bidiCuts lists, in order, the byte offsets of the characters to take out.
// Each is three bytes long.
func bidiCuts(s string) []int {
	if !strings.ContainsAny(s, "\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069") {
		return nil
	}
	l := bidiLine{cuts: map[int]bool{}}
	for i, r := range s {
		switch r {
		case '\n', '\u2029':
			l.end()
		case lre, rle, lro, rlo, lri, rli, fsi:
			l.open(i, r)
		case pdf:
			l.closeEmbedding(i)
		case pdi:
			l.closeIsolate(i)
		}
	}
	l.end()
	if len(l.cuts) == 0 {
		return nil
	}
	var cuts []int
	for i := range s {
		if l.cuts[i] {
			cuts = append(cuts, i)
		}
	}
	return cuts
}

func (l *bidiLine) open(at int, r rune) {
	drop := r == lro || r == rlo || len(l.stack) >= maxBidiDepth
	if drop {
		l.cuts[at] = true
	}
	l.stack = append(l.stack, opened{at, r, drop})
}

func (l *bidiLine) closeEmbedding(at int) {
	top := len(l.stack) - 1
	if top < 0 || l.stack[top].isolate() {
		l.cuts[at] = true
		return
	}
	if l.stack[top].dropped {
		l.cuts[at] = true
	}
	l.stack = l.stack[:top]
}

// closeIsolate ends the innermost isolate and, with it, every embedding inside.
func (l *bidiLine) closeIsolate(at int) {
	for i := len(l.stack) - 1; i >= 0; i-- {
		if !l.stack[i].isolate() {
			continue
		}
		if l.stack[i].dropped {
			l.cuts[at] = true
		}
		l.abandon(i + 1)
		l.stack = l.stack[:i]
		return
	}
	l.cuts[at] = true
}

// abandon takes out what was opened from position i on and never closed.
func (l *bidiLine) abandon(i int) {
	for _, o := range l.stack[i:] {
		l.cuts[o.at] = true
	}
}

func (l *bidiLine) end() {
	l.abandon(0)
	l.stack = l.stack[:0]
}

const bidiLen = 3 // every formatting character is three bytes of UTF-8

func without(s string, cuts []int) string {
	var b strings.Builder
	b.Grow(len(s) - bidiLen*len(cuts))
	from := 0
	for _, at := range cuts {
		b.WriteString(s[from:at])
		from = at + bidiLen
	}
	b.WriteString(s[from:])
	return b.String()
}

// moved is where offset at lies once the cuts are taken out.
func moved(at int, cuts []int) int {
	return at - bidiLen*sort.SearchInts(cuts, at)
}
