package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"

	"parley/internal/network"
)

// seen is the bookmark of a feed that cannot be paged: a short hash of every
// entry that the last reading showed.
type seen struct {
	Keys []string `json:"k"`
}

// seenV is the cursor format of seen.
const seenV = 2

// pollWhole reads all that the server keeps, 64 notifications on snac, and
// reports what the last reading did not show. If none of the old entries is
// left in a full list, some may have come and gone in between.
func (n *Network) pollWhole(ctx context.Context, a network.Account, l list, c network.Cursor) (network.Page, error) {
	var before seen
	if !c.IsZero() {
		if err := json.Unmarshal(c.Opaque, &before); err != nil || c.V != seenV {
			return network.Page{}, &network.Error{Kind: network.Version, Native: "cursor", Message: "a bookmark of another version", Err: err}
		}
	}
	p, err := n.fetch(ctx, a, l, nil)
	if err != nil {
		return network.Page{Rate: p.rate}, err
	}
	now := seen{Keys: []string{}}
	fresh := page{rate: p.rate}
	known := 0
	for _, it := range p.items {
		k := shortHash(it.key)
		now.Keys = append(now.Keys, k)
		if slices.Contains(before.Keys, k) {
			known++
			continue
		}
		fresh.items = append(fresh.items, it)
	}
	next, err := json.Marshal(now)
	if err != nil {
		return network.Page{}, fmt.Errorf("keeping the bookmark: %w", err)
	}
	out := n.page(fresh, network.Cursor{V: seenV, Opaque: next}, false)
	if len(before.Keys) > 0 && known == 0 && len(p.items) >= len(before.Keys) && len(p.items) >= 20 {
		out.Events = append([]network.Event{*n.gap("mastodon.gap.missed")}, out.Events...)
	}
	return out, nil
}

func shortHash(s string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	return fmt.Sprintf("%011x", h.Sum64()>>20)
}
