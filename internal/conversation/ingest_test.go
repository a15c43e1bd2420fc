package conversation_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/network"
	"parley/internal/text"
)

const minute = time.Minute

func TestAMentionOpensAConversationAndAReplyContinuesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)))
	b.ingest(town, says("bea", "m2", "m1", "Hello?", after(9*minute)))
	b.want(`Bea public 11 open waiting 0s | Bea: Is bus 12 running? / Bea: Hello?`)
}

func TestTheSamePageAgainChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	page := []network.Event{says("bea", "m1", "", "one", after(0)), says("carl", "m2", "m1", "two", after(minute))}
	if n := b.ingest(town, page...); n != 2 {
		t.Errorf("%d new, want 2", n)
	}
	before := b.state()
	head, _ := event.Head(context.Background(), b.db.Read(), workspace)
	if n := b.ingest(town, page...); n != 0 {
		t.Errorf("%d new the second time", n)
	}
	again, _ := event.Head(context.Background(), b.db.Read(), workspace)
	if b.state() != before || head != again {
		t.Errorf("storing again changed the desk or told about it (%d events, then %d)", head, again)
	}
}

// Ten people under one post are ten conversations, and what they say to each
// other without us is context, not theirs.
func TestPeopleUnderOnePostHaveTheirOwnConversations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town,
		ours(says("our11", "p", "", "The pool opens on Monday", after(0))),
		says("bea", "m1", "p", "At last", after(1*minute)),
		says("carl", "m2", "p", "When?", after(2*minute)),
		context_(says("bea", "m3", "m2", "Monday, Carl", after(3*minute))))
	b.want(`
		Bea public 11 open waiting 1m0s | ~we: The pool opens on Monday / Bea: At last / ~Carl: When? / ~Bea: Monday, Carl
		Carl public 11 open waiting 2m0s | ~we: The pool opens on Monday / ~Bea: At last / Carl: When? / ~Bea: Monday, Carl`)
}

func TestPublicAndPrivateNeverShareAConversation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town,
		says("bea", "m1", "", "My bin was not emptied", after(0)),
		private(says("bea", "d1", "m1", "I live at 5 Mill Lane", after(minute))),
		private(says("bea", "d2", "", "and the other one too", after(2*minute))))
	b.want(`
		Bea public 11 open waiting 0s | Bea: My bin was not emptied
		Bea direct 11 open waiting 1m0s | Bea: I live at 5 Mill Lane / Bea: and the other one too`)
}

func TestOnePostToTwoAccountsIsOneMessageAndTwoConversations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	e := says("bea", "m1", "", "@town @library who is right?", after(0))
	b.ingest(town, e)
	b.ingest(library, e)
	b.ingest(other, e)
	b.want(`
		Bea public 11 open waiting 0s | Bea: @town @library who is right?
		Bea public 12 open waiting 0s | Bea: @town @library who is right?`)
	var mine, theirs int
	b.db.Read().Row(context.Background(), `select count(*) from message where workspace = 1`).Scan(&mine)
	b.db.Read().Row(context.Background(), `select count(*) from message where workspace = 2`).Scan(&theirs)
	if mine != 1 || theirs != 1 {
		t.Errorf("%d and %d messages, want one in each workspace", mine, theirs)
	}
}

func TestAReplyBeforeWhatItAnswersIsJoinedLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("carl", "m3", "m2", "third", after(3*minute)))
	b.ingest(town, says("bea", "m4", "m3", "fourth", after(4*minute)))
	b.ingest(town, says("carl", "m2", "m1", "second", after(2*minute)))
	b.ingest(town, context_(says("dora", "m1", "", "first", after(1*minute))))
	b.want(`
		Bea public 11 open waiting 4m0s | ~Dora: first / ~Carl: second / ~Carl: third / Bea: fourth
		Carl public 11 open waiting 2m0s | ~Dora: first / Carl: second / Carl: third / ~Bea: fourth`)
}

func TestOurAnswerWrittenElsewhereEndsTheWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "Is bus 12 running?", after(0)))
	b.ingest(town, ours(says("our11", "a1", "m1", "Yes, from stop B", after(5*minute))))
	b.want(`Bea public 11 open | Bea: Is bus 12 running? / we: Yes, from stop B`)
	b.ingest(town, says("bea", "m2", "a1", "And on Sunday?", after(6*minute)))
	b.want(`Bea public 11 open waiting 6m0s | Bea: Is bus 12 running? / we: Yes, from stop B / Bea: And on Sunday?`)
}

func TestHistoryMakesNobodyWaitButTheLastDaysDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	if _, err := b.tryIngest(workspace, town, true, says("bea", "m1", "", "last year", start.AddDate(-1, 0, 0))); err != nil {
		t.Fatal(err)
	}
	b.want(`Bea public 11 done | Bea: last year`)
	if _, err := b.tryIngest(workspace, library, true, says("carl", "m5", "", "on Saturday", start.Add(-40*time.Hour))); err != nil {
		t.Fatal(err)
	}
	b.want(`
		Bea public 11 done | Bea: last year
		Carl public 12 open waiting -40h0m0s | Carl: on Saturday`)
	b.ingest(town, says("bea", "m2", "m1", "and today", after(minute)))
	b.want(`
		Bea public 11 open waiting 1m0s | Bea: last year / Bea: and today
		Carl public 12 open waiting -40h0m0s | Carl: on Saturday`)
}

func TestEditsKeepWhatWasSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	first := says("bea", "m1", "", "I hate you", after(0))
	first.Post.Version = "1"
	b.ingest(town, first)
	edit := says("bea", "m1", "", "I hate this bus", after(0))
	edit.Kind, edit.Post.Version, edit.Post.Edited = network.KindEdit, "2", after(minute)
	b.ingest(town, edit)
	b.want(`Bea public 11 open waiting 0s | Bea: I hate this bus[was I hate you]`)
	b.ingest(town, first) // the old version again, late
	b.ingest(town, edit)
	b.want(`Bea public 11 open waiting 0s | Bea: I hate this bus[was I hate you]`)
}

func TestRemoteRubbishIsStoredSafelyOrLeftOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	odd := func(change func(*network.Post)) network.Event {
		e := says("bea", "m"+b.ids.New().String(), "", "words", after(0))
		change(e.Post)
		return e
	}
	for name, tc := range map[string]struct {
		event network.Event
		new   int
	}{
		"no id":            {odd(func(p *network.Post) { p.ID = "" }), 0},
		"an endless id":    {odd(func(p *network.Post) { p.ID = strings.Repeat("x", 5000) }), 0},
		"U+0000 in the id": {odd(func(p *network.Post) { p.ID = "a\x00b" }), 0},
		"U+0000 in words":  {odd(func(p *network.Post) { p.Text.Body = "a\x00b"; p.Text.Spans = []text.Span{{Start: 1, End: 3}} }), 1},
		"invalid UTF-8":    {odd(func(p *network.Post) { p.Text.Body = "a\xff\xfeb"; p.Author.Name = "\xff" }), 1},
		"10 MB":            {odd(func(p *network.Post) { p.Text.Body = strings.Repeat("long ", 2<<20) }), 1},
		"1601":             {odd(func(p *network.Post) { p.Created = time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }), 1},
		"2999":             {odd(func(p *network.Post) { p.Created = time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC) }), 1},
		"spans outside":    {odd(func(p *network.Post) { p.Text.Spans = []text.Span{{Start: -1, End: 99}, {Start: 3, End: 1}} }), 1},
		"no author":        {odd(func(p *network.Post) { p.Author = network.Person{} }), 0},
		"no post":          {network.Event{Kind: network.KindMessage}, 0},
		"no gone":          {network.Event{Kind: network.KindGone}, 0},
		"unknown kind":     {network.Event{Kind: "surprise"}, 0},
	} {
		if n := b.ingest(town, tc.event); n != tc.new {
			t.Errorf("%s: %d stored, want %d", name, n, tc.new)
		}
	}
	var longest int
	var earliest, latest time.Time
	b.db.Read().Row(context.Background(), `select max(length(body)) from message`).Scan(&longest)
	if longest > 64<<10 {
		t.Errorf("a body of %d characters was stored", longest)
	}
	for _, r := range b.list(voice(ana), conversation.All) {
		if earliest.IsZero() || r.Last.Before(earliest) {
			earliest = r.Last
		}
		if r.Last.After(latest) {
			latest = r.Last
		}
	}
	if earliest.Before(start) || latest.After(b.clock.Now()) {
		t.Errorf("times from %v to %v", earliest, latest)
	}
}

// A circle of messages that answer each other must neither hang nor be lost.
func TestCyclicThreads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "m2", "one", after(0)), says("bea", "m2", "m1", "two", after(minute)), says("bea", "m3", "m3", "self", after(2*minute)))
	if got := b.state(); !strings.Contains(got, "one") || !strings.Contains(got, "two") || !strings.Contains(got, "self") {
		t.Errorf("lost in a circle:\n%s", got)
	}
}

// However a set of messages is cut into pages, shuffled and repeated, the desk
// ends the same; also with words of ours, whose clock may be wrong, as long as they
// name what they answer.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	t.Parallel()
	straight, shuffled := setup(t), setup(t)
	straight.clock.Set(after(time.Hour))
	shuffled.clock.Set(after(time.Hour))
	rapid.Check(t, func(r *rapid.T) {
		straight.clear()
		shuffled.clear()
		n := rapid.IntRange(2, 7).Draw(r, "messages")
		answered := rapid.IntRange(0, n).Draw(r, "answered")
		people := []string{"bea", "carl", "dora"}
		var es, answers []network.Event
		for i := range n {
			parent := ""
			if i > 0 && rapid.Bool().Draw(r, "replies") {
				parent = es[rapid.IntRange(0, i-1).Draw(r, "to")].Post.ID
			}
			at := after(time.Duration(i) * minute)
			e := says(rapid.SampledFrom(people).Draw(r, "who"), "m"+string(rune('a'+i)), parent, "words "+string(rune('a'+i)), at)
			switch rapid.IntRange(0, 5).Draw(r, "kind") {
			case 0:
				e = context_(e)
			case 1, 2:
				e = private(e)
			}
			es = append(es, e)
			if e.Addressed && i < answered {
				skew := time.Duration(rapid.IntRange(-40, 40).Draw(r, "skew")) * time.Second
				answers = append(answers, answering(e, at.Add(skew+time.Duration(i+1)*time.Millisecond))) // no two at once
			}
		}
		es = append(es, answers...)
		straight.ingest(town, es...)
		for _, i := range rapid.Permutation(append(indices(len(es)), indices(len(es))...)).Draw(r, "order") {
			shuffled.ingest(town, es[i])
		}
		// What our own private words begin is done, and stays so if they answered all.
		same := strings.NewReplacer(" done |", " open |")
		if a, b := same.Replace(straight.state()), same.Replace(shuffled.state()); a != b {
			r.Fatalf("in order:\n%s\nshuffled:\n%s", a, b)
		}
	})
}

// answering makes words of ours that name what they answer, written elsewhere.
func answering(e network.Event, at time.Time) network.Event {
	a := ours(says("our11", "a"+e.Post.ID, e.Post.ID, "answer to "+e.Post.ID, at))
	a.Direct, a.Post.Visibility, a.Post.To = e.Direct, e.Post.Visibility, []network.Person{e.Post.Author}
	return a
}

func indices(n int) []int {
	is := make([]int, n)
	for i := range is {
		is[i] = i
	}
	return is
}

func TestOnlyThePartsOfParleyThatReadMayStore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.desk.Ingest(context.Background(), nil, voice(ana), conversation.Arrival{Account: town}); err == nil {
		t.Error("a member stored a message")
	}

}
