package mastodon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"parley/internal/network"
)

// overlap is how long an id may stay invisible after a higher one was seen:
// servers give ids before they commit. What is younger is read again.
const overlap = 2 * time.Minute

// Poll reads one page of what is new, oldest first.
func (n *Network) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	l, err := n.list(a, f)
	if err != nil {
		return network.Page{}, err
	}
	if dialect(a).traits().whole {
		return n.pollWhole(ctx, a, l, c)
	}
	return n.pollForward(ctx, a, l, c)
}

// list is one paged list of the API.
type list struct {
	path  string
	query url.Values
	limit int
	read  func(raw json.RawMessage) (item, error)
}

// item is one entry of a list: the id it is paged by, and what it says to us.
type item struct {
	id    string
	key   string // changes when the entry does
	at    time.Time
	event *network.Event // nil: none of our business
}

// list says where a feed stands.
func (n *Network) list(a network.Account, f network.Feed) (list, error) {
	switch f {
	case network.Mentions:
		return n.notifications(a), nil
	case network.Own:
		return list{
			path:  "/api/v1/accounts/" + url.PathEscape(a.RemoteID) + "/statuses",
			query: url.Values{"exclude_reblogs": {"true"}},
			limit: 40,
			read:  func(raw json.RawMessage) (item, error) { return n.readStatus(a, raw) },
		}, nil
	default:
		return list{}, &network.Error{Kind: network.Policy, Native: "feed", Message: "no such feed here: " + string(f)}
	}
}

// notifications is the list of what reached our account. Without
// include_filtered Mastodon leaves out strangers that the account's own
// notification policy holds back.
func (n *Network) notifications(a network.Account) list {
	s := n.guess(a)
	types := []string{"mention"}
	if s.API >= 7 { // Mastodon 4.5
		types = append(types, "quote", "quoted_update")
	}
	q := url.Values{"types[]": types}
	switch {
	case s.Dialect == Unknown:
		q["include_types[]"] = types
	case s.Dialect.traits().includeTypes:
		q = url.Values{"include_types[]": types}
	}
	if s.Dialect == Mastodon || s.Dialect == Unknown {
		q.Set("include_filtered", "true")
	}
	return list{
		path: "/api/v1/notifications", query: q, limit: 80,
		read: func(raw json.RawMessage) (item, error) { return n.readNotification(a, raw) },
	}
}

// readNotification keeps mentions and quotes; servers that do not know the
// filter send all kinds.
func (n *Network) readNotification(a network.Account, raw json.RawMessage) (item, error) {
	var no notification
	if err := lenient(raw, &no); err != nil || no.ID == "" {
		return item{}, errNoStatus
	}
	it := item{id: string(no.ID), key: string(no.ID), at: no.Created.Time}
	kind := network.KindMessage
	switch no.Type {
	case "mention", "quote":
	case "quoted_update":
		kind = network.KindEdit
	default:
		return it, nil
	}
	if len(no.Status) == 0 || string(no.Status) == "null" {
		return it, nil // deleted since
	}
	e, st, err := n.message(a, kind, no.Status, no.Created.Time)
	if err != nil {
		return it, err
	}
	e.Addressed = !e.Own
	it.key += " " + string(st.ID) + " " + e.Post.Version
	it.event = &e
	return it, nil
}

// readStatus keeps what our account wrote itself.
func (n *Network) readStatus(a network.Account, raw json.RawMessage) (item, error) {
	e, st, err := n.message(a, network.KindMessage, raw, time.Time{})
	it := item{id: string(st.ID), key: string(st.ID) + " " + st.Edited.String(), at: st.Created.Time}
	if err != nil {
		return it, err
	}
	if e.Own && st.Reblog == nil {
		it.event = &e
	}
	return it, nil
}

func (l list) request(extra url.Values) request {
	q := url.Values{"limit": {strconv.Itoa(l.limit)}}
	maps.Copy(q, l.query)
	maps.Copy(q, extra)
	return get(l.path, q)
}

// page is one answer of a list, newest first, as the API gives it.
type page struct {
	items []item
	links links
	rate  network.Rate
}

// fetch reads one page. An entry that cannot be read becomes a gap, so that one
// broken post neither blocks what comes after it nor vanishes unseen.
func (n *Network) fetch(ctx context.Context, a network.Account, l list, extra url.Values) (page, error) {
	var raws []json.RawMessage
	ans, err := n.call(ctx, a, l.request(extra), &raws)
	if err != nil {
		return page{rate: n.rate(ans)}, err
	}
	p := page{links: readLinks(ans.header), rate: n.rate(ans)}
	for _, raw := range raws {
		it, err := l.read(raw)
		if err != nil {
			it.key, it.event = cmp.Or(it.id, string(raw)), n.gap("mastodon.gap.unreadable")
		}
		p.items = append(p.items, it)
	}
	return p, nil
}

func (n *Network) gap(note string) *network.Event {
	return &network.Event{Kind: network.KindGap, Note: note, At: n.env.Now()}
}

// tellOnce leaves out the gaps that an overlapping walk has told of.
func (p page) tellOnce(told *network.Told) {
	for i, it := range p.items {
		if it.event != nil && it.event.Kind == network.KindGap && !told.First(it.key) {
			p.items[i].event = nil
		}
	}
}

// newest is the id to page forward from.
func (p page) newest() string {
	if p.links.newer != "" {
		return p.links.newer
	}
	for _, it := range p.items {
		if it.id != "" {
			return it.id
		}
	}
	return ""
}

// oldest is the id to page backwards from.
func (p page) oldest() string {
	if p.links.older != "" {
		return p.links.older
	}
	for _, it := range slices.Backward(p.items) {
		if it.id != "" {
			return it.id
		}
	}
	return ""
}

// events lists what the page says, oldest first.
func (p page) events() []network.Event {
	var out []network.Event
	for _, it := range slices.Backward(p.items) {
		if it.event != nil {
			out = append(out, *it.event)
		}
	}
	return out
}

// pollForward walks from the bookmark to now by min_id, which unlike since_id
// leaves nothing out however much there is.
func (n *Network) pollForward(ctx context.Context, a network.Account, l list, c network.Cursor) (network.Page, error) {
	if c.IsZero() {
		return n.pollNewest(ctx, a, l)
	}
	at, err := readPlace(c)
	if err != nil {
		return network.Page{}, err
	}
	from := at.start(n.env.Now())
	p, err := n.fetchPast(ctx, a, l, url.Values{"min_id": {from}})
	if err != nil {
		return network.Page{Rate: p.rate}, err
	}
	p.tellOnce(&at.Told)
	next := p.newest()
	if len(p.items) == 0 || next == "" || next == from {
		at.end()
		return n.page(p, at.cursor(), false), nil
	}
	at.advance(next, n.env.Now())
	return n.page(p, at.cursor(), true), nil
}

// pollNewest begins a feed: one page, the newest.
func (n *Network) pollNewest(ctx context.Context, a network.Account, l list) (network.Page, error) {
	p, err := n.fetchPast(ctx, a, l, nil)
	if err != nil {
		return network.Page{Rate: p.rate}, err
	}
	at := place{Base: "0"} // sorts before every id, of all dialects
	p.tellOnce(&at.Told)
	for _, it := range p.items {
		if it.id != "" { // an entry without one holds no place
			at.Base = it.id
			at.mark(it.id, n.env.Now())
		}
	}
	return n.page(p, at.cursor(), false), nil
}

func (n *Network) page(p page, next network.Cursor, more bool) network.Page {
	out := network.Page{Events: p.events(), Next: next, More: more, Rate: p.rate}
	out.Wait = n.yield(p.rate)
	return out
}

func tooBig(err error) bool {
	var e *network.Error
	return errors.As(err, &e) && e.Native == tooLarge
}
