package feed

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"parley/internal/network"
)

// Catalogue keys of Event.Note.
const (
	gapWindow   = "feed.gap.window"   // the feed offers only its newest items, and they ran over
	gapArchive  = "feed.gap.archive"  // there is an archive, but it could not be read
	gapBookmark = "feed.gap.bookmark" // what was known was forgotten
)

const (
	// missingFor is how long an address may answer 404 before the feed counts as gone.
	missingFor = 7 * 24 * time.Hour
	// patience is how long a gap waits for an archive that cannot be read just now.
	patience = 24 * time.Hour
	// maxValidator is the longest ETag or date that is sent back, in bytes.
	maxValidator = 1024
)

// Poll reads the feed once. Its own window is the newest page; where nothing in
// it is known any more, it reads on in the archive within the same call, so that
// a page of events is always whole and oldest first.
func (n *Network) Poll(ctx context.Context, a network.Account, f network.Feed, c network.Cursor) (network.Page, error) {
	if err := items(f); err != nil {
		return network.Page{}, err
	}
	b, readable := readCursor(c)
	p := poll{n: n, acct: a, now: n.env.Now(), mark: b, known: b.known()}
	if !readable {
		p.note = gapBookmark
	}
	ans, err := n.get(ctx, address(a), b.validators())
	if err != nil {
		return network.Page{}, p.soften(err)
	}
	page, err := p.answered(ctx, ans)
	if err != nil {
		return network.Page{}, err
	}
	if m := resolve(nil, ans.moved); m != "" && m != address(a) {
		page.Moved = m
	}
	return page, nil
}

// poll is one call of Poll.
type poll struct {
	n     *Network
	acct  network.Account
	now   time.Time
	mark  bookmark
	known *known
	note  string // of the gap to tell; "" if there is none
}

func (p *poll) answered(ctx context.Context, ans answer) (network.Page, error) {
	conditional := p.mark.ETag != "" || p.mark.Modified != ""
	switch {
	case ans.status == http.StatusOK:
		return p.read(ctx, ans)
	case ans.status == http.StatusNotModified && conditional:
		p.good()
		return p.page(nil, ans)
	case ans.status == http.StatusNotFound:
		return p.missing(ans)
	}
	return network.Page{}, p.n.refusal(ans)
}

// missing lets an address that answers 404 pass once without a word, complains
// for a week, and then calls it gone.
func (p *poll) missing(ans answer) (network.Page, error) {
	if p.mark.Missing == 0 {
		p.mark.Missing = p.now.Unix()
		return p.page(nil, ans)
	}
	e := p.n.refusal(ans)
	if p.now.Sub(time.Unix(p.mark.Missing, 0)) >= missingFor {
		e.Kind, e.Help, e.RetryAt = network.Gone, "feed.help.gone", p.now.Add(latest)
	}
	return network.Page{}, e
}

// soften gives a failed request a time to come back, so that whoever calls is
// polite without knowing feeds.
func (p *poll) soften(err error) error {
	var e *network.Error
	if errors.As(err, &e) && e.RetryAt.IsZero() {
		e.RetryAt = p.now.Add(usual)
	}
	return err
}

// read turns a document into events.
func (p *poll) read(ctx context.Context, ans answer) (network.Page, error) {
	doc, err := parse(ans.body, ans.contentType(), ans.from, ans.truncated)
	if err != nil {
		return network.Page{}, p.n.illegible(err)
	}
	older, err := p.fill(ctx, doc, ans.from)
	if err != nil {
		return network.Page{}, err
	}
	all := oldestFirst(append(doc.items, older...), p.now)
	var events []network.Event
	if p.note != "" {
		events = append(events, network.Event{Kind: network.KindGap, Note: p.note, At: p.now})
		p.mark.Hurry = p.now.Add(hurry).Unix()
	}
	for _, it := range all {
		switch p.known.judge(it) {
		case isNew:
			events = append(events, message(p.acct, it, p.now))
		case isEdited:
			events = append(events, edit(p.acct, it, p.now))
		}
	}
	events = append(events, p.buried(doc)...)
	p.good()
	p.mark.ETag = validator(ans.header.Get("ETag"))
	p.mark.Modified = validator(ans.header.Get("Last-Modified"))
	p.mark.TTL = int64(min(doc.ttl, latest) / time.Second)
	p.mark.Known = p.known.after(all, doc.gone)
	return p.page(events, ans)
}

// buried are the items that the feed says it deleted, each told once. One that
// stands in the window too was published again.
func (p *poll) buried(doc document) []network.Event {
	told := make(map[string]bool, len(doc.items))
	for _, it := range doc.items {
		told[it.key] = true
	}
	var out []network.Event
	for _, t := range doc.gone {
		if told[t.key] || p.known.buried(t.key) {
			continue
		}
		told[t.key] = true
		out = append(out, network.Event{
			Kind: network.KindGone, Gone: &network.Ref{ID: t.key}, At: believed(p.now, t.at),
		})
	}
	return out
}

func (p *poll) good() {
	p.mark.Good, p.mark.Missing = p.now.Unix(), 0
}

// page ends a successful call.
func (p *poll) page(events []network.Event, ans answer) (network.Page, error) {
	next, err := writeCursor(p.mark)
	if err != nil {
		return network.Page{}, &network.Error{Kind: network.Transient, Native: "bookmark", Err: err}
	}
	w := wait(ans.header, time.Duration(p.mark.TTL)*time.Second)
	if p.now.Unix() < p.mark.Hurry {
		w = min(w, usual)
	}
	return network.Page{Events: events, Next: next, Wait: w}, nil
}

// fill finds out whether the window still holds something known. If not, it
// reads the archive until it meets something known, and notes a gap if it never
// does.
func (p *poll) fill(ctx context.Context, doc document, from *url.URL) ([]item, error) {
	if len(p.known.order) == 0 || len(doc.items) == 0 || p.known.holdsAny(doc.items) {
		return nil, nil
	}
	p.note = gapWindow
	var older []item
	w := p.n.walk(from.String())
	for next := doc.older; next != "" && len(older) < maxItems; {
		part, err := w.archived(ctx, next)
		if err != nil {
			// Until the archive can be read again nothing is lost if nothing is
			// stored: the window is read anew next time. But not for ever, not
			// even if each time the caller's deadline comes first.
			waiting := p.now.Sub(time.Unix(p.mark.Good, 0)) < patience
			if passing(err) && waiting || errors.Is(ctx.Err(), context.Canceled) {
				return nil, p.soften(err)
			}
			p.note = gapArchive
			return older, nil
		}
		// An archive may hold another wording of what is known, but it is no edit.
		for _, it := range part.items {
			if p.known.judge(it) == isNew {
				older = append(older, it)
			}
		}
		if p.known.holdsAny(part.items) || part.older == "" && !part.cut {
			p.note = "" // met what was known, or read everything there ever was
			return older, nil
		}
		next = w.next(part)
	}
	return older, nil
}

func (k *known) holdsAny(list []item) bool {
	for _, it := range list {
		if k.judge(it) != isNew {
			return true
		}
	}
	return false
}

// passing reports an error that may be over at the next call.
func passing(err error) bool {
	k := network.KindOf(err)
	return k == network.Transient || k == network.RateLimited
}

// validator keeps what can be sent back as it came.
func validator(s string) string {
	if len(s) > maxValidator {
		return ""
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return ""
		}
	}
	return s
}
