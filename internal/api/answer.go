package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// answer holds what is answered until all of it is known, so that a failure
// after the first byte is still told as one, and a repeat can be told the same.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) reset() { *a = answer{header: http.Header{}} }

// send gives the caller what was answered. What is asked for again and has not
// changed is not sent again.
func (c *call) send() {
	h := c.w.Header()
	for name, values := range c.answer.header {
		h[name] = values
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set(referenceHeader, c.ref)
	h.Set("Cache-Control", "no-store")
	if c.answer.status == 0 {
		c.answer.status = http.StatusOK
	}
	if c.answer.status == http.StatusOK && (c.r.Method == http.MethodGet || c.r.Method == http.MethodHead) {
		tag := etag(c.answer.body.Bytes())
		h.Set("Cache-Control", "private, no-cache")
		h.Set("Etag", tag)
		h.Add("Vary", "Authorization")
		h.Add("Vary", "Accept-Language")
		if matches(c.r.Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			c.w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if c.answer.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(c.answer.body.Len()))
	}
	c.w.WriteHeader(c.answer.status)
	c.w.Write(c.answer.body.Bytes()) // who does not read it has gone away
}

func etag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// matches compares weakly, as If-None-Match does (RFC 9110, section 13.1.2).
func matches(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}
