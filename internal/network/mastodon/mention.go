package mastodon

import (
	"strings"

	"parley/internal/network"
)

// missing lists, in order and each once, the handles of those whom the text
// should mention and does not. A reply notifies nobody by itself: whoever is
// not mentioned never hears of it.
func missing(a network.Account, body string, keep []network.Person) []string {
	have := mentioned(a, body)
	var out []string
	for _, p := range keep {
		h := strings.TrimPrefix(p.Handle, "@")
		if h == "" || p.RemoteID != "" && p.RemoteID == a.RemoteID || strings.EqualFold(h, a.Handle) {
			continue
		}
		full := strings.ToLower(handle(a, h))
		if have[full] {
			continue
		}
		have[full] = true
		out = append(out, short(a, h))
	}
	return out
}

// short leaves our own server's domain out: a name that carries it is not
// recognised by servers whose address has a port.
func short(a network.Account, h string) string {
	if user, host, ok := strings.Cut(h, "@"); ok && strings.EqualFold(host, domain(a)) {
		return user
	}
	return h
}

// mentioned finds the full, lower-case handles that a text mentions.
func mentioned(a network.Account, body string) map[string]bool {
	out := map[string]bool{}
	for i := 0; i < len(body); i++ {
		if body[i] != '@' || i > 0 && (wordByte(body[i-1]) || body[i-1] == '/' || body[i-1] == '@') {
			continue
		}
		end := i + 1
		for end < len(body) && (wordByte(body[end]) || body[end] == '.' || body[end] == '-') {
			end++
		}
		user := strings.TrimRight(body[i+1:end], ".-")
		if user == "" {
			continue
		}
		h := user
		if i+1+len(user) == end && end < len(body) && body[end] == '@' {
			stop := end + 1
			for stop < len(body) && (wordByte(body[stop]) || strings.IndexByte(".-:", body[stop]) >= 0) {
				stop++
			}
			if host := strings.TrimRight(body[end+1:stop], ".-:"); host != "" {
				h = user + "@" + host
			}
		}
		out[strings.ToLower(handle(a, h))] = true
	}
	return out
}

// wordByte reports a letter, digit or underscore, and every byte of a letter
// beyond ASCII.
func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// withMentions puts the missing handles in front of the text.
func withMentions(a network.Account, body string, keep []network.Person) string {
	absent := missing(a, body, keep)
	if len(absent) == 0 {
		return body
	}
	return strings.TrimRight("@"+strings.Join(absent, " @")+" "+body, " ")
}
