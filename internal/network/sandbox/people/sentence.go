package people

import (
	"strings"
	"unicode"
)

// Sentences cuts a text into its sentences, each in a form that shows whether
// two are the same to a reader: small letters and digits, without names of
// accounts, marks and emoji.
func Sentences(s string) []string {
	var out []string
	var b strings.Builder
	space := false
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
		space = false
	}
	runes := []rune(s)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '@':
			for i+1 < len(runes) && !unicode.IsSpace(runes[i+1]) {
				i++
			}
		case ends(runes, i):
			flush()
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if space && b.Len() > 0 {
				b.WriteByte(' ')
			}
			space = false
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsSpace(r):
			space = true
		}
	}
	flush()
	return out
}

// ends reports a mark that ends a sentence: not the one in 4.80.
func ends(rs []rune, i int) bool {
	switch rs[i] {
	case '\n', '。', '？', '！', '؟', '!', '?':
		return true
	case '…': // but not where a quotation was cut short
		rest := strings.TrimLeft(string(rs[i+1:min(i+3, len(rs))]), " \u00a0")
		return !strings.HasPrefix(rest, "”") && !strings.HasPrefix(rest, "“") && !strings.HasPrefix(rest, "»") && !strings.HasPrefix(rest, "」")
	case '.':
		return i+1 == len(rs) || !unicode.IsDigit(rs[i+1]) && !unicode.IsLetter(rs[i+1])
	}
	return false
}

// recent remembers the sentences of the last messages.
type recent struct {
	seen map[string]int // how many of the remembered messages hold it
	ring [][]string
	at   int
}

func newRecent(messages int) *recent {
	return &recent{seen: map[string]int{}, ring: make([][]string, messages)}
}

// fresh reports that none of the sentences was said lately, nor twice now.
func (r *recent) fresh(sentences []string) bool {
	for i, s := range sentences {
		if r.seen[s] > 0 {
			return false
		}
		for _, t := range sentences[:i] {
			if s == t {
				return false
			}
		}
	}
	return true
}

// add remembers a message and forgets the oldest.
func (r *recent) add(sentences []string) {
	for _, s := range r.ring[r.at] {
		if r.seen[s]--; r.seen[s] == 0 {
			delete(r.seen, s)
		}
	}
	r.ring[r.at] = sentences
	r.at = (r.at + 1) % len(r.ring)
	for _, s := range sentences {
		r.seen[s]++
	}
}

// finish ends a sentence with its mark, if it has none.
func finish(s, stop string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	rs := []rune(s)
	if strings.ContainsRune(".!?…。？！؟)", rs[len(rs)-1]) {
		return s
	}
	return s + stop
}

// capitals begins every sentence with a capital letter, as lang writes it.
func capitals(s, lang string) string {
	upper := unicode.ToUpper
	if lang == "tr" {
		upper = unicode.TurkishCase.ToUpper
	}
	rs := []rune(s)
	start := true
	for i, r := range rs {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if start {
				rs[i] = upper(r)
			}
			start = false
		case ends(rs, i):
			start = i+1 < len(rs) && rs[i+1] != ',' // ¿de verdad?, dijo
		}
	}
	return string(rs)
}
