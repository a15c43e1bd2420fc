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

// manager is a member who may also set the workspace up.
func manager(m id.ID) actor.Actor {
	a := voice(m)
	for _, r := range []actor.Right{actor.ManageWorkspace, actor.ManageTeam, actor.ErasePerson} {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return a
}

func (b *bundle) label(name string) id.ID {
	b.Helper()
	l, err := b.desk.CreateLabel(context.Background(), manager(ana), name, "")
	if err != nil {
		b.Fatal(err)
	}
	return l.ID
}

func (b *bundle) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// labels are the names on every conversation, as text, in the list and opened alike.
func (b *bundle) labels() string {
	b.Helper()
	var lines []string
	for _, box := range []conversation.Box{conversation.All, conversation.Closed} {
		for _, r := range b.list(voice(ana), box) {
			v, err := b.desk.Open(context.Background(), voice(ana), r.ID)
			b.must(err)
			if row, open := names(r.Labels), names(v.Labels); row != open {
				b.Errorf("the list shows %q, the conversation %q", row, open)
			}
			lines = append(lines, r.Person.Name+": "+names(r.Labels))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, " | ")
}

func names(all []conversation.Label) string {
	var s []string
	for _, l := range all {
		s = append(s, l.Name)
	}
	return strings.Join(s, ", ")
}

func TestLabelsArePutOnTakenOffMergedAndRetired(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, c := asked(t)
	roads, works, noise := b.label("Roads"), b.label("Road works"), b.label("Noise")
	b.must(b.desk.PutLabel(ctx, voice(ben), c, roads))
	b.must(b.desk.PutLabel(ctx, voice(ana), c, roads)) // changes nothing
	b.must(b.desk.PutLabel(ctx, voice(ana), c, works))
	if got := b.labels(); got != "Bea: Road works, Roads" {
		t.Errorf("labels: %s", got)
	}
	b.must(b.desk.MergeLabel(ctx, manager(ana), works, roads))
	if got := b.labels(); got != "Bea: Roads" {
		t.Errorf("after merging: %s", got)
	}
	wantProblem(t, b.desk.PutLabel(ctx, voice(ana), c, works), "conversation.no_label")
	b.must(b.desk.MergeLabel(ctx, manager(ana), roads, noise))
	if got := b.labels(); got != "Bea: Noise" {
		t.Errorf("after merging again: %s", got)
	}
	b.must(b.desk.RetireLabel(ctx, manager(ana), noise))
	if got := b.labels(); got != "Bea: Noise" {
		t.Errorf("after retiring: %s", got)
	}
	b.must(b.desk.TakeLabel(ctx, voice(ana), c, noise))
	if got := b.labels(); got != "Bea: " {
		t.Errorf("after taking it off: %s", got)
	}
	wantProblem(t, b.desk.PutLabel(ctx, voice(ana), c, noise), "conversation.label_retired")
	b.must(b.desk.RestoreLabel(ctx, manager(ana), noise))
	b.must(b.desk.PutLabel(ctx, voice(ana), c, noise))
	if got := b.labels(); got != "Bea: Noise" {
		t.Errorf("after offering it again: %s", got)
	}
	if n := b.number(`select count(*) from labelling where member = $1`, ben); n != 1 {
		t.Errorf("%d records say that ben put something on", n)
	}
}

func TestANameMeansOneLabel(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	press := b.label("  Press\n ")
	for name, code := range map[string]string{"PRESS": "conversation.label_taken", "Ｐress": "conversation.label_taken", " \u200b": "conversation.label_empty",
		strings.Repeat("x", 41): "conversation.label_long"} {
		_, err := b.desk.CreateLabel(ctx, manager(ana), name, "")
		wantProblem(t, err, code)
	}
	_, err := b.desk.CreateLabel(ctx, manager(ana), "Other", "neon")
	wantProblem(t, err, "conversation.label_hue")
	b.must(b.desk.RetireLabel(ctx, manager(ana), press))
	again := b.label("press")
	wantProblem(t, b.desk.RestoreLabel(ctx, manager(ana), press), "conversation.label_taken")
	wantProblem(t, b.desk.MergeLabel(ctx, manager(ana), again, again), "conversation.label_merge")
	wantProblem(t, b.desk.MergeLabel(ctx, manager(ana), again, press), "conversation.label_merge")
	_, err = b.desk.CreateLabel(ctx, voice(ana), "Mine", "")
	wantProblem(t, err, "forbidden")
}

// Every label gets a colour of its own while there are any left.
func TestColoursAreGivenInTurn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	used := map[conversation.Hue]bool{}
	for i := range conversation.Hues {
		b.label(fmt.Sprint("label ", i))
	}
	all, err := b.desk.Labels(context.Background(), voice(ana))
	b.must(err)
	for _, l := range all {
		used[l.Hue] = true
	}
	if len(used) != len(conversation.Hues) {
		t.Errorf("%d labels have %d colours", len(all), len(used))
	}
}

// Two threads that turn out to be one have the labels of both, once each.
func TestLabelsFollowAConversationIntoAnother(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("bea", "m3", "m2", "three", after(3*time.Minute)))
	b.ingest(town, says("bea", "m9", "", "elsewhere", after(time.Minute)))
	b.ingest(town, says("bea", "m1", "", "one", after(0)))
	roads, noise := b.label("Roads"), b.label("Noise")
	for _, r := range b.list(voice(ana), conversation.All) {
		switch r.Snippet {
		case "three":
			b.must(b.desk.PutLabel(ctx, voice(ana), r.ID, roads))
		case "one":
			b.must(b.desk.PutLabel(ctx, voice(ana), r.ID, roads))
			b.must(b.desk.PutLabel(ctx, voice(ana), r.ID, noise))
		}
	}
	b.ingest(town, says("bea", "m2", "m1", "two", after(2*time.Minute)))
	if got := b.labels(); got != "Bea:  | Bea: Noise, Roads" {
		t.Errorf("labels: %s", got)
	}
}

// Nothing that hangs on a conversation keeps it from being erased, or from passing.
func TestLabelsGoWithTheirConversation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, end := range map[string]func(b *bundle, c id.ID){
		"erased": func(b *bundle, c id.ID) {
			p, err := b.desk.PersonOf(ctx, voice(ana), c)
			b.must(err)
			b.must(b.desk.Erase(ctx, manager(ana), p))
		},
		"past its time": func(b *bundle, _ id.ID) {
			b.exec(`update workspace set keep_days = 1`)
			b.clock.Advance(72 * time.Hour)
			_, err := b.desk.Sweep(ctx, actor.System(workspace, "retention"))
			b.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, c := asked(t)
			b.must(b.desk.PutLabel(ctx, voice(ana), c, b.label("Roads")))
			end(b, c)
			if n := b.number(`select count(*) from conversation`) + b.number(`select count(*) from labelling`); n != 0 {
				t.Errorf("%d rows are left", n)
			}
			if n := b.number(`select count(*) from label`); n != 1 {
				t.Errorf("%d labels are left", n)
			}
		})
	}
}

// What is shown follows a plain map of who has which label, whatever is put on,
// taken off, merged, retired and offered again.
func TestLabelsFollowTheModel(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		b.clear()
		b.exec(`delete from label`)
		var conversations, labels []id.ID
		for i := range 3 {
			b.ingest(town, says(string(rune('a'+i))+"nn", fmt.Sprint("r", i), "", "?", after(time.Duration(i)*time.Second)))
		}
		for _, r := range b.list(voice(ana), conversation.All) {
			conversations = append(conversations, r.ID)
		}
		for i := range 4 {
			labels = append(labels, b.label(fmt.Sprint("L", i)))
		}
		on := map[id.ID]map[id.ID]bool{}
		for _, c := range conversations {
			on[c] = map[id.ID]bool{}
		}
		retired, merged := map[id.ID]bool{}, map[id.ID]bool{}
		which, where := rapid.SampledFrom(labels), rapid.SampledFrom(conversations)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				l, c := which.Draw(t, "label"), where.Draw(t, "conversation")
				err := b.desk.PutLabel(ctx, voice(ana), c, l)
				if may := !merged[l] && (!retired[l] || on[c][l]); (err == nil) != may {
					t.Fatalf("putting on: %v", err)
				} else if may {
					on[c][l] = true
				}
			},
			"take": func(t *rapid.T) {
				l, c := which.Draw(t, "label"), where.Draw(t, "conversation")
				if err := b.desk.TakeLabel(ctx, voice(ben), c, l); (err == nil) == merged[l] {
					t.Fatalf("taking off: %v", err)
				}
				delete(on[c], l)
			},
			"merge": func(t *rapid.T) {
				l, into := which.Draw(t, "label"), which.Draw(t, "into")
				err := b.desk.MergeLabel(ctx, manager(ana), l, into)
				if may := !merged[l] && !merged[into] && !retired[into] && l != into; (err == nil) != may {
					t.Fatalf("merging: %v", err)
				} else if !may {
					return
				}
				merged[l] = true
				for _, c := range conversations {
					if on[c][l] {
						delete(on[c], l)
						on[c][into] = true
					}
				}
			},
			"retire": func(t *rapid.T) {
				l := which.Draw(t, "label")
				if err := b.desk.RetireLabel(ctx, manager(ana), l); (err == nil) == merged[l] {
					t.Fatalf("retiring: %v", err)
				}
				retired[l] = true
			},
			"restore": func(t *rapid.T) {
				l := which.Draw(t, "label")
				if err := b.desk.RestoreLabel(ctx, manager(ana), l); (err == nil) == merged[l] {
					t.Fatalf("restoring: %v", err)
				}
				retired[l] = false
			},
			"": func(t *rapid.T) {
				for _, r := range b.list(voice(ana), conversation.All) {
					got := map[id.ID]bool{}
					for _, l := range r.Labels {
						got[l.ID] = true
					}
					if len(got) != len(r.Labels) || !equal(got, on[r.ID]) {
						t.Fatalf("%s has %v, want %v", r.Person.Name, r.Labels, on[r.ID])
					}
				}
			},
		})
	})
}

func equal(a, b map[id.ID]bool) bool {
	for k := range a {
		if !b[k] {
			return false
		}
	}
	return len(a) == len(b)
}

// A label of another workspace is none, and who may read one account only labels
// nothing of another.
func TestLabelsStayInTheirWorkspace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, c := asked(t)
	theirs := manager(otto)
	theirs.Workspace = elsewhere
	l, err := b.desk.CreateLabel(ctx, theirs, "Theirs", "")
	b.must(err)
	wantProblem(t, b.desk.PutLabel(ctx, voice(ana), c, l.ID), "conversation.no_label")
	wantProblem(t, b.desk.PutLabel(ctx, theirs, c, l.ID), "conversation.not_found")
	wantProblem(t, b.desk.MergeLabel(ctx, manager(ana), b.label("Ours"), l.ID), "conversation.no_label")
	only := actor.Actor{Workspace: workspace, Member: ben}
	for _, g := range voice(ben).Grants {
		only.Grants = append(only.Grants, actor.Grant{Right: g.Right, Scope: actor.Scope{Kind: "account", ID: library}})
	}
	wantProblem(t, b.desk.PutLabel(ctx, only, c, b.label("Roads")), "conversation.not_found")
	b.ingest(library, network.Event{Kind: network.KindMessage, Addressed: true, At: start, Post: says("bea", "m1", "", "Is bus 12 running?", after(0)).Post})
	if got := b.labels(); got != "Bea:  | Bea: " {
		t.Errorf("labels: %s", got)
	}
}
