package app_test

import (
	"fmt"
	"testing"
)

// rows are the names in the list, as they stand there.
const listed = `[...document.querySelectorAll(".row-name")].map((e) => e.textContent).join("|")`

// A label is found by typing and stands in the list at once; the list of all that
// have it is the same for whoever gets its address, and under a name.
func TestAListIsNarrowedSharedAndKept(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	ana := w.enter("ana")
	ana.Open(w.base + "/w/town-of-millbrook/inbox?box=all")
	w.openRow(ana, w.says("wilhelmina", "is the gravel path open on Sunday?"))
	ana.Press("l")
	ana.Wait(`document.activeElement?.matches("[data-labels-find]")`)
	ana.Type("[data-labels-find]", "roads")
	ana.Wait(`[...document.querySelectorAll("[data-labels] li")].filter((e) => e.checkVisibility()).length === 1`)
	ana.Press("\r")
	ana.Wait(`document.querySelector(".thread-head .label")?.textContent === "Roads and paths"`)
	ana.Wait(w.row("gravel path") + `.querySelector(".label") !== null`)
	ana.Press("\x1b")
	ana.Press("f")
	ana.Wait(`document.querySelector("select[name=label]")?.checkVisibility()`)
	ana.Eval(`document.querySelector("select[name=label]").value = [...document.querySelectorAll("select[name=label] option")].find((o) => o.text.startsWith("Roads")).value`, nil)
	ana.Click(".narrow-form button")
	ana.Wait(`location.search.includes("label=") && document.querySelectorAll(".row").length === 1 && ` + w.row("gravel path"))
	var address, here, there string
	ana.Eval(`location.href`, &address)
	ana.Eval(listed, &here)
	ben := w.enter("ben")
	ben.Open(address)
	ben.Eval(listed, &there)
	if here != there || here == "" {
		t.Errorf("ana sees %q, ben %q", here, there)
	}
	ana.Press("f")
	ana.Type(".narrow-save input[name=name]", "On the road")
	ana.Click(".narrow-save .button")
	ana.Wait(`document.querySelector(".views [aria-current]")?.textContent.includes("On the road")`)
	ana.Click(".chip")
	ana.Wait(`location.search === "?box=all" && document.querySelectorAll(".row").length > 1`)
	ana.Click(".views a")
	ana.Wait(fmt.Sprintf(`%s === %q`, listed, here))
	ben.Open(address)
	var views int
	ben.Eval(`document.querySelectorAll(".views a").length`, &views)
	if views != 0 {
		t.Error("ben sees the list that ana keeps for herself")
	}
	quiet(t, ana)
}
