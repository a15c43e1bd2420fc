package bluesky_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/network"
)

// input is the request a step will send.
func input(t *testing.T, s network.Step) map[string]any {
	t.Helper()
	var f struct{ Input map[string]any }
	if err := json.Unmarshal(s.Body, &f); err != nil {
		t.Fatal(err)
	}
	return f.Input
}

func TestPlanIsFrozen(t *testing.T) {
	t.Parallel()
	r := setup(t)
	d := draft("The bridge opens at noon.")
	d.At = r.clock.Now()
	first := r.plan(d)
	r.clock.Advance(time.Hour)
	second := r.plan(d)
	if !bytes.Equal(first.Steps[0].Body, second.Steps[0].Body) || first.Steps[0].WantID != second.Steps[0].WantID {
		t.Errorf("the same draft is planned as\n %s\nand\n %s", first.Steps[0].Body, second.Steps[0].Body)
	}
	in := input(t, first.Steps[0])
	if in["validate"] != true || in["swapRecord"] != nil || in["rkey"] != first.Steps[0].WantID || in["repo"] != r.a.RemoteID {
		t.Errorf("it sends %v", in)
	}
	rec := in["record"].(map[string]any)
	if rec["createdAt"] != "2026-11-12T09:30:00.000Z" || fmt.Sprint(rec["langs"]) != "[en]" || rec["reply"] != nil || rec["facets"] != nil {
		t.Errorf("the record is %v", rec)
	}
	d.Key = "another"
	if other := r.plan(d); other.Steps[0].WantID == first.Steps[0].WantID {
		t.Error("two drafts of the same instant share a record key")
	}
	if r.count("putRecord") != 0 {
		t.Error("Plan wrote")
	}
}

func TestThreadIsOneWrite(t *testing.T) {
	t.Parallel()
	r := setup(t)
	p := r.plan(draft("One", "Two", "Three"))
	if len(p.Steps) != 1 || !slices.Equal(p.Steps[0].Parts, []int{0, 1, 2}) {
		t.Fatalf("%d steps, parts %v", len(p.Steps), p.Steps[0].Parts)
	}
	d := r.send(p)
	if len(d.Parts) != 3 || d.Ref != d.Parts[0] || r.count("applyWrites") != 1 {
		t.Fatalf("%+v", d)
	}
	for i, part := range d.Parts[1:] {
		if part.ParentID != d.Parts[i].ID || part.RootID != d.Parts[0].ID || part.ID <= d.Parts[i].ID {
			t.Errorf("part %d is %+v", i+2, part)
		}
	}
	events, err := r.n.Thread(r.ctx, r.a, d.Parts[2])
	if err != nil || len(events) != 3 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, e := range events {
		if e.Post.ID != d.Parts[i].ID || e.Post.Version != d.Parts[i].Version || !e.Own {
			t.Errorf("event %d is %+v", i, e.Post.Ref)
		}
	}
	// A clash leaves nothing behind, and one proof proves all.
	again := r.plan(draft("One", "Two", "Three"))
	_, err = r.n.Do(r.ctx, r.a, again, 0)
	wants(t, "the same thread again", err, network.Ambiguous, "")
	if got, err := r.n.Prove(r.ctx, r.a, again, 0); err != nil || got.State != network.Sent || len(got.Parts) != 3 {
		t.Errorf("Prove: %+v, %v", got, err)
	}
	if got := r.wrote(); len(got) != 3 {
		t.Errorf("the ledger holds %q", got)
	}
}

func TestAnswerStandsInItsThread(t *testing.T) {
	t.Parallel()
	r := setup(t)
	root := r.fake.Say(stranger("ann", "open?"))
	p := stranger("ben", "I wonder too")
	p.ParentID = root.ID
	asked := r.hears(network.Mentions, p)
	d := draft("At noon", "With a band")
	d.ReplyTo = asked
	d.Parts[0].Keep = []network.Person{asked.Author, {RemoteID: r.fake.DID("ann"), Handle: "ann.test"}}
	got := r.send(r.plan(d))
	if got.Parts[0].ParentID != asked.ID || got.Parts[0].RootID != root.ID || got.Parts[1].ParentID != got.Parts[0].ID || got.Parts[1].RootID != root.ID {
		t.Errorf("%+v", got.Parts)
	}
	// Ben is told by the answer itself; Ann must be named.
	if w := r.wrote(); w[0] != "@ann.test At noon" || w[1] != "With a band" {
		t.Errorf("the words are %q", w)
	}
}

func TestKeptNamesAreNamedOnce(t *testing.T) {
	t.Parallel()
	r := setup(t)
	ann := network.Person{RemoteID: r.fake.DID("ann"), Handle: "Ann.test"}
	for name, c := range map[string]struct {
		text, want string
		keep       []network.Person
		warnings   int
	}{
		"missing":            {"hello", "@ann.test hello", []network.Person{ann}, 0},
		"there":              {"hello @ann.test", "hello @ann.test", []network.Person{ann, ann}, 0},
		"ourselves":          {"hello", "hello", []network.Person{{RemoteID: r.a.RemoteID, Handle: r.a.Handle}}, 0},
		"without a handle":   {"hello", "hello", []network.Person{{RemoteID: ann.RemoteID}}, 1},
		"handle leads away":  {"hello", "hello", []network.Person{{RemoteID: ann.RemoteID, Handle: "ann.old.test"}}, 1},
		"nobody in the text": {"hello @nobody.test and @fedi@host.example", "hello @nobody.test and @fedi@host.example", nil, 1},
	} {
		d := draft(c.text)
		d.Parts[0].Keep = c.keep
		p := r.plan(d)
		rec := input(t, p.Steps[0])["record"].(map[string]any)
		if rec["text"] != c.want || len(p.Warnings) != min(1, c.warnings) {
			t.Errorf("%s: %q, warnings %v; want %q, %d", name, rec["text"], p.Warnings, c.want, c.warnings)
		}
	}
	d := draft("hello")
	d.Parts[0].Keep = []network.Person{{RemoteID: "did:plc:ewvi7nxzyoun6zhxrhs64oiz", Handle: "ann.test"}}
	_, err := r.n.Plan(r.ctx, r.a, d)
	wants(t, "a kept name that is somebody else's", err, network.Policy, "bluesky.help.mention_moved")
}

func TestMentionThatMovesStopsTheSend(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.DID("ann")
	p := r.plan(draft("thank you @ann.test"))
	r.fake.Usurp("ann.test")
	_, err := r.n.Do(r.ctx, r.a, p, 0)
	wants(t, "a handle that is somebody else's by now", err, network.Policy, "bluesky.help.mention_moved")
	if len(r.wrote()) != 0 {
		t.Error("the words went out")
	}
}

func TestWhatIsAnsweredIsLookedAtTwice(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*rig, network.Ref)
		kind   network.Kind
		help   string
	}{
		"deleted": {func(r *rig, ref network.Ref) { r.fake.Change(ref, nil) }, network.Gone, ""},
		"closed":  {func(r *rig, ref network.Ref) { r.fake.Close(ref) }, network.Policy, "bluesky.help.locked"},
		"AppView and server unreachable": {func(r *rig, ref network.Ref) {
			r.instead("getPosts", 502, `{"error":"UpstreamFailure"}`)
			r.instead("getRecord", 502, "")
		}, network.Transient, ""},
	} {
		r := setup(t)
		asked := r.hears(network.Mentions, stranger("ann", "open?"))
		d := draft("yes")
		d.ReplyTo = asked
		p := r.plan(d)
		c.change(r, asked.Ref)
		_, err := r.n.Do(r.ctx, r.a, p, 0)
		wants(t, name+", at Do", err, c.kind, c.help)
		_, err = r.n.Plan(r.ctx, r.a, d)
		wants(t, name+", at Plan", err, c.kind, c.help)
		if len(r.wrote()) != 0 {
			t.Errorf("%s: it went out", name)
		}
	}
	r := setup(t)
	asked := r.hears(network.Mentions, stranger("ann", "open?"))
	d := draft("yes")
	d.ReplyTo = asked
	edited := stranger("ann", "closed?")
	r.fake.Change(asked.Ref, &edited)
	if p := r.plan(d); !slices.Contains(p.Warnings, "bluesky.warn.parent_edited") {
		t.Errorf("an edited question: warnings %v", p.Warnings)
	}
}

// Without an AppView the author's own server is asked, found by their document.
func TestParentOnAnotherServer(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.Bare()
	const uri = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a"
	r.wire.mu.Lock()
	r.wire.answer = func(q *http.Request) *http.Response {
		switch {
		case strings.HasSuffix(q.URL.Path, "ewvi7nxzyoun6zhxrhs64oiz"):
			return response(200, `{"id":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","service":[{"id":"#atproto_pds","type":"AtprotoPersonalDataServer","serviceEndpoint":"https://far.example"}]}`)
		case q.URL.Host == "far.example":
			if q.Header.Get("Authorization") != "" {
				t.Error("our token went to a stranger's server")
			}
			return response(200, `{"uri":"`+uri+`","cid":"bafyreia4g24gpgqaklcj7toojrwe7kcqvnmkhf6g5thjsgbocwxnha6chq","value":{"text":"open?","createdAt":"2026-11-12T09:00:00Z"}}`)
		}
		return nil
	}
	r.wire.mu.Unlock()
	d := draft("yes")
	d.ReplyTo = &network.Post{Ref: network.Ref{ID: uri}}
	if got := r.send(r.plan(d)); got.Ref.ParentID != uri || got.Ref.RootID != uri {
		t.Errorf("%+v", got.Ref)
	}
}

func TestNothingIsWidened(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for _, v := range []network.Visibility{network.Unlisted, network.Followers, "circle"} {
		d := draft("for a few")
		d.Parts[0].Visibility = v
		_, err := r.n.Plan(r.ctx, r.a, d)
		wants(t, string(v), err, network.Policy, "bluesky.help.visibility")
	}
	asked := r.hears(network.Direct, private("ann", "between us"))
	d := draft("in public")
	d.ReplyTo = asked
	d.Parts[0].Visibility = network.Public
	_, err := r.n.Plan(r.ctx, r.a, d)
	wants(t, "a public answer to a direct message", err, network.Policy, "bluesky.help.mixed")
	d = draft("one", "two")
	d.Parts[1].Visibility = network.DirectTo
	_, err = r.n.Plan(r.ctx, r.a, d)
	wants(t, "half public", err, network.Policy, "bluesky.help.mixed")
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	r := setup(t)
	many := draft(make([]string, 51)...)
	for i := range many.Parts {
		many.Parts[i].Text = "x"
	}
	warned := draft("x")
	warned.Parts[0].Warning = "spiders"
	long := draft(strings.Repeat("x", 291))
	long.Parts[0].Keep = []network.Person{{RemoteID: r.fake.DID("ann"), Handle: "ann.test"}}
	for name, c := range map[string]struct {
		d    network.Draft
		kind network.Kind
		help string
	}{
		"no parts":         {network.Draft{Key: "k"}, network.TooLong, ""},
		"too many parts":   {many, network.TooLong, ""},
		"nothing":          {draft(""), network.BadInput, "bluesky.help.empty"},
		"only controls":    {draft("\x00\x01"), network.BadInput, "bluesky.help.empty"},
		"a warning":        {warned, network.Policy, "bluesky.why.no_warning"},
		"301":              {draft(strings.Repeat("x", 301)), network.TooLong, ""},
		"3,001 bytes":      {draft(strings.Repeat("👨‍👩‍👧‍👦", 120) + "x"), network.TooLong, ""},
		"291 and a name":   {long, network.TooLong, ""},
		"second part long": {draft("x", strings.Repeat("x", 301)), network.TooLong, ""},
	} {
		_, err := r.n.Plan(r.ctx, r.a, c.d)
		wants(t, name, err, c.kind, c.help)
	}
	other := network.Plan{Steps: []network.Step{{Kind: network.Create, Body: []byte(`{"something":"else"}`)}}}
	_, err := r.n.Do(r.ctx, r.a, other, 0)
	wants(t, "a plan of another network", err, network.BadInput, "")
	_, err = r.n.Prove(r.ctx, r.a, other, 3)
	wants(t, "a step that is not there", err, network.BadInput, "")
}

func TestMedia(t *testing.T) {
	t.Parallel()
	r := setup(t)
	m, _ := dot()
	d := draft("Look", "Again")
	d.Parts[0].Media = []network.Media{m, m}
	d.Parts[1].Media = []network.Media{m}
	p := r.plan(d)
	if len(p.Steps) != 2 || p.Steps[0].Kind != network.Upload || !slices.Equal(p.Steps[1].After, []int{0}) {
		t.Fatalf("the same picture three times: %d steps", len(p.Steps))
	}
	_, err := r.n.Do(r.ctx, r.a, p, 1)
	wants(t, "the post before its picture", err, network.Transient, "")
	r.send(p)
	events, _ := r.poll(network.Own, network.Cursor{})
	e := events[len(events)-1]
	for _, x := range events {
		if len(x.Post.Media) == 2 {
			e = x
		}
	}
	got := e.Post.Media
	if len(got) != 2 || got[0].Alt != "A dark square" || got[0].Width != 16 || got[0].MIME != "image/png" || !strings.HasPrefix(got[0].URL, "https://cdn.bsky.app/img/") {
		t.Errorf("it came back as %+v", got)
	}
	d = draft("Look once more")
	d.Parts[0].Media = []network.Media{m}
	p = r.plan(d)
	done := network.Ref{ID: p.Steps[0].WantID}
	p.Steps[0].Done = &done
	r.fake.Collect()
	_, err = r.n.Do(r.ctx, r.a, p, 1)
	wants(t, "the server forgot the upload", err, network.BadMedia, "bluesky.help.upload_gone")
}

func TestMediaRefused(t *testing.T) {
	t.Parallel()
	r := setup(t)
	m, _ := dot()
	d := draft("five")
	d.Parts[0].Media = []network.Media{m, m, m, m, m}
	_, err := r.n.Plan(r.ctx, r.a, d)
	wants(t, "five pictures", err, network.BadMedia, "bluesky.help.media_mix")
	d.Parts[0].Media = []network.Media{{Kind: "image", Digest: [32]byte{1}}}
	_, err = r.n.Plan(r.ctx, r.a, d)
	wants(t, "a picture that is not there", err, network.BadMedia, "")
	d.Parts[0].Media = []network.Media{m}
	p := r.plan(d)
	r.instead("uploadBlob", 200, `{"blob":{"ref":{"$link":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"},"mimeType":"image/png","size":1}}`)
	_, err = r.n.Do(r.ctx, r.a, p, 0)
	wants(t, "the server kept something else", err, network.BadMedia, "bluesky.help.media_kind")
	r.instead("uploadBlob", 413, `{"error":"PayloadTooLarge"}`)
	_, err = r.n.Do(r.ctx, r.a, p, 0)
	wants(t, "too large for this server", err, network.BadMedia, "")
}

func TestErrorsOfAWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   network.Kind
	}{
		{400, `{"error":"ExpiredToken"}`, network.Auth},
		{401, `{"error":"AuthMissing"}`, network.Auth},
		{401, `{"error":"AccountTakedown"}`, network.Suspended},
		{400, `{"error":"InvalidSwap"}`, network.Duplicate},
		{400, `{"error":"InvalidRequest","message":"Too many writes"}`, network.Policy},
		{400, `{"error":"SomethingNew"}`, network.Policy},
		{403, `{"error":"Forbidden"}`, network.Policy},
		{404, `<html>`, network.Version},
		{501, `{"error":"MethodNotImplemented"}`, network.Version},
		{307, ``, network.Version},
		{408, ``, network.Ambiguous},
		{413, ``, network.TooLong},
		{429, `{"error":"RateLimitExceeded"}`, network.RateLimited},
		{500, `{"error":"InternalServerError"}`, network.Ambiguous},
		{500, `{"error":"InvalidSwap"}`, network.Ambiguous},
		{502, `{"error":"UpstreamFailure"}`, network.Ambiguous},
		{504, ``, network.Ambiguous},
		{202, `{}`, network.Ambiguous},
		{200, `{}`, network.Ambiguous},
		{200, ``, network.Ambiguous},
		{200, `{"uri":"at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a","cid":"bafyreia4g24gpgqaklcj7toojrwe7kcqvnmkhf6g5thjsgbocwxnha6chq"}`, network.Ambiguous},
		{200, strings.Repeat(" ", 9<<20), network.Ambiguous},
	} {
		r := setup(t)
		p := r.plan(draft("hello"))
		r.instead("putRecord", c.status, c.body)
		_, err := r.n.Do(r.ctx, r.a, p, 0)
		wants(t, fmt.Sprint(c.status, " ", c.body[:min(60, len(c.body))]), err, c.want, "")
	}
}

// A server must not get our own credentials shown back to our operator.
func TestErrorsHideCredentials(t *testing.T) {
	t.Parallel()
	r := setup(t)
	var s struct{ Access, Refresh string }
	_ = json.Unmarshal(r.a.Secret.Blob, &s)
	p := r.plan(draft("hello"))
	r.instead("putRecord", 400, `{"error":"InvalidToken","message":"bad token `+s.Access+`"}`)
	_, err := r.n.Do(r.ctx, r.a, p, 0)
	if err == nil || strings.Contains(err.Error(), s.Access) {
		t.Errorf("%v", err)
	}
	r.instead("refreshSession", 400, `{"error":"ExpiredToken","message":"`+s.Refresh+`"}`)
	_, err = r.n.Refresh(r.ctx, r.a)
	if err == nil || strings.Contains(err.Error(), s.Refresh) {
		t.Errorf("%v", err)
	}
}

// Facets of what we write lie on the words they mark, for any text.
func TestOutgoingFacets(t *testing.T) {
	t.Parallel()
	r := setup(t)
	r.fake.DID("ann")
	words := []string{"漢字", "👨‍👩‍👧‍👦", "e\u0301", "مرحبا", "@ann.test", "@nobody.test", "https://example.org/ü?a=b", "#täg", "#1", "(see", "end.", "\n", "a@b.example", "\u202e"}
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for _, w := range rapid.SliceOfN(rapid.SampledFrom(words), 1, 8).Draw(rt, "words") {
			b.WriteString(w + rapid.SampledFrom([]string{" ", "", ", ", "\r\n"}).Draw(rt, "between"))
		}
		p, err := r.n.Plan(r.ctx, r.a, draft("x"+b.String()))
		if err != nil {
			rt.Fatal(err)
		}
		var f struct {
			Input struct {
				Record struct {
					Text   string
					Facets []struct {
						Index    struct{ ByteStart, ByteEnd int }
						Features []struct {
							Type          string `json:"$type"`
							URI, Tag, DID string
						}
					}
				}
			}
		}
		if err := json.Unmarshal(p.Steps[0].Body, &f); err != nil {
			rt.Fatal(err)
		}
		end := 0
		for _, x := range f.Input.Record.Facets {
			if x.Index.ByteStart < end || x.Index.ByteEnd <= x.Index.ByteStart || x.Index.ByteEnd > len(f.Input.Record.Text) {
				rt.Fatalf("facet %+v in %q", x.Index, f.Input.Record.Text)
			}
			end = x.Index.ByteEnd
			got := f.Input.Record.Text[x.Index.ByteStart:x.Index.ByteEnd]
			want := x.Features[0]
			if got != want.URI && got != "#"+want.Tag && !(got == "@ann.test" && want.DID != "") {
				rt.Fatalf("%q is marked as %+v", got, want)
			}
		}
	})
}
