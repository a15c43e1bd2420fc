package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"parley/internal/api"
	"parley/internal/i18n"
	"parley/internal/id"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	s := setup(t)
	never := []string{"hunter2", "db7.internal", "no row in table", "secret_file.go", "goroutine"}
	for _, one := range []struct {
		name, token, method, path string
		status                    int
		code                      string
	}{
		{"an answer", "seller", "GET", "/things/" + id.ID(1).String(), 200, ""},
		{"a problem", "seller", "GET", "/things/" + id.ID(9).String(), 404, "page.not_found"},
		{"a failure", "seller", "GET", "/things/" + id.ID(2).String(), 500, "internal"},
		{"a panic", "seller", "GET", "/things/" + id.ID(3).String(), 500, "internal"},
		{"no answer", "seller", "GET", "/things/" + id.ID(4).String(), 500, "internal"},
		{"no id", "seller", "GET", "/things/4711", 404, "api.not_found"},
		{"no id to change", "seller", "DELETE", "/things/'or'1'='1", 404, "api.not_found"},
		{"no such address", "seller", "GET", "/nothing", 404, "api.not_found"},
		{"no such address, nobody", "", "GET", "/nothing", 404, "api.not_found"},
		{"no such method", "seller", "DELETE", "/things", 405, "api.no_method"},
		{"another site's script asks", "", "OPTIONS", "/things", 405, "api.no_method"},
		{"nobody", "", "GET", "/things", 401, "api.no_token"},
		{"a token that is over", "stale", "GET", "/things", 401, "api.no_token"},
		{"no database", "broken", "GET", "/things", 500, "internal"},
		{"no right", "looker", "POST", "/things", 403, "forbidden"},
		{"some right", "other", "GET", "/things", 403, "forbidden"},
		{"an unknown filter", "seller", "GET", "/things?colour=red", 422, "api.invalid"},
		{"U+0000 in the address", "seller", "GET", "/things?cursor=%00", 422, "api.bad_text"},
		{"no UTF-8 in the address", "seller", "GET", "/things?cursor=%ff", 422, "api.bad_text"},
		{"too many at once", "seller", "GET", "/things?limit=201", 422, "api.invalid"},
		{"not a number", "seller", "GET", "/things?limit=many", 422, "api.invalid"},
		{"no cursor of ours", "seller", "GET", "/things?cursor=abc", 422, "api.bad_cursor"},
	} {
		t.Run(one.name, func(t *testing.T) {
			a := ask(t, s, one.token, one.method, one.path, "")
			if a.status != one.status {
				t.Fatalf("status %d: %s", a.status, a.body)
			}
			for _, word := range never {
				if strings.Contains(a.body, word) {
					t.Errorf("it tells %q: %s", word, a.body)
				}
			}
			for _, h := range []string{"Access-Control-Allow-Origin", "Set-Cookie"} {
				if a.Header.Get(h) != "" {
					t.Errorf("%s: %s", h, a.Header.Get(h))
				}
			}
			if a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("headers %v", a.Header)
			}
			if one.code == "" {
				return
			}
			p := a.problem(t)
			if p.Code != one.code {
				t.Errorf("code %s", p.Code)
			}
			ref := a.Header.Get("X-Request-Id")
			if p.Instance != "urn:parley:request:"+ref || len(ref) != 8 {
				t.Errorf("instance %s, reference %q", p.Instance, ref)
			}
			if p.Code == "internal" && !strings.Contains(s.log.String(), ref) {
				t.Error("the log does not know the reference")
			}
			if (a.status == 401) != (a.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate: %q", a.Header.Get("WWW-Authenticate"))
			}
		})
	}
	if !strings.Contains(s.log.String(), "hunter2") {
		t.Error("the log does not tell the cause")
	}
	if got := ask(t, s, "seller", "DELETE", "/things", "").Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", got)
	}
}

func TestTheReferenceIsTheServers(t *testing.T) {
	t.Parallel()
	s := setup(t)
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "ABCDEFGH")
	s.ServeHTTP(w, httptest.NewRequest("GET", api.Path+"/things", nil))
	if !strings.Contains(w.Body.String(), "urn:parley:request:ABCDEFGH") {
		t.Error(w.Body)
	}
}

func TestOnlyATokenInTheHeaderCounts(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for name, change := range map[string]func(*http.Request){
		"a cookie":          func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "parley", Value: "seller"}) },
		"another cookie":    func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-parley", Value: "seller"}) },
		"a name and a word": func(r *http.Request) { r.SetBasicAuth("seller", "seller") },
		"no scheme":         func(r *http.Request) { r.Header.Set("Authorization", "seller") },
		"the address":       func(r *http.Request) { r.URL.RawQuery = "access_token=seller" },
		"an empty one":      func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
	} {
		r := httptest.NewRequest("GET", api.Path+"/things", nil)
		change(r)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if a := ask(t, s, "", "GET", "/things", "", "Authorization", "bearer seller"); a.status != 200 {
		t.Errorf("the scheme is not told by its case (RFC 9110, section 11.1): %d", a.status)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := setup(t)
	large := `{"name":"` + strings.Repeat("x", 10<<20) + `"}`
	for _, one := range []struct {
		name, body string
		status     int
		code, at   string
	}{
		{"none", "", 400, "api.bad_json", ""},
		{"broken", `{"name":`, 400, "api.bad_json", "body"},
		{"HTML", `<html>`, 400, "api.bad_json", "body"},
		{"two values", `{"name":"a"} {"name":"b"}`, 400, "api.bad_json", "body"},
		{"U+0000", `{"name":"a\u0000b"}`, 400, "api.bad_json", "body"},
		{"U+0000 in a name", `{"na\u0000me":"ab"}`, 400, "api.bad_json", "body"},
		{"U+0000 in a list", `{"name":"a","tags":["x","\u0000"]}`, 400, "api.bad_json", "body"},
		{"not UTF-8", "{\"name\":\"\xff\"}", 400, "api.bad_json", "body"},
		{"10 MB", large, 413, "api.too_large", ""},
		{"deep", strings.Repeat("[", 200_000), 400, "api.bad_json", "body"},
		{"a list", `[]`, 422, "api.invalid", "body"},
		{"null", `null`, 422, "api.invalid", "body"},
		{"nothing in it", `{}`, 422, "api.invalid", "body"},
		{"another type", `{"name":7}`, 422, "api.invalid", "body.name"},
		{"too long", `{"name":"` + strings.Repeat("x", 51) + `"}`, 422, "api.invalid", "body.name"},
		{"unknown", `{"name":"a","colour":"red"}`, 422, "api.invalid", "body.colour"},
		{"too small", `{"name":"a","count":-3}`, 422, "api.invalid", "body.count"},
		{"a fraction", `{"name":"a","count":1.5}`, 422, "api.invalid", "body.count"},
		{"no id", `{"name":"a","to":"you"}`, 422, "api.invalid", "body.to"},
		{"an id that is too large", `{"name":"a","to":"ZZZZZZZZZZZZZ"}`, 422, "api.invalid", "body.to"},
		{"a password", `{"name":"a","password":"hunter2hunter2"}`, 422, "api.invalid", "body.password"},
	} {
		t.Run(one.name, func(t *testing.T) {
			a := ask(t, s, "seller", "POST", "/things", one.body, "Content-Type", "application/json")
			if a.status != one.status {
				t.Fatalf("status %d: %.300s", a.status, a.body)
			}
			p := a.problem(t)
			if p.Code != one.code {
				t.Errorf("code %s", p.Code)
			}
			if one.at != "" && (len(p.Errors) != 1 || p.Errors[0].At != one.at || p.Errors[0].Fault == "") {
				t.Errorf("errors %+v", p.Errors)
			}
			if strings.Contains(a.body, "hunter2") {
				t.Error("a password is repeated")
			}
			if len(a.body) > 2000 {
				t.Errorf("%d bytes to say no", len(a.body))
			}
		})
	}
	if a := ask(t, s, "seller", "POST", "/things", "name=a", "Content-Type", "application/x-www-form-urlencoded"); a.status != 415 || a.problem(t).Code != "api.content_type" {
		t.Errorf("a form: %d %s", a.status, a.body)
	}
	if got := s.sales(); len(got) > 0 {
		t.Errorf("sold %q", got)
	}
}

func TestGoodBodies(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for body, want := range map[string]string{
		`{"name":"Ωmega \\u0000"}`: `Ωmega \u0000`,
		`{"name":"<b>&</b>"}`:      `<b>&</b>`,
		"{\"name\":\"\u202e!\"}":   "\u202e!",
	} {
		a := ask(t, s, "seller", "POST", "/things", body)
		var got thingJSON
		if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 201 || got.Name != want {
			t.Errorf("%s: %d %s, %v", body, a.status, a.body, err)
		}
	}
	if a := ask(t, s, "seller", "POST", "/pictures", strings.Repeat("\x00\xff", 1<<20), "Content-Type", "image/png"); a.status != 200 || !strings.Contains(a.body, "2097152") {
		t.Errorf("a picture: %d %s", a.status, a.body)
	}
	if a := ask(t, s, "seller", "POST", "/pictures", strings.Repeat("x", 3<<20+1), "Content-Type", "image/png"); a.status != 413 {
		t.Errorf("a large picture: %d", a.status)
	}
	if a := ask(t, s, "seller", "DELETE", "/things/"+id.ID(1).String(), ""); a.status != 204 || a.body != "" {
		t.Errorf("nothing to say: %d %q", a.status, a.body)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var seen []string
	cursor, pages := "", 0
	for {
		a := ask(t, s, "seller", "GET", "/things?limit=10&cursor="+cursor, "")
		var page api.List[thingJSON]
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, one := range page.Items {
			seen = append(seen, one.Name)
		}
		pages++
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if pages != 3 || len(seen) != 25 || seen[0] != "thing 0" || seen[24] != "thing 24" {
		t.Errorf("%d pages: %q", pages, seen)
	}
	if a := ask(t, s, "seller", "GET", "/things?cursor="+api.Cursor(map[string]int{"N": 25}), ""); strings.TrimSpace(a.body) != `{"items":[]}` {
		t.Errorf("an empty page: %s", a.body)
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "e30", "bnVsbA", "!!", api.Cursor(map[string]any{"N": 3})} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		place := struct{ N int }{7}
		err := api.Paging{Cursor: s}.Place(&place)
		if s == "" && (err != nil || place.N != 7) {
			t.Errorf("no cursor: %v, %v", place, err)
		}
	})
}

// Whatever a body is, it is taken or refused, never a failure; and what is taken
// is text that every database keeps.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"name":"a"}`, `{"name":"\u0000"}`, `{"name":`, `null`, `[]`, "\xff", `{"name":"a","to":"0000000000001"}`, `{"name":1e999}`,
		`{"name":"a","tags":[null,{}]}`, `{"Name":"a"}`, `{"name":"\ud800"}`} {
		f.Add(s)
	}
	s := setup(f)
	f.Fuzz(func(t *testing.T, body string) {
		a := ask(t, s, "seller", "POST", "/things", body, "Content-Type", "application/json")
		if a.status >= 500 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		s.clock.Advance(time.Minute)
		for _, name := range s.sales() {
			if !utf8.ValidString(name) || strings.Contains(name, "\x00") {
				t.Fatalf("sold %q", name)
			}
		}
		s.mu.Lock()
		s.sold = nil
		s.mu.Unlock()
	})
}

func TestETag(t *testing.T) {
	t.Parallel()
	s := setup(t)
	path := "/things/" + id.ID(1).String()
	first := ask(t, s, "seller", "GET", path, "")
	tag := first.Header.Get("Etag")
	if len(tag) != 26 || first.Header.Get("Cache-Control") != "private, no-cache" {
		t.Fatalf("headers %v", first.Header)
	}
	for _, list := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if a := ask(t, s, "seller", "GET", path, "", "If-None-Match", list); a.status != 304 || a.body != "" {
			t.Errorf("%s: %d %q", list, a.status, a.body)
		}
	}
	if a := ask(t, s, "seller", "GET", path, "", "If-None-Match", `"x"`); a.status != 200 {
		t.Errorf("another: %d", a.status)
	}
	if a := ask(t, s, "seller", "POST", "/things", `{"name":"a"}`, "If-None-Match", "*"); a.status != 201 || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a sale: %d %v", a.status, a.Header)
	}
	if a := ask(t, s, "", "GET", path, "", "If-None-Match", tag); a.status != 401 {
		t.Errorf("nobody learns whether it changed: %d", a.status)
	}
}

func TestTheDocument(t *testing.T) {
	t.Parallel()
	s := setup(t)
	a := ask(t, s, "", "GET", "/openapi.json", "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
			Rights      []string `json:"x-parley-rights"`
			Parameters  []struct {
				Name, In string
				Required bool
			}
		}
	}
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.status != 200 || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%d %v", a.status, err)
	}
	sell := doc.Paths["/things"]["post"]
	if sell.OperationID != "sellThing" || !slices.Equal(sell.Rights, []string{"conversation.reply", "team.manage"}) {
		t.Errorf("%+v", sell)
	}
	if fmt.Sprint(sell.Security) != "[map[token:[conversation.reply]] map[token:[team.manage]]]" {
		t.Errorf("security %v", sell.Security)
	}
	burn := doc.Paths["/things/{thing}/burn"]["post"]
	if i := len(burn.Parameters) - 1; i < 0 || !slices.ContainsFunc(burn.Parameters, func(p struct {
		Name, In string
		Required bool
	}) bool {
		return p.Name == "Idempotency-Key" && p.In == "header" && p.Required
	}) {
		t.Errorf("parameters %+v", burn.Parameters)
	}
	for _, word := range []string{"unpkg.com", "ErrorModel", "$schema"} {
		if strings.Contains(a.body, word) {
			t.Errorf("the document holds %s", word)
		}
	}
	for _, path := range []string{"/docs", "/openapi.yaml", "/openapi", "/schemas/Thing.json"} {
		if got := ask(t, s, "seller", "GET", path, ""); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if n := len(s.Routes()); n != 8 {
		t.Errorf("%d routes", n)
	}
}

func TestEveryProblemHasItsTwoSentences(t *testing.T) {
	t.Parallel()
	b, err := i18n.NewBundle(api.Catalogue)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`problem\.New\(problem\.\w+, "([^"]+)"`).FindAllSubmatch(text, -1) {
			known["problem."+string(m[1])], known["problem."+string(m[1])+".next"] = true, true
		}
	}
	if len(known) < 20 {
		t.Fatalf("only %d found", len(known))
	}
	for key := range known {
		if !b.Has(key) {
			t.Errorf("%s is missing", key)
		}
	}
	for _, key := range b.Keys("en") {
		if strings.HasPrefix(key, "problem.api.") && !known[key] {
			t.Errorf("%s is said nowhere", key)
		}
	}
}
