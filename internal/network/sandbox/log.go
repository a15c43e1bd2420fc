package sandbox

import (
	"slices"
	"time"

	"parley/internal/network"
)

// eventLog is what one account is told in one feed, numbered without gaps. The
// oldest entries are forgotten.
type eventLog struct {
	first int64 // number of items[0], or of the first to come
	items []wireEvent
}

func (l *eventLog) add(e wireEvent) {
	e.Seq = l.first + int64(len(l.items))
	l.items = append(l.items, e)
	if len(l.items) > maxLog {
		n := maxLog / 10
		l.items = slices.Delete(l.items, 0, n)
		l.first += int64(n)
	}
}

// last is the number of the newest entry.
func (l *eventLog) last() int64 {
	return l.first + int64(len(l.items)) - 1
}

// after is up to limit entries behind seq, oldest first.
func (l *eventLog) after(seq int64, limit int) []wireEvent {
	from := max(0, seq+1-l.first)
	if from >= int64(len(l.items)) {
		return nil
	}
	items := l.items[from:]
	return items[:min(limit, len(items))]
}

// before is up to limit entries ahead of seq, newest first.
func (l *eventLog) before(seq int64, limit int) []wireEvent {
	to := min(seq-l.first, int64(len(l.items)))
	if to <= 0 {
		return nil
	}
	items := slices.Clone(l.items[max(0, to-int64(limit)):to])
	slices.Reverse(items)
	return items
}

func (d *desk) log(f network.Feed) *eventLog {
	if f == network.Own {
		return &d.own
	}
	return &d.mentions
}

// deliver puts a new post into the logs of all accounts it reaches.
func (w *world) deliver(p *post, at time.Time) {
	for _, d := range w.desks {
		if p.desk == d {
			d.own.add(wireEvent{Feed: network.Own, Kind: eventEcho, At: at, Own: true, Post: snapshot(p)})
			continue
		}
		if kind := w.reaches(p, d); kind != "" {
			d.mentions.add(wireEvent{Feed: network.Mentions, Kind: kind, At: at, Post: snapshot(p)})
		}
	}
}

// reaches says as what a post is told to an account, or "".
func (w *world) reaches(p *post, d *desk) string {
	addressed := slices.ContainsFunc(p.To, func(t wirePerson) bool { return t.ID == d.ID })
	if p.Visibility == string(network.DirectTo) {
		if addressed {
			return eventDM
		}
		return ""
	}
	if parent := w.posts[p.InReplyTo]; parent != nil && parent.desk == d {
		return eventReply
	}
	if quoted := w.posts[p.Quote]; quoted != nil && quoted.desk == d {
		return eventQuote
	}
	if addressed {
		return eventMention
	}
	return ""
}

// spread tells an edit or a delete to whoever was told the post.
func (w *world) spread(p *post, e wireEvent) {
	for _, d := range w.desks {
		switch {
		case p.desk == d:
			e.Feed, e.Own = network.Own, true
			d.own.add(e)
		case w.reaches(p, d) != "":
			e.Feed, e.Own = network.Mentions, false
			d.mentions.add(e)
		}
	}
}

// shown is an entry as it is served: the words of what has been deleted since
// are not told any more, its place in the numbering stays.
func (w *world) shown(e wireEvent) wireEvent {
	if e.Post == nil {
		return e
	}
	if p, ok := w.posts[e.Post.ID]; ok && p.deleted {
		e.Kind, e.Gone, e.Post = eventDelete, e.Post.ID, nil
	}
	return e
}

func (w *world) page(l *eventLog, items []wireEvent, asked int64, limit int) wirePage {
	p := wirePage{Events: make([]wireEvent, 0, len(items)), Next: asked, First: l.first, More: len(items) == limit}
	for _, e := range items {
		p.Events = append(p.Events, w.shown(e))
	}
	if len(items) > 0 {
		p.Next = items[len(items)-1].Seq
	}
	return p
}
