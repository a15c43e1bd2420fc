package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Search is what somebody typed into a search box, in tokens. A message is
// found when it holds every term.
type Search struct {
	Terms []Term
}

// Term is one or more tokens that stand next to each other, in this order. With
// Prefix the last of them is only the beginning of a word.
//
// SQLite's FTS5 wants "a b" or "a b"*, PostgreSQL's tsquery a <-> b or
// a <-> b:*; terms are joined by AND and &. Tokens need no escaping.
type Term struct {
	Tokens []string
	Prefix bool
}

const (
	maxTerms       = 16
	maxTermTokens  = 32
	maxSearchBytes = 1000
)

// IsZero reports a search for nothing, which finds nothing.
func (s Search) IsZero() bool { return len(s.Terms) == 0 }

// Query reads a search box: words, "quoted phrases" with any usual kind of
// quotation marks, and prefix*. A quotation mark that is never closed goes to
// the end. A word that is several tokens (e-mail, 東京都) is a phrase. A single
// character of a script without spaces is a prefix, since such texts are indexed
// in pairs; it is not found where it ends a run of such characters. What exceeds a sensible length is left out; nothing is an error.
func Query(s string) Search {
	var out Search
	rest := Cut(Clean(s), maxSearchBytes)
	for rest != "" && len(out.Terms) < maxTerms {
		var part string
		part, rest = NextPart(rest)
		if t, ok := ParseTerm(part); ok {
			out.Terms = append(out.Terms, t)
		}
	}
	return out
}

// NextPart cuts the first word or quoted phrase off s, without its marks. A star
// that follows a phrase's closing mark belongs to it.
func NextPart(s string) (part, rest string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if s == "" {
		return "", ""
	}
	r, n := utf8.DecodeRuneInString(s)
	if !Quotation(r) {
		end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || Quotation(r) })
		if end < 0 {
			return s, ""
		}
		return s[:end], s[end:]
	}
	end := strings.IndexFunc(s[n:], Quotation)
	if end < 0 {
		return s[n:], ""
	}
	part, rest = s[n:n+end], s[n+end:]
	_, n = utf8.DecodeRuneInString(rest)
	rest = rest[n:]
	if strings.HasPrefix(rest, "*") {
		return part + "*", rest[1:]
	}
	return part, rest
}

// Quotation reports a mark that begins or ends a phrase.
func Quotation(r rune) bool {
	return strings.ContainsRune("\"“”„‟«»「」『』＂", r)
}

// ParseTerm makes a term of a word or phrase; false if there is nothing in it to
// look for.
func ParseTerm(part string) (Term, bool) {
	tokens := Tokens(part)
	if len(tokens) == 0 {
		return Term{}, false
	}
	t := Term{Tokens: tokens[:min(len(tokens), maxTermTokens)]}
	t.Prefix = strings.HasSuffix(part, "*") || alone(t.Tokens[len(t.Tokens)-1])
	return t, true
}

// alone reports a single character, with its marks, of a script without spaces.
func alone(token string) bool {
	r, n := utf8.DecodeRuneInString(token)
	return classOf(r) == unspaced &&
		strings.IndexFunc(token[n:], func(r rune) bool { return classOf(r) == unspaced }) < 0
}
