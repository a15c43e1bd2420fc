package text

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/unicode/norm"
)

// Result is how a post stands against its Rule. Used and Left are in the rule's
// unit; Left is negative when too much was written, and 0 where Max is no limit.
// Bytes is the length in UTF-8. Links is how many different addresses there are.
type Result struct {
	Used  int  `json:"used"`
	Left  int  `json:"left"`
	Bytes int  `json:"bytes"`
	Links int  `json:"links"`
	Fits  bool `json:"fits"`
}

// Count measures body, and the content warning where the rule says so, as the
// network will. Both are measured as they stand: what a browser's form sent goes
// through Clean first, since forms send two characters for each new line.
//
// This is the truth. internal/page/static/js/count.js does the same while
// somebody types; both pass the vectors of testdata/count.json.
func Count(rule Rule, body, warning string) Result {
	if !rule.CWCounts {
		warning = ""
	}
	found := entities(body)
	r := Result{Bytes: len(warning) + len(body), Links: links(body, found)}
	if rule.Unit == Weighted {
		r.Used = weigh(warning, nil, rule) + weigh(body, found, rule)
	} else {
		// Mastodon counts warning and body as one string, so that a combining
		// mark which begins the body counts nothing.
		r.Used = rule.Unit.length(warning + shortened(body, found, rule))
	}
	if rule.Max > 0 {
		r.Left = rule.Max - r.Used
	}
	r.Fits = r.Left >= 0 &&
		(rule.MaxBytes <= 0 || r.Bytes <= rule.MaxBytes) &&
		(rule.MaxLinks <= 0 || r.Links <= rule.MaxLinks)
	return r
}

// length counts s in a unit; in code points where the unit is unknown.
func (u Unit) length(s string) int {
	switch u {
	case Graphemes:
		return uniseg.GraphemeClusterCount(s)
	case UTF16:
		n := 0
		for _, r := range s {
			n += max(1, utf16.RuneLen(r))
		}
		return n
	default:
		return utf8.RuneCountInString(s)
	}
}

// shortened is s as the network counts it: every address replaced by as many
// letters as it weighs, every @user@host by @user.
func shortened(s string, found []entity, rule Rule) string {
	var b strings.Builder
	at := 0
	for _, e := range found {
		switch {
		case e.kind == Link && rule.URLWeight > 0:
			b.WriteString(s[at:e.start])
			b.WriteString(strings.Repeat("x", rule.URLWeight))
		case e.kind == Mention && rule.MentionDomainFree:
			b.WriteString(s[at:e.name])
		default:
			continue
		}
		at = e.end
	}
	if at == 0 {
		return s
	}
	b.WriteString(s[at:])
	return b.String()
}

func links(s string, found []entity) int {
	seen := map[string]bool{}
	for _, e := range found {
		if e.kind == Link {
			seen[s[e.start:e.end]] = true
		}
	}
	return len(seen)
}

// weigh counts as twitter-text v3 does: in NFC, characters of most alphabets
// weigh one, all others two, any emoji sequence two, an address URLWeight.
func weigh(s string, found []entity, rule Rule) int {
	n, at := 0, 0
	for _, e := range found {
		switch {
		case e.kind == Link && rule.URLWeight > 0:
			n += weight(s[at:e.start]) + rule.URLWeight
		case e.kind == Mention && rule.MentionDomainFree:
			n += weight(s[at:e.name])
		default:
			continue
		}
		at = e.end
	}
	return n + weight(s[at:])
}

func weight(s string) int {
	n := 0
	for s = norm.NFC.String(s); s != ""; {
		if l := emojiLen(s); l > 0 {
			n, s = n+2, s[l:]
			continue
		}
		r, l := utf8.DecodeRuneInString(s)
		n, s = n+2, s[l:]
		// The ranges of twitter-text's configuration v3 that weigh 100 of 200.
		if r <= 0x10FF || r >= 0x2000 && r <= 0x200D || r >= 0x2010 && r <= 0x201F || r >= 0x2032 && r <= 0x2037 {
			n--
		}
	}
	return n
}

// emojiLen is the length of the emoji sequence of more than one code point at
// the start of s (UTS #51, section 1.4.9), 0 if there is none. A lone emoji needs
// no rule: those that weigh less than two are letters to twitter-text too.
func emojiLen(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case regional(r):
		if next, l := utf8.DecodeRuneInString(s[n:]); regional(next) {
			return n + l
		}
		return 0
	case r == '#' || r == '*' || r >= '0' && r <= '9':
		rest := strings.TrimPrefix(s[n:], "\uFE0F")
		if strings.HasPrefix(rest, "\u20E3") {
			return len(s) - len(rest) + len("\u20E3")
		}
		return 0
	case !pictograph(r):
		return 0
	}
	end := n + modifiers(s[n:])
	for strings.HasPrefix(s[end:], "\u200D") {
		next, l := utf8.DecodeRuneInString(s[end+len("\u200D"):])
		if !pictograph(next) {
			break
		}
		end += len("\u200D") + l
		end += modifiers(s[end:])
	}
	if end == n {
		return 0
	}
	return end
}

// modifiers is the length of the presentation selector, skin tone and tags that
// follow a pictograph.
func modifiers(s string) int {
	for i, r := range s {
		if r != 0xFE0F && !(r >= 0x1F3FB && r <= 0x1F3FF) && !(r >= 0xE0020 && r <= 0xE007F) {
			return i
		}
	}
	return len(s)
}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

// pictograph reports a character that can begin an emoji sequence. The blocks
// are wider than the property of UTS #51, and the same in count.js, so that
// neither depends on a version of Unicode.
func pictograph(r rune) bool {
	switch {
	case r == 0xA9, r == 0xAE, r == 0x203C, r == 0x2049, r == 0x3030, r == 0x303D, r == 0x3297, r == 0x3299:
		return true
	case r >= 0x2100 && r <= 0x27BF, r >= 0x2900 && r <= 0x297F, r >= 0x2B00 && r <= 0x2BFF:
		return true
	}
	return r >= 0x1F000 && r <= 0x1FAFF && !regional(r)
}
