package conversation_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// blocks waits until another transaction waits for this one. SQLite lets nobody
// else begin.
func (b *bundle) blocks(ctx context.Context, tx *db.Tx) error {
	if b.db.Dialect() == db.SQLite {
		return nil
	}
	var pid, waiting int
	if err := tx.Row(ctx, `select pg_backend_pid()`).Scan(&pid); err != nil {
		return err
	}
	for waiting == 0 {
		const q = `select count(*) from pg_stat_activity where cast($1 as int) = any(pg_blocking_pids(pid))`
		if err := b.db.Read().Row(ctx, q, pid).Scan(&waiting); err != nil {
			return err
		}
	}
	return nil
}

// Our answer is stored while a page is not yet committed that brings the next
// question: both are counted, and the question waits.
func TestAnAnswerAndAPageThatOverlapLoseNothing(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Set(after(2 * time.Hour))
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	read := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := b.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := b.desk.Ingest(ctx, tx, actor.System(workspace, "poller"), conversation.Arrival{Account: town, Remote: b.remote(town),
				Feed: network.Mentions, Events: []network.Event{says("bea", "m2", "m1", "And now?", after(2*time.Hour))}})
			close(read)
			if err != nil {
				return err
			}
			return b.blocks(ctx, tx)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-read
	b.clock.Set(after(90 * time.Minute)) // the network took it before it was asked again
	b.stands(sent(b, c, send, "a1"))
	wg.Wait()
	var messages int
	if err := b.db.Read().Row(ctx, `select messages from conversation`).Scan(&messages); err != nil || messages != 3 {
		t.Errorf("%d messages are counted (%v), want 3", messages, err)
	}
	b.want(`Bea public 11 open waiting 2h0m0s | Bea: Is bus 12 running? / we: Yes ^Ana / Bea: And now?`)
}

// Two feeds of one network bring the same messages at the same moment, and our
// answer is stored meanwhile.
func TestTwoFeedsThatBringTheSameAtOnceStoreItOnce(t *testing.T) {
	t.Parallel()
	b, c := asked(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	const each = 40
	var wg sync.WaitGroup
	for _, account := range []id.ID{town, town, library} {
		wg.Go(func() {
			for i := range each {
				n := fmt.Sprint(i)
				if _, err := b.tryIngest(workspace, account, false, says("p"+n, "q"+n, "", "hello", after(0)), says("bea", "r"+n, "m1", "more", after(minute))); err != nil {
					t.Errorf("page %d: %v", i, err)
				}
			}
		})
	}
	wg.Go(func() { b.stands(sent(b, c, send, "a1")) })
	wg.Wait()
	var stored, counted, reached int
	for q, n := range map[string]*int{
		`select count(*) from message`:              &stored,
		`select sum(messages) from conversation`:    &counted,
		`select count(*) from reach where gone = 0`: &reached,
	} {
		if err := b.db.Read().Row(context.Background(), q).Scan(n); err != nil {
			t.Fatal(err)
		}
	}
	if want := 1 + 1 + 2*each; stored != want {
		t.Errorf("%d messages are stored, want %d", stored, want)
	}
	if want := 2 + 2*2*each; counted != want || reached != want {
		t.Errorf("%d are counted and %d reached somebody, want %d", counted, reached, want)
	}
}

// Delivery holds its row when it tells that an answer stands, and is told, by
// whoever stores the page that joins two conversations, that its answer moves:
// PostgreSQL breaks one of the two off, and both happen.
func TestAnAnswerThatIsStoredWhileItMovesIsStored(t *testing.T) {
	t.Parallel()
	b, first, c := torn(t)
	send, err := b.desk.Reply(context.Background(), voice(ana), conversation.Answer{Conversation: c, Text: "Yes"})
	if err != nil {
		t.Fatal(err)
	}
	b.locks = `update account set since = since where workspace = 1 and id = 11` // stands for delivery's row
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	held := make(chan bool)
	var once sync.Once
	var wg sync.WaitGroup
	wg.Go(func() {
		<-held
		b.mend()
	})
	err = b.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if _, err := tx.Exec(ctx, b.locks); err != nil {
			return err
		}
		once.Do(func() {
			close(held)
			err = b.blocks(ctx, tx)
		})
		if err != nil {
			return err
		}
		return b.desk.Sent(ctx, tx, actor.System(workspace, "delivery"), sent(b, c, send, "a1"))
	})
	if err != nil {
		t.Error(err)
	}
	wg.Wait()
	v, err := b.desk.Open(ctx, voice(ana), first)
	if err != nil || v.ClaimedBy != 0 || len(v.Messages) != 4 || v.Messages[3].Delivery != send || !v.Messages[3].Mine {
		t.Errorf("the conversation that stays: %+v (%v)", v, err)
	}
	if rows := append(b.list(voice(ana), conversation.All), b.list(voice(ana), conversation.Closed)...); len(rows) != 1 {
		t.Errorf("%d conversations, want one", len(rows))
	}
}
