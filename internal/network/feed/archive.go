package feed

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"parley/internal/network"
)

// How many archived documents one gap and one import follow.
const (
	maxGapPages    = 10
	maxImportPages = 500
)

// walker reads archived documents one after the other, each once: links that
// lead in a circle end there.
type walker struct {
	n       *Network
	visited map[[8]byte]bool
	left    int
}

func (n *Network) walk(start string) *walker {
	return &walker{n: n, visited: map[[8]byte]bool{short(start): true}, left: maxGapPages}
}

// archived reads one document of the archive. One that is not there is Gone:
// archives are not supposed to come back.
func (w *walker) archived(ctx context.Context, address string) (document, error) {
	doc, err := w.read(ctx, address)
	var e *network.Error
	if errors.As(err, &e) && e.Native == "404" {
		e.Kind, e.RetryAt = network.Gone, time.Time{}
	}
	return doc, err
}

// read fetches and reads one document.
func (w *walker) read(ctx context.Context, address string) (document, error) {
	w.visited[short(address)] = true
	w.left--
	ans, err := w.n.get(ctx, address, validators{})
	if err != nil {
		return document{}, err
	}
	if ans.status != http.StatusOK {
		return document{}, w.n.refusal(ans)
	}
	doc, err := parse(ans.body, ans.contentType(), ans.from, ans.truncated)
	if err != nil {
		return document{}, w.n.illegible(err)
	}
	return doc, nil
}

// next is the address of the document before this one; "" at the end.
func (w *walker) next(doc document) string {
	if w.left <= 0 || w.visited[short(doc.older)] {
		return ""
	}
	return doc.older
}

// past is the content of a cursor of Import.
type past struct {
	URL     string   `json:"url"`     // the document to read next
	Visited []string `json:"visited"` // hashes of those that were read
}

// Import reads the feed's own window and then its archive (RFC 5005), newest
// first, until since. A feed without an archive has no more history than its
// window. Of an archived item without a date its document's counts.
func (n *Network) Import(ctx context.Context, a network.Account, f network.Feed, since time.Time, c network.Cursor) (network.Page, error) {
	if err := items(f); err != nil {
		return network.Page{}, err
	}
	h := readPast(c, address(a))
	w := &walker{n: n, visited: map[[8]byte]bool{}, left: maxImportPages - len(h.Visited)}
	for _, v := range h.Visited {
		if b, err := hex.DecodeString(v); err == nil && len(b) == 8 {
			w.visited[[8]byte(b)] = true
		}
	}
	if len(h.Visited) == 0 {
		doc, err := w.read(ctx, h.URL)
		if err != nil {
			return network.Page{}, err
		}
		return n.importPage(a, doc, since, w, h)
	}
	doc, err := w.archived(ctx, h.URL)
	switch {
	case err == nil:
	case ctx.Err() != nil || passing(err) && native(err) != unreadable:
		return network.Page{}, err
	default:
		// The archive ends here, or cannot be followed any further.
		gap := network.Event{Kind: network.KindGap, Note: gapArchive, At: n.env.Now()}
		return network.Page{Events: []network.Event{gap}, Next: c}, nil
	}
	return n.importPage(a, doc, since, w, h)
}

func (n *Network) importPage(a network.Account, doc document, since time.Time, w *walker, h past) (network.Page, error) {
	now := n.env.Now()
	var page network.Page
	reached := len(doc.items) > 0 // everything here is older than since
	list := oldestFirst(doc.items, now)
	slices.Reverse(list)
	for _, it := range list {
		if dateOf(it, now).IsZero() && len(h.Visited) > 0 {
			it.published = doc.updated
		}
		e := message(a, it, now)
		if e.At.Before(since) {
			continue
		}
		reached = false
		page.Events = append(page.Events, e)
	}
	sum := short(h.URL)
	next := past{URL: w.next(doc), Visited: append(slices.Clone(h.Visited), hex.EncodeToString(sum[:]))}
	page.More = next.URL != "" && !reached
	if !page.More {
		next.URL = h.URL
	}
	var err error
	if page.Next, err = writeCursor(next); err != nil {
		return network.Page{}, &network.Error{Kind: network.Transient, Native: "bookmark", Err: err}
	}
	return page, nil
}

// readPast decodes a cursor of Import. One that cannot be read begins anew: what
// is stored already is known by its key.
func readPast(c network.Cursor, start string) past {
	var h past
	if c.V != cursorVersion || json.Unmarshal(c.Opaque, &h) != nil || resolve(nil, h.URL) == "" {
		return past{URL: start}
	}
	return h
}

// native is the error's own code; "" for an error that is no *Error.
func native(err error) string {
	var e *network.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Native
}
