package conversation

import (
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Bounds on what one message may bring in. Networks allow far less; what is
// over was made to hurt, and its head says enough to answer it.
const (
	maxBody   = 64 << 10 // bytes
	maxLine   = 500      // bytes of a name, handle or warning
	maxURL    = 4 << 10
	maxID     = 1 << 10
	maxMedia  = 40
	maxPeople = 100
)

// oldest is the first believable date: before it there was nothing to say it on.
var oldest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// clean makes a remote event safe to store: valid UTF-8 without U+0000, bounded
// lengths, spans inside the text, a believable time. It reports whether there is
// anything left to store.
func clean(e *network.Event, now time.Time) bool {
	if e.Kind == network.KindGone {
		return e.Gone != nil && usable(e.Gone.ID)
	}
	p := e.Post
	if p == nil || !usable(p.ID) || p.Author.RemoteID == "" && !e.Own {
		return false
	}
	p.Text = cleanText(p.Text)
	p.Warning = text.CleanLine(p.Warning, maxLine)
	p.Lang = text.CleanLine(p.Lang, 35)
	p.Version = text.CleanLine(p.Version, maxID)
	p.URL = text.CleanLine(p.URL, maxURL)
	if !usable(p.ParentID) {
		p.ParentID = ""
	}
	if !usable(p.RootID) {
		p.RootID = ""
	}
	if !usable(p.QuoteID) {
		p.QuoteID = ""
	}
	cleanPerson(&p.Author)
	p.To = p.To[:min(len(p.To), maxPeople)]
	for i := range p.To {
		cleanPerson(&p.To[i])
	}
	p.Media = p.Media[:min(len(p.Media), maxMedia)]
	for i := range p.Media {
		m := &p.Media[i]
		m.Alt, m.URL, m.MIME = text.Cut(text.Clean(m.Alt), 10_000), text.CleanLine(m.URL, maxURL), text.CleanLine(m.MIME, 100)
	}
	p.Created = believable(now, p.Created, p.Indexed, e.At)
	if !p.Edited.IsZero() {
		p.Edited = believable(now, p.Edited, e.At)
	}
	return true
}

// usable reports an id that both databases can keep and that is whole: a cut id
// would be another one's.
func usable(remote string) bool {
	return remote != "" && len(remote) <= maxID && text.Clean(remote) == remote
}

func cleanPerson(p *network.Person) {
	p.RemoteID = text.CleanLine(p.RemoteID, maxID)
	p.Handle = text.CleanLine(p.Handle, maxLine)
	p.Name = text.CleanLine(p.Name, maxLine)
	p.URL = text.CleanLine(p.URL, maxURL)
	p.Avatar = text.CleanLine(p.Avatar, maxURL)
}

// cleanText keeps spans only while their offsets still mean what they meant.
func cleanText(t text.Text) text.Text {
	body := text.Cut(text.Clean(t.Body), maxBody)
	if len(body) < len(t.Body) && (len(t.Body) < len(body) || t.Body[:len(body)] != body) {
		return text.Text{Body: body} // something inside was removed: the offsets moved
	}
	var spans []text.Span
	for _, s := range t.Spans {
		if s.Start >= 0 && s.Start < s.End && s.End <= len(body) && len(spans) < 1000 {
			s.Target = text.CleanLine(s.Target, maxURL)
			spans = append(spans, s)
		}
	}
	return text.Text{Body: body, Spans: spans}
}

// believable picks the first time that can be true, not before the web and not
// in the future (networks.md section 4.6), else now.
func believable(now time.Time, candidates ...time.Time) time.Time {
	for _, t := range candidates {
		if t.IsZero() || t.Before(oldest) {
			continue
		}
		if t.After(now) {
			// A clock that is a little fast is common; order matters more.
			if t.Before(now.Add(24 * time.Hour)) {
				return now
			}
			continue
		}
		return t.UTC().Truncate(time.Microsecond)
	}
	return now
}
