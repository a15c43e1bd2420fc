package app_test

import (
	"fmt"
	"strings"
	"testing"

	"parley/internal/page/pagetest"
)

const (
	send    = `document.querySelector("[data-send]").click()`
	problem = `document.querySelector("form[data-composer] [data-problem]")?.innerText`
)

// left counts the answers with these words that stand on the network.
func (w *town) left(words string) (n int) {
	for _, write := range w.app.Stage.Ledger() {
		if write.Op == "create" && strings.Contains(string(write.Body), words) {
			n++
		}
	}
	return n
}

func (w *town) write(b *pagetest.Tab, question, words string) {
	w.Helper()
	b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(b, question)
	b.Type("textarea[name=body]", words)
}

// Whoever is told that a colleague answered meanwhile may send all the same, and
// must send again: their words are never lost, nor sent unasked.
func TestAnsweredMeanwhileIsSentWhenMeant(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("leopold", "who trims the lime tree?")
	ana, ben := w.enter("ana"), w.enter("ben")
	w.write(ana, question, "The gardeners do.")
	w.write(ben, question, "Ask at the town hall.")
	ben.Eval(`document.querySelector('form[action*="/claim"] button').click()`, nil)
	ana.Wait(`document.querySelector("form[data-composer] [data-renew=why]:not([hidden])")?.innerText.includes("is answering this")`)
	ben.Wait(`document.querySelector("#claim.mine")`)
	ben.Eval(send, nil)
	ana.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["town hall", "Sent"].every((s) => m.textContent.includes(s)))`)
	ana.Wait(`document.querySelector("form[data-composer] [data-renew=why][hidden]")`)
	ana.Eval(send, nil)
	ana.Wait(problem + `.includes("has answered this")`)
	if n := w.left("The gardeners do."); n != 0 {
		t.Error("the answer left without a second thought")
	}
	ana.Eval(send, nil)
	ana.Wait(`[...document.querySelectorAll(".ours")].some((m) => ["gardeners", "Sent"].every((s) => m.textContent.includes(s)))`)
	if n := w.left("The gardeners do."); n != 1 {
		t.Errorf("%d answers left", n)
	}
}

// Words that somebody else began in this browser are not signed by whoever is
// signed in now.
func TestATabOfAnotherMemberSendsNothing(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	question := w.says("leopold", "may I sit under the lime tree?")
	ana := w.enter("ana")
	w.write(ana, question, "You may.")
	other := ana.Another()
	other.Open(w.base + "/demo")
	other.Click(`form:has(input[value="ben@millbrook.example"]) button`)
	other.Wait(`location.pathname.endsWith("/today")`)
	ana.Front()
	ana.Eval(send, nil)
	ana.Wait(problem + `.includes("signed in as Ben")`)
	var kept string
	ana.Eval(`document.querySelector("textarea[name=body]").value`, &kept)
	if n := w.left("You may."); n != 0 || kept != "You may." {
		t.Errorf("%d answers left, the composer holds %q", n, kept)
	}
	ana.Eval(send, nil) // insisting changes nothing
	ana.Wait(fmt.Sprintf(`!document.querySelector("[aria-busy]") && %s.includes("signed in as Ben")`, problem))
	if n := w.left("You may."); n != 0 {
		t.Error("the second attempt left")
	}
}
