package bluesky

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// Do performs one step. Before the one request that makes something public it
// looks again at what is answered and at whom the text names.
func (n *Network) Do(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	f, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	if done := p.Steps[i].Done; done != nil {
		// Putting a record again would bring back what was deleted since.
		return f.done(*done, n.now()), nil
	}
	if f.Blob != nil {
		return n.upload(ctx, a, *f.Blob)
	}
	for _, j := range p.Steps[i].After {
		if j < 0 || j >= len(p.Steps) || p.Steps[j].Done == nil {
			return network.Delivery{}, &network.Error{Kind: network.Transient, Native: "StepMissing", Err: fmt.Errorf("step %d waits for step %d", i, j)}
		}
	}
	if err := n.still(ctx, a, f); err != nil {
		return network.Delivery{}, err
	}
	if f.Convo != "" {
		return n.doDirect(ctx, a, f)
	}
	return n.doCreate(ctx, a, f, len(p.Steps[i].After) > 0)
}

// done is the delivery of a step that was done before.
func (f frozen) done(ref network.Ref, now time.Time) network.Delivery {
	d := network.Delivery{State: network.Sent, Ref: ref, At: now, Evidence: "done before"}
	for i, m := range f.Makes {
		r := network.Ref{ID: m.URI, Version: m.CID, ParentID: m.Parent, RootID: m.Root}
		if i == 0 {
			r = ref
		}
		d.Parts = append(d.Parts, r)
	}
	return d
}

// still reports whether what was planned still means the same.
func (n *Network) still(ctx context.Context, a network.Account, f frozen) error {
	if f.Parent != nil {
		s, err := n.standing(ctx, a, f.Parent.URI)
		if err != nil {
			return err
		}
		if s.locked {
			return locked()
		}
	}
	for handle, did := range f.Mentions {
		now, err := n.handleAt(ctx, pdsOf(a), handle)
		if err != nil {
			return err
		}
		// A handle that leads nowhere for now names nobody else.
		if now != "" && now != did {
			return &network.Error{Kind: network.Policy, Native: "HandleMoved", Help: "bluesky.help.mention_moved"}
		}
	}
	return nil
}

// doCreate writes the frozen records. media says that something is attached,
// which a bad request is most likely about: length and facets were checked.
func (n *Network) doCreate(ctx context.Context, a network.Account, f frozen, media bool) (network.Delivery, error) {
	var out struct {
		strongRef
		Results []strongRef `json:"results"`
	}
	err := n.procedure(ctx, a, call{method: f.Method, body: f.Input, media: media}, &out)
	if err != nil {
		return network.Delivery{}, err
	}
	results := out.Results
	if len(f.Makes) == 1 {
		results = []strongRef{out.strongRef}
	}
	if len(results) != len(f.Makes) {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: f.Method,
			Err: fmt.Errorf("the answer names %d records, want %d", len(results), len(f.Makes))}
	}
	makes := make([]made, len(f.Makes))
	for i, m := range f.Makes {
		if results[i].URI != m.URI || !validCID(results[i].CID) {
			return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: f.Method,
				Err: errors.New("the answer names another record")}
		}
		m.CID = results[i].CID
		makes[i] = m
	}
	return n.sent(makes, f.Method+" answered"), nil
}

// sent is the delivery of records that are there.
func (n *Network) sent(makes []made, evidence string) network.Delivery {
	d := network.Delivery{State: network.Sent, At: n.now(), Evidence: evidence}
	for _, m := range makes {
		r := network.Ref{ID: m.URI, Version: m.CID, ParentID: m.Parent, RootID: m.Root}
		if u, err := record.ParseURI(m.URI); err == nil {
			r.URL = n.postURL(u)
		}
		d.Parts = append(d.Parts, r)
	}
	d.Ref = d.Parts[0]
	return d
}

// upload gives the bytes to the PDS. It keeps them for a while without a record
// that names them, then forgets them; again is harmless.
func (n *Network) upload(ctx context.Context, a network.Account, b frozenBlob) (network.Delivery, error) {
	digest, err := record.BlobDigest(b.CID)
	if err != nil {
		return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "BadPlan", Err: err}
	}
	raw, err := n.mediaBytes(ctx, a, digest)
	if err != nil {
		return network.Delivery{}, err
	}
	var out struct {
		Blob blob `json:"blob"`
	}
	err = n.procedure(ctx, a, call{method: "com.atproto.repo.uploadBlob", body: raw, mime: b.MIME, media: true}, &out)
	if err != nil {
		return network.Delivery{}, err
	}
	if out.Blob.Ref.Link != b.CID || out.Blob.MIME != b.MIME || out.Blob.Size != int64(b.Size) {
		return network.Delivery{}, badMedia("bluesky.help.media_kind", "the server took it for %.60q of %d bytes", out.Blob.MIME, out.Blob.Size)
	}
	return network.Delivery{State: network.Sent, Ref: network.Ref{ID: b.CID}, At: n.now(), Evidence: "com.atproto.repo.uploadBlob answered"}, nil
}

// mediaBytes are an attachment's, and certainly the right ones.
func (n *Network) mediaBytes(ctx context.Context, a network.Account, digest [32]byte) ([]byte, error) {
	raw, err := n.env.Media(ctx, a, digest)
	if err == nil && digestOf(raw) != digest {
		err = errOtherBytes
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &network.Error{Kind: network.BadMedia, Native: "Media", Err: err}
	}
	return raw, nil
}

// Prove asks whether a step happened.
func (n *Network) Prove(ctx context.Context, a network.Account, p network.Plan, i int) (network.Delivery, error) {
	f, err := thaw(p, i)
	if err != nil {
		return network.Delivery{}, err
	}
	switch {
	case f.Blob != nil:
		// An upload that no record names cannot be asked for. It says nothing to
		// anybody and is harmless to repeat.
		return network.Delivery{State: network.NotSent, At: n.now(), Evidence: "an upload is repeated, not proved"}, nil
	case f.Convo != "":
		return n.proveDirect(ctx, a, p, i, f)
	case len(f.Makes) == 0:
		return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "BadPlan"}
	}
	return n.proveCreate(ctx, a, f)
}

// proveCreate asks the PDS for the first record: one write makes all or none.
func (n *Network) proveCreate(ctx context.Context, a network.Account, f frozen) (network.Delivery, error) {
	first := f.Makes[0]
	u, err := record.ParseURI(first.URI)
	if err != nil {
		return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "BadPlan", Err: err}
	}
	r, err := n.ownRecord(ctx, a, u)
	switch {
	case network.KindOf(err) == network.Gone:
		return network.Delivery{State: network.NotSent, At: n.now(), Evidence: "com.atproto.repo.getRecord: no such record"}, nil
	case err != nil:
		return network.Delivery{State: network.Unknown, At: n.now(), Evidence: "com.atproto.repo.getRecord could not be asked"}, err
	case r.CID == first.CID:
		return n.sent(f.Makes, "com.atproto.repo.getRecord: same cid"), nil
	case sameValue(r.Value, f):
		f.Makes[0].CID = r.CID
		return n.sent(f.Makes, "com.atproto.repo.getRecord: same words, other cid"), nil
	}
	return network.Delivery{State: network.Unknown, At: n.now(), Evidence: "com.atproto.repo.getRecord: another record has our key"}, nil
}

// sameValue reports a record with our words and our time. Another CID then only
// means that the server wrote it down in another way.
func sameValue(got json.RawMessage, f frozen) bool {
	var in struct {
		Record postRecord `json:"record"`
		Writes []struct {
			Value postRecord `json:"value"`
		} `json:"writes"`
	}
	var r postRecord
	if json.Unmarshal(f.Input, &in) != nil || json.Unmarshal(got, &r) != nil {
		return false
	}
	want := in.Record
	if len(in.Writes) > 0 {
		want = in.Writes[0].Value
	}
	return r.Text == want.Text && r.CreatedAt == want.CreatedAt && want.CreatedAt != ""
}
