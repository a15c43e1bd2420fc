package sandbox

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

// What is kept of remote names and lists at most.
const (
	maxName  = 200
	maxID    = 200
	maxTo    = 100
	maxSpans = 500
)

// person makes a Person of what the network told.
func person(p wirePerson, instance string) network.Person {
	return network.Person{
		Network: Name, Instance: instance, RemoteID: text.CleanLine(p.ID, maxID), Handle: text.CleanLine(p.Handle, maxName),
		Name: text.CleanLine(p.Name, maxName), URL: address(p.URL), Avatar: address(p.Avatar), Bot: p.Bot,
	}
}

// address is an http(s) address, or nothing.
func address(s string) string {
	if len(s) > 2048 || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") || text.CleanLine(s, 2048) != s {
		return ""
	}
	return s
}

// message makes a Post of what the network told; false if it names nothing.
func message(p wirePost, a network.Account, now time.Time) (network.Post, bool) {
	id, author := text.CleanLine(p.ID, maxID), person(p.Author, a.Instance)
	if id == "" || author.RemoteID == "" {
		return network.Post{}, false
	}
	body := text.Clean(p.Text)
	out := network.Post{
		Ref: network.Ref{
			ID: id, URL: address(p.URL), Version: text.CleanLine(p.Version, maxID),
			ParentID: text.CleanLine(p.InReplyTo, maxID), RootID: text.CleanLine(p.Root, maxID),
		},
		Text: text.Text{Body: body}, Lang: text.CleanLine(p.Lang, 35), Warning: text.Clean(p.Warning),
		Visibility: visibility(p.Visibility), Author: author, QuoteID: text.CleanLine(p.Quote, maxID),
		Created: sane(p.Created, now), Indexed: sane(p.Indexed, now), Edited: sane(p.Edited, now),
	}
	if body == p.Text { // else the offsets mean another text
		out.Text.Spans = spansOf(body, p.Spans)
	}
	for _, t := range p.To[:min(len(p.To), maxTo)] {
		out.To = append(out.To, person(t, a.Instance))
	}
	for _, m := range p.Media[:min(len(p.Media), mediaMax*4)] {
		if u := address(m.URL); u != "" {
			out.Media = append(out.Media, network.Media{
				Kind: "image", MIME: text.CleanLine(m.MIME, 80), URL: u, Alt: text.Clean(text.Cut(m.Alt, 4*altMax)),
				Width: max(0, m.Width), Height: max(0, m.Height), Size: max(0, m.Size),
			})
		}
	}
	return out, true
}

// visibility never widens what it doesn't know.
func visibility(s string) network.Visibility {
	if v := network.Visibility(s); slices.Contains(wide, v) {
		return v
	}
	return network.DirectTo
}

// sane keeps a time within what can be: not the future, not before there were
// such networks.
func sane(t, now time.Time) time.Time {
	switch {
	case t.IsZero():
		return time.Time{}
	case t.After(now):
		return now
	case t.Year() < 1990:
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// spansOf keeps the spans that lie within the text, at borders of code points,
// in order and apart.
func spansOf(body string, in []text.Span) []text.Span {
	var out []text.Span
	end := 0
	for _, s := range in[:min(len(in), maxSpans)] {
		if s.Start < end || s.End <= s.Start || s.End > len(body) || !border(body, s.Start) || !border(body, s.End) {
			continue
		}
		switch s.Kind {
		case text.Mention, text.Tag:
			s.Target = text.CleanLine(s.Target, maxName)
		case text.Link:
			if s.Target = address(s.Target); s.Target == "" {
				continue
			}
		default:
			continue
		}
		out = append(out, s)
		end = s.End
	}
	return out
}

func border(s string, at int) bool { return at == len(s) || utf8.RuneStart(s[at]) }

// event makes an Event of an entry of a log; false for what is not understood.
func event(e wireEvent, a network.Account, now time.Time) (network.Event, bool) {
	out := network.Event{Own: e.Own, Addressed: !e.Own, At: sane(e.At, now)}
	if e.Kind == eventDelete {
		id := text.CleanLine(e.Gone, maxID)
		out.Kind, out.Gone = network.KindGone, &network.Ref{ID: id}
		return out, id != ""
	}
	if e.Post == nil {
		return network.Event{}, false
	}
	p, ok := message(*e.Post, a, now)
	if !ok {
		return network.Event{}, false
	}
	out.Post = &p
	out.Direct = p.Visibility == network.DirectTo
	switch e.Kind {
	case eventMention, eventReply, eventDM, eventQuote, eventEcho:
		out.Kind = network.KindMessage
	case eventEdit:
		out.Kind = network.KindEdit
	default:
		return network.Event{}, false
	}
	return out, true
}
