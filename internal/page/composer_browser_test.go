package page_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"parley/internal/page/pagetest"
)

// What is typed while the answer is on its way is the beginning of the next one.
func TestWordsAfterTheAnswerStay(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	release := d.hold(t, func(r *http.Request) bool { return r.Method == http.MethodPost })
	tab.Type(composer, "It is open.")
	tab.Do(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	tab.Wait(`document.querySelector("form[data-composer][aria-busy]")`)
	tab.Press("\rOn Sunday too.")
	release()
	tab.Wait(`document.querySelector(".message:last-child").innerText.includes("It is open.")`)
	tab.Wait(fmt.Sprintf(`document.querySelector(%q).value === "On Sunday too."`, composer))
	var draft string
	tab.Eval(`JSON.parse(Object.entries(localStorage).find(([k]) => k.startsWith("parley-draft"))[1]).body`, &draft)
	if draft != "On Sunday too." {
		t.Errorf("the draft is %q", draft)
	}
	complaints(t, tab)
}

// Whoever leaves at once has a draft too, with its content warning.
func TestDraftOfWhoLeavesAtOnce(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	tab.Eval(`(() => {
		document.querySelector("[data-warning]").value = "Spiders";
		const body = document.querySelector("[data-body]");
		body.value = "half";
		body.dispatchEvent(new Event("input", { bubbles: true }));
		location.assign("`+second+`");
	})()`, nil)
	tab.Wait(`location.pathname === "` + second + `" && ` + hasComposer)
	tab.Open(d.url + thread)
	tab.Wait(fmt.Sprintf(`document.querySelector(%q).value === "half" && document.querySelector("details[open] [data-warning]")?.value === "Spiders"`, composer))
}

// Enter in a line is not Send, with scripts and without.
func TestEnterInALineSendsNothing(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with scripts": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDesk(t)
			tab := pagetest.Browser(t)
			tab.SignIn(d.url)
			tab.Scripts(scripts)
			tab.Open(d.url + thread)
			tab.Type(composer, "Yes")
			tab.Click(".composer-warning summary")
			tab.Type("[data-warning]", "Spiders\r")
			if scripts {
				tab.Wait(fmt.Sprintf(`document.activeElement === document.querySelector(%q)`, composer))
				tab.Press("!") // the protocol sends Enter's own letter too
				tab.Wait(`document.activeElement.value.endsWith("!")`)
			}
			tab.Open(d.url + second) // whatever was sent is there by now
			d.mu.Lock()
			defer d.mu.Unlock()
			if len(d.sent) != 0 {
				t.Errorf("sent %q", d.sent)
			}
		})
	}
}

// The tools of an empty composer take a click, and a picture needs no words.
func TestAPictureAlone(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	tab.Click(composer)
	tab.Eval(`(document.querySelector("[data-media-file]").addEventListener("click", (e) => { e.preventDefault(); window.asked = true }), 1)`, nil)
	tab.Click(".composer .file")
	tab.Wait(`window.asked`)

	file := filepath.Join(t.TempDir(), "bridge.png")
	if err := os.WriteFile(file, []byte("a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	choose := func() {
		tab.Do(chromedp.SetUploadFiles(chromedp.CSS("[data-media-row]:last-child [data-media-file]"), []string{file}))
	}
	choose()
	tab.Wait(`document.querySelectorAll("[data-media-row]").length === 2 && document.querySelector("[data-media-row]").ariaLabel === "bridge.png"`)
	tab.Click("[data-media-remove]")
	tab.Wait(`document.querySelectorAll("[data-media-row]").length === 1 && !document.querySelector("[data-chosen]") && document.querySelector("[data-body]").required`)
	choose()
	tab.Wait(`!document.querySelector("[data-body]").required`)
	tab.Eval(`document.querySelector("[data-send]").click()`, nil)
	tab.Wait(`document.querySelector("#message-n0") && !document.querySelector("[data-chosen]")`)
	complaints(t, tab)
}

// Who will read the answer is said of what is chosen, also after an update.
func TestAudienceFollowsTheChoice(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	const few = `document.querySelector(".composer-audience").innerText.includes("Only the people") && document.querySelector(".composer.private")`
	tab.Wait(`document.querySelector(".composer-audience").innerText.includes("Everybody") && !(` + few + `)`)
	tab.Eval(`(() => { const s = document.querySelector("[name=visibility]"); s.value = "direct"; s.dispatchEvent(new Event("change", { bubbles: true })) })()`, nil)
	tab.Wait(few + ` && document.querySelector("#announce").textContent.includes("Only the people")`)
	d.say("meanwhile")
	tab.Wait(`document.querySelector("#message-n0")`)
	tab.Wait(few + ` && document.querySelector("[name=visibility]").value === "direct"`)
}
