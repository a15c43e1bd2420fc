package app_test

import (
	"strings"
	"testing"
)

// With a keyboard on a phone's screen, a phone turned on its side, or a page at
// 400 % (WCAG 1.4.10), Send can be reached and what was said can be read.
func TestSendStaysInSight(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	words := w.says("greta", "Is the bridge open again?")
	b := w.enter("ana")
	b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(b, words)
	for _, size := range [][2]int64{{390, 844}, {390, 400}, {667, 375}, {320, 568}, {320, 256}} {
		b.Look(size[0], size[1], "light")
		b.Eval(`(field => {
			field.blur(); field.focus(); field.value = "One\nTwo\nThree"; field.dispatchEvent(new Event("input", {bubbles: true}));
		})(document.querySelector(".composer-body"))`, nil)
		var send, thread, wide int64
		b.Eval(`Math.ceil(document.querySelector(".composer-foot .primary").getBoundingClientRect().bottom)`, &send)
		b.Eval(`document.querySelector("#thread-scroll").clientHeight`, &thread)
		b.Eval(`document.documentElement.scrollWidth`, &wide)
		if send > size[1] || thread < 100 || wide > size[0] {
			t.Errorf("%d × %d: Send ends at %d, the thread has %d, the page is %d wide", size[0], size[1], send, thread, wide)
		}
	}
}

// Whoever only reads along is offered nothing they may not do, and may still leave.
func TestWhoReadsAlongIsOfferedNothingElse(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	words := w.says("greta", "Is the ferry running?")
	b := w.enter("dmitri")
	b.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(b, words)
	var title, text, label string
	b.Eval(`document.title`, &title)
	b.Eval(`document.querySelector("#thread-pane").innerText`, &text)
	b.Eval(`document.querySelector("#thread-pane").getAttribute("aria-label")`, &label)
	if !strings.HasPrefix(title, "Greta · ") || !strings.Contains(label, "Greta") {
		t.Errorf("the page is called %q, the conversation %q", title, label)
	}
	for _, never := range []string{"Needs no answer", "I answer this", "Nobody is answering"} {
		if strings.Contains(text, never) {
			t.Errorf("an observer is shown %q", never)
		}
	}
	b.Click(`nav a[href$="/team"]`)
	b.Wait(`document.querySelector("#leave form") !== null`)
}
