package mastodon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/network"
)

var today = time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)

func reader() *Network {
	return New(network.Env{HTTP: http.DefaultClient, Now: func() time.Time { return today }})
}

// statusJSON is a post with one field changed.
func statusJSON(field string, value any) json.RawMessage {
	m := map[string]any{
		"id": "5", "created_at": "2026-11-12T11:00:00Z", "content": "<p>hello</p>", "visibility": "public",
		"account": map[string]any{"id": "7", "username": "ann", "acct": "ann@far.example", "url": "https://far.example/@ann"},
	}
	m[field] = value
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

// TestBadPosts: whatever a server tells of a post, it comes out as plain words,
// or not at all.
func TestBadPosts(t *testing.T) {
	t.Parallel()
	n := reader()
	read := func(t *testing.T, raw json.RawMessage) *network.Post {
		t.Helper()
		e, _, err := n.message(us(), network.KindMessage, raw, time.Time{})
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return e.Post
	}
	for _, c := range []struct{ name, content, want string }{
		{"script", `<p>a<script>alert(1)</script>b</p>`, "ab"},
		{"handler", `<p onclick="x()">a <img src=x onerror=alert(1)>b</p>`, "a b"},
		{"javascript link", `<p><a href="javascript:alert(1)">press</a></p>`, "press"},
		{"style", `<style>p{display:none}</style><p>seen</p>`, "seen"},
		{"U+0000", "<p>a\x00b</p>", "ab"},
		{"never closed", `<p>a <b>b`, "a b"},
		{"lines", `<p>one<br>two</p><p>three</p>`, "one\ntwo\n\nthree"},
		{"shortened address", `<p><a href="https://far.example/long/path"><span class="invisible">https://</span><span class="ellipsis">far.example/long</span><span class="invisible">/path</span></a></p>`, "far.example/long…"},
		{"nothing", ``, ""},
	} {
		p := read(t, statusJSON("content", c.content))
		if p.Text.Body != c.want {
			t.Errorf("%s: %q, want %q", c.name, p.Text.Body, c.want)
		}
		for _, s := range p.Text.Spans {
			if strings.HasPrefix(s.Target, "javascript:") {
				t.Errorf("%s: leads to %q", c.name, s.Target)
			}
		}
	}
	if p := read(t, statusJSON("content", "<p>\u202egnirts\u202c \u200fمرحبا</p>")); !strings.Contains(p.Text.Body, "مرحبا") || !utf8.ValidString(p.Text.Body) {
		t.Errorf("right to left: %q", p.Text.Body)
	}
	if p := read(t, json.RawMessage("{\"id\":\"5\",\"content\":\"a\xff\xfeb\",\"account\":{\"id\":\"7\",\"display_name\":\"\xc3\x28\"}}")); !utf8.ValidString(p.Text.Body + p.Author.Name) {
		t.Errorf("invalid UTF-8: %q by %q", p.Text.Body, p.Author.Name)
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "//far.example", "http://", strings.Repeat("h", 5000), "\x00"} {
		p := read(t, statusJSON("account", map[string]any{"id": "7", "username": "ann", "avatar": bad, "url": bad}))
		if p.Author.Avatar != "" || p.Author.URL != "" {
			t.Errorf("the address %q is kept", bad)
		}
		if p = read(t, statusJSON("url", bad)); p.URL != "" {
			t.Errorf("the address %q is kept", bad)
		}
	}
	p := read(t, statusJSON("account", map[string]any{"id": "7", "username": "ann", "display_name": strings.Repeat("Ann\n\x00", 1000)}))
	if len(p.Author.Name) > maxName || strings.ContainsAny(p.Author.Name, "\n\x00") {
		t.Errorf("a name of %d bytes: %.40q", len(p.Author.Name), p.Author.Name)
	}
	for _, wrong := range []any{nil, 5, "x", []int{1}, map[string]any{"a": 1}, true} {
		for _, field := range []string{"content", "created_at", "edited_at", "visibility", "mentions", "media_attachments", "in_reply_to_id", "poll", "quote", "url", "spoiler_text", "favourites_count", "reblog", "tags", "pleroma"} {
			read(t, statusJSON(field, wrong)) // a field of the wrong kind spoils only itself
		}
	}
	for _, raw := range []string{``, `null`, `[]`, `{}`, `{"id":"5"}`, `{"id":"5","account":{}}`, `{"id":"5","account":{"id":" "}}`, `{"id":"a\u0000b","account":{"id":"7"}}`, `"x"`, `{"id":`} {
		if _, _, err := n.message(us(), network.KindMessage, json.RawMessage(raw), time.Time{}); network.KindOf(err) != network.Transient {
			t.Errorf("%q is read: %v", raw, err)
		}
	}
}

// TestTimes: a time that cannot be meant is not told; whoever stores the post
// goes by when it was seen.
func TestTimes(t *testing.T) {
	t.Parallel()
	n := reader()
	for told, want := range map[string]time.Time{
		"2026-11-12T11:00:00.123Z":         time.Date(2026, 11, 12, 11, 0, 0, 123e6, time.UTC),
		"2026-11-12T13:00:00+02:00":        time.Date(2026, 11, 12, 11, 0, 0, 0, time.UTC),
		"2026-11-13T11:00:00Z":             time.Date(2026, 11, 13, 11, 0, 0, 0, time.UTC), // within a day: clocks differ
		"2006-01-02":                       time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC),
		"1601-01-01T00:00:00Z":             {},
		"1999-12-31T23:59:59Z":             {},
		"2026-11-13T12:00:01Z":             {},
		"2999-01-01T00:00:00Z":             {},
		"99999-01-01T00:00:00Z":            {},
		"yesterday":                        {},
		"":                                 {},
		"2026-11-12T11:00:00.123456789Z":   time.Date(2026, 11, 12, 11, 0, 0, 123456e3, time.UTC),
		"2026-11-12T11:00:00.1234567890Z_": {},
	} {
		e, _, err := n.message(us(), network.KindMessage, statusJSON("created_at", told), time.Time{})
		if err != nil || !e.Post.Created.Equal(want) {
			t.Errorf("%q: created %v, %v, want %v", told, e.Post.Created, err, want)
		}
		if !e.At.Equal(today) {
			t.Errorf("%q: the event is at %v", told, e.At)
		}
	}
}

func TestIdsStayExact(t *testing.T) {
	t.Parallel()
	n := reader()
	raw := json.RawMessage(`{"id":9007199254740993,"in_reply_to_id":109876543210987654321,"account":{"id":9007199254740995,"username":"ann"}}`)
	e, _, err := n.message(us(), network.KindMessage, raw, time.Time{})
	if err != nil || e.Post.ID != "9007199254740993" || e.Post.ParentID != "109876543210987654321" || e.Post.Author.RemoteID != "9007199254740995" {
		t.Errorf("%+v, %v", e.Post, err)
	}
}

func TestPollQuoteAndMedia(t *testing.T) {
	t.Parallel()
	n := reader()
	read := func(field string, v any) *network.Post {
		e, _, err := n.message(us(), network.KindMessage, statusJSON(field, v), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return e.Post
	}
	p := read("poll", map[string]any{"options": []map[string]any{{"title": "tea"}, {"title": "cof\x00fee"}}})
	if p.Text.Body != "hello\n\n○ tea\n○ coffee" {
		t.Errorf("a poll says %q", p.Text.Body)
	}
	for _, q := range []any{
		map[string]any{"state": "accepted", "quoted_status": map[string]any{"id": "77"}}, map[string]any{"quoted_status_id": "77"},
	} {
		if p = read("quote", q); p.QuoteID != "77" {
			t.Errorf("%v quotes %q", q, p.QuoteID)
		}
	}
	if p = read("pleroma", map[string]any{"quote_id": "77"}); p.QuoteID != "77" {
		t.Errorf("Pleroma quotes %q", p.QuoteID)
	}
	p = read("media_attachments", []map[string]any{
		{"type": "image", "url": "https://far.example/1.png", "description": "a\x00 lamp", "meta": map[string]any{"original": map[string]any{"width": 4, "height": 3}}},
		{"type": "unknown", "url": nil, "remote_url": "https://far.example/2.pdf"},
		{"type": "image", "url": "javascript:x", "meta": map[string]any{"original": map[string]any{"width": -4, "height": 1 << 30}}},
	})
	if got := fmt.Sprintf("%s %s %q %dx%d|%s %s|%s %q %d", p.Media[0].Kind, p.Media[0].URL, p.Media[0].Alt, p.Media[0].Width, p.Media[0].Height,
		p.Media[1].Kind, p.Media[1].URL, p.Media[2].Kind, p.Media[2].URL, p.Media[2].Height); got != `image https://far.example/1.png "a lamp" 4x3|file https://far.example/2.pdf|image "" 0` {
		t.Errorf("media: %s", got)
	}
}

func TestVisibilityHeard(t *testing.T) {
	t.Parallel()
	for told, want := range map[string]network.Visibility{
		"public": network.Public, "unlisted": network.Unlisted, "private": network.Followers, "direct": network.DirectTo,
		"local": network.Followers, "mutuals_only": network.DirectTo, "list:7": network.DirectTo, "": network.DirectTo, "PUBLIC": network.DirectTo,
	} {
		if got := heard(told); got != want {
			t.Errorf("%q is %q, want %q", told, got, want)
		}
	}
}

// checkPost is what must be true of everything that is read.
func checkPost(t *testing.T, e network.Event) {
	t.Helper()
	p := e.Post
	if p == nil {
		return
	}
	if p.ID == "" || p.Author.RemoteID == "" {
		t.Errorf("no id or no author: %+v", p)
	}
	for _, s := range []string{p.ID, p.URL, p.Version, p.ParentID, p.Text.Body, p.Lang, p.Warning, p.Author.Handle, p.Author.Name, p.Author.URL, p.Author.Avatar, p.QuoteID} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%q cannot be stored", s)
		}
	}
	for _, at := range []time.Time{p.Created, p.Indexed, p.Edited, e.At} {
		if !at.IsZero() && (at.Year() < 2000 || at.After(today.Add(24*time.Hour))) {
			t.Errorf("the time %v", at)
		}
	}
	for _, s := range p.Text.Spans {
		if s.Start < 0 || s.End > len(p.Text.Body) || s.Start >= s.End {
			t.Errorf("the span %+v of %d bytes", s, len(p.Text.Body))
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(statusJSON("content", "<p>hi <a href='https://x.example'>x</a></p>")))
	f.Add([]byte(statusJSON("poll", map[string]any{"options": []any{map[string]any{"title": "a"}}})))
	f.Add([]byte(`{"id":1,"account":{"id":2},"created_at":"1601-01-01T00:00:00Z","edited_at":"2999-01-01T00:00:00Z"}`))
	n := reader()
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, d := range []Dialect{Mastodon, Snac} {
			a := us()
			a.Extra[extraDialect] = string(d)
			if e, _, err := n.message(a, network.KindMessage, raw, time.Time{}); err == nil {
				checkPost(t, e)
			}
		}
	})
}

func FuzzNotification(f *testing.F) {
	f.Add([]byte(`{"id":"1","type":"mention","created_at":"2026-11-12T11:00:00Z","status":` + string(statusJSON("id", "5")) + `}`))
	f.Add([]byte(`{"event":"notification","payload":"{\"id\":\"1\",\"type\":\"mention\"}"}`))
	f.Add([]byte(`{"event":"delete","payload":"42"}`))
	f.Add([]byte(`{"event":"status.update","payload":{"id":"5","account":{"id":"7"}}}`))
	n := reader()
	f.Fuzz(func(t *testing.T, raw []byte) {
		if it, err := n.readNotification(us(), raw); err == nil && it.event != nil {
			checkPost(t, *it.event)
		}
		if e, ok := n.streamed(us(), raw); ok {
			checkPost(t, e)
			if e.Kind == network.KindGone && (e.Gone == nil || e.Gone.ID == "") {
				t.Errorf("gone, but not what: %q", raw)
			}
		}
	})
}

func FuzzRate(f *testing.F) {
	f.Add("300", "12", "2026-11-12T12:04:00Z", "Thu, 12 Nov 2026 12:00:00 GMT", "30")
	f.Add("-1", "999999999999999999999", "x", "y", "z")
	n := reader()
	f.Fuzz(func(t *testing.T, limit, left, reset, date, after string) {
		ans := answer{header: http.Header{"X-Ratelimit-Limit": {limit}, "X-Ratelimit-Remaining": {left}, "X-Ratelimit-Reset": {reset}, "Date": {date}, "Retry-After": {after}}}
		if w := n.yield(n.rate(ans)); w < 0 {
			t.Errorf("waits %v", w)
		}
		if at := n.retryAt(ans); at.Before(today) {
			t.Errorf("come back at %v", at)
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add([]byte(`{"error":"Validation failed","error_description":"x"}`), 422)
	f.Add([]byte(`<html>`), 502)
	n := reader()
	f.Fuzz(func(t *testing.T, body []byte, code int) {
		for _, effect := range []effect{reads, writes} {
			e := n.refusal(request{effect: effect}, answer{status: code, body: body, header: http.Header{}}, "secret")
			if e.Kind == "" || e.Native == "" || len(e.Message) > 200 || strings.Contains(e.Message, "secret") || strings.ContainsAny(e.Message, "\n\x00") {
				t.Errorf("%d %q: %+v", code, body, e)
			}
		}
	})
}
