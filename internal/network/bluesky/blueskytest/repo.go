package blueskytest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/rivo/uniseg"

	"parley/internal/network/bluesky/record"
	"parley/internal/network/networktest"
)

const (
	typePost   = "app.bsky.feed.post"
	typeImages = "app.bsky.embed.images"
)

type blob struct {
	mime string
	size int
}

// put is the body of putRecord and of one write of applyWrites.
type put struct {
	Repo       string          `json:"repo"`
	Type       string          `json:"$type"`
	Collection string          `json:"collection"`
	Key        string          `json:"rkey"`
	Record     json.RawMessage `json:"record"`
	Value      json.RawMessage `json:"value"`
	Swap       json.RawMessage `json:"swapRecord"`
}

// peek reads a body and leaves it to be read again.
func peek(r *http.Request) (put, error) {
	raw, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if err != nil {
		return put{}, err
	}
	var in put
	err = json.Unmarshal(raw, &in)
	return in, err
}

func (f *Fake) find(u record.URI) *entry { return f.byURI[u] }

// keep puts a record into its repository.
func (f *Fake) keep(e *entry) {
	f.posts = append(f.posts, e)
	f.byURI[e.uri] = e
}

func (f *Fake) putRecord(w http.ResponseWriter, r *http.Request, who string) {
	in, err := peek(r)
	if err != nil || in.Repo != who {
		fail(w, http.StatusBadRequest, "InvalidRequest", "Input must have the property \"repo\"")
		return
	}
	e, name, problem := f.prepare(who, in.Collection, in.Key, in.Record)
	if problem != "" {
		fail(w, http.StatusBadRequest, name, problem)
		return
	}
	old := f.find(e.uri)
	switch {
	case old != nil && old.cid == e.cid: // no commit
		answer(w, map[string]any{"uri": e.uri.String(), "cid": e.cid, "validationStatus": "valid"})
		return
	case old != nil && string(in.Swap) == "null":
		fail(w, http.StatusBadRequest, "InvalidSwap", "Record was at "+old.cid)
		return
	case old != nil:
		old.cid, old.value = e.cid, e.value
		f.wrote("edit", e)
	default:
		f.add(e)
		f.wrote(opOf(in.Collection), e)
	}
	answer(w, map[string]any{
		"uri": e.uri.String(), "cid": e.cid, "validationStatus": "valid",
		"commit": map[string]string{"cid": e.cid, "rev": f.tid()},
	})
}

func opOf(collection string) string {
	if collection == typePost {
		return networktest.OpCreate
	}
	return opAct
}

// applyWrites writes all or nothing.
func (f *Fake) applyWrites(w http.ResponseWriter, r *http.Request, who string) {
	var in struct {
		Repo   string
		Writes []put
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Repo != who || len(in.Writes) > 200 {
		fail(w, http.StatusBadRequest, "InvalidRequest", "Too many writes. Max: 200")
		return
	}
	var made []*entry
	results := []map[string]string{}
	for _, x := range in.Writes {
		e, name, problem := f.prepare(who, x.Collection, x.Key, x.Value)
		if problem != "" {
			fail(w, http.StatusBadRequest, name, problem)
			return
		}
		if f.find(e.uri) != nil {
			fail(w, http.StatusInternalServerError, "InternalServerError", "Internal Server Error")
			return
		}
		made = append(made, e)
		results = append(results, map[string]string{
			"$type": "com.atproto.repo.applyWrites#createResult", "uri": e.uri.String(), "cid": e.cid, "validationStatus": "valid",
		})
	}
	for _, e := range made {
		f.add(e)
		f.wrote(opOf(e.uri.Collection), e)
	}
	answer(w, map[string]any{"results": results, "commit": map[string]string{"cid": made[0].cid, "rev": f.tid()}})
}

func (f *Fake) wrote(op string, e *entry) {
	body, _ := record.ToJSON(e.value)
	f.ledger = append(f.ledger, networktest.Write{Op: op, Key: e.uri.Key, ID: e.uri.String(), Body: body})
	f.broadcast(e.uri.DID, map[string]any{
		"operation": "create", "collection": e.uri.Collection, "rkey": e.uri.Key, "cid": e.cid, "record": json.RawMessage(body),
	})
}

// prepare validates one record as the PDS does.
func (f *Fake) prepare(who, collection, key string, raw json.RawMessage) (e *entry, name, problem string) {
	v, err := record.FromJSON(raw)
	value, ok := v.(map[string]any)
	if err != nil || !ok || value["$type"] != collection {
		return nil, "InvalidRequest", fmt.Sprintf("Invalid $type: expected %s", collection)
	}
	if !record.ValidTID(key) {
		return nil, "InvalidRequest", "Invalid record key for " + collection
	}
	if collection == typePost {
		if problem := validPost(value); problem != "" {
			return nil, "InvalidRequest", problem
		}
		if name, problem := f.blobsThere(value); problem != "" {
			return nil, name, problem
		}
	}
	cid, err := record.CID(value)
	if err != nil {
		return nil, "InvalidRequest", err.Error()
	}
	return &entry{uri: record.URI{DID: who, Collection: collection, Key: key}, cid: cid, value: value, indexed: f.now()}, "", ""
}

// validPost applies the limits of app.bsky.feed.post. Facets are not looked at:
// a real PDS takes any numbers.
func validPost(v map[string]any) string {
	body, _ := v["text"].(string)
	switch {
	case len(body) > 3000:
		return "string too big (maximum 3000)"
	case uniseg.GraphemeClusterCount(body) > 300:
		return "grapheme too big (maximum 300)"
	}
	if s, _ := v["createdAt"].(string); s == "" {
		return "Missing required key \"createdAt\""
	}
	return ""
}

func (f *Fake) blobsThere(v map[string]any) (name, problem string) {
	embed, _ := v["embed"].(map[string]any)
	images, _ := embed["images"].([]any)
	if len(images) > 4 {
		return "InvalidRequest", "array too big (maximum 4)"
	}
	for _, x := range images {
		img, _ := x.(map[string]any)
		if _, ok := img["alt"].(string); !ok {
			return "InvalidRequest", "Missing required key \"alt\""
		}
		b, _ := img["image"].(map[string]any)
		ref, _ := b["ref"].(record.Link)
		kept, ok := f.blobs[string(ref)]
		switch {
		case !ok:
			return "BlobNotFound", "Could not find blob: " + string(ref)
		case b["mimeType"] != kept.mime:
			return "InvalidMimeType", "Referenced Mimetype does not match stored blob"
		case b["size"] != int64(kept.size):
			return "InvalidSize", "Referenced Size does not match stored blob"
		}
	}
	return "", ""
}

// Collect makes the PDS forget every blob, as it does after a while with those
// no record names.
func (f *Fake) Collect() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blobs = map[string]blob{}
}

func (f *Fake) uploadBlob(w http.ResponseWriter, r *http.Request, _ string) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	cid := record.BlobCID(sha256.Sum256(raw))
	b := blob{http.DetectContentType(raw), len(raw)}
	f.blobs[cid] = b
	f.ledger = append(f.ledger, networktest.Write{Op: networktest.OpUpload, Key: cid, ID: cid})
	answer(w, map[string]any{"blob": map[string]any{
		"$type": "blob", "ref": map[string]string{"$link": cid}, "mimeType": b.mime, "size": b.size,
	}})
}

func (f *Fake) deleteRecord(w http.ResponseWriter, r *http.Request, who string) {
	in, err := peek(r)
	if err != nil || in.Repo != who {
		fail(w, http.StatusBadRequest, "InvalidRequest", "Could not find repo")
		return
	}
	u := record.URI{DID: who, Collection: in.Collection, Key: in.Key}
	e := f.find(u)
	if e == nil {
		answer(w, map[string]any{}) // no commit
		return
	}
	f.remove(u)
	f.wrote(networktest.OpDelete, e)
	answer(w, map[string]any{"commit": map[string]string{"cid": e.cid, "rev": f.tid()}})
}

func (f *Fake) remove(u record.URI) {
	delete(f.byURI, u)
	f.posts = slices.DeleteFunc(f.posts, func(e *entry) bool { return e.uri == u })
	f.notices = slices.DeleteFunc(f.notices, func(n notice) bool { return n.uri == u })
}

func (f *Fake) getRecord(w http.ResponseWriter, r *http.Request, _ string) {
	q := r.URL.Query()
	u := record.URI{DID: q.Get("repo"), Collection: q.Get("collection"), Key: q.Get("rkey")}
	e := f.find(u)
	if e == nil {
		fail(w, http.StatusBadRequest, "RecordNotFound", "Could not locate record: "+u.String())
		return
	}
	answer(w, e.listed())
}

func (e *entry) listed() map[string]any {
	raw, _ := record.ToJSON(e.value)
	return map[string]any{"uri": e.uri.String(), "cid": e.cid, "value": json.RawMessage(raw)}
}

// listRecords goes from the highest record key down.
func (f *Fake) listRecords(w http.ResponseWriter, r *http.Request, _ string) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	var found []*entry
	for _, e := range f.posts {
		if e.uri.DID == q.Get("repo") && e.uri.Collection == q.Get("collection") && (q.Get("cursor") == "" || e.uri.Key < q.Get("cursor")) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(x, y *entry) int { return cmp.Compare(y.uri.Key, x.uri.Key) })
	out := map[string]any{}
	records := []any{}
	for _, e := range found[:min(limit, len(found))] {
		records = append(records, e.listed())
		out["cursor"] = e.uri.Key
	}
	out["records"] = records
	answer(w, out)
}
