// Package words tells from the words of a message alone whether it cannot wait, and
// whether it says nothing but thank you.
//
// It knows lists of words in a few languages, files that a person can read and
// mend, and matches them on folded words: no statistics, nothing that learns, the
// same answer on every machine. It would rather miss something than cry wolf: who
// is shown a false alarm every day does not look any more. What it finds is a hint
// for people, who decide.
//
// Not its business: who is told, in which order people are answered, and every
// other language.
package words

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"parley/internal/text"
)

// Sign is why words cannot wait.
type Sign string

const (
	Danger   Sign = "danger"    // people are in danger: fire, accident, bomb
	SelfHarm Sign = "self_harm" // somebody may harm themselves
	Threat   Sign = "threat"    // somebody threatens somebody
	Press    Sign = "press"     // a journalist asks, with a deadline
)

// Signs are all of them, the most serious first.
func Signs() []Sign { return []Sign{Danger, SelfHarm, Threat, Press} }

//go:embed rules/*.txt
var files embed.FS

// Reader holds the rules. It does not change and is safe for concurrent use.
type Reader struct {
	rules []rules // by language
}

// New reads the rules that are part of the program.
func New() *Reader {
	names, err := files.ReadDir("rules")
	if err != nil {
		panic(err) // they are embedded
	}
	r := &Reader{}
	for _, f := range names {
		b, err := files.ReadFile(path.Join("rules", f.Name()))
		if err != nil {
			panic(err)
		}
		one, err := parse(string(b))
		if err != nil {
			panic(fmt.Sprintf("words: %s: %v", f.Name(), err))
		}
		r.rules = append(r.rules, one)
	}
	return r
}

// Urgent are the signs in a message, the most serious first; none if it can wait.
// What stands in quotation marks was said by somebody else.
func (r *Reader) Urgent(body string) []Sign {
	found := map[Sign]bool{}
	for _, sentence := range sentences(unquoted(body)) {
		clauses := sentence.clauses()
		for i := range r.rules {
			r.rules[i].find(clauses, found)
		}
	}
	return slices.DeleteFunc(Signs(), func(s Sign) bool { return !found[s] })
}

// sentence is a part of a message between full stops.
type sentence string

// longest bounds what is looked at: nobody who is in danger begins with an essay.
const longest = 8000

func sentences(body string) (all []sentence) {
	for _, s := range strings.FieldsFunc(text.Cut(body, longest), func(r rune) bool { return strings.ContainsRune(".!?…\n¡¿", r) }) {
		all = append(all, sentence(s))
	}
	return all
}

// clauses are the words of a sentence between commas. A word that is negated in one
// says nothing about the next.
func (s sentence) clauses() (all [][]string) {
	for _, c := range strings.FieldsFunc(string(s), func(r rune) bool { return strings.ContainsRune(",;:()–—", r) }) {
		if tokens := text.Tokens(c); len(tokens) > 0 {
			all = append(all, tokens)
		}
	}
	return all
}

// unquoted leaves out what is quoted, names and addresses: none of that is said by
// whoever writes. A mark that is never closed quotes nothing.
func unquoted(body string) string {
	var b strings.Builder
	for line := range strings.Lines(body) {
		if strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue
		}
		for _, pair := range []string{`""`, "“”", "„“", "«»", "»«", "「」"} {
			line = without(line, []rune(pair)[0], []rune(pair)[1])
		}
		for _, word := range strings.Fields(line) {
			if strings.HasPrefix(word, "@") || strings.Contains(word, "://") {
				word = ","
			}
			b.WriteString(word + " ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// without takes out what stands between two marks, and puts a comma there.
func without(s string, open, closed rune) string {
	for {
		i := strings.IndexRune(s, open)
		if i < 0 {
			return s
		}
		rest := s[i+len(string(open)):]
		j := strings.IndexRune(rest, closed)
		if j < 0 {
			return s
		}
		s = s[:i] + " , " + rest[j+len(string(closed)):]
	}
}
