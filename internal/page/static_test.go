package page_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"parley/internal/page"
	"parley/internal/page/pagetest"
)

// budget for style sheet, scripts and drawings together, compressed, in bytes.
const budget = 40_000

func TestStaticFiles(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	k.Member("GET /page", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(page.Layout(page.Head{Title: "x"}))
	})
	body := serve(k, pagetest.SignIn(request("GET", "/w/harbour/page", ""))).Body.String()
	addresses := regexp.MustCompile(`(?:href|src)="(/static/[^"#]+)`).FindAllStringSubmatch(body, -1)
	if len(addresses) < 8 {
		t.Fatalf("the page names only %d static files", len(addresses))
	}
	seen, total := map[string]bool{}, 0
	for _, a := range addresses {
		if seen[a[1]] {
			continue
		}
		seen[a[1]] = true
		r := request("GET", a[1], "")
		r.Header.Set("Accept-Encoding", "gzip")
		w := serve(k, r)
		total += w.Body.Len()
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || strings.HasPrefix(w.Header().Get("Content-Type"), "application/octet") {
			t.Errorf("%s: %d, %q, %q", a[1], w.Code, w.Header().Get("Cache-Control"), w.Header().Get("Content-Type"))
		}
		r.Header.Set("If-None-Match", w.Header().Get("Etag"))
		if again := serve(k, r); again.Code != 304 || again.Body.Len() != 0 {
			t.Errorf("%s again: %d with %d bytes", a[1], again.Code, again.Body.Len())
		}
	}
	if total == 0 || total > budget {
		t.Errorf("%d bytes compressed, the budget is %d", total, budget)
	}
	t.Logf("%d files, %d bytes compressed", len(seen), total)
}

func TestStaticFilesOfAnOlderPage(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	w := serve(k, request("GET", "/static/000000000000/js/live.js", ""))
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%d, %q", w.Code, w.Header().Get("Cache-Control"))
	}
	for _, path := range []string{"/static/", "/static/x/", "/static/x/../../kernel.go", "/static/x/js/count_test.mjs", "/static/x/nothing.js"} {
		if w := serve(k, request("GET", path, "")); w.Code == 200 {
			t.Errorf("%s is served", path)
		}
	}
}
