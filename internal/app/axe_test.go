package app_test

import (
	"maps"
	"slices"
	"testing"

	"parley/internal/page/pagetest"
)

// Every page, in light, dark and narrow, and with what opens over it, has no fault
// that axe-core calls serious or critical (WCAG 2.2 AA and its own best practice).
func TestEverybodyCanUseEveryPage(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	b := w.enter("ana")
	axe := b.Axe()
	pages := w.everyPage(b)
	looks := []struct {
		name          string
		width, height int64
		scheme        string
	}{{"light", 1280, 860, "light"}, {"dark", 1280, 860, "dark"}, {"narrow", 390, 844, "light"}}
	for _, look := range looks {
		b.Look(look.width, look.height, look.scheme)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			b.Open(pages[name])
			w.judge(b, axe, name+", "+look.name)
		}
		b.Open(pages["conversation"])
		w.mod(b, "k")
		b.Wait(`document.querySelectorAll("#palette [data-group=conversation] [role=option]").length > 5`)
		w.judge(b, axe, "palette, "+look.name)
		w.mod(b, "k")
		b.Wait(`!document.querySelector("#palette[open]")`)
		b.Press("?")
		b.Wait(`document.querySelector("#shortcuts[open] kbd")`)
		w.judge(b, axe, "keys, "+look.name)
		b.Press("\x1b")
		b.Eval(`document.querySelectorAll("details").forEach((d) => d.open = true)`, nil)
		b.Press("r")
		w.judge(b, axe, "conversation with everything open, "+look.name)
	}
	out := pagetest.Browser(t)
	for _, path := range []string{"/demo", "/invitation/none", "/nowhere"} {
		out.Open(w.base + path)
		w.judge(out, axe, path)
	}
}

func (w *town) judge(b *pagetest.Tab, axe, where string) {
	w.Helper()
	b.Wait(`document.getAnimations().length === 0`)
	for _, fault := range b.Faults(axe) {
		w.Errorf("%s: %s", where, fault)
	}
}
