package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"parley/internal/network"
)

// Prove finds out, by reading alone, whether a create step was kept.
func (c *Connector) Prove(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	step, f, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	if step.Kind != network.Create {
		return network.Delivery{State: network.NotSent, Evidence: "an upload may be repeated"}, nil
	}
	if step.Done != nil {
		return network.Delivery{State: network.Sent, Ref: *step.Done, Evidence: "done before"}, nil
	}
	switch step.Proof {
	case network.ProofID:
		return c.proveID(ctx, a, step)
	case network.ProofContainer:
		return c.proveContainer(ctx, a, containerOf(p, step))
	case network.ProofKey, network.ProofReadback:
		return c.readBack(ctx, a, p, step, f)
	}
	return network.Delivery{State: network.Unknown, Evidence: "this network shows nothing of what was sent"}, nil
}

// proveID asks for the id we chose. One that was deleted since has been there.
func (c *Connector) proveID(ctx context.Context, a network.Account, step network.Step) (network.Delivery, error) {
	path := "/posts/" + url.PathEscape(step.WantID)
	var p wirePost
	_, err := c.do(ctx, request{account: a, method: http.MethodGet, path: path}, &p)
	switch {
	case err == nil && p.ID != "":
		return sentAs(p, "GET "+path+" 200", c.env.Now()), nil
	case native(err) == "deleted":
		return network.Delivery{State: network.Sent, Ref: network.Ref{ID: step.WantID}, Evidence: "GET " + path + " 410"}, nil
	case network.KindOf(err) == network.Gone:
		return network.Delivery{State: network.NotSent, Evidence: "GET " + path + " 404"}, nil
	case err == nil:
		return network.Delivery{State: network.Unknown, Evidence: "GET " + path + " without a post"}, nil
	}
	return network.Delivery{}, err
}

// proveContainer asks what became of what was prepared.
func (c *Connector) proveContainer(ctx context.Context, a network.Account, ref *network.Ref) (network.Delivery, error) {
	if ref == nil {
		return network.Delivery{State: network.NotSent, Evidence: "nothing was prepared"}, nil
	}
	path := "/containers/" + url.PathEscape(ref.ID)
	var k wireContainer
	_, err := c.do(ctx, request{account: a, method: http.MethodGet, path: path}, &k)
	switch {
	case network.KindOf(err) == network.Gone:
		return network.Delivery{State: network.Unknown, Evidence: "GET " + path + " 404"}, nil
	case err != nil:
		return network.Delivery{}, err
	case k.State == "published" && k.Post != nil:
		return sentAs(*k.Post, "GET "+path+" published", c.env.Now()), nil
	}
	return network.Delivery{State: network.NotSent, Evidence: "GET " + path + " " + k.State}, nil
}

// readBack compares what we wrote since the plan was made, word for word.
func (c *Connector) readBack(ctx context.Context, a network.Account, p network.Plan, step network.Step, f frozen) (network.Delivery, error) {
	if f.Post == nil {
		return network.Delivery{}, refused(network.Version, "plan", "")
	}
	path := fmt.Sprintf("/accounts/%s/posts?after=%d", url.PathEscape(a.RemoteID), f.After)
	var own wirePosts
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: path}, &own); err != nil {
		return network.Delivery{}, err
	}
	parent, media := f.Post.InReplyTo, []string(nil)
	for _, i := range step.After {
		if p.Steps[i].Done == nil {
			return network.Delivery{State: network.NotSent, Evidence: "a step before it is not done"}, nil
		}
		if p.Steps[i].Kind == network.Create {
			parent = p.Steps[i].Done.ID
		} else {
			media = append(media, p.Steps[i].Done.ID)
		}
	}
	taken := map[string]bool{} // posts that other steps of this plan have made
	for _, s := range p.Steps {
		if s.Done != nil {
			taken[s.Done.ID] = true
		}
	}
	for _, o := range own.Posts {
		var ids []string
		for _, m := range o.Media {
			ids = append(ids, m.ID)
		}
		if !taken[o.ID] && o.Text == f.Post.Text && o.Warning == f.Post.Warning && o.InReplyTo == parent && slices.Equal(ids, media) {
			return sentAs(o, "GET "+path+" lists it", c.env.Now()), nil
		}
	}
	return network.Delivery{State: network.NotSent, Evidence: "GET " + path + " does not list it"}, nil
}
