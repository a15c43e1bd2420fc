package bluesky

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// ownMark is the bookmark of Own: the highest record key stored.
type ownMark struct {
	Key string `json:"key,omitempty"` // "" : there was none

	// A walk that is not finished yet.
	Walk string `json:"walk,omitempty"`
	Top  string `json:"top,omitempty"`

	Told network.Told `json:"told,omitempty"` // what could not be read
}

// ownPage is how many records one request asks for: the most there is.
const ownPage = "100"

// pollOwn walks the account's posts back from the highest record key until a
// key lies behind the mark. It asks the PDS, so it works without an AppView.
func (n *Network) pollOwn(ctx context.Context, a network.Account, c network.Cursor) (network.Page, error) {
	var m ownMark
	first := readCursor(c, &m)
	until := behindKey(m.Key)
	var page network.Page
	for range maxWalk {
		list, err := n.ownRecords(ctx, a, m.Walk)
		if err != nil {
			return network.Page{}, err
		}
		page.Rate = list.rate
		page.Events = append(page.Events, n.ownEvents(a, list.items, &m.Told)...)
		lowest := ""
		for _, r := range list.items {
			u, err := record.ParseURI(r.URI)
			if err != nil {
				continue
			}
			m.Top, lowest = max(m.Top, n.notAhead(u.Key)), u.Key
		}
		ended := list.cursor == "" || list.cursor == m.Walk
		if first || ended || lowest != "" && lowest < until {
			page.Next = writeCursor(ownMark{Key: max(m.Key, m.Top), Told: m.Told})
			oldestFirst(page.Events)
			return page, nil
		}
		m.Walk = list.cursor
	}
	page.More = true
	page.Next = writeCursor(m)
	oldestFirst(page.Events)
	return page, nil
}

// behindKey is a record key the usual overlap before another: keys are made
// before their commit, so a lower one may come later.
func behindKey(key string) string {
	at, err := record.ParseTID(key)
	if err != nil || at < overlap.Microseconds() {
		return ""
	}
	return record.TID(at-overlap.Microseconds(), 0)
}

// notAhead keeps a key made by a clock that runs ahead, or as a joke, from
// hiding every later post.
func (n *Network) notAhead(key string) string {
	return min(key, record.TID(n.now().UnixMicro(), 0))
}

type ownList struct {
	items  []repoRecord
	cursor string
	rate   network.Rate
}

func (n *Network) ownRecords(ctx context.Context, a network.Account, cursor string) (ownList, error) {
	q := url.Values{"repo": {a.RemoteID}, "collection": {typePost}, "limit": {ownPage}}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var out struct {
		Cursor  string            `json:"cursor"`
		Records []json.RawMessage `json:"records"`
	}
	h, err := n.query(ctx, a, call{method: "com.atproto.repo.listRecords", query: q}, &out)
	if err != nil {
		return ownList{}, err
	}
	if out.Records == nil {
		return ownList{}, shapeless("listRecords")
	}
	return ownList{each[repoRecord](out.Records), out.Cursor, n.rate(h)}, nil
}

func (n *Network) ownEvents(a network.Account, records []repoRecord, told *network.Told) []network.Event {
	var out []network.Event
	for _, r := range records {
		e, ok := n.event(a, said{uri: r.URI, cid: r.CID, author: ourselves(a), record: r.Value})
		switch {
		case ok && e.Own:
			out = append(out, e)
		case !ok && lost(r.URI) && told.First(r.URI+" "+r.CID):
			out = append(out, n.gap(time.Time{}))
		}
	}
	return out
}

// ourselves is the account as an author.
func ourselves(a network.Account) profile {
	return profile{DID: a.RemoteID, Handle: a.Handle, DisplayName: a.Name, Avatar: a.Avatar}
}

// importMark is the bookmark of a walk through history.
type importMark struct {
	Walk string `json:"walk"`
}

// Import walks backwards through our own posts, or through what was said to us,
// until since. Direct messages have no import: the first Poll brings what is
// unread, and the network keeps the rest.
func (n *Network) Import(ctx context.Context, a network.Account, f network.Feed, since time.Time, c network.Cursor) (network.Page, error) {
	var m importMark
	readCursor(c, &m)
	switch f {
	case network.Own:
		list, err := n.ownRecords(ctx, a, m.Walk)
		if err != nil {
			return network.Page{}, err
		}
		return imported(n.ownEvents(a, list.items, &network.Told{}), list.cursor, m.Walk, list.rate, since), nil
	case network.Mentions:
		list, err := n.notifications(ctx, a, m.Walk)
		if err != nil {
			return network.Page{}, err
		}
		return imported(n.notified(a, list.items, &network.Told{}), list.cursor, m.Walk, list.rate, since), nil
	default:
		return network.Page{Next: c}, nil
	}
}

// imported cuts one page at since. The walk ends with a page of which nothing
// is new enough: one old date between newer ones does not end it.
func imported(events []network.Event, next, walk string, rate network.Rate, since time.Time) network.Page {
	p := network.Page{Rate: rate, Next: writeCursor(importMark{Walk: next})}
	for _, e := range events {
		if !e.At.Before(since) {
			p.Events = append(p.Events, e)
		}
	}
	older := len(events) > 0 && len(p.Events) == 0
	p.More = next != "" && next != walk && !older
	return p
}
