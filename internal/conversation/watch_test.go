package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/network"
)

func (b *bundle) watched(all bool) (look, threads string) {
	b.Helper()
	l, t, err := b.desk.Watchlist(context.Background(), workspace, town, all)
	if err != nil {
		b.Fatal(err)
	}
	names := func(refs []network.Ref) string {
		var out []string
		for _, r := range refs {
			out = append(out, r.ID)
		}
		return strings.Join(out, " ")
	}
	return names(l), names(t)
}

// What account looks at again: open conversations first, the newest first, of a
// fortnight; what is ours, gone or an article is left alone.
func TestWhatIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("old", "m0", "", "long ago", after(-15*24*time.Hour)), says("bea", "m1", "", "hello", after(0)),
		ours(says("our11", "a1", "m1", "hello Bea", after(minute))), says("bea", "m2", "m1", "thanks", after(2*minute)),
		says("carl", "m3", "", "and I?", after(3*minute)), says("dora", "m4", "", "taken back", after(4*minute)))
	b.ingest(town, network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: "m4"}, At: after(5 * minute)})
	b.ingest(library, says("eve", "m5", "", "to the library", after(5*minute)))
	for _, r := range b.list(voice(ana), conversation.All) {
		if r.Person.Name == "Carl" {
			if err := b.desk.Finish(context.Background(), voice(ana), r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if look, _ := b.watched(true); look != "m2 m1 m3" {
		t.Errorf("looks at %q", look)
	}
	if look, _ := b.watched(false); look != "" {
		t.Errorf("looks at %q without being asked", look)
	}
	var many []network.Event
	for i := range 150 {
		many = append(many, says(fmt.Sprint("p", i), fmt.Sprint("x", i), "", "me too", after(10*minute+time.Duration(i)*time.Second)))
	}
	b.ingest(town, many...)
	look, _ := b.watched(true)
	if ids := strings.Fields(look); len(ids) != 100 || ids[0] != "x149" || slices.Contains(ids, "m1") {
		t.Errorf("looks at %d: %s", len(ids), look)
	}
}

// A message whose parent has not come is asked for; one whose parent was erased
// has none to wait for.
func TestWhoseThreadIsAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("alice", "m1", "", "what I think", after(0)), says("bea", "m2", "m1", "so do I", after(minute)),
		says("carl", "m3", "m9", "is that so?", after(2*minute)))
	if _, threads := b.watched(false); threads != "m3" {
		t.Errorf("asks for %q", threads)
	}
	b.erase("alice")
	if _, threads := b.watched(true); threads != "m3" {
		t.Errorf("after the erasing it asks for %q", threads)
	}
	b.ingest(town, says("dora", "m9", "", "yes", after(0)))
	if _, threads := b.watched(true); threads != "" {
		t.Errorf("asks for %q, whose parent has come", threads)
	}
}
