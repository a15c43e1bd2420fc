package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

// frozen is what Step.Body holds: everything a fresh process needs, as it was
// when the plan was made.
type frozen struct {
	What  string   `json:"what"` // media|container|post|publish
	Post  *wireNew `json:"post,omitempty"`
	Media *medium  `json:"media,omitempty"`
	After int64    `json:"after,omitempty"` // our newest post when planned: what is younger may be this one
	Until int64    `json:"until,omitempty"` // until then (Unix seconds) a repeat with the key is harmless
	Keep  []kept   `json:"keep,omitempty"`  // whose handle must still be theirs
}

const (
	whatMedia     = "media"
	whatContainer = "container"
	whatPost      = "post"
	whatPublish   = "publish"
)

// medium is an attachment to upload.
type medium struct {
	Digest [32]byte `json:"digest"`
	MIME   string   `json:"mime"`
	Alt    string   `json:"alt"`
}

// kept is somebody addressed, as the member saw them.
type kept struct {
	ID     string `json:"id"`
	Handle string `json:"handle"`
}

// keyMargin is left of a key's life, so that a repeat does not race its end.
const keyMargin = 10 * time.Minute

// Plan freezes a draft. It looks up what the network can do and, where a lost
// answer is settled by reading back, our newest post.
func (c *Connector) Plan(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	if len(d.Parts) == 0 {
		return network.Plan{}, refused(network.BadInput, "empty", "sandbox.empty")
	}
	var can wireDescribe
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: "/describe"}, &can); err != nil {
		return network.Plan{}, err
	}
	p := &planner{can: can, draft: d, now: c.env.Now(), plan: network.Plan{Key: d.Key}}
	if can.Proof == network.ProofKey || can.Proof == network.ProofReadback {
		newest, err := c.newestOwn(ctx, a)
		if err != nil {
			return network.Plan{}, err
		}
		p.after = newest
	}
	for i := range d.Parts {
		if err := p.part(i); err != nil {
			return network.Plan{}, err
		}
	}
	return p.plan, nil
}

// newestOwn is the number of our newest post; 0 for none.
func (c *Connector) newestOwn(ctx context.Context, a network.Account) (int64, error) {
	var own wirePosts
	path := "/accounts/" + url.PathEscape(a.RemoteID) + "/posts?newest=1"
	if _, err := c.do(ctx, request{account: a, method: http.MethodGet, path: path}, &own); err != nil {
		return 0, err
	}
	var seq int64
	for _, p := range own.Posts {
		seq = max(seq, p.Seq)
	}
	return seq, nil
}

// planner builds a plan part by part.
type planner struct {
	can   wireDescribe
	draft network.Draft
	plan  network.Plan
	now   time.Time
	after int64
	last  int // index of the create step before; valid from the second part on
}

// part adds the steps of one part: its media, its container if that is the
// network's way, and what makes it public.
func (p *planner) part(i int) error {
	part := p.draft.Parts[i]
	if err := p.check(part); err != nil {
		return err
	}
	n := wireNew{Text: part.Text, Lang: part.Lang, Warning: part.Warning, Visibility: string(p.visibility(part))}
	var keep []kept
	for _, k := range part.Keep {
		n.To = append(n.To, k.RemoteID)
		keep = append(keep, kept{k.RemoteID, k.Handle})
	}
	if p.draft.ReplyTo != nil && i == 0 {
		n.InReplyTo = p.draft.ReplyTo.ID
	}
	var after []int
	for j, m := range part.Media {
		after = append(after, p.add(network.Step{Kind: network.Upload, Key: p.key("media", i, j)},
			frozen{What: whatMedia, Media: &medium{m.Digest, m.MIME, m.Alt}}))
	}
	if i > 0 {
		after = append(after, p.last)
	}
	create := network.Step{
		Kind: network.Create, Key: p.key("post", i, 0), Proof: p.can.Proof, After: after, Parts: []int{i},
	}
	body := frozen{What: whatPost, Post: &n, After: p.after, Keep: keep}
	switch p.can.Proof {
	case network.ProofID:
		create.WantID = create.Key
	case network.ProofKey:
		body.Until = p.now.Add(time.Duration(p.can.KeyLife)*time.Second - keyMargin).Unix()
	case network.ProofContainer:
		create.After = []int{p.add(network.Step{Kind: network.Upload, Key: p.key("container", i, 0), After: after},
			frozen{What: whatContainer, Post: &n})}
		body = frozen{What: whatPublish, Keep: keep}
	}
	p.last = p.add(create, body)
	return nil
}

func (p *planner) add(s network.Step, f frozen) int {
	s.Body, _ = json.Marshal(f) // plain fields always marshal
	p.plan.Steps = append(p.plan.Steps, s)
	return len(p.plan.Steps) - 1
}

// key is the same for the same draft, so that a plan made twice is one send.
func (p *planner) key(what string, part, n int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "parley\x00%s\x00%s\x00%d\x00%d", p.draft.Key, what, part, n))
	return hex.EncodeToString(h[:16])
}

// visibility is what was asked for, never wider than what is answered.
func (p *planner) visibility(part network.Part) network.Visibility {
	v := part.Visibility
	if v == "" {
		v = network.Public
	}
	if to := p.draft.ReplyTo; to != nil && to.Visibility != "" && slices.Index(wide, v) < slices.Index(wide, to.Visibility) {
		p.warn("sandbox.narrowed")
		return to.Visibility
	}
	return v
}

func (p *planner) warn(key string) {
	if !slices.Contains(p.plan.Warnings, key) {
		p.plan.Warnings = append(p.plan.Warnings, key)
	}
}

// check refuses what the network would refuse.
func (p *planner) check(part network.Part) error {
	v := p.visibility(part)
	switch {
	case strings.TrimSpace(part.Text) == "" && len(part.Media) == 0:
		return refused(network.BadInput, "empty", "sandbox.empty")
	case !text.Count(p.can.Text, part.Text, part.Warning).Fits:
		return refused(network.TooLong, "too_long", "sandbox.too_long")
	case len(part.Media) > p.can.MediaMax:
		return refused(network.BadMedia, "too_many", "sandbox.too_many_media")
	case !slices.Contains(p.can.Visibilities, v):
		return refused(network.BadInput, "visibility", "sandbox.visibility")
	case v == network.DirectTo && p.draft.ReplyTo == nil && len(part.Keep) == 0:
		return refused(network.BadInput, "nobody", "sandbox.nobody")
	}
	for _, m := range part.Media {
		switch {
		case !slices.Contains(p.can.MIME, m.MIME):
			return refused(network.BadMedia, "type", "sandbox.media_type")
		case m.Size > p.can.MediaBytes:
			return refused(network.BadMedia, "too_large", "sandbox.media_size")
		case utf8.RuneCountInString(m.Alt) > p.can.AltMax:
			return refused(network.BadMedia, "alt_too_long", "sandbox.alt_too_long")
		}
	}
	return nil
}

func refused(k network.Kind, native, help string) error {
	return &network.Error{Kind: k, Native: native, Help: help}
}
