package mastodon_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/networktest"
	"parley/internal/text"
)

// TestAnswerNotifies: whoever is answered is mentioned, or would never hear of it.
func TestAnswerNotifies(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		r := setup(t, d)
		asked := r.say("ann@far.example", "when do you open?", network.Unlisted)
		p := r.heard()
		refs := r.send(answer(p, "At nine.\n\nOn Sundays at ten."))
		if got := r.fake.Heard("ann@far.example"); len(got) != 1 || got[0].ID != refs[0].ID {
			t.Errorf("%s: she was told of %v", d, got)
		}
		body := r.kept(networktest.OpCreate)[0]
		if body["status"] != "@ann@far.example At nine.\n\nOn Sundays at ten." || body["visibility"] != "unlisted" ||
			body["language"] != "en" || body["in_reply_to_id"] == "" {
			t.Errorf("%s: sent %v", d, body)
		}
		if refs[0].ParentID != asked.ID {
			t.Errorf("%s: it answers %q, not %q", d, refs[0].ParentID, asked.ID)
		}
	}
}

func TestVisibilityIsNeverWidened(t *testing.T) {
	t.Parallel()
	all := []network.Visibility{network.Public, network.Unlisted, network.Followers, network.DirectTo}
	words := map[network.Visibility]string{"public": "public", "unlisted": "unlisted", "followers": "private", "direct": "direct"}
	for i, heard := range all {
		r := setup(t, mastodon.Mastodon)
		r.say("ann@far.example", "a question", heard)
		p := r.heard()
		for j, want := range append(all, "") {
			d := answer(p, fmt.Sprint("an answer ", j))
			d.Parts[0].Visibility = want
			plan, err := r.n.Plan(t.Context(), r.a, d)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.n.Do(t.Context(), r.a, plan, 0); err != nil {
				t.Fatal(err)
			}
			sent := r.kept(networktest.OpCreate)
			got, expect := sent[len(sent)-1]["visibility"], words[heard]
			if want != "" && j > i {
				expect = words[want]
			}
			if got != expect {
				t.Errorf("a %s message, answered as %q, went out as %v", heard, want, got)
			}
			if warned := slices.Contains(plan.Warnings, "mastodon.warn.narrowed"); warned != (want != "" && j < i) {
				t.Errorf("a %s message, answered as %q: warnings %v", heard, want, plan.Warnings)
			}
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("n", n) }
	with := func(m ...network.Media) network.Draft {
		d := draft("look")
		d.Parts[0].Media = m
		return d
	}
	video := network.Media{Kind: "video", MIME: "video/mp4"}
	big := picture(1, "")
	big.Size = 17 << 20
	direct := draft("psst")
	direct.Parts[0].Visibility = network.DirectTo
	strange := draft("hm")
	strange.Parts[0].Visibility = "everybody"
	thread := draft("one")
	thread.Parts = append(thread.Parts, network.Part{Text: "two"})
	keyless := draft("x")
	keyless.Key = ""
	for _, c := range []struct {
		name    string
		dialect mastodon.Dialect
		draft   network.Draft
		kind    network.Kind
		help    string
	}{
		{"nothing", mastodon.Mastodon, draft(" \n "), network.BadInput, "mastodon.help.empty"},
		{"no key", mastodon.Mastodon, keyless, network.BadInput, ""},
		{"too long", mastodon.Mastodon, draft(long(501)), network.TooLong, ""},
		{"too long as one and as the other counts", mastodon.Unknown, draft(strings.Repeat("http://a.example ", 27)), network.TooLong, ""},
		{"five pictures", mastodon.Mastodon, with(picture(1, ""), picture(2, ""), picture(3, ""), picture(4, ""), picture(5, "")), network.BadMedia, "mastodon.help.media_many"},
		{"picture and video", mastodon.Mastodon, with(picture(1, ""), video), network.BadMedia, "mastodon.help.media_mixed"},
		{"large", mastodon.Mastodon, with(big), network.BadMedia, "mastodon.help.media_size"},
		{"no picture", mastodon.Mastodon, with(network.Media{Kind: "file", MIME: "application/pdf"}), network.BadMedia, "mastodon.help.media_kind"},
		{"long description", mastodon.Mastodon, with(picture(1, long(1501))), network.BadMedia, "mastodon.help.alt_long"},
		{"private to nobody", mastodon.Mastodon, direct, network.BadInput, "mastodon.help.direct_nobody"},
		{"an unknown visibility", mastodon.Mastodon, strange, network.BadInput, ""},
		{"words alone", mastodon.Pixelfed, draft("hello"), network.Policy, "mastodon.why.needs_picture"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := setup(t, c.dialect)
			_, err := r.n.Plan(t.Context(), r.a, c.draft)
			wantError(t, err, c.kind, c.help)
			if w := r.fake.Ledger(); len(w) != 0 {
				t.Errorf("Plan wrote %v", w)
			}
		})
	}
	r := setup(t, mastodon.Pixelfed)
	r.say("ann@far.example", "hello", network.Public)
	d := answer(r.heard(), "one")
	d.Parts = append(d.Parts, network.Part{Text: "two"})
	_, err := r.n.Plan(t.Context(), r.a, d)
	wantError(t, err, network.Policy, "mastodon.why.software")
	d = answer(r.heard(), "one")
	d.Parts[0].Visibility = network.DirectTo
	_, err = r.n.Plan(t.Context(), r.a, d)
	wantError(t, err, network.Policy, "mastodon.why.no_direct")
}

func TestPlanWarns(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	ref := r.say("ann@far.example", "hello", network.Public)
	p := r.heard()
	d := answer(p, "nobody is mentioned")
	d.Parts[0].Keep = nil
	r.clock.Advance(time.Minute)
	r.fake.Change(ref, &network.Post{Text: text.Text{Body: "goodbye"}})
	plan, err := r.n.Plan(t.Context(), r.a, d)
	if err != nil || !slices.Equal(plan.Warnings, []string{"mastodon.warn.parent_edited", "mastodon.warn.notifies_nobody"}) {
		t.Errorf("warnings %v, %v", plan.Warnings, err)
	}
}

// TestThreadWithPictures: all uploads come first, each part answers the one
// before, and every picture carries its description.
func TestThreadWithPictures(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	d := draft("one")
	d.Parts[0].Media = []network.Media{picture(1, "a bridge"), picture(2, "a band")}
	d.Parts = append(d.Parts,
		network.Part{Text: "two", Visibility: network.Public, Lang: "en", Media: []network.Media{picture(3, "a lamp")}},
		network.Part{Text: "three", Visibility: network.Public, Lang: "en"})
	plan, err := r.n.Plan(t.Context(), r.a, d)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []network.StepKind
	for _, s := range plan.Steps {
		kinds = append(kinds, s.Kind)
	}
	u, c := network.Upload, network.Create
	if !slices.Equal(kinds, []network.StepKind{u, u, u, c, c, c}) {
		t.Fatalf("the steps are %v", kinds)
	}
	if _, err := r.n.Do(t.Context(), r.a, plan, 3); network.KindOf(err) != network.BadInput {
		t.Errorf("a post before its pictures: %v", err)
	}
	refs := r.send(d)
	sent := r.kept(networktest.OpCreate)
	for i, part := range sent[1:] {
		if part["in_reply_to_id"] != refs[i].ID {
			t.Errorf("part %d answers %v, not %s", i+2, part["in_reply_to_id"], refs[i].ID)
		}
	}
	if n := len(sent[0]["media_ids"].([]any)); n != 2 {
		t.Errorf("the first part has %d pictures", n)
	}
	events, _ := r.poll(network.Own, network.Cursor{})
	var alts []string
	for _, e := range events {
		for _, m := range e.Post.Media {
			alts = append(alts, m.Alt)
		}
	}
	if !slices.Equal(alts, []string{"a bridge", "a band", "a lamp"}) {
		t.Errorf("the descriptions are %q", alts)
	}
}

// TestKeyRepeats: on Mastodon a repeat at once is its own proof.
func TestKeyRepeats(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	plan, err := r.n.Plan(t.Context(), r.a, draft("once"))
	if err != nil || plan.Steps[0].Proof != network.ProofKey {
		t.Fatalf("%+v, %v", plan, err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: true, Cut: true})
	_, err = r.n.Do(t.Context(), r.a, plan, 0)
	wantError(t, err, network.Ambiguous, "")
	d, err := r.n.Do(t.Context(), r.a, plan, 0)
	w := r.fake.Ledger()
	if err != nil || d.State != network.Sent || len(w) != 1 || w[0].Key != plan.Steps[0].Key || w[0].ID != d.Ref.ID {
		t.Errorf("%+v, %v; the server kept %+v", d, err, w)
	}
}

// TestProveLooksAtThePlace: the same words said to somebody else, or beside a
// picture, are another post.
func TestProveLooksAtThePlace(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		r := setup(t, d)
		r.say("ann@far.example", "may I?", network.Public)
		one := r.heard()
		r.clock.Advance(time.Second)
		r.say("bo@far.example", "may I?", network.Public)
		two := r.heard()
		said := "@ann@far.example @bo@far.example Please do."
		var plans []network.Plan
		for i, q := range []network.Draft{answer(one, said), answer(two, said), answer(two, said)} {
			q.Key = fmt.Sprint("key ", i)
			if i == 2 {
				q.Parts[0].Media = []network.Media{picture(1, "a door")}
			}
			p, err := r.n.Plan(t.Context(), r.a, q)
			if err != nil {
				t.Fatal(err)
			}
			plans = append(plans, p)
		}
		up, err := r.n.Do(t.Context(), r.a, plans[2], 0)
		if err != nil {
			t.Fatal(err)
		}
		plans[2].Steps[0].Done = &up.Ref
		for sent := range 2 {
			if _, err := r.n.Do(t.Context(), r.a, plans[sent], 0); err != nil {
				t.Fatal(err)
			}
			for i, step := range []int{0, 0, 1} {
				got, err := r.n.Prove(t.Context(), r.a, plans[i], step)
				if err != nil || (got.State == network.Sent) != (i <= sent) {
					t.Errorf("%s: after %d were sent, Prove of plan %d says %q, %v", d, sent+1, i, got.State, err)
				}
			}
		}
	}
}

// TestKeyOutlived: after the hour in which the key is surely known, a repeat
// looks before it posts.
func TestKeyOutlived(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	plan, err := r.n.Plan(t.Context(), r.a, draft("once"))
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: true, Cut: true})
	_, err = r.n.Do(t.Context(), r.a, plan, 0)
	wantError(t, err, network.Ambiguous, "")
	r.clock.Advance(2 * time.Hour)
	before := len(r.fake.Requests())
	d, err := r.n.Do(t.Context(), r.a, plan, 0)
	if err != nil || d.State != network.Sent {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, q := range r.fake.Requests()[before:] {
		if q.Method != http.MethodGet {
			t.Errorf("it sent %s %s", q.Method, q.URL)
		}
	}
	if d, err = r.n.Prove(t.Context(), r.a, plan, 0); err != nil || d.State != network.Sent {
		t.Errorf("Prove: %+v, %v", d, err)
	}
}

// TestProveTellsAnswersApart: the same words to the same person, twice; what was
// there before the plan is no proof.
func TestProveTellsAnswersApart(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		for _, v := range []network.Visibility{network.Public, network.DirectTo} {
			if d == mastodon.Pixelfed && v == network.DirectTo {
				continue
			}
			r := setup(t, d)
			r.say("ann@far.example", "thank you", v)
			p := r.heard()
			first := answer(p, "With pleasure.")
			old := r.send(first)
			r.clock.Advance(time.Hour)
			again := answer(p, "With pleasure.")
			again.Key = "another"
			plan, err := r.n.Plan(t.Context(), r.a, again)
			if err != nil {
				t.Fatal(err)
			}
			r.clock.Advance(time.Hour)
			got, err := r.n.Prove(t.Context(), r.a, plan, 0)
			if err != nil || got.State != network.NotSent {
				t.Errorf("%s %s: before it was sent, Prove says %q %s, %v", d, v, got.State, got.Ref.ID, err)
			}
			r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: true, Cut: true})
			if _, err := r.n.Do(t.Context(), r.a, plan, 0); network.KindOf(err) != network.Ambiguous {
				t.Fatalf("%s %s: %v", d, v, err)
			}
			got, err = r.n.Prove(t.Context(), r.a, plan, 0)
			if err != nil || got.State != network.Sent || got.Ref.ID == old[0].ID {
				t.Errorf("%s %s: after it was sent, Prove says %q %s, %v", d, v, got.State, got.Ref.ID, err)
			}
		}
	}
}

// TestUnprovable: a private message that begins a conversation stands in no
// list of some servers, and Parley says so before it is sent.
func TestUnprovable(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Pleroma)
	d := draft("hello @ann@far.example")
	d.Parts[0].Visibility = network.DirectTo
	plan, err := r.n.Plan(t.Context(), r.a, d)
	if err != nil || plan.Steps[0].Proof != network.ProofNone {
		t.Fatalf("%+v, %v", plan.Steps, err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: true, Cut: true})
	_, err = r.n.Do(t.Context(), r.a, plan, 0)
	wantError(t, err, network.Ambiguous, "")
	if got, err := r.n.Prove(t.Context(), r.a, plan, 0); err != nil || got.State != network.Unknown {
		t.Errorf("Prove: %+v, %v", got, err)
	}
}

// TestParentLostAfterwards: our answer is found even when what it answers was
// deleted in between and it has lost its place.
func TestParentLostAfterwards(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.GoToSocial)
	ref := r.say("ann@far.example", "hello", network.Public)
	plan, err := r.n.Plan(t.Context(), r.a, answer(r.heard(), "good day"))
	if err != nil {
		t.Fatal(err)
	}
	r.fake.Inject(networktest.Fault{Op: networktest.OpCreate, Commit: true, Cut: true})
	_, err = r.n.Do(t.Context(), r.a, plan, 0)
	wantError(t, err, network.Ambiguous, "")
	r.fake.Change(ref, nil)
	if got, err := r.n.Prove(t.Context(), r.a, plan, 0); err != nil || got.State != network.Sent || got.Ref.ParentID != ref.ID {
		t.Errorf("Prove: %+v, %v", got, err)
	}
}

// TestExpiredMedia: pictures thrown away by the server do not leave a post
// without them.
func TestExpiredMedia(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	d := draft("look")
	d.Parts[0].Media = []network.Media{picture(1, "a bridge")}
	plan, err := r.n.Plan(t.Context(), r.a, d)
	if err != nil {
		t.Fatal(err)
	}
	up, err := r.n.Do(t.Context(), r.a, plan, 0)
	if err != nil {
		t.Fatal(err)
	}
	plan.Steps[0].Done = &up.Ref
	r.clock.Advance(25 * time.Hour)
	r.fake.Expire()
	_, err = r.n.Do(t.Context(), r.a, plan, 1)
	wantError(t, err, network.BadMedia, "mastodon.help.media_expired")
	if n := len(r.kept(networktest.OpCreate)); n != 0 {
		t.Errorf("%d posts", n)
	}
}

func TestEdit(t *testing.T) {
	t.Parallel()
	for _, d := range []mastodon.Dialect{mastodon.Mastodon, mastodon.GoToSocial, mastodon.Pleroma, mastodon.Snac} {
		r := setup(t, d)
		first := draft("opens at nine")
		first.Parts[0].Media = []network.Media{picture(1, "a door")}
		ref := r.send(first)[0]
		r.clock.Advance(time.Minute)
		events, _ := r.poll(network.Own, network.Cursor{})
		change := draft("opens at ten")
		change.Parts[0].Media = events[0].Post.Media
		change.Parts[0].Media[0].Alt = "an open door"
		got, err := r.n.Edit(t.Context(), r.a, ref, change)
		if err != nil || got.State != network.Sent || got.Ref.ID != ref.ID || got.Ref.Version == ref.Version {
			t.Fatalf("%s: %+v, %v", d, got, err)
		}
		events, _ = r.poll(network.Own, network.Cursor{})
		p := events[0].Post
		if p.Text.Body != "opens at ten" || len(p.Media) != 1 || p.Media[0].Alt != "an open door" {
			t.Errorf("%s: it says %q with %+v", d, p.Text.Body, p.Media)
		}
		again, err := r.n.Edit(t.Context(), r.a, ref, change) // as after a lost answer
		if err != nil || again.Ref.Version != got.Ref.Version {
			t.Errorf("%s: the same edit again: %+v, %v", d, again, err)
		}
		_, err = r.n.Edit(t.Context(), r.a, ref, draft("opens at eleven"))
		wantError(t, err, network.Policy, "mastodon.help.changed")
		change = draft("opens at ten")
		change.Parts[0].Media = []network.Media{picture(2, "another")}
		_, err = r.n.Edit(t.Context(), r.a, got.Ref, change)
		wantError(t, err, network.BadMedia, "mastodon.help.edit_media")
	}
	r := setup(t, mastodon.Pixelfed)
	_, err := r.n.Edit(t.Context(), r.a, network.Ref{ID: "1"}, draft("x"))
	wantError(t, err, network.Policy, "mastodon.why.no_edit")
	r = setup(t, mastodon.Mastodon)
	_, err = r.n.Edit(t.Context(), r.a, r.say("ann@far.example", "hers", network.Public), draft("mine"))
	wantError(t, err, network.Policy, "")
}

func TestDelete(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		if d == mastodon.Pixelfed {
			continue
		}
		r := setup(t, d)
		ref := r.send(draft("regretted"))[0]
		for range 2 {
			if err := r.n.Delete(t.Context(), r.a, ref); err != nil {
				t.Errorf("%s: %v", d, err)
			}
		}
	}
}

func TestActs(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	ref := r.say("ann@far.example", "hello", network.Public)
	p := r.heard()
	elsewhere := network.Person{Instance: "https://other.example", RemoteID: "55", Handle: "ann@far.example"}
	acts := []network.Act{
		{Kind: network.Like, On: ref}, {Kind: network.Like, On: ref, Undo: true},
		{Kind: network.Repost, On: ref}, {Kind: network.Repost, On: ref, Undo: true},
		{Kind: network.Follow, Person: p.Author}, {Kind: network.Follow, Person: p.Author, Undo: true},
		{Kind: network.Mute, Person: p.Author}, {Kind: network.Block, Person: elsewhere},
		{Kind: network.Report, Person: p.Author, On: ref, Reason: strings.Repeat("é", 1000)},
	}
	for _, a := range acts {
		if err := r.n.Act(t.Context(), r.a, a); err != nil {
			t.Errorf("%s (undo %v): %v", a.Kind, a.Undo, err)
		}
	}
	var got []string
	for _, w := range r.fake.Ledger() {
		got = append(got, w.ID)
	}
	ann := "ann@far.example"
	want := []string{"favourite " + ref.ID, "unfavourite " + ref.ID, "reblog " + ref.ID, "unreblog " + ref.ID,
		"follow " + ann, "unfollow " + ann, "mute " + ann, "block " + ann, "report " + ann}
	if !slices.Equal(got, want) {
		t.Errorf("the server kept %q, want %q", got, want)
	}
	reports := r.fake.Ledger()[len(want)-1]
	if len(reports.Body) > 1500 || !strings.Contains(string(reports.Body), ref.ID) {
		t.Errorf("the report is %s", reports.Body)
	}
	for _, a := range []network.Act{
		{Kind: network.Report, Person: p.Author, Undo: true}, {Kind: "wink"},
		{Kind: network.Follow, Person: network.Person{Instance: "https://other.example", Handle: "nobody@far.example"}},
	} {
		if err := r.n.Act(t.Context(), r.a, a); err == nil {
			t.Errorf("%+v is done", a)
		} else if e := (*network.Error)(nil); !errors.As(err, &e) {
			t.Errorf("%T", err)
		}
	}
}

// TestAnswerReadElsewhere: what another of our accounts read on its own server
// is answered from this one, found by its address.
func TestAnswerReadElsewhere(t *testing.T) {
	t.Parallel()
	r := setup(t, mastodon.Mastodon)
	ref := r.say("ann@far.example", "hello", network.Public)
	p := r.heard()
	p.ID, p.Author.Instance = "an-id-elsewhere", "https://other.example"
	r.send(answer(p, "good day"))
	if body := r.kept(networktest.OpCreate)[0]; body["in_reply_to_id"] != ref.ID {
		t.Errorf("sent %v", body)
	}
	p.URL = "https://far.example/unknown"
	_, err := r.n.Plan(t.Context(), r.a, answer(p, "good day"))
	wantError(t, err, network.Gone, "")
}
