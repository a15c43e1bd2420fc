package bluesky

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

const (
	threadDepth  = "100" // replies below, in levels
	threadHeight = "100" // parents above
	maxThread    = 2000  // posts read of one thread
)

// Thread reads the whole thread around a message, oldest first. Posts that are
// deleted, or hidden from us by a block, come as gone.
func (n *Network) Thread(ctx context.Context, a network.Account, ref network.Ref) ([]network.Event, error) {
	if convoID, _, ok := directParts(ref.ID); ok {
		return n.directThread(ctx, a, convoID)
	}
	start, err := n.threadAround(ctx, a, cmp.Or(postID(ref.RootID), ref.ID))
	if network.KindOf(err) == network.Gone && ref.RootID != "" && ref.RootID != ref.ID {
		start, err = n.threadAround(ctx, a, ref.ID) // the root is gone, its branch may live
	}
	if err != nil {
		return nil, err
	}
	w := walk{n: n, a: a, seen: map[string]bool{}}
	w.node(start)
	if start != nil && !w.seen[ref.ID] && ref.ID != start.URI {
		// The branch lies deeper than the first answer reaches.
		branch, err := n.threadAround(ctx, a, ref.ID)
		if err != nil && network.KindOf(err) != network.Gone {
			return nil, err
		}
		w.node(branch)
	}
	slices.SortStableFunc(w.out, func(x, y network.Event) int { return x.At.Compare(y.At) })
	return w.out, nil
}

func (n *Network) threadAround(ctx context.Context, a network.Account, uri string) (*threadNode, error) {
	if _, err := record.ParseURI(uri); err != nil {
		return nil, &network.Error{Kind: network.Gone, Native: "NotFound", Err: err}
	}
	q := url.Values{"uri": {uri}, "depth": {threadDepth}, "parentHeight": {threadHeight}}
	var out struct {
		Thread json.RawMessage `json:"thread"`
	}
	if _, err := n.query(ctx, a, n.appView("app.bsky.feed.getPostThread", q), &out); err != nil {
		return nil, err
	}
	var t threadNode
	if err := lenient(out.Thread, &t); err != nil {
		return nil, &network.Error{Kind: network.Transient, Native: "getPostThread", Err: err}
	}
	return &t, nil
}

// walk collects a thread. It visits no post twice, so that a thread whose posts
// claim each other as parents ends.
type walk struct {
	n    *Network
	a    network.Account
	seen map[string]bool
	out  []network.Event
}

func (w *walk) node(t *threadNode) {
	for pending := []*threadNode{t}; len(pending) > 0; {
		t, pending = pending[0], pending[1:]
		if t == nil || len(w.out) >= maxThread {
			continue
		}
		if t.NotFound || t.Blocked {
			w.gone(t.URI)
			continue
		}
		if t.Post == nil || w.seen[t.Post.URI] {
			continue
		}
		w.seen[t.Post.URI] = true
		if e, ok := w.n.event(w.a, t.Post.said()); ok {
			w.out = append(w.out, e)
		}
		pending = append(append(pending, t.Parent), t.Replies...)
	}
}

func (w *walk) gone(uri string) {
	if postID(uri) == "" || w.seen[uri] {
		return
	}
	w.seen[uri] = true
	w.out = append(w.out, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: uri}, At: w.n.now()})
}

// directThread is the newest part of a conversation of direct messages.
func (n *Network) directThread(ctx context.Context, a network.Account, id string) ([]network.Event, error) {
	c, err := n.convo(ctx, a, id)
	if err != nil {
		return nil, err
	}
	msgs, err := n.messages(ctx, a, id, 100)
	if err != nil {
		return nil, err
	}
	var out []network.Event
	for _, m := range msgs {
		if e, ok := n.directEvent(a, c, m); ok {
			out = append(out, e)
		}
	}
	oldestFirst(out)
	return out, nil
}
