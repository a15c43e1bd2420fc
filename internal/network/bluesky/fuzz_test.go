package bluesky

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/network"
	"parley/internal/text"
)

var at = time.Date(2026, 11, 12, 9, 30, 0, 0, time.UTC)

func quietNetwork() *Network {
	o := Defaults()
	o.Resolver = nil
	return New(network.Env{HTTP: &http.Client{}, Now: func() time.Time { return at }}, o)
}

// sound requires what a post promises to everything behind it.
func sound(t *testing.T, e network.Event) {
	t.Helper()
	p := e.Post
	if p == nil || p.ID == "" || p.Author.RemoteID == "" || e.At.IsZero() || e.At.After(at) || p.Created.After(at) || p.Created.Before(floor) {
		t.Fatalf("event %+v, post %+v", e, p)
	}
	soundText(t, p.Text)
	for _, s := range []string{p.Author.Name, p.Author.Handle, p.Lang, p.Warning, p.Version, p.ParentID, p.RootID, p.QuoteID} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || strings.Contains(s, "\n") {
			t.Fatalf("%q is in post %+v", s, p)
		}
	}
	for _, m := range p.Media {
		if m.URL != "" && !strings.HasPrefix(m.URL, "http") || m.Width < 0 || m.Size < 0 || !utf8.ValidString(m.Alt) || strings.ContainsRune(m.Alt, 0) {
			t.Fatalf("media %+v", m)
		}
	}
}

func soundText(t *testing.T, x text.Text) {
	t.Helper()
	if !utf8.ValidString(x.Body) || strings.ContainsRune(x.Body, 0) {
		t.Fatalf("body %q", x.Body)
	}
	end := 0
	for _, s := range x.Spans {
		if s.Start < end || s.End <= s.Start || s.End > len(x.Body) || !utf8.RuneStart(x.Body[s.Start]) ||
			s.End < len(x.Body) && !utf8.RuneStart(x.Body[s.End]) || s.Target == "" {
			t.Fatalf("span %+v of %q", s, x.Body)
		}
		end = s.End
	}
}

const seedPost = `{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a","cid":"c","reason":"mention",
	"author":{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","handle":"ann.test","displayName":"Ann","avatar":"https://a.example/x"},
	"indexedAt":"2026-11-12T09:00:00Z","labels":[{"val":"nudity"}],
	"record":{"text":"hi 漢 @ann","createdAt":"2026-11-12T08:00:00Z","langs":["de"],
		"facets":[{"index":{"byteStart":3,"byteEnd":6},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"x"}]}],
		"reply":{"root":{"uri":"at://did:plc:a/app.bsky.feed.post/3jzfcijpj2z2a","cid":"c"},"parent":{"uri":"x","cid":""}},
		"embed":{"$type":"app.bsky.embed.recordWithMedia","record":{"record":{"uri":"at://did:plc:a/app.bsky.feed.post/3jzfcijpj2z2a"}},
			"media":{"$type":"app.bsky.embed.images","images":[{"alt":"a","image":{"ref":{"$link":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},"mimeType":"image/png","size":5},"aspectRatio":{"width":1,"height":2}}]}}}}`

func FuzzNotification(f *testing.F) {
	f.Add([]byte(seedPost))
	f.Add([]byte(strings.Replace(seedPost, "hi 漢", `\u0000\u202e\ud800`, 1)))
	f.Add([]byte(strings.Replace(seedPost, `"byteStart":3`, `"byteStart":-9223372036854775808`, 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := quietNetwork()
		for _, e := range n.notified(network.Account{RemoteID: "did:plc:us"}, each[notification]([]json.RawMessage{raw}), &network.Told{}) {
			sound(t, e)
		}
		if e, ok := n.event(network.Account{}, readPost(raw).said()); ok {
			sound(t, e)
		}
	})
}

func FuzzThread(f *testing.F) {
	f.Add([]byte(`{"post":` + seedPost + `,"parent":{"uri":"at://did:plc:a/app.bsky.feed.post/3jzfcijpj2z2a","notFound":true},"replies":[{"post":` + seedPost + `},null,{"blocked":true}]}`))
	f.Add([]byte(`{"replies":[{"replies":[{"parent":{"parent":null}}]}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var node threadNode
		if json.Unmarshal(raw, &node) != nil {
			return
		}
		w := walk{n: quietNetwork(), a: network.Account{RemoteID: "did:plc:us"}, seen: map[string]bool{}}
		w.node(&node)
		for _, e := range w.out {
			if e.Kind == network.KindGone {
				if postID(e.Gone.ID) == "" {
					t.Fatalf("gone: %+v", e.Gone)
				}
				continue
			}
			sound(t, e)
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"uri":"at://did:plc:us/app.bsky.feed.post/3jzfcijpj2z2a","cid":"c","value":{"text":"x","embed":{"$type":"app.bsky.embed.video","video":{"size":-1}}}}`))
	f.Add([]byte(`{"uri":"at://did:plc:us/app.bsky.feed.post/3jzfcijpj2z2a","value":{"embed":{"media":{"media":{"images":[{}]}}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := quietNetwork()
		for _, e := range n.ownEvents(network.Account{RemoteID: "did:plc:us"}, each[repoRecord]([]json.RawMessage{raw}), &network.Told{}) {
			sound(t, e)
		}
		if s, err := standingOf("at://did:plc:us/app.bsky.feed.post/3jzfcijpj2z2a", "bafyreia4g24gpgqaklcj7toojrwe7kcqvnmkhf6g5thjsgbocwxnha6chq", raw, false); err == nil {
			if !validCID(s.root.CID) || postID(s.root.URI) == "" {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func FuzzFacets(f *testing.F) {
	f.Add("hi 漢 \x00 @ann\r\n", []byte(`[{"index":{"byteStart":3,"byteEnd":6},"features":[{"$type":"app.bsky.richtext.facet#tag","tag":"x"}]}]`))
	f.Add("a\xffb", []byte(`[{"index":{"byteStart":0,"byteEnd":2},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://a.example"}]},
		{"index":{"byteStart":1,"byteEnd":3},"features":[{"$type":"app.bsky.richtext.facet#mention","did":"did:plc:a"}]}]`))
	f.Fuzz(func(t *testing.T, body string, raw []byte) {
		var facets []facet
		if json.Unmarshal(raw, &facets) != nil {
			return
		}
		soundText(t, richText(body, facets))
	})
}

func FuzzChat(f *testing.F) {
	f.Add([]byte(`{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c","message":{"$type":"chat.bsky.convo.defs#messageView","id":"m","rev":"3","text":"hi","sender":{"did":"did:plc:a"},"sentAt":"2026-11-12T09:00:00Z"}}`))
	f.Add([]byte(`{"convoId":"a/b\n","message":{"id":"\u0000","sender":{"did":"did:plc:a"},"embed":{"record":{"uri":"x"}}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, l := range each[logEntry]([]json.RawMessage{raw}) {
			if l.Message == nil {
				continue
			}
			c := convo{ID: l.ConvoID, Members: []profile{{DID: "did:plc:a"}, {DID: "x"}}}
			if e, ok := quietNetwork().directEvent(network.Account{RemoteID: "did:plc:us"}, c, *l.Message); ok {
				sound(t, e)
				if e.Post.Visibility != network.DirectTo || !e.Direct {
					t.Fatalf("%+v", e)
				}
			}
		}
	})
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"id":"did:plc:a","alsoKnownAs":["at://ann.test"],"service":[{"id":"#atproto_pds","type":"AtprotoPersonalDataServer","serviceEndpoint":"https://pds.example"}]}`), "a.eyJzY29wZSI6IngiLCJleHAiOjEsImlhdCI6MX0.b", "@Ann.Test")
	f.Fuzz(func(t *testing.T, raw []byte, token, handle string) {
		if d, err := parseDocument(raw, "did:plc:a"); err == nil && d.PDS != "" &&
			!strings.HasPrefix(d.PDS, "https://") && !strings.HasPrefix(d.PDS, "http://localhost") && !strings.HasPrefix(d.PDS, "http://1") && !strings.HasPrefix(d.PDS, "http://[") {
			t.Fatalf("server %q", d.PDS)
		}
		if life := claimsOf(token).life(); life < 0 || life > maxLife {
			t.Fatalf("token lives %v", life)
		}
		if h := cleanHandle(handle); strings.ContainsAny(h, " \n\u202e") {
			t.Fatalf("handle %q", h)
		}
	})
}
