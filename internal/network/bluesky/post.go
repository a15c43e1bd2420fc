package bluesky

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// maxRaw bounds, in bytes, what is kept of a record as received. A post's
// record is at most a few kilobytes; more is no post.
const maxRaw = 64 << 10

// said is one post as an AppView or a repository tells of it.
type said struct {
	uri, cid string
	author   profile
	record   json.RawMessage
	embed    embedView
	labels   []label
	indexed  string
}

func (p postView) said() said {
	return said{p.URI, p.CID, p.Author, p.Record, p.Embed, p.Labels, p.IndexedAt}
}

func (x notification) said() said {
	return said{uri: x.URI, cid: x.CID, author: x.Author, record: x.Record, indexed: x.IndexedAt}
}

// event reads a post. ok is false for what is no post at all, or too broken to
// be one: there is nothing to show and nothing to answer.
func (n *Network) event(a network.Account, s said) (e network.Event, ok bool) {
	p, ok := n.post(s)
	if !ok {
		return network.Event{}, false
	}
	e = network.Event{
		Kind: network.KindMessage, Post: &p,
		Own: p.Author.RemoteID == a.RemoteID, At: p.Indexed,
	}
	if e.At.IsZero() {
		e.At = p.Created
	}
	e.Addressed = !e.Own && addressed(p, a.RemoteID)
	return e, true
}

// addressed reports a post that speaks to did: it mentions, answers or quotes.
func addressed(p network.Post, did string) bool {
	for _, to := range p.To {
		if to.RemoteID == did {
			return true
		}
	}
	return repoOf(p.ParentID) == did || repoOf(p.QuoteID) == did
}

func (n *Network) post(s said) (network.Post, bool) {
	u, err := record.ParseURI(s.uri)
	if err != nil || u.Collection != typePost || len(s.record) > maxRaw || s.author.DID != u.DID {
		return network.Post{}, false
	}
	r, err := readRecord(s.record)
	if err != nil {
		return network.Post{}, false
	}
	now := n.now()
	p := network.Post{
		Ref:        network.Ref{ID: s.uri, URL: n.postURL(u), Version: text.CleanLine(s.cid, 128)},
		Text:       richText(r.Text, r.Facets),
		Lang:       languageOf(r.Langs),
		Warning:    warning(r, s.labels),
		Visibility: network.Public,
		Author:     n.person(s.author),
		Indexed:    timeOf(s.indexed, now),
		Created:    timeOf(r.CreatedAt, now),
		Raw:        s.record,
	}
	p.Created = earlier(p.Created, p.Indexed, now)
	if r.Reply != nil {
		p.ParentID, p.RootID = postID(r.Reply.Parent.URI), postID(r.Reply.Root.URI)
	}
	p.To = n.mentioned(r.Facets)
	p.Media = n.media(u.DID, r.Embed, s.embed)
	p.QuoteID = quoted(r.Embed)
	return p, true
}

// earlier is when something was said: the author's word, but never later than
// the server saw it; the server's where the author's cannot be.
func earlier(created, indexed, now time.Time) time.Time {
	switch {
	case created.IsZero() && indexed.IsZero():
		return now
	case created.IsZero() || !indexed.IsZero() && indexed.Before(created):
		return indexed
	default:
		return created
	}
}

func (n *Network) person(p profile) network.Person {
	out := network.Person{
		Network: Name, Instance: n.opt.Web, RemoteID: p.DID,
		Name: cleanName(p.DisplayName), URL: n.profileURL(p.DID), Avatar: webAddress(p.Avatar),
	}
	if h := strings.ToLower(p.Handle); record.ValidHandle(h) && h != "handle.invalid" {
		out.Handle = h
	}
	for _, l := range p.Labels {
		if l.Val == "bot" && !l.Neg {
			out.Bot = true
		}
	}
	return out
}

// mentioned lists whom the facets name.
func (n *Network) mentioned(facets []facet) []network.Person {
	var out []network.Person
	seen := map[string]bool{}
	for _, f := range facets {
		for _, x := range f.Features {
			if x.Type == facetMention && record.ValidDID(x.DID) && !seen[x.DID] {
				seen[x.DID] = true
				out = append(out, n.person(profile{DID: x.DID}))
			}
		}
	}
	return out
}

// warnings are the labels that mean "look before you open", in the network's
// own words; the rest are moderation's business.
var warnings = map[string]bool{"porn": true, "sexual": true, "nudity": true, "graphic-media": true}

func warning(r postRecord, labels []label) string {
	var out []string
	seen := map[string]bool{}
	for _, l := range append(r.Labels.Values, labels...) {
		if warnings[l.Val] && !l.Neg && !seen[l.Val] {
			seen[l.Val] = true
			out = append(out, l.Val)
		}
	}
	return strings.Join(out, ", ")
}

// languageOf is the first language that is one.
func languageOf(langs []string) string {
	for _, l := range langs {
		if tag, err := language.Parse(l); err == nil {
			return tag.String()
		}
	}
	return ""
}

// postID passes the address of a record and nothing else.
func postID(uri string) string {
	if _, err := record.ParseURI(uri); err != nil {
		return ""
	}
	return uri
}

// repoOf is the DID an AT URI begins with; "" for anything else.
func repoOf(uri string) string {
	u, err := record.ParseURI(uri)
	if err != nil {
		return ""
	}
	return u.DID
}

func (n *Network) postURL(u record.URI) string {
	return fmt.Sprintf("%s/profile/%s/post/%s", n.opt.Web, u.DID, u.Key)
}

func (n *Network) profileURL(did string) string { return n.opt.Web + "/profile/" + did }
