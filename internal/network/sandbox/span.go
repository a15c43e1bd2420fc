package sandbox

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"parley/internal/text"
)

// spans finds mentions of people who exist, addresses and tags in a text. The
// offsets are bytes.
func (w *world) spans(s string) []text.Span {
	var out []text.Span
	for at := 0; at < len(s); {
		r, size := utf8.DecodeRuneInString(s[at:])
		if at > 0 && wordy(s[:at]) {
			at += size
			continue
		}
		var found text.Span
		switch {
		case r == '@':
			found = w.mention(s, at)
		case r == '#':
			found = tag(s, at)
		case r == 'h':
			found = link(s, at)
		}
		if found.End > at {
			out = append(out, found)
			at = found.End
			continue
		}
		at += size
	}
	return out
}

// wordy reports that s ends inside a word, where nothing can begin.
func wordy(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

func (w *world) mention(s string, at int) text.Span {
	end := at + 1
	for end < len(s) && handleByte(s[end]) {
		end++
	}
	for end > at+1 && s[end-1] == '.' { // the end of a sentence, not of a handle
		end--
	}
	id, ok := w.handles[s[at+1:end]]
	if !ok {
		return text.Span{}
	}
	return text.Span{Start: at, End: end, Kind: text.Mention, Target: id}
}

func handleByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

func tag(s string, at int) text.Span {
	end := at + 1
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && !unicode.Is(unicode.Mn, r) {
			break
		}
		end += n
	}
	if end == at+1 {
		return text.Span{}
	}
	return text.Span{Start: at, End: end, Kind: text.Tag, Target: s[at+1 : end]}
}

func link(s string, at int) text.Span {
	rest := s[at:]
	if !strings.HasPrefix(rest, "https://") && !strings.HasPrefix(rest, "http://") {
		return text.Span{}
	}
	n := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"<>«»„“”`, r) })
	if n < 0 {
		n = len(rest)
	}
	address := strings.TrimRight(rest[:n], ".,;:!?)")
	return text.Span{Start: at, End: at + len(address), Kind: text.Link, Target: address}
}
