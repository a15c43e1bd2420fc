package blueskytest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/network/networktest"
	"parley/internal/text"
)

// Say makes an outside person speak to us: an answer to what ParentID names, a
// direct message, or a post that mentions us.
func (f *Fake) Say(p network.Post) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.say(p)
}

// SayLate is Say, but the author's clock runs behind, or they were offline: it
// is ordered before what was told already.
func (f *Fake) SayLate(p network.Post) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.Created = f.now().Add(-5 * time.Minute)
	return f.say(p)
}

func (f *Fake) say(p network.Post) network.Ref {
	who := f.meet(p.Author.RemoteID, p.Author.Handle, p.Author.Name)
	if p.Visibility == network.DirectTo {
		c := f.conversation(who.did)
		m := f.tell(c, who.did, p.Text.Body, nil)
		return network.Ref{ID: "chat:" + c.id + "/" + m.id, ConversationID: c.id}
	}
	e := f.record(who, p)
	f.add(e)
	f.broadcast(who.did, map[string]any{"operation": "create", "collection": typePost, "rkey": e.uri.Key})
	return network.Ref{ID: e.uri.String(), Version: e.cid}
}

// record is what a person's app would write.
func (f *Fake) record(who *person, p network.Post) *entry {
	created := p.Created
	if created.IsZero() {
		created = f.now()
	}
	v := map[string]any{"$type": typePost, "text": p.Text.Body, "createdAt": created.UTC().Format(stamp)}
	if facets := facetsOf(text.Linkify(p.Text.Body).Spans); len(facets) > 0 {
		v["facets"] = facets
	}
	if p.Lang != "" {
		v["langs"] = []any{p.Lang}
	}
	if parent := f.byID(p.ParentID); parent != nil {
		ref := func(e *entry) map[string]any { return map[string]any{"uri": e.uri.String(), "cid": e.cid} }
		root := ref(parent)
		if reply, ok := parent.value["reply"].(map[string]any); ok {
			root, _ = reply["root"].(map[string]any)
		}
		v["reply"] = map[string]any{"root": root, "parent": ref(parent)}
	}
	if !strings.Contains(p.ParentID, f.us) && who.did != f.us {
		f.mention(v)
	}
	e := &entry{uri: record.URI{DID: who.did, Collection: typePost, Key: f.tid()}, value: v, indexed: f.now()}
	e.cid, _ = record.CID(v)
	return e
}

// mention puts our handle in front of a text.
func (f *Fake) mention(v map[string]any) {
	name := "@" + f.people[f.us].handle
	v["text"] = name + " " + v["text"].(string)
	facets := []any{facet(0, len(name), map[string]any{"$type": "app.bsky.richtext.facet#mention", "did": f.us})}
	old, _ := v["facets"].([]any)
	for _, x := range old {
		index := x.(map[string]any)["index"].(map[string]any)
		for k := range index {
			index[k] = index[k].(int64) + int64(len(name)+1)
		}
		facets = append(facets, x)
	}
	v["facets"] = facets
}

func facet(start, end int, feature map[string]any) map[string]any {
	return map[string]any{
		"index":    map[string]any{"byteStart": int64(start), "byteEnd": int64(end)},
		"features": []any{feature},
	}
}

// facetsOf writes down what somebody's app would: addresses and tags.
func facetsOf(spans []text.Span) []any {
	var out []any
	for _, s := range spans {
		switch s.Kind {
		case text.Link:
			out = append(out, facet(s.Start, s.End, map[string]any{"$type": "app.bsky.richtext.facet#link", "uri": s.Target}))
		case text.Tag:
			out = append(out, facet(s.Start, s.End, map[string]any{"$type": "app.bsky.richtext.facet#tag", "tag": s.Target}))
		}
	}
	return out
}

func (f *Fake) byID(id string) *entry {
	u, err := record.ParseURI(id)
	if err != nil {
		return nil
	}
	return f.find(u)
}

// Change edits or deletes what was said, by others or by us. An edit is another
// record under the same key, as the protocol allows and the app does not offer.
func (f *Fake) Change(ref network.Ref, p *network.Post) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id, ok := strings.CutPrefix(ref.ID, "chat:"); ok {
		convo, msg, _ := strings.Cut(id, "/")
		if c := f.convos[convo]; c != nil && p == nil {
			f.untell(c, msg)
		}
		return
	}
	e := f.byID(ref.ID)
	switch {
	case e == nil:
	case p == nil:
		f.remove(e.uri)
	default:
		v := map[string]any{}
		for k, x := range e.value {
			v[k] = x
		}
		v["text"] = p.Text.Body
		delete(v, "facets")
		if _, mentioned := e.value["facets"]; mentioned {
			f.mention(v)
		}
		e.value = v
		e.cid, _ = record.CID(v)
	}
}

// Close makes a post take no answers from us.
func (f *Fake) Close(ref network.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.byID(ref.ID); e != nil {
		e.closed = true
	}
}

// Put writes any record of anybody, as a hostile or odd app could.
func (f *Fake) Put(author, handle string, value map[string]any, indexed time.Time) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := f.meet(author, handle, "")
	e := &entry{uri: record.URI{DID: who.did, Collection: typePost, Key: f.tid()}, value: value, indexed: indexed}
	e.cid, _ = record.CID(value)
	f.keep(e)
	f.notices = append(f.notices, notice{e.uri, "mention", e.sort(), f.tick()})
	return network.Ref{ID: e.uri.String(), Version: e.cid}
}

// PutAt writes a post of an author at a time past, key and all.
func (f *Fake) PutAt(author string, at time.Time, body string) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := map[string]any{"$type": typePost, "text": body, "createdAt": at.UTC().Format(stamp)}
	e := &entry{uri: record.URI{DID: author, Collection: typePost, Key: record.TID(at.UnixMicro(), 1)}, value: v, indexed: at}
	e.cid, _ = record.CID(v)
	f.keep(e)
	return network.Ref{ID: e.uri.String(), Version: e.cid}
}

// Act writes a like, repost or follow under a key of another app's choosing.
func (f *Fake) Act(author, collection string, subject any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := map[string]any{"$type": collection, "subject": subject, "createdAt": f.now().UTC().Format(stamp)}
	e := &entry{uri: record.URI{DID: author, Collection: collection, Key: f.tid()}, value: v, indexed: f.now()}
	e.cid, _ = record.CID(v)
	f.keep(e)
}

// DID is a person's, by what Say was given as RemoteID.
func (f *Fake) DID(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.meet(id, "", "").did
}

// Native says situations in the words of a real PDS.
func (f *Fake) Native(s networktest.Situation) (networktest.Fault, bool) {
	told := func(status int, name string) (networktest.Fault, bool) {
		return networktest.Fault{
			Status: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: []byte(`{"error":"` + name + `","message":"said by the fake"}`),
		}, true
	}
	switch s {
	case networktest.TokenDead:
		return told(http.StatusBadRequest, "InvalidToken")
	case networktest.RefreshDead:
		return told(http.StatusBadRequest, "ExpiredToken")
	case networktest.RefreshEmpty:
		return networktest.Fault{Status: http.StatusOK, Body: []byte(`{"accessJwt":"new","refreshJwt":"","did":"` + f.us + `","handle":"` + Handle + `"}`)}, true
	case networktest.AccountClosed:
		return told(http.StatusUnauthorized, "AccountTakedown")
	default:
		return networktest.Fault{}, false
	}
}

// Limits is how a PDS tells a rate limit.
func (f *Fake) Limits(reset, now time.Time) []networktest.Limit {
	form := func(name string, want time.Time, h http.Header) networktest.Limit {
		return networktest.Limit{Name: name, Want: want, Fault: networktest.Fault{
			Status: http.StatusTooManyRequests, Header: h,
			Body: []byte(`{"error":"RateLimitExceeded","message":"Rate Limit Exceeded"}`),
		}}
	}
	epoch := func(t time.Time) []string { return []string{strconv.FormatInt(t.Unix(), 10)} }
	ahead := now.Add(time.Hour)
	return []networktest.Limit{
		form("RateLimit-Reset", reset, http.Header{
			"Ratelimit-Limit": {"30"}, "Ratelimit-Remaining": {"0"}, "Ratelimit-Policy": {"30;w=300"}, "Ratelimit-Reset": epoch(reset),
		}),
		form("RateLimit-Reset, server an hour ahead", reset, http.Header{
			"Date": {ahead.UTC().Format(http.TimeFormat)}, "Ratelimit-Reset": epoch(reset.Add(time.Hour)),
		}),
		form("RateLimit-Reset in the past", now, http.Header{"Ratelimit-Reset": epoch(now.Add(-time.Minute))}),
	}
}

// Counts are those an AppView tells.
func (f *Fake) Counts() []string { return []string{"likes", "reposts", "replies", "quotes"} }

var (
	_ networktest.Fake      = (*Fake)(nil)
	_ networktest.Dialect   = (*Fake)(nil)
	_ networktest.Limiter   = (*Fake)(nil)
	_ networktest.Latecomer = (*Fake)(nil)
	_ networktest.Impostor  = (*Fake)(nil)
	_ networktest.Teller    = (*Fake)(nil)
)
