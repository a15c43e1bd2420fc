package mastodon

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Bounds of remote strings that are one line, in bytes.
const (
	maxName   = 400
	maxHandle = 320
	maxURL    = 2048
	maxAlt    = 16 << 10
	maxRaw    = 256 << 10 // larger ones are not kept as received
)

// errNoStatus is a post without what makes it one: its id and its author.
var errNoStatus = &network.Error{Kind: network.Transient, Native: "bad_json", Message: "a post without an id or author"}

// parseStatus reads one status. The raw bytes are kept beside it for repair.
func parseStatus(raw []byte) (status, error) {
	var st status
	if err := lenient(raw, &st); err != nil {
		return st, &network.Error{Kind: network.Transient, Native: "bad_json", Err: err}
	}
	if st.ID == "" || st.Account.ID == "" {
		return st, errNoStatus
	}
	return st, nil
}

// post is a status in Parley's words. indexed is when the server says it
// learned of it; zero if it does not.
func (n *Network) post(a network.Account, st status, raw []byte, indexed time.Time) *network.Post {
	now := n.env.Now()
	p := &network.Post{
		Ref:        ref(a, st),
		Text:       words(a, st),
		Lang:       text.CleanLine(st.Language, 35),
		Warning:    text.Clean(strings.TrimSpace(st.Spoiler)),
		Visibility: heard(st.Visibility),
		Author:     person(a, st.Account),
		To:         addressed(a, st),
		QuoteID:    quoted(a, st),
		Created:    sensible(st.Created.Time, now),
		Indexed:    sensible(indexed, now),
		Edited:     sensible(st.Edited.Time, now),
	}
	if len(raw) <= maxRaw {
		p.Raw = raw
	}
	for _, m := range st.Media {
		p.Media = append(p.Media, picture(m))
	}
	return p
}

// ref is where a status is. Its version is when it was last edited; on a snac
// that does not tell, the part of its id that says when it last changed.
func ref(a network.Account, st status) network.Ref {
	r := network.Ref{
		ID:       canonical(a, st.ID),
		URL:      first(webAddress(st.URL), webAddress(st.URI)),
		ParentID: canonical(a, st.Parent),
	}
	if !st.Edited.IsZero() {
		r.Version = st.Edited.Format(time.RFC3339Nano)
	} else if dialect(a) == Snac && !st.Edited.told && len(st.ID) > snacHash {
		r.Version = strings.TrimSpace(string(st.ID[:len(st.ID)-snacHash]))
	}
	if r.ParentID == "" {
		r.RootID = r.ID
	}
	return r
}

// snacHash is the length of the lasting part of an id on snac: before it stands
// the time of the last change, so the whole id changes with every edit. snac
// itself looks only at this part.
const snacHash = 32

// canonical is the id under which something stays known.
func canonical(a network.Account, id ident) string {
	s := string(id)
	if dialect(a) == Snac && len(s) > snacHash {
		return "0000000000" + s[len(s)-snacHash:]
	}
	return s
}

// words turns the HTML into text. The options of a poll are part of what was said.
func words(a network.Account, st status) text.Text {
	h := text.Hints{Quoted: st.Quote != nil || quoted(a, st) != "", Base: a.Instance}
	for _, m := range st.Mentions {
		h.Mentions = append(h.Mentions, text.MentionHint{ID: string(m.ID), Acct: m.Acct, URL: m.URL})
	}
	for _, t := range st.Tags {
		h.Tags = append(h.Tags, text.TagHint{Name: t.Name, URL: t.URL})
	}
	t := text.HTML(st.Content, h)
	if st.Poll != nil {
		for i, o := range st.Poll.Options {
			if i == 0 && t.Body != "" {
				t.Body += "\n"
			}
			if i < 50 {
				t.Body += "\n○ " + text.CleanLine(o.Title, 500)
			}
		}
		t.Body = strings.TrimLeft(t.Body, "\n")
	}
	return t
}

// person is an account in Parley's words. Its id is the one it has on our
// server: what every call about it needs.
func person(a network.Account, acc account) network.Person {
	return network.Person{
		Network:  Name,
		Instance: a.Instance,
		RemoteID: string(acc.ID),
		Handle:   handle(a, first(acc.Acct, acc.Username)),
		Name:     first(text.CleanLine(acc.DisplayName, maxName), text.CleanLine(acc.Username, maxName)),
		URL:      webAddress(acc.URL),
		Avatar:   first(webAddress(acc.AvatarStatic), webAddress(acc.Avatar)),
		Bot:      acc.Bot,
	}
}

// handle is "user@domain" in full; the server leaves its own domain out.
func handle(a network.Account, acct string) string {
	acct = strings.TrimPrefix(text.CleanLine(acct, maxHandle), "@")
	if acct == "" || strings.Contains(acct, "@") {
		return acct
	}
	return acct + "@" + domain(a)
}

// addressed lists those mentioned, each once: snac names some twice.
func addressed(a network.Account, st status) []network.Person {
	var out []network.Person
	seen := map[ident]bool{}
	for _, m := range st.Mentions {
		if m.ID == "" || seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		out = append(out, person(a, account{ID: m.ID, Username: m.Username, Acct: m.Acct, URL: m.URL}))
	}
	return out
}

// toUs reports a post that speaks to our account.
func toUs(a network.Account, st status) bool {
	if ours(a, st) {
		return false
	}
	for _, m := range st.Mentions {
		if string(m.ID) == a.RemoteID {
			return true
		}
	}
	return string(st.ParentAuthor) == a.RemoteID
}

func ours(a network.Account, st status) bool { return string(st.Account.ID) == a.RemoteID }

// quoted is the id of the post that this one quotes; "" if it quotes none, or
// none that we may see.
func quoted(a network.Account, st status) string {
	id := first(string(st.QuotedStatusID), string(st.PleromaExtra.QuoteID))
	if q := st.Quote; q != nil {
		id = first(string(q.StatusID), id)
		if q.Status != nil {
			id = string(q.Status.ID)
		}
	}
	return canonical(a, ident(id))
}

func picture(m attachment) network.Media {
	out := network.Media{
		Kind: m.Type,
		URL:  first(webAddress(m.URL), webAddress(m.RemoteURL), webAddress(m.PreviewURL)),
		Alt:  text.Cut(text.Clean(m.Description), maxAlt),
	}
	switch m.Type {
	case "image", "video", "gifv", "audio":
	default:
		out.Kind = "file"
	}
	if w, h := m.Meta.Original.Width, m.Meta.Original.Height; w > 0 && h > 0 && w < 1<<20 && h < 1<<20 {
		out.Width, out.Height = w, h
	}
	return out
}

// webAddress keeps http(s) addresses only; anything else could do something.
func webAddress(s string) string {
	s = text.Clean(strings.TrimSpace(s))
	if len(s) > maxURL {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return s
}

// sensible drops a time that cannot be meant: before there was a web of people,
// or more than a day ahead. Zero means "not told"; whoever stores it then goes
// by when it was seen.
func sensible(t, now time.Time) time.Time {
	if t.Year() < 2000 || t.After(now.Add(24*time.Hour)) {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// message is the event for a status, however it reached us.
func (n *Network) message(a network.Account, kind network.EventKind, raw json.RawMessage, indexed time.Time) (network.Event, status, error) {
	st, err := parseStatus(raw)
	if err != nil {
		return network.Event{}, st, err
	}
	p := n.post(a, st, raw, indexed)
	at := p.Indexed
	if at.IsZero() {
		at = n.env.Now()
	}
	return network.Event{
		Kind: kind, Post: p, At: at,
		Direct:    p.Visibility == network.DirectTo,
		Own:       ours(a, st),
		Addressed: toUs(a, st),
	}, st, nil
}
