package bluesky_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/outbound"
	"parley/internal/text"
)

const (
	ann    = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
	annURI = "at://" + ann + "/app.bsky.feed.post/3jzfcijpj2z2a"
)

// heard is what one notification with this record becomes; nil is a gap.
func heard(t *testing.T, r *rig, rec string) *network.Post {
	t.Helper()
	r.notifies(rec)
	events, _ := r.poll(network.Mentions, network.Cursor{})
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	if e := events[0]; (e.Kind == network.KindGap) != (e.Post == nil) {
		t.Fatalf("%+v", e)
	}
	return events[0].Post
}

// notifies answers with one notification about this record.
func (r *rig) notifies(rec string) {
	body := fmt.Sprintf(`{"notifications":[{"uri":%q,"cid":"bafyreia4g24gpgqaklcj7toojrwe7kcqvnmkhf6g5thjsgbocwxnha6chq",
		"author":{"did":%q,"handle":"ann.test","displayName":"Ann"},"reason":"mention","indexedAt":"2026-11-12T09:00:00Z","record":%s}]}`, annURI, ann, rec)
	r.instead("listNotifications", http.StatusOK, body)
}

func facetJSON(start, end int, feature string) string {
	return fmt.Sprintf(`{"index":{"byteStart":%d,"byteEnd":%d},"features":[%s]}`, start, end, feature)
}

// Bad input becomes clear words or a gap that is told, never a crash, never lost
// neighbours, never something that should not be shown.
func TestBadInput(t *testing.T) {
	t.Parallel()
	link := `{"$type":"app.bsky.richtext.facet#link","uri":"https://example.org/"}`
	quote := func(s string) string { raw, _ := json.Marshal(s); return string(raw) }
	for name, c := range map[string]struct {
		rec   string
		text  string
		spans int
	}{
		"U+0000":            {`{"text":"a\u0000b"}`, "ab", 0},
		"invalid UTF-8":     {"{\"text\":\"a\xff\xfeb\"}", "a\ufffd\ufffdb", 0},
		"half a surrogate":  {`{"text":"a\ud83dZ"}`, "a\ufffdZ", 0},
		"HTML":              {`{"text":"<script>alert(1)</script>"}`, "<script>alert(1)</script>", 0},
		"bidi override":     {`{"text":"cod\u202egpj.exe"}`, "cod\u202egpj.exe", 0}, // kept in store, taken out where it is shown
		"old line endings":  {`{"text":"a\r\nb\rc"}`, "a\nb\nc", 0},
		"facet beyond":      {`{"text":"hello","facets":[` + facetJSON(0, 9999, link) + `]}`, "hello", 0},
		"facet reversed":    {`{"text":"hello","facets":[` + facetJSON(4, 1, link) + `]}`, "hello", 0},
		"facet negative":    {`{"text":"hello","facets":[` + facetJSON(-3, 2, link) + `]}`, "hello", 0},
		"facet empty":       {`{"text":"hello","facets":[` + facetJSON(2, 2, link) + `]}`, "hello", 0},
		"facet cuts a rune": {`{"text":"漢字","facets":[` + facetJSON(0, 4, link) + `]}`, "漢字", 0},
		"facets overlap": {`{"text":"hello there","facets":[` + facetJSON(0, 8, link) + "," + facetJSON(6, 11, link) + "," + facetJSON(0, 5, link) + `]}`,
			"hello there", 1},
		"facet behind U+0000":     {`{"text":"\u0000\u0000go https://example.org/","facets":[` + facetJSON(5, 25, link) + `]}`, "go https://example.org/", 1},
		"facet of U+0000 alone":   {`{"text":"a\u0000b","facets":[` + facetJSON(1, 2, link) + `]}`, "ab", 0},
		"facet to javascript":     {`{"text":"click","facets":[` + facetJSON(0, 5, `{"$type":"app.bsky.richtext.facet#link","uri":"javascript:alert(1)"}`) + `]}`, "click", 0},
		"mention of no DID":       {`{"text":"@ann","facets":[` + facetJSON(0, 4, `{"$type":"app.bsky.richtext.facet#mention","did":"ann"}`) + `]}`, "@ann", 0},
		"feature of another kind": {`{"text":"hello","facets":[` + facetJSON(0, 5, `{"$type":"com.example.sparkle"}`) + `]}`, "hello", 0},
		"no text":                 {`{"createdAt":"2026-11-12T09:00:00Z"}`, "", 0},
		"reply to nonsense":       {`{"text":"x","reply":{"root":{"uri":"javascript:1"},"parent":{"uri":"at://../../x"}}}`, "x", 0},
		"embed of another kind":   {`{"text":"x","embed":{"$type":"com.example.embed","images":{"a":1},"record":7}}`, "x", 0},
		"video that is a link":    {`{"text":"x","embed":{"$type":"com.example.embed","video":"https://example.org/"}}`, "x", 0},
		"feature with a number":   {`{"text":"hello","facets":[` + facetJSON(0, 5, `{"$type":"com.example.sparkle","tag":5},`+link) + `]}`, "hello", 1},
		"facets of another kind":  {`{"text":"hello","facets":["x",` + facetJSON(0, 5, link) + `]}`, "hello", 1},
		"labels of another kind":  {`{"text":"x","labels":{"$type":"com.example.labels","values":"x"}}`, "x", 0},
		"everything else is odd":  {`{"text":"x","createdAt":5,"langs":"de","reply":[],"facets":{},"labels":[],"embed":"e"}`, "x", 0},
		"10 MB of text":           {`{"text":` + quote(strings.Repeat("lorem ", 10<<20/6)) + `}`, "GAP", 0},
		"60 kB of text":           {`{"text":` + quote(strings.Repeat("lorem ", 10_000)) + `}`, strings.Repeat("lorem ", 10_000), 0},
		"text is a list":          {`{"text":[]}`, "GAP", 0},
		"a record that is a word": {`"x"`, "GAP", 0},
		"a record without an end": {`{"text":"` + strings.Repeat("lorem ", 12_000) + `"}`, "GAP", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := setup(t)
			if strings.HasPrefix(name, "10 MB") {
				r.instead("listNotifications", http.StatusOK, `{"notifications":[{"record":`+c.rec+`}]}`)
				_, err := r.n.Poll(r.ctx, r.a, network.Mentions, network.Cursor{})
				wants(t, name, err, network.Transient, "")
				return
			}
			p := heard(t, r, c.rec)
			if c.text == "GAP" {
				if p != nil {
					t.Errorf("it became %+v", p)
				}
				return
			}
			if p == nil {
				t.Fatal("it was lost")
			}
			if p.Text.Body != c.text || len(p.Text.Spans) != c.spans {
				t.Errorf("it reads %.80q with spans %+v", p.Text.Body, p.Text.Spans)
			}
			if p.ParentID != "" || p.RootID != "" || strings.Contains(p.Text.Body, "\x00") {
				t.Errorf("%+v", p.Ref)
			}
			for _, s := range p.Text.Spans {
				if p.Text.Body[s.Start:s.End] == "" || s.Kind == text.Link && !strings.HasPrefix(s.Target, "https://") {
					t.Errorf("span %+v", s)
				}
			}
		})
	}
}

// What cannot be read is met again by every poll that overlaps, and told once.
func TestAGapIsToldOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.notifies(`{"text":[]}`)
	r.instead("listRecords", http.StatusOK, `{"records":[{"uri":"at://`+r.a.RemoteID+`/app.bsky.feed.post/3jzfcijpj2z2a","cid":"c","value":{"text":5}}]}`)
	for _, f := range []network.Feed{network.Mentions, network.Own} {
		events, next := r.poll(f, network.Cursor{})
		if len(events) != 1 || events[0].Kind != network.KindGap || events[0].Note == "" || events[0].At.IsZero() {
			t.Errorf("%s: %+v", f, events)
		}
		for _, pause := range []time.Duration{time.Second, time.Minute, time.Hour, 23 * time.Hour} {
			r.clock.Advance(pause)
			if events, next = r.poll(f, next); len(events) != 0 {
				t.Errorf("%s: told again after %v: %+v", f, pause, events)
			}
		}
		if strings.Contains(string(next.Opaque), "did:") {
			t.Errorf("%s: the bookmark names somebody: %s", f, next.Opaque)
		}
	}
}

// Likes, and records of other kinds, are none of our business and no gaps.
func TestOtherRecordsAreNoGaps(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.instead("listNotifications", http.StatusOK, `{"notifications":[{"uri":5,"reason":"like","record":7},
		{"uri":"at://`+ann+`/com.example.note/3jzfcijpj2z2a","cid":"c","author":{"did":"`+ann+`"},"reason":"mention","record":{"text":"x"}}]}`)
	if events, _ := r.poll(network.Mentions, network.Cursor{}); len(events) != 0 {
		t.Errorf("%+v", events)
	}
}

// A direct message whose attachment is of a new kind is heard; one that cannot be
// read is told of.
func TestDirectMessagesOfAnotherShape(t *testing.T) {
	t.Parallel()
	r := setup(t)
	_, next := r.poll(network.Direct, network.Cursor{})
	r.instead("getLog", http.StatusOK, `{"cursor":"z","logs":[
		{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c","message":{"id":"m1","text":"look","embed":{"record":"odd"},"sender":{"did":"`+ann+`"},"sentAt":"2026-11-12T09:00:00Z"}},
		{"$type":"chat.bsky.convo.defs#logCreateMessage","convoId":"c","message":{"id":5,"text":"lost","sender":{"did":"`+ann+`"}}}]}`)
	r.instead("getConvo", http.StatusOK, `{"convo":{"id":"c"}}`)
	p, err := r.n.Poll(r.ctx, r.a, network.Direct, next)
	if err != nil || len(p.Events) != 2 || p.Events[0].Post == nil || p.Events[0].Post.Text.Body != "look" || p.Events[1].Kind != network.KindGap {
		t.Errorf("%+v, %v", p.Events, err)
	}
}

func TestDatesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ created, indexed, want string }{
		"as it should be":     {"2026-11-12T08:59:00Z", "2026-11-12T09:00:00Z", "2026-11-12T08:59:00Z"},
		"1601":                {"1601-01-01T00:00:00Z", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"},
		"2999":                {"2999-01-01T00:00:00Z", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"},
		"both 1601":           {"1601-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "2026-11-12T09:30:00Z"},
		"both 2999":           {"2999-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2026-11-12T09:30:00Z"},
		"nonsense":            {"yesterday", "soon", "2026-11-12T09:30:00Z"},
		"year 10000":          {"+010000-01-01T00:00:00Z", "2026-11-12T09:00:00Z", "2026-11-12T09:00:00Z"},
		"with another zone":   {"2026-11-12T10:00:00+02:00", "2026-11-12T09:00:00Z", "2026-11-12T08:00:00Z"},
		"an imported archive": {"2009-06-01T12:00:00Z", "2026-11-12T09:00:00Z", "2009-06-01T12:00:00Z"},
	} {
		r := setup(t)
		r.instead("listNotifications", http.StatusOK, fmt.Sprintf(`{"notifications":[{"uri":%q,"cid":"c","author":{"did":%q},"reason":"mention",
			"indexedAt":%q,"record":{"text":"x","createdAt":%q}}]}`, annURI, ann, c.indexed, c.created))
		events, next := r.poll(network.Mentions, network.Cursor{})
		if len(events) != 1 {
			t.Fatalf("%s: %d events", name, len(events))
		}
		if got := events[0].Post.Created.Format(time.RFC3339); got != c.want {
			t.Errorf("%s: created %s, want %s", name, got, c.want)
		}
		if events[0].At.After(r.clock.Now()) || events[0].At.IsZero() {
			t.Errorf("%s: it happened at %v", name, events[0].At)
		}
		// Whatever the date, what is said afterwards is heard.
		r.wire.mu.Lock()
		r.wire.answer = nil
		r.wire.mu.Unlock()
		r.clock.Advance(time.Minute)
		ref := r.fake.Say(stranger("ben", "and now?"))
		if events, _ := r.poll(network.Mentions, next); find(events, ref.ID) == nil {
			t.Errorf("%s: what came after it was lost", name)
		}
	}
}

func TestPeopleWithOddNames(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.instead("listNotifications", http.StatusOK, fmt.Sprintf(`{"notifications":[{"uri":%q,"cid":"c","reason":"mention","record":{"text":"x"},
		"indexedAt":"2026-11-12T09:00:00Z","author":{"did":%q,"handle":"evil\u202e.test","displayName":"Ann\u0000\n\nAdmin%s","avatar":"javascript:alert(1)"}}]}`,
		annURI, ann, strings.Repeat("x", 5000)))
	events, _ := r.poll(network.Mentions, network.Cursor{})
	who := events[0].Post.Author
	if who.Handle != "" || who.Avatar != "" || !strings.HasPrefix(who.Name, "Ann Admin") || len(who.Name) > 640 || who.RemoteID != ann {
		t.Errorf("%+v", who)
	}
}

func TestThreadsThatCannotBe(t *testing.T) {
	t.Parallel()
	node := func(key, parent, rest string) string {
		uri := "at://" + ann + "/app.bsky.feed.post/" + key
		return fmt.Sprintf(`{"post":{"uri":%q,"cid":"c","author":{"did":%q},"indexedAt":"2026-11-12T09:00:00Z",
			"record":{"text":"x","reply":{"root":{"uri":%q},"parent":{"uri":%q}}}}%s}`, uri, ann, annURI, "at://"+ann+"/app.bsky.feed.post/"+parent, rest)
	}
	a, b := "3jzfcijpj2z2a", "3jzfcijpj2z2b"
	cycle := node(a, b, `,"parent":`+node(b, a, `,"parent":`+node(a, b, ``))+`,"replies":[`+node(b, a, `,"replies":[`+node(a, b, ``)+`]`)+`]`)
	deep := node(a, b, "")
	for range 300 {
		deep = node(a, b, `,"replies":[`+deep+`]`)
	}
	for name, c := range map[string]struct {
		body  string
		posts int
		gone  int
		err   network.Kind
	}{
		"cyclic":      {`{"thread":` + cycle + `}`, 2, 0, ""},
		"very deep":   {`{"thread":` + deep + `}`, 1, 0, ""},
		"too deep":    {`{"thread":` + strings.Repeat(`{"parent":`, 20_000) + strings.Repeat(`}`, 20_000) + `}`, 0, 0, network.Transient},
		"not found":   {`{"thread":{"$type":"app.bsky.feed.defs#notFoundPost","uri":"` + annURI + `","notFound":true}}`, 0, 1, ""},
		"parent gone": {`{"thread":` + node(b, a, `,"parent":{"uri":"`+annURI+`","notFound":true}`) + `}`, 1, 1, ""},
		"blocked":     {`{"thread":{"uri":"` + annURI + `","blocked":true,"author":{"did":"` + ann + `"}}}`, 0, 1, ""},
		"gone where":  {`{"thread":{"uri":"javascript:1","notFound":true}}`, 0, 0, ""},
		"a number":    {`{"thread":5}`, 0, 0, network.Transient},
		"nothing":     {`{}`, 0, 0, network.Transient},
		"null":        {`{"thread":null}`, 0, 0, ""},
		"broken":      {`{"thread":{`, 0, 0, network.Transient},
	} {
		r := setup(t)
		r.instead("getPostThread", http.StatusOK, c.body)
		events, err := r.n.Thread(r.ctx, r.a, network.Ref{ID: annURI})
		if network.KindOf(err) != c.err {
			t.Errorf("%s: %v", name, err)
			continue
		}
		posts, gone := 0, 0
		for _, e := range events {
			if e.Kind == network.KindGone {
				gone++
			} else {
				posts++
			}
		}
		if posts != c.posts || gone != c.gone {
			t.Errorf("%s: %d posts, %d gone; want %d, %d", name, posts, gone, c.posts, c.gone)
		}
	}
	r := setup(t)
	_, err := r.n.Thread(r.ctx, r.a, network.Ref{ID: annURI})
	wants(t, "a thread nobody knows", err, network.Gone, "")
	_, err = r.n.Thread(r.ctx, r.a, network.Ref{ID: "https://elsewhere.example/1"})
	wants(t, "no thread at all", err, network.Gone, "")
}

func TestAnswersThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"broken JSON": `{"notifications":[`, "a page": "<!doctype html>", "nothing": "", "another shape": `{"notifications":"none"}`,
		"10 MB": strings.Repeat(" ", 10<<20),
	} {
		r := setup(t)
		for _, path := range []string{"listNotifications", "listRecords", "getLog", "listConvos", "getPosts"} {
			r.instead(path, http.StatusOK, body)
		}
		for _, f := range []network.Feed{network.Mentions, network.Own, network.Direct} {
			_, err := r.n.Poll(r.ctx, r.a, f, network.Cursor{})
			wants(t, name+", "+string(f), err, network.Transient, "")
		}
		_, err := r.n.Watch(r.ctx, r.a, []network.Ref{{ID: annURI, Version: "c"}})
		wants(t, name+", watching", err, network.Transient, "")
	}
	// "Absent" means gone, so an answer that tells nothing must not be one.
	r := setup(t)
	r.instead("getPosts", http.StatusOK, `{}`)
	_, err := r.n.Watch(r.ctx, r.a, []network.Ref{{ID: annURI, Version: "c"}})
	wants(t, "an empty object", err, network.Transient, "")
	r.instead("getPosts", http.StatusOK, `{"posts":[{"uri":"`+annURI+`","cid":5}]}`)
	if events, err := r.n.Watch(r.ctx, r.a, []network.Ref{{ID: annURI, Version: "c"}}); err != nil || len(events) != 0 {
		t.Errorf("a post that is there but cannot be read: %+v, %v", events, err)
	}
}

// The AppView learns of our own post a moment after the PDS has it.
func TestOurNewPostIsNotGone(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ours := r.send(r.plan(draft("just now"))).Ref
	r.instead("getPosts", http.StatusOK, `{"posts":[]}`)
	if events, err := r.n.Watch(r.ctx, r.a, []network.Ref{ours}); err != nil || len(events) != 0 {
		t.Errorf("%+v, %v", events, err)
	}
	if err := r.n.Delete(r.ctx, r.a, ours); err != nil {
		t.Fatal(err)
	}
	if events, err := r.n.Watch(r.ctx, r.a, []network.Ref{ours, {ID: "chat:a/b"}, {ID: "x"}}); err != nil || len(events) != 1 || events[0].Kind != network.KindGone {
		t.Errorf("%+v, %v", events, err)
	}
}

// Watching asks for twenty-five at a time.
func TestWatchInPortions(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var refs []network.Ref
	for i := range 60 {
		refs = append(refs, r.fake.Say(stranger("ann", fmt.Sprint("n ", i))))
	}
	r.fake.Change(refs[30], nil)
	edited := stranger("ann", "changed")
	r.fake.Change(refs[59], &edited)
	events, err := r.n.Watch(r.ctx, r.a, refs)
	if err != nil || len(events) != 2 || r.count("getPosts") != 3 {
		t.Fatalf("%d events, %d requests, %v", len(events), r.count("getPosts"), err)
	}
	i := slices.IndexFunc(events, func(e network.Event) bool { return e.Kind == network.KindEdit })
	if i < 0 || events[i].Post.ID != refs[59].ID || events[i].Post.Edited.IsZero() || !strings.HasSuffix(events[i].Post.Text.Body, "changed") {
		t.Errorf("%+v", events)
	}
}

// A handle's owner chooses where its well-known file sends us; the guarded
// client does not follow into a private network.
func TestRedirectsIntoPrivateNetworks(t *testing.T) {
	t.Parallel()
	r := setup(t)
	inside := r.a.Extra["pds"]
	r.env.HTTP = outbound.New(outbound.Options{})
	r.opt.Resolver, r.opt.PLC = nil, inside
	n := bluesky.New(r.env, r.opt)
	_, _, err := n.SignIn(r.ctx, fields("localhost.localdomain", "abcd-efgh-ijkl-mnop", ""))
	wants(t, "a handle that is this machine", err, network.BadInput, "bluesky.help.handle_not_found")
	_, _, err = n.SignIn(r.ctx, fields("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "abcd-efgh-ijkl-mnop", inside))
	wants(t, "a server that is this machine", err, network.BadInput, "bluesky.help.not_a_pds")
	if len(r.fake.Requests()) != 0 {
		t.Errorf("%d requests reached a private address", len(r.fake.Requests()))
	}
	// The same with loopback allowed, and a redirect to a network that is not.
	r.env.HTTP = outbound.New(outbound.Options{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, AnyPort: true})
	n = bluesky.New(r.env, r.opt)
	r.fake.Redirect("/xrpc/com.atproto.server.describeServer", "http://10.1.2.3/xrpc/com.atproto.server.describeServer")
	_, _, err = n.SignIn(r.ctx, fields("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "abcd-efgh-ijkl-mnop", inside))
	wants(t, "a redirect into a private network", err, network.BadInput, "bluesky.help.not_a_pds")
}
