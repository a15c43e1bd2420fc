package mastodon

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"

	"parley/internal/network"
)

// fetchPast reads one page, also where it is too large to be read: asked for one
// entry alone, either that fits after all, or it is passed over, with a gap to
// say so. One monstrous post must not stop everything after it.
func (n *Network) fetchPast(ctx context.Context, a network.Account, l list, extra url.Values) (page, error) {
	p, err := n.fetch(ctx, a, l, extra)
	if !tooBig(err) {
		return p, err
	}
	l.limit = 1
	p, err = n.fetch(ctx, a, l, extra)
	if !tooBig(err) {
		return p, err
	}
	tok, terr := token(a)
	if terr != nil {
		return p, terr
	}
	ans, serr := n.send(ctx, n.http, a.Instance, tok.Access, l.request(extra))
	if !tooBig(serr) {
		return p, err
	}
	id := firstID(ans.body)
	if id == "" {
		return p, err
	}
	return page{items: []item{{id: id, key: id, event: n.gap("mastodon.gap.too_large")}}, rate: p.rate}, nil
}

// firstID is the id of the first entry of a JSON list that was cut off
// somewhere. "" if the entry does not begin with it.
func firstID(b []byte) string {
	d := json.NewDecoder(bytes.NewReader(b))
	for _, want := range []json.Token{json.Delim('['), json.Delim('{'), "id"} {
		if t, err := d.Token(); err != nil || t != want {
			return ""
		}
	}
	d.UseNumber()
	t, err := d.Token()
	if err != nil {
		return ""
	}
	switch v := t.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
