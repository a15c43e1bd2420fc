package people

import (
	"math/rand/v2"
	"strings"
)

// deepest is how far words may stand within words.
const deepest = 12

// deck deals a list's items in an order of its own, all of them before any
// comes again.
type deck struct {
	order []int
	at    int
}

// dealer deals from all lists. Lists are told apart by identity.
type dealer struct {
	rng   *rand.Rand
	decks map[*list]*deck
}

func (d *dealer) deal(l *list) string {
	k := d.decks[l]
	if k == nil {
		k = &deck{}
		d.decks[l] = k
	}
	if k.at == len(k.order) {
		k.order, k.at = d.rng.Perm(len(l.items)), 0
	}
	k.at++
	return l.items[k.order[k.at-1]]
}

// voice expands texts for one person in one matter.
type voice struct {
	g      *grammar
	dealer *dealer
	who    *persona
	matter *matter
	vars   map[string][]string // forms of what the engine adds
	told   []string            // details in the message at hand
}

// move draws a way to say name, and expands it. false: there is none, or it
// speaks of something that isn't known.
func (v *voice) move(name string) (string, bool) {
	l := v.g.find(v.matter.topic, name)
	if l == nil {
		return "", false
	}
	if name == "detail" || name == "more" {
		return v.unsaid(l, 0)
	}
	item := v.dealer.deal(l)
	for range l.items {
		if v.matter.topic.placed() || v.matter.topic.lists[name] == l || !strings.Contains(item, "{street") {
			break // what any matter calls for may name a street only where the matter has one
		}
		item = v.dealer.deal(l)
	}
	return v.expand(item, 0)
}

// unsaid deals something about the matter that was not told in it before.
func (v *voice) unsaid(l *list, depth int) (string, bool) {
	for range l.items {
		item := v.dealer.deal(l)
		if !v.matter.told[item] {
			v.told = append(v.told, item)
			return v.expand(item, depth+1)
		}
	}
	return "", false
}

// owned is one of the two words of a list that are this person's for life.
func (v *voice) owned(l *list, depth int) (string, bool) {
	two, ok := v.who.own[l.name]
	if !ok {
		first := v.dealer.rng.IntN(len(l.items))
		for i := range two {
			if two[i], ok = v.expand(l.items[(first+i)%len(l.items)], depth+1); !ok {
				return "", false
			}
		}
		v.who.own[l.name] = two
	}
	return two[v.dealer.rng.IntN(2)], true
}

func (v *voice) expand(s string, depth int) (string, bool) {
	if depth > deepest {
		return "", false
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "<{")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		inner, rest, ok := enclosed(s[i:])
		if !ok {
			return "", false
		}
		var word string
		if s[i] == '<' {
			options := split(inner, '|')
			word, ok = v.expand(options[v.dealer.rng.IntN(len(options))], depth+1)
		} else {
			word, ok = v.word(inner, depth)
		}
		if !ok {
			return "", false
		}
		b.WriteString(word)
		s = rest
	}
	return b.String(), true
}

// word is the value of a {name}.
func (v *voice) word(ref string, depth int) (string, bool) {
	name, form, _ := strings.Cut(ref, ".")
	if v.g.find(v.matter.topic, ref) != nil { // a list may have a dot in its name
		name, form = ref, ""
	}
	if forms, ok := v.vars[name]; ok {
		return pickForm(forms, v.g.form(nil, form))
	}
	l := v.g.find(v.matter.topic, name)
	if l == nil {
		return "", false
	}
	i := v.g.form(l, form)
	switch l.kind {
	case kept:
		forms, ok := v.matter.bound[name]
		if !ok {
			if forms, ok = v.draw(l, depth); !ok {
				return "", false
			}
			v.matter.bound[name] = forms
		}
		return pickForm(forms, i)
	case owned:
		whole, ok := v.owned(l, depth)
		if !ok {
			return "", false
		}
		return pickForm(split(whole, '/'), i)
	}
	if name == "detail" || name == "more" {
		return v.unsaid(l, depth)
	}
	forms, ok := v.draw(l, depth)
	if !ok {
		return "", false
	}
	return pickForm(forms, i)
}

// draw deals an item of a list, its forms apart.
func (v *voice) draw(l *list, depth int) ([]string, bool) {
	whole, ok := v.expand(v.dealer.deal(l), depth+1)
	if !ok {
		return nil, false
	}
	if l.kind == free {
		return []string{whole}, true
	}
	return split(whole, '/'), true
}

func pickForm(forms []string, i int) (string, bool) {
	if i < 0 || len(forms) == 0 || forms[0] == "" {
		return "", false
	}
	if i >= len(forms) {
		i = 0 // a word that doesn't change
	}
	return forms[i], true
}

// enclosed is what stands between the bracket s begins with and the one that
// closes it, and what follows.
func enclosed(s string) (inner, rest string, ok bool) {
	open, shut := s[0], byte('>')
	if open == '{' {
		shut = '}'
	}
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return s[1:i], s[i+1:], true
			}
		}
	}
	return "", "", false
}

// split cuts at separators that stand in no bracket.
func split(s string, sep byte) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '<', '{':
			depth++
		case '>', '}':
			depth--
		case sep:
			if depth == 0 {
				out = append(out, s[from:i])
				from = i + 1
			}
		}
	}
	return append(out, s[from:])
}
