// Package feedtest plays a site with a feed: Atom with an archive, served with
// validators and honest conditional answers. It is the double the connector is
// tested with, and knows nothing of the connector.
package feedtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
)

// Window is how many entries the feed itself holds; older ones stand in archived
// documents of the same size.
const Window = 20

// Address is the path of the feed.
const Address = "/news.atom"

// Fake is one site. It is safe for concurrent use.
type Fake struct {
	*networktest.Faults
	base string
	now  func() time.Time

	mu      sync.Mutex
	entries []entry // oldest first
	buried  []burial
	serial  int
}

type entry struct {
	id, author, words string
	media             []network.Media
	published         time.Time
	updated           time.Time
}

type burial struct {
	id string
	at time.Time
}

// New starts a site without entries.
func New(env networktest.Env) *Fake {
	return &Fake{Faults: networktest.NewFaults(env), base: env.BaseURL, now: env.Now}
}

// Account is the feed as SignIn would have connected it.
func (f *Fake) Account() network.Account {
	address := f.base + Address
	return network.Account{
		ID: "feed", Network: "feed", Instance: address, RemoteID: address,
		Handle: strings.TrimPrefix(address, "http://"), Name: "The Town Crier", URL: f.base + "/",
		Extra: map[string]string{"format": "Atom 1.0"},
	}
}

// Ledger is empty for ever: a feed cannot be written to.
func (f *Fake) Ledger() []networktest.Write { return nil }

// Say publishes an entry.
func (f *Fake) Say(p network.Post) network.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serial++
	e := entry{
		id:     p.ID,
		author: firstOf(p.Author.Name, p.Author.Handle, p.Author.RemoteID),
		words:  p.Text.Body, media: p.Media, published: p.Created,
	}
	if e.id == "" {
		e.id = fmt.Sprintf("tag:crier.example,2026:%d", f.serial)
	}
	if e.published.IsZero() {
		e.published = f.now()
	}
	e.updated = e.published
	f.entries = append(f.entries, e)
	return network.Ref{ID: e.id, URL: f.page(e.id)}
}

// Change edits an entry, or deletes it and leaves a tombstone (RFC 6721).
func (f *Fake) Change(ref network.Ref, p *network.Post) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.entries, func(e entry) bool { return e.id == ref.ID })
	if i < 0 {
		return
	}
	if p == nil {
		f.entries = slices.Delete(f.entries, i, i+1)
		f.buried = append(f.buried, burial{ref.ID, f.now()})
		return
	}
	f.entries[i].words, f.entries[i].media, f.entries[i].updated = p.Text.Body, p.Media, f.now()
}

// ServeHTTP serves the site's page, its feed and its archive.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == Address:
		f.Serve(networktest.OpPoll, w, r, f.feed)
	case strings.HasPrefix(r.URL.Path, "/archive/"):
		f.Serve(networktest.OpRead, w, r, f.archive)
	case r.URL.Path == "/":
		f.Serve(networktest.OpRead, w, r, f.home)
	default:
		f.Serve(networktest.OpRead, w, r, http.NotFound)
	}
}

func (f *Fake) home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html><title>The Town Crier</title><link rel=alternate type=application/atom+xml href=%s>", Address)
}

// feed serves the newest entries.
func (f *Fake) feed(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.entries)
	from := max(0, n-Window)
	serve(w, r, f.document(f.entries[from:], from, f.buried))
}

// archive serves entries [from-Window, from), named by where they end.
func (f *Fake) archive(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	end, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/archive/"))
	if err != nil || end < 1 || end > len(f.entries) {
		http.NotFound(w, r)
		return
	}
	from := max(0, end-Window)
	serve(w, r, f.document(f.entries[from:end], from, nil))
}

// document writes entries newest first; from is the index of the oldest of them.
func (f *Fake) document(list []entry, from int, buried []burial) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n" +
		`<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0" xml:lang="en">` +
		`<id>tag:crier.example,2026:feed</id><title>The Town Crier</title>` +
		`<link rel="self" href="` + Address + `"/><link href="/"/>`)
	if from > 0 {
		fmt.Fprintf(&b, `<link rel="prev-archive" href="/archive/%d"/>`, from)
	}
	for _, d := range buried {
		fmt.Fprintf(&b, `<at:deleted-entry ref="%s" when="%s"/>`, escape(d.id), stamp(d.at))
	}
	for _, e := range slices.Backward(list) {
		f.entry(&b, e)
	}
	b.WriteString("</feed>\n")
	return b.String()
}

func (f *Fake) entry(b *strings.Builder, e entry) {
	fmt.Fprintf(b, `<entry><id>%s</id><title></title><link href="%s"/><published>%s</published><updated>%s</updated>`,
		escape(e.id), escape(f.page(e.id)), stamp(e.published), stamp(e.updated))
	if e.author != "" {
		fmt.Fprintf(b, `<author><name>%s</name></author>`, escape(e.author))
	}
	content := "<p>" + strings.ReplaceAll(html.EscapeString(e.words), "\n", "<br>") + "</p>"
	for _, m := range e.media {
		content += fmt.Sprintf(`<img src="%s" alt="%s">`, html.EscapeString(m.URL), html.EscapeString(m.Alt))
	}
	fmt.Fprintf(b, `<content type="html">%s</content></entry>`, escape(content))
}

func (f *Fake) page(id string) string {
	sum := sha256.Sum256([]byte(id))
	return f.base + "/article/" + hex.EncodeToString(sum[:6])
}

// serve answers with an ETag, and with 304 to those who have it.
func serve(w http.ResponseWriter, r *http.Request, doc string) {
	sum := sha256.Sum256([]byte(doc))
	etag := `W/"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", etag)
	w.Header().Set("Content-Type", "application/atom+xml")
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(w, doc)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func escape(s string) string {
	var b strings.Builder
	// Writing to a strings.Builder does not fail.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

var _ networktest.Fake = (*Fake)(nil)
