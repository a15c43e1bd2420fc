package conversation_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/id"
)

func (b *bundle) in(box conversation.Box) map[id.ID]conversation.Row {
	all := map[id.ID]conversation.Row{}
	for _, r := range b.list(voice(ana), box) {
		all[r.ID] = r
	}
	return all
}

func (b *bundle) wakes() {
	b.Helper()
	for n := 1; n > 0; {
		var err error
		if n, err = b.desk.WakeDue(context.Background(), actor.System(workspace, "snooze")); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWhatRestsLeavesTheBoxesAndComesBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, c := asked(t) // who asked at 9; it is 10
	b.must(b.desk.Claim(ctx, voice(ana), c))
	wantProblem(t, b.desk.Snooze(ctx, voice(ben), c, after(5*time.Hour)), "conversation.claimed")
	wantProblem(t, b.desk.Snooze(ctx, voice(ana), c, after(time.Hour)), "conversation.snooze_when")
	wantProblem(t, b.desk.Snooze(ctx, voice(ana), c, after(367*24*time.Hour)), "conversation.snooze_when")
	b.must(b.desk.Snooze(ctx, voice(ana), c, after(5*time.Hour)))
	for _, box := range []conversation.Box{conversation.Waiting, conversation.Mine, conversation.All, conversation.Closed} {
		if len(b.in(box)) != 0 {
			t.Errorf("it is in %s", box)
		}
	}
	row := b.in(conversation.Later)[c]
	if !row.Snoozed.Equal(after(5*time.Hour)) || !row.Waiting.Equal(after(0)) {
		t.Errorf("it rests until %s, they wait since %s", row.Snoozed, row.Waiting)
	}
	b.clock.Set(after(5*time.Hour - time.Microsecond))
	b.wakes()
	if len(b.in(conversation.Later)) != 1 {
		t.Error("it came back early")
	}
	b.clock.Set(after(5 * time.Hour))
	b.wakes()
	row = b.in(conversation.Waiting)[c]
	if len(b.in(conversation.Later)) != 0 || !row.Waiting.Equal(after(0)) || row.ClaimedBy != ana {
		t.Errorf("back, they wait since %s and %s answers", row.Waiting, row.Claimer)
	}
	b.must(b.desk.Finish(ctx, voice(ana), c))
	wantProblem(t, b.desk.Snooze(ctx, voice(ana), c, after(6*time.Hour)), "conversation.snooze_done")
}

// Whatever happens to what rests, it is in exactly one of the boxes, at the time
// that a plain model says, and nobody's waiting is forgotten.
func TestWhatRestsFollowsTheModel(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	rapid.Check(t, func(t *rapid.T) {
		b.clear()
		b.clock.Set(start)
		b.ingest(town, says("bea", "m1", "m0", "one", start))
		b.ingest(town, says("bea", "m9", "m8", "nine", start))
		var all []id.ID
		for c := range b.in(conversation.All) {
			all = append(all, c)
		}
		if all[0] > all[1] {
			all[0], all[1] = all[1], all[0]
		}
		thread := map[id.ID]string{all[0]: "m0", all[1]: "m8"}
		until, done, since := map[id.ID]time.Time{}, map[id.ID]bool{}, map[id.ID]time.Time{all[0]: start, all[1]: start}
		said, merged := 100, false
		where := func(t *rapid.T) id.ID { return rapid.SampledFrom(all).Draw(t, "conversation") }
		t.Repeat(map[string]func(*rapid.T){
			"snooze": func(t *rapid.T) {
				c := where(t)
				at := b.clock.Now().Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "hours")) * time.Hour)
				err := b.desk.Snooze(ctx, voice(ana), c, at)
				if may := !done[c] && at.After(b.clock.Now()); (err == nil) != may {
					t.Fatalf("snoozing: %v", err)
				} else if may {
					until[c] = at
				}
			},
			"wake": func(t *rapid.T) {
				c := where(t)
				b.must(b.desk.Wake(ctx, voice(ana), c))
				delete(until, c)
			},
			"finish": func(t *rapid.T) {
				c := where(t)
				b.must(b.desk.Finish(ctx, voice(ana), c))
				if !done[c] {
					delete(until, c)
					delete(since, c)
				}
				done[c] = true
			},
			"reopen": func(t *rapid.T) {
				c := where(t)
				b.must(b.desk.Reopen(ctx, voice(ana), c))
				if done[c] {
					since[c] = start
				}
				done[c] = false
			},
			"they write": func(t *rapid.T) {
				c := where(t)
				said++
				b.ingest(town, says("bea", fmt.Sprint("m", said), thread[c], "more", b.clock.Now()))
				delete(until, c)
				done[c] = false
				if _, waits := since[c]; !waits {
					since[c] = b.clock.Now()
				}
			},
			"somebody else writes": func(t *rapid.T) {
				said++
				b.ingest(town, context_(says("carl", fmt.Sprint("m", said), thread[where(t)], "hm", b.clock.Now())))
			},
			"time passes": func(t *rapid.T) {
				b.clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "minutes")) * time.Minute)
				b.wakes()
				for c, at := range until {
					if !at.After(b.clock.Now()) {
						delete(until, c)
					}
				}
			},
			"restart": func(*rapid.T) {
				b.desk = conversation.New(conversation.Options{DB: b.db, Clock: b.clock, IDs: b.ids, Log: event.NewLog(b.clock, nil),
					Logger: slog.New(slog.DiscardHandler), Send: b.send, Move: b.move, Describe: b.describe, Attach: b.attach})
			},
			"the threads become one": func(t *rapid.T) {
				if merged {
					t.Skip("they are one")
				}
				merged = true
				// The post that began the second thread answers one of the first.
				b.ingest(town, context_(says("dora", "m8", "m0", "both", start)))
				gone, stays := all[1], all[0]
				if len(b.in(conversation.All))+len(b.in(conversation.Later))+len(b.in(conversation.Closed)) != 1 {
					t.Fatal("there are still two")
				}
				if b.number(`select count(*) from conversation where id = $1`, stays) == 0 {
					gone, stays = stays, gone
				}
				rests, both := until[stays], until[gone]
				switch {
				case done[stays]:
					rests = both
				case done[gone]:
				case both.IsZero() || !rests.IsZero() && both.Before(rests):
					rests = both
				}
				delete(until, stays)
				delete(until, gone)
				if !rests.IsZero() {
					until[stays] = rests
				}
				if w, waits := since[gone]; waits && (since[stays].IsZero() || w.Before(since[stays])) {
					since[stays] = w
				}
				delete(since, gone)
				done[stays] = done[stays] && done[gone]
				all = []id.ID{stays, stays}
				thread[stays] = "m0"
			},
			"": func(t *rapid.T) {
				later, open, closed, waiting := b.in(conversation.Later), b.in(conversation.All), b.in(conversation.Closed), b.in(conversation.Waiting)
				for _, c := range all {
					row, rests := later[c]
					_, isOpen := open[c]
					_, isDone := closed[c]
					_, waits := waiting[c]
					if !row.Snoozed.Equal(until[c]) || rests != !until[c].IsZero() || isDone != done[c] || isOpen != (!done[c] && !rests) {
						t.Fatalf("rests %v until %s, open %v, done %v; want until %s, done %v", rests, row.Snoozed, isOpen, isDone, until[c], done[c])
					}
					if waits != (isOpen && !since[c].IsZero()) || waits && !waiting[c].Waiting.Equal(since[c]) || rests && !row.Waiting.Equal(since[c]) {
						t.Fatalf("waits %v since %s (resting %s), want %s", waits, waiting[c].Waiting, row.Waiting, since[c])
					}
				}
				if n := b.number(`select count(*) from snooze s where ended = 0 and until <> (select snoozed from conversation c where c.id = s.conversation)`); n != 0 {
					t.Fatalf("%d records do not say what the conversation says", n)
				}
				if n := b.number(`select count(*) from snooze where ended = 0`); n != len(later) {
					t.Fatalf("%d records are open, %d conversations rest", n, len(later))
				}
			},
		})
	})
}
