package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/network/sandbox"
)

// start runs one more node beside the others and returns its process.
func (w *wreck) start() *exec.Cmd {
	w.Helper()
	raw, err := json.Marshal(w.task)
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func (w *wreck) signal(cmd *exec.Cmd, s syscall.Signal) {
	w.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		w.Fatal(err)
	}
}

// Two nodes share one database. One freezes in the middle of its work, long
// enough for its leases to end, the other goes on, and the first wakes up: all
// messages are there once and every answer left once.
func TestAFrozenNodeThatWakesUpDoesNoHarm(t *testing.T) {
	t.Parallel()
	w := newWreck(t, "id")
	if w.app.DB.Dialect() == db.SQLite {
		t.Log("several nodes need PostgreSQL; SQLite serves one")
		return
	}
	said := 0
	speak := func(n int) {
		for range n {
			w.stage.Script(sandbox.Said{Who: fmt.Sprint("person", said%5), To: "town", Text: fmt.Sprintf("@town message %d", said)})
			said++
		}
	}
	all := func() bool { return w.count(`select count(*) from message where own = 0`) == said }
	speak(10)
	first := w.start()
	w.until("the first messages", all)
	second := w.start()
	var sends []delivery.Record
	answer := func(text string) {
		page, err := w.app.Desk.List(context.Background(), w.who, conversation.Filter{Box: conversation.Waiting})
		if err != nil || len(page.Rows) == 0 {
			t.Fatalf("nobody waits (%v)", err)
		}
		id, err := w.app.Desk.Reply(context.Background(), w.who, conversation.Answer{Conversation: page.Rows[0].ID, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		sends = append(sends, delivery.Record{ID: id})
	}
	settled := func() bool {
		return w.count(`select count(*) from delivery where state not in ('sent', 'failed', 'unknown')`) == 0
	}
	for round := range 4 {
		victim := first
		if round%2 == 1 {
			victim = second
		}
		answer(fmt.Sprintf("answer %d", round))
		speak(8)
		time.Sleep(time.Duration(round*7) * time.Millisecond) // frozen at different moments
		w.signal(victim, syscall.SIGSTOP)
		w.until("the other node to read on", all)
		w.until("the other node to send", settled)
		speak(3)
		w.signal(victim, syscall.SIGCONT)
		w.until("both to read on", all)
	}
	w.until("every answer to settle", settled)
	time.Sleep(500 * time.Millisecond) // what a woken node might still do
	if !all() {
		t.Errorf("%d messages are stored, %d were said", w.count(`select count(*) from message where own = 0`), said)
	}
	kept := map[string]int{}
	for _, write := range w.stage.Ledger() {
		for i := range sends {
			if write.Op == "create" && strings.Contains(string(write.Body), fmt.Sprintf("answer %d", i)) {
				kept[fmt.Sprint(i)]++
			}
		}
	}
	for i := range sends {
		d, err := w.app.Deliveries.Get(context.Background(), w.who, sends[i].ID)
		if err != nil || d.State != delivery.Sent || kept[fmt.Sprint(i)] != 1 {
			t.Errorf("answer %d is %s and stands %d times on the network (%v)", i, d.State, kept[fmt.Sprint(i)], err)
		}
	}
	if n := w.count(`select count(*) from (select n from event group by workspace, n having count(*) > 1) x`); n != 0 {
		t.Errorf("%d event numbers were given twice", n)
	}
}
