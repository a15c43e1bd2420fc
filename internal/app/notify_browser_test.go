package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/notify"
)

// The bell counts by itself, leads to exactly what it tells of, and what somebody
// looks at is read.
func TestTheBellTellsAndLeadsThere(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ana := w.enter("ana")
	question := w.says("wilhelmina", "where do I return the library cards?")
	ana.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	ana.Wait(w.row(question) + " !== undefined")
	ana.Wait(`document.querySelector("#bell") !== null && document.querySelector("#bell .bell-count") === null`)

	owner, _ := w.people("ana")
	page, err := w.app.Desk.List(context.Background(), owner, conversation.Filter{Box: conversation.All})
	if err != nil {
		t.Fatal(err)
	}
	var about conversation.Row
	for _, r := range page.Rows {
		if strings.Contains(r.Snippet, question) {
			about = r
		}
	}
	mention := func() {
		w.mention(owner, about.ID, about.Account)
	}
	mention()
	ana.Wait(`document.querySelector("#bell .bell-count")?.textContent.trim() === "1"`)
	ana.Click("#bell")
	ana.Wait(`location.pathname === "/notifications" && document.querySelector(".notification.unread")?.textContent.includes("Wilhelmina")`)
	ana.Click(".notification.unread > a")
	ana.Wait(fmt.Sprintf(`location.pathname.endsWith("/inbox/%s")`, about.ID))
	ana.Wait(`document.querySelector("#bell .bell-count") === null`)

	// Told while looking at it: it is read at once.
	mention()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		all, _, err := w.app.Notify.List(context.Background(), owner, notify.Place{}, 0)
		if err != nil || time.Now().After(end) {
			t.Fatalf("it stays unread: %+v, %v", all, err)
		}
		if len(all) == 2 && !all[0].Read.IsZero() {
			break
		}
	}
	ana.Wait(`document.querySelector("#bell .bell-count") === null`)
	quiet(t, ana)
}

// mention records what a note does that names somebody.
func (w *town) mention(who actor.Actor, c, account id.ID) {
	w.Helper()
	err := w.app.DB.InTx(context.Background(), func(_ context.Context, tx *db.Tx) error {
		w.app.Events.Record(tx, actor.System(who.Workspace, "test"), event.Entry{Verb: "note.mentioned", Kind: "member", Subject: who.Member,
			Details: map[string]string{"conversation": c.String(), "account": account.String()}})
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}
