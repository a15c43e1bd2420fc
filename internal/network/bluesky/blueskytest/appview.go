package blueskytest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"parley/internal/network/bluesky/record"
)

// notice is one notification. It is ordered by, and shows as indexedAt, the
// earlier of what the author's clock said and when it came.
type notice struct {
	uri    record.URI
	reason string
	sort   time.Time
	serial int64
}

// add indexes a record: it stands in its repository, and whoever it concerns is
// told.
func (f *Fake) add(e *entry) {
	f.keep(e)
	if reason := f.concerns(e); reason != "" && e.uri.DID != f.us {
		f.notices = append(f.notices, notice{e.uri, reason, e.sort(), f.tick()})
	}
}

func (e *entry) sort() time.Time {
	s, _ := e.value["createdAt"].(string)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.After(e.indexed) {
		return e.indexed
	}
	return t
}

// concerns is why a post concerns our account: a mention comes before a quote
// before a reply, and only one of them is told.
func (f *Fake) concerns(e *entry) string {
	raw, _ := record.ToJSON(e.value)
	var p struct {
		Facets []struct{ Features []struct{ DID string } }
		Reply  *struct{ Root, Parent struct{ URI string } }
		Embed  struct{ Record struct{ URI string } }
	}
	_ = json.Unmarshal(raw, &p)
	for _, x := range p.Facets {
		for _, y := range x.Features {
			if y.DID == f.us {
				return "mention"
			}
		}
	}
	ours := func(uri string) bool {
		u, err := record.ParseURI(uri)
		return err == nil && u.DID == f.us
	}
	switch {
	case ours(p.Embed.Record.URI):
		return "quote"
	case p.Reply != nil && (ours(p.Reply.Parent.URI) || ours(p.Reply.Root.URI)):
		return "reply"
	}
	return ""
}

func (f *Fake) listNotifications(w http.ResponseWriter, r *http.Request, who string) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	list := slices.Clone(f.notices)
	slices.SortFunc(list, func(x, y notice) int {
		return cmp.Or(y.sort.Compare(x.sort), cmp.Compare(y.serial, x.serial))
	})
	out := map[string]any{"priority": false}
	items := []any{}
	for _, n := range list {
		// The cursor is a time and a serial here, so that no two are alike.
		if c := q.Get("cursor"); c != "" && n.place() >= c {
			continue
		}
		e := f.find(n.uri)
		if e == nil || len(q["reasons"]) > 0 && !slices.Contains(q["reasons"], n.reason) || f.muted[n.uri.DID] {
			continue
		}
		if len(items) == limit {
			break
		}
		raw, _ := record.ToJSON(e.value)
		items = append(items, map[string]any{
			"uri": e.uri.String(), "cid": e.cid, "author": f.profile(e.uri.DID, who), "reason": n.reason,
			"record": json.RawMessage(raw), "isRead": false, "indexedAt": n.sort.UTC().Format(stamp), "labels": []any{},
		})
		out["cursor"] = n.place()
	}
	out["notifications"] = items
	answer(w, out)
}

func (n notice) place() string {
	return n.sort.UTC().Format(stamp) + "::" + record.TIDOf(uint64(n.serial))
}

func (f *Fake) unreadCount(w http.ResponseWriter, _ *http.Request, _ string) {
	answer(w, map[string]int{"count": len(f.notices)})
}

func (f *Fake) profile(did, viewer string) map[string]any {
	p := f.people[did]
	if p == nil {
		return map[string]any{"did": did, "handle": "handle.invalid", "labels": []any{}}
	}
	v := map[string]any{"muted": f.muted[did], "blockedBy": false}
	for kind, name := range map[string]string{"app.bsky.graph.follow": "following", "app.bsky.graph.block": "blocking"} {
		for _, e := range f.posts {
			if e.uri.DID == viewer && e.uri.Collection == kind && e.value["subject"] == did {
				v[name] = e.uri.String()
			}
		}
	}
	out := map[string]any{"did": did, "handle": p.handle, "labels": []any{}, "viewer": v}
	if p.name != "" {
		out["displayName"] = p.name
	}
	return out
}

func (f *Fake) getProfile(w http.ResponseWriter, r *http.Request, who string) {
	did := r.URL.Query().Get("actor")
	if f.people[did] == nil {
		fail(w, http.StatusBadRequest, "InvalidRequest", "Profile not found")
		return
	}
	answer(w, f.profile(did, who))
}

func (f *Fake) view(e *entry, who string) map[string]any {
	raw, _ := record.ToJSON(e.value)
	likes, reposts := int64(0), int64(0)
	viewer := map[string]any{"threadMuted": false, "embeddingDisabled": false}
	for _, x := range f.posts {
		subject, _ := x.value["subject"].(map[string]any)
		if subject["uri"] != e.uri.String() {
			continue
		}
		switch x.uri.Collection {
		case "app.bsky.feed.like":
			likes++
			if x.uri.DID == who {
				viewer["like"] = x.uri.String()
			}
		case "app.bsky.feed.repost":
			reposts++
			if x.uri.DID == who {
				viewer["repost"] = x.uri.String()
			}
		}
	}
	if e.closed {
		viewer["replyDisabled"] = true
	}
	out := map[string]any{
		"uri": e.uri.String(), "cid": e.cid, "author": f.profile(e.uri.DID, who), "record": json.RawMessage(raw),
		"likeCount": likes, "repostCount": reposts, "replyCount": len(f.replies(e.uri.String())), "quoteCount": 0,
		"indexedAt": e.sort().UTC().Format(stamp), "viewer": viewer, "labels": []any{},
	}
	return out
}

func (f *Fake) getPosts(w http.ResponseWriter, r *http.Request, who string) {
	uris := r.URL.Query()["uris"]
	if len(uris) > 25 {
		fail(w, http.StatusBadRequest, "InvalidRequest", "array too big (maximum 25)")
		return
	}
	out := []any{}
	for _, uri := range uris {
		u, err := record.ParseURI(uri)
		if err != nil {
			fail(w, http.StatusBadRequest, "InvalidRequest", "Invalid AT-URI")
			return
		}
		if e := f.find(u); e != nil {
			out = append(out, f.view(e, who))
		}
	}
	answer(w, map[string]any{"posts": out})
}

func parentOf(e *entry) string {
	reply, _ := e.value["reply"].(map[string]any)
	parent, _ := reply["parent"].(map[string]any)
	uri, _ := parent["uri"].(string)
	return uri
}

func (f *Fake) replies(uri string) []*entry {
	var out []*entry
	for _, e := range f.posts {
		if e.uri.Collection == typePost && parentOf(e) == uri {
			out = append(out, e)
		}
	}
	return out
}

func (f *Fake) getPostThread(w http.ResponseWriter, r *http.Request, who string) {
	u, err := record.ParseURI(r.URL.Query().Get("uri"))
	e := f.find(u)
	if err != nil || e == nil {
		fail(w, http.StatusBadRequest, "NotFound", "Post not found: "+u.String())
		return
	}
	depth, _ := strconv.Atoi(cmp.Or(r.URL.Query().Get("depth"), "6"))
	t := f.branch(e, who, depth)
	if uri := parentOf(e); uri != "" {
		t["parent"] = f.above(uri, who, 80)
	}
	answer(w, map[string]any{"thread": t})
}

// branch is a post and what was answered below it.
func (f *Fake) branch(e *entry, who string, depth int) map[string]any {
	below := []any{}
	if depth > 0 {
		for _, x := range f.replies(e.uri.String()) {
			below = append(below, f.branch(x, who, depth-1))
		}
	}
	return map[string]any{"$type": "app.bsky.feed.defs#threadViewPost", "post": f.view(e, who), "replies": below}
}

// above is the chain of parents; a deleted one ends it as notFoundPost.
func (f *Fake) above(uri, who string, height int) any {
	u, err := record.ParseURI(uri)
	e := f.find(u)
	if err != nil || e == nil {
		return map[string]any{"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": true}
	}
	t := map[string]any{"$type": "app.bsky.feed.defs#threadViewPost", "post": f.view(e, who)}
	if up := parentOf(e); up != "" && height > 0 {
		t["parent"] = f.above(up, who, height-1)
	}
	return t
}

func (f *Fake) mute(w http.ResponseWriter, r *http.Request, _ string)   { f.setMute(w, r, true) }
func (f *Fake) unmute(w http.ResponseWriter, r *http.Request, _ string) { f.setMute(w, r, false) }

func (f *Fake) setMute(w http.ResponseWriter, r *http.Request, on bool) {
	var in struct{ Actor string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	f.muted[in.Actor] = on
	w.WriteHeader(http.StatusOK)
}

// Muted reports a person muted by us.
func (f *Fake) Muted(did string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.muted[did]
}

func (f *Fake) createReport(w http.ResponseWriter, r *http.Request, who string) {
	var in struct {
		ReasonType, Reason string
		Subject            struct{ URI, DID string }
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	f.reports = append(f.reports, in.Subject.URI+in.Subject.DID+": "+in.Reason)
	answer(w, map[string]any{"id": len(f.reports), "reasonType": in.ReasonType, "reportedBy": who, "createdAt": f.now().Format(stamp)})
}
