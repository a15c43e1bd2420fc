package bluesky_test

import (
	"slices"
	"testing"
	"time"

	"parley/internal/network"
	"parley/internal/network/networktest"
)

func TestDeleteIsForOurOwn(t *testing.T) {
	t.Parallel()
	r := setup(t)
	theirs := r.fake.Say(stranger("ann", "hello"))
	for name, id := range map[string]string{"theirs": theirs.ID, "nonsense": "x", "a message": "chat:c/m"} {
		wants(t, name, r.n.Delete(r.ctx, r.a, network.Ref{ID: id}), network.Policy, "")
	}
	if r.count("deleteRecord") != 0 {
		t.Error("something was asked to be deleted")
	}
}

func TestActs(t *testing.T) {
	t.Parallel()
	r := setup(t)
	post := r.fake.Say(stranger("ann", "hello"))
	ann := network.Person{RemoteID: r.fake.DID("ann")}
	acts := []network.Act{
		{Kind: network.Like, On: post}, {Kind: network.Repost, On: network.Ref{ID: post.ID}},
		{Kind: network.Follow, Person: ann}, {Kind: network.Block, Person: ann}, {Kind: network.Mute, Person: ann},
	}
	for _, a := range acts {
		for range 3 {
			r.clock.Advance(time.Second)
			if err := r.n.Act(r.ctx, r.a, a); err != nil {
				t.Errorf("%s: %v", a.Kind, err)
			}
		}
	}
	if n := len(r.fake.Ledger()); n != 4 || !r.fake.Muted(ann.RemoteID) {
		t.Errorf("thrice each of four acts left %d records; muted %v", n, r.fake.Muted(ann.RemoteID))
	}
	counts, err := r.n.Metrics(r.ctx, r.a, []network.Ref{post, {ID: "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a"}, {ID: "x"}})
	if err != nil || len(counts) != 1 || counts[post.ID]["likes"] != 1 || counts[post.ID]["reposts"] != 1 {
		t.Errorf("counts %v, %v", counts, err)
	}
	if _, told := counts[post.ID]["saves"]; told {
		t.Error("an untold count is told")
	}
	for _, a := range acts {
		a.Undo = true
		for range 2 {
			if err := r.n.Act(r.ctx, r.a, a); err != nil {
				t.Errorf("undoing %s: %v", a.Kind, err)
			}
		}
	}
	deletes := 0
	for _, w := range r.fake.Ledger() {
		if w.Op == networktest.OpDelete {
			deletes++
		}
	}
	if deletes != 4 || r.fake.Muted(ann.RemoteID) {
		t.Errorf("%d deletes, muted %v", deletes, r.fake.Muted(ann.RemoteID))
	}
	wants(t, "liking what is gone", r.n.Act(r.ctx, r.a, network.Act{Kind: network.Like, On: network.Ref{ID: "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3jzfcijpj2z2a"}}), network.Gone, "")
	wants(t, "liking a message", r.n.Act(r.ctx, r.a, network.Act{Kind: network.Like, On: network.Ref{ID: "chat:a/b"}}), network.Policy, "bluesky.help.not_a_post")
	wants(t, "waving", r.n.Act(r.ctx, r.a, network.Act{Kind: "wave"}), network.Policy, "")
}

// A like another app made has a key of its own; taking it back finds it.
func TestUndoFindsWhatAnotherAppDid(t *testing.T) {
	t.Parallel()
	r := setup(t)
	post := r.fake.Say(stranger("ann", "hello"))
	r.fake.Act(r.a.RemoteID, "app.bsky.feed.like", map[string]any{"uri": post.ID, "cid": post.Version})
	if err := r.n.Act(r.ctx, r.a, network.Act{Kind: network.Like, Undo: true, On: post}); err != nil {
		t.Fatal(err)
	}
	counts, err := r.n.Metrics(r.ctx, r.a, []network.Ref{post})
	if err != nil || counts[post.ID]["likes"] != 0 {
		t.Errorf("%v, %v", counts, err)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := setup(t)
	post := r.fake.Say(stranger("ann", "threats"))
	ann := network.Person{RemoteID: r.fake.DID("ann")}
	for _, a := range []network.Act{{Kind: network.Report, On: post, Person: ann, Reason: "threats\x00"}, {Kind: network.Report, Person: ann, Reason: "again"}} {
		if err := r.n.Act(r.ctx, r.a, a); err != nil {
			t.Error(err)
		}
	}
	if got := r.fake.Reports(); !slices.Equal(got, []string{post.ID + ": threats", ann.RemoteID + ": again"}) {
		t.Errorf("%q", got)
	}
	wants(t, "taking it back", r.n.Act(r.ctx, r.a, network.Act{Kind: network.Report, Undo: true}), network.Policy, "bluesky.help.report_stays")
}
