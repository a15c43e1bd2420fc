package text

import (
	"unicode"
	"unicode/utf8"
)

const (
	// MaxToken is the longest search token in bytes; longer words are cut, in
	// what is stored and in what is asked alike, so that they still meet.
	MaxToken = 64
	// MaxTokens is how many tokens of one text are searchable.
	MaxTokens = 2000
)

// Tokens cuts s into the words both databases index, in order and with
// repetitions, folded as Fold does. A token holds only letters, the marks on
// them and digits: no space and no ASCII punctuation, so that it can stand in a
// query of either database without quoting. Scripts written without spaces give
// overlapping pairs of characters, a character alone gives itself. Deterministic:
// the same program makes the same tokens on every machine.
func Tokens(s string) []string {
	if folded, ok := foldASCII(s); ok {
		return asciiTokens(folded)
	}
	c := cutter{s: Fold(s)}
	c.run()
	return c.out
}

// asciiTokens is the way most texts go: the tokens are parts of s.
func asciiTokens(s string) []string {
	n, start := 0, -1
	for i := 0; i < len(s); i++ {
		if alnum[s[i]] {
			if start < 0 {
				start = i
				n++
			}
		} else {
			start = -1
		}
	}
	if n == 0 {
		return nil
	}
	out := make([]string, 0, min(n, MaxTokens))
	start = -1
	for i := 0; i <= len(s); i++ {
		if i < len(s) && alnum[s[i]] {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			if len(out) == MaxTokens {
				break
			}
			out = append(out, s[start:min(i, start+MaxToken)])
			start = -1
		}
	}
	return out
}

// alnum marks lower-case ASCII letters and digits.
var alnum = func() (t [256]bool) {
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = true
	}
	return t
}()

// class is what a code point does to the word it stands in.
type class int

const (
	breaks   class = iota // ends a word
	letter                // goes on
	marks                 // goes on, begins none
	unspaced              // a script without spaces: pairs
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if alnum[byte(r)] {
			return letter
		}
		return breaks
	case r == 'ー' || unicode.In(r, withoutSpaces...):
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unspaced
		}
		if unicode.IsMark(r) {
			return marks
		}
		return breaks
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return letter
	case unicode.IsMark(r):
		return marks
	}
	return breaks
}

// withoutSpaces lists the scripts whose words only a dictionary could part.
var withoutSpaces = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// cutter walks along a folded string.
type cutter struct {
	s     string
	out   []string
	start int // of the word under way; -1 if none
	kind  class
	prev  int // unspaced: where the character before the last began
	last  int // unspaced: where the last character began
	count int // unspaced: characters in the run
	spots bool
	at    []Range // with spots: where each token stands in s
}

func (c *cutter) run() {
	c.start = -1
	for i, r := range c.s {
		k := classOf(r)
		switch {
		case k == marks && c.start >= 0:
			continue // stays with the letter before it
		case k == marks, k == breaks:
			c.end(i)
			continue
		case c.start >= 0 && k != c.kind:
			c.end(i)
		}
		if c.start < 0 {
			c.start, c.kind, c.count, c.last = i, k, 0, i
		}
		if k == unspaced {
			c.next(i)
		}
		if len(c.out) >= MaxTokens {
			return
		}
	}
	c.end(len(c.s))
}

// next takes the character that begins at i into a run and emits the pair that
// ends before it.
func (c *cutter) next(i int) {
	if c.count >= 2 {
		c.add(c.prev, i)
	}
	if c.count > 0 {
		c.prev = c.last
	}
	c.last = i
	c.count++
}

// end emits what is left of the word that ends at i.
func (c *cutter) end(i int) {
	if c.start < 0 {
		return
	}
	switch {
	case c.kind != unspaced:
		c.add(c.start, i)
	case c.count == 1:
		c.add(c.last, i)
	default:
		c.add(c.prev, i)
	}
	c.start = -1
}

func (c *cutter) add(from, to int) {
	if len(c.out) >= MaxTokens {
		return
	}
	if c.spots {
		c.at = append(c.at, Range{from, to})
	}
	token := c.s[from:to]
	if len(token) > MaxToken {
		at := MaxToken
		for !utf8.RuneStart(token[at]) {
			at--
		}
		token = token[:at]
	}
	c.out = append(c.out, token)
}
