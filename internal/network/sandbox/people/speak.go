package people

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// deskFor is a desk that a topic belongs to; false if there is none.
func (e *Engine) deskFor(t *topic) (Desk, bool) {
	var fit []Desk
	for _, d := range e.o.Desks {
		if d.Kind == "" || t.desk == "" || d.Kind == t.desk {
			fit = append(fit, d)
		}
	}
	if len(fit) == 0 {
		return Desk{}, false
	}
	return fit[e.rng.IntN(len(fit))], true
}

// begin makes a matter for somebody, with a topic that some desk is there for.
func (e *Engine) begin(at time.Time, p *persona) (*matter, bool) {
	g := e.grammarOf(p.Lang)
	for range 12 {
		var i int
		if _, err := fmt.Sscan(e.dealer.deal(e.topics[g]), &i); err != nil {
			return nil, false
		}
		t := g.topics[i]
		desk, ok := e.deskFor(t)
		if !ok || p.mischief && (t.private || t.mood != "") {
			continue
		}
		return &matter{who: p, desk: desk, g: g, topic: t, bound: map[string][]string{}, told: map[string]bool{}, private: t.private, began: at}, true
	}
	return nil, false
}

// open makes somebody begin a matter.
func (e *Engine) open(at time.Time, p *persona) bool {
	for _, old := range e.matters {
		if old.who == p {
			e.leave(old) // one thing at a time
		}
	}
	m, ok := e.begin(at, p)
	if !ok {
		return false
	}
	typed, meant, ok := e.compose(m, at, e.opening(m, at), false)
	if !ok || len(m.thing()) == 0 {
		return false
	}
	l := e.line(m, typed)
	l.Addressed = true
	if !m.private {
		l.Text = e.mention(m, typed)
	}
	if m.topic.warn {
		if w, ok := e.voice(m, at).move("warning"); ok {
			l.Warning = capitals(w, m.g.lang)
		}
	}
	if m.topic.scene != "" && e.chance(24) {
		l.Pictures = []Picture{e.picture(m, at)}
	}
	e.said(at, m, l, meant)
	e.afterwards(at, m, typed, meant)
	p.busy = at.Add(e.span(at, [2]time.Duration{10 * time.Minute, 40 * time.Minute}, [2]time.Duration{20 * time.Hour, 60 * time.Hour}))
	return true
}

// mention puts the desk's handle into a public message.
func (e *Engine) mention(m *matter, text string) string {
	if e.chance(70) {
		return "@" + m.desk.Handle + " " + text
	}
	return text + " @" + m.desk.Handle
}

func (e *Engine) picture(m *matter, at time.Time) Picture {
	pic := Picture{Scene: m.topic.scene, Seed: fmt.Sprintf("%x%d", e.o.Seed&0xffff, e.serial)}
	if e.chance(70) {
		if alt, ok := e.voice(m, at).move("alt"); ok {
			pic.Alt = alt
		}
	}
	return pic
}

// line is a message of a matter, not yet said.
func (e *Engine) line(m *matter, text string) Line {
	l := Line{Who: m.who.Persona, Desk: m.desk.Handle, Text: text, Lang: m.g.lang, Visibility: "public", ReplyTo: m.replyTo}
	if m.private {
		l.Visibility, l.Addressed = "direct", true
	}
	return l
}

// said puts a message on the stage and remembers it.
func (e *Engine) said(at time.Time, m *matter, l Line, meant string) {
	id := e.stage.Say(at, l)
	if m.root == "" {
		m.root = id
		e.matters = append(e.matters, m)
		if len(e.matters) > maxMatters {
			e.leave(e.matters[0])
			e.matters = e.matters[1:]
		}
	}
	m.last, m.replyTo = id, id
	m.texts = append(m.texts, meant)
	if len(m.texts) > textsKept {
		m.texts = m.texts[1:]
	}
	e.place(id, m)
}

// place remembers in which matter a post stands.
func (e *Engine) place(id string, m *matter) {
	if id == "" {
		return
	}
	e.where[id] = m
	e.posted = append(e.posted, id)
	if len(e.posted) > maxPosts {
		for _, old := range e.posted[:maxPosts/10] {
			delete(e.where, old)
		}
		e.posted = slices.Delete(e.posted, 0, maxPosts/10)
	}
}

// leave ends a matter: it becomes something remembered.
func (e *Engine) leave(m *matter) {
	if m.closed {
		return
	}
	m.closed = true
	if m.author == "" && len(m.thing()) > 0 && m.topic.mood == "" {
		m.who.remember(memory{thing: m.thing(), topic: m.topic.name, desk: m.desk.Handle, answered: m.ours > 0})
	}
}

// again says a plan in a running matter.
func (e *Engine) again(at time.Time, m *matter, p plan) bool { return e.more(at, m, p, false) }

// recall is again for whoever must say what it was about: it names a noun of
// what they said before.
func (e *Engine) recall(at time.Time, m *matter, p plan) bool { return e.more(at, m, p, true) }

func (e *Engine) more(at time.Time, m *matter, p plan, recall bool) bool {
	if m.closed {
		return false
	}
	typed, meant, ok := e.compose(m, at, p, recall)
	if !ok {
		return false
	}
	l := e.line(m, typed)
	l.Addressed = true
	e.said(at, m, l, meant)
	e.mend(at, m, typed, meant)
	return true
}

// afterwards plans what may follow a first message if we stay silent, and
// what the person does about it by themselves.
func (e *Engine) afterwards(at time.Time, m *matter, typed, meant string) {
	e.mend(at, m, typed, meant)
	soon := e.span(at, [2]time.Duration{40 * time.Second, 3 * time.Minute}, [2]time.Duration{2 * time.Minute, 25 * time.Minute})
	switch {
	case e.chance(7) && m.topic.mood == "":
		e.later(at.Add(soon), m, func(at time.Time, m *matter) bool { return e.again(at, m, plan{"ps"}) })
	case e.chance(5) && m.topic.mood == "":
		e.meanwhile(at.Add(soon), m, e.correct)
	case m.topic.mood == "rude" && e.chance(30), e.chance(3):
		e.meanwhile(at.Add(soon*3), m, e.takeBack)
	}
	if m.topic.fix && !m.private && e.chance(12) {
		e.later(at.Add(soon*4), m, e.joinIn)
	}
	if m.topic.mood == "" && e.chance(38) {
		wait := e.span(at, [2]time.Duration{4 * time.Minute, 12 * time.Minute}, [2]time.Duration{5 * time.Hour, 40 * time.Hour})
		e.later(at.Add(wait), m, e.remind)
	}
	if !e.live(at) && !m.who.mischief {
		e.deskWill(at, m)
	}
}

// mend replaces a typing error some time later, as people do who see it.
func (e *Engine) mend(at time.Time, m *matter, typed, meant string) {
	if typed == meant || !e.chance(60) {
		return
	}
	id, handle := m.last, "@"+m.desk.Handle
	first := len(m.texts) == 1 && !m.private
	wait := e.span(at, [2]time.Duration{15 * time.Second, 90 * time.Second}, [2]time.Duration{time.Minute, 9 * time.Minute})
	e.meanwhile(at.Add(wait), m, func(at time.Time, _ *matter) {
		if first {
			meant = handle + " " + meant
		}
		e.stage.Edit(at, id, meant)
	})
}

// correct adds a correction to the first message.
func (e *Engine) correct(at time.Time, m *matter) {
	if len(m.texts) != 1 || m.ours > 0 {
		return
	}
	edit, ok := e.voice(m, at).move("edit")
	if !ok || !e.recent.fresh(Sentences(edit)) {
		return
	}
	text := m.texts[0] + " " + edit
	if !m.private {
		text = "@" + m.desk.Handle + " " + text
	}
	e.stage.Edit(at, m.last, text)
}

// takeBack deletes the first message and lets the matter rest.
func (e *Engine) takeBack(at time.Time, m *matter) {
	if m.ours > 0 || len(m.texts) > 1 {
		return
	}
	m.closed = true
	e.stage.Delete(at, m.root)
}

// remind asks where our answer is: once, sometimes twice, then they give up.
func (e *Engine) remind(at time.Time, m *matter) bool {
	var p plan
	switch m.reminded {
	case 0:
		p = plan{"?greet", "remind"}
		if m.who.temper == grumpy {
			p = append(p, "?grumble")
		}
		if m.who.temper == joker {
			p = append(p, "?joke")
		}
	case 1:
		p = plan{"remind2"}
	default:
		p = plan{"giveup"}
	}
	if m.topic.mood != "" || !e.recall(at, m, p) {
		return false
	}
	m.reminded++
	wait := e.span(at, [2]time.Duration{8 * time.Minute, 25 * time.Minute}, [2]time.Duration{20 * time.Hour, 50 * time.Hour})
	switch {
	case m.reminded == 3:
		e.leave(m)
	case e.chance(40):
		e.later(at.Add(wait), m, e.remind)
	}
	return true
}

// joinIn makes somebody else say that they have it too, under the first post.
func (e *Engine) joinIn(at time.Time, m *matter) bool {
	p := e.anybody(at)
	if p.Lang != m.g.lang || p == m.who {
		return false
	}
	bound := map[string][]string{}
	for k, v := range m.bound {
		bound[k] = v
	}
	first, _, _ := strings.Cut(m.who.Name, " ")
	joined := &matter{who: p, desk: m.desk, g: m.g, topic: m.topic, bound: bound, told: map[string]bool{}, author: first, began: at, replyTo: m.root}
	typed, meant, ok := e.compose(joined, at, plan{"metoo"}, false)
	if !ok {
		return false
	}
	l := e.line(joined, typed)
	l.Addressed = true
	l.Text = e.mention(joined, typed)
	e.said(at, joined, l, meant)
	if !e.live(at) {
		e.deskWill(at, joined)
	}
	return true
}
