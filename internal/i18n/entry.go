package i18n

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// entry is one key's text, or its plural forms.
type entry struct {
	text  pattern
	forms map[plural.Form]pattern // nil: not plural
}

// pattern is a text cut at its holes: literal, hole, literal, hole, literal.
// Even places are literals; there is always an odd number of them.
type pattern []string

var forms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

func parseEntry(raw json.RawMessage) (entry, error) {
	var one string
	if err := json.Unmarshal(raw, &one); err == nil {
		p, err := parsePattern(one)
		return entry{text: p}, err
	}
	var many map[string]string
	if err := json.Unmarshal(raw, &many); err != nil {
		return entry{}, errors.New("neither a text nor an object of plural forms")
	}
	if _, ok := many["other"]; !ok {
		return entry{}, errors.New(`plural without "other"`)
	}
	e := entry{forms: make(map[plural.Form]pattern, len(many))}
	for name, text := range many {
		form, ok := forms[name]
		if !ok {
			return entry{}, fmt.Errorf("no plural form is called %q", name)
		}
		p, err := parsePattern(text)
		if err != nil {
			return entry{}, err
		}
		e.forms[form] = p
	}
	return e, nil
}

// parsePattern cuts at {holes}. A brace that does not belong to one is an error:
// it is nearly always a typing mistake.
func parsePattern(s string) (pattern, error) {
	var p pattern
	for {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			if strings.IndexByte(s, '}') >= 0 {
				return nil, fmt.Errorf("a } without its { in %q", s)
			}
			return append(p, s), nil
		}
		end := strings.IndexByte(s[open:], '}')
		if end < 0 {
			return nil, fmt.Errorf("a { without its } in %q", s)
		}
		name := s[open+1 : open+end]
		if name == "" || strings.ContainsAny(name, "{ ") {
			return nil, fmt.Errorf("a hole without a plain name in %q", s)
		}
		p = append(p, s[:open], name)
		s = s[open+end+1:]
	}
}

// pick chooses the plural form for n. An entry without forms has one text.
func (e entry) pick(tag language.Tag, n int64) pattern {
	if e.forms == nil {
		return e.text
	}
	if n < 0 {
		n = -n
	}
	// CLDR's rules look at most at the last six digits, and the int of the
	// matcher must not overflow where int is 32 bits.
	if n > 10_000_000 {
		n = n%1_000_000 + 1_000_000
	}
	if p, ok := e.forms[plural.Cardinal.MatchPlural(tag, int(n), 0, 0, 0, 0)]; ok {
		return p
	}
	return e.forms[plural.Other]
}

// each visits every pattern of the entry, to make another entry.
func (e entry) each(f func(pattern) pattern) entry {
	if e.forms == nil {
		return entry{text: f(e.text)}
	}
	out := entry{forms: make(map[plural.Form]pattern, len(e.forms))}
	for form, p := range e.forms {
		out.forms[form] = f(p)
	}
	return out
}
