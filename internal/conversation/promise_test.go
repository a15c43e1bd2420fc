package conversation_test

import (
	"context"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/hours"
)

func TestWithoutAPromiseEverybodySimplyWaits(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	v, err := b.desk.Open(context.Background(), voice(ana), c)
	if err != nil || v.Waiting.IsZero() || !v.Due.IsZero() {
		t.Errorf("waiting %v, due %v (%v)", v.Waiting, v.Due, err)
	}
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(time.Hour))))
	if n := b.number(`select count(*) from response where due = 0 and open = 0 and waited > 0 and answered > waited`); n != 1 {
		t.Errorf("%d responses without a promise", n)
	}
	p, err := b.desk.Promise(context.Background(), voice(ana))
	if err != nil || !p.Set.IsZero() || !p.Office.Never() || p.Zone != "UTC" {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestAPromiseIsKeptAsItWasSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := context.Background()
	day := func(m time.Month, d int) hours.Date { return hours.Date{Year: 2026, Month: m, Day: d} }
	in := conversation.Promise{Within: 90 * time.Minute}
	in.Office.Week[time.Tuesday] = []hours.Span{{From: 600, To: 700}, {From: 540, To: 600}}
	in.Office.Holidays = []hours.Holiday{{Date: day(5, 1), Name: " Labour\u0000 Day "}, {Date: day(1, 1), Yearly: true}, {Date: day(5, 1), Name: "twice"}}
	wantProblem(t, b.desk.SetPromise(ctx, voice(ana), in), "forbidden")
	if err := b.desk.SetPromise(ctx, manager(ana), in); err != nil {
		t.Fatal(err)
	}
	p, err := b.desk.Promise(ctx, voice(ben))
	if err != nil || p.Within != 90*time.Minute || hours.FormatSpans(p.Office.Week[time.Tuesday]) != "09:00–11:40" || len(p.Office.Holidays) != 2 ||
		p.Office.Holidays[0].Date != day(1, 1) || !p.Office.Holidays[0].Yearly || p.Office.Holidays[1].Name != "Labour Day" {
		t.Errorf("%+v (%v)", p, err)
	}
	stranger := voice(otto)
	stranger.Workspace = elsewhere
	if p, err := b.desk.Promise(ctx, stranger); err != nil || p.Within != 0 {
		t.Errorf("another workspace promises %v (%v)", p.Within, err)
	}
	// Hours without a promise are kept too.
	in.Within = 0
	if err := b.desk.SetPromise(ctx, manager(ana), in); err != nil {
		t.Fatal(err)
	}
	if p, err := b.desk.Promise(ctx, voice(ana)); err != nil || p.Within != 0 || p.Office.Never() {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestPromisesThatCannotBeKeptAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var open hours.Week
	open[1] = []hours.Span{{From: 0, To: 60}}
	for code, in := range map[string]conversation.Promise{
		"conversation.promise_within":   {Within: -time.Hour, Office: hours.Office{Week: open}},
		"conversation.promise_closed":   {Within: time.Hour},
		"conversation.promise_hours":    {Office: hours.Office{Week: hours.Week{{{From: 60, To: 60}}}}},
		"conversation.promise_holidays": {Office: hours.Office{Holidays: make([]hours.Holiday, 201)}},
		"conversation.promise_date":     {Office: hours.Office{Holidays: make([]hours.Holiday, 1)}},
	} {
		wantProblem(t, b.desk.SetPromise(context.Background(), manager(ana), in), code)
	}
	wantProblem(t, b.desk.SetPromise(context.Background(), manager(ana), conversation.Promise{Within: 31 * 24 * time.Hour, Office: hours.Office{Week: open}}), "conversation.promise_within")
	if n := b.number(`select count(*) from promise`); n != 0 {
		t.Error("a promise that was refused is stored")
	}
}

// What was measured goes with the conversation, and comes along when two become one.
func TestResponsesGoWhereTheirConversationGoes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b, c := asked(t)
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes", after(time.Hour))))
	if n := b.number(`select count(*) from response`); n != 1 {
		t.Fatalf("%d responses", n)
	}
	person, err := b.desk.PersonOf(ctx, steward(), c)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.desk.Erase(ctx, steward(), person); err != nil {
		t.Fatal(err)
	}
	if n := b.number(`select count(*) from response`); n != 0 {
		t.Errorf("%d responses of somebody who was erased", n)
	}

	b, _ = asked(t)
	short := says("carl", "c1", "", "soon over", after(0))
	short.Post.KeepUntil = after(2 * time.Hour)
	// Two threads of Carla's that become one: each was answered.
	b.ingest(town, short, says("carla", "x2", "x1", "two", after(0)), says("carla", "x3", "", "three", after(0)))
	b.ingest(town, ours(says("our11", "b1", "c1", "Yes", after(time.Hour))), ours(says("our11", "b2", "x2", "Yes", after(time.Hour))),
		ours(says("our11", "b3", "x3", "Yes", after(time.Hour))))
	if n := b.number(`select count(*) from response`); n != 3 {
		t.Fatalf("%d responses", n)
	}
	root := says("carla", "x1", "x3", "one", after(minute))
	b.ingest(town, context_(root))
	if n := b.number(`select count(distinct r.conversation) from response r join conversation c on c.id = r.conversation join identity i on i.id = c.identity where i.remote_id = 'carla'`); n != 1 {
		t.Errorf("the responses of conversations that became one belong to %d", n)
	}
	b.clock.Set(after(3 * time.Hour))
	if n, err := b.desk.Sweep(ctx, actor.System(workspace, "retention")); err != nil || n != 1 {
		t.Fatalf("%d swept (%v)", n, err)
	}
}
