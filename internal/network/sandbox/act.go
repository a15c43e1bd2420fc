package sandbox

import (
	"context"
	"net/http"
	"net/url"

	"parley/internal/network"
	"parley/internal/text"
)

// Delete takes back one of our posts. Already gone is done.
func (c *Connector) Delete(ctx context.Context, a network.Account, ref network.Ref) error {
	_, err := c.do(ctx, request{account: a, method: http.MethodDelete, path: "/posts/" + url.PathEscape(ref.ID), write: true}, nil)
	if network.KindOf(err) == network.Gone {
		return nil
	}
	return err
}

// Edit replaces the words of a post, if it still is the version we know.
func (c *Connector) Edit(ctx context.Context, a network.Account, ref network.Ref, d network.Draft) (network.Delivery, error) {
	if len(d.Parts) != 1 {
		return network.Delivery{}, refused(network.BadInput, "parts", "sandbox.edit_one")
	}
	part := d.Parts[0]
	n := wireNew{Text: part.Text, Lang: part.Lang, Warning: part.Warning}
	for _, m := range part.Media {
		n.Alts = append(n.Alts, text.Clean(m.Alt))
	}
	var p wirePost
	path := "/posts/" + url.PathEscape(ref.ID)
	_, err := c.do(ctx, request{account: a, method: http.MethodPut, path: path, json: n, write: true,
		header: map[string]string{"If-Match": `"` + ref.Version + `"`}}, &p)
	if err != nil {
		return network.Delivery{}, err
	}
	return sentAs(p, "PUT "+path+" 200", c.env.Now()), nil
}

// Act performs a small act. The network makes repeats harmless.
func (c *Connector) Act(ctx context.Context, a network.Account, act network.Act) error {
	_, err := c.do(ctx, request{account: a, method: http.MethodPost, path: "/acts", write: true, json: wireAct{
		Kind: act.Kind, Undo: act.Undo, Post: act.On.ID, Person: act.Person.RemoteID, Reason: act.Reason,
	}}, nil)
	return err
}
