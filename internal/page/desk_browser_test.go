package page_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/page/pagetest"
)

const (
	second      = "/w/harbour/inbox/0000000000002"
	hasComposer = `document.querySelector("form[data-composer]")`
)

// meddleWith lets a test answer in the server's place.
func (d *desk) meddleWith(meddle func(http.ResponseWriter, *http.Request) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.meddle = meddle
}

// hold makes requests wait until the returned function is called.
func (d *desk) hold(t *testing.T, which func(*http.Request) bool) (release func()) {
	t.Helper()
	gate := make(chan struct{})
	d.meddleWith(func(_ http.ResponseWriter, r *http.Request) bool {
		if which(r) {
			select {
			case <-gate:
			case <-r.Context().Done():
			}
		}
		return false
	})
	return func() { close(gate) }
}

func open(t *testing.T, d *desk, path string) *pagetest.Tab {
	t.Helper()
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + path)
	return tab
}

// row is a click on the row of a conversation, as an expression.
func row(n int) string { return fmt.Sprintf(`document.querySelector("#row-%013d a").click()`, n) }

// Words for one person, and a dialog about them, never stand beside the next one.
func TestNothingGoesOverToTheNextPerson(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	tab.Type(composer, "for Mira only")
	tab.Eval(row(2), nil)
	tab.Wait(`document.querySelector("#composer-0000000000002-body")`)
	var forms []string
	tab.Eval(`[...document.querySelectorAll("form[data-composer]")].map((f) => f.id + ":" + f.querySelector("textarea").value)`, &forms)
	if len(forms) != 1 || forms[0] != "composer-0000000000002:" {
		t.Errorf("after the next conversation was opened there are the composers %q", forms)
	}
	tab.Eval(`document.querySelector("#shortcuts").showModal()`, nil)
	tab.Eval(`history.back()`, nil)
	tab.Wait(fmt.Sprintf(`document.querySelector(%q)?.value === "for Mira only"`, composer))
	var open int
	tab.Eval(`document.querySelectorAll("dialog[open]").length`, &open)
	if open != 0 {
		t.Error("the dialog is still open")
	}
	complaints(t, tab)
}

// On a slow link the second j goes on from the first, and what is typed for the
// next person neither reaches this one nor does anything to them.
func TestKeysWhileAPageIsOnItsWay(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	release := d.hold(t, func(r *http.Request) bool { return r.Header.Get("Parley-Fetch") == "swap" })
	tab.Press("jj")
	tab.Wait(`document.querySelector("#row-0000000000003 [aria-current]")`)
	tab.Press("re")
	tab.Press("jc")
	release()
	tab.Wait(`location.pathname.endsWith("3") && document.activeElement.id === "composer-0000000000003-body"`)
	tab.Press("Yes")
	tab.Wait(`document.activeElement.value === "Yes"`)
	if n := d.clicks.Load(); n != 0 {
		t.Errorf("letters did %d things", n)
	}
	complaints(t, tab)
}

// The second half of a double click is not meant for what stands there now.
func TestADoubleClickDoesNotUndoItself(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	const click = `document.querySelector("#claim button").click()`
	tab.Eval(`new Promise((done) => {
		document.addEventListener("parley:put", () => document.querySelector("#claim.mine") && done(`+click+`));
		`+click+`;
	})`, nil)
	tab.Eval(`new Promise((done) => setTimeout(done, 700))`, nil) // what comes later is meant
	if n := d.clicks.Load(); n != 1 {
		t.Errorf("a double click was taken for %d", n)
	}
	tab.Eval(click, nil)
	tab.Wait(`document.querySelector("#claim:not(.mine)")`)
}

// What a proxy says in our place, or nobody, leaves the desk as it is.
func TestNoAnswerLeavesTheDesk(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	tab.Eval(row(2), nil)
	tab.Wait(`document.querySelector("#composer-0000000000002-body")`)
	d.meddleWith(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Parley-Fetch") == "swap" {
			http.Error(w, "<h1>Bad gateway</h1>", http.StatusBadGateway)
			return true
		}
		return false
	})
	tab.Type("#composer-0000000000002-body", "Yes.")
	tab.Eval(row(3), nil)
	tab.Wait(`document.querySelector("#offline:not([hidden])") && !document.querySelector("[inert]")`)
	tab.Eval(`history.back()`, nil)
	tab.Wait(`location.pathname === "` + second + `" && document.querySelector("#row-0000000000002 [aria-current]")`)
	tab.Eval(`document.querySelector("[data-send]").click()`, nil)
	tab.Wait(`document.querySelector("[data-unanswered]:not([hidden])")?.innerText.includes("still here")`)
	d.meddleWith(nil)
	tab.Eval(`document.querySelector("[data-send]").click()`, nil)
	tab.Wait(`document.querySelector("[data-unanswered][hidden]") && document.querySelector(".message:last-child")?.innerText.includes("Yes.")`)
	complaints(t, tab)
}

// A region that cannot be fetched is asked for ever more seldom.
func TestAFailingRegionIsLeftInPeace(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := open(t, d, thread)
	waitFor(t, func() bool { return d.Hub().Streams() == 1 })
	var failed atomic.Int64
	began := time.Now()
	d.meddleWith(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Parley-Fetch") == "live" && strings.HasSuffix(r.URL.Path, thread) {
			failed.Add(1)
			http.Error(w, "down", http.StatusBadGateway)
			return true
		}
		return false
	})
	d.say("said while it fails")
	waitFor(t, func() bool { return failed.Load() == 3 }) // at once, after 0.5 s or more, after 1 s or more
	if took := time.Since(began); took < 1500*time.Millisecond {
		t.Errorf("asked three times in %v", took)
	}
	d.meddleWith(nil)
	tab.Wait(`document.querySelector("#message-n0")`)
}
