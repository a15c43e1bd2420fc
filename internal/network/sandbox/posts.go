package sandbox

import (
	"net/http"
	"slices"
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

const (
	maxPage   = 100 // entries of one page
	maxIDs    = 50  // posts read at once
	maxThread = 300 // posts of one thread
)

// describe tells what the network can do.
func (w *world) describe(*call) answer {
	k := w.kind
	return ok(wireDescribe{
		Personality: k.Name, API: "Sandbox 1 (" + k.Name + ")", Proof: k.Proof, Text: k.Text, Visibilities: k.Visibilities,
		MediaMax: mediaMax, MediaBytes: mediaBytes, AltMax: altMax, MIME: mimes, Edits: k.Edits, Streams: k.Streams,
		KeyLife: int64(k.KeyLife.Seconds()), Counts: k.Counts,
	})
}

// events is GET /events?feed=&after=|before=|newest=1&limit=.
func (w *world) events(c *call) answer {
	q := c.URL.Query()
	l := c.desk.log(network.Feed(q.Get("feed")))
	limit := int(max(1, c.number("limit", maxPage, maxPage)))
	switch {
	case q.Has("before"):
		before := c.number("before", 0, 1<<62)
		if before == 0 {
			before = l.last() + 1
		}
		return ok(w.page(l, l.before(before, limit), before, limit))
	case q.Has("newest"):
		from := l.last() - int64(limit)
		p := w.page(l, l.after(from, limit), l.last(), limit)
		p.More = false
		return ok(p)
	}
	after := c.number("after", 0, 1<<62)
	return ok(w.page(l, l.after(after, limit), after, limit))
}

// readPost is GET /posts/{id}: 410 if it was deleted, 404 if it never was.
func (w *world) readPost(c *call) answer {
	id := c.PathValue("id")
	if a, blind := w.blinded(id, c.now); blind {
		return a
	}
	p := w.posts[id]
	switch {
	case p == nil || !p.visibleTo(c.desk):
		return notFound
	case p.deleted:
		return refuse(http.StatusGone, network.Gone, "deleted", "The post was deleted.")
	}
	return ok200(p)
}

// readPosts is GET /posts?id=…&id=….
func (w *world) readPosts(c *call) answer {
	var out wirePosts
	for _, id := range c.URL.Query()["id"] {
		if len(out.Posts)+len(out.Gone) == maxIDs {
			break
		}
		if p := w.find(id); p != nil && p.visibleTo(c.desk) {
			out.Posts = append(out.Posts, *snapshot(p))
		} else {
			out.Gone = append(out.Gone, id)
		}
	}
	return ok(out)
}

// readThread is everything under a post's root that the account may see,
// oldest first. A private message has no thread but its own.
func (w *world) readThread(c *call) answer {
	p := w.find(c.PathValue("id"))
	if p == nil || !p.visibleTo(c.desk) {
		return notFound
	}
	root := p.Root
	if root == "" {
		root = p.ID
	}
	var out wirePosts
	for _, id := range w.order {
		if o := w.find(id); o != nil && (o.ID == root || o.Root == root) && o.visibleTo(c.desk) {
			out.Posts = append(out.Posts, *snapshot(o))
		}
	}
	if n := len(out.Posts); n > maxThread {
		out.Posts = out.Posts[n-maxThread:]
	}
	return ok(out)
}

// ownPosts is GET /accounts/{id}/posts?after=<seq>&newest=1: what the account
// wrote, oldest first. It is how a lost answer is settled by reading back.
func (w *world) ownPosts(c *call) answer {
	d := w.deskByID(c.PathValue("id"))
	if d == nil || d != c.desk {
		return notFound
	}
	if w.kind.Proof == network.ProofNone {
		return refuse(http.StatusNotFound, network.Version, "method", "Posts cannot be listed here.")
	}
	if a, blind := w.blinded(d.ID, c.now); blind {
		return a
	}
	after, newest := c.number("after", 0, 1<<62), c.URL.Query().Has("newest")
	out := wirePosts{Posts: []wirePost{}}
	for _, id := range slices.Backward(w.order) {
		p := w.posts[id]
		if p.Seq <= after {
			break
		}
		if p.desk != d || p.deleted {
			continue
		}
		out.Posts = append(out.Posts, *snapshot(p))
		if newest {
			break
		}
	}
	slices.Reverse(out.Posts)
	out.Posts = out.Posts[:min(len(out.Posts), maxPage)]
	return ok(out)
}

// lookup is GET /people/{handle}: who has that handle now.
func (w *world) lookup(c *call) answer {
	p := w.profiles[w.handles[strings.TrimPrefix(c.PathValue("handle"), "@")]]
	if p == nil {
		return refuse(http.StatusNotFound, network.Gone, "no_person", "Nobody has this handle.")
	}
	return ok(p)
}

// edit is PUT /posts/{id} with If-Match: the version that was read.
func (w *world) edit(c *call, id string) answer {
	p := w.find(id)
	var n wireNew
	switch {
	case p == nil || p.desk != c.desk:
		return notFound
	case !w.kind.Edits:
		return refuse(http.StatusForbidden, network.Policy, "no_edit", "Posts cannot be changed here.")
	case !c.decode(&n):
		return refuse(http.StatusBadRequest, network.BadInput, "invalid_json", "The post is not JSON.")
	case strings.Trim(c.Header.Get("If-Match"), `"`) != p.Version:
		return refuse(http.StatusPreconditionFailed, network.Duplicate, "version", "The post has been changed since.")
	}
	n.Media = nil // what is attached stays
	if a, bad := w.checkWords(c.desk, wireNew{Text: n.Text, Warning: n.Warning}); bad {
		return a
	}
	for i := range min(len(n.Alts), len(p.Media)) {
		p.Media[i].Alt = text.Cut(text.Clean(n.Alts[i]), 4*altMax)
	}
	w.revise(p, n, c.now)
	w.kept(opEdit, "", p.ID, c.body)
	return ok200(p)
}

// deletePost is DELETE /posts/{id}: 204, and 410 ever after.
func (w *world) deletePost(c *call) answer {
	p := w.posts[c.PathValue("id")]
	switch {
	case p == nil || p.desk != c.desk:
		return notFound
	case p.deleted:
		return refuse(http.StatusGone, network.Gone, "deleted", "The post was deleted.")
	}
	w.remove(p, c.now)
	w.kept(opDelete, "", p.ID, nil)
	if w.engine != nil {
		w.engine.Gone(p.ID)
	}
	return answer{status: http.StatusNoContent}
}

// act is POST /acts: likes and the like. Doing one twice is doing it once.
func (w *world) act(c *call) answer {
	var a wireAct
	if !c.decode(&a) {
		return refuse(http.StatusBadRequest, network.BadInput, "invalid_json", "The act is not JSON.")
	}
	switch a.Kind {
	case network.Like, network.Repost:
		p := w.find(a.Post)
		if p == nil || !p.visibleTo(c.desk) {
			return refuse(http.StatusGone, network.Gone, "gone", "The post does not exist any more.")
		}
		set(p.acted(a.Kind), c.desk.ID, !a.Undo)
	case network.Follow, network.Mute, network.Block:
		if w.profiles[a.Person] == nil {
			return refuse(http.StatusNotFound, network.Gone, "no_person", "This person does not exist.")
		}
	case network.Report:
		if w.profiles[a.Person] == nil && w.find(a.Post) == nil {
			return refuse(http.StatusNotFound, network.Gone, "gone", "There is nothing to report.")
		}
	default:
		return refuse(http.StatusUnprocessableEntity, network.BadInput, "act", "This act is not known.")
	}
	state := wireAct{Kind: a.Kind, Post: a.Post, Person: a.Person + "/" + c.desk.ID}
	if w.acts[state] != a.Undo {
		return answer{status: http.StatusNoContent} // it is so already
	}
	if len(w.acts) >= maxActs {
		clear(w.acts)
	}
	set(w.acts, state, !a.Undo)
	w.kept(opAct, "", a.Post+a.Person, c.body)
	return answer{status: http.StatusNoContent}
}

func set[K comparable](m map[K]bool, k K, on bool) {
	if on {
		m[k] = true
		return
	}
	delete(m, k)
}

// acted is who liked or reposted.
func (p *post) acted(k network.ActKind) map[string]bool {
	if k == network.Like {
		return p.likes
	}
	return p.reposts
}

// counts tells what the personality tells, and nothing else.
func (w *world) counts(c *call) answer {
	p := w.find(c.PathValue("id"))
	if p == nil || !p.visibleTo(c.desk) {
		return notFound
	}
	all := map[string]int64{
		"likes": int64(len(p.likes)), "reposts": int64(len(p.reposts)), "views": p.views, "clicks": p.views / 9,
	}
	for _, o := range w.posts {
		if o.deleted {
			continue
		}
		if o.InReplyTo == p.ID {
			all["replies"]++
		}
		if o.Quote == p.ID {
			all["quotes"]++
		}
	}
	told := network.Counts{}
	for _, name := range w.kind.Counts {
		told[name] = all[name]
	}
	return ok(told)
}
