package app_test

import (
	"maps"
	"slices"
	"testing"
)

// Read from right to left every page is the mirror of itself: nothing hangs over
// the edge, the list stands at the right, and what points points the other way.
func TestEveryPageFromRightToLeft(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	b := w.enter("ana")
	pages := w.everyPage(b)
	for _, width := range []int64{1280, 390} {
		b.Look(width, 860, "light")
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			b.Open(pages[name])
			b.Eval(`(document.documentElement.dir = "rtl", document.querySelectorAll("details:not([data-menu])").forEach((d) => d.open = true), 0)`, nil)
			var wide int
			b.Eval(`document.documentElement.scrollWidth - innerWidth`, &wide)
			if wide > 0 {
				t.Errorf("%s, %d wide: %d pixels wider than the window", name, width, wide)
			}
			// What is seen and can be used lies inside the window, or in something that scrolls.
			var out []string
			b.Eval(`[...document.querySelectorAll("a, button, input, textarea, select, summary")].filter((el) => {
				if (!el.checkVisibility({visibilityProperty: true, opacityProperty: true}) || el.closest(".tabs, .skip, .quiet-voice") || el.matches(".skip")) return false;
				const box = el.getBoundingClientRect();
				return box.width > 1 && (box.left < -1 || box.right > innerWidth + 1);
			}).map((el) => el.outerHTML.slice(0, 120))`, &out)
			for _, el := range out {
				t.Errorf("%s, %d wide: outside the window: %s", name, width, el)
			}
			var wrong int
			b.Eval(`[...document.querySelectorAll("svg.points")].filter((el) => getComputedStyle(el).scale !== "-1 1").length`, &wrong)
			if wrong > 0 {
				t.Errorf("%s, %d wide: %d signs point the wrong way", name, width, wrong)
			}
			if name == "conversation" && width == 1280 {
				var mirrored bool
				b.Eval(`document.querySelector("#list-pane").getBoundingClientRect().left >= document.querySelector("#thread-pane").getBoundingClientRect().right - 1`, &mirrored)
				if !mirrored {
					t.Error("the list does not stand at the right")
				}
			}
			w.picture(b, name+map[int64]string{1280: "-rtl", 390: "-rtl-narrow"}[width])
		}
	}
}
