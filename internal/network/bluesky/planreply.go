package bluesky

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
)

// warnEdited is a warning that what is answered has changed since it was read.
const warnEdited = "bluesky.warn.parent_edited"

// standing is a post as it stands now: where it is in its thread and whether it
// may be answered.
type standing struct {
	self, root strongRef
	locked     bool
}

// answer looks up what the draft answers: both references need the CIDs of now.
func (p *planner) answer() error {
	if p.d.ReplyTo == nil {
		return nil
	}
	s, err := p.n.standing(p.ctx, p.a, p.d.ReplyTo.ID)
	if err != nil {
		return err
	}
	if s.locked {
		return locked()
	}
	if v := p.d.ReplyTo.Version; v != "" && v != s.self.CID {
		p.warn(warnEdited)
	}
	p.parent, p.root = &s.self, &s.root
	p.addressed(p.d.ReplyTo.Author)
	return nil
}

// addressed remembers whom the member believes to be answering. The answer
// reaches the DID; but if the name on the screen belongs to somebody else by
// then, a human should look first.
func (p *planner) addressed(who network.Person) {
	if handle := strings.ToLower(who.Handle); record.ValidHandle(handle) && record.ValidDID(who.RemoteID) {
		p.mention(handle, who.RemoteID)
	}
}

func (p *planner) mention(handle, did string) {
	if p.mentions == nil {
		p.mentions = map[string]string{}
	}
	p.mentions[handle] = did
}

func locked() error {
	return &network.Error{Kind: network.Policy, Native: "ReplyDisabled", Help: "bluesky.help.locked"}
}

// standing asks the AppView, which also knows who may answer. Where there is
// none, the author's own repository tells at least that the post is there.
func (n *Network) standing(ctx context.Context, a network.Account, uri string) (standing, error) {
	u, err := record.ParseURI(uri)
	if err != nil {
		return standing{}, &network.Error{Kind: network.Gone, Native: "NotFound", Err: err}
	}
	found, err := n.posts(ctx, a, []string{uri})
	if err == nil {
		p, ok := found[uri]
		if !ok {
			return standing{}, &network.Error{Kind: network.Gone, Native: "NotFound"}
		}
		return standingOf(p.URI, p.CID, p.Record, p.Viewer.ReplyDisabled)
	}
	if network.KindOf(err) != network.Transient || ctx.Err() != nil {
		return standing{}, err
	}
	r, rerr := n.recordAnywhere(ctx, a, u)
	if network.KindOf(rerr) == network.Gone {
		return standing{}, rerr
	}
	if rerr != nil {
		return standing{}, err
	}
	return standingOf(uri, r.CID, r.Value, false)
}

func standingOf(uri, cid string, raw json.RawMessage, locked bool) (standing, error) {
	r, err := readRecord(raw)
	if err != nil || !validCID(cid) {
		return standing{}, &network.Error{Kind: network.Transient, Native: "BadRecord", Err: err}
	}
	s := standing{self: strongRef{uri, cid}, locked: locked}
	s.root = s.self
	if r.Reply != nil && postID(r.Reply.Root.URI) != "" && validCID(r.Reply.Root.CID) {
		s.root = r.Reply.Root
	}
	return s, nil
}

func validCID(s string) bool {
	_, err := record.Encode(record.Link(s))
	return err == nil
}

// recordAnywhere reads a record without an AppView: from our PDS, which has the
// repositories of its own accounts, else from the PDS its author's document
// names.
func (n *Network) recordAnywhere(ctx context.Context, a network.Account, u record.URI) (repoRecord, error) {
	r, err := n.ownRecord(ctx, a, u)
	if err == nil || u.DID == a.RemoteID {
		return r, err
	}
	doc, derr := n.document(ctx, u.DID)
	if derr != nil || doc.PDS == "" || doc.PDS == pdsOf(a) {
		return r, err
	}
	q := url.Values{"repo": {u.DID}, "collection": {u.Collection}, "rkey": {u.Key}}
	_, err = n.send(ctx, call{base: doc.PDS, method: "com.atproto.repo.getRecord", query: q}, &r)
	return r, err
}
