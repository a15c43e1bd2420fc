package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// entity is an address, mention or tag found in plain text. Offsets are bytes.
type entity struct {
	kind       SpanKind
	start, end int
	name       int // mention: the end of "@user", before any "@host"
}

// maxURL bounds, in code points, how far one address is followed, so that
// hostile text cannot make the search quadratic. count.js has the same number.
const maxURL = 4096

// Linkify finds http(s) addresses, @mentions and #tags in plain text. Targets
// are what stands there: the address, "user" or "user@host" without its first @,
// the tag without its #. The body is Clean(s). Browsers and counting find the
// same, since both follow the rules Mastodon uses to weigh a post.
func Linkify(s string) Text {
	t := Text{Body: Clean(s)}
	for _, e := range entities(t.Body) {
		span := Span{Start: e.start, End: e.end, Kind: e.kind}
		switch e.kind {
		case Link:
			span.Target = t.Body[e.start:e.end]
		default:
			_, n := utf8.DecodeRuneInString(t.Body[e.start:])
			span.Target = t.Body[e.start+n : e.end]
		}
		t.Spans = append(t.Spans, span)
	}
	return t
}

// entities lists what s contains, in order, never overlapping.
func entities(s string) []entity {
	if !strings.ContainsAny(s, ":@#＃") {
		return nil
	}
	var out []entity
	prev := rune(0) // the code point before i; 0 at the start
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		e, ok := entityAt(s, i, r, prev)
		if ok {
			out = append(out, e)
			i = e.end
			prev, _ = utf8.DecodeLastRuneInString(s[:i])
			continue
		}
		prev, i = r, i+n
	}
	return out
}

func entityAt(s string, i int, r, prev rune) (entity, bool) {
	switch r {
	case 'h', 'H':
		return linkAt(s, i, prev)
	case '@':
		return mentionAt(s, i, prev)
	case '#', '＃':
		return tagAt(s, i, prev)
	}
	return entity{}, false
}

// linkAt reads scheme, host, port, path and query. The shape is twitter-text's,
// as Mastodon configures it, except that any word of letters may end a host: the
// list of top-level domains is not carried.
func linkAt(s string, i int, prev rune) (entity, bool) {
	n := scheme(s[i:])
	if n == 0 || asciiWord(prev) && prev != '_' || strings.ContainsRune("@＠$#＃", prev) {
		return entity{}, false
	}
	host := hostLen(s[i+n:])
	if host == 0 {
		return entity{}, false
	}
	c := cursor{s: limit(s, i+n+host), at: i + n + host}
	c.port()
	c.path()
	c.query()
	return entity{kind: Link, start: i, end: c.at}, true
}

// limit cuts s maxURL code points after byte from.
func limit(s string, from int) string {
	if len(s)-from <= maxURL {
		return s
	}
	n := 0
	for i := range s[from:] {
		if n == maxURL {
			return s[:from+i]
		}
		n++
	}
	return s
}

// scheme is the length of "http://" or "https://" at the start of s, else 0.
func scheme(s string) int {
	for _, p := range [...]string{"https://", "http://"} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return len(p)
		}
	}
	return 0
}

// hostLen is the length of the domain name at the start of s: two or more labels
// of letters, digits and inner hyphens or underscores, the last of them a word
// of at least two letters or punycode. 0 if there is none. A name and password
// before an @ is no domain.
func hostLen(s string) int {
	end, labels, at := 0, 0, 0
	for labels < 127 {
		n := labelLen(s[at:])
		if n == 0 {
			break
		}
		labels++
		label := s[at : at+n]
		at += n
		next, _ := utf8.DecodeRuneInString(s[at:])
		if labels > 1 && topLevel(label) && !(at < len(s) && strings.ContainsRune("@+-_", next)) {
			end = at
		}
		if at >= len(s) || s[at] != '.' {
			break
		}
		at++
	}
	return end
}

// labelLen is the length of one label, at most 63 code points.
func labelLen(s string) int {
	end, n := 0, 0
	for i, r := range s {
		if n == 63 {
			break
		}
		switch {
		case letterDigit(r):
			end = i + utf8.RuneLen(r)
		case (r == '-' || r == '_') && i > 0:
		default:
			return end
		}
		n++
	}
	return end
}

func topLevel(label string) bool {
	if len(label) > 4 && strings.EqualFold(label[:4], "xn--") {
		return true
	}
	n := 0
	for _, r := range label {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) {
			return false
		}
		n++
	}
	return n > 1
}

// cursor reads the rest of an address. Each method moves at only over what
// belongs to the address: punctuation that ends a sentence stays outside.
type cursor struct {
	s  string
	at int
}

func (c *cursor) port() {
	if !strings.HasPrefix(c.s[c.at:], ":") {
		return
	}
	end := c.at + 1
	for end < len(c.s) && c.s[end] >= '0' && c.s[end] <= '9' {
		end++
	}
	if end > c.at+1 {
		c.at = end
	}
}

func (c *cursor) path() {
	if !strings.HasPrefix(c.s[c.at:], "/") {
		return
	}
	for i := c.at; i < len(c.s); {
		r, n := utf8.DecodeRuneInString(c.s[i:])
		switch {
		case r == '(':
			n = parens(c.s[i:], 1)
			if n == 0 {
				return
			}
			c.at = i + n
		case !pathRune(r):
			return
		case !strings.ContainsRune("!*\"'「」;:=,.$%[]~&|@", r):
			c.at = i + n
		}
		i += n
	}
}

// parens is the length of a bracketed part of a path, which may hold one more
// inside; 0 if the bracket never closes or holds nothing.
func parens(s string, inner int) int {
	for i := 1; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == ')' && i > 1:
			return i + 1
		case r == '(' && inner > 0:
			n = parens(s[i:], inner-1)
			if n == 0 {
				return 0
			}
			inner = 0
		case !pathRune(r):
			return 0
		}
		i += n
	}
	return 0
}

func (c *cursor) query() {
	if !strings.HasPrefix(c.s[c.at:], "?") {
		return
	}
	for i := c.at + 1; i < len(c.s); {
		r, n := utf8.DecodeRuneInString(c.s[i:])
		word := asciiWord(r) || r >= 0xA0 && !unicode.IsSpace(r)
		if word || strings.ContainsRune("&=#/-", r) {
			c.at = i + n
		} else if !strings.ContainsRune("!?*'();:+$%[].,~|@^", r) {
			return
		}
		i += n
	}
}

func pathRune(r rune) bool {
	return !unicode.IsSpace(r) && !strings.ContainsRune("<>()?", r)
}

// mentionAt reads @user or @user@host. Dots and hyphens belong to a name only
// between other characters, so that Bluesky's handles are names too.
func mentionAt(s string, i int, prev rune) (entity, bool) {
	if word(prev) || prev == '=' || prev == '/' {
		return entity{}, false
	}
	user := nameLen(s[i+1:], asciiWord)
	if user == 0 {
		return entity{}, false
	}
	e := entity{kind: Mention, start: i, name: i + 1 + user, end: i + 1 + user}
	if strings.HasPrefix(s[e.end:], "@") {
		if host := nameLen(s[e.end+1:], word); host > 0 {
			e.end += 1 + host
		}
	}
	next, _ := utf8.DecodeRuneInString(s[e.end:])
	if e.end < len(s) && (next == '@' || next == '＠' || next >= 0xC0 && next <= 0x24F) || strings.HasPrefix(s[e.end:], "://") {
		return entity{}, false
	}
	return e, true
}

// nameLen is the length of a run of in, with dots and hyphens only inside.
func nameLen(s string, in func(rune) bool) int {
	end := 0
	for i, r := range s {
		switch {
		case in(r):
			end = i + utf8.RuneLen(r)
		case (r == '.' || r == '-') && i > 0:
		default:
			return end
		}
	}
	return end
}

// tagAt reads #tag: letters, digits and joiners, of which at least one is no digit.
func tagAt(s string, i int, prev rune) (entity, bool) {
	if letterDigit(prev) || prev == '=' || prev == '/' || prev == ')' || prev == '&' {
		return entity{}, false
	}
	_, hash := utf8.DecodeRuneInString(s[i:])
	end, named := 0, false
	for j, r := range s[i+hash:] {
		if word(r) {
			end = j + utf8.RuneLen(r)
			named = named || !unicode.IsDigit(r) && r != '_'
		} else if j == 0 || r != '·' && r != '・' && r != '\u200c' {
			break
		}
	}
	if !named {
		return entity{}, false
	}
	return entity{kind: Tag, start: i, end: i + hash + end}, true
}

func asciiWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
}

// word is what UTS #18 calls a word character: letters, marks, decimal digits
// and connecting punctuation.
func word(r rune) bool { return letterDigit(r) || unicode.Is(unicode.Pc, r) }

func letterDigit(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}
