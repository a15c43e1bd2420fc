package words

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"parley/internal/text"
)

// rules are one language's. A file has sections in brackets; a line in that of a
// sign is a pattern of folded words:
//
//	a|b    one of these words
//	a?     the word may be missing
//	a*     any word that begins so
//	...    up to four words, none of which negates
//	! a b  where this stands in the same sentence, the section's patterns do not count
//
// A pattern does not count either where one of the section "not" stands within three
// words before it, or one of the section "not after" right behind it.
type rules struct {
	byFirst map[string][]*pattern // by each word that it can begin with
	except  map[Sign][]*pattern
	not     map[string]bool
	after   map[string]bool
	thanks  map[string]bool // say thank you or good bye
	kind    map[string]bool // may stand beside them
}

type pattern struct {
	sign  Sign
	parts []part
}

// part is one place of a pattern.
type part struct {
	words    []string
	optional bool
	gap      bool
}

const (
	gapWords = 4 // that a gap can skip
	before   = 3 // in which a negation counts
)

func parse(file string) (rules, error) {
	r := rules{byFirst: map[string][]*pattern{}, except: map[Sign][]*pattern{}, not: map[string]bool{}, after: map[string]bool{},
		thanks: map[string]bool{}, kind: map[string]bool{}}
	section := ""
	for line := range strings.Lines(file) {
		line, _, _ = strings.Cut(line, "#")
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		default:
			if err := r.add(section, line); err != nil {
				return r, fmt.Errorf("%q in %s: %w", line, section, err)
			}
		}
	}
	return r, nil
}

func (r *rules) add(section, line string) error {
	lists := map[string]map[string]bool{"not": r.not, "not after": r.after, "thanks": r.thanks, "beside thanks": r.kind}
	if list, ok := lists[section]; ok {
		for _, w := range strings.Fields(line) {
			if text.Fold(w) != w {
				return errors.New("is not folded")
			}
			list[w] = true
		}
		return nil
	}
	if !slices.Contains(Signs(), Sign(section)) {
		return errors.New("there is no such section")
	}
	p := &pattern{sign: Sign(section)}
	line, except := strings.CutPrefix(line, "! ")
	for _, w := range strings.Fields(line) {
		one := part{gap: w == "..."}
		w, one.optional = strings.CutSuffix(w, "?")
		if one.words = strings.Split(w, "|"); text.Fold(w) != w {
			return errors.New("is not folded")
		}
		p.parts = append(p.parts, one)
	}
	if len(p.parts) == 0 || p.parts[0].gap || p.parts[0].optional || !except && strings.Contains(strings.Fields(line)[0], "*") {
		return errors.New("must begin with whole words")
	}
	if except {
		r.except[p.sign] = append(r.except[p.sign], p)
		return nil
	}
	for _, w := range p.parts[0].words {
		r.byFirst[w] = append(r.byFirst[w], p)
	}
	return nil
}

// find notes the signs in the clauses of one sentence.
func (r *rules) find(clauses [][]string, found map[Sign]bool) {
	for _, c := range clauses {
		for i, w := range c {
			for _, p := range r.byFirst[w] {
				if found[p.sign] {
					continue
				}
				end, ok := r.match(p.parts, c, i)
				if ok && !r.negated(c, i, end) && !r.excepted(p.sign, clauses) {
					found[p.sign] = true
				}
			}
		}
	}
}

func (r *rules) negated(c []string, from, end int) bool {
	return slices.ContainsFunc(c[max(0, from-before):from], func(w string) bool { return r.not[w] }) || end < len(c) && r.after[c[end]]
}

func (r *rules) excepted(s Sign, clauses [][]string) bool {
	return slices.ContainsFunc(r.except[s], func(p *pattern) bool {
		return slices.ContainsFunc(clauses, func(c []string) bool {
			for i := range c {
				if _, ok := r.match(p.parts, c, i); ok {
					return true
				}
			}
			return false
		})
	})
}

// match reports whether the parts stand at a place of a clause, and where they end.
func (r *rules) match(parts []part, c []string, at int) (end int, ok bool) {
	if len(parts) == 0 {
		return at, true
	}
	p, rest := parts[0], parts[1:]
	if p.gap {
		for n := 0; n <= gapWords && at+n <= len(c); n++ {
			if end, ok := r.match(rest, c, at+n); ok {
				return end, true
			}
			if at+n < len(c) && r.not[c[at+n]] {
				break
			}
		}
		return 0, false
	}
	if at < len(c) && p.is(c[at]) {
		if end, ok := r.match(rest, c, at+1); ok {
			return end, true
		}
	}
	if p.optional {
		return r.match(rest, c, at)
	}
	return 0, false
}

func (p part) is(word string) bool {
	return slices.ContainsFunc(p.words, func(w string) bool {
		begin, prefix := strings.CutSuffix(w, "*")
		return w == word || prefix && strings.HasPrefix(word, begin)
	})
}
