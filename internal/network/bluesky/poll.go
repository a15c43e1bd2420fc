package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

const (
	// overlap is how far each walk goes back behind the newest thing stored.
	overlap = 10 * time.Minute
	// deepOverlap is how far it goes back once every deepEvery. Notifications
	// are ordered by the smaller of the author's time and the server's, so what
	// is written by a clock that runs late, or offline, arrives in the past
	// (seen on a real AppView).
	deepOverlap = 24 * time.Hour
	deepEvery   = time.Hour
	// maxWalk bounds the pages of one Poll; a longer walk goes on in the next.
	maxWalk = 10
)

// mentionsMark is the bookmark of Mentions.
type mentionsMark struct {
	Mark time.Time `json:"mark,omitzero"` // newest thing stored, by the server's clock; zero: nothing was there
	Deep time.Time `json:"deep,omitzero"` // when a walk last went far back, by our clock

	Told network.Told `json:"told,omitempty"` // what could not be read

	// A walk that is not finished yet.
	Walk  string    `json:"walk,omitempty"`
	Until time.Time `json:"until,omitzero"`
	Top   time.Time `json:"top,omitzero"`
}

// Poll reads what is new of one feed.
func (n *Network) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	switch f {
	case network.Mentions:
		return n.pollMentions(ctx, a, c)
	case network.Own:
		return n.pollOwn(ctx, a, c)
	case network.Direct:
		return n.pollDirect(ctx, a, c)
	default:
		return network.Page{Next: c}, nil
	}
}

// pollMentions walks the notifications back from the newest until a whole page
// is older than the mark, and moves the mark only then. Whatever it read it
// returns: storing knows what it has.
func (n *Network) pollMentions(ctx context.Context, a network.Account, c network.Cursor) (network.Page, error) {
	var m mentionsMark
	first := readCursor(c, &m)
	if m.Walk == "" {
		m.begin(n.now(), first)
	}
	var page network.Page
	for range maxWalk {
		list, err := n.notifications(ctx, a, m.Walk)
		if err != nil {
			return network.Page{}, err
		}
		page.Rate = list.rate
		page.Events = append(page.Events, n.notified(a, list.items, &m.Told)...)
		newest := list.newest()
		if newest.After(m.Top) {
			m.Top = newest
		}
		ended := list.cursor == "" || list.cursor == m.Walk
		behind := !newest.IsZero() && newest.Before(m.Until)
		if first || ended || behind {
			return n.mentionsPage(page, m.finish(n.now())), nil
		}
		m.Walk = list.cursor
	}
	page.More = true
	return n.mentionsPage(page, m), nil
}

func (m *mentionsMark) begin(now time.Time, first bool) {
	m.Top = time.Time{}
	back := overlap
	if now.Sub(m.Deep) >= deepEvery || m.Deep.After(now) {
		m.Deep, back = now, deepOverlap
	}
	if first {
		m.Deep = now
	}
	m.Until = time.Time{}
	if !m.Mark.IsZero() {
		m.Until = m.Mark.Add(-back)
	}
}

// finish ends a walk. A mark beyond our own clock would only make the next walk
// too short, so it stops there.
func (m mentionsMark) finish(now time.Time) mentionsMark {
	if m.Top.After(now) {
		m.Top = now
	}
	if m.Top.After(m.Mark) {
		m.Mark = m.Top
	}
	return mentionsMark{Mark: m.Mark, Deep: m.Deep, Told: m.Told}
}

func (n *Network) mentionsPage(p network.Page, m mentionsMark) network.Page {
	oldestFirst(p.Events)
	p.Next = writeCursor(m)
	return p
}

// oldestFirst sorts events by the server's time; what has the same keeps the
// order of the walk, turned round.
func oldestFirst(events []network.Event) {
	slices.Reverse(events)
	slices.SortStableFunc(events, func(x, y network.Event) int { return x.At.Compare(y.At) })
}

// notificationList is one page of notifications, newest first.
type notificationList struct {
	items  []notification
	cursor string
	rate   network.Rate
}

// newest is the latest time of the page, as the server told it.
func (l notificationList) newest() time.Time {
	var t time.Time
	for _, x := range l.items {
		if at, err := time.Parse(time.RFC3339Nano, x.IndexedAt); err == nil && at.After(t) {
			t = at.UTC()
		}
	}
	return t
}

// notificationPage is how many notifications one request asks for: the most
// there is.
const notificationPage = "100"

func (n *Network) notifications(ctx context.Context, a network.Account, cursor string) (notificationList, error) {
	q := url.Values{"reasons": {"mention", "reply", "quote"}, "limit": {notificationPage}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var out struct {
		Cursor        string            `json:"cursor"`
		Notifications []json.RawMessage `json:"notifications"`
	}
	h, err := n.query(ctx, a, n.appView("app.bsky.notification.listNotifications", q), &out)
	if err != nil {
		return notificationList{}, err
	}
	if out.Notifications == nil {
		return notificationList{}, shapeless("listNotifications")
	}
	return notificationList{each[notification](out.Notifications), out.Cursor, n.rate(h)}, nil
}

// shapeless is an answer without the list it must have. Taken for an empty list
// it would say "nothing new", "gone" or "not sent".
func shapeless(method string) error {
	return &network.Error{Kind: network.Transient, Native: method, Err: errors.New("the answer lacks its list")}
}

// each reads a list item by item: one that cannot be read must not keep the
// others from being heard, today and at every later poll.
func each[T any](raw []json.RawMessage) []T {
	out := make([]T, 0, len(raw))
	for _, r := range raw {
		var v T
		if lenient(r, &v) == nil {
			out = append(out, v)
		}
	}
	return out
}

// notified turns notifications into events, and those that cannot be read into
// gaps. Servers that do not know the filter of reasons send likes and follows too.
func (n *Network) notified(a network.Account, items []notification, told *network.Told) []network.Event {
	var out []network.Event
	for _, x := range items {
		switch x.Reason {
		case "mention", "reply", "quote":
		default:
			if x.Reason != "" {
				continue
			}
		}
		if e, ok := n.event(a, x.said()); ok {
			out = append(out, e)
		} else if lost(x.URI) && told.First(x.URI+" "+x.CID) {
			out = append(out, n.gap(timeOf(x.IndexedAt, n.now())))
		}
	}
	return out
}

// lost reports that what stands at uri, and could not be read, may have been a
// post. Other kinds of records are none of our business.
func lost(uri string) bool {
	u, err := record.ParseURI(uri)
	return err != nil || u.Collection == typePost
}

func (n *Network) gap(at time.Time) network.Event {
	if at.IsZero() {
		at = n.now()
	}
	return network.Event{Kind: network.KindGap, Note: "bluesky.gap.unreadable", At: at}
}
