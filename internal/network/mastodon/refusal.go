package mastodon

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// pause is how long to stay away from a server that says "too many requests"
// but not until when: the window its family of servers counts in.
const pause = 5 * time.Minute

// refusal turns a status outside 200 to 299 into an *Error. Kinds follow the
// connector handbook, section 1, "Errors".
func (n *Network) refusal(q request, ans answer, secrets ...string) *network.Error {
	said := sentence(ans.body, secrets...)
	e := &network.Error{Native: strconv.Itoa(ans.status), Message: said}
	low := strings.ToLower(said)
	switch s := ans.status; {
	case s == http.StatusTooManyRequests:
		e.Kind, e.RetryAt = network.RateLimited, n.retryAt(ans)
	case s >= 500 || s == http.StatusRequestTimeout:
		e.Kind = lostKind(q)
		if at := network.RetryAt(ans.header, ans.body, n.env.Now()); ans.header.Get("Retry-After") != "" {
			e.RetryAt = at
		}
	case s == http.StatusUnauthorized:
		e.Kind = network.Auth
	case s == http.StatusPaymentRequired:
		e.Kind = network.Paid
	case s == http.StatusForbidden:
		e.Kind = forbidden(low)
	case s == http.StatusNotFound || s == http.StatusGone:
		e.Kind = network.Gone
		if s == http.StatusNotFound && !q.bare && !isJSON(ans.body) {
			// No error object of this API: the address leads elsewhere, which says
			// nothing about the post.
			e.Kind = network.Transient
		}
	case s == http.StatusRequestEntityTooLarge, s == http.StatusUnsupportedMediaType:
		e.Kind = network.BadMedia
	case s >= 300 && s < 400:
		e.Kind, e.Help = network.Transient, "mastodon.help.moved"
	default:
		e.Kind = rejected(low)
	}
	return e
}

// retryAt is when a 429 lets us come back.
func (n *Network) retryAt(ans answer) time.Time {
	if at := network.RetryAt(ans.header, ans.body, n.env.Now()); !at.IsZero() {
		return at
	}
	return n.env.Now().Add(pause)
}

// forbidden tells what a 403 means.
func forbidden(low string) network.Kind {
	switch {
	case strings.Contains(low, "login is currently disabled"), strings.Contains(low, "suspended"):
		return network.Suspended
	case strings.Contains(low, "scope"):
		return network.Scope
	default:
		return network.Policy
	}
}

// rejected tells what a 400 or 422 means.
func rejected(low string) network.Kind {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(low, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("invalid_grant", "invalid_client", "token was revoked"):
		return network.Auth
	case has("duplicate idempotency", "already attached", "already been attached"):
		// Said for a repeat, whether or not the first came through.
		return network.Ambiguous
	case has("character limit", "too long", "exceed", "max characters"):
		if has("media", "file", "description") {
			return network.BadMedia
		}
		return network.TooLong
	case has("media", "attach", "file", "image", "video"):
		return network.BadMedia
	default:
		return network.Policy
	}
}

// processing reports an answer that says: the media is not ready, nothing was
// posted.
func processing(err *network.Error) bool {
	return err.Native == "422" && strings.Contains(strings.ToLower(err.Message), "processing")
}

// sentence is the server's own words from an error answer: plain, one line,
// short, and without the secrets we sent.
func sentence(body []byte, secrets ...string) string {
	var told struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Message     string `json:"message"`
		Msg         string `json:"msg"`
	}
	if lenient(body, &told) != nil {
		return ""
	}
	parts := make([]string, 0, 2)
	for _, s := range []string{told.Error, told.Description, told.Message, told.Msg} {
		if s != "" && len(parts) < 2 {
			parts = append(parts, s)
		}
	}
	s := strings.Join(parts, ": ")
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[…]")
		}
	}
	return text.CleanLine(s, 200)
}

func isJSON(b []byte) bool {
	var v map[string]json.RawMessage
	return json.Unmarshal(b, &v) == nil
}

// rate reads the budget from any answer.
func (n *Network) rate(ans answer) network.Rate {
	limit, err1 := strconv.Atoi(ans.header.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(ans.header.Get("X-RateLimit-Remaining"))
	if err1 != nil || err2 != nil || limit <= 0 || left < 0 {
		return network.Rate{}
	}
	return network.Rate{Limit: limit, Left: left, Reset: network.RetryAt(ans.header, nil, n.env.Now())}
}

// yield is how long reading should rest so that writing keeps a share of the
// budget: nothing while more than a fifth is left, then until it is renewed.
func (n *Network) yield(r network.Rate) time.Duration {
	if r.Limit == 0 || r.Left*5 > r.Limit || r.Reset.IsZero() {
		return 0
	}
	return max(0, r.Reset.Sub(n.env.Now()))
}
