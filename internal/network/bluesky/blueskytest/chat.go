package blueskytest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"parley/internal/network/networktest"
)

// convo is one conversation of direct messages between us and somebody.
type convo struct {
	id, other, rev string
	messages       []*said
	unread         int
}

type said struct {
	id, rev, from, text, at string
	facets                  json.RawMessage
	deleted                 bool
}

// logged is one entry of the chat's log.
type logged struct {
	rev, convo, kind string
	message          *said
}

func (s *said) view() map[string]any {
	v := map[string]any{"id": s.id, "rev": s.rev, "sender": map[string]string{"did": s.from}, "sentAt": s.at}
	if s.deleted {
		v["$type"] = "chat.bsky.convo.defs#deletedMessageView"
		return v
	}
	v["$type"], v["text"] = "chat.bsky.convo.defs#messageView", s.text
	if len(s.facets) > 0 {
		v["facets"] = s.facets
	}
	return v
}

// conversation finds or makes the one with somebody; f.mu is held.
func (f *Fake) conversation(other string) *convo {
	for _, c := range f.convos {
		if c.other == other {
			return c
		}
	}
	c := &convo{id: "3convo" + strconv.FormatInt(f.tick(), 10), other: other, rev: f.tid()}
	f.convos[c.id] = c
	return c
}

func (f *Fake) tell(c *convo, from, text string, facets json.RawMessage) *said {
	m := &said{id: "3msg" + strconv.FormatInt(f.tick(), 10), rev: f.tid(), from: from, text: text, at: f.now().Format(stamp), facets: facets}
	c.messages, c.rev = append(c.messages, m), m.rev
	if from != f.us {
		c.unread++
	}
	f.log = append(f.log, logged{m.rev, c.id, "chat.bsky.convo.defs#logCreateMessage", m})
	return m
}

func (f *Fake) untell(c *convo, id string) {
	for _, m := range c.messages {
		if m.id == id {
			m.deleted = true
			f.log = append(f.log, logged{f.tid(), c.id, "chat.bsky.convo.defs#logDeleteMessage", m})
		}
	}
}

const logPage = 50

func (f *Fake) getLog(w http.ResponseWriter, r *http.Request, _ string) {
	cursor := r.URL.Query().Get("cursor")
	out := map[string]any{"cursor": cursor}
	logs := []any{}
	for _, l := range f.log {
		if l.rev <= cursor || len(logs) == logPage {
			continue
		}
		logs = append(logs, map[string]any{"$type": l.kind, "rev": l.rev, "convoId": l.convo, "message": l.message.view()})
		out["cursor"] = l.rev
	}
	out["logs"] = logs
	answer(w, out)
}

func (f *Fake) convoView(c *convo) map[string]any {
	v := map[string]any{
		"id": c.id, "rev": c.rev, "muted": false, "unreadCount": c.unread, "status": "accepted",
		"members": []any{f.profile(f.us, f.us), f.profile(c.other, f.us)},
	}
	if len(c.messages) > 0 {
		v["lastMessage"] = c.messages[len(c.messages)-1].view()
	}
	return v
}

func (f *Fake) listConvos(w http.ResponseWriter, r *http.Request, _ string) {
	limit, _ := strconv.Atoi(cmp.Or(r.URL.Query().Get("limit"), "50"))
	all := []*convo{}
	for _, c := range f.convos {
		all = append(all, c)
	}
	slices.SortFunc(all, func(x, y *convo) int { return cmp.Compare(y.rev, x.rev) })
	out := []any{}
	for _, c := range all[:min(limit, len(all))] {
		out = append(out, f.convoView(c))
	}
	answer(w, map[string]any{"convos": out})
}

func (f *Fake) getConvo(w http.ResponseWriter, r *http.Request, _ string) {
	if c, ok := f.convos[r.URL.Query().Get("convoId")]; ok {
		answer(w, map[string]any{"convo": f.convoView(c)})
		return
	}
	fail(w, http.StatusBadRequest, "InvalidConvo", "Convo not found")
}

func (f *Fake) getConvoForMembers(w http.ResponseWriter, r *http.Request, _ string) {
	did := r.URL.Query().Get("members")
	if f.people[did] == nil {
		fail(w, http.StatusBadRequest, "RecipientNotFound", "recipient not found")
		return
	}
	answer(w, map[string]any{"convo": f.convoView(f.conversation(did))})
}

// getMessages goes from the newest back; the cursor is a revision.
func (f *Fake) getMessages(w http.ResponseWriter, r *http.Request, _ string) {
	q := r.URL.Query()
	c, ok := f.convos[q.Get("convoId")]
	if !ok {
		fail(w, http.StatusBadRequest, "InvalidConvo", "Convo not found")
		return
	}
	limit, _ := strconv.Atoi(cmp.Or(q.Get("limit"), "50"))
	out := map[string]any{}
	msgs := []any{}
	for _, m := range slices.Backward(c.messages) {
		if q.Get("cursor") != "" && m.rev >= q.Get("cursor") {
			continue
		}
		if len(msgs) == limit {
			break
		}
		msgs = append(msgs, m.view())
		out["cursor"] = m.rev
	}
	if len(msgs) < limit {
		delete(out, "cursor")
	}
	out["messages"] = msgs
	answer(w, out)
}

func (f *Fake) sendMessage(w http.ResponseWriter, r *http.Request, who string) {
	var in struct {
		ConvoID string
		Message struct {
			Text   string
			Facets json.RawMessage
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Message.Text == "" {
		fail(w, http.StatusBadRequest, "InvalidRequest", "Input must have the property \"message\"")
		return
	}
	c, ok := f.convos[in.ConvoID]
	if !ok {
		fail(w, http.StatusBadRequest, "InvalidConvo", "Convo not found")
		return
	}
	m := f.tell(c, who, in.Message.Text, in.Message.Facets)
	body, _ := json.Marshal(m.view())
	f.ledger = append(f.ledger, networktest.Write{Op: networktest.OpCreate, ID: "chat:" + c.id + "/" + m.id, Body: body})
	answer(w, m.view())
}
