package mastodon

import (
	"net/http"
	"net/url"
	"strings"
)

// links are the pages around one answer, from its Link header (RFC 8288). Only
// the id is taken over: the address itself may name any host, and our token
// goes to none but the account's own.
type links struct {
	newer string // min_id of rel="prev"
	older string // max_id of rel="next"
}

// readLinks reads Link headers; what cannot be read is passed over.
func readLinks(h http.Header) links {
	var l links
	for _, line := range h.Values("Link") {
		for line != "" {
			var target, params string
			target, params, line = nextLink(line)
			u, err := url.Parse(target)
			if err != nil {
				continue
			}
			for _, rel := range rels(params) {
				switch rel {
				case "prev", "previous":
					if id := u.Query().Get("min_id"); id != "" && l.newer == "" {
						l.newer = id
					}
				case "next":
					if id := u.Query().Get("max_id"); id != "" && l.older == "" {
						l.older = id
					}
				}
			}
		}
	}
	return l
}

// nextLink cuts the first link-value off a header: what stands in angle
// brackets, its parameters up to the next comma outside quotes, and the rest.
func nextLink(s string) (target, params, rest string) {
	_, s, ok := strings.Cut(s, "<")
	if !ok {
		return "", "", ""
	}
	target, s, ok = strings.Cut(s, ">")
	if !ok {
		return "", "", ""
	}
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return target, s[:i], s[i+1:]
		}
	}
	return target, s, ""
}

// rels lists the relation types among a link's parameters.
func rels(params string) []string {
	for _, p := range strings.Split(params, ";") {
		k, v, ok := strings.Cut(p, "=")
		if ok && strings.EqualFold(strings.TrimSpace(k), "rel") {
			return strings.Fields(strings.ToLower(strings.Trim(strings.TrimSpace(v), `"`)))
		}
	}
	return nil
}
