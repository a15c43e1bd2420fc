package network

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAt reads from a 429 when to come back, on our clock. It knows the forms
// networks use: Retry-After in seconds or as a date (RFC 9110, section 10.2.3);
// RateLimit-Reset and X-RateLimit-Reset as RFC 3339 (Mastodon, GoToSocial), as
// epoch seconds (Bluesky, X) or as seconds left (Reddit); retry_after
// (Telegram) and extras.wait_seconds (Discourse) in the body.
//
// A time on the server's clock is corrected by the Date header, so that a clock
// an hour off does no harm. A time that has passed is now. Zero means that
// nothing was told.
func RetryAt(h http.Header, body []byte, now time.Time) time.Time {
	server := now
	if d, err := http.ParseTime(h.Get("Date")); err == nil {
		server = d
	}
	wait, ok := headerWait(h, server)
	if !ok {
		wait, ok = bodyWait(body)
	}
	if !ok || wait > longest {
		return time.Time{}
	}
	return now.Add(max(wait, 0))
}

// longest is what can be meant: no network asks for more than a month.
const longest = 31 * 24 * time.Hour

func headerWait(h http.Header, server time.Time) (time.Duration, bool) {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			return seconds(s)
		}
		if at, err := http.ParseTime(v); err == nil {
			return at.Sub(server), true
		}
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		v := strings.TrimSpace(h.Get(name))
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Sub(server), true
		}
		s, err := strconv.ParseFloat(v, 64)
		if err != nil {
			continue
		}
		if s > 1e8 { // too large for seconds left: an instant since 1970
			return time.Unix(int64(s), 0).Sub(server), true
		}
		return seconds(s)
	}
	return 0, false
}

func bodyWait(body []byte) (time.Duration, bool) {
	var told struct {
		Parameters struct {
			RetryAfter *float64 `json:"retry_after"`
		} `json:"parameters"`
		Extras struct {
			WaitSeconds *float64 `json:"wait_seconds"`
		} `json:"extras"`
	}
	if json.Unmarshal(body, &told) != nil {
		return 0, false
	}
	for _, s := range []*float64{told.Parameters.RetryAfter, told.Extras.WaitSeconds} {
		if s != nil {
			return seconds(*s)
		}
	}
	return 0, false
}

// seconds refuses what is no wait, or longer than longest.
func seconds(s float64) (time.Duration, bool) {
	if !(s >= 0 && s <= longest.Seconds()) { // written so that NaN is refused too
		return 0, false
	}
	return time.Duration(s * float64(time.Second)), true
}
