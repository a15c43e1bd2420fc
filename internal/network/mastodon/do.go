package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/network"
)

const (
	// keyLife is how long a repeated Idempotency-Key surely meets its first
	// result: Mastodon keeps it for an hour.
	keyLife = 50 * time.Minute
	// mediaWait is how long between two looks at media that is being processed,
	// and mediaLimit when waiting is given up.
	mediaWait  = 3 * time.Second
	mediaLimit = 30 * time.Minute
)

// Do performs one step: an upload, or one POST that makes something public.
func (n *Network) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	if i < 0 || i >= len(p.Steps) {
		return network.Delivery{}, brokenPlan(fmt.Sprintf("no step %d", i))
	}
	if p.Steps[i].Kind == network.Upload {
		return n.upload(ctx, a, p.Steps[i])
	}
	return n.create(ctx, a, p, i)
}

// create posts. Before the one request that cannot be taken back come only
// readings.
func (n *Network) create(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	step := p.Steps[i]
	if step.Done != nil {
		return network.Delivery{State: network.Sent, Ref: *step.Done, At: n.env.Now(), Evidence: "stored"}, nil
	}
	z, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	if d, done, err := n.beforeCreate(ctx, a, p, step, z); done || err != nil {
		return d, err
	}
	q := post("/api/v1/statuses").with(z.Form)
	q.key = step.Key
	q.bare = dialect(a).traits().htmlMissing && z.Form.Parent != ""
	var raw json.RawMessage
	ans, err := n.call(ctx, a, q, &raw)
	if err != nil {
		return createRefused(err)
	}
	var st status
	if lenient(raw, &st) != nil || st.ID == "" {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: "bad_json",
			Message: "posted, it seems, but the answer names no id"}
	}
	return n.sent(a, st, z, fmt.Sprintf("POST /api/v1/statuses %d", ans.status)), nil
}

// createRefused sorts what came instead of a post.
func createRefused(err error) (network.Delivery, error) {
	var e *network.Error
	if !errors.As(err, &e) {
		return network.Delivery{}, err
	}
	if processing(e) {
		return network.Delivery{State: network.Pending, PollAfter: mediaWait, Evidence: "POST /api/v1/statuses 422"}, nil
	}
	return network.Delivery{}, e
}

// beforeCreate looks at what must be true before a post leaves. done says that
// there is nothing more to do, or nothing yet.
func (n *Network) beforeCreate(ctx context.Context, a network.Account, p network.Plan, step network.Step, z frozen) (d network.Delivery, done bool, err error) {
	none := network.Delivery{}
	for _, j := range step.After {
		if p.Steps[j].Kind != network.Upload {
			continue
		}
		ready, err := n.ready(ctx, a, *p.Steps[j].Done)
		switch {
		case network.KindOf(err) == network.Gone:
			return n.mediaGone(ctx, a, z)
		case err != nil:
			return none, false, err
		case !ready:
			return network.Delivery{State: network.Pending, PollAfter: mediaWait, Evidence: "GET /api/v1/media 206"}, true, nil
		}
	}
	t := dialect(a).traits()
	if z.Form.Parent != "" && !t.looksAtReply {
		// This server would post the answer where nobody looks for it.
		if _, _, err := n.status(ctx, a, z.Form.Parent); err != nil {
			return none, false, err
		}
	}
	if t.keyed && n.env.Now().Sub(time.Unix(z.At, 0)) > keyLife {
		// The key may have been forgotten since an earlier attempt.
		st, err := n.find(ctx, a, z)
		if err != nil {
			return none, false, err
		}
		if st != nil {
			return n.sent(a, *st, z, "found before a late repeat"), true, nil
		}
	}
	return none, false, nil
}

// mediaGone is what to make of an upload the server does not show any more:
// either it hangs on our post already, or it was thrown away.
func (n *Network) mediaGone(ctx context.Context, a network.Account, z frozen) (network.Delivery, bool, error) {
	st, err := n.find(ctx, a, z)
	if err != nil {
		return network.Delivery{}, false, err
	}
	if st != nil {
		return n.sent(a, *st, z, "found with its media attached"), true, nil
	}
	return network.Delivery{}, false, &network.Error{Kind: network.BadMedia, Native: "404", Help: "mastodon.help.media_expired"}
}

// sent is the good end. What the server made of the visibility is evidence: a
// silenced account's posts come back narrower.
func (n *Network) sent(a network.Account, st status, z frozen, evidence string) network.Delivery {
	r := ref(a, st)
	if r.ParentID == "" && z.Form.Parent != "" {
		r.ParentID, r.RootID = canonical(a, ident(z.Form.Parent)), ""
	}
	if st.Visibility != "" && st.Visibility != z.Form.Visibility {
		evidence += fmt.Sprintf(", visibility %s instead of %s", st.Visibility, z.Form.Visibility)
	}
	return network.Delivery{State: network.Sent, Ref: r, At: n.env.Now(), Evidence: evidence}
}

// thaw opens a create step and fills in what earlier steps brought: media ids,
// and for a thread the part before. The result is the same each time.
func thaw(p network.Plan, i int) (frozen, error) {
	step := p.Steps[i]
	var z frozen
	if err := json.Unmarshal(step.Body, &z); err != nil {
		return z, brokenPlan("step body: " + err.Error())
	}
	for _, j := range step.After {
		if j < 0 || j >= i || p.Steps[j].Done == nil {
			return z, brokenPlan(fmt.Sprintf("step %d comes before step %d", i, j))
		}
		if p.Steps[j].Kind == network.Upload {
			z.Form.Media = append(z.Form.Media, p.Steps[j].Done.ID)
		} else if z.Chain {
			z.Form.Parent = p.Steps[j].Done.ID
		}
	}
	return z, nil
}

// brokenPlan is a defect of the caller or of the store: nothing was sent.
func brokenPlan(what string) error {
	return &network.Error{Kind: network.BadInput, Native: "plan", Message: what}
}
