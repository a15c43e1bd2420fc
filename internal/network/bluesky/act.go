package bluesky

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// stamp is how records write a time.
const stamp = "2006-01-02T15:04:05.000Z"

// Act performs a small act. Likes, reposts, follows and blocks are records whose
// key follows from what they are about, so that doing one twice does it once.
// Mutes are idempotent on the network. A report is not; repeated, moderators get
// it twice.
func (n *Network) Act(ctx context.Context, a network.Account, act network.Act) error {
	switch act.Kind {
	case network.Like:
		return n.actOn(ctx, a, typeLike, act)
	case network.Repost:
		return n.actOn(ctx, a, typeRepost, act)
	case network.Follow:
		return n.actTowards(ctx, a, typeFollow, act)
	case network.Block:
		return n.actTowards(ctx, a, typeBlock, act)
	case network.Mute:
		return n.mute(ctx, a, act)
	case network.Report:
		return n.report(ctx, a, act)
	default:
		return &network.Error{Kind: network.Policy, Native: "UnknownAct", Err: fmt.Errorf("%.40q", act.Kind)}
	}
}

// actOn likes or reposts a post.
func (n *Network) actOn(ctx context.Context, a network.Account, kind string, act network.Act) error {
	if postID(act.On.ID) == "" {
		return &network.Error{Kind: network.Policy, Native: "NotAPost", Help: "bluesky.help.not_a_post"}
	}
	key := actKey(kind, act.On.ID)
	if act.Undo {
		return n.undo(ctx, a, kind, key, func() (string, error) { return n.viewersRecord(ctx, a, kind, act.On.ID) })
	}
	subject, err := n.subject(ctx, a, act.On)
	if err != nil {
		return err
	}
	return n.putAct(ctx, a, kind, key, subject)
}

// subject is the strong reference to a post.
func (n *Network) subject(ctx context.Context, a network.Account, on network.Ref) (map[string]any, error) {
	cid := on.Version
	if cid == "" {
		found, err := n.posts(ctx, a, []string{on.ID})
		if err != nil {
			return nil, err
		}
		p, ok := found[on.ID]
		if !ok {
			return nil, &network.Error{Kind: network.Gone, Native: "NotFound"}
		}
		cid = p.CID
	}
	return map[string]any{"uri": on.ID, "cid": cid}, nil
}

// actTowards follows or blocks a person.
func (n *Network) actTowards(ctx context.Context, a network.Account, kind string, act network.Act) error {
	did := act.Person.RemoteID
	if !record.ValidDID(did) {
		return &network.Error{Kind: network.Gone, Native: "InvalidDID"}
	}
	key := actKey(kind, did)
	if act.Undo {
		return n.undo(ctx, a, kind, key, func() (string, error) { return n.viewersRelation(ctx, a, kind, did) })
	}
	return n.putAct(ctx, a, kind, key, did)
}

func (n *Network) putAct(ctx context.Context, a network.Account, kind, key string, subject any) error {
	rec := map[string]any{"$type": kind, "subject": subject, "createdAt": n.now().Format(stamp)}
	body, err := putBody(a.RemoteID, kind, key, rec)
	if err != nil {
		return err
	}
	err = n.procedure(ctx, a, call{method: "com.atproto.repo.putRecord", body: body}, nil)
	if network.KindOf(err) == network.Duplicate {
		return nil // our record for this subject is there already
	}
	return err
}

// undo deletes the record we would have made, and the one the AppView knows of,
// which another app may have made under a key of its own.
func (n *Network) undo(ctx context.Context, a network.Account, kind, key string, known func() (string, error)) error {
	ours := record.URI{DID: a.RemoteID, Collection: kind, Key: key}
	uri, err := known()
	if err != nil && network.KindOf(err) != network.Transient {
		return err
	}
	if u, err := record.ParseURI(uri); err == nil && u.DID == a.RemoteID && u.Collection == kind && u != ours {
		if err := n.deleteRecord(ctx, a, u); err != nil {
			return err
		}
	}
	return n.deleteRecord(ctx, a, ours)
}

// viewersRecord is our like or repost of a post, as the AppView knows it.
func (n *Network) viewersRecord(ctx context.Context, a network.Account, kind, uri string) (string, error) {
	found, err := n.posts(ctx, a, []string{uri})
	if err != nil {
		return "", err
	}
	if kind == typeLike {
		return found[uri].Viewer.Like, nil
	}
	return found[uri].Viewer.Repost, nil
}

// viewersRelation is our follow or block of a person, as the AppView knows it.
func (n *Network) viewersRelation(ctx context.Context, a network.Account, kind, did string) (string, error) {
	var p profile
	if _, err := n.query(ctx, a, n.appView("app.bsky.actor.getProfile", url.Values{"actor": {did}}), &p); err != nil {
		return "", err
	}
	if kind == typeFollow {
		return p.Viewer.Following, nil
	}
	return p.Viewer.Blocking, nil
}

func (n *Network) mute(ctx context.Context, a network.Account, act network.Act) error {
	method := "app.bsky.graph.muteActor"
	if act.Undo {
		method = "app.bsky.graph.unmuteActor"
	}
	body, err := json.Marshal(map[string]string{"actor": act.Person.RemoteID})
	if err != nil {
		return err
	}
	c := n.appView(method, nil)
	c.body = body
	return n.procedure(ctx, a, c, nil)
}

// maxReason bounds, in bytes, the words of a report (com.atproto.moderation.createReport).
const maxReason = 20000

// report tells the moderators about a post, or about a person.
func (n *Network) report(ctx context.Context, a network.Account, act network.Act) error {
	if act.Undo {
		return &network.Error{Kind: network.Policy, Native: "CannotUndo", Help: "bluesky.help.report_stays"}
	}
	subject := map[string]any{"$type": "com.atproto.admin.defs#repoRef", "did": act.Person.RemoteID}
	switch {
	case postID(act.On.ID) != "":
		s, err := n.subject(ctx, a, act.On)
		if err != nil {
			return err
		}
		s["$type"] = "com.atproto.repo.strongRef"
		subject = s
	case act.On.ID != "":
		return &network.Error{Kind: network.Policy, Native: "NotAPost", Help: "bluesky.help.not_a_post"}
	}
	body, err := json.Marshal(map[string]any{
		"reasonType": "com.atproto.moderation.defs#reasonOther",
		"reason":     text.Cut(text.Clean(act.Reason), maxReason),
		"subject":    subject,
	})
	if err != nil {
		return err
	}
	return n.procedure(ctx, a, call{method: "com.atproto.moderation.createReport", body: body, proxy: n.opt.Labeler}, nil)
}

// actKey is the record key of an act: a TID in form, since lexicons ask for one,
// but made from the subject instead of the time.
func actKey(kind, subject string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + subject))
	return record.TIDOf(binary.BigEndian.Uint64(sum[:8]))
}

// putBody is the request that puts a new record, and only a new one, at a key
// (com.atproto.repo.putRecord; swapRecord null: there must be none).
func putBody(did, collection, key string, rec any) ([]byte, error) {
	return record.ToJSON(map[string]any{
		"repo": did, "collection": collection, "rkey": key, "record": rec, "validate": true, "swapRecord": nil,
	})
}

// postStamp is the createdAt of a post, to the millisecond.
func postStamp(t time.Time) string { return t.UTC().Format(stamp) }
