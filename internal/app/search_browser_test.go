package app_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"parley/internal/conversation"
	"parley/internal/text"
)

// heard waits until words of somebody's are there to be found.
func (w *town) heard(words string) conversation.Hit {
	w.Helper()
	owner, _ := w.people("ana")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := w.app.Desk.Search(context.Background(), owner, conversation.Query{Words: text.Query(`"` + words + `"`).Terms})
		if err != nil || time.Now().After(end) {
			w.Fatalf("%q is not found (%v)", words, err)
		}
		if len(r.Hits) > 0 {
			return r.Hits[0]
		}
	}
}

// One key leads from anywhere to the field; the answer comes while one types, and
// arrows and Enter open the conversation where the words were said.
func TestSearchingFromTheInbox(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	words := "Die Quittenallee 東京都 <b>is closed</b>"
	f := w.heard(w.says("wilhelmina", words))
	ana := w.enter("ana")
	ana.Press("/")
	ana.Wait(`document.activeElement.matches(".bar-search input")`)
	ana.Press("quittenall\r")
	// The answer stands there before the scripts that know the key have begun.
	ana.Wait(`document.readyState === "complete" && location.pathname.endsWith("/search") && document.querySelector("#found mark")?.textContent === "Quittenallee"`)
	ana.Wait(`document.querySelector("#found .row-words b") === null && document.querySelector("#found .row-words")?.textContent.includes("<b>is closed</b>")`)

	ana.Press("/")
	ana.Wait(`document.activeElement.matches(".search-box input")`)
	ana.Eval(`(document.activeElement.select(), window.stays = true)`, nil)
	ana.Press("東京都 from:wilhelmina")
	ana.Wait(`document.querySelector("#found mark")?.textContent === "東京都" && new URLSearchParams(location.search).get("q") === "東京都 from:wilhelmina"`)
	ana.Eval(`document.activeElement.select()`, nil)
	ana.Press("form:wilhelmina")
	ana.Wait(`document.querySelector("#found .callout")?.textContent.includes("from:") && document.querySelector("#found mark") === null`)
	ana.Eval(`document.activeElement.select()`, nil)
	ana.Press("quittenallee")
	ana.Wait(`document.querySelector("#found mark") !== null && window.stays`)

	ana.Eval(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }))`, nil)
	ana.Wait(`document.activeElement.matches("#found a[data-found]")`)
	ana.Press("\r")
	ana.Wait(fmt.Sprintf(`location.pathname.endsWith("/inbox/%s") && document.querySelector("#message-%s:target") !== null`, f.Conversation, f.Message))
	ana.Wait(`document.documentElement.scrollTop === 0`)
	quiet(t, ana)
}

// Without scripts it is a form.
func TestSearchingWithoutScripts(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	f := w.heard(w.says("wilhelmina", "where is the quince alley"))
	ana := w.enter("ana")
	ana.Scripts(false)
	ana.Open(w.base + "/w/town-of-millbrook/search")
	ana.Wait(`document.querySelector(".search-help a[href*='from%3Amira']") !== null`)
	ana.Type(".search-box input", "quince")
	ana.Click(".search-box button")
	ana.Wait(`document.querySelector("#found mark")?.textContent === "quince"`)
	ana.Click("#found a[data-found]")
	// Nothing in a page without scripts tells when the next one is there.
	want, at := "message-"+f.Message.String(), ""
	for end := time.Now().Add(20 * time.Second); at != want; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("at %q, want %q", at, want)
		}
		ana.Eval(`document.querySelector(":target")?.id ?? ""`, &at)
	}
}
