package bluesky

import (
	"net/http"
	"strconv"
	"time"

	"parley/internal/network"
)

// reset is RateLimit-Reset on our clock; zero if it was not told.
func reset(h http.Header, now time.Time) time.Time {
	s, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	if err != nil || s <= 0 || s > 1<<40 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC().Add(skew(h, now))
}

// skew is how much our clock is ahead of the server's.
func skew(h http.Header, now time.Time) time.Duration {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return now.Truncate(time.Second).Sub(t)
}

// rate is the budget an answer tells of.
func (n *Network) rate(h http.Header) network.Rate {
	limit, err := strconv.Atoi(h.Get("RateLimit-Limit"))
	if err != nil {
		return network.Rate{}
	}
	left, _ := strconv.Atoi(h.Get("RateLimit-Remaining"))
	return network.Rate{Limit: limit, Left: left, Reset: reset(h, n.now())}
}
