package bluesky

import (
	"strings"

	"parley/internal/network"
	"parley/internal/network/bluesky/record"
	"parley/internal/text"
)

// warnNobody is a warning that a name in the text leads to nobody and stays
// plain text.
const warnNobody = "bluesky.warn.nobody"

// withKept puts the mentions that must stand in the text, and do not, in front
// of it. Whose post is answered is told by the answer itself.
func (p *planner) withKept(i int, body string, keep []network.Person) (string, error) {
	named := map[string]bool{p.a.RemoteID: true}
	if i == 0 && p.d.ReplyTo != nil {
		named[p.d.ReplyTo.Author.RemoteID] = true
	}
	for _, s := range text.Linkify(body).Spans {
		if s.Kind == text.Mention {
			did, err := p.lookUp(s.Target)
			if err != nil {
				return "", err
			}
			named[did] = true
		}
	}
	var front []string
	for _, who := range keep {
		if named[who.RemoteID] {
			continue
		}
		named[who.RemoteID] = true
		did, err := p.lookUp(who.Handle)
		if err != nil {
			return "", err
		}
		switch did {
		case who.RemoteID:
			front = append(front, "@"+strings.ToLower(who.Handle))
		case "":
			p.warn(warnNobody)
		default:
			return "", &network.Error{Kind: network.Policy, Native: "HandleMoved", Help: "bluesky.help.mention_moved"}
		}
	}
	if len(front) == 0 {
		return body, nil
	}
	return strings.TrimRight(strings.Join(front, " ")+" "+body, " "), nil
}

// lookUp resolves a handle once; "" is nobody.
func (p *planner) lookUp(handle string) (string, error) {
	handle = strings.ToLower(handle)
	if !record.ValidHandle(handle) {
		return "", nil
	}
	if did, ok := p.names[handle]; ok {
		return did, nil
	}
	did, err := p.n.handleAt(p.ctx, pdsOf(p.a), handle)
	if err != nil {
		return "", err
	}
	p.names[handle] = did
	return did, nil
}

// facets marks addresses, mentions and tags by the bytes they stand at
// (app.bsky.richtext.facet): UTF-8, the end exclusive, none overlapping.
func (p *planner) facets(body string) ([]any, error) {
	var out []any
	for _, s := range text.Linkify(body).Spans {
		var feature map[string]any
		switch s.Kind {
		case text.Link:
			feature = map[string]any{"$type": facetLink, "uri": s.Target}
		case text.Tag:
			if text.Count(text.Rule{Unit: text.Graphemes, Max: 64, MaxBytes: 640}, s.Target, "").Fits {
				feature = map[string]any{"$type": facetTag, "tag": s.Target}
			}
		case text.Mention:
			did, err := p.lookUp(s.Target)
			if err != nil {
				return nil, err
			}
			if did == "" {
				p.warn(warnNobody)
				continue
			}
			p.mention(strings.ToLower(s.Target), did)
			feature = map[string]any{"$type": facetMention, "did": did}
		}
		if feature != nil {
			out = append(out, map[string]any{
				"$type": "app.bsky.richtext.facet", "features": []any{feature},
				"index": map[string]any{"byteStart": s.Start, "byteEnd": s.End},
			})
		}
	}
	return out, nil
}

func (p *planner) warn(key string) {
	for _, w := range p.plan.Warnings {
		if w == key {
			return
		}
	}
	p.plan.Warnings = append(p.plan.Warnings, key)
}
