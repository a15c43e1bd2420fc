package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

// query reads a search box; what it cannot understand fails the test.
func (b *bundle) query(s string) conversation.Query {
	b.Helper()
	q, err := conversation.ParseQuery(s, b.clock.Now(), false)
	if err != nil {
		b.Fatalf("%q: %v", s, err)
	}
	return q
}

// finds are the remote ids of what somebody finds, newest first, over all pages.
func (b *bundle) finds(a actor.Actor, s string) string {
	b.Helper()
	var said []string
	for _, m := range b.search(a, b.query(s)) {
		var remote string
		if err := b.db.Read().Row(context.Background(), `select remote_id from message where id = $1`, m).Scan(&remote); err != nil {
			b.Fatal(err)
		}
		said = append(said, remote)
	}
	return strings.Join(said, " ")
}

func (b *bundle) search(a actor.Actor, q conversation.Query) (found []id.ID) {
	b.Helper()
	for {
		r, err := b.desk.Search(context.Background(), a, q)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range r.Hits {
			found = append(found, f.Message)
		}
		if r.Next == 0 {
			return found
		}
		if q.Before != 0 && r.Next >= q.Before {
			b.Fatalf("a page after %d ends at %d", q.Before, r.Next)
		}
		q.Before = r.Next
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	picture := says("carl", "m4", "", "Look at the heron", after(3*minute))
	picture.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/1.png"}}
	german := says("dora", "m5", "", "Die Brücke in der Straße", after(4*minute))
	german.Post.Lang = "de-AT"
	b.ingest(town,
		says("bea", "m1", "", "Is the old bridge open?", after(0)),
		ours(says("our11", "a1", "m1", "The bridge is open again", after(minute))),
		says("bea", "m2", "m1", "Thank you", after(2*minute)),
		private(says("bea", "m3", "", "My address is Bridge Street 3", after(2*minute))),
		picture, german,
		says("emi", "m6", "", "東京都の橋はどこですか", after(5*minute)))
	b.ingest(library, says("bea", "l1", "", "Bridging loans, a book", after(6*minute)))
	b.ingest(other, says("otto", "x1", "", "Is the old bridge open?", after(7*minute)))
	for query, want := range map[string]string{
		"bridge":                        "m3 a1 m1",
		"BRIDGE open":                   "a1 m1",
		`"old bridge"`:                  "m1",
		`"bridge old"`:                  "",
		"bridg*":                        "l1 m3 a1 m1",
		"bridge -old":                   "m3 a1",
		`bridge -"is open"`:             "m3 m1",
		"brucke strasse":                "m5",
		"東京都":                           "m6",
		"橋":                             "m6",
		"京都":                            "m6",
		"都東":                            "",
		"bridge from:bea":               "m3 m1",
		"from:bea":                      "l1 m3 m2 m1",
		"from:bea@far.example thank":    "m2",
		"from:BE* -bridge -thank":       "l1",
		"from:nobody":                   "",
		"from:us":                       "a1",
		"in:direct":                     "m3",
		"bridge in:public":              "a1 m1",
		"has:media":                     "m4",
		"lang:de":                       "m5",
		"account:our12":                 "l1",
		"network:mastodon old":          "m1",
		"on:2026-03-02 heron":           "m4",
		"before:2026-03-02 heron":       "",
		"after:2026-03 heron":           "m4",
		"after:2026-03-03 heron":        "",
		"-bridge from:bea in:public":    "l1 m2",
		"heron from:us":                 "",
		"account:our11 account:our12 3": "m3",
	} {
		if got := b.finds(voice(ana), query); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
	for query, code := range map[string]string{"": "search.nothing", "account:nobody": "search.no_account", "network:bluesky": "search.no_network"} {
		_, err := b.desk.Search(context.Background(), voice(ana), b.query(query))
		wantProblem(t, err, code)
	}
}

// What is changed, erased, gone or past its time is not found by its old words, nor
// by whoever may not read it.
func TestWhatMustNotBeFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town,
		says("bea", "m1", "", "A quagga at the museum", after(0)),
		private(says("bea", "m2", "", "My quagga is ill", after(minute))),
		says("carl", "m3", "", "A quagga for sale", after(2*minute)))
	b.ingest(library, says("bea", "l1", "", "Have you a book on the quagga?", after(3*minute)),
		private(says("dora", "l2", "", "quagga in private", after(4*minute))))
	b.ingest(other, says("otto", "x1", "", "quagga elsewhere", after(5*minute)))
	only := at(voice(ana), library)
	if got := b.finds(voice(ana), "quagga"); got != "l2 l1 m3 m2 m1" {
		t.Fatalf("all is %q", got)
	}
	if got := b.finds(only, "quagga"); got != "l2 l1" {
		t.Errorf("who reads the library alone finds %q", got)
	}
	for _, q := range []string{"account:our11", "account:nobody"} {
		_, err := b.desk.Search(context.Background(), only, b.query(q))
		wantProblem(t, err, "search.no_account")
	}
	nobody := voice(ana)
	nobody.Grants = nil
	_, err := b.desk.Search(context.Background(), nobody, b.query("quagga"))
	wantProblem(t, err, "forbidden")

	edited := says("bea", "m1", "", "A zebra at the museum", after(0))
	edited.Kind, edited.Post.Version, edited.Post.Edited = network.KindEdit, "2", after(minute)
	b.ingest(town, edited, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: "m3"}})
	if got := b.finds(voice(ana), "quagga"); got != "l2 l1 m2" {
		t.Errorf("after an edit and a deletion: %q", got)
	}
	person := b.personOf("dora")
	if err := b.desk.Erase(context.Background(), steward(), person); err != nil {
		t.Fatal(err)
	}
	if got := b.finds(voice(ana), "quagga") + b.finds(voice(ana), "from:dora"); got != "l1 m2" {
		t.Errorf("after an erasure: %q", got)
	}
	if n := b.count(`select count(*) from identity_word where word = 'dora'`); n != 0 {
		t.Errorf("%d words of somebody who was erased", n)
	}
	b.exec(`update workspace set keep_days = 1 where id = $1`, workspace)
	b.clock.Set(after(72 * time.Hour))
	if _, err := b.desk.Sweep(context.Background(), actor.System(workspace, "retention")); err != nil {
		t.Fatal(err)
	}
	if got := b.finds(voice(ana), "quagga"); got != "" {
		t.Errorf("past its time: %q", got)
	}
	if n := b.count(`select count(*) from identity_word where word = 'bea' and workspace = 1`); n != 0 {
		t.Errorf("%d words of somebody who has nothing left here", n)
	}
}

func (b *bundle) count(q string, args ...any) (n int) {
	b.Helper()
	if err := b.db.Read().Row(context.Background(), q, args...).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

func (b *bundle) personOf(remote string) (p id.ID) {
	b.Helper()
	if err := b.db.Read().Row(context.Background(), `select person from identity where workspace = $1 and remote_id = $2`, workspace, remote).Scan(&p); err != nil {
		b.Fatal(err)
	}
	return p
}

// What is gone for one account is found by who reads another; private words in a
// public thread are found by nobody whom they did not reach.
func TestWhatIsGoneOrPrivateForOneAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	both := says("bea", "m1", "", "The quagga is back", after(0))
	aside := says("bea", "m2", "m1", "a quagga, between us", after(minute))
	aside.Direct, aside.Post.Visibility = true, ""
	b.ingest(town, both, aside)
	b.ingest(library, both)
	onlyTown, onlyLibrary := at(voice(ana), town), at(voice(ana), library)
	if got := b.finds(onlyTown, "quagga") + ", " + b.finds(onlyLibrary, "quagga"); got != "m2 m1, m1" {
		t.Fatalf("they find %q", got)
	}
	b.ingest(library, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: "m1"}})
	if got := b.finds(onlyTown, "quagga") + ", " + b.finds(onlyLibrary, "quagga") + ", " + b.finds(voice(ana), "quagga"); got != "m2 m1, , m2 m1" {
		t.Errorf("after it was gone for the library they find %q", got)
	}
	r, err := b.desk.Search(context.Background(), voice(ana), b.query("back"))
	if err != nil || r.Hits[0].Account != town {
		t.Errorf("it is read in %+v, %v, want where it is not gone", r, err)
	}
}

// An import reads backwards, page by page; what is newest is found first all the
// same, and before all of it what came since.
func TestAnImportIsFoundInTheOrderInWhichItWasSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "now", "", "heron", after(0)))
	past := func(names ...string) (es []network.Event) {
		for _, n := range names {
			es = append(es, says("bea", n, "", "heron", after(-time.Duration(n[0]-'0')*30*24*time.Hour)))
		}
		return es
	}
	for _, page := range [][]network.Event{past("1", "2", "2nd"), past("3", "9"), past("3rd")} { // two of one moment
		if _, err := b.tryIngest(workspace, town, true, page...); err != nil {
			t.Fatal(err)
		}
	}
	b.ingest(town, says("bea", "2½", "", "heron", after(-75*24*time.Hour)), says("bea", "then", "", "heron", after(minute)))
	got := b.finds(voice(ana), "heron")
	if got = strings.NewReplacer("2nd", "2", "3rd", "3").Replace(got); got != "then now 1 2 2 2½ 3 3 9" {
		t.Errorf("found in the order %q", got)
	}
}

func TestSearchPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	renamed := says("carl", "m2", "", "x", after(minute))
	renamed.Post.Author.Name = "Čarles Ångström"
	b.ingest(town, says("bea", "m1", "", "x", after(0)), renamed, says("京子", "m3", "", "x", after(2*minute)))
	b.ingest(library, says("beata", "l1", "", "x", after(3*minute)))
	b.ingest(other, says("beatrix", "x1", "", "x", after(4*minute)))
	find := func(a actor.Actor, s string) string {
		ks, err := b.desk.SearchPeople(context.Background(), a, b.query(s))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, k := range ks {
			names = append(names, k.Person.RemoteID)
			if v, err := b.desk.Open(context.Background(), a, k.Conversation); err != nil || v.Person.Identity != k.Person.Identity {
				t.Errorf("the conversation with %s: %v", k.Person.Handle, err)
			}
		}
		return strings.Join(names, " ")
	}
	check := func(a actor.Actor, all map[string]string) {
		t.Helper()
		for s, want := range all {
			if got := find(a, s); got != want {
				t.Errorf("%q finds %q, want %q", s, got, want)
			}
		}
	}
	check(voice(ana), map[string]string{"bea": "bea", "be*": "beata bea", "angstrom": "carl", "carles carl": "carl", "carl far.example": "carl", "京*": "京子",
		"bea in:public": "", "bea -x": "", "beatrix": "", "b*": "beata bea"})
	check(at(voice(ana), library), map[string]string{"be*": "beata", "carl": ""})

	again := says("carl", "m4", "", "x", after(5*minute))
	again.Post.Author.Name = "Carla"
	b.ingest(town, again)
	check(voice(ana), map[string]string{"angstrom": "", "carla": "carl"})
}

// Who was stored before there were words for people has them once the
// installation has looked after itself.
func TestPeopleOfBeforeAreFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "x", after(0)), says("carl", "m2", "", "x", after(minute)))
	b.exec(`delete from identity_word where word <> 'carl'`)
	for range 2 {
		if err := b.desk.IndexPeople(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := b.finds(voice(ana), "from:bea") + " " + b.finds(voice(ana), "from:carl"); got != "m1 m2" {
			t.Errorf("found %q", got)
		}
	}
}

var vocabulary = []string{"bridge", "Bridges", "old", "open", "Straße", "strasse", "café", "東京都", "京都", "橋", "한국어", "नमस्ते", "שלום", "e-mail", "10", "ﬁn"}

// drawEvents makes a page of anything that can arrive.
func drawEvents(t *rapid.T, b *bundle, n *int) (account id.ID, history bool, es []network.Event) {
	account = rapid.SampledFrom([]id.ID{town, town, library, other}).Draw(t, "account")
	history = rapid.IntRange(0, 3).Draw(t, "history") == 0
	for range rapid.IntRange(1, 6).Draw(t, "events") {
		remote := func() string { return fmt.Sprint("r", rapid.IntRange(0, *n).Draw(t, "which")) }
		if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
			es = append(es, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: remote()}})
			continue
		}
		parent, name := "", ""
		if rapid.Bool().Draw(t, "answers") {
			parent = remote()
		}
		*n++
		name = fmt.Sprint("r", *n)
		if rapid.IntRange(0, 5).Draw(t, "again") == 0 {
			name = remote()
		}
		words := rapid.SliceOfN(rapid.SampledFrom(vocabulary), 1, 5).Draw(t, "words")
		e := says(rapid.SampledFrom([]string{"bea", "carl", "京子"}).Draw(t, "who"), name, parent, strings.Join(words, " "),
			b.clock.Now().Add(-time.Duration(rapid.IntRange(0, 100).Draw(t, "hours"))*time.Hour))
		e.Post.Version = fmt.Sprint(*n)
		e.Post.Lang = rapid.SampledFrom([]string{"", "en", "en-GB", "ja"}).Draw(t, "lang")
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			e = private(e)
		case 1:
			e = ours(e)
		case 2:
			e = context_(e)
		case 3:
			e.Post.Visibility = network.Followers
		case 4:
			e.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/1.png"}}
		}
		es = append(es, e)
	}
	return account, history, es
}

func drawQuery(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom(vocabulary),
		rapid.SampledFrom([]string{"bri*", "st*", "京*", "東京*", "o*", "-bridge", "-京都", `"old bridge"`, `"東京都 橋"`, `-"open old"`, "absent"}),
		rapid.SampledFrom([]string{"from:bea", "from:us", "from:京子", "from:c*", "from:far", "in:direct", "in:public", "has:media", "lang:en", "lang:ja",
			"account:our11", "account:our12", "on:2026-03-05", "before:2026-03-05", "after:2026-03-05", "after:yesterday"}))
	return strings.Join(rapid.SliceOfN(part, 1, 3).Draw(t, "query"), " ")
}

// Whatever arrives and whatever is asked, a search finds what looking at every
// message finds, in the same order, on both databases, whichever way it goes.
func TestSearchFindsWhatLookingAtEverythingFinds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	named := map[string]id.ID{"our11": town, "our12": library}
	rapid.Check(t, func(t *rapid.T) {
		b.clear()
		b.exec("delete from identity")
		b.exec("delete from person")
		if err := b.desk.Reindex(context.Background()); err != nil {
			t.Fatal(err)
		}
		b.clock.Set(after(100 * time.Hour))
		n := 0
		for range rapid.IntRange(1, 5).Draw(t, "pages") {
			account, history, es := drawEvents(t, b, &n)
			w := workspace
			if account == other {
				w = elsewhere
			}
			if _, err := b.tryIngest(w, account, history, es...); err != nil {
				t.Fatal(err)
			}
			b.clock.Advance(time.Hour)
		}
		all := b.everything(workspace)
		for range 6 {
			b.desk.Bound(rapid.IntRange(1, 20).Draw(t, "look"), rapid.IntRange(1, 20).Draw(t, "few"), rapid.IntRange(8, 20).Draw(t, "walk"))
			s := drawQuery(t)
			q, err := conversation.ParseQuery(s, b.clock.Now(), false)
			if err != nil {
				continue // "after" and "before" that leave no day
			}
			q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
			for who, a := range map[string]actor.Actor{"all": voice(ana), "town": at(voice(ana), town), "library": at(voice(ben), library)} {
				if who != "all" && len(q.Accounts) > 0 {
					continue // they are told that there is no such account
				}
				if got, want := b.search(a, q), expects(all, a, q, named); !slices.Equal(got, want) {
					t.Fatalf("%q, by who reads %s, finds %d, want %d, of %+v", s, who, got, want, all)
				}
			}
		}
	})
}
