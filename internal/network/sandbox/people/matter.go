package people

import (
	"slices"
	"strings"
	"time"
)

// matter is one conversation of one person with one desk.
type matter struct {
	who     *persona
	desk    Desk
	g       *grammar
	topic   *topic
	bound   map[string][]string // what was drawn once: thing, street, shop
	told    map[string]bool     // details given already
	private bool
	author  string // whose post this person joined; "" if their own matter

	began    time.Time
	root     string // id of their first post
	last     string // id of their newest post
	texts    []string
	replyTo  string // what their next post answers: our newest, or their own last
	ours     int    // how often we answered
	heard    reading
	reminded int
	thanked  bool
	closed   bool
}

// textsKept is how many of their own messages a person remembers in a matter.
const textsKept = 4

// thing is the noun of the matter, in its forms.
func (m *matter) thing() []string { return m.bound["thing"] }

// voice is how the person of this matter speaks now.
func (e *Engine) voice(m *matter, at time.Time) *voice {
	v := &voice{g: m.g, dealer: e.dealer, who: m.who, matter: m, vars: map[string][]string{"desk": {m.desk.Name}}}
	set := func(name, value string) {
		if value != "" {
			v.vars[name] = []string{value}
		}
	}
	set("staff", m.heard.staff)
	set("said", m.heard.said)
	set("author", m.author)
	days := m.g.lists["dayname"].items // Monday first
	set("today", days[(int(at.In(e.zone).Weekday())+6)%7])
	if at.Sub(m.began) > 20*time.Hour && at.Sub(m.began) < 6*24*time.Hour {
		set("startday", days[(int(m.began.In(e.zone).Weekday())+6)%7])
	}
	if old, ok := m.old(); ok {
		v.vars["old"] = old.thing
	}
	return v
}

// old is what this person last wrote to the same desk about, before.
func (m *matter) old() (memory, bool) {
	for _, p := range slices.Backward(m.who.past) {
		if p.desk == m.desk.Handle && p.topic != m.topic.name {
			return p, true
		}
	}
	return memory{}, false
}

// plan is what a message consists of: moves in order. One that begins with ?
// may be left out, | joins alternatives of which the first that works is taken.
type plan []string

// compose writes a message that holds no sentence said lately. With recall it
// must share a noun with what this person wrote before in the matter.
func (e *Engine) compose(m *matter, at time.Time, p plan, recall bool) (typed, meant string, ok bool) {
	v := e.voice(m, at)
	for try := range 30 {
		v.told = nil
		text, whole := e.assemble(v, p, try > 14)
		if !whole {
			continue
		}
		typed, meant = m.who.style(text, e.rng)
		sentences := Sentences(meant)
		if len(sentences) == 0 || !e.recent.fresh(sentences) {
			continue
		}
		if typed != meant && !e.recent.fresh(Sentences(typed)) {
			continue
		}
		if recall && !m.recalls(meant) {
			continue
		}
		e.recent.add(append(sentences, Sentences(typed)...))
		for _, item := range v.told {
			m.told[item] = true
		}
		return typed, meant, true
	}
	return "", "", false
}

// assemble expands a plan. In need of a fresh message, what may be left out is.
func (e *Engine) assemble(v *voice, p plan, bare bool) (string, bool) {
	var b strings.Builder
	glue := ""
	for _, part := range p {
		optional := strings.HasPrefix(part, "?")
		if strings.HasSuffix(part, "ask") && strings.ContainsAny(b.String(), "?？؟") {
			continue // one question is enough
		}
		if optional && (bare || e.rng.IntN(2) == 0) {
			continue
		}
		var text string
		var ok bool
		for _, name := range strings.Split(strings.TrimPrefix(part, "?"), "|") {
			if text, ok = v.move(name); ok {
				break
			}
		}
		if !ok {
			if optional {
				continue
			}
			return "", false
		}
		if strings.HasPrefix(strings.TrimPrefix(part, "?"), "greet") {
			b.WriteString(text + comma(v.g.lang))
			continue
		}
		b.WriteString(glue + finish(text, v.g.stop))
		glue = " "
		if v.g.stop == "。" {
			glue = ""
		}
	}
	return b.String(), b.Len() > 0
}

func comma(lang string) string {
	switch lang {
	case "ja":
		return "、"
	case "ar":
		return "، "
	}
	return ", "
}

// recalls reports that a text names something this person named before in the
// matter: a word of five letters or more, or the thing itself.
func (m *matter) recalls(text string) bool {
	now := strings.Join(Sentences(text), " ")
	for i, form := range m.thing() {
		if m.g.form(nil, "pro") == i {
			continue // it, him: says nothing
		}
		if f := strings.Join(Sentences(form), " "); f != "" && strings.Contains(now, f) {
			return true
		}
	}
	if street := m.bound["street"]; len(street) > 0 && strings.Contains(now, strings.ToLower(street[0])) {
		return true
	}
	for _, before := range m.texts {
		for _, w := range strings.Fields(strings.Join(Sentences(before), " ")) {
			if len([]rune(w)) >= 6 && slices.Contains(strings.Fields(now), w) {
				return true
			}
		}
	}
	return false
}

// opening is the plan of somebody's first message in a matter.
func (e *Engine) opening(m *matter, at time.Time) plan {
	greet := "?greet"
	switch h := at.In(e.zone).Hour(); {
	case m.who.temper == formal:
		greet = "greet.formal|greet"
	case m.who.temper == terse:
		greet = ""
	case h >= 5 && h < 11 && e.rng.IntN(2) == 0:
		greet = "?greet.morning|greet"
	case h >= 17 && h < 22 && e.rng.IntN(2) == 0:
		greet = "?greet.evening|greet"
	}
	var p plan
	if greet != "" {
		p = append(p, greet)
	}
	if old, ok := m.old(); ok && e.rng.IntN(3) > 0 {
		again := "again"
		if !old.answered {
			again = "again.bad|again"
		}
		p = append(p, again)
	}
	p = append(p, "open")
	if m.topic.mood != "" {
		return append(p, "?detail")
	}
	if m.who.temper != terse {
		p = append(p, "?detail")
	}
	return append(p, e.ending(m)...)
}

// ending is how a first message closes, by temper.
func (e *Engine) ending(m *matter) plan {
	sore := m.topic.placed()
	switch {
	case m.who.temper == grumpy && sore:
		return plan{"?grumble", "?ask"}
	case m.who.temper == anxious && m.topic.fix:
		return plan{"?worryline", "?ask"}
	case m.who.temper == joker && m.topic.fix:
		return plan{"?joke"}
	case m.who.temper == formal:
		return plan{"ask"}
	case m.who.temper == terse:
		return nil
	}
	return plan{"?ask"}
}
