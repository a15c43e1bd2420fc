package text

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// MaxBody is the longest body, in bytes, that this package makes of remote
// input. Longer input is cut there and ends in an ellipsis.
const MaxBody = 256 << 10

const (
	// replacement stands where bytes were no UTF-8 (Unicode 15, section 3.9).
	replacement = "\uFFFD"
	ellipsis    = "…"
)

// Clean makes s safe to store in both databases: valid UTF-8 with no control
// characters but \n and \t. Line endings of other systems become \n, bytes that
// are no UTF-8 become U+FFFD. Nothing else changes: no normalisation, so that
// byte offsets which a network gives stay true for text that was clean before,
// and bidirectional marks stay. Clean(Clean(s)) == Clean(s).
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			b.WriteString(replacement)
		case r == '\r':
			if !strings.HasPrefix(s[i+1:], "\n") {
				b.WriteByte('\n')
			}
		case r == '\u0085': // NEL, the mainframe's new line
			b.WriteByte('\n')
		case !control(r):
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// CleanLine is Clean for what must be one line: names, handles, titles. Every
// run of white space becomes one space, the ends are trimmed, and what is longer
// than maxBytes is cut as Cut does.
func CleanLine(s string, maxBytes int) string {
	return Cut(strings.Join(strings.Fields(Clean(s)), " "), maxBytes)
}

// Cut shortens s to at most maxBytes bytes, the ellipsis at its end included,
// without splitting what a reader sees as one character. Strings that fit come
// back as they are.
func Cut(s string, maxBytes int) string {
	if len(s) <= maxBytes {
		return s
	}
	room := maxBytes - len(ellipsis)
	if room <= 0 {
		return ""
	}
	at := border(s, room)
	return strings.TrimRight(s[:at], " \n\t") + ellipsis
}

// border is the last border between graphemes at or before byte at; where the
// first grapheme alone is longer, between two code points.
func border(s string, at int) int {
	pos, state, rest := 0, -1, s
	for len(rest) > 0 {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if pos+len(cluster) > at {
			break
		}
		pos += len(cluster)
	}
	if pos > 0 {
		return pos
	}
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return at
}

func isClean(s string) bool {
	ascii := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 0x20 && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
		if c >= utf8.RuneSelf {
			ascii = false
			// U+0080 to U+009F, the second set of controls, begin with C2.
			if c == 0xC2 && i+1 < len(s) && s[i+1] < 0xA0 {
				return false
			}
		}
	}
	return ascii || utf8.ValidString(s)
}

// control reports a C0 or C1 control character, or delete, but not \n and \t.
func control(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xA0
}
