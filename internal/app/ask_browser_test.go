package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/page/pagetest"
)

// A question goes out as a link and is answered on a phone by somebody who never
// signed in; programs that look at the link use nothing up. The answer stands beside
// the conversation, and who asked is told.
func TestAColleagueAnswersOnAPhone(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ana := w.enter("ana")
	ana.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	words := w.says("ottoline", "may I quote the mayor on that?")
	w.openRow(ana, words)
	ana.Eval(`document.querySelector('.panels a[href$="/ask"]').click()`, nil)
	ana.Wait(`document.querySelector("[name=question]") !== null`)
	ana.Type("[name=address]", "legal@elsewhere.example")
	ana.Type("[name=question]", "May she quote us?")
	ana.Click("main form .button.primary")
	ana.Wait(`document.querySelector("[name=copy]") !== null`)
	var link string
	ana.Eval(`document.querySelector("[name=copy]").value`, &link)
	if !strings.HasPrefix(link, w.base+"/ask/") {
		t.Fatalf("the link is %s", link)
	}
	for range 2 {
		res, err := http.Get(link)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("looking at the link: %v, %v", res, err)
		}
		res.Body.Close()
	}

	phone := pagetest.Browser(t)
	phone.Look(390, 844, "dark")
	phone.Open(link)
	shown := phone.Text("main")
	if !strings.Contains(shown, "May she quote us?") || !strings.Contains(shown, words) || strings.Contains(shown, "in my name") {
		t.Errorf("the phone shows %s", shown)
	}
	var wide bool
	phone.Eval(`document.documentElement.scrollWidth > document.documentElement.clientWidth`, &wide)
	if wide {
		t.Error("it has to be scrolled sideways")
	}
	phone.Type("[name=answer]", "Yes, with the date.")
	phone.Click("button[value=note]")
	phone.Wait(`document.querySelector("main")?.textContent.includes("Thank you")`)
	phone.Open(link)
	if got := phone.Text("main"); !strings.Contains(got, "does not work any more") || strings.Contains(got, words) {
		t.Errorf("afterwards it shows %s", got)
	}

	ana.Wait(`document.querySelector("#bell .bell-count")?.textContent.trim() === "1"`)
	ana.Click("#bell")
	ana.Wait(`document.querySelector(".notification.unread") !== null`)
	ana.Click(".notification.unread > a")
	ana.Wait(`document.querySelector("#thread-pane .messages")?.textContent.includes("Yes, with the date.")`)
	quiet(t, ana)
}

// Who holds a conversation asks a colleague, who is signed in on a phone and lets the
// answer go out in their own name after seeing exactly what it is.
func TestAnAnswerGoesOutInTheColleaguesName(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ben := w.enter("ben")
	ben.Look(390, 844, "light")
	words := w.says("leopold", "is the square lit at night?")
	ctx := context.Background()
	owner, _ := w.people("ana")
	var c conversation.Row
	for c.ID == 0 {
		all, err := w.app.Desk.List(ctx, owner, conversation.Filter{Box: conversation.All})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all.Rows {
			if strings.Contains(r.Snippet, words) {
				c = r
			}
		}
	}
	if err := w.app.Desk.Claim(ctx, owner, c.ID); err != nil {
		t.Fatal(err)
	}
	_, secret, err := w.app.Asks.Ask(ctx, owner, ask.Question{Conversation: c.ID, Address: "ben@millbrook.example", Text: "Do you know?"})
	if err != nil {
		t.Fatal(err)
	}
	ben.Open(w.base + ask.LinkPath(secret))
	ben.Type("[name=answer]", "It is, until midnight.")
	ben.Click("button[value=check]")
	ben.Wait(`document.querySelector("main")?.textContent.includes("It is, until midnight. ^Ben")`)
	ben.Click("button[value=send]")
	ben.Wait(`document.querySelector("main")?.textContent.includes("on its way")`)
	ben.Open(w.base + "/w/town-of-millbrook/inbox/" + c.ID.String())
	ben.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["Ben Okoro", "until midnight", "Sent"].every((s) => m.textContent.includes(s)))`)
	quiet(t, ben)
}
