package sandbox

import (
	"context"
	"time"

	"parley/internal/clock"
	"parley/internal/network"
	"parley/internal/network/sandbox/people"
)

// stage is the world as the people see it. They act while the world is locked.
type stage struct{ w *world }

var _ people.Stage = stage{}

// Say makes a person speak and tells them where.
func (s stage) Say(at time.Time, l people.Line) string {
	w := s.w
	who := w.addPerson(wirePerson{ID: l.Who.ID, Handle: l.Who.Handle, Name: l.Who.Name})
	p := &post{wirePost: wirePost{
		Author: *who, Text: l.Text, Lang: l.Lang, Warning: l.Warning, Visibility: l.Visibility,
		InReplyTo: l.ReplyTo, Quote: l.Quote,
	}}
	if d := w.deskByHandle(l.Desk); d != nil && l.Addressed {
		p.To = []wirePerson{*d.wirePerson}
	}
	if parent := w.posts[l.ReplyTo]; parent != nil && parent.deleted {
		p.InReplyTo = ""
	}
	for _, m := range l.Pictures {
		p.Media = append(p.Media, wireMedia{
			ID: "p-" + m.Seed, Kind: "image", MIME: "image/png", Alt: m.Alt, Width: 640, Height: 400,
			URL: w.base + prefix + "/pictures/" + m.Scene + "-" + m.Seed + ".png",
		})
	}
	p.views = int64(20 + len(l.Text)*3)
	return w.publish(p, at).ID
}

// Answer is what one of our accounts said, before anybody signed in: the
// history of the demo. replyTo "" is a post of its own.
func (s stage) Answer(at time.Time, desk, replyTo, words, lang string) string {
	w := s.w
	d := w.deskByHandle(desk)
	if d == nil || replyTo != "" && w.find(replyTo) == nil {
		return ""
	}
	n := wireNew{Text: words, Lang: lang, InReplyTo: replyTo}
	if parent := w.find(replyTo); parent != nil {
		n.Visibility = parent.Visibility
	}
	return w.publish(w.compose(d, n, ""), at).ID
}

// Edit gives something that was said other words.
func (s stage) Edit(at time.Time, id, words string) {
	if p := s.w.find(id); p != nil {
		s.w.revise(p, wireNew{Text: words, Warning: p.Warning}, at)
	}
}

// Delete takes something back.
func (s stage) Delete(at time.Time, id string) {
	if p := s.w.find(id); p != nil {
		s.w.remove(p, at)
	}
}

// Like is a small sign of approval.
func (s stage) Like(who people.Persona, id string) {
	if p := s.w.find(id); p != nil {
		p.likes[who.ID] = true
		p.views += 11
	}
}

// heard tells the people what one of our accounts has said.
func (w *world) heard(p *post) {
	if w.engine == nil {
		return
	}
	w.engine.Heard(w.now(), people.Ours{
		ID: p.ID, Desk: p.Author.Handle, ReplyTo: p.InReplyTo, Text: p.Text, Lang: p.Lang,
		Private: p.Visibility == string(network.DirectTo),
	})
}

// Run lets the people live until ctx ends: without it they speak only when the
// network is asked for something. It returns ctx's error.
func (s *Server) Run(ctx context.Context) error {
	for {
		if err := clock.Sleep(ctx, s.world.clock, s.untilNext()); err != nil {
			return err
		}
		s.world.mu.Lock()
		s.world.catchUp()
		s.world.mu.Unlock()
	}
}

// untilNext is how long nothing will happen, at most a minute: an answer of
// ours can make something happen sooner than was planned.
func (s *Server) untilNext() time.Duration {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	wait := 2 * time.Second
	if w.engine == nil {
		return time.Minute
	}
	if next := w.engine.Next(); !next.IsZero() {
		wait = min(wait, next.Sub(w.now()))
	}
	return max(wait, 50*time.Millisecond)
}
