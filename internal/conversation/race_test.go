package conversation_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"parley/internal/conversation"
	"parley/internal/id"
)

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
