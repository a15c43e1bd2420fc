package people

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed text/*.txt
var files embed.FS

// A grammar is one language's file. Its notation:
//
//	forms nom acc        names of the forms of a noun, the first the default
//	stop 。              what ends a sentence; "." if not given
//	list day: a; b       words to draw from, each time anew
//	keep street: a; b    drawn once for a matter, and remembered
//	own kin: a; b        drawn for a person: two, for life
//	keep x(nom,loc): a/b forms of its own, separated by /
//	open: a sentence     one way to say something; a line for each
//	topic bus desk=buses scene=bus weight=3 private warn fix mine mood=praise
//	                     from here on lines belong to that topic
//
// In a text {name} is a word of that name, {name.form} one of its forms, and
// <a|b|> one of some alternatives, which may hold more of either. The topic's
// names hide the language's. The engine adds: desk, staff (who signed), said
// (what we said), old (what it was last time), author, startday, today.
type grammar struct {
	lang   string
	forms  []string
	stop   string
	lists  map[string]*list
	topics []*topic
}

// list is all ways to say one thing.
type list struct {
	name  string
	kind  listKind
	forms []string
	items []string
}

type listKind int

const (
	free listKind = iota
	kept
	owned
)

// topic is something to write about.
type topic struct {
	name    string
	desk    string // kind of desk; "" is any
	scene   string // what a photograph of it shows
	mood    string // "", praise, rude, worry
	weight  int
	private bool
	warn    bool
	fix     bool // something in a street, that gets repaired
	mine    bool // its nouns say my and our, which a desk can't say after them
	lists   map[string]*list
}

// parse reads a grammar.
func parse(lang, text string) (*grammar, error) {
	g := &grammar{lang: lang, stop: ".", lists: map[string]*list{}}
	into := g.lists
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var err error
		switch word, rest, _ := strings.Cut(line, " "); word {
		case "forms":
			g.forms = strings.Fields(rest)
		case "stop":
			g.stop = rest
		case "topic":
			var t *topic
			if t, err = parseTopic(rest); err == nil {
				g.topics = append(g.topics, t)
				into = t.lists
			}
		case "list", "keep", "own":
			err = parseList(into, word, rest)
		default:
			err = parseMove(into, line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s.txt, line %d: %w", lang, n+1, err)
		}
	}
	return g, nil
}

func parseTopic(s string) (*topic, error) {
	fields := strings.Fields(s)
	if len(fields) == 0 {
		return nil, fmt.Errorf("a topic without a name")
	}
	t := &topic{name: fields[0], weight: 1, lists: map[string]*list{}}
	for _, f := range fields[1:] {
		k, v, _ := strings.Cut(f, "=")
		switch k {
		case "desk":
			t.desk = v
		case "scene":
			t.scene = v
		case "mood":
			t.mood = v
		case "weight":
			if len(v) != 1 || v[0] < '1' || v[0] > '9' {
				return nil, fmt.Errorf("weight %q", v)
			}
			t.weight = int(v[0] - '0')
		case "private":
			t.private = true
		case "warn":
			t.warn = true
		case "fix":
			t.fix = true
		case "mine":
			t.mine = true
		default:
			return nil, fmt.Errorf("a topic knows no %q", k)
		}
	}
	return t, nil
}

func parseList(into map[string]*list, kind, s string) error {
	name, items, ok := strings.Cut(s, ": ")
	if !ok {
		return fmt.Errorf("a %s without a colon", kind)
	}
	l := &list{kind: map[string]listKind{"list": free, "keep": kept, "own": owned}[kind]}
	if bare, forms, has := strings.Cut(name, "("); has {
		name, l.forms = bare, strings.Split(strings.TrimSuffix(forms, ")"), ",")
	}
	l.name = name
	for _, item := range strings.Split(items, ";") {
		l.items = append(l.items, strings.TrimSpace(item))
	}
	into[name] = l
	return nil
}

func parseMove(into map[string]*list, line string) error {
	name, text, ok := strings.Cut(line, ": ")
	if !ok || strings.ContainsAny(name, " {<") {
		return fmt.Errorf("%q says nothing", line)
	}
	var items []string
	switch name {
	case "deskq", "warning", "greet", "greet.formal", "greet.morning", "greet.evening":
		for _, item := range strings.Split(text, ";") {
			items = append(items, strings.TrimSpace(item))
		}
	default:
		items = []string{text}
	}
	l := into[name]
	if l == nil {
		l = &list{name: name}
		into[name] = l
	}
	l.items = append(l.items, items...)
	return nil
}

// find is a list by name, the topic's before the language's.
func (g *grammar) find(t *topic, name string) *list {
	if t != nil {
		if l := t.lists[name]; l != nil {
			return l
		}
	}
	return g.lists[name]
}

// placed reports a topic that is about a street.
func (t *topic) placed() bool { return t.fix || t.scene == "bus" || t.mood == "chat" }

// form is the place of a form among a list's; -1 for one that it hasn't.
func (g *grammar) form(l *list, name string) int {
	if name == "" {
		return 0
	}
	if l != nil && l.forms != nil {
		return slices.Index(l.forms, name)
	}
	return slices.Index(g.forms, name)
}

// grammars reads the languages asked for, in their order.
func grammars(langs []string) ([]*grammar, error) {
	var out []*grammar
	for _, lang := range langs {
		b, err := files.ReadFile("text/" + lang + ".txt")
		if err != nil {
			return nil, fmt.Errorf("reading what people say in %q: %w", lang, err)
		}
		g, err := parse(lang, string(b))
		if err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, nil
}
