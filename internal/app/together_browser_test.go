package app_test

import (
	"context"
	"strings"
	"testing"

	"parley/internal/conversation"
	"parley/internal/page/pagetest"
)

// A note is written by keyboard in a form of its own, names a colleague, and stands
// in the thread of everybody here; nothing of it leaves.
func TestANoteReachesColleaguesAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("wilhelmina", "is the footbridge open again on Sunday?")
	ana, ben := w.enter("ana"), w.enter("ben")
	for _, b := range []*pagetest.Tab{ana, ben} {
		b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
		w.openRow(b, question)
	}
	ana.Press("n")
	ana.Wait(`document.activeElement?.matches("[data-note-body]")`)
	ana.Press("She asks **every** Sunday, @be")
	ana.Wait(`document.querySelector(".note-people [aria-selected=true]")?.textContent === "Ben Okoro"`)
	ana.Press("\r")
	ana.Press("can you?")
	ana.Click(".note-form button")
	ben.Wait(`document.querySelector(".note .note-mention")?.textContent === "@Ben Okoro"`)
	ben.Wait(`document.querySelector(".note strong + .message-as") !== null && document.querySelector(".note-words strong")?.textContent === "every"`)
	ana.Wait(`!document.querySelector(".panel[open]") && document.querySelector(".panel textarea").value === ""`)
	var mine, theirs bool
	ana.Eval(`document.querySelector(".note .note-edit") !== null`, &mine)
	ben.Eval(`document.querySelector(".note .note-edit") !== null`, &theirs)
	if !mine || theirs {
		t.Errorf("its writer may change it: %v, somebody else: %v", mine, theirs)
	}
	for _, write := range w.app.Stage.Ledger() {
		if strings.Contains(string(write.Body), "every") {
			t.Errorf("the network was told: %s", write.Body)
		}
	}
	quiet(t, ana)
	quiet(t, ben)
}

// A conversation is handed over by keyboard, stands among the receiver's own at once,
// and comes back to the giver when it is handed back.
func TestAHandOverGoesThereAndBack(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("leopold", "which tram goes to the lido?")
	ana, ben := w.enter("ana"), w.enter("ben")
	ben.Open(w.base + "/w/town-of-millbrook/inbox?box=mine")
	ana.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(ana, question)
	ana.Press("c")
	ana.Wait(`document.querySelector("#claim.mine") !== null`)
	ana.Press("h")
	ana.Wait(`document.activeElement?.matches("select[name=to]")`)
	ana.Eval(`(to => to.value = [...to.options].find((o) => o.textContent === "Ben Okoro").value)(document.querySelector("select[name=to]"))`, nil)
	ana.Type(".panel[open] textarea", "You know the trams.")
	ana.Click(".panel[open] form button")
	ana.Wait(`document.querySelector("#claim")?.innerText.includes("Ana Lima handed this to Ben Okoro")`)
	ben.Wait(`document.querySelector(".row-handed")?.innerText === "handed to you by Ana Lima: You know the trams."`)
	w.openRow(ben, question)
	ben.Click(`form[action*="/handback"] button`)
	ben.Wait(`document.querySelector(".row-handed") === null`)
	ana.Wait(`document.querySelector("#claim")?.innerText.includes("Ben Okoro gave this back to you")`)
	quiet(t, ana)
	quiet(t, ben)
}

// Words survive a tab that is killed and are there on another device; two devices
// that go on apart offer each other's words, and what is sent is a draft nowhere.
func TestADraftFollowsItsWriterToAnotherDevice(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("ottoline", "may dogs ride on the ferry?")
	desk, phone := w.enter("ana"), w.enter("ana")
	w.write(desk, question, "Yes, on a le")
	desk.Wait(`document.querySelector("form[data-draft]").dataset.version !== "0"`)
	desk.Open("about:blank")
	phone.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(phone, question)
	const words = `document.querySelector("textarea[name=body]").value`
	phone.Wait(words + ` === "Yes, on a le"`)
	const version = `document.querySelector("form[data-draft]").dataset.version`
	var before, place string
	phone.Eval(version, &before)
	phone.Eval("location.href", &place)
	phone.Type("textarea[name=body]", "ash.")
	phone.Wait(version + ` !== "` + before + `"`)

	desk.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(desk, question)
	desk.Wait(words + ` === "Yes, on a leash."`)
	desk.Wait(`!document.querySelector("[data-draft-other]").hidden`)
	desk.Click("[data-draft-swap]")
	desk.Wait(words + ` === "Yes, on a le"`)
	desk.Click("[data-draft-swap]")
	desk.Wait(words + ` === "Yes, on a leash."`)
	desk.Eval(send, nil)
	desk.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["on a leash", "Sent"].every((s) => m.textContent.includes(s)))`)
	phone.Open(place)
	phone.Wait(words + ` === ""`)
	if n := w.left("leash"); n != 1 {
		t.Errorf("%d answers left", n)
	}
	quiet(t, phone)
}

// breath is longer than what a page takes for a double click.
const breath = `new Promise((done) => setTimeout(done, 800))`

// callBack sets how many seconds answers can be called back.
func (w *town) callBack(seconds int) {
	w.Helper()
	owner, _ := w.people("ana")
	if err := w.app.Desk.SetRules(context.Background(), owner, conversation.Rules{ClaimMinutes: 60, CallBack: seconds}); err != nil {
		w.Fatal(err)
	}
}

// An answer that is called back in time never leaves, and its words are in the
// composer again, to be changed and sent.
func TestAnAnswerIsCalledBackInTime(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	w.callBack(20)
	question := w.says("greta", "when does the market open?")
	ana := w.enter("ana")
	w.write(ana, question, "At seven.")
	ana.Eval(send, nil)
	ana.Wait(`/Leaves in \d+ s/.test(document.querySelector("[data-leaves]")?.innerText)`)
	ana.Eval(breath, nil)
	ana.Click(`form[action*="/callback"] button`)
	ana.Wait(`document.querySelector("textarea[name=body]")?.value === "At seven." && !document.querySelector("[data-leaves]")`)
	w.callBack(0)
	ana.Type("textarea[name=body]", " Sharp.")
	ana.Eval(send, nil)
	ana.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["At seven. Sharp.", "Sent"].every((s) => m.textContent.includes(s)))`)
	if n := w.left("At seven."); n != 1 {
		t.Errorf("%d answers left", n)
	}
	quiet(t, ana)
}

// Who answers sees at once that a colleague asks, and gives it with one press.
func TestAClaimIsAskedForAndGivenLive(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("leopold", "is the lido heated?")
	ana, ben := w.enter("ana"), w.enter("ben")
	for _, b := range []*pagetest.Tab{ana, ben} {
		b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
		w.openRow(b, question)
	}
	ana.Click(`form[action*="/claim"] button`)
	ben.Wait(`document.querySelector('form[action*="/claim/ask"]') !== null`)
	ben.Click(`form[action*="/claim/ask"] button`)
	ana.Wait(`document.querySelector("#claim .asked")?.innerText.includes("Ben Okoro asks for this.")`)
	ana.Eval(breath, nil)
	ana.Click(`form[action*="/give"] button`)
	ben.Wait(`document.querySelector("#claim.mine") !== null`)
	ana.Wait(`document.querySelector("#claim.taken")?.innerText.includes("Ben Okoro")`)
	quiet(t, ana)
	quiet(t, ben)
}
