package people

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The pace of the living stream, and of the history before it.
const (
	liveLeast  = 8 * time.Second
	liveMost   = 40 * time.Second
	pastGap    = 70 * time.Minute // by day; nights are longer
	maxBehind  = time.Hour        // what a clock that jumps is caught up with
	maxMatters = 400
	maxPosts   = 3000
)

// Engine is the town at work.
type Engine struct {
	o        Options
	rng      *rand.Rand
	zone     *time.Location
	stage    Stage
	grammars []*grammar
	dealer   *dealer
	topics   map[*grammar]*list // decks of topics, by weight
	people   []*persona
	recent   *recent

	now     time.Time
	pulse   time.Time // when somebody speaks next
	acts    acts      // what waits for a pulse
	quiet   acts      // edits, deletes, likes and our own history: at their time
	serial  int
	matters []*matter
	where   map[string]*matter // by ids of posts in it, theirs and ours
	posted  []string           // the ids in where, oldest first
}

// act is something planned.
type act struct {
	at     time.Time
	serial int
	matter *matter
	ours   int // how often we had answered when it was planned; -1: that doesn't matter
	do     func(at time.Time, m *matter) bool
}

// acts is a heap by time, then by the order of planning.
type acts []act

func (a acts) Len() int { return len(a) }
func (a acts) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].serial < a[j].serial
	}
	return a[i].at.Before(a[j].at)
}
func (a acts) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *acts) Push(x any)   { *a = append(*a, x.(act)) }
func (a *acts) Pop() any {
	old := *a
	x := old[len(old)-1]
	*a = old[:len(old)-1]
	return x
}

// New makes a town. Nothing happens before Step.
func New(o Options) (*Engine, error) {
	langs := o.Langs
	if langs == nil {
		for _, s := range shares {
			langs = append(langs, s.lang)
		}
	}
	gs, err := grammars(langs)
	if err != nil {
		return nil, err
	}
	names, err := readNames()
	if err != nil {
		return nil, err
	}
	if len(o.Staff) == 0 {
		o.Staff = []string{"Mara", "Jonas", "Elif"}
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	rng := rand.New(rand.NewPCG(o.Seed, 0x7061726C6579)) // "parley"
	e := &Engine{
		o: o, rng: rng, zone: o.Zone, stage: o.Stage, grammars: gs,
		dealer: &dealer{rng: rng, decks: map[*list]*deck{}}, topics: map[*grammar]*list{},
		recent: newRecent(Window + 20), now: o.Start, where: map[string]*matter{},
	}
	e.people = populate(o.Seed, gs, names, rng)
	for _, g := range gs {
		e.topics[g] = weighted(g)
	}
	e.pulse = e.after(o.Start)
	e.announcements()
	e.troubles()
	return e, nil
}

func readNames() (map[string][]string, error) {
	b, err := files.ReadFile("text/names.txt")
	if err != nil {
		return nil, fmt.Errorf("reading names: %w", err)
	}
	out := map[string][]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if key, names, ok := strings.Cut(line, ": "); ok && line[0] != '#' {
			out[key] = strings.Split(names, "; ")
		}
	}
	return out, nil
}

// weighted is a deck in which a topic lies as often as it weighs.
func weighted(g *grammar) *list {
	l := &list{name: "topics"}
	for i, t := range g.topics {
		for range t.weight {
			l.items = append(l.items, fmt.Sprint(i))
		}
	}
	return l
}

// Welcome lets people write to one more desk.
func (e *Engine) Welcome(d Desk) {
	if !slices.ContainsFunc(e.o.Desks, func(o Desk) bool { return o.Handle == d.Handle }) {
		e.o.Desks = append(slices.Clone(e.o.Desks), d)
	}
}

// Personas lists everybody.
func (e *Engine) Personas() []Persona {
	out := make([]Persona, len(e.people))
	for i, p := range e.people {
		out[i] = p.Persona
	}
	return out
}

// Next is when something happens next.
func (e *Engine) Next() time.Time {
	if len(e.quiet) > 0 && e.quiet[0].at.Before(e.pulse) {
		return e.quiet[0].at
	}
	return e.pulse
}

// Step lets happen what happens until now. A clock that jumps further than an
// hour is not caught up with: the town was asleep.
func (e *Engine) Step(now time.Time) {
	if live := e.o.Live; e.pulse.After(live) && now.Sub(e.pulse) > maxBehind {
		e.pulse = now.Add(-maxBehind)
	}
	for next := e.Next(); !next.After(now); next = e.Next() {
		e.now = next
		if len(e.quiet) > 0 && !e.quiet[0].at.After(next) {
			a := heap.Pop(&e.quiet).(act)
			a.do(next, a.matter)
			continue
		}
		e.speak(next)
		e.pulse = e.after(next)
	}
	e.now = now
}

// speak is one pulse: whoever is due speaks, else somebody begins.
func (e *Engine) speak(at time.Time) {
	for len(e.acts) > 0 && !e.acts[0].at.After(at) {
		a := heap.Pop(&e.acts).(act)
		if a.matter.closed || a.ours >= 0 && a.ours != a.matter.ours {
			continue // overtaken by what we answered
		}
		if a.do(at, a.matter) {
			return
		}
	}
	for range 6 {
		if e.open(at, e.anybody(at)) {
			return
		}
	}
}

// after is the pulse behind one.
func (e *Engine) after(at time.Time) time.Time {
	if !at.Before(e.o.Live) {
		return at.Add(liveLeast + time.Duration(e.rng.Int64N(int64(liveMost-liveLeast))))
	}
	gap := pastGap/2 + time.Duration(e.rng.Int64N(int64(pastGap)))
	switch h := at.In(e.zone).Hour(); {
	case h >= 23 || h < 6:
		gap *= 5
	case h < 8:
		gap *= 2
	case h >= 12 && h < 14, h >= 17 && h < 21:
		gap = gap * 2 / 3
	}
	next := at.Add(gap)
	if next.After(e.o.Live) {
		return e.o.Live.Add(time.Duration(e.rng.Int64N(int64(liveMost))))
	}
	return next
}

// live reports that the history is over.
func (e *Engine) live(at time.Time) bool { return !at.Before(e.o.Live) }

// span is a duration between two bounds: of minutes in the living stream, of
// what they stand for in the history.
func (e *Engine) span(at time.Time, live, past [2]time.Duration) time.Duration {
	b := past
	if e.live(at) {
		b = live
	}
	return b[0] + time.Duration(e.rng.Int64N(int64(b[1]-b[0])))
}

// later plans what somebody will say when it is their turn.
func (e *Engine) later(at time.Time, m *matter, do func(time.Time, *matter) bool) {
	e.serial++
	heap.Push(&e.acts, act{at: at, serial: e.serial, matter: m, ours: m.ours, do: do})
}

// meanwhile plans what happens by itself, to the second.
func (e *Engine) meanwhile(at time.Time, m *matter, do func(time.Time, *matter)) {
	e.serial++
	heap.Push(&e.quiet, act{at: at, serial: e.serial, matter: m, ours: -1,
		do: func(at time.Time, m *matter) bool { do(at, m); return true }})
}

// anybody is somebody who has nothing going on.
func (e *Engine) anybody(at time.Time) *persona {
	for range 40 {
		p := e.people[e.rng.IntN(len(e.people))]
		if at.After(p.busy) && !p.mischief {
			return p
		}
	}
	return e.people[e.rng.IntN(len(e.people))]
}

func (e *Engine) grammarOf(lang string) *grammar {
	i := slices.IndexFunc(e.grammars, func(g *grammar) bool { return g.lang == lang })
	return e.grammars[max(i, 0)]
}

// chance is true n times in a hundred.
func (e *Engine) chance(n int) bool { return e.rng.IntN(100) < n }
