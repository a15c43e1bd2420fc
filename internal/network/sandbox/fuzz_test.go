package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/network"
)

func fuzzed() (*Connector, network.Account) {
	now := time.Date(2026, 11, 12, 12, 0, 0, 0, time.UTC)
	c := NewConnector(network.Env{Now: func() time.Time { return now }}, Address)
	return c, network.Account{Instance: Address, Secret: network.Secret{Blob: []byte(`{"access":"sbx_a_secret","refresh":"sbx_r_secret"}`)}}
}

// checkEvent is what every event must hold, whatever a server sends.
func checkEvent(t *testing.T, e network.Event) {
	t.Helper()
	switch e.Kind {
	case network.KindGone:
		if e.Gone == nil || e.Gone.ID == "" {
			t.Error("gone, but not what")
		}
		return
	case network.KindHint:
		return
	case network.KindMessage, network.KindEdit:
	default:
		t.Fatalf("an event of kind %q", e.Kind)
	}
	p := e.Post
	if p == nil || p.ID == "" || p.Author.RemoteID == "" {
		t.Fatalf("a message without an id or author: %+v", p)
	}
	for _, s := range []string{p.ID, p.Version, p.URL, p.Text.Body, p.Warning, p.Lang, p.Author.Name, p.Author.Handle, p.Author.Avatar} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("text that can't be stored: %q", s)
		}
	}
	for _, u := range []string{p.URL, p.Author.URL, p.Author.Avatar} {
		if u != "" && !strings.HasPrefix(u, "http") {
			t.Errorf("an address of another kind: %q", u)
		}
	}
	end := 0
	for _, s := range p.Text.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(p.Text.Body) || !utf8.ValidString(p.Text.Body[s.Start:s.End]) {
			t.Errorf("span %+v in %q", s, p.Text.Body)
		}
		end = s.End
	}
	if y := p.Created.Year(); !p.Created.IsZero() && (y < 1990 || y > 2026) {
		t.Errorf("created in %d", y)
	}
	if p.Visibility == "" || p.Visibility == network.DirectTo && !e.Direct {
		t.Errorf("visibility %q, direct %v", p.Visibility, e.Direct)
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"events":[{"seq":7,"kind":"mention","at":"2026-11-12T09:00:00Z","post":{"id":"9007199254740993","seq":1,"version":"1","author":{"id":"p","handle":"a","name":"A"},"text":"hé @a https://x.example","spans":[{"s":0,"e":2,"k":"tag"},{"s":4,"e":6,"k":"mention","t":"p"}],"visibility":"public","created":"1601-01-01T00:00:00Z"}}],"next":7,"first":1}`))
	f.Add([]byte(`{"events":[{"kind":"delete","gone":"1"},{"kind":"edit"},{"kind":"dm","post":{"id":"x","author":{"id":"y"},"text":"\u0000\ud800","visibility":"wide open","media":[{"url":"javascript:1"}],"created":"2999-01-01T00:00:00Z"}}],"next":-1,"more":true}`))
	f.Add([]byte(`{"events":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, a := fuzzed()
		var p wirePage
		if json.Unmarshal(b, &p) != nil {
			return
		}
		page := c.page(p, a)
		if page.More && len(p.Events) == 0 {
			t.Error("more, but nothing came: an endless feed")
		}
		for _, e := range page.Events {
			checkEvent(t, e)
		}
		if n, ok := seqOf(page.Next); !ok || n < 0 {
			t.Errorf("a cursor that can't be read: %q", page.Next.Opaque)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(": open\n\nevent: mention\ndata: {\"kind\":\"mention\",\"post\":{\"id\":\"1\",\"author\":{\"id\":\"p\"},\"text\":\"a\"}}\n\n"))
	f.Add([]byte("data: {\n\ndata:\r\ndata: null\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, a := fuzzed()
		n := 0
		err := c.follow(bufio.NewReader(bytes.NewReader(b)), a, func(e network.Event) error {
			checkEvent(t, e)
			n++
			return nil
		})
		if err == nil {
			t.Error("a stream that ended reports no error")
		}
		if most := bytes.Count(b, []byte("data:")); n > most {
			t.Errorf("%d events of %d data lines", n, most)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add(429, `{"kind":"rate","native":"429","retry_at":"2026-11-12T12:05:00Z"}`, "", "")
	f.Add(429, `{"resets":"America/Los_Angeles"}`, "x", "2026-11-12T12:05:00Z")
	f.Add(400, "try again in 9 minutes, sbx_a_secret\n<script>", "-5", "")
	f.Add(503, "\xff\xfe", "", "")
	f.Fuzz(func(t *testing.T, status int, body, after, reset string) {
		if status < 300 || status > 599 {
			return
		}
		c, a := fuzzed()
		for _, write := range []bool{true, false} {
			res := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}, "X-Ratelimit-Reset": {reset}}}
			err := c.refusal(request{account: a, write: write}, res, []byte(body))
			e, ok := err.(*network.Error)
			if !ok || !known(e.Kind) || e.Native == "" {
				t.Fatalf("refusal %d %q is %#v", status, body, err)
			}
			if e.Kind == network.Ambiguous != (write && status >= 500) {
				t.Errorf("status %d of a write (%v) is %q", status, write, e.Kind)
			}
			if strings.Contains(err.Error(), "sbx_a_secret") {
				t.Error("the token is told")
			}
			if strings.ContainsAny(e.Message, "\n\x00") || !utf8.ValidString(e.Message) || len(e.Message) > 200 {
				t.Errorf("message %q", e.Message)
			}
			if !e.RetryAt.IsZero() && e.RetryAt.Before(c.env.Now()) {
				t.Errorf("come back at %v, which has passed", e.RetryAt)
			}
		}
	})
}
