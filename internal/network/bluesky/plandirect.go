package bluesky

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// planDirect freezes direct messages: one step each, since the chat knows no
// thread and no key of ours. Each is proved by reading the conversation back.
func (n *Network) planDirect(ctx context.Context, a network.Account, d network.Draft) (network.Plan, error) {
	if !direct(a) {
		return network.Plan{}, &network.Error{Kind: network.Scope, Native: scopeApp, Help: "bluesky.why.no_direct"}
	}
	id, err := n.convoFor(ctx, a, d)
	if err != nil {
		return network.Plan{}, err
	}
	newest, err := n.messages(ctx, a, id, 1)
	if err != nil {
		return network.Plan{}, err
	}
	after := ""
	if len(newest) > 0 {
		after = newest[0].Rev
	}
	p := planner{n: n, ctx: ctx, a: a, d: d, names: map[string]string{}, plan: network.Plan{Key: d.Key}}
	for i, part := range d.Parts {
		if len(part.Media) > 0 {
			return network.Plan{}, badMedia("bluesky.help.direct_media", "part %d", i+1)
		}
		p.mentions = nil
		if d.ReplyTo != nil {
			p.addressed(d.ReplyTo.Author)
		}
		msg, err := p.message(i, part)
		if err != nil {
			return network.Plan{}, err
		}
		input, err := record.ToJSON(map[string]any{"convoId": id, "message": msg})
		if err != nil {
			return network.Plan{}, &network.Error{Kind: network.BadInput, Native: "Record", Err: err}
		}
		step := network.Step{Kind: network.Create, Proof: network.ProofReadback, Parts: []int{i}}
		if i > 0 {
			step.After = []int{i - 1}
		}
		f := frozen{Method: "chat.bsky.convo.sendMessage", Input: input, Convo: id, After: after, Mentions: p.mentions}
		if err := p.add(step, f); err != nil {
			return network.Plan{}, err
		}
	}
	return p.plan, nil
}

// message is one chat.bsky.convo.defs#messageInput.
func (p *planner) message(i int, part network.Part) (map[string]any, error) {
	body := text.Clean(part.Text)
	if count := text.Count(directRule, body, ""); !count.Fits {
		return nil, &network.Error{Kind: network.TooLong, Native: "TooLong",
			Err: fmt.Errorf("part %d is %d over, %d bytes", i+1, -count.Left, count.Bytes)}
	}
	msg := map[string]any{"text": body}
	facets, err := p.facets(body)
	if err != nil {
		return nil, err
	}
	if len(facets) > 0 {
		msg["facets"] = facets
	}
	return msg, nil
}

// convoFor is the conversation a draft belongs to: that of what it answers, else
// the one with the person it names.
func (n *Network) convoFor(ctx context.Context, a network.Account, d network.Draft) (string, error) {
	if d.ReplyTo != nil {
		if id, _, ok := directParts(d.ReplyTo.ID); ok && id != "" {
			return id, nil
		}
		return "", &network.Error{Kind: network.Gone, Native: "InvalidConvo"}
	}
	var members []string
	for _, who := range d.Parts[0].Keep {
		if record.ValidDID(who.RemoteID) && who.RemoteID != a.RemoteID {
			members = append(members, who.RemoteID)
		}
	}
	if len(members) != 1 {
		return "", &network.Error{Kind: network.BadInput, Native: "Recipients", Help: "bluesky.help.one_recipient"}
	}
	var out struct {
		Convo convo `json:"convo"`
	}
	_, err := n.query(ctx, a, n.chat("chat.bsky.convo.getConvoForMembers", url.Values{"members": members}, nil), &out)
	if err != nil {
		return "", scopeError(a, err)
	}
	if out.Convo.ID == "" {
		return "", &network.Error{Kind: network.Transient, Native: "getConvoForMembers"}
	}
	return out.Convo.ID, nil
}

// doDirect sends one direct message.
func (n *Network) doDirect(ctx context.Context, a network.Account, f frozen) (network.Delivery, error) {
	var out message
	if err := n.procedure(ctx, a, n.chat(f.Method, nil, f.Input), &out); err != nil {
		return network.Delivery{}, scopeError(a, err)
	}
	if out.ID == "" {
		return network.Delivery{}, &network.Error{Kind: network.Ambiguous, Native: f.Method, Err: fmt.Errorf("the answer names no message")}
	}
	return n.sentDirect(f, out, f.Method+" answered"), nil
}

func (n *Network) sentDirect(f frozen, m message, evidence string) network.Delivery {
	ref := network.Ref{ID: directID(f.Convo, m.ID), ConversationID: f.Convo}
	return network.Delivery{State: network.Sent, Ref: ref, At: n.now(), Evidence: evidence, Parts: []network.Ref{ref}}
}

// maxReadback bounds the pages of a conversation read for one proof.
const maxReadback = 10

// proveDirect reads the conversation back to where it stood at Plan and looks
// for a message of ours with the same words that no other step has claimed.
// Absence is NotSent; waiting until no Do is under way is the caller's part.
func (n *Network) proveDirect(ctx context.Context, a network.Account, p network.Plan, i int, f frozen) (network.Delivery, error) {
	var in struct {
		Message struct{ Text string } `json:"message"`
	}
	if err := json.Unmarshal(f.Input, &in); err != nil {
		return network.Delivery{}, &network.Error{Kind: network.BadInput, Native: "BadPlan", Err: err}
	}
	claimed := map[string]bool{}
	for j, s := range p.Steps {
		if j != i && s.Done != nil {
			claimed[s.Done.ID] = true
		}
	}
	var match *message
	q := url.Values{"convoId": {f.Convo}, "limit": {"100"}}
	for range maxReadback {
		var out struct {
			Cursor   string            `json:"cursor"`
			Messages []json.RawMessage `json:"messages"`
		}
		if _, err := n.query(ctx, a, n.chat("chat.bsky.convo.getMessages", q, nil), &out); err != nil {
			return network.Delivery{State: network.Unknown, At: n.now(), Evidence: "chat.bsky.convo.getMessages could not be asked"}, scopeError(a, err)
		}
		if out.Messages == nil {
			return network.Delivery{State: network.Unknown, At: n.now(), Evidence: "chat.bsky.convo.getMessages answered nothing"}, shapeless("getMessages")
		}
		msgs := each[message](out.Messages)
		back := out.Cursor == "" || len(msgs) == 0
		for k := range msgs {
			m := msgs[k]
			if m.ID == "" || m.Rev == "" {
				continue // what cannot be read proves nothing
			}
			if m.Rev <= f.After {
				back = true
				break
			}
			if m.Sender.DID == a.RemoteID && sameWords(m.Text, in.Message.Text) && !claimed[directID(f.Convo, m.ID)] {
				match = &m // the oldest wins: the walk goes backwards
			}
		}
		if back {
			if match != nil {
				return n.sentDirect(f, *match, "chat.bsky.convo.getMessages: same words"), nil
			}
			return network.Delivery{State: network.NotSent, At: n.now(), Evidence: "chat.bsky.convo.getMessages: not there"}, nil
		}
		q.Set("cursor", out.Cursor)
	}
	return network.Delivery{State: network.Unknown, At: n.now(), Evidence: "chat.bsky.convo.getMessages: too much was said since"}, nil
}

// sameWords forgives the white space at the ends, which a server may trim.
func sameWords(x, y string) bool {
	return strings.TrimSpace(text.Clean(x)) == strings.TrimSpace(text.Clean(y))
}
