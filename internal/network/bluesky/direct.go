package bluesky

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// message is chat.bsky.convo.defs#messageView; a deletedMessageView has no text.
type message struct {
	Type   string  `json:"$type"`
	ID     string  `json:"id"`
	Rev    string  `json:"rev"`
	Text   string  `json:"text"`
	Facets []facet `json:"facets"`
	Embed  struct {
		Record struct {
			URI string `json:"uri"`
		} `json:"record"`
	} `json:"embed"`
	Sender struct {
		DID string `json:"did"`
	} `json:"sender"`
	SentAt string `json:"sentAt"`

	raw json.RawMessage
}

func (m *message) UnmarshalJSON(b []byte) error {
	type plain message
	if err := lenient(b, (*plain)(m)); err != nil {
		return err
	}
	m.raw = slices.Clone(b)
	return nil
}

const (
	typeDeleted = "chat.bsky.convo.defs#deletedMessageView"
	typeSystem  = "chat.bsky.convo.defs#systemMessageView"
)

// convo is chat.bsky.convo.defs#convoView.
type convo struct {
	ID          string    `json:"id"`
	Rev         string    `json:"rev"`
	Members     []profile `json:"members"`
	LastMessage *message  `json:"lastMessage"`
	Unread      int       `json:"unreadCount"`
}

// logEntry is one of chat.bsky.convo.defs#log…; the chat's own happenings
// (joined, muted, read) carry no message of a person.
type logEntry struct {
	Type    string   `json:"$type"`
	ConvoID string   `json:"convoId"`
	Message *message `json:"message"`
}

const (
	logCreate = "chat.bsky.convo.defs#logCreateMessage"
	logDelete = "chat.bsky.convo.defs#logDeleteMessage"
)

// directMark is the bookmark of Direct: where the chat's log goes on.
type directMark struct {
	Log string `json:"log"`
}

// pollDirect reads the chat's log forwards. The first time it takes the log's
// place from the list of conversations, then what is unread: whatever comes
// after the list was made is in the log behind that place.
func (n *Network) pollDirect(ctx context.Context, a network.Account, c network.Cursor) (network.Page, error) {
	if !direct(a) {
		return network.Page{}, &network.Error{Kind: network.Scope, Native: scopeApp, Help: "bluesky.why.no_direct"}
	}
	var m directMark
	if readCursor(c, &m) {
		return n.firstDirect(ctx, a)
	}
	q := url.Values{}
	if m.Log != "" {
		q.Set("cursor", m.Log)
	}
	var out struct {
		Cursor string            `json:"cursor"`
		Logs   []json.RawMessage `json:"logs"`
	}
	h, err := n.query(ctx, a, n.chat("chat.bsky.convo.getLog", q, nil), &out)
	if err != nil {
		return network.Page{}, scopeError(a, err)
	}
	if out.Logs == nil {
		return network.Page{}, shapeless("getLog")
	}
	events, err := n.logged(ctx, a, each[logEntry](out.Logs))
	if err != nil {
		return network.Page{}, err
	}
	next := cmp.Or(out.Cursor, m.Log)
	return network.Page{
		Events: events, Next: writeCursor(directMark{next}), Rate: n.rate(h),
		More: len(out.Logs) > 0 && next != m.Log,
	}, nil
}

// scopeError tells an app password that may not read messages, which the PDS
// refuses as an invalid token, from a token that is dead.
func scopeError(a network.Account, err error) error {
	if network.KindOf(err) == network.Auth && !direct(a) {
		return &network.Error{Kind: network.Scope, Native: scopeApp, Help: "bluesky.why.no_direct", Err: err}
	}
	return err
}

// firstConvos is how many conversations the first Poll looks into.
const firstConvos = 50

func (n *Network) firstDirect(ctx context.Context, a network.Account) (network.Page, error) {
	var out struct {
		Convos []json.RawMessage `json:"convos"`
	}
	q := url.Values{"limit": {strconv.Itoa(firstConvos)}}
	h, err := n.query(ctx, a, n.chat("chat.bsky.convo.listConvos", q, nil), &out)
	if err != nil {
		return network.Page{}, scopeError(a, err)
	}
	if out.Convos == nil {
		return network.Page{}, shapeless("listConvos")
	}
	var m directMark
	var events []network.Event
	for _, c := range each[convo](out.Convos) {
		m.Log = max(m.Log, c.Rev)
		msgs := []message{}
		switch {
		case c.Unread > 1:
			if msgs, err = n.messages(ctx, a, c.ID, min(c.Unread, 100)); err != nil {
				return network.Page{}, err
			}
		case c.LastMessage != nil:
			msgs = append(msgs, *c.LastMessage)
		}
		for _, msg := range msgs {
			if e, ok := n.directEvent(a, c, msg); ok {
				events = append(events, e)
			}
		}
	}
	oldestFirst(events)
	return network.Page{Events: events, Next: writeCursor(m), Rate: n.rate(h)}, nil
}

// messages are a conversation's newest, newest first.
func (n *Network) messages(ctx context.Context, a network.Account, id string, limit int) ([]message, error) {
	q := url.Values{"convoId": {id}, "limit": {strconv.Itoa(limit)}}
	var out struct {
		Messages []json.RawMessage `json:"messages"`
	}
	if _, err := n.query(ctx, a, n.chat("chat.bsky.convo.getMessages", q, nil), &out); err != nil {
		return nil, scopeError(a, err)
	}
	if out.Messages == nil {
		return nil, shapeless("getMessages")
	}
	return each[message](out.Messages), nil
}

// logged turns the log into events, in its order. Who takes part is asked once
// for each conversation: messages name their sender by DID only.
func (n *Network) logged(ctx context.Context, a network.Account, logs []logEntry) ([]network.Event, error) {
	known := map[string]convo{}
	var out []network.Event
	for _, l := range logs {
		if l.Message == nil || l.Type != logCreate && l.Type != logDelete {
			continue
		}
		if l.Type == logDelete || l.Message.Type == typeDeleted {
			out = append(out, network.Event{
				Kind: network.KindGone, Direct: true, At: n.now(),
				Gone: &network.Ref{ID: directID(l.ConvoID, l.Message.ID), ConversationID: l.ConvoID},
			})
			continue
		}
		c, ok := known[l.ConvoID]
		if !ok {
			var err error
			if c, err = n.convo(ctx, a, l.ConvoID); err != nil {
				return nil, err
			}
			known[l.ConvoID] = c
		}
		if e, ok := n.directEvent(a, c, *l.Message); ok {
			out = append(out, e)
		} else if l.Message.Type != typeSystem {
			out = append(out, n.gap(time.Time{}))
		}
	}
	return out, nil
}

// convo reads one conversation. One that we have left since is known by its id
// alone.
func (n *Network) convo(ctx context.Context, a network.Account, id string) (convo, error) {
	var out struct {
		Convo convo `json:"convo"`
	}
	_, err := n.query(ctx, a, n.chat("chat.bsky.convo.getConvo", url.Values{"convoId": {id}}, nil), &out)
	if network.KindOf(err) == network.Gone {
		return convo{ID: id}, nil
	}
	if err != nil {
		return convo{}, scopeError(a, err)
	}
	out.Convo.ID = id
	return out.Convo, nil
}

// directEvent reads one direct message.
func (n *Network) directEvent(a network.Account, c convo, m message) (network.Event, bool) {
	if m.ID == "" || m.Type == typeDeleted || m.Type == typeSystem || !record.ValidDID(m.Sender.DID) {
		return network.Event{}, false
	}
	now := n.now()
	at := earlier(timeOf(m.SentAt, now), timeOf(m.SentAt, now), now)
	p := network.Post{
		Ref:        network.Ref{ID: directID(c.ID, m.ID), ConversationID: c.ID},
		Text:       richText(m.Text, m.Facets),
		Visibility: network.DirectTo,
		Author:     n.person(profile{DID: m.Sender.DID}),
		QuoteID:    postID(m.Embed.Record.URI),
		Created:    at, Indexed: at, Raw: m.raw,
	}
	for _, x := range c.Members {
		switch {
		case x.DID == m.Sender.DID:
			p.Author = n.person(x)
		case record.ValidDID(x.DID):
			p.To = append(p.To, n.person(x))
		}
	}
	own := m.Sender.DID == a.RemoteID
	return network.Event{Kind: network.KindMessage, Post: &p, Direct: true, Own: own, Addressed: !own, At: at}, true
}

// directID names a direct message: ids are unique within a conversation only.
func directID(convoID, messageID string) string {
	return "chat:" + text.CleanLine(convoID, 128) + "/" + text.CleanLine(messageID, 128)
}

// directParts takes directID apart again.
func directParts(id string) (convoID, messageID string, ok bool) {
	rest, ok := strings.CutPrefix(id, "chat:")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}
