package api_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/problem"
)

const lamp, chair = `{"name":"lamp"}`, `{"name":"chair"}`

func (s *shop) sellAt(a *api.API, token, key, body string) answer {
	s.Helper()
	return ask(s, a, token, "POST", "/things", body, "Idempotency-Key", key)
}

func TestARepeatIsToldTheSame(t *testing.T) {
	t.Parallel()
	s := setup(t)
	first := s.sellAt(s.API, "seller", "k1", lamp)
	if first.status != 201 || first.Header.Get("Idempotency-Replayed") != "" {
		t.Fatalf("%d %v", first.status, first.Header)
	}
	again := s.sellAt(s.node(), "seller", "k1", lamp) // on another node, too
	if again.status != 201 || again.body != first.body || again.Header.Get("Idempotency-Replayed") != "true" ||
		again.Header.Get("Content-Type") != first.Header.Get("Content-Type") {
		t.Errorf("%d %s %v, first %s", again.status, again.body, again.Header, first.body)
	}
	if p := s.sellAt(s.API, "seller", "k1", chair).problem(t); p.Status != 422 || p.Code != "api.key_reused" || p.Field != "Idempotency-Key" {
		t.Errorf("another body: %+v", p)
	}
	if p := ask(t, s, "seller", "POST", "/things/"+id.ID(1).String()+"/burn", lamp, "Idempotency-Key", "k1").problem(t); p.Code != "api.key_reused" {
		t.Errorf("another operation: %+v", p)
	}
	// A key belongs to its token, and none is needed.
	s.sellAt(s.API, "other", "k1", lamp)
	s.sellAt(s.API, "seller", "k2", lamp)
	s.sellAt(s.API, "seller", "", lamp)
	if got := s.sales(); len(got) != 4 {
		t.Errorf("sold %q", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for key, status := range map[string]int{"a": 201, strings.Repeat("k", 200): 201, `"8e03978e-40d5"`: 201,
		strings.Repeat("k", 201): 422, "two words": 422, "né": 422, "\x00": 422, "a\nb": 422} {
		if a := s.sellAt(s.API, "seller", key, lamp); a.status != status {
			t.Errorf("%.20q: %d", key, a.status)
		}
	}
	if p := ask(t, s, "seller", "POST", "/things/"+id.ID(1).String()+"/burn", "").problem(t); p.Code != "api.key_needed" {
		t.Errorf("a key is needed: %+v", p)
	}
	if a := ask(t, s, "seller", "POST", "/things/"+id.ID(1).String()+"/burn", "", "Idempotency-Key", "burn"); a.status != 204 {
		t.Errorf("with one: %d", a.status)
	}
	if a := ask(t, s, "seller", "POST", "/things/"+id.ID(1).String()+"/burn", "", "Idempotency-Key", "burn"); a.status != 204 || a.body != "" {
		t.Errorf("again: %d %q", a.status, a.body)
	}
}

// One key, many at once: one sale, one answer.
func TestTheSameKeyAtOnce(t *testing.T) {
	t.Parallel()
	s := setup(t)
	const many = 8
	answers := make([]answer, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() { answers[i] = s.sellAt(s.API, "seller", "k", lamp) })
	}
	wg.Wait()
	replayed := 0
	for _, a := range answers {
		if a.status != 201 || a.body != answers[0].body {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a.Header.Get("Idempotency-Replayed") != "" {
			replayed++
		}
	}
	if got := s.sales(); len(got) != 1 || replayed != many-1 {
		t.Errorf("sold %q, %d answers replayed", got, replayed)
	}
}

func TestUnderWayOnAnotherNode(t *testing.T) {
	t.Parallel()
	s := setup(t)
	began, resume := s.halt()
	other := s.node()
	done := make(chan answer)
	go func() { done <- s.sellAt(s.API, "seller", "k", lamp) }()
	<-began
	if p := s.sellAt(other, "seller", "k", lamp).problem(t); p.Status != 409 || p.Code != "api.under_way" {
		t.Errorf("meanwhile: %+v", p)
	}
	if p := s.sellAt(other, "seller", "k", chair).problem(t); p.Code != "api.key_reused" {
		t.Errorf("meanwhile, something else: %+v", p)
	}
	resume()
	first := <-done
	if again := s.sellAt(other, "seller", "k", lamp); again.status != 201 || again.body != first.body {
		t.Errorf("afterwards: %d %s", again.status, again.body)
	}
	if got := s.sales(); len(got) != 1 {
		t.Errorf("sold %q", got)
	}
}

// Whoever waits for the same key and leaves is not stuck, nor in anybody's way.
func TestLeavingTheQueue(t *testing.T) {
	t.Parallel()
	s := setup(t)
	began, resume := s.halt()
	done := make(chan answer)
	go func() { done <- s.sellAt(s.API, "seller", "k", lamp) }()
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := request(ctx, "seller", "POST", "/things", lamp)
	r.Header.Set("Idempotency-Key", "k")
	serve(s.API, r)
	resume()
	<-done
	if a := s.sellAt(s.API, "seller", "k", lamp); a.status != 201 {
		t.Errorf("%d", a.status)
	}
	if got := s.sales(); len(got) != 1 {
		t.Errorf("sold %q", got)
	}
}

func TestWhatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fails = errors.New("the disk is full")
	if a := s.sellAt(s.API, "seller", "k", lamp); a.status != 500 {
		t.Fatalf("%d", a.status)
	}
	s.fails = nil
	if a := s.sellAt(s.API, "seller", "k", lamp); a.status != 201 || a.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("again: %d %s", a.status, a.body)
	}
	const boom = `{"name":"boom"}`
	for range 2 {
		if a := s.sellAt(s.API, "seller", "p", boom); a.status != 500 || a.Header.Get("Idempotency-Replayed") != "" {
			t.Errorf("a panic: %d %v", a.status, a.Header)
		}
	}
	// What was refused for good stays refused, even when it would be taken now.
	s.fails = problem.New(problem.Conflict, "page.not_found")
	refused := s.sellAt(s.API, "seller", "r", lamp)
	s.fails = nil
	if a := s.sellAt(s.API, "seller", "r", lamp); refused.status != 409 || a.status != 409 || a.body != refused.body || a.problem(t).Code == "" {
		t.Errorf("%d %s, then %d %s", refused.status, refused.body, a.status, a.body)
	}
	if got := s.sales(); len(got) != 1 {
		t.Errorf("sold %q", got)
	}
}

func TestAnswersAreForgotten(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.sellAt(s.API, "seller", "k", lamp)
	s.clock.Advance(24*time.Hour - time.Second)
	if a := s.sellAt(s.API, "seller", "k", lamp); a.Header.Get("Idempotency-Replayed") == "" {
		t.Error("forgotten too early")
	}
	s.clock.Advance(time.Second)
	if a := s.sellAt(s.API, "seller", "k", chair); a.status != 201 || a.Header.Get("Idempotency-Replayed") != "" {
		t.Errorf("after a day: %d %s", a.status, a.body)
	}
	s.clock.Advance(24 * time.Hour)
	if err := s.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := s.count(`select count(*) from api_answer`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// A process that stopped in the middle does not block its key for a day.
func TestAbandoned(t *testing.T) {
	t.Parallel()
	s := setup(t)
	began, resume := s.halt()
	done := make(chan answer)
	go func() { done <- s.sellAt(s.API, "seller", "k", lamp) }()
	<-began
	other := s.node()
	s.mu.Lock()
	s.hold = nil // the other one goes through
	s.mu.Unlock()
	s.clock.Advance(5*time.Minute - time.Second)
	if p := s.sellAt(other, "seller", "k", lamp).problem(t); p.Code != "api.under_way" {
		t.Errorf("%+v", p)
	}
	s.clock.Advance(time.Second)
	second := s.sellAt(other, "seller", "k", lamp)
	if second.status != 201 {
		t.Errorf("after that: %d %s", second.status, second.body)
	}
	resume() // it was only frozen
	if first := <-done; first.status != 201 {
		t.Errorf("the first: %d", first.status)
	}
	if a := s.sellAt(other, "seller", "k", lamp); a.body != second.body {
		t.Errorf("a late answer took the place of the one that was given: %s, want %s", a.body, second.body)
	}
}

// Who reads the database learns neither the answer nor the request.
func TestKeptAnswersAreSealed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.sellAt(s.API, "seller", "k", `{"name":"a very secret lamp"}`)
	var request, sealed []byte
	if err := s.db.Read().Row(context.Background(), `select request, answer from api_answer`).Scan(&request, &sealed); err != nil {
		t.Fatal(err)
	}
	if len(request) != 32 || len(sealed) < 50 || bytes.Contains(sealed, []byte("secret")) {
		t.Errorf("request %x, answer %q", request, sealed)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	s := setup(t, func(o *api.Options) { o.Rate = api.Rate{Burst: 3, Every: 2 * time.Second} })
	path := "/things/" + id.ID(1).String()
	statuses := func(token string, n int) (got []int) {
		for range n {
			got = append(got, ask(t, s, token, "GET", path, "").status)
		}
		return got
	}
	if got := statuses("seller", 4); !slices.Equal(got, []int{200, 200, 200, 429}) {
		t.Errorf("at once: %v", got)
	}
	a := ask(t, s, "seller", "GET", path, "")
	if p := a.problem(t); p.Code != "api.too_often" || a.Header.Get("Retry-After") != "2" || !strings.Contains(p.Detail, "2 seconds") {
		t.Errorf("%+v, Retry-After %s", p, a.Header.Get("Retry-After"))
	}
	if got := statuses("looker", 1); got[0] != 200 {
		t.Errorf("another token: %v", got)
	}
	s.clock.Advance(2 * time.Second)
	if got := statuses("seller", 2); !slices.Equal(got, []int{200, 429}) {
		t.Errorf("after two seconds: %v", got)
	}
	s.clock.Advance(-time.Hour) // a clock that was set back locks nobody out for an hour
	s.clock.Advance(time.Hour + 6*time.Second)
	if got := statuses("seller", 4); !slices.Equal(got, []int{200, 200, 200, 429}) {
		t.Errorf("full again: %v", got)
	}
	// A request that was refused did nothing, so its key is free.
	if a := s.sellAt(s.API, "seller", "k", lamp); a.status != 429 {
		t.Errorf("%d", a.status)
	}
	s.clock.Advance(6 * time.Second)
	if a := s.sellAt(s.API, "seller", "k", lamp); a.status != 201 {
		t.Errorf("%d", a.status)
	}
}

// However requests are spread, no stretch of time sees more than the burst and
// what the time gives back; and whoever waits as told is let through.
func TestRateHolds(t *testing.T) {
	t.Parallel()
	s := setup(t)
	who := func(context.Context, string) (actor.Actor, error) {
		return actor.Actor{Workspace: 1, Member: 1, Token: 1}, nil
	}
	rapid.Check(t, func(t *rapid.T) {
		rate := api.Rate{Burst: rapid.IntRange(1, 5).Draw(t, "burst"), Every: time.Duration(rapid.IntRange(1, 3000).Draw(t, "every")) * time.Millisecond}
		a := s.node(func(o *api.Options) { o.Rate, o.Authenticate = rate, who })
		var passed []time.Time
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			s.clock.Advance(time.Duration(rapid.IntRange(0, 4000).Draw(t, "wait")) * time.Millisecond)
			if ask(s, a, "t", "GET", "/things/"+id.ID(1).String(), "").status == 200 {
				passed = append(passed, s.clock.Now())
			}
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				if most := rate.Burst + int(passed[j].Sub(passed[i])/rate.Every); j-i+1 > most {
					t.Fatalf("%d requests within %v", j-i+1, passed[j].Sub(passed[i]))
				}
			}
		}
		if res := ask(s, a, "t", "GET", "/things/"+id.ID(1).String(), ""); res.status == 429 {
			wait, err := time.ParseDuration(res.Header.Get("Retry-After") + "s")
			if err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(wait)
			if got := ask(s, a, "t", "GET", "/things/"+id.ID(1).String(), "").status; got != 200 {
				t.Fatalf("after waiting %v: %d", wait, got)
			}
		}
	})
}
