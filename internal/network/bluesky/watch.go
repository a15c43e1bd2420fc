package bluesky

import (
	"context"
	"encoding/json"
	"net/url"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// postsAtOnce is how many posts one getPosts takes.
const postsAtOnce = 25

// posts reads posts by their AT URI. Those that are deleted, or hidden from us,
// are absent from the answer.
func (n *Network) posts(ctx context.Context, a network.Account, uris []string) (map[string]postView, error) {
	found := make(map[string]postView, len(uris))
	for len(uris) > 0 {
		some := uris[:min(len(uris), postsAtOnce)]
		uris = uris[len(some):]
		var out struct {
			Posts []json.RawMessage `json:"posts"`
		}
		if _, err := n.query(ctx, a, n.appView("app.bsky.feed.getPosts", url.Values{"uris": some}), &out); err != nil {
			return nil, err
		}
		if out.Posts == nil {
			return nil, shapeless("getPosts")
		}
		for _, raw := range out.Posts {
			p := readPost(raw)
			found[p.URI] = p
		}
	}
	return found, nil
}

// readPost reads one post. One that is there but cannot be read is still there.
func readPost(raw json.RawMessage) postView {
	var p postView
	if lenient(raw, &p) != nil {
		return postView{}
	}
	return p
}

// Watch re-reads posts: absent means gone, another CID means edited. Direct
// messages are left out; the chat's log tells of their deletion.
func (n *Network) Watch(ctx context.Context, a network.Account, refs []network.Ref) ([]network.Event, error) {
	var uris []string
	for _, r := range refs {
		if postID(r.ID) != "" {
			uris = append(uris, r.ID)
		}
	}
	found, err := n.posts(ctx, a, uris)
	if err != nil {
		return nil, err
	}
	var out []network.Event
	for _, r := range refs {
		if postID(r.ID) == "" {
			continue
		}
		p, ok := found[r.ID]
		if !ok {
			gone, err := n.reallyGone(ctx, a, r.ID)
			if err != nil {
				return nil, err
			}
			if gone {
				out = append(out, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: r.ID}, At: n.now(), Own: repoOf(r.ID) == a.RemoteID})
			}
			continue
		}
		if e, ok := n.event(a, p.said()); ok && r.Version != "" && p.CID != "" && p.CID != r.Version {
			e.Kind = network.KindEdit
			e.Post.Edited = n.now() // the network does not tell when
			out = append(out, e)
		}
	}
	return out, nil
}

// reallyGone doubts the AppView about our own posts: it learns of a new one a
// moment after the PDS has kept it.
func (n *Network) reallyGone(ctx context.Context, a network.Account, uri string) (bool, error) {
	u, err := record.ParseURI(uri)
	if err != nil || u.DID != a.RemoteID {
		return true, nil
	}
	_, err = n.ownRecord(ctx, a, u)
	if network.KindOf(err) == network.Gone {
		return true, nil
	}
	return false, err
}

// ownRecord reads one record of ours from the PDS, which needs no AppView.
// A record that is not there is Gone.
func (n *Network) ownRecord(ctx context.Context, a network.Account, u record.URI) (repoRecord, error) {
	q := url.Values{"repo": {u.DID}, "collection": {u.Collection}, "rkey": {u.Key}}
	var r repoRecord
	_, err := n.query(ctx, a, call{method: "com.atproto.repo.getRecord", query: q}, &r)
	return r, err
}
