package people

import "time"

// Heard tells the people what one of our accounts has said. Whoever is answered
// reacts, in their own time; something said to everybody finds its commenters.
func (e *Engine) Heard(at time.Time, o Ours) {
	m := e.where[o.ReplyTo]
	if m == nil {
		if o.ReplyTo == "" && !o.Private {
			e.public(at, o)
		}
		return
	}
	e.place(o.ID, m)
	e.answered(at, m, o, false)
}

// Gone tells the people that a post of ours was deleted.
func (e *Engine) Gone(id string) {
	if m := e.where[id]; m != nil && m.replyTo == id {
		m.replyTo = m.last
	}
	delete(e.where, id)
}

// answered plans how somebody takes our answer.
func (e *Engine) answered(at time.Time, m *matter, o Ours, curt bool) {
	m.ours++
	m.heard = understand(o.Text)
	m.heard.curt = m.heard.curt || curt
	m.replyTo = o.ID
	wait := e.span(at, [2]time.Duration{12 * time.Second, 75 * time.Second}, [2]time.Duration{4 * time.Minute, 150 * time.Minute})
	if m.closed {
		return
	}
	switch {
	case m.topic.mood == "chat", m.topic.mood == "praise" && !m.heard.question: // a word in passing
		e.like(at.Add(wait/2), m, o.ID, 60)
		e.meanwhile(at.Add(wait), m, func(_ time.Time, m *matter) { e.leave(m) })
	case m.heard.question && !m.thanked && e.chance(88):
		e.later(at.Add(wait), m, e.answerQuestion)
	case m.heard.curt && m.ours <= 2 && m.who.temper != terse && e.chance(75):
		e.later(at.Add(wait), m, func(at time.Time, m *matter) bool {
			return e.recall(at, m, plan{"curt", "?ask"})
		})
	case m.thanked || m.ours > 3 || e.chance(8): // nothing more to say, or gone about their day
		e.like(at.Add(wait/2), m, o.ID, 50)
		e.meanwhile(at.Add(wait), m, func(_ time.Time, m *matter) { e.leave(m) })
	case m.topic.mood == "rude":
		e.later(at.Add(wait), m, func(at time.Time, m *matter) bool {
			m.thanked = e.again(at, m, plan{"calm"})
			return m.thanked
		})
	default:
		e.like(at.Add(wait/2), m, o.ID, 25)
		e.later(at.Add(wait), m, e.thank)
	}
}

func (e *Engine) like(at time.Time, m *matter, id string, percent int) {
	if e.chance(percent) {
		e.meanwhile(at, m, func(_ time.Time, m *matter) { e.stage.Like(m.who.Persona, id) })
	}
}

// answerQuestion tells what we asked for.
func (e *Engine) answerQuestion(at time.Time, m *matter) bool { return e.again(at, m, plan{"answerq"}) }

// thank is the end of most matters: thanks, and perhaps one more question.
// What was to be repaired is looked at again later.
func (e *Engine) thank(at time.Time, m *matter) bool {
	more := "?more"
	if m.who.temper == terse || m.ours > 1 || m.topic.mood == "praise" {
		more = ""
	}
	p := plan{"thanks"}
	asks := more != "" && e.chance(35)
	if asks {
		p = plan{"thanks", "more"}
	}
	if !e.again(at, m, p) {
		return false
	}
	m.thanked = !asks
	wait := e.span(at, [2]time.Duration{6 * time.Minute, 20 * time.Minute}, [2]time.Duration{20 * time.Hour, 80 * time.Hour})
	if m.topic.fix && e.chance(45) {
		e.later(at.Add(wait), m, e.lookAgain)
	} else {
		e.meanwhile(at.Add(wait), m, func(_ time.Time, m *matter) {
			if m.thanked {
				e.leave(m)
			}
		})
	}
	return true
}

// lookAgain tells whether what we promised has come true.
func (e *Engine) lookAgain(at time.Time, m *matter) bool {
	p := plan{"fixed"}
	if e.chance(35) {
		p = plan{"broken", "?ask"}
		m.thanked = false
	}
	if !e.recall(at, m, p) {
		return false
	}
	if m.thanked {
		e.leave(m)
	}
	return true
}

// public is something we said to everybody: a few of the town have a word on it.
func (e *Engine) public(at time.Time, o Ours) {
	for range 1 + e.rng.IntN(4) {
		wait := e.span(at, [2]time.Duration{10 * time.Second, 4 * time.Minute}, [2]time.Duration{10 * time.Minute, 9 * time.Hour})
		p := e.anybody(at)
		g := e.grammarOf(p.Lang)
		if o.Lang != "" && p.Lang != o.Lang && e.chance(70) {
			continue
		}
		desk := Desk{Handle: o.Desk, Name: o.Desk}
		for _, d := range e.o.Desks {
			if d.Handle == o.Desk {
				desk = d
			}
		}
		m := &matter{
			who: p, desk: desk, g: g, topic: &topic{name: "comment", mood: "chat"}, author: desk.Name,
			bound: map[string][]string{"thing": {understand(o.Text).said}}, told: map[string]bool{}, replyTo: o.ID, heard: understand(o.Text), began: at,
		}
		e.later(at.Add(wait), m, e.comment)
	}
}

// comment is a word under what we said to everybody, or a post that quotes it.
func (e *Engine) comment(at time.Time, m *matter) bool {
	what, quotes := "comment", e.chance(15)
	if quotes {
		what = "quoting|comment"
	}
	typed, meant, ok := e.compose(m, at, plan{what}, false)
	if !ok {
		return false
	}
	l := e.line(m, typed)
	l.Addressed = true
	if quotes {
		l.Quote, l.ReplyTo = m.replyTo, ""
	}
	e.said(at, m, l, meant)
	if !e.live(at) {
		e.deskWill(at, m)
	}
	return true
}
