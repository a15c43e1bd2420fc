package network_test

import (
	"net/http"
	"testing"
	"time"

	"parley/internal/network"
)

func TestRetryAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	ahead := in(time.Hour).Format(http.TimeFormat)
	for _, c := range []struct {
		name   string
		header map[string]string
		body   string
		want   time.Time
	}{
		{"seconds", map[string]string{"Retry-After": "90"}, "", in(90 * time.Second)},
		{"a date", map[string]string{"Retry-After": in(time.Minute).Format(http.TimeFormat)}, "", in(time.Minute)},
		{"RFC 3339", map[string]string{"X-RateLimit-Reset": "2026-11-12T09:35:00.123456Z"}, "", in(5*time.Minute + 123456*time.Microsecond)},
		{"epoch", map[string]string{"ratelimit-reset": "1794475860"}, "", in(time.Minute)},
		{"seconds left", map[string]string{"X-Ratelimit-Reset": "42.5"}, "", in(42*time.Second + 500*time.Millisecond)},
		{"telegram", nil, `{"ok":false,"parameters":{"retry_after":7}}`, in(7 * time.Second)},
		{"discourse", nil, `{"extras":{"wait_seconds":11}}`, in(11 * time.Second)},
		{"server an hour ahead", map[string]string{"Date": ahead, "X-RateLimit-Reset": "2026-11-12T10:31:00Z"}, "", in(time.Minute)},
		{"seconds need no correction", map[string]string{"Date": ahead, "Retry-After": "5"}, "", in(5 * time.Second)},
		{"passed", map[string]string{"X-RateLimit-Reset": "2026-11-12T09:00:00Z"}, "", now},
		{"a year of seconds is no answer", map[string]string{"Retry-After": "31536000"}, "", time.Time{}},
		{"the year 9999", map[string]string{"X-RateLimit-Reset": "9999-12-31T23:59:59Z"}, "", time.Time{}},
		{"not a number", map[string]string{"Retry-After": "NaN"}, "", time.Time{}},
		{"nothing", nil, "slow down", time.Time{}},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if got := network.RetryAt(h, []byte(c.body), now); !got.Equal(c.want) {
			t.Errorf("%s: RetryAt = %v, want %v", c.name, got, c.want)
		}
	}
}

func FuzzRetryAt(f *testing.F) {
	f.Add("30", "2026-11-12T09:35:00Z", `{"parameters":{"retry_after":1}}`)
	f.Add("-1", "1e400", "{")
	now := time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, after, reset, body string) {
		h := http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}}
		if at := network.RetryAt(h, []byte(body), now); !at.IsZero() && at.Before(now) {
			t.Errorf("RetryAt = %v, before now", at)
		}
	})
}
