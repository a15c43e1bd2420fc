package app_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"parley/internal/page/pagetest"
)

// The whole main way without a mouse: sign in, find who waits, write, send, call
// it done, go on to the next. Nothing is clicked and nothing is focused but by keys.
func TestTheMainWayByKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	words := w.says("wilhelmina", "When does the swimming pool open in the morning?")
	b := pagetest.Browser(t)
	b.Look(1280, 860, "light")
	b.Open(w.base + "/demo")
	w.tabTo(b, "button.choice")
	b.Press(kb.Enter)
	b.Wait(`location.pathname.endsWith("/today") && "script" in document.documentElement.dataset`)
	w.mod(b, "k")
	b.Wait(`document.querySelector("#palette[open]")`)
	b.Press("inbox")
	b.Wait(`document.querySelector("#palette [aria-selected=true]")?.dataset.href?.endsWith("/inbox")`)
	b.Press(kb.Enter)
	b.Wait(`location.pathname.endsWith("/inbox") && document.readyState === "complete" && "script" in document.documentElement.dataset`)
	b.Press(kb.Tab) // the first stop leads over the header to the content
	b.Wait(`document.activeElement.matches("a.skip") && document.activeElement.checkVisibility()`)
	b.Press(kb.Enter)

	// By name where there are many; j and k where one works from the top.
	w.mod(b, "k")
	b.Wait(`document.querySelector("#palette[open]")`)
	b.Wait(fmt.Sprintf(`[...document.querySelectorAll("#palette [data-group=conversation] [role=option]")].some((o) => o.textContent.includes(%q))`, words[:20]))
	b.Press("wilhelmina when does the sw")
	b.Wait(`document.querySelector("#palette [aria-selected=true]")?.textContent.includes("swimming pool")`)
	b.Press(kb.Enter)
	b.Wait(`document.querySelector("#thread-pane .messages")?.textContent.includes("swimming pool")`)
	b.Wait(`!document.querySelector("[inert]") && document.getAnimations().length === 0`)

	b.Press("r")
	b.Wait(`document.activeElement?.name === "body"`)
	b.Press("At seven, on Sundays at nine.")
	w.mod(b, kb.Enter)
	b.Wait(`[...document.querySelectorAll(".ours")].some((m) => m.textContent.includes("on Sundays at nine") && m.textContent.includes("Sent"))`)

	// What was answered has left the waiting; the next one is a key away.
	b.Press(kb.Escape)
	w.leaveField(b)
	b.Press("j")
	b.Wait(`document.querySelector(".row a[aria-current]") && !document.querySelector("[inert]") && !document.querySelector("#thread-pane .messages")?.textContent.includes("swimming pool")`)
	var next string
	b.Eval(`location.pathname`, &next)
	b.Wait(`[...document.querySelectorAll("#thread-pane [data-key=e]")].length === 1`)
	b.Press("e")
	b.Wait(fmt.Sprintf(`![...document.querySelectorAll("a[data-row]")].some((a) => a.pathname === %q)`, next))
	quiet(t, b)
}

// mod presses a key together with Control.
func (w *town) mod(b *pagetest.Tab, key string) {
	w.Helper()
	b.Do(chromedp.KeyEvent(key, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

// tabTo presses Tab until an element that fits has the focus.
func (w *town) tabTo(b *pagetest.Tab, css string) {
	w.Helper()
	for range 40 {
		var there bool
		b.Eval(fmt.Sprintf(`document.activeElement?.matches(%q) ?? false`, css), &there)
		if there {
			return
		}
		b.Press(kb.Tab)
	}
	w.Fatalf("Tab never reaches %s", css)
}

// leaveField presses Tab until no field takes the letters any more.
func (w *town) leaveField(b *pagetest.Tab) {
	w.Helper()
	for range 10 {
		var typing bool
		b.Eval(`document.activeElement?.matches("input, textarea, select") ?? false`, &typing)
		if !typing {
			return
		}
		b.Press(kb.Tab)
	}
	w.Fatal("Tab never leaves the fields")
}
