package bluesky

import (
	"context"

	"parley/internal/network"
)

// Metrics reads counts of posts. The network tells no views and no clicks.
func (n *Network) Metrics(ctx context.Context, a network.Account, refs []network.Ref) (map[string]network.Counts, error) {
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
	out := make(map[string]network.Counts, len(found))
	for _, uri := range uris {
		p, ok := found[uri]
		if !ok {
			continue
		}
		counts := network.Counts{}
		for name, v := range map[string]*int64{
			"likes": p.LikeCount, "reposts": p.RepostCount, "replies": p.ReplyCount,
			"quotes": p.QuoteCount, "saves": p.BookmarkCount,
		} {
			if v != nil && *v >= 0 {
				counts[name] = *v
			}
		}
		out[uri] = counts
	}
	return out, nil
}
