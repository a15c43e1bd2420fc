package people

import (
	"time"
)

// Before Live nobody sits at the desk, so the engine answers in its place: most
// people, some late, a few curtly, and hardly anybody in the last hours.

// unanswered is how long before Live the desk stops answering by itself.
const unanswered = 5 * time.Hour

// deskWill plans our answer to what somebody just said.
func (e *Engine) deskWill(at time.Time, m *matter) {
	if !e.chance(74) {
		return
	}
	then := at.Add(15*time.Minute + time.Duration(e.rng.Int64N(int64(9*time.Hour))))
	if h := then.In(e.zone).Hour(); h < 8 || h >= 19 { // the desk sleeps
		then = then.Add(13 * time.Hour)
	}
	if then.After(e.o.Live.Add(-unanswered)) {
		return
	}
	e.meanwhile(then, m, e.deskSays)
}

// deskSays is one answer of ours in the history.
func (e *Engine) deskSays(at time.Time, m *matter) {
	if m.closed || m.ours > 2 || m.replyTo != m.last {
		return
	}
	text, curt, ok := e.deskWords(at, m)
	if !ok {
		return
	}
	signed := text + "\n– " + e.o.Staff[e.rng.IntN(len(e.o.Staff))]
	id := e.stage.Answer(at, m.desk.Handle, m.last, signed, m.g.lang)
	if id == "" {
		return
	}
	e.place(id, m)
	e.answered(at, m, Ours{ID: id, Desk: m.desk.Handle, ReplyTo: m.last, Text: signed, Lang: m.g.lang}, curt)
}

// deskWords finds words for an answer: what the matter calls for, first.
func (e *Engine) deskWords(at time.Time, m *matter) (text string, curt, ok bool) {
	moves := []string{"reply"}
	switch {
	case m.topic.mine:
	case m.reminded > 0 && m.ours == 0:
		moves = []string{"desk.late", "reply"}
	case e.chance(9):
		moves = []string{"desk.curt", "reply"}
	case m.ours == 0 && m.topic.mood == "" && e.chance(24):
		moves = []string{"desk.ask", "reply"}
	case m.topic.fix && e.chance(50):
		moves = []string{"desk.pass", "reply"}
	}
	v := e.voice(m, at)
	for _, move := range moves {
		for range 12 {
			text, ok = v.move(move)
			if !ok {
				break
			}
			text = capitals(finish(text, m.g.stop), m.g.lang)
			if sentences := Sentences(text); e.recent.fresh(sentences) {
				e.recent.add(sentences)
				return text, move == "desk.curt", true
			}
		}
	}
	return "", false, false
}

// announcements plans what the desks told everybody in the history.
func (e *Engine) announcements() {
	span := e.o.Live.Sub(e.o.Start)
	if span < 24*time.Hour || len(e.o.Desks) == 0 {
		return
	}
	const apart = 40 * time.Hour
	for at := e.o.Start.Add(7 * time.Hour); at.Before(e.o.Live.Add(-3 * time.Hour)); at = at.Add(apart) {
		y, m, d := at.In(e.zone).Date()
		morning := time.Date(y, m, d, 9+e.rng.IntN(8), e.rng.IntN(60), e.rng.IntN(60), 0, e.zone).UTC()
		if morning.After(e.o.Start) && morning.Before(e.o.Live) {
			e.meanwhile(morning, nil, e.announce)
		}
	}
}

func (e *Engine) announce(at time.Time, _ *matter) {
	d := e.o.Desks[e.rng.IntN(len(e.o.Desks))]
	kind := d.Kind
	if kind == "" {
		kind = "townhall"
	}
	g := e.grammars[0]
	if e.chance(25) && len(e.grammars) > 2 {
		g = e.grammars[1+e.rng.IntN(2)]
	}
	m := &matter{who: e.people[0], desk: d, g: g, topic: &topic{name: "announce"}, bound: map[string][]string{}, told: map[string]bool{}, began: at}
	text, ok := e.voice(m, at).move("announce." + kind)
	if !ok || !e.recent.fresh(Sentences(text)) {
		return
	}
	e.recent.add(Sentences(text))
	text = capitals(text, g.lang)
	if id := e.stage.Answer(at, d.Handle, "", text, g.lang); id != "" {
		e.public(at, Ours{ID: id, Desk: d.Handle, Text: text, Lang: g.lang})
	}
}

// troubles lets those whose handles call for a fault write in the last hours of
// the history, so that they wait to be answered.
func (e *Engine) troubles() {
	if e.o.Live.Sub(e.o.Start) < 24*time.Hour {
		return
	}
	for _, p := range e.people {
		if p.mischief {
			at := e.o.Live.Add(-20*time.Minute - time.Duration(e.rng.Int64N(int64(150*time.Minute))))
			e.meanwhile(at, nil, func(at time.Time, _ *matter) { e.open(at, p) })
		}
	}
}
