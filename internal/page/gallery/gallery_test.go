package gallery_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/i18n"
	"parley/internal/page"
	"parley/internal/page/gallery"
	"parley/internal/page/pagetest"
)

// addresses of every page of the gallery, error pages included.
var addresses = []string{
	"/gallery", "/gallery/desk", "/gallery/desk/mira", "/gallery/desk/tomas", "/gallery/desk/nameless",
	"/gallery/desk/yousef", "/gallery/empty", "/gallery/form", "/gallery/nowhere", "/gallery/broken",
	"/gallery/refused", "/gallery/leave", "/gallery/answering",
}

// kernel shows the gallery in the pseudo-locale to whoever is signed in.
func kernel(t *testing.T) *page.Kernel {
	o := pagetest.Options(t)
	o.Demo = true
	o.Account = "/me"
	o.Authenticate = func(context.Context, string) (page.Visitor, error) {
		v := pagetest.Visitor()
		v.Locale = i18n.Pseudo
		v.Workspaces = append(v.Workspaces, page.Workspace{ID: 9, Slug: "ferry", Name: "Ferry Company"})
		return v, nil
	}
	k := pagetest.Kernel(t, o)
	gallery.Pages(k)
	return k
}

func get(k *page.Kernel, path string, signedIn bool) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if signedIn {
		pagetest.SignIn(r)
	}
	w := httptest.NewRecorder()
	k.ServeHTTP(w, r)
	return w
}

func TestEveryComponentSpeaksFromTheCatalogue(t *testing.T) {
	t.Parallel()
	k := kernel(t)
	for _, path := range addresses {
		body := get(k, path, true).Body.String()
		if !strings.Contains(body, "⟦") {
			t.Errorf("%s is not in the pseudo-locale", path)
		}
		for _, s := range pagetest.Bare(body) {
			t.Errorf("%s shows a string that no catalogue holds: %s", path, s)
		}
	}
}

func TestEveryComponentKeepsThePolicy(t *testing.T) {
	t.Parallel()
	k := kernel(t)
	for _, path := range addresses {
		w := get(k, path, false)
		if got := w.Header().Get("Content-Security-Policy"); strings.Contains(got, "unsafe") || !strings.Contains(got, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, got)
		}
		for _, s := range pagetest.Inline(w.Body.String()) {
			t.Errorf("%s has an inline script or style: %s", path, s)
		}
	}
}

func TestEveryControlHasAName(t *testing.T) {
	t.Parallel()
	k := kernel(t)
	for _, path := range addresses {
		body := get(k, path, true).Body.String()
		for _, s := range pagetest.Unlabelled(body) {
			t.Errorf("%s: nobody can say what this is: %s", path, s)
		}
		for _, id := range pagetest.IDs(body) {
			t.Errorf("%s: id %q is there twice", path, id)
		}
		for _, landmark := range []string{"<main", `class="skip"`, "<header", `aria-live="polite"`} {
			if !strings.Contains(body, landmark) {
				t.Errorf("%s has no %s", path, landmark)
			}
		}
	}
}

// look is a window: CSS pixels and colour scheme.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{
	{"light", 1360, 860, "light"},
	{"dark", 1360, 860, "dark"},
	{"narrow", 390, 844, "dark"},
	{"tiny", 320, 640, "light"}, // WCAG 2.2, 1.4.10
}

// TestLooks visits every page in every look: nothing is refused by the policy,
// nothing hangs over the edge, every word can be read against its background
// (WCAG 2.2, 1.4.3) and fingers find what they aim at. With PARLEY_SHOTS naming
// a directory it leaves pictures there, for people to look at.
func TestLooks(t *testing.T) {
	t.Parallel()
	k := pagetest.Kernel(t, pagetest.Options(t))
	gallery.Pages(k)
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	tab := pagetest.Browser(t)
	for _, l := range looks {
		tab.Look(l.width, l.height, l.scheme)
		for _, path := range addresses {
			if path == "/gallery/leave" {
				continue // goes on to another site
			}
			tab.Open(server.URL + path)
			examine(t, tab, l, path)
			if dir := os.Getenv("PARLEY_SHOTS"); dir != "" {
				name := strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-") + "-" + l.name + ".png"
				if err := os.WriteFile(filepath.Join(dir, name), tab.Shot(path == "/gallery"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, line := range tab.Console() {
		if !strings.Contains(line, "404") && !strings.Contains(line, "500") && !strings.Contains(line, "403") {
			t.Errorf("the browser complains: %s", line)
		}
	}
}

func examine(t *testing.T, tab *pagetest.Tab, l look, path string) {
	t.Helper()
	var over int
	tab.Eval("document.scrollingElement.scrollWidth - innerWidth", &over)
	if over > 0 {
		t.Errorf("%s %s: %d pixels hang over the edge", l.name, path, over)
	}
	var outside []string
	tab.Eval("("+burst+")()", &outside)
	for _, s := range outside {
		t.Errorf("%s %s: wider than what holds it: %s", l.name, path, s)
	}
	var faint []string
	tab.Eval("("+contrast+")()", &faint)
	for _, s := range faint {
		t.Errorf("%s %s: hard to read: %s", l.name, path, s)
	}
	if l.width > 500 {
		return
	}
	var small []string
	tab.Eval("("+targets+")()", &small)
	for _, s := range small {
		t.Errorf("%s %s: too small for a finger: %s", l.name, path, s)
	}
}

// contrast lists texts whose colour is less than 4.5:1 (3:1 when large) from
// the background behind them. Colours are read back from a canvas, since the
// style sheet speaks oklch.
const contrast = `() => {
  const c = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => { c.clearRect(0, 0, 1, 1); c.fillStyle = color; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (el) => { for (; el; el = el.parentElement) { const b = rgba(getComputedStyle(el).backgroundColor); if (b[3] > 250) return b; } return [255, 255, 255]; };
  const out = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !el.checkVisibility({visibilityProperty: true}) || el.closest(".quiet-voice, option, .skip, .button:disabled")) continue;
    const style = getComputedStyle(el), size = parseFloat(style.fontSize);
    const a = light(rgba(style.color)), b = light(behind(el));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) out.push(ratio.toFixed(2) + " " + walk.currentNode.data.trim().slice(0, 40) + " in " + el.className);
  }
  return out;
}`

// burst lists boxes that stick out of their parent.
const burst = `() => [...document.querySelectorAll("main :is(form, article, section, ol, ul, li, header, footer, div, p, button, a.button, textarea, input, select)")]
  .filter((e) => e.checkVisibility() && !e.closest(".quiet-voice, .menu-list, .file, .tabs") && !["absolute", "fixed"].includes(getComputedStyle(e).position))
  .filter((e) => e.getBoundingClientRect().right > e.parentElement.getBoundingClientRect().right + 1)
  .map((e) => e.nodeName + "." + e.className + " " + e.textContent.trim().slice(0, 30))`

// targets lists controls lower than 44 pixels. Links inside sentences are exempt
// (WCAG 2.2, 2.5.8).
const targets = `() => [...document.querySelectorAll("button, summary, .button, .row > a, .nav a, .tabs a, input:not([type=hidden], [type=file]), select, textarea, label:has(input[type=file])")]
  .filter((e) => e.checkVisibility() && !e.closest(".quiet-voice") && !(e.closest("label") && e.matches("input")))
  .filter((e) => e.getBoundingClientRect().height < 43.5 && e.getBoundingClientRect().height > 1)
  .map((e) => e.getBoundingClientRect().height + " " + e.nodeName + "." + e.className + " " + e.textContent.trim().slice(0, 30))`
