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
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/network/sandbox"
	"parley/internal/page/pagetest"
	"parley/internal/text"
)

// posts lets the town say something, and so many people answer it; it returns our post.
func (w *town) posts(words string, answers int) (post id.ID) {
	w.Helper()
	ctx := context.Background()
	owner, _ := w.people("ana")
	remote := w.app.Stage.Script(sandbox.Said{Who: "millbrook", Text: words})
	var acc id.ID
	var r network.Account
	err := w.app.DB.Read().Row(ctx, `select id, network, instance, remote_id, handle, name from account where handle = 'millbrook'`).
		Scan(&acc, &r.Network, &r.Instance, &r.RemoteID, &r.Handle, &r.Name)
	if err != nil {
		w.Fatal(err)
	}
	now := time.Now()
	event := network.Event{Kind: network.KindMessage, Own: true, At: now, Post: &network.Post{Ref: network.Ref{ID: remote}, Text: text.Text{Body: words},
		Visibility: network.Public, Created: now}}
	err = w.app.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := w.app.Desk.Ingest(ctx, tx, actor.System(owner.Workspace, "test"), conversation.Arrival{Account: acc, Remote: r, Feed: network.Own, Events: []network.Event{event}})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	for i := range answers {
		w.app.Stage.Script(sandbox.Said{Who: fmt.Sprintf("neighbour%03d", i), Name: fmt.Sprintf("Neighbour %03d", i), To: "millbrook",
			Text: fmt.Sprintf("@millbrook answer %03d", i), ReplyTo: remote})
	}
	if err := w.app.DB.Read().Row(ctx, `select id from message where remote_id = $1 and own = $2`, remote, acc).Scan(&post); err != nil {
		w.Fatal(err)
	}
	for end := time.Now().Add(90 * time.Second); w.under(post) < answers; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%d of %d answers have come", w.under(post), answers)
		}
	}
	return post
}

func (w *town) under(post id.ID) int {
	return w.count(`select count(*) from conversation where thread = (select thread from message where id = $1)`, post)
}

func (w *town) count(q string, args ...any) (n int) {
	w.Helper()
	if err := w.app.DB.Read().Row(context.Background(), q, args...).Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

// Four hundred answers under one post are worked through: some get a label, two are
// answered, the rest is closed; and nothing else has changed.
func TestFourHundredAnswersUnderOnePost(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	post := w.posts("The footbridge is open again.", 400)
	elsewhere := `select count(*) from conversation where thread <> (select thread from message where id = $1) and `
	openElsewhere := w.count(elsewhere+`state = 'open'`, post)
	ana, ben := w.enter("ana"), w.enter("ben")
	page := w.base + "/w/town-of-millbrook/under/" + post.String()
	// Ben is answering somebody meanwhile.
	ben.Open(page)
	ben.Eval(`document.querySelector(".under-row a").click()`, nil)
	ben.Wait(`document.querySelector('form[action*="/claim"] button')`)
	ben.Eval(`document.querySelector('form[action*="/claim"] button').click()`, nil)
	ben.Wait(`document.querySelector("#claim.mine")`)

	ana.Open(page)
	ana.Wait(`document.querySelectorAll(".under-row").length === 50`)
	for range 3 {
		ana.Press("j")
		ana.Press("x")
	}
	ana.Wait(`document.querySelectorAll("[data-pick]:checked").length === 3`)
	// The fifth to the tenth, with shift.
	ana.Eval(`[4, 9].map((i, n) => document.querySelectorAll("[data-pick]")[i].dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: n > 0 })))`, nil)
	ana.Wait(`document.querySelectorAll("[data-pick]:checked").length === 9`)
	ana.Eval(`document.querySelector("select[name=label]").value = [...document.querySelectorAll("select[name=label] option")].find((o) => o.text === "Praise").value`, nil)
	ana.Click(`button[value=put]`)
	ana.Wait(`document.querySelector(".flash")?.textContent.includes("on 9 conversations")`)
	if n := w.count(`select count(*) from labelling where ended = 0`); n != 9 {
		t.Errorf("%d have the label", n)
	}
	w.answerTwo(ana, page)

	ana.Open(page)
	ana.Click("[data-pick-every]")
	ana.Click("button[value=finish]")
	ana.Wait(`document.querySelector(".flash")?.textContent.includes("1 stayed as they are")`)
	here := `select count(*) from conversation where thread = (select thread from message where id = $1) and `
	if open, ben := w.count(here+`state = 'open'`, post), w.count(here+`state = 'open' and claimed_by > 0`, post); open != 1 || ben != 1 {
		t.Errorf("%d are open, %d are Ben's", open, ben)
	}
	if n := w.left("Thank you, neighbour"); n != 2 {
		t.Errorf("%d answers left", n)
	}
	if n := w.count(elsewhere+`state = 'open'`, post); n < openElsewhere {
		t.Errorf("elsewhere %d are open, %d were", n, openElsewhere)
	}
	if n := w.count(`select count(*) from labelling where ended = 0`); n != 9 {
		t.Errorf("%d have the label in the end", n)
	}
	quiet(t, ana)
}

// answerTwo answers one after the other: sent, and on to the next.
func (w *town) answerTwo(ana *pagetest.Tab, page string) {
	w.Helper()
	ana.Open(page)
	ana.Click(".under-tools .primary")
	seen := map[string]bool{}
	for range 2 {
		ana.Wait(`location.search.includes("under=") && document.querySelector("textarea[name=body]") && !document.querySelector("[aria-busy]")`)
		var at string
		ana.Eval(`location.pathname`, &at)
		if seen[at] {
			w.Errorf("%s comes again", at)
		}
		seen[at] = true
		ana.Type("textarea[name=body]", "Thank you, neighbour.")
		ana.Eval(send, nil)
		ana.Wait(fmt.Sprintf(`location.pathname !== %q`, at))
	}
	for end := time.Now().Add(30 * time.Second); w.left("Thank you, neighbour") < 2 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	var words string
	ana.Eval(`document.querySelector("textarea[name=body]")?.value ?? ""`, &words)
	if strings.Contains(words, "neighbour") {
		w.Error("the words went along to the next person")
	}
}
