package conversation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/network"
)

func TestRetentionRemovesWhatIsPastItsTime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	kept := says("bea", "m1", "", "stays", after(0))
	short := says("carl", "m2", "", "goes soon", after(0))
	short.Post.KeepUntil = after(2 * time.Hour)
	b.ingest(town, kept, short)
	sweep := func() int {
		n, err := b.desk.Sweep(ctx, actor.System(workspace, "retention"))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := sweep(); n != 0 {
		t.Errorf("%d removed before their time", n)
	}
	b.clock.Set(after(3 * time.Hour))
	if n := sweep(); n != 1 {
		t.Errorf("%d removed, want one", n)
	}
	b.want(`Bea public 11 open waiting 0s | Bea: stays`)
	if n := b.ingest(town, short); n != 0 {
		t.Error("a message past its time came back")
	}
	b.exec(`update workspace set keep_days = 30 where id = 1`)
	b.clock.Set(start.AddDate(0, 0, 40))
	if n := sweep(); n != 1 {
		t.Errorf("%d removed by the workspace's rule, want one", n)
	}
	b.want("")
	if n := b.number(`select (select count(*) from identity) + (select count(*) from person)`); n != 0 {
		t.Errorf("of people of whom nothing is left, %d rows are", n)
	}
	if _, err := b.desk.Sweep(ctx, voice(ana)); err == nil {
		t.Error("a voice swept")
	}
}

func (b *bundle) number(q string, args ...any) (n int) {
	b.Helper()
	if err := b.db.Read().Row(context.Background(), q, args...).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// Whoever still stands in a message or a conversation stays: Bea answered
// yesterday, and Carl is known by two names, of which one spoke yesterday.
func TestRetentionForgetsOnlyWhoHasNothingLeft(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	b.clock.Set(after(40 * 24 * time.Hour))
	b.exec(`update workspace set keep_days = 30 where id = 1`)
	released := ""
	var events []network.Event
	for i := range 450 { // more than one transaction removes
		events = append(events, says(fmt.Sprint("p", i), fmt.Sprint("x", i), "", "me too", after(time.Duration(i)*time.Second)))
	}
	events[7].Post.Author.Avatar = "https://far.example/p7.png"
	b.ingest(town, events...)
	b.ingest(town, says("bea", "m1", "", "hello", after(0)), says("bea", "m2", "m1", "still there?", after(39*24*time.Hour)),
		says("carl", "m3", "", "hello", after(0)), says("carla", "m4", "", "hello", after(39*24*time.Hour)))
	b.exec(`update identity set person = (select person from identity where remote_id = 'carla') where remote_id = 'carl'`)
	b.exec(`delete from person where id not in (select person from identity)`)
	sweeps := 0
	for n := 1; n > 0; sweeps++ {
		var err error
		n, err = b.desk.Sweep(ctx, actor.System(workspace, "retention"), func(_ context.Context, _ *db.Tx, _ actor.Actor, e conversation.Erased) error {
			released += strings.Join(e.Pictures, " ")
			return nil
		})
		if err != nil || n > 200 {
			t.Fatalf("%d at once, %v", n, err)
		}
	}
	if got := b.number(`select count(*) from message`); got != 2 || sweeps != 4 {
		t.Errorf("%d messages are left after %d sweeps", got, sweeps)
	}
	var left []string
	rows, err := b.db.Read().Query(ctx, `select remote_id from identity order by remote_id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var remote string
		if err := rows.Scan(&remote); err != nil {
			t.Fatal(err)
		}
		left = append(left, remote)
	}
	if strings.Join(left, " ") != "bea carla" || b.number(`select count(*) from person`) != 2 {
		t.Errorf("left are %q and %d persons", left, b.number(`select count(*) from person`))
	}
	if released != "https://far.example/p7.png" {
		t.Errorf("released %q", released)
	}
	// Somebody whom an earlier version left behind.
	b.exec(`insert into person (workspace, id, one, created) values (1, 77, 77, 1)`)
	b.exec(`insert into identity (workspace, id, person, source, remote_id, handle, name, url, avatar, bot, created)
		select 1, 78, 77, id, 'left', 'left', 'Left', '', '', 0, 1 from source where workspace = 1`)
	if n, err := b.desk.Sweep(ctx, actor.System(workspace, "retention")); n != 0 || err != nil || b.number(`select count(*) from person`) != 2 {
		t.Errorf("%d removed, %v, and %d persons", n, err, b.number(`select count(*) from person`))
	}
	// Who comes back is somebody new.
	if n := b.ingest(town, says("p3", "y3", "", "me again", after(39*24*time.Hour))); n != 1 {
		t.Error("somebody who was forgotten cannot speak to us any more")
	}
}

// A sweep that finds nothing begins no transaction: it runs every few minutes,
// and what arrives would wait for it.
func TestAnEmptySweepTakesNoWriter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	b.ingest(town, says("bea", "m1", "", "stays", after(0)))
	err := b.db.InTx(context.Background(), func(ctx context.Context, _ *db.Tx) error {
		waits, stop := context.WithTimeout(ctx, 20*time.Second)
		defer stop()
		n, err := b.desk.Sweep(waits, actor.System(workspace, "retention"))
		if n != 0 {
			t.Errorf("%d removed", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
