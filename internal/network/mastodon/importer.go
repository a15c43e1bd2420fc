package mastodon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"parley/internal/network"
)

// behind is the bookmark of an import: the last id read, going back.
type behind struct {
	Max string `json:"max"`
}

// behindV is the cursor format of behind.
const behindV = 3

// Import walks backwards, newest first, until since. On servers without paging
// it is the one page they give.
func (n *Network) Import(ctx context.Context, a network.Account, f network.Feed, since time.Time, c network.Cursor) (network.Page, error) {
	l, err := n.list(a, f)
	if err != nil {
		return network.Page{}, err
	}
	at := behind{}
	extra := url.Values{}
	if !c.IsZero() {
		if err := json.Unmarshal(c.Opaque, &at); err != nil || c.V != behindV || at.Max == "" {
			return network.Page{}, &network.Error{Kind: network.Version, Native: "cursor", Message: "a bookmark of another version", Err: err}
		}
		extra.Set("max_id", at.Max)
	}
	p, err := n.fetchPast(ctx, a, l, extra)
	if err != nil {
		return network.Page{Rate: p.rate}, err
	}
	out := network.Page{Rate: p.rate, Wait: n.yield(p.rate), Next: c}
	past := false
	for _, it := range p.items {
		if !it.at.IsZero() && it.at.Before(since) {
			past = true
			continue
		}
		if it.event != nil {
			out.Events = append(out.Events, *it.event)
		}
	}
	next := p.oldest()
	if len(p.items) == 0 || past || next == "" || next == at.Max || dialect(a).traits().whole {
		return out, nil
	}
	b, err := json.Marshal(behind{next})
	if err != nil {
		return out, fmt.Errorf("keeping the bookmark: %w", err)
	}
	out.Next, out.More = network.Cursor{V: behindV, Opaque: b}, true
	return out, nil
}
