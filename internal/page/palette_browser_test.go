package page_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"parley/internal/page/pagetest"
)

// control presses a key together with Control.
func control(tab *pagetest.Tab, key string) {
	tab.Do(chromedp.KeyEvent(key, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
}

const chosen = `document.querySelector("#palette [aria-selected=true]")`

// By keyboard alone: to a person of the list, to an action of the open
// conversation, to another page; and back to where one was.
func TestThePaletteGoesAnywhere(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + "/w/harbour/inbox")

	control(tab, "k")
	tab.Wait(`document.querySelector("#palette[open]") && document.querySelectorAll("#palette [data-group=conversation] [role=option]").length >= 40`)
	var shown int
	tab.Eval(`document.querySelectorAll("#palette [data-group=conversation] [role=option]:not([hidden])").length`, &shown)
	if shown == 0 || shown > 5 {
		t.Errorf("%d conversations are shown before anything was typed", shown)
	}
	tab.Press("0010 PERS") // neither case nor order matters
	tab.Wait(chosen + `?.textContent.includes("Person 0000000000010")`)
	tab.Press("\r")
	tab.Wait(`location.pathname.endsWith("000000000010") || document.querySelector(".row a[aria-current]")?.textContent.includes("Person 0000000000010")`)
	tab.Wait(`document.querySelector("form[data-composer]") && !document.querySelector("#palette[open]")`)

	// While writing: the words stay, and an action of this page is found by its name.
	field := `document.querySelector("textarea[name=body]")`
	tab.Eval(field+".focus()", nil)
	tab.Press("half a sentence")
	control(tab, "k")
	tab.Wait(`document.querySelector("#palette[open]") && document.activeElement.id === "palette-query"`)
	tab.Press("x")
	tab.Wait(`document.querySelector("#palette [data-found]").textContent !== ""`)
	tab.Press("\x1b")
	tab.Wait(`!document.querySelector("#palette[open]") && document.activeElement === ` + field)
	var words, left string
	tab.Eval(field+".value", &words)
	tab.Eval(`document.getElementById("palette-query").value`, &left)
	if words != "half a sentence" || left != "" {
		t.Errorf("the answer holds %q, the palette %q", words, left)
	}
	clicks := d.clicks.Load()
	control(tab, "k")
	tab.Press("i answer")
	tab.Wait(chosen + `?.closest("[data-group=do]")`)
	tab.Press("\r")
	waitFor(t, func() bool { return d.clicks.Load() == clicks+1 })

	control(tab, "k")
	tab.Press("inb")
	tab.Wait(chosen + `?.dataset.href === "/w/harbour/inbox"`)
	tab.Press("\r")
	tab.Wait(`location.pathname === "/w/harbour/inbox"`)
	complaints(t, tab)
}

// The field and its list say to a screen reader what they show to the eye.
func TestThePaletteIsACombobox(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	control(tab, "k")
	tab.Wait(`document.querySelectorAll("#palette [data-group=conversation] [role=option]").length >= 40`)
	const active = `document.getElementById(document.getElementById("palette-query").getAttribute("aria-activedescendant"))`
	const visible = `[...document.querySelectorAll("#palette [role=option]")].filter((o) => o.checkVisibility())`
	for _, step := range []struct{ key, want string }{
		{"", visible + `[0]`}, {kb.ArrowDown, visible + `[1]`}, {kb.ArrowUp, visible + `[0]`}, {kb.ArrowUp, visible + `.at(-1)`}, {kb.ArrowDown, visible + `[0]`},
	} {
		if step.key != "" {
			tab.Press(step.key)
		}
		tab.Wait(active + " === " + step.want + " && " + active + `.getAttribute("aria-selected") === "true" && document.querySelectorAll("#palette [aria-selected=true]").length === 1`)
	}
	for _, unnamed := range []string{
		`document.querySelectorAll("#palette [role=group]").length === [...document.querySelectorAll("#palette [role=group]")].filter((g) => document.getElementById(g.getAttribute("aria-labelledby"))?.textContent).length`,
		`document.getElementById("palette-query").getAttribute("aria-controls") === document.querySelector("#palette [role=listbox]").id`,
		`document.querySelectorAll("#palette [role=option] :is(a, button, input)").length === 0`,
	} {
		tab.Wait(unnamed)
	}
	tab.Press("zzzz")
	tab.Wait(`document.querySelector("#palette .palette-none").checkVisibility() && document.getElementById("palette-query").getAttribute("aria-activedescendant") === ""`)
	tab.Press("\r") // nothing is chosen, nothing happens
	tab.Wait(`document.querySelector("#palette[open]")`)
	if got := tab.Text("#palette [data-found]"); !strings.Contains(got, "0") {
		t.Errorf("a screen reader hears %q", got)
	}
	control(tab, "k")
	tab.Wait(`!document.querySelector("#palette[open]")`)
	complaints(t, tab)
}
