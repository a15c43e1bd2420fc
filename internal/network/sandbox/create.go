package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// createKeyed is POST /posts: with an Idempotency-Key where the personality
// knows such, else a repeat makes a second post.
func (w *world) createKeyed(c *call) answer {
	if w.kind.Proof == network.ProofID || w.kind.Proof == network.ProofContainer {
		return refuse(http.StatusMethodNotAllowed, network.Version, "method", "Posts are not made this way here.")
	}
	key := c.Header.Get("Idempotency-Key")
	if w.kind.Proof == network.ProofKey && key != "" {
		if k, ok := w.keys[key]; ok && c.now.Before(k.until) {
			if p := w.posts[k.post]; p != nil {
				return ok200(p)
			}
		}
	}
	return w.create(c, "", key)
}

// putPost is PUT /posts/{id}: an edit with If-Match, else a new post under an
// id its author chose.
func (w *world) putPost(c *call) answer {
	id := c.PathValue("id")
	if c.Header.Get("If-Match") != "" {
		return w.edit(c, id)
	}
	if w.kind.Proof != network.ProofID || len(id) < 8 || len(id) > 64 {
		return refuse(http.StatusMethodNotAllowed, network.Version, "method", "Ids are not chosen here.")
	}
	if p := w.find(id); p != nil {
		if p.desk == c.desk && p.key == w.digest(string(c.body)) {
			return ok200(p)
		}
		return refuse(http.StatusConflict, network.Duplicate, "exists", "Another post has this id.")
	}
	return w.create(c, id, id)
}

// create checks and publishes what a request body holds.
func (w *world) create(c *call, id, key string) answer {
	var n wireNew
	if !c.decode(&n) {
		return refuse(http.StatusBadRequest, network.BadInput, "invalid_json", "The post is not JSON.")
	}
	if a, bad := w.check(c.desk, n); bad {
		return a
	}
	m := w.mischief(n)
	attempt := key
	if attempt == "" {
		attempt = w.digest(string(c.body))
	}
	if a, done := w.before(m, c, attempt, n); done {
		return a
	}
	p := w.compose(c.desk, n, id)
	p.key = w.digest(string(c.body))
	return w.after(m, w.commit(c, m, p, key))
}

// commit keeps a post: at once, or, under MischiefUnknown, in the ledger now
// and before everybody's eyes an hour later.
func (w *world) commit(c *call, m Mischief, p *post, key string) answer {
	if m == MischiefUnknown {
		w.hide(c.desk, p, c.now)
	} else {
		w.publish(p, c.now)
		w.heard(p)
	}
	w.kept(opCreate, key, p.ID, c.body)
	if w.kind.Proof == network.ProofKey && key != "" {
		w.keys[key] = keyed{post: p.ID, until: c.now.Add(w.kind.KeyLife)}
	}
	w.pruneKeys(c.now)
	return ok200(p)
}

func (w *world) pruneKeys(now time.Time) {
	if len(w.keys) < 4096 {
		return
	}
	for k, v := range w.keys {
		if v.until.Before(now) {
			delete(w.keys, k)
		}
	}
}

func ok200(p *post) answer { return ok(snapshot(p)) }

// check refuses what the network would not take.
func (w *world) check(d *desk, n wireNew) (answer, bool) {
	if n.InReplyTo != "" {
		parent := w.find(n.InReplyTo)
		switch {
		case parent == nil || !parent.visibleTo(d):
			return refuse(http.StatusGone, network.Gone, "parent_gone", "What is answered does not exist any more."), true
		case parent.locked:
			return refuse(http.StatusForbidden, network.Policy, "locked", "Answers to this post are closed."), true
		}
	}
	if n.Visibility != "" && !slices.Contains(w.kind.Visibilities, network.Visibility(n.Visibility)) {
		return refuse(http.StatusUnprocessableEntity, network.BadInput, "visibility", "This visibility is not known."), true
	}
	for _, id := range n.To {
		if w.profiles[id] == nil {
			return refuse(http.StatusNotFound, network.Gone, "no_person", "One of those addressed does not exist."), true
		}
	}
	return w.checkWords(d, n)
}

func (w *world) checkWords(d *desk, n wireNew) (answer, bool) {
	if strings.TrimSpace(n.Text) == "" && len(n.Media) == 0 {
		return refuse(http.StatusUnprocessableEntity, network.BadInput, "empty", "A post says or shows something."), true
	}
	if !text.Count(w.kind.Text, n.Text, n.Warning).Fits {
		return refuse(http.StatusUnprocessableEntity, network.TooLong, "too_long", "The post is too long."), true
	}
	if len(n.Media) > mediaMax {
		return refuse(http.StatusUnprocessableEntity, network.BadMedia, "too_many", "There are too many attachments."), true
	}
	for _, id := range n.Media {
		if a, bad := w.checkUpload(d, id); bad {
			return a, true
		}
	}
	return answer{}, false
}

// compose makes a post of a request that was checked.
func (w *world) compose(d *desk, n wireNew, id string) *post {
	if n.Visibility == "" {
		n.Visibility = string(network.Public)
	}
	p := &post{desk: d, wirePost: wirePost{
		ID: id, Author: *d.wirePerson, Text: text.Clean(n.Text), Lang: n.Lang, Warning: text.Clean(n.Warning),
		Visibility: n.Visibility, InReplyTo: n.InReplyTo, Version: "1",
	}}
	to := slices.Clone(n.To)
	if parent := w.posts[n.InReplyTo]; parent != nil && parent.Author.ID != d.ID {
		to = append([]string{parent.Author.ID}, to...) // whoever is answered is told
	}
	for _, t := range to {
		if !slices.ContainsFunc(p.To, func(o wirePerson) bool { return o.ID == t }) {
			p.To = append(p.To, *w.profiles[t])
		}
	}
	for _, m := range n.Media {
		p.Media = append(p.Media, w.attach(m))
	}
	return p
}

// hide keeps a post that nobody can see for a while, and blinds every read
// that could prove it.
func (w *world) hide(d *desk, p *post, now time.Time) {
	if p.ID == "" {
		w.seq++
		p.ID = "late-" + w.digest("late", p.key)[:16]
	}
	until := now.Add(blindness)
	w.blind[p.ID], w.blind[d.ID] = until, until
	w.late = append(w.late, latePost{at: until, post: p})
}

// reveal publishes what was hidden long enough.
func (w *world) reveal(now time.Time) {
	for len(w.late) > 0 && !now.Before(w.late[0].at) {
		p := w.late[0].post
		w.late = w.late[1:]
		delete(w.blind, p.ID)
		w.publish(p, now)
		w.heard(p)
	}
	for id, until := range w.blind {
		if !now.Before(until) {
			delete(w.blind, id)
		}
	}
}

// blinded answers a read of something that can't be read now.
func (w *world) blinded(id string, now time.Time) (answer, bool) {
	if until, ok := w.blind[id]; ok && now.Before(until) {
		return refuse(http.StatusServiceUnavailable, network.Transient, "503", "Try again later."), true
	}
	return answer{}, false
}

// prepare is POST /containers: checks and keeps a post without publishing it.
func (w *world) prepare(c *call) answer {
	if w.kind.Proof != network.ProofContainer {
		return refuse(http.StatusNotFound, network.Version, "method", "There are no containers here.")
	}
	var n wireNew
	if !c.decode(&n) {
		return refuse(http.StatusBadRequest, network.BadInput, "invalid_json", "The post is not JSON.")
	}
	if a, bad := w.check(c.desk, n); bad {
		return a
	}
	id := "c-" + w.digest("container", c.desk.ID, w.next())[:20]
	w.containers[id] = &container{desk: c.desk, made: n, since: c.now, wireContainer: wireContainer{ID: id, State: "finished"}}
	w.kept(opUpload, "", id, c.body)
	w.pruneContainers(c.now)
	return ok(wireContainer{ID: id, State: "finished"})
}

func (w *world) pruneContainers(now time.Time) {
	for id, k := range w.containers {
		if now.Sub(k.since) > 7*draftLife {
			delete(w.containers, id)
		}
	}
}

func (w *world) readContainer(c *call) answer {
	id := c.PathValue("id")
	if a, blind := w.blinded(id, c.now); blind {
		return a
	}
	k := w.containers[id]
	if k == nil || k.desk != c.desk {
		return notFound
	}
	state := k.wireContainer
	if state.State == "finished" && c.now.Sub(k.since) > draftLife {
		state.State = "expired"
	}
	return ok(state)
}

// publishContainer is POST /containers/{id}/publish. A container is spent by
// being published.
func (w *world) publishContainer(c *call) answer {
	id := c.PathValue("id")
	k := w.containers[id]
	switch {
	case k == nil || k.desk != c.desk:
		return refuse(http.StatusNotFound, network.BadMedia, "no_container", "There is no such container.")
	case k.State == "published":
		return refuse(http.StatusConflict, network.Duplicate, "published", "This container was published already.")
	case c.now.Sub(k.since) > draftLife:
		return refuse(http.StatusGone, network.BadMedia, "expired", "The container has expired.")
	}
	if a, bad := w.check(c.desk, k.made); bad {
		return a
	}
	m := w.mischief(k.made)
	if a, done := w.before(m, c, id, k.made); done {
		return a
	}
	p := w.compose(c.desk, k.made, "")
	c.body, _ = json.Marshal(k.made)
	p.key = id
	a := w.commit(c, m, p, id)
	k.State, k.Post = "published", snapshot(p)
	if m == MischiefUnknown {
		w.blind[id] = c.now.Add(blindness)
	}
	return w.after(m, a)
}
