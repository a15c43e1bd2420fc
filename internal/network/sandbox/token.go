package sandbox

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
)

// handlePattern is what an account may be called.
var handlePattern = regexp.MustCompile(`^[a-z][a-z0-9._-]{1,29}$`)

// grant is a request for tokens.
type grant struct {
	Grant string `json:"grant"` // code|refresh
	Code  string `json:"code"`  // the handle that signs in, or the refresh token
}

// token signs in or renews. A refresh token works once.
func (w *world) token(c *call) answer {
	var g grant
	if !c.decode(&g) {
		return refuse(http.StatusBadRequest, network.BadInput, "invalid_request", "The request is not JSON.")
	}
	switch g.Grant {
	case "code":
		handle := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(g.Code), "@"))
		if !handlePattern.MatchString(handle) {
			return refuse(http.StatusBadRequest, network.BadInput, "invalid_handle", "A handle has 2 to 30 letters, digits, dots or dashes.")
		}
		if w.deskByHandle(handle) == nil && w.handles[handle] != "" {
			return refuse(http.StatusForbidden, network.Policy, "taken", "Somebody else has this handle.")
		}
		return ok(w.issue(w.addDesk(handle, "")))
	case "refresh":
		for _, d := range w.desks {
			if g.Code != "" && d.refresh == g.Code {
				return ok(w.issue(d))
			}
		}
		return refuse(http.StatusBadRequest, network.Auth, "invalid_grant", "This refresh token has been used or was never given.")
	}
	return refuse(http.StatusBadRequest, network.BadInput, "unsupported_grant", "The grant is not known.")
}

// issue makes a fresh pair of tokens. Older access tokens live on until they
// expire; the older refresh token is spent.
func (w *world) issue(d *desk) wireToken {
	w.tokens++
	n := strconv.Itoa(w.tokens)
	access, refresh := "sbx_a_"+w.digest("access", d.ID, n), "sbx_r_"+w.digest("refresh", d.ID, n)
	for t, until := range d.access {
		if until.Before(w.now()) {
			delete(d.access, t)
		}
	}
	d.access[access] = w.now().Add(w.kind.TokenLife)
	d.refresh = refresh
	return wireToken{Access: access, Refresh: refresh, ExpiresIn: int64(w.kind.TokenLife / time.Second), Account: *d.wirePerson}
}

// revoke forgets every token of the account. An unknown token is fine: it is
// already forgotten.
func (w *world) revoke(c *call) answer {
	if d, _ := w.bearer(c); d != nil {
		clear(d.access)
		d.refresh = ""
	}
	return answer{status: http.StatusNoContent}
}

// bearer finds whose token came with a request, and whether it still lives.
func (w *world) bearer(c *call) (*desk, bool) {
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found {
		return nil, false
	}
	for _, d := range w.desks {
		if until, ok := d.access[token]; ok {
			return d, c.now.Before(until)
		}
	}
	return nil, false
}

// admit lets a request in: token, suspension, rate limit.
func (w *world) admit(c *call) (answer, bool) {
	d, alive := w.bearer(c)
	switch {
	case d == nil:
		return refuse(http.StatusUnauthorized, network.Auth, "invalid_token", "The token is not valid."), false
	case !alive:
		return refuse(http.StatusUnauthorized, network.Auth, "token_expired", "The token has expired."), false
	case d.suspended:
		return refuse(http.StatusForbidden, network.Suspended, "suspended", "This account is suspended."), false
	}
	c.desk = d
	if !c.now.Before(d.window) {
		d.window, d.used = c.now.Add(w.kind.Window), 0
	}
	if d.used++; d.used > w.kind.Limit {
		return w.limited(d.window.Sub(c.now)), false
	}
	return answer{}, true
}
