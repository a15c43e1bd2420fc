package feed

import (
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// firstFeed is when feeds began, with room to spare. What is dated before is the
// zero of some machine's clock (1601, 1970), not a date.
var firstFeed = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// believed is the first of the times that can be true: after feeds began, and
// not in the future. If none can, it is now: when the item was first seen.
func believed(now time.Time, told ...time.Time) time.Time {
	for _, t := range told {
		if t.After(firstFeed) && !t.After(now) {
			return t.UTC().Truncate(time.Microsecond)
		}
	}
	return now
}

// message is a new item. Nothing in a feed is addressed to us.
func message(a network.Account, it item, now time.Time) network.Event {
	created := believed(now, it.published, it.updated)
	return network.Event{
		Kind: network.KindMessage,
		Post: &network.Post{
			Ref:        network.Ref{ID: it.key, URL: it.link, Version: it.version},
			Text:       it.body,
			Lang:       it.lang,
			Visibility: network.Public,
			Author:     person(a, it.author),
			Media:      it.media,
			Created:    created,
		},
		At: created,
	}
}

// edit is a known item whose content changed.
func edit(a network.Account, it item, now time.Time) network.Event {
	e := message(a, it, now)
	e.Kind = network.KindEdit
	e.Post.Edited = now
	if it.updated.After(it.published) {
		e.Post.Edited = believed(now, it.updated)
	}
	e.At = e.Post.Edited
	return e
}

// person is who wrote an item: its author, else the feed itself. An author is
// known within the feed only, by the address they give, else by name: the e-mail
// address comes last, because many feeds give one for all of their authors.
func person(a network.Account, w author) network.Person {
	p := network.Person{Network: Name, Instance: a.Instance, Handle: a.Handle}
	if p.Handle == "" {
		p.Handle = handleOf(a.Instance)
	}
	switch {
	case w.isZero():
		p.RemoteID, p.Name, p.URL, p.Avatar = a.RemoteID, a.Name, a.URL, a.Avatar
		return p
	case w.uri != "":
		p.RemoteID = w.uri
	case w.name != "":
		p.RemoteID = "name:" + text.Fold(w.name)
	default:
		p.RemoteID = "mailto:" + strings.ToLower(w.email)
	}
	p.Name, p.URL, p.Avatar = firstOf(w.name, w.uri, w.email), w.uri, w.avatar
	return p
}

// oldestFirst sorts the items of documents, newest document first. Nearly every
// feed has its newest item on top, so the order is turned round; where every
// item has a date that can be true, the dates decide. Of two items with the same
// key the one of the newer document stays.
func oldestFirst(list []item, now time.Time) []item {
	out := make([]item, 0, len(list))
	seen := make(map[string]bool, len(list))
	dated := true
	for _, it := range list {
		if seen[it.key] {
			continue
		}
		seen[it.key] = true
		out = append(out, it)
		dated = dated && !dateOf(it, now).IsZero()
	}
	slices.Reverse(out)
	if dated {
		slices.SortStableFunc(out, func(x, y item) int { return dateOf(x, now).Compare(dateOf(y, now)) })
	}
	return out
}

// dateOf is an item's date, or zero if it has none that can be true.
func dateOf(it item, now time.Time) time.Time {
	if t := believed(now, it.published, it.updated); !t.Equal(now) {
		return t
	}
	return time.Time{}
}
