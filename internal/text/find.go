package text

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Range is a stretch of a text, in bytes, End exclusive.
type Range struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// In reports whether a term stands among the tokens of a text.
func (t Term) In(tokens []string) bool {
	for i := range tokens {
		if t.at(tokens, i) {
			return true
		}
	}
	return false
}

// at reports whether a term begins at token i.
func (t Term) at(tokens []string, i int) bool {
	last := len(t.Tokens) - 1
	if last < 0 || i+last >= len(tokens) {
		return false
	}
	for j, want := range t.Tokens {
		if tokens[i+j] != want && !(j == last && t.Prefix && strings.HasPrefix(tokens[i+j], want)) {
			return false
		}
	}
	return true
}

// Find tells where any of the terms stand in s, as it is and not as it is folded:
// sorted, apart from each other, and never in the middle of a character with its
// marks. What was only the beginning of a word is found with the whole word, in a
// script without spaces with what was asked for.
func Find(s string, terms []Term) []Range {
	if len(terms) == 0 || s == "" {
		return nil
	}
	folded, from := unfold(s)
	if from == nil {
		return nil
	}
	c := cutter{s: folded, spots: true}
	c.run()
	var found []Range
	for i := range c.out {
		for _, t := range terms {
			if !t.at(c.out, i) {
				continue
			}
			last := len(t.Tokens) - 1
			r := Range{c.at[i].Start, c.at[i+last].End}
			if t.Prefix && alone(t.Tokens[last]) {
				r.End = c.at[i+last].Start + len(t.Tokens[last])
			}
			found = append(found, Range{from[pieceAt(from, r.Start)].Start, from[pieceAt(from, r.End-1)].End})
		}
	}
	return apart(found)
}

// piece is where a few bytes of a folded text come from.
type piece struct {
	at int // in the folded text
	Range
}

// unfold folds s and tells from where each piece of the result comes; nil where
// that cannot be told, since folding the whole joins what folding pieces does not.
func unfold(s string) (folded string, from []piece) {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := norm.NFKC.NextBoundaryInString(s[i:], true)
		if n <= 0 {
			n = len(s) - i
		}
		from = append(from, piece{b.Len(), Range{i, i + n}})
		b.WriteString(Fold(s[i : i+n]))
		i += n
	}
	if folded = Fold(s); folded != b.String() {
		return "", nil
	}
	return folded, from
}

// pieceAt is the last piece that begins at or before a byte of the folded text:
// what was folded to nothing is passed over.
func pieceAt(from []piece, at int) int {
	i, _ := slices.BinarySearchFunc(from, at+1, func(p piece, at int) int { return cmp.Compare(p.at, at) })
	return i - 1
}

// apart sorts ranges and joins those that touch.
func apart(rs []Range) []Range {
	slices.SortFunc(rs, func(a, b Range) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	var out []Range
	for _, r := range rs {
		if n := len(out); n > 0 && r.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Excerpt is a line of at most about room bytes of s around the first range, and
// the ranges in it. White space is as in s; an ellipsis stands where something was
// left out.
func Excerpt(s string, found []Range, room int) (string, []Range) {
	if len(s) <= room {
		return s, found
	}
	start := 0
	if len(found) > 0 && found[0].End > room*2/3 {
		start = wordAfter(s, found[0].Start-room/3, found[0].Start)
	}
	end := len(s)
	if end-start > room {
		end = start + border(s[start:], room)
	}
	head, tail := "", ""
	if start > 0 {
		head = ellipsis
	}
	if end < len(s) {
		tail = ellipsis
	}
	var inside []Range
	for _, f := range found {
		if f.Start >= start && f.End <= end {
			inside = append(inside, Range{f.Start - start + len(head), f.End - start + len(head)})
		}
	}
	return head + s[start:end] + tail, inside
}

// wordAfter is where a word begins at or after byte at and before limit; where
// none does, a border between characters.
func wordAfter(s string, at, limit int) int {
	at = max(at, 0)
	if i := strings.IndexByte(s[at:limit], ' '); i >= 0 {
		return at + i + 1
	}
	for at < limit && !utf8.RuneStart(s[at]) {
		at++
	}
	return at
}
