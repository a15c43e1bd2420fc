package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/network"
)

const fire = "There is a fire in the library, people are trapped"

// names are whom the waiting list shows, in its order; an exclamation mark for
// urgent ones.
func (b *bundle) names() string {
	b.Helper()
	var names []string
	f := conversation.Filter{Box: conversation.Waiting, Limit: 1}
	for range 50 { // page by page, so that every place on the way is used
		p, err := b.desk.List(context.Background(), voice(ana), f)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range p.Rows {
			name := r.Person.Name
			for _, u := range r.Urgent {
				name += "!" + string(u.Why)
			}
			names = append(names, name)
		}
		if f.After = p.Next; p.Next.ID == 0 {
			break
		}
	}
	return strings.Join(names, " ")
}

func (b *bundle) of(name string) id.ID {
	b.Helper()
	for _, box := range []conversation.Box{conversation.All, conversation.Closed} {
		for _, r := range b.list(voice(ana), box) {
			if r.Person.Name == name {
				return r.ID
			}
		}
	}
	b.Fatalf("%s has no conversation", name)
	return 0
}

func TestUrgentOnesStandFirstAndThenWhoWaitedLongest(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)), says("carl", "m2", "", "Hello?", after(minute)),
		says("dora", "m3", "", fire, after(2*minute)), says("emil", "m4", "", "And bus 13?", after(3*minute)))
	want := func(names string) {
		t.Helper()
		if got := b.names(); got != names {
			t.Errorf("the list is %q, want %q", got, names)
		}
	}
	want("Dora!danger Bea Carl Emil")
	if err := b.desk.MarkUrgent(ctx, voice(ben), b.of("Carl")); err != nil {
		t.Fatal(err)
	}
	want("Carl!hand Dora!danger Bea Emil")
	if err := b.desk.MarkUrgent(ctx, voice(ana), b.of("Dora")); err != nil {
		t.Fatal(err)
	}
	want("Carl!hand Dora!danger!hand Bea Emil")
	if err := b.desk.NotUrgent(ctx, voice(ana), b.of("Dora")); err != nil {
		t.Fatal(err)
	}
	want("Carl!hand Bea Dora Emil")
	// The same words again, from a poll, mark nothing; others do.
	b.ingest(town, says("dora", "m3", "", fire, after(2*minute)))
	want("Carl!hand Bea Dora Emil")
	b.ingest(town, says("dora", "m5", "m3", "The house is on fire!", after(4*minute)))
	want("Carl!hand Dora!danger Bea Emil")
	if n := b.number(`select count(*) from urgent where ended > 0 and ended_by = $1`, ana); n != 2 {
		t.Errorf("%d marks were taken back by Ana, want two", n)
	}
	// Who reads along changes nothing.
	reader := actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}}}
	wantProblem(t, b.desk.MarkUrgent(ctx, reader, b.of("Emil")), "forbidden")
	wantProblem(t, b.desk.NotUrgent(ctx, reader, b.of("Carl")), "forbidden")
}

func TestWhatEndsUrgency(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, do := range map[string]func(*bundle, id.ID){
		"needs no answer": func(b *bundle, c id.ID) {
			if err := b.desk.Finish(ctx, voice(ana), c); err != nil {
				b.Fatal(err)
			}
		},
		"answered": func(b *bundle, c id.ID) {
			send, err := b.desk.Reply(ctx, voice(ana), conversation.Answer{Conversation: c, Text: "Help is on its way"})
			if err != nil {
				b.Fatal(err)
			}
			if b.names() != "Bea!danger" {
				b.Errorf("while the answer is on its way: %q", b.names())
			}
			b.stands(sent(b, c, send, "a1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.clock.Set(after(time.Hour))
			b.ingest(town, says("bea", "m1", "", fire, after(0)))
			c := b.of("Bea")
			do(b, c)
			if n := b.number(`select count(*) from urgent where ended > 0`); n != 1 || b.number(`select urgent from conversation`) != 0 {
				t.Errorf("%d marks ended", n)
			}
			wantProblem(t, b.desk.MarkUrgent(ctx, voice(ana), c), "conversation.urgent_done")
			b.ingest(town, says("bea", "m2", "m1", "When does the library open?", after(2*time.Hour)))
			if b.names() != "Bea" {
				t.Errorf("afterwards the list is %q", b.names())
			}
		})
	}
}

func TestWhichWordsMark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	warned := says("bea", "m1", "", "Please read", after(0))
	warned.Post.Warning = "I want to kill myself"
	old := says("dora", "m3", "", fire, after(-200*24*time.Hour))
	beside := context_(says("emil", "m4", "m1", fire, after(0)))
	b.ingest(town, warned, beside)
	if _, err := b.tryIngest(workspace, town, true, old); err != nil {
		t.Fatal(err)
	}
	if got := b.names(); got != "Bea!self_harm" {
		t.Errorf("the list is %q", got)
	}
	// An edit counts, once.
	b.ingest(town, says("fay", "m5", "", "Hello", after(minute)))
	b.ingest(town, edited(says("fay", "m5", "", fire, after(minute)), after(2*minute)))
	if got := b.names(); got != "Bea!self_harm Fay!danger" {
		t.Errorf("after an edit the list is %q", got)
	}
	if err := b.desk.NotUrgent(context.Background(), voice(ana), b.of("Fay")); err != nil {
		t.Fatal(err)
	}
	again := edited(says("fay", "m5", "", fire+"!", after(minute)), after(3*minute))
	again.Post.Version = "3"
	b.ingest(town, again)
	if got := b.names(); got != "Bea!self_harm Fay" {
		t.Errorf("after it was taken back and edited once more the list is %q", got)
	}
}

func TestUrgencyGoesWithItsConversation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("carla", "x2", "x1", fire, after(0)), says("carla", "x3", "", "I will kill you all", after(0)))
	b.ingest(town, context_(says("carla", "x1", "x3", "one", after(minute))))
	if got := b.names(); got != "Carla!danger!threat" {
		t.Errorf("two that became one are %q", got)
	}
	person, err := b.desk.PersonOf(ctx, steward(), b.of("Carla"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Erase(ctx, steward(), person); err != nil {
		t.Fatal(err)
	}
	if n := b.number(`select count(*) from urgent`); n != 0 {
		t.Errorf("%d marks of somebody who was erased", n)
	}
}

// What only says thank you is shown and counted, and nobody waits because of it.
func TestThanksReopenNothing(t *testing.T) {
	t.Parallel()
	picture := says("bea", "m3", "a1", "Thanks!", after(3*time.Hour))
	picture.Post.Media = []network.Media{{Kind: "image", URL: "https://far.example/a.png"}}
	for name, tc := range map[string]struct {
		events []network.Event
		want   string
	}{
		"thanks": {[]network.Event{says("bea", "m3", "a1", "Thank you so much!", after(3*time.Hour))},
			`Bea public 11 done | Bea: Is bus 12 running? / we: Yes / Bea: Thank you so much!`},
		"a heart": {[]network.Event{says("bea", "m3", "a1", "❤️", after(3*time.Hour))},
			`Bea public 11 done | Bea: Is bus 12 running? / we: Yes / Bea: ❤️`},
		"thanks with a question": {[]network.Event{says("bea", "m3", "a1", "Thanks! And tomorrow?", after(3*time.Hour))},
			`Bea public 11 open waiting 3h0m0s | Bea: Is bus 12 running? / we: Yes / Bea: Thanks! And tomorrow?`},
		"thanks with a picture": {[]network.Event{picture},
			`Bea public 11 open waiting 3h0m0s | Bea: Is bus 12 running? / we: Yes / Bea: Thanks!`},
		"thanks, then a question that is taken back": {[]network.Event{says("bea", "m3", "a1", "Thanks!", after(3*time.Hour)),
			says("bea", "m4", "a1", "And tomorrow?", after(4*time.Hour)), taken("m4")},
			`Bea public 11 open | Bea: Is bus 12 running? / we: Yes / Bea: Thanks! / Bea: (And tomorrow?)`},
		"a question, thanks, and the question is taken back": {[]network.Event{says("bea", "m3", "a1", "And tomorrow?", after(3*time.Hour)),
			says("bea", "m4", "a1", "Thanks!", after(4*time.Hour)), taken("m3")},
			`Bea public 11 open | Bea: Is bus 12 running? / we: Yes / Bea: (And tomorrow?) / Bea: Thanks!`},
		"thanks that become a question": {[]network.Event{says("bea", "m3", "a1", "Thanks!", after(3*time.Hour)),
			edited(says("bea", "m3", "a1", "Thanks! And tomorrow?", after(3*time.Hour)), after(4*time.Hour))},
			`Bea public 11 open waiting 5h0m0s | Bea: Is bus 12 running? / we: Yes / Bea: Thanks! And tomorrow?[was Thanks!]`},
		"out of the blue": {[]network.Event{says("carl", "c1", "", "Thank you!", after(3*time.Hour))},
			"Bea public 11 done | Bea: Is bus 12 running? / we: Yes\nCarl public 11 open waiting 3h0m0s | Carl: Thank you!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := answeredElsewhere(t)
			b.clock.Set(after(5 * time.Hour))
			for _, e := range tc.events {
				b.ingest(town, e)
			}
			b.want(tc.want)
		})
	}
}

func TestThanksEndNoWaitingAndCanBeReopened(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, c := asked(t)
	b.ingest(town, says("bea", "m2", "m1", "Thanks!", after(minute)))
	b.want(`Bea public 11 open waiting 0s | Bea: Is bus 12 running? / Bea: Thanks!`)
	if err := b.desk.Finish(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.ingest(town, says("bea", "m3", "m1", "bye", after(2*minute)))
	if err := b.desk.Reopen(ctx, voice(ana), c); err != nil {
		t.Fatal(err)
	}
	b.want(`Bea public 11 open waiting 0s | Bea: Is bus 12 running? / Bea: Thanks! / Bea: bye`)
}

func TestTakeNextGivesTheRightOne(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)), says("carl", "m2", "", "Hello?", after(minute)),
		says("dora", "m3", "", fire, after(2*minute)))
	b.ingest(library, says("emil", "l1", "", "Is it open?", after(-minute)))
	take := func(a actor.Actor, want string) {
		t.Helper()
		next, err := b.desk.TakeNext(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for _, r := range b.list(voice(ana), conversation.All) {
			if r.ID == next {
				name = r.Person.Name
				if r.ClaimedBy != a.Member {
					t.Errorf("%s was given and not claimed", name)
				}
			}
		}
		if name != want {
			t.Errorf("given %q, want %q", name, want)
		}
	}
	ofTown := actor.Actor{Workspace: workspace, Member: ben}
	for _, r := range []actor.Right{actor.ReadConversations, actor.Claim, actor.Reply} {
		ofTown.Grants = append(ofTown.Grants, actor.Grant{Right: r, Scope: actor.Scope{Kind: "account", ID: town}})
	}
	take(ofTown, "Dora")
	take(ofTown, "Bea") // Emil waits longer, at an account that is not Ben's
	take(voice(ana), "Emil")
	b.exec(`update account set state = 'disconnected' where id = $1`, town)
	take(voice(ana), "")
	b.exec(`update account set state = 'connected' where id = $1`, town)
	take(voice(ana), "Carl")
	take(voice(ana), "")
	reader := actor.Actor{Workspace: workspace, Member: ben, Grants: []actor.Grant{{Right: actor.ReadConversations}, {Right: actor.Claim}}}
	if _, err := b.desk.TakeNext(ctx, reader); err == nil {
		t.Error("somebody who may not answer took one")
	}
}

// What was given to somebody is theirs to take, or their team's.
func TestTakeNextLeavesToOthersWhatWasGivenToThem(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.teams()
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)), says("carl", "m2", "", "Hello?", after(minute)),
		says("dora", "m3", "", "And bus 13?", after(2*minute)))
	bea, carl, dora := b.of("Bea"), b.of("Carl"), b.of("Dora")
	for c, to := range map[id.ID]conversation.Receiver{bea: {Member: ben}, carl: {Team: press}} {
		if err := b.give(voice(ana), c, to, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range []struct {
		who  id.ID
		want id.ID
	}{{ana, dora}, {ana, 0}, {ben, bea}, {ben, carl}, {ben, 0}} {
		if next, err := b.desk.TakeNext(ctx, voice(one.who)); err != nil || next != one.want {
			t.Errorf("%v was given %v, want %v (%v)", one.who, next, one.want, err)
		}
	}
}

func TestTwoNeverTakeTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	var events []network.Event
	for i := range 24 {
		events = append(events, says(fmt.Sprint("p", i), fmt.Sprint("m", i), "", "Hello?", after(time.Duration(i)*time.Second)))
	}
	b.ingest(town, events...)
	var mu sync.Mutex
	var taken []id.ID
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			a := voice([]id.ID{ana, ben}[i%2])
			for {
				next, err := b.desk.TakeNext(context.Background(), a)
				if err != nil {
					t.Error(err)
					return
				}
				if next == 0 {
					return
				}
				mu.Lock()
				taken = append(taken, next)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(taken)
	if len(taken) != 24 || len(slices.Compact(slices.Clone(taken))) != 24 {
		t.Errorf("%d were given, %d of them different, want all 24 once", len(taken), len(slices.Compact(slices.Clone(taken))))
	}
	if n := b.number(`select count(*) from claim where ended = 0`); n != 24 {
		t.Errorf("%d claims", n)
	}
}
