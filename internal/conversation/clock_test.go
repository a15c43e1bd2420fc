package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"parley/internal/conversation"
	"parley/internal/hours"
	"parley/internal/id"
)

// The town hall of these cases is open from Monday to Friday, 9 to 12 and 13 to 17,
// in Berlin, except on Christmas and on May 1, and answers within four hours of
// that. Each line is a moment, what happens then, and what the desk says of it.
func TestTheResponseClock(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"inside a day": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 13:30 | nothing             | by Mon 02 Mar 14:00
			Mon 02 Mar 13:30 | Ana answers         | nobody waits, took 3h30m0s`,
		"after the promise": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 14:00 | nothing             | overdue since Mon 02 Mar 14:00
			Mon 02 Mar 16:00 | Ana answers         | nobody waits, took 6h0m0s, too late`,
		"over lunch and the night": `
			Mon 02 Mar 16:00 | Bea asks            | by Tue 03 Mar 12:00
			Tue 03 Mar 09:30 | Ana answers         | nobody waits, took 1h30m0s`,
		"asked in the night, answered before anybody was there": `
			Tue 03 Mar 03:00 | Bea asks            | by Tue 03 Mar 14:00
			Tue 03 Mar 07:00 | Ana answers         | nobody waits, took 0s`,
		"over a weekend": `
			Fri 06 Mar 16:30 | Bea asks            | by Mon 09 Mar 13:30
			Sun 08 Mar 12:00 | nothing             | by Mon 09 Mar 13:30
			Mon 09 Mar 10:00 | Ana answers         | nobody waits, took 1h30m0s`,
		"over a holiday and the weekend behind it": `
			Thu 30 Apr 16:00 | Bea asks            | by Mon 04 May 12:00
			Mon 04 May 12:30 | Ana answers         | nobody waits, took 4h0m0s, too late`,
		"over a holiday of every year": `
			Thu 24 Dec 16:00 | Bea asks            | by Mon 28 Dec 12:00
			Mon 28 Dec 09:10 | Ana answers         | nobody waits, took 1h10m0s`,
		"over the weekend in which the clock jumps": `
			Fri 27 Mar 15:00 | Bea asks            | by Mon 30 Mar 11:00
			Mon 30 Mar 10:59 | nothing             | by Mon 30 Mar 11:00
			Mon 30 Mar 11:00 | nothing             | overdue since Mon 30 Mar 11:00
			Mon 30 Mar 11:30 | Ana answers         | nobody waits, took 4h30m0s, too late`,
		"over the weekend in which the clock goes back": `
			Fri 23 Oct 15:00 | Bea asks            | by Mon 26 Oct 11:00
			Mon 26 Oct 10:30 | Ana answers         | nobody waits, took 3h30m0s`,
		"handed over to a colleague": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 09:30 | Ana claims          | by Mon 02 Mar 14:00
			Mon 02 Mar 11:00 | Ben takes it over   | by Mon 02 Mar 14:00
			Mon 02 Mar 13:00 | Ben answers         | nobody waits, took 3h0m0s`,
		"given to a colleague": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Ana gives it to Ben | by Mon 02 Mar 14:00
			Mon 02 Mar 15:00 | Ben answers         | nobody waits, took 5h0m0s, too late`,
		"asked again while waiting": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 11:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 11:30 | Ana answers         | nobody waits, took 2h30m0s`,
		"needs no answer, opened again": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Ana finishes        | nobody waits
			Mon 02 Mar 11:00 | Ana reopens         | by Mon 02 Mar 14:00
			Mon 02 Mar 11:30 | Ana answers         | nobody waits, took 2h30m0s`,
		"answered, and asked once more": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Ana answers         | nobody waits, took 1h0m0s
			Mon 02 Mar 16:00 | Bea asks            | by Tue 03 Mar 12:00, took 1h0m0s
			Tue 03 Mar 09:00 | Ana answers         | nobody waits, took 1h0m0s, took 1h0m0s`,
		"edited while waiting": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 11:00 | Bea edits           | by Mon 02 Mar 14:00
			Mon 02 Mar 13:00 | Ana answers         | nobody waits, took 3h0m0s`,
		"edited after the answer": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Ana answers         | nobody waits, took 1h0m0s
			Mon 02 Mar 11:00 | Bea edits           | nobody waits, took 1h0m0s`,
		"deleted by the person": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Bea deletes         | nobody waits
			Mon 02 Mar 11:00 | Bea asks            | by Mon 02 Mar 16:00`,
		"the first of two deleted": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 11:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 11:10 | Bea deletes the 1st | by Mon 02 Mar 16:00`,
		"answered by two": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | Ana answers         | nobody waits, took 1h0m0s
			Mon 02 Mar 10:05 | Ben answers         | nobody waits, took 1h0m0s`,
		"answered outside Parley": `
			Mon 02 Mar 09:00 | Bea asks            | by Mon 02 Mar 14:00
			Mon 02 Mar 10:00 | elsewhere           | nobody waits, took 1h0m0s elsewhere
			Mon 02 Mar 10:30 | elsewhere           | nobody waits, took 1h0m0s elsewhere`,
		"answered outside Parley while it could not read": `
			Mon 02 Mar 16:00 | Bea asks            | by Tue 03 Mar 12:00
			Tue 03 Mar 11:00 | elsewhere, at 09:30 | nobody waits, took 1h30m0s elsewhere`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDay(t)
			for line := range strings.Lines(strings.TrimSpace(table)) {
				at, rest, _ := strings.Cut(line, "|")
				act, want, _ := strings.Cut(rest, "|")
				d.clock.Set(d.at(strings.TrimSpace(at)))
				d.does(strings.TrimSpace(act))
				if got := d.says(); got != strings.TrimSpace(want) {
					t.Errorf("%s: after %q the desk says %q, want %q", strings.TrimSpace(at), strings.TrimSpace(act), got, strings.TrimSpace(want))
				}
			}
		})
	}
}

// day is a desk with office hours and one conversation.
type day struct {
	*bundle
	zone *time.Location
	said int // what Bea said
	ours int // what we said
	c    id.ID
}

const dayForm = "Mon 02 Jan 15:04"

func newDay(t *testing.T) *day {
	t.Helper()
	d := &day{bundle: setup(t)}
	var err error
	if d.zone, err = time.LoadLocation("Europe/Berlin"); err != nil {
		t.Fatal(err)
	}
	d.exec(`update workspace set zone = 'Europe/Berlin'`)
	p := conversation.Promise{Within: 4 * time.Hour}
	for w := time.Monday; w <= time.Friday; w++ {
		p.Office.Week[w] = []hours.Span{{From: 9 * 60, To: 12 * 60}, {From: 13 * 60, To: 17 * 60}}
	}
	p.Office.Holidays = []hours.Holiday{{Date: hours.Date{Year: 2020, Month: time.December, Day: 25}, Yearly: true}, {Date: hours.Date{Year: 2026, Month: time.May, Day: 1}}}
	if err := d.desk.SetPromise(context.Background(), manager(ana), p); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *day) at(s string) time.Time {
	d.Helper()
	t, err := time.ParseInLocation(dayForm+" 2006", s+" 2026", d.zone)
	if err != nil {
		d.Fatal(err)
	}
	return t
}

func (d *day) does(act string) {
	d.Helper()
	ctx, now := context.Background(), d.clock.Now()
	var err error
	switch act {
	case "nothing":
	case "Bea asks":
		d.said++
		parent := ""
		if d.said > 1 {
			parent = "m1"
		}
		d.ingest(town, says("bea", fmt.Sprint("m", d.said), parent, "Is bus 12 running?", now))
		d.c = d.list(voice(ana), conversation.Waiting)[0].ID
	case "Bea edits":
		d.ingest(town, edited(says("bea", fmt.Sprint("m", d.said), "", "Is bus 13 running?", now), now))
	case "Bea deletes":
		d.ingest(town, taken(fmt.Sprint("m", d.said)))
	case "Bea deletes the 1st":
		d.ingest(town, taken("m1"))
	case "Ana claims":
		err = d.desk.Claim(ctx, voice(ana), d.c)
	case "Ben takes it over":
		if err = d.desk.Release(ctx, manager(ana), d.c); err == nil {
			err = d.desk.Claim(ctx, voice(ben), d.c)
		}
	case "Ana gives it to Ben":
		err = d.give(voice(ana), d.c, conversation.Receiver{Member: ben}, "")
	case "Ana finishes":
		err = d.desk.Finish(ctx, voice(ana), d.c)
	case "Ana reopens":
		err = d.desk.Reopen(ctx, voice(ana), d.c)
	case "Ana answers", "Ben answers":
		who := map[string]id.ID{"Ana answers": ana, "Ben answers": ben}[act]
		var send id.ID
		d.ours++
		if send, err = d.desk.Reply(ctx, voice(who), conversation.Answer{Conversation: d.c, Text: fmt.Sprint("Yes", d.ours), Seen: -1}); err == nil {
			d.stands(sent(d.bundle, d.c, send, fmt.Sprint("a", d.ours)))
		}
	case "elsewhere", "elsewhere, at 09:30":
		d.ours++
		at := now
		if act != "elsewhere" {
			at = now.Add(-90 * time.Minute)
		}
		d.ingest(town, ours(says("our11", fmt.Sprint("a", d.ours), fmt.Sprint("m", d.said), "Yes", at)))
	default:
		d.Fatalf("nobody can do %q", act)
	}
	if err != nil {
		d.Fatalf("%s: %v", act, err)
	}
}

// says is what the list, the open conversation and the measured answers tell.
func (d *day) says() string {
	d.Helper()
	ctx := context.Background()
	v, err := d.desk.Open(ctx, voice(ana), d.c)
	if err != nil {
		d.Fatal(err)
	}
	due := v.Due.In(d.zone).Format(dayForm)
	says := "by " + due
	switch rows := d.list(voice(ana), conversation.Waiting); {
	case v.Waiting.IsZero() && (len(rows) > 0 || !v.Due.IsZero()):
		return "waiting and not waiting"
	case v.Waiting.IsZero():
		says = "nobody waits"
	case len(rows) != 1 || !rows[0].Due.Equal(v.Due) || !rows[0].Waiting.Equal(v.Waiting):
		return "the list says something else"
	case !d.clock.Now().Before(v.Due):
		says = "overdue since " + due
	}
	took, err := d.db.Read().Query(ctx, `select open, answered, due, elsewhere from response where workspace = $1 order by answered`, workspace)
	if err != nil {
		d.Fatal(err)
	}
	defer took.Close()
	for took.Next() {
		var open, answered, until, elsewhere int64
		if err := took.Scan(&open, &answered, &until, &elsewhere); err != nil {
			d.Fatal(err)
		}
		says += ", took " + (time.Duration(open) * time.Microsecond).String()
		if elsewhere == 1 {
			says += " elsewhere"
		}
		if answered > until {
			says += ", too late"
		}
	}
	return says
}
