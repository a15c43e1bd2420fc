package mastodon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"parley/internal/network"
)

// batch is how many statuses Mastodon reads at once.
const batch = 20

func statusPath(id string) string { return "/api/v1/statuses/" + url.PathEscape(id) }

// status reads one status. Gone means that it is gone or hidden from us.
func (n *Network) status(ctx context.Context, a network.Account, id string) (status, json.RawMessage, error) {
	q := get(statusPath(id), nil)
	q.bare = dialect(a).traits().htmlMissing
	var raw json.RawMessage
	if _, err := n.call(ctx, a, q, &raw); err != nil {
		return status{}, nil, err
	}
	st, err := parseStatus(raw)
	return st, raw, err
}

// conversation is what /context answers.
type conversation struct {
	Ancestors   []json.RawMessage `json:"ancestors"`
	Descendants []json.RawMessage `json:"descendants"`
}

func (n *Network) context(ctx context.Context, a network.Account, id string) (conversation, error) {
	q := get(statusPath(id)+"/context", nil)
	q.bare = dialect(a).traits().htmlMissing
	var c conversation
	_, err := n.call(ctx, a, q, &c)
	return c, err
}

// Thread reads what stands before and after a message, as far as this server
// knows it. Every event carries the thread's root.
func (n *Network) Thread(ctx context.Context, a network.Account, r network.Ref) ([]network.Event, error) {
	_, self, err := n.status(ctx, a, r.ID)
	if err != nil {
		return nil, err
	}
	c, err := n.context(ctx, a, r.ID)
	if err != nil {
		return nil, err
	}
	var out []network.Event
	for _, raw := range slices.Concat(c.Ancestors, []json.RawMessage{self}) {
		if e, _, err := n.message(a, network.KindMessage, raw, time.Time{}); err == nil {
			out = append(out, e)
		}
	}
	above := len(out)
	for _, raw := range c.Descendants {
		if e, _, err := n.message(a, network.KindMessage, raw, time.Time{}); err == nil {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out[above:], func(x, y network.Event) int {
		return cmp.Compare(x.Post.Created.UnixMicro(), y.Post.Created.UnixMicro())
	})
	if above == 0 {
		return out, nil
	}
	root := out[0].Post.ID
	if p := out[0].Post.ParentID; p != "" {
		root = "" // its own parent is unknown here, so this is not the root
	}
	for i := range out {
		out[i].Post.RootID = first(root, out[i].Post.RootID)
	}
	return out, nil
}

// Watch reads messages again. Where some fail to be read, those that were read
// are returned beside the error.
func (n *Network) Watch(ctx context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	var out []network.Event
	err := n.each(ctx, a, refs, func(r network.Ref, raw json.RawMessage) {
		if raw == nil {
			gone := r
			out = append(out, network.Event{Kind: network.KindGone, Gone: &gone, At: n.env.Now()})
			return
		}
		e, _, err := n.message(a, network.KindEdit, raw, time.Time{})
		if err == nil && e.Post.Version != r.Version {
			out = append(out, e)
		}
	})
	return out, err
}

// Metrics reads the counts that the server tells; it tells no views or clicks.
func (n *Network) Metrics(ctx context.Context, a network.Account, refs []network.Ref) (map[string]network.Counts, error) {
	out := map[string]network.Counts{}
	err := n.each(ctx, a, refs, func(r network.Ref, raw json.RawMessage) {
		st, err := parseStatus(raw)
		if raw == nil || err != nil {
			return
		}
		c := network.Counts{}
		for name, t := range map[string]tally{
			"likes": st.Favourites, "reposts": st.Reblogs, "replies": st.Replies, "quotes": st.Quotes,
		} {
			if t.told {
				c[name] = t.n
			}
		}
		out[r.ID] = c
	})
	return out, err
}

// each reads statuses, many at once where the server can, and passes nil for
// those that are gone.
func (n *Network) each(ctx context.Context, a network.Account, refs []network.Ref, got func(network.Ref, json.RawMessage)) error {
	if n.guess(a).since(4, 3) {
		for chunk := range slices.Chunk(refs, batch) {
			if err := n.eachOf(ctx, a, chunk, got); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range refs {
		_, raw, err := n.status(ctx, a, r.ID)
		switch {
		case err == nil:
			got(r, raw)
		case network.KindOf(err) == network.Gone:
			got(r, nil)
		case errors.Is(err, errNoStatus):
			// Unreadable today says nothing about what we hold.
		default:
			return err
		}
	}
	return nil
}

// eachOf reads one batch (Mastodon 4.3, GET /api/v1/statuses).
func (n *Network) eachOf(ctx context.Context, a network.Account, refs []network.Ref, got func(network.Ref, json.RawMessage)) error {
	q := url.Values{}
	for _, r := range refs {
		q.Add("id[]", r.ID)
	}
	var raws []json.RawMessage
	if _, err := n.call(ctx, a, get("/api/v1/statuses", q), &raws); err != nil {
		return err
	}
	found := map[string]json.RawMessage{}
	for _, raw := range raws {
		var st struct {
			ID ident `json:"id"`
		}
		if lenient(raw, &st) != nil || st.ID == "" {
			return errNoStatus // which one is missing cannot be told
		}
		found[canonical(a, st.ID)] = raw
	}
	for _, r := range refs {
		got(r, found[r.ID])
	}
	return nil
}
