package bluesky

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/language"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// frozen is what Step.Body holds: the request to the byte, and what has to be
// looked at once more before it leaves.
type frozen struct {
	Method string          `json:"method"`
	Input  json.RawMessage `json:"input,omitempty"`

	// A create: the records it makes, in order.
	Makes []made `json:"makes,omitempty"`
	// What it answers, and whom it names: people's handles move and posts are
	// deleted between planning and sending.
	Parent   *strongRef        `json:"parent,omitempty"`
	Mentions map[string]string `json:"mentions,omitempty"` // handle to DID

	// A direct message: the newest thing in the conversation when it was planned.
	Convo string `json:"convo,omitempty"`
	After string `json:"after,omitempty"`

	// An upload.
	Blob *frozenBlob `json:"blob,omitempty"`
}

// made is one record as it will be once written.
type made struct {
	URI    string `json:"uri"`
	CID    string `json:"cid"`
	Parent string `json:"parent,omitempty"`
	Root   string `json:"root,omitempty"`
}

// Plan freezes a draft. It looks up what it answers and whom it names, and
// writes nothing.
func (n *Network) Plan(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	if err := n.admissible(d); err != nil {
		return network.Plan{}, err
	}
	if private(d) {
		return n.planDirect(ctx, a, d)
	}
	p := planner{n: n, ctx: ctx, a: a, d: d, names: map[string]string{}, plan: network.Plan{Key: d.Key}}
	if err := p.answer(); err != nil {
		return network.Plan{}, err
	}
	var records []map[string]any
	for i, part := range d.Parts {
		r, err := p.part(i, part)
		if err != nil {
			return network.Plan{}, err
		}
		records = append(records, r)
	}
	if err := p.create(records); err != nil {
		return network.Plan{}, err
	}
	return p.plan, nil
}

// admissible checks what needs no look-up.
func (n *Network) admissible(d network.Draft) error {
	if len(d.Parts) == 0 || len(d.Parts) > maxParts {
		return &network.Error{Kind: network.TooLong, Native: "Parts", Err: fmt.Errorf("%d parts, at most %d", len(d.Parts), maxParts)}
	}
	for _, part := range d.Parts {
		if part.Warning != "" {
			return &network.Error{Kind: network.Policy, Native: "ContentWarning", Help: "bluesky.why.no_warning"}
		}
		switch part.Visibility {
		case "", network.Public, network.DirectTo:
		default:
			// There is no narrower audience; sending it to everybody would widen it.
			return &network.Error{Kind: network.Policy, Native: "Visibility", Help: "bluesky.help.visibility"}
		}
		if (part.Visibility == network.DirectTo) != private(d) {
			return &network.Error{Kind: network.Policy, Native: "Visibility", Help: "bluesky.help.mixed"}
		}
		if text.Clean(part.Text) == "" && len(part.Media) == 0 {
			return &network.Error{Kind: network.BadInput, Native: "Empty", Help: "bluesky.help.empty"}
		}
	}
	return nil
}

// private reports a draft that must stay between two people: an answer to a
// direct message always does.
func private(d network.Draft) bool {
	if d.ReplyTo != nil {
		_, _, is := directParts(d.ReplyTo.ID)
		return is || d.ReplyTo.Visibility == network.DirectTo
	}
	return d.Parts[0].Visibility == network.DirectTo
}

// planner builds one plan of posts.
type planner struct {
	n    *Network
	ctx  context.Context
	a    network.Account
	d    network.Draft
	plan network.Plan

	parent, root *strongRef        // what the first part answers
	names        map[string]string // handles resolved so far: DID, or "" for nobody
	mentions     map[string]string // those that became mentions
	uploads      []int             // steps the create needs
}

// part makes the record of one part, without its place in a thread of ours.
func (p *planner) part(i int, part network.Part) (map[string]any, error) {
	body, err := p.withKept(i, text.Clean(part.Text), part.Keep)
	if err != nil {
		return nil, err
	}
	if count := text.Count(postRule, body, ""); !count.Fits {
		return nil, &network.Error{Kind: network.TooLong, Native: "TooLong",
			Err: fmt.Errorf("part %d is %d over, %d bytes", i+1, -count.Left, count.Bytes)}
	}
	r := map[string]any{"$type": typePost, "text": body, "createdAt": postStamp(p.at())}
	facets, err := p.facets(body)
	if err != nil {
		return nil, err
	}
	if len(facets) > 0 {
		r["facets"] = facets
	}
	if tag, err := language.Parse(part.Lang); part.Lang != "" && err == nil {
		r["langs"] = []any{tag.String()}
	}
	embed, err := p.embed(part.Media)
	if err != nil {
		return nil, err
	}
	if embed != nil {
		r["embed"] = embed
	}
	return r, nil
}

// at is the time the post will claim: when it was meant to leave.
func (p *planner) at() time.Time {
	if p.d.At.IsZero() {
		return p.n.now()
	}
	return p.d.At
}

// create chains the records, computes their CIDs and freezes the one request
// that writes them.
func (p *planner) create(records []map[string]any) error {
	f := frozen{Parent: p.parent, Mentions: p.mentions}
	parent, root := p.parent, p.root
	var writes []any
	var keys []string
	for i, r := range records {
		m := made{}
		if parent != nil {
			r["reply"] = map[string]any{"root": root.value(), "parent": parent.value()}
			m.Parent, m.Root = parent.URI, root.URI
		}
		cid, err := record.CID(r)
		if err != nil {
			return &network.Error{Kind: network.BadInput, Native: "Record", Err: err}
		}
		key := postKey(p.d.Key, p.at(), i)
		m.URI, m.CID = record.URI{DID: p.a.RemoteID, Collection: typePost, Key: key}.String(), cid
		f.Makes = append(f.Makes, m)
		keys = append(keys, key)
		parent = &strongRef{m.URI, m.CID}
		root = cmp.Or(root, parent)
		writes = append(writes, map[string]any{
			"$type": "com.atproto.repo.applyWrites#create", "collection": typePost, "rkey": key, "value": r,
		})
	}
	var err error
	if len(records) == 1 {
		f.Method = "com.atproto.repo.putRecord"
		f.Input, err = putBody(p.a.RemoteID, typePost, keys[0], records[0])
	} else {
		f.Method = "com.atproto.repo.applyWrites"
		f.Input, err = record.ToJSON(map[string]any{"repo": p.a.RemoteID, "validate": true, "writes": writes})
	}
	if err != nil {
		return &network.Error{Kind: network.BadInput, Native: "Record", Err: err}
	}
	step := network.Step{Kind: network.Create, WantID: keys[0], Proof: network.ProofID, After: p.uploads}
	for i := range records {
		step.Parts = append(step.Parts, i)
	}
	return p.add(step, f)
}

func (p *planner) add(s network.Step, f frozen) error {
	body, err := freeze(f)
	if err != nil {
		return err
	}
	s.Body = body
	p.plan.Steps = append(p.plan.Steps, s)
	return nil
}

func (r strongRef) value() map[string]any { return map[string]any{"uri": r.URI, "cid": r.CID} }

// freeze writes a step's body. HTML characters stay as they are, so that the
// request inside is not changed by one byte.
func freeze(f frozen) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("freezing a step: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func thaw(p network.Plan, i int) (frozen, error) {
	var f frozen
	if i < 0 || i >= len(p.Steps) {
		return f, &network.Error{Kind: network.BadInput, Native: "NoSuchStep", Err: fmt.Errorf("step %d of %d", i, len(p.Steps))}
	}
	if err := json.Unmarshal(p.Steps[i].Body, &f); err != nil || f.Method == "" {
		return f, &network.Error{Kind: network.BadInput, Native: "BadPlan", Err: errors.Join(errors.New("a plan that is not ours"), err)}
	}
	return f, nil
}

// postKey is the record key of part i: the millisecond it was meant for, in the
// place of the microseconds and the clock id what follows from the draft's key.
// The same draft always gets the same keys, and parts sort in their order.
func postKey(draft string, at time.Time, i int) string {
	sum := sha256.Sum256([]byte(draft))
	micros := int64(binary.BigEndian.Uint16(sum[0:2])) % (1000 - maxParts)
	clock := binary.BigEndian.Uint16(sum[2:4])
	return record.TID(at.UnixMilli()*1000+micros+int64(i), clock)
}
