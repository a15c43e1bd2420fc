package mastodon

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// lookPages bounds how many pages of our own posts are searched for one.
const lookPages = 25

// Prove reads our newest posts and compares them word for word. NotSent is what
// one reading says; a server may need a moment to show what it has kept, so the
// caller looks once more a minute later before it believes that. While the key
// of a ProofKey step lives, repeating the request tells for certain: until then
// an empty reading is only Unknown.
func (n *Network) Prove(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	if i < 0 || i >= len(p.Steps) {
		return network.Delivery{}, brokenPlan("no such step")
	}
	step, now := p.Steps[i], n.env.Now()
	if step.Kind == network.Upload {
		// Media that hangs on nothing is seen by nobody; the server throws it away.
		return network.Delivery{State: network.NotSent, At: now, Evidence: "an upload may be repeated"}, nil
	}
	if step.Done != nil {
		return network.Delivery{State: network.Sent, Ref: *step.Done, At: now, Evidence: "stored"}, nil
	}
	z, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	st, err := n.find(ctx, a, z)
	switch {
	case err != nil:
		return network.Delivery{}, err
	case st != nil:
		return n.sent(a, *st, z, "read back: our own posts"), nil
	case step.Proof == network.ProofNone:
		return network.Delivery{State: network.Unknown, At: now, Evidence: "no list of this server would show it"}, nil
	case step.Proof == network.ProofKey && now.Sub(time.Unix(z.At, 0)) < keyLife:
		return network.Delivery{State: network.Unknown, At: now, Evidence: "not among our own posts; the key still lives"}, nil
	}
	return network.Delivery{State: network.NotSent, At: now, Evidence: "not among our own posts"}, nil
}

// before notes what we have posted so far, so that what is found later can only
// be newer.
func (n *Network) before(ctx context.Context, a network.Account, parent *status) (base string, known []string, err error) {
	l, err := n.list(a, network.Own)
	if err != nil {
		return "", nil, err
	}
	t := dialect(a).traits()
	if l.limit = 1; t.whole {
		l.limit = lookLimit
	}
	delete(l.query, "exclude_reblogs") // any id of ours is a lower bound
	p, err := n.fetch(ctx, a, l, nil)
	if err != nil {
		return "", nil, err
	}
	base = first(p.first(), "0")
	if t.whole {
		for _, it := range p.items {
			known = append(known, canonical(a, ident(it.id)))
		}
	}
	if parent != nil && !t.ownDirect {
		c, err := n.context(ctx, a, string(parent.ID))
		if err != nil {
			return "", nil, err
		}
		for _, st := range children(a, c, string(parent.ID)) {
			known = append(known, canonical(a, st.ID))
		}
	}
	slices.Sort(known)
	return base, slices.Compact(known), nil
}

// lookLimit is how many of our own posts are read at once when looking for one.
const lookLimit = 20

// first is the id of the newest entry.
func (p page) first() string {
	for _, it := range p.items {
		if it.id != "" {
			return it.id
		}
	}
	return ""
}

// children are our own direct answers among the descendants.
func children(a network.Account, c conversation, parent string) []status {
	var out []status
	for _, raw := range c.Descendants {
		st, err := parseStatus(raw)
		if err == nil && ours(a, st) && canonical(a, st.Parent) == canonical(a, ident(parent)) {
			out = append(out, st)
		}
	}
	return out
}

// find looks for the post a frozen request would have made; nil if there is none.
func (n *Network) find(ctx context.Context, a network.Account, z frozen) (*status, error) {
	own, err := n.since(ctx, a, z.Base)
	if err != nil {
		return nil, err
	}
	if z.Form.Parent != "" && !dialect(a).traits().ownDirect {
		c, err := n.context(ctx, a, z.Form.Parent)
		if err != nil && network.KindOf(err) != network.Gone {
			return nil, err
		}
		own = append(own, children(a, c, z.Form.Parent)...)
	}
	for _, st := range own {
		if slices.Contains(z.Known, canonical(a, st.ID)) {
			continue
		}
		same, err := n.same(ctx, a, st, z.Form)
		if err != nil {
			return nil, err
		}
		if same {
			return &st, nil
		}
	}
	return nil, nil
}

// since lists our posts newer than base.
func (n *Network) since(ctx context.Context, a network.Account, base string) ([]status, error) {
	l, err := n.list(a, network.Own)
	if err != nil {
		return nil, err
	}
	l.limit = lookLimit
	var out []status
	l.read = func(raw json.RawMessage) (item, error) {
		st, err := parseStatus(raw)
		if err == nil && ours(a, st) && st.Reblog == nil {
			out = append(out, st)
		}
		return item{id: string(st.ID)}, nil
	}
	for range lookPages {
		extra := url.Values{"min_id": {base}}
		if dialect(a).traits().whole {
			extra = nil
		}
		p, err := n.fetch(ctx, a, l, extra)
		if err != nil {
			return nil, err
		}
		next := p.newest()
		if len(p.items) == 0 || next == "" || next == base || extra == nil {
			break
		}
		base = next
	}
	return out, nil
}

// same reports a post that says exactly what the form says, in the same place
// and with the same media.
func (n *Network) same(ctx context.Context, a network.Account, st status, f form) (bool, error) {
	if len(st.Media) != len(f.Media) || strings.TrimSpace(text.Clean(st.Spoiler)) != f.Spoiler {
		return false, nil
	}
	if dialect(a) != Snac { // which names attachments by their address
		for _, m := range st.Media {
			if !slices.Contains(f.Media, string(m.ID)) {
				return false, nil
			}
		}
	}
	orphan := st.Parent == "" && f.Parent != ""
	if !orphan && canonical(a, st.Parent) != canonical(a, ident(f.Parent)) {
		return false, nil
	}
	said, err := n.said(ctx, a, st, f.Status)
	if err != nil || !said {
		return false, err
	}
	if orphan {
		// An answer whose parent was deleted since loses its place.
		_, _, err := n.status(ctx, a, f.Parent)
		if k := network.KindOf(err); k != "" && k != network.Gone {
			return false, err
		}
		return err != nil, nil
	}
	return true, nil
}

// said compares words with the source of a post; where the server has no
// source, with what can be read of its HTML.
func (n *Network) said(ctx context.Context, a network.Account, st status, want string) (bool, error) {
	q := get(statusPath(string(st.ID))+"/source", nil)
	q.bare = true
	var src source
	_, err := n.call(ctx, a, q, &src)
	switch network.KindOf(err) {
	case "":
		return strings.TrimSpace(text.Clean(src.Text)) == want, nil
	case network.Gone:
		return plain(words(a, st).Body) == plain(want), nil
	default:
		return false, err
	}
}

// plain reduces words to what survives rendering: no addresses, no domains of
// mentions, no white space.
func plain(s string) string {
	var b strings.Builder
	for _, w := range strings.Fields(s) {
		switch {
		case strings.Contains(w, "://") || strings.HasSuffix(w, "…"):
			continue
		case strings.HasPrefix(w, "@"):
			w, _, _ = strings.Cut(w[1:], "@")
			b.WriteByte('@')
		}
		b.WriteString(strings.ToLower(w))
	}
	return b.String()
}
