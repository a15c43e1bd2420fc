package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"parley/internal/network"
	"parley/internal/text"
)

// maxKey is the longest guid, in bytes, that is used as it stands.
const maxKey = 500

// keysOf names the entries of one document: by guid or atom:id, else by link,
// else by a hash of what they say. Some feeds give one guid to all their items;
// where items with different links share one, the links name them.
func keysOf(entries []raw) []string {
	links := map[string]string{}
	shared := map[string]bool{}
	for _, e := range entries {
		id := cleanKey(e.id)
		if first, ok := links[id]; !ok {
			links[id] = e.link
		} else if first != e.link {
			shared[id] = true
		}
	}
	keys := make([]string, len(entries))
	for i, e := range entries {
		id := cleanKey(e.id)
		switch {
		case id != "" && !shared[id]:
			keys[i] = id
		case cleanKey(e.link) != "":
			keys[i] = cleanKey(e.link)
		default:
			keys[i] = "hash:" + fingerprint(e, nil)
		}
	}
	return keys
}

// cleanKey makes a guid safe to store; one that is too long is hashed.
func cleanKey(s string) string {
	s = strings.TrimSpace(text.Clean(s))
	if len(s) <= maxKey {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// fingerprint is the version of an entry: a hash of its words, pictures and
// descriptions. Dates are left out, because many feeds move them on every
// request; markup, white space and the queries of addresses too, because that is
// where trackers and cache-busters live. It is computed from the source rather
// than from the text made of it, so that a better text.HTML does not make every
// item on earth look edited.
func fingerprint(r raw, media []network.Media) string {
	h := sha256.New()
	part := func(s string) {
		h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	part(visibleWords(r.title))
	if r.html {
		part(visibleWords(r.content))
	} else {
		part(strings.Join(strings.Fields(r.content), " "))
	}
	for _, m := range media {
		part(withoutQuery(m.URL))
		part(m.Alt)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// visibleWords are the words of HTML with single spaces, scripts and styles left out.
func visibleWords(src string) string {
	if !strings.ContainsAny(src, "<&") {
		return strings.Join(strings.Fields(src), " ")
	}
	z := html.NewTokenizer(strings.NewReader(head(src, text.MaxHTML)))
	var words []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(words, " ")
		case html.TextToken:
			words = append(words, strings.Fields(string(z.Text()))...)
		case html.StartTagToken:
			if name, _ := z.TagName(); string(name) == "script" || string(name) == "style" {
				z.Next() // its content, one raw token
			}
		}
	}
}

func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.RawQuery, u.Fragment = "", ""
	return u.String()
}

// sameLink is an address reduced to what stays when a site moves to https, or a
// newsletter tool adds its marks.
func sameLink(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	q := u.Query()
	for name := range q {
		if strings.HasPrefix(strings.ToLower(name), "utm_") {
			q.Del(name)
		}
	}
	return strings.ToLower(strings.TrimPrefix(u.Host, "www.")) + strings.TrimSuffix(u.Path, "/") + "?" + q.Encode()
}
