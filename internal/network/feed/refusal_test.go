package feed_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/feed"
)

func TestStatusesOfPoll(t *testing.T) {
	t.Parallel()
	const date = "Thu, 12 Nov 2026 13:00:00 GMT" // the server's clock is an hour ahead
	cases := []struct {
		status int
		header []string
		kind   network.Kind
		retry  time.Duration // after noon
	}{
		{401, nil, network.Auth, time.Hour},
		{403, nil, network.Auth, time.Hour},
		{402, nil, network.Paid, time.Hour},
		{410, nil, network.Gone, 24 * time.Hour},
		{451, nil, network.Policy, time.Hour},
		{429, []string{"Retry-After", "7200"}, network.RateLimited, 2 * time.Hour},
		{429, []string{"Retry-After", "Thu, 12 Nov 2026 13:30:00 GMT", "Date", date}, network.RateLimited, 30 * time.Minute},
		{429, nil, network.RateLimited, time.Hour},
		{503, []string{"Retry-After", "600"}, network.RateLimited, 10 * time.Minute},
		{503, nil, network.Transient, 15 * time.Minute},
		{500, nil, network.Transient, 15 * time.Minute},
		{502, nil, network.Transient, 15 * time.Minute},
		{400, nil, network.Transient, 15 * time.Minute},
		{204, nil, network.Transient, 15 * time.Minute},
		{206, nil, network.Transient, 15 * time.Minute},
		{300, nil, network.Transient, 15 * time.Minute},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.status, c.header), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.status("/feed", c.status, c.header...)
			e := s.reader(t).fails(c.kind)
			if e.Native != fmt.Sprint(c.status) {
				t.Errorf("native %q", e.Native)
			}
			if want := noon.Add(c.retry); !e.RetryAt.Equal(want) {
				t.Errorf("retry at %v, want %v", e.RetryAt, want)
			}
		})
	}
}

func TestMissingForAWeekIsGone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.reader(t)
	s.text("/feed", "application/rss+xml", rss("", "1=a"))
	r.must()
	s.page("/feed", nil)
	if got := r.must(); len(got.Events) != 0 || got.Wait != 15*time.Minute {
		t.Errorf("the first 404: %s, wait %v", said(got.Events), got.Wait)
	}
	s.clock.Advance(time.Hour)
	if e := r.fails(network.Transient); e.Help != "feed.help.missing" {
		t.Errorf("help %q", e.Help)
	}
	s.clock.Advance(6*24*time.Hour + 22*time.Hour)
	r.fails(network.Transient)
	s.clock.Advance(time.Hour)
	r.fails(network.Gone)
	s.text("/feed", "application/rss+xml", rss("", "2=b", "1=a"))
	if got, want := said(r.must().Events), lines(`message 2 "b"`); got != want {
		t.Errorf("when it is back: %swant %s", got, want)
	}
	s.page("/feed", nil)
	if got := r.must(); len(got.Events) != 0 {
		t.Error("the week does not begin anew")
	}
}

func TestUnreadableKeepsTheLastGoodState(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":          "",
		"a page":         "<!doctype html><title>Sorry</title><p>Back soon",
		"other JSON":     `{"items":[{"id":"x"}]}`,
		"other XML":      `<?xml version="1.0"?><urlset><url/></urlset>`,
		"words":          "Internal error",
		"cut before all": `<rss version="2.0"><channel><title>T</title><item><guid>9</gu`,
		"cut JSON":       `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"9"`,
		"nothing but <":  "<",
		"zeros":          strings.Repeat("\x00", 100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r := s.reader(t)
			s.text("/feed", "application/rss+xml", rss("", "1=a"))
			r.must()
			s.text("/feed", "application/rss+xml", body)
			if e := r.fails(network.Transient); e.Help != "feed.help.unreadable" || e.RetryAt.IsZero() {
				t.Errorf("help %q, retry at %v", e.Help, e.RetryAt)
			}
			s.text("/feed", "application/rss+xml", rss("", "2=b", "1=a"))
			if got, want := said(r.must().Events), lines(`message 2 "b"`); got != want {
				t.Errorf("afterwards: %swant %s", got, want)
			}
		})
	}
}

func TestMovedForGoodOnly(t *testing.T) {
	t.Parallel()
	to := func(s *site, path string, code int, target string) {
		s.status(path, code, "Location", target)
	}
	cases := []struct {
		name  string
		build func(*site)
		want  string // path; "" is not moved
	}{
		{"301", func(s *site) { to(s, "/feed", 301, "/new") }, "/new"},
		{"308", func(s *site) { to(s, "/feed", 308, "/new") }, "/new"},
		{"302", func(s *site) { to(s, "/feed", 302, "/new") }, ""},
		{"307", func(s *site) { to(s, "/feed", 307, "/new") }, ""},
		{"301 then 301", func(s *site) { to(s, "/feed", 301, "/between"); to(s, "/between", 301, "/new") }, "/new"},
		{"301 then 302", func(s *site) { to(s, "/feed", 301, "/between"); to(s, "/between", 302, "/new") }, "/between"},
		{"302 then 301", func(s *site) { to(s, "/feed", 302, "/between"); to(s, "/between", 301, "/new") }, ""},
		{"with a fragment", func(s *site) { to(s, "/feed", 301, "/new#top") }, "/new"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.text("/new", "application/rss+xml", rss("", "1=a"))
			c.build(s)
			want := ""
			if c.want != "" {
				want = s.URL + c.want
			}
			page := s.reader(t).must()
			if page.Moved != want || len(page.Events) != 1 {
				t.Errorf("moved to %q with %d events, want %q", page.Moved, len(page.Events), want)
			}
		})
	}
}

func TestMovedToNoFeedIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.status("/feed", 301, "Location", "/login")
	s.text("/login", "text/html", "<html><title>Sign in to the café's network</title>")
	if page, err := s.reader(t).poll(); err == nil || page.Moved != "" {
		t.Errorf("a captive portal moved the feed to %q", page.Moved)
	}
}

func TestAMovedAccountIsReadAtItsNewAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.text("/new", "application/rss+xml", rss("", "1=a"))
	a := s.account()
	a.Extra = map[string]string{feed.ExtraAddress: s.URL + "/new"}
	page, err := s.Poll(context.Background(), a, network.Items, network.Cursor{})
	if err != nil || page.Moved != "" {
		t.Fatalf("moved %q, %v", page.Moved, err)
	}
	if p := page.Events[0].Post.Author; p.Instance != a.Instance || p.RemoteID != a.RemoteID {
		t.Errorf("moving made the author somebody else: %+v", p)
	}
	if got := s.asked(); strings.Join(got, " ") != "/new" {
		t.Errorf("asked %v", got)
	}
}

func TestRedirectsInACircle(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.status("/feed", 302, "Location", "/b")
	s.status("/b", 302, "Location", "/feed")
	if e := s.reader(t).fails(network.Transient); e.Native != "redirects" {
		t.Errorf("native %q", e.Native)
	}
	if n := len(s.asked()); n > 11 {
		t.Errorf("%d requests", n)
	}
	_, err := signIn(s, s.URL+"/feed")
	if e := refused(t, network.BadInput, nil, err); e.Help != "feed.help.redirects" {
		t.Errorf("help %q", e.Help)
	}
}

func TestTheGuardOfTheClientIsKept(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.status("/feed", 302, "Location", "/elsewhere")
	s.text("/elsewhere", "application/rss+xml", rss("", "1=a"))
	guarded := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("not there") }}
	n := feed.New(network.Env{HTTP: &guarded, Now: s.clock.Now})
	_, err := n.Poll(context.Background(), s.account(), network.Items, network.Cursor{})
	refused(t, network.Transient, nil, err)
	if got := strings.Join(s.asked(), " "); got != "/feed" {
		t.Errorf("asked %s", got)
	}
	if guarded.CheckRedirect == nil {
		t.Error("the client was changed")
	}
}

func TestErrorsDoNotTellTheAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := s.account()
	a.Instance = "http://127.0.0.1:1/feed?token=hush-hush"
	_, err := s.Poll(context.Background(), a, network.Items, network.Cursor{})
	e := refused(t, network.Transient, nil, err)
	if strings.Contains(e.Error(), "hush") || e.RetryAt.IsZero() {
		t.Errorf("%v, retry at %v", e, e.RetryAt)
	}
}

func TestACancelledContextIsItsOwnError(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(context.Background())
	s.page("/feed", func(http.ResponseWriter, *http.Request) { cancel() })
	if _, err := s.Poll(ctx, s.account(), network.Items, network.Cursor{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header []string
		extra  string
		want   time.Duration
	}{
		"nothing told":          {nil, "", 15 * time.Minute},
		"ttl":                   {nil, "<ttl>60</ttl>", time.Hour},
		"ttl sooner":            {nil, "<ttl>10</ttl>", 10 * time.Minute},
		"ttl far too soon":      {nil, "<ttl>1</ttl>", 5 * time.Minute},
		"ttl of a year":         {nil, "<ttl>525600</ttl>", 24 * time.Hour},
		"ttl of nonsense":       {nil, "<ttl>soon</ttl>", 15 * time.Minute},
		"ttl below zero":        {nil, "<ttl>-60</ttl>", 15 * time.Minute},
		"hourly":                {nil, "<sy:updatePeriod>hourly</sy:updatePeriod>", time.Hour},
		"six times a day":       {nil, "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>6</sy:updateFrequency>", 4 * time.Hour},
		"frequency of zero":     {nil, "<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", time.Hour},
		"frequency of billions": {nil, "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>9000000000</sy:updateFrequency>", 15 * time.Minute},
		"max-age":               {[]string{"Cache-Control", "public, max-age=1800"}, "", 30 * time.Minute},
		"max-age sooner":        {[]string{"Cache-Control", "max-age=300"}, "", 5 * time.Minute},
		"max-age 0":             {[]string{"Cache-Control", "max-age=0"}, "", 15 * time.Minute},
		"no-cache":              {[]string{"Cache-Control", "no-cache, max-age=9000"}, "", 15 * time.Minute},
		"max-age of ages":       {[]string{"Cache-Control", "max-age=31536000"}, "", 24 * time.Hour},
		"max-age overflowing":   {[]string{"Cache-Control", "max-age=99999999999999999999"}, "", 15 * time.Minute},
		"expires":               {[]string{"Expires", "Thu, 12 Nov 2026 12:40:00 GMT", "Date", "Thu, 12 Nov 2026 12:00:00 GMT"}, "", 40 * time.Minute},
		"expired":               {[]string{"Expires", "Thu, 12 Nov 2026 11:00:00 GMT", "Date", "Thu, 12 Nov 2026 12:00:00 GMT"}, "", 15 * time.Minute},
		"the longer of two":     {[]string{"Cache-Control", "max-age=600"}, "<ttl>120</ttl>", 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.page("/feed", func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(c.header); i += 2 {
					w.Header().Set(c.header[i], c.header[i+1])
				}
				fmt.Fprint(w, rss(c.extra, "1=a"))
			})
			if got := s.reader(t).must().Wait; got != c.want {
				t.Errorf("wait %v, want %v", got, c.want)
			}
		})
	}
}
