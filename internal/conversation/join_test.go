package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/problem"
)

// one is who a person is read together with: their remote ids, and what is marked.
func (b *bundle) one(t *rapid.T, person id.ID) string {
	p, err := b.desk.Profile(context.Background(), steward(), person)
	if problem.Is(err, "conversation.no_person") {
		return "nobody"
	}
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, i := range p.Identities {
		who = append(who, i.RemoteID)
	}
	slices.Sort(who)
	return fmt.Sprint(who, len(p.Joins), len(p.Marks), len(p.Talks))
}

// Joining, splitting and erasing in any order: who is one is what hangs together by
// the statements that have not been taken back, each split restores what there was,
// and with one of them all are erased and nobody else.
func TestWhoIsOneFollowsFromWhatWasSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		ctx := context.Background()
		name := func(i int) string { return fmt.Sprintf("p%d-%d", round, i) }
		const n = 6
		var persons []id.ID
		alive := map[int]bool{}
		for i := range n {
			b.ingest(town, says(name(i), name(i), "", "Hello", after(minute)))
			persons = append(persons, b.person(name(i)))
			alive[i] = true
		}
		type pair struct{ a, b int }
		open := map[pair]bool{}
		component := func(i int) []int {
			all := []int{i}
			for k := 0; k < len(all); k++ {
				for l := range open {
					for _, e := range []pair{l, {l.b, l.a}} {
						if e.a == all[k] && !slices.Contains(all, e.b) {
							all = append(all, e.b)
						}
					}
				}
			}
			slices.Sort(all)
			return all
		}
		want := func(i int) string {
			if !alive[i] {
				return "nobody"
			}
			var who []string
			joins := 0
			for _, k := range component(i) {
				who = append(who, name(k))
			}
			for l := range open {
				if slices.Contains(component(i), l.a) {
					joins++
				}
			}
			return fmt.Sprint(who, joins, 0, len(who))
		}
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			i, k := rapid.IntRange(0, n-1).Draw(t, "one"), rapid.IntRange(0, n-1).Draw(t, "other")
			switch rapid.SampledFrom([]string{"join", "join", "join", "split", "split", "erase"}).Draw(t, "what") {
			case "join":
				err := b.desk.Join(ctx, steward(), persons[i], persons[k])
				if (err == nil) != (alive[i] && alive[k]) {
					t.Fatalf("joining %d and %d: %v", i, k, err)
				}
				if err == nil && !slices.Contains(component(i), k) {
					open[pair{component(i)[0], component(k)[0]}] = true
				}
			case "split":
				if !alive[i] {
					continue
				}
				p, err := b.desk.Profile(ctx, steward(), persons[i])
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Joins) == 0 {
					continue
				}
				j := p.Joins[k%len(p.Joins)]
				var l link
				if err := b.db.Read().Row(ctx, `select person, other from person_join where id = $1`, j.ID).Scan(&l.a, &l.b); err != nil {
					t.Fatal(err)
				}
				delete(open, pair{slices.Index(persons, l.a), slices.Index(persons, l.b)})
				if err := b.desk.Split(ctx, steward(), j.ID); err != nil {
					t.Fatal(err)
				}
			case "erase":
				err := b.desk.Erase(ctx, steward(), persons[i])
				if (err == nil) != alive[i] {
					t.Fatalf("erasing %d: %v", i, err)
				}
				for _, g := range component(i) {
					alive[g] = false
					for l := range open {
						if l.a == g || l.b == g {
							delete(open, l)
						}
					}
				}
			}
			for _, one := range []int{i, k} {
				if got := b.one(t, persons[one]); got != want(one) {
					t.Fatalf("person %d is %s, want %s", one, got, want(one))
				}
			}
		}
		for i := range n {
			if got := b.one(t, persons[i]); got != want(i) {
				t.Fatalf("in the end person %d is %s, want %s", i, got, want(i))
			}
		}
	})
}

type link struct{ a, b id.ID }

// A split restores exactly what there was: each side has its own marks and notes.
func TestASplitRestoresWhatThereWas(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.ingest(town, says("vera", "v1", "", "Hello", after(0)), says("wera", "w1", "", "Hello", after(minute)))
	vera, wera := b.person("vera"), b.person("wera")
	b.must(b.desk.Mark(ctx, steward(), vera, conversation.Press, "Herald"))
	b.must(b.desk.Mark(ctx, steward(), wera, conversation.Friend, "of the house"))
	_, err := b.desk.NotePerson(ctx, steward(), wera, "Met at the fair")
	b.must(err)
	before := fmt.Sprint(b.profile(steward(), vera), b.profile(steward(), wera))
	b.must(b.desk.Join(ctx, steward(), wera, vera))
	p := b.profile(steward(), wera)
	if len(p.Marks) != 2 || len(p.Notes) != 1 || len(p.Talks) != 2 || len(p.Joins) != 1 || len(p.Joins[0].Others) != 1 {
		t.Fatalf("as one: %+v", p)
	}
	if other := b.profile(steward(), vera); fmt.Sprint(other) != fmt.Sprint(p) {
		t.Errorf("by its other name it is %+v", other)
	}
	b.must(b.desk.Split(ctx, steward(), p.Joins[0].ID))
	if got := fmt.Sprint(b.profile(steward(), vera), b.profile(steward(), wera)); got != before {
		t.Errorf("after the split\n%s\nbefore the join\n%s", got, before)
	}
	if err := b.desk.Split(ctx, steward(), p.Joins[0].ID); !problem.Is(err, "conversation.no_join") {
		t.Errorf("taken apart twice: %v", err)
	}
}
