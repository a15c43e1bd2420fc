package feed

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How often a feed is asked.
const (
	usual        = 15 * time.Minute // where nothing is told
	soonest      = 5 * time.Minute  // however soon the feed says
	latest       = 24 * time.Hour   // however late
	afterRefusal = time.Hour        // after "too many requests" without a time
	// hurry is for how long a feed whose window ran over is asked as often as
	// usual, though it asked for less.
	hurry = 24 * time.Hour
)

// wait is how long to stay away: as long as the server's cache rules and the
// feed itself ask, in limits; the usual time if neither says anything.
func wait(h http.Header, ttl time.Duration) time.Duration {
	told := max(fresh(h), ttl)
	if told <= 0 {
		return usual
	}
	return min(max(told, soonest), latest)
}

// fresh is how long an answer stays fresh (RFC 9111, section 4.2.1); 0 is not
// told, or at once.
func fresh(h http.Header) time.Duration {
	for _, d := range strings.Split(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			s, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
			if err != nil || s < 0 {
				return 0
			}
			return time.Duration(s) * time.Second
		}
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	if err != nil {
		return 0
	}
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, expires.Sub(date))
}
