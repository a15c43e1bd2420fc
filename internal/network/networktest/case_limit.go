package networktest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"parley/internal/network"
)

// caseLimit is e: too many requests, told in every form.
func caseLimit(s *suite) {
	wait := 95 * time.Second
	for _, l := range limitsOf(s.rig("forms"), wait) {
		r := s.rig("create, " + l.Name)
		if r.speaks() {
			r.limitedCreate(l)
		}
		r = s.rig("poll, " + l.Name)
		r.limitedPoll(l)
	}
}

// limitsOf lists the forms for one Fake.
func limitsOf(r *rig, wait time.Duration) []Limit {
	now := r.clock.Now()
	reset := now.Add(wait)
	both := []Limit{
		{"Retry-After in seconds", limit("Retry-After", "95"), reset},
		{"Retry-After as a date", limit("Retry-After", reset.Format(http.TimeFormat)), reset},
		{"nothing told", limit(), time.Time{}},
	}
	if l, ok := r.fake.(Limiter); ok {
		return append(both, l.Limits(reset, now)...)
	}
	ahead := now.Add(time.Hour)
	return append(both,
		Limit{"X-RateLimit-Reset in RFC 3339", limit("X-RateLimit-Reset", reset.Format(time.RFC3339Nano)), reset},
		Limit{"X-RateLimit-Reset in epoch seconds", limit("X-RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10)), reset},
		Limit{"RateLimit-Reset in epoch seconds", limit("RateLimit-Reset", strconv.FormatInt(reset.Unix(), 10)), reset},
		Limit{"X-RateLimit-Reset in seconds left", limit("X-RateLimit-Reset", "95"), reset},
		Limit{"a reset in the past", limit("X-RateLimit-Reset", now.Add(-time.Minute).Format(time.RFC3339)), now},
		Limit{"the server's clock an hour ahead", limit("Date", ahead.Format(http.TimeFormat),
			"X-RateLimit-Reset", ahead.Add(wait).Format(time.RFC3339)), reset},
	)
}

// limit is a 429 with headers, given as pairs.
func limit(pairs ...string) Fault {
	f := Fault{Status: http.StatusTooManyRequests, Header: http.Header{}, Body: []byte(`{"error":"Too many requests"}`)}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Header.Set(pairs[i], pairs[i+1])
	}
	return f
}

// checkLimit requires RateLimited with the right time.
func (r *rig) checkLimit(what string, err error, l Limit) {
	r.tb.Helper()
	if k := network.KindOf(err); k != network.RateLimited {
		r.errorf("%s: a 429 is %q (%v), want RateLimited", what, k, err)
		return
	}
	var e *network.Error
	if !errors.As(err, &e) {
		return // said by checkError
	}
	at := e.RetryAt
	switch now := r.clock.Now(); {
	case l.Want.IsZero():
		if !at.IsZero() && (at.Before(now) || at.Sub(now) > 24*time.Hour) {
			r.errorf("%s: nothing was told, RetryAt is %v", what, at)
		}
	case l.Want.Equal(now): // it has passed: soon, but not before now
		if at.Before(now) || at.Sub(now) > 15*time.Minute {
			r.errorf("%s: the limit has passed, RetryAt is %v from now", what, at.Sub(now))
		}
	case at.Sub(l.Want).Abs() > time.Second:
		r.errorf("%s: RetryAt is %v, want %v", what, at, l.Want)
	}
}

func (r *rig) limitedCreate(l Limit) {
	r.tb.Helper()
	snd := r.begin(r.speech())
	i := snd.create()
	f := l.Fault
	f.Op = OpCreate
	r.fake.Inject(f)
	_, err := snd.do(i)
	r.checkLimit("Do", err, l)
	if n := len(r.creates()); n != 0 {
		r.errorf("a 429 left %d posts", n)
	}
	r.clock.Advance(2 * time.Minute)
	if err := snd.all(); err != nil {
		r.errorf("after the limit: %v", err)
	}
	snd.ledger()
}

func (r *rig) limitedPoll(l Limit) {
	r.tb.Helper()
	for _, feed := range r.caps.Feeds {
		if feed == network.Own && len(r.caps.Feeds) > 1 {
			continue
		}
		in := r.inbox()
		ref := r.fake.Say(r.stranger())
		f := l.Fault
		f.Op = OpPoll
		r.fake.Inject(f)
		_, err := in.poll(feed)
		r.checkLimit("Poll "+string(feed), err, l)
		r.clock.Advance(2 * time.Minute)
		in.drain()
		if _, ok := in.store.post(ref.ID); !ok {
			r.errorf("after a limit on %s, %s never arrived", feed, ref.ID)
		}
		return // the second feed would find a clock that has moved on
	}
}
