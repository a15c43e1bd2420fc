package page_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/internal/page/pagetest"
)

func TestTheManifestNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	w := serve(k, request("GET", "/manifest.webmanifest", ""))
	var m struct {
		Name, Display string
		Start         string `json:"start_url"`
		Icons         []struct{ Src, Sizes, Type, Purpose string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m.Name != "Parley" || m.Start != "/" || m.Display != "standalone" {
		t.Fatalf("%+v, %v", m, err)
	}
	var purposes []string
	for _, i := range m.Icons {
		purposes = append(purposes, i.Purpose)
		if a := serve(k, request("GET", i.Src, "")); a.Code != 200 || a.Header().Get("Content-Type") != i.Type {
			t.Errorf("%s: %d, %q", i.Src, a.Code, a.Header().Get("Content-Type"))
		}
	}
	if !slices.Contains(purposes, "maskable") || len(m.Icons) < 4 {
		t.Errorf("the icons are %+v", m.Icons)
	}
	if a := serve(k, request("GET", "/apple-touch-icon.png", "")); a.Code != 200 || a.Header().Get("Content-Type") != "image/png" {
		t.Errorf("the icon of Apple's browsers: %d", a.Code)
	}
}

// The page that browsers keep knows nobody, whoever asks for it; the script that
// keeps it is never kept itself.
func TestThePageThatIsKeptKnowsNobody(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	body := serve(k, request("GET", "/offline", "")).Body.String()
	for _, never := range []string{"data-member", "data-live-url", "Ana", "harbour"} {
		if strings.Contains(body, never) {
			t.Errorf("the page that is kept holds %q", never)
		}
	}
	if got := pagetest.Inline(body); len(got) > 0 {
		t.Errorf("it has inline parts: %q", got)
	}
	w := serve(k, request("GET", "/sw.js", ""))
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" || !strings.Contains(w.Body.String(), `"/offline"`) {
		t.Errorf("%d, %q", w.Code, w.Header().Get("Cache-Control"))
	}
}

// Where nobody answers a page of ours says so, at the address that was asked for;
// it goes by itself once somebody does. Nothing that was read is kept.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	tab := pagetest.Browser(t)
	tab.SignIn(d.url)
	tab.Open(d.url + thread)
	tab.Wait(`navigator.serviceWorker.controller`)
	tab.Open(d.url + "/w/harbour/inbox")

	d.mu.Lock()
	d.meddle = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	d.mu.Unlock()
	tab.Eval(`(location.href = "/w/harbour/inbox/0000000000002", 0)`, nil)
	tab.Wait(`document.title.includes("cannot be reached") && location.pathname.endsWith("0000000000002")`)
	var looks string
	tab.Eval(`getComputedStyle(document.querySelector("a.button")).borderTopLeftRadius`, &looks)
	if looks == "0px" {
		t.Error("the page has lost its looks")
	}
	var kept []string
	tab.Eval(`Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map((r) => new URL(r.url).pathname))).then((all) => all.flat())`, &kept)
	for _, path := range kept {
		if path != "/offline" && !strings.HasPrefix(path, "/static/") {
			t.Errorf("%s is kept", path)
		}
	}
	if len(kept) < 3 {
		t.Errorf("only %q are kept", kept)
	}

	d.mu.Lock()
	d.meddle = nil
	d.mu.Unlock()
	tab.Click("main a.button")
	tab.Wait(`document.querySelector("form[data-composer]")`)
}
