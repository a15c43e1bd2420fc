package page_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/zstd"

	"parley/internal/actor"
	"parley/internal/page"
	"parley/internal/page/pagetest"
	"parley/internal/problem"
)

// words is a component that says a sentence.
func words(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	})
}

// setup makes a kernel with a few pages.
func setup(t *testing.T, change func(*page.Options)) *page.Kernel {
	t.Helper()
	o := pagetest.Options(t)
	if change != nil {
		change(&o)
	}
	k := pagetest.Kernel(t, o)
	k.Handle("GET /open", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(words("open")) })
	k.Handle("POST /open", func(_ http.ResponseWriter, r *page.Request) error {
		f, err := r.Form()
		if err != nil {
			return err
		}
		r.Flash("page.close")
		return r.Render(words(fmt.Sprintf("%q", f.Get("a"))))
	})
	k.Member("GET /inbox", func(_ http.ResponseWriter, r *page.Request) error {
		if err := r.Actor.Require(actor.ReadConversations); err != nil {
			return err
		}
		return r.Render(words("inbox of " + r.Workspace.Name + " for " + r.Actor.Name + " at " + r.Link("inbox")))
	})
	k.Member("POST /inbox/{id}", func(_ http.ResponseWriter, r *page.Request) error {
		n, err := r.PathID("id")
		if err != nil {
			return err
		}
		return r.Redirect(r.Link("inbox/" + n.String()))
	})
	k.Handle("GET /problem/{kind}", func(_ http.ResponseWriter, r *page.Request) error {
		return fmt.Errorf("doing it: %w", problem.New(problem.Kind(r.PathValue("kind")), "forbidden", "right", "x").Because(errors.New("secret cause")))
	})
	k.Handle("GET /defect", func(http.ResponseWriter, *page.Request) error { return errors.New("secret defect") })
	k.Handle("GET /panic", func(http.ResponseWriter, *page.Request) error { panic("secret panic") })
	k.Handle("GET /half", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
			_, _ = io.WriteString(w, "half a page")
			return errors.New("the other half is missing")
		}))
	})
	k.Handle("GET /leave", func(_ http.ResponseWriter, r *page.Request) error { return r.Leave(r.URL.Query().Get("to")) })
	k.Mount("GET /metrics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }))
	return k
}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, "http://parley.test"+target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestMemberPages(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	in := func(method, path string) *http.Request { return pagetest.SignIn(request(method, path, "")) }

	if w := serve(k, in("GET", "/w/harbour/inbox")); w.Code != 200 || w.Body.String() != "inbox of Harbour Library for Ana Duarte at /w/harbour/inbox" {
		t.Errorf("a member's page: %d %s", w.Code, w.Body)
	}
	if w := serve(k, in("GET", "/w/elsewhere/inbox")); w.Code != 404 {
		t.Errorf("another workspace: %d, want 404", w.Code)
	}
	w := serve(k, request("GET", "/w/harbour/inbox?tab=mine", ""))
	if w.Code != 303 || w.Header().Get("Location") != "/sign-in?return=%2Fw%2Fharbour%2Finbox%3Ftab%3Dmine" {
		t.Errorf("signed out: %d to %q", w.Code, w.Header().Get("Location"))
	}
	r := request("GET", "/w/harbour/inbox", "")
	r.Header.Set("Parley-Fetch", "live")
	if w := serve(k, r); w.Code != 401 || !strings.Contains(w.Body.String(), "data-problem") || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("signed out, asked by a script: %d %s", w.Code, w.Body)
	}
	for referer, back := range map[string]string{"": "/", "http://parley.test/w/harbour/inbox?tab=mine": "/w/harbour/inbox?tab=mine",
		"http://elsewhere.test/w/harbour/inbox": "/", "http://parley.test//elsewhere.test": "/", ":": "/"} {
		r := request("POST", "/w/harbour/inbox/000000000000A", "")
		r.Header.Set("Referer", referer)
		want := "/sign-in?" + url.Values{"return": {back}}.Encode()
		if w := serve(k, r); w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("signed out, with a form of %q: %d to %q, want %q", referer, w.Code, w.Header().Get("Location"), want)
		}
		r.Header.Set("Parley-Fetch", "swap")
		if w := serve(k, r); w.Code != 401 || !strings.Contains(w.Body.String(), `href="`+html.EscapeString(want)+`"`) {
			t.Errorf("signed out, a script with a form of %q: %d %s", referer, w.Code, w.Body)
		}
	}
	if w := serve(k, in("POST", "/w/harbour/inbox/not-an-id")); w.Code != 404 {
		t.Errorf("an id that is none: %d, want 404", w.Code)
	}
	if w := serve(k, in("POST", "/w/harbour/inbox/000000000000A")); w.Code != 303 || w.Header().Get("Location") != "/w/harbour/inbox/000000000000A" {
		t.Errorf("a post: %d to %q", w.Code, w.Header().Get("Location"))
	}
	r = request("GET", "/w/harbour/inbox", "")
	r.AddCookie(&http.Cookie{Name: "parley", Value: "revoked"})
	if w := serve(k, r); w.Code != 303 || !strings.Contains(w.Header().Get("Set-Cookie"), "parley=; Path=/; Max-Age=0") {
		t.Errorf("a revoked session: %d, cookie %q", w.Code, w.Header().Get("Set-Cookie"))
	}
}

func TestAuthenticationThatFailsIsNotSignedOut(t *testing.T) {
	t.Parallel()
	k := setup(t, func(o *page.Options) {
		o.Authenticate = func(context.Context, string) (page.Visitor, error) {
			return page.Visitor{}, errors.New("database away")
		}
	})
	w := serve(k, pagetest.SignIn(request("GET", "/w/harbour/inbox", "")))
	if w.Code != 500 || w.Header().Get("Set-Cookie") != "" || strings.Contains(w.Body.String(), "database") {
		t.Errorf("%d, cookie %q, %s", w.Code, w.Header().Get("Set-Cookie"), w.Body)
	}
}

func TestEveryRouteCarriesThePolicy(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	for _, pattern := range k.Routes() {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "GET", pattern
		}
		if path == "/live" {
			method = "HEAD"
		}
		path = strings.NewReplacer("{workspace}", "harbour", "{id}", "000000000000A", "{kind}", "gone").Replace(path)
		w := serve(k, pagetest.SignIn(request(method, path, "")))
		for header, want := range map[string]string{
			"Content-Security-Policy": "script-src 'self'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "X-Request-Id": "",
		} {
			if got := w.Header().Get(header); got == "" || !strings.Contains(got, want) || strings.Contains(got, "unsafe") {
				t.Errorf("%s: %s is %q", pattern, header, got)
			}
		}
	}
	if len(k.Routes()) < 12 {
		t.Errorf("only %d routes were looked at", len(k.Routes()))
	}
}

func TestOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	k.Handle("POST /hook", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(words("taken")) }, page.Foreign)
	for name, c := range map[string]struct {
		path   string
		header map[string]string
		status int
	}{
		"our own form":            {"/open", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
		"typed, no browser hints": {"/open", nil, 200},
		"another site":            {"/open", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a sibling subdomain":     {"/open", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"an old browser":          {"/open", map[string]string{"Origin": "https://evil.example"}, 403},
		"behind a proxy":          {"/open", map[string]string{"Origin": "http://parley.test", "Host": "10.0.0.7"}, 200},
		"a sandboxed frame":       {"/open", map[string]string{"Origin": "null"}, 403},
		"a webhook":               {"/hook", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
	} {
		r := request("POST", c.path, "a=1")
		for k, v := range c.header {
			r.Header.Set(k, v)
			if k == "Host" {
				r.Host = v
			}
		}
		if w := serve(k, r); w.Code != c.status {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
	}
}

func TestProblemsBecomeSentences(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	k := setup(t, func(o *page.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, kind := range []problem.Kind{problem.Invalid, problem.Unauthenticated, problem.Forbidden, problem.NotFound, problem.Conflict,
		problem.Gone, problem.Throttled, problem.Upstream, problem.Unavailable} {
		w := serve(k, request("GET", "/problem/"+string(kind), ""))
		body := w.Body.String()
		if w.Code != kind.Status() || !strings.Contains(body, "You are not allowed to do this.") || !strings.Contains(body, "Ask an owner") {
			t.Errorf("%s: %d %s", kind, w.Code, body)
		}
		if strings.Contains(body, "secret") {
			t.Errorf("%s tells its cause", kind)
		}
	}
	for _, path := range []string{"/defect", "/panic", "/half"} {
		log.Reset()
		w := serve(k, request("GET", path, ""))
		body, ref := w.Body.String(), w.Header().Get("X-Request-Id")
		if w.Code != 500 || !strings.Contains(body, ref) || len(ref) != 8 {
			t.Errorf("%s: %d, reference %q on the page: %v", path, w.Code, ref, strings.Contains(body, ref))
		}
		if strings.Contains(body, "secret") || strings.Contains(body, "half a page") || strings.Contains(body, "goroutine") {
			t.Errorf("%s leaks: %s", path, body)
		}
		if !strings.Contains(log.String(), "ref="+ref) {
			t.Errorf("%s: the log does not know %s:\n%s", path, ref, log.String())
		}
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	k := setup(t, func(o *page.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	serve(k, pagetest.SignIn(request("POST", "/open?code=hidden-code", "a=hidden-word")))
	serve(k, pagetest.SignIn(request("GET", "/defect?code=hidden-code", "")))
	if s := log.String(); !strings.Contains(s, "POST /open") || strings.Contains(s, "hidden") || strings.Contains(s, pagetest.Token) {
		t.Errorf("log:\n%s", s)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	k := setup(t, func(o *page.Options) { o.MaxBody = 1000 })
	for name, c := range map[string]struct {
		body   string
		status int
		want   string
	}{
		"plain":         {"a=" + url.QueryEscape("one\r\ntwo"), 200, `"one\ntwo"`},
		"a zero byte":   {"a=x%00y", 200, `"xy"`},
		"broken UTF-8":  {"a=x%ff", 200, `"x�"`},
		"broken escape": {"a=%zz", 422, "could not be read"},
		"too large":     {"a=" + strings.Repeat("x", 2000), 422, "at most 1 kB"},
	} {
		w := serve(k, request("POST", "/open", c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A photograph tells where it was taken: what a form brought is gone with its
// request, however that ends.
func TestPostedFilesAreGoneAfterwards(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	for name, end := range map[string]func() error{
		"answered": func() error { return nil },
		"refused":  func() error { return page.NotFound() },
		"panicked": func() error { panic("a defect") },
	} {
		var photo *multipart.FileHeader
		k.Handle("POST /photo/"+name, func(_ http.ResponseWriter, r *page.Request) error {
			if _, err := r.Form(); err != nil {
				return err
			}
			photo = r.MultipartForm.File["photo"][0]
			f, err := photo.Open()
			if err != nil {
				return err
			}
			defer f.Close()
			if _, onDisk := f.(*os.File); !onDisk {
				t.Errorf("%s: the file is in memory: %T", name, f)
			}
			return end()
		}, page.MaxBody(16<<20))
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("photo", "garden.jpg")
		if err != nil {
			t.Fatal(err)
		}
		part.Write(make([]byte, 15<<20)) // too large for memory
		form.Close()
		r := request("POST", "/photo/"+name, body.String())
		r.Header.Set("Content-Type", form.FormDataContentType())
		serve(k, r)
		if _, err := photo.Open(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the file can still be opened: %v", name, err)
		}
	}
}

func TestFlashIsSaidOnce(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	k.Handle("GET /page", func(_ http.ResponseWriter, r *page.Request) error {
		return r.Render(page.Plain(page.Head{Title: "x"}))
	})
	var said *http.Cookie
	for _, c := range serve(k, request("POST", "/open", "a=1")).Result().Cookies() {
		if c.Name == "parley-said" {
			said = c
		}
	}
	if said == nil || !said.HttpOnly || said.SameSite != http.SameSiteLaxMode || said.MaxAge != 60 {
		t.Fatalf("flash cookie %+v", said)
	}
	r := request("GET", "/page", "")
	r.AddCookie(said)
	w := serve(k, r)
	if !strings.Contains(w.Body.String(), `<span>Close</span>`) || !strings.Contains(w.Header().Get("Set-Cookie"), "parley-said=; Path=/; Max-Age=0") {
		t.Errorf("next page: cookie %q\n%s", w.Header().Get("Set-Cookie"), w.Body)
	}
	for _, forged := range []string{"!", "eyJrIjoibm93aGVyZSJ9", "eyJrIjoicHJvYmxlbS5pbnRlcm5hbCJ9"} { // no base64, no key, a problem
		r := request("GET", "/page", "")
		r.AddCookie(&http.Cookie{Name: "parley-said", Value: forged})
		if w := serve(k, r); w.Code != 200 || strings.Contains(w.Body.String(), `class="flash"`) {
			t.Errorf("forged flash %q is said: %d", forged, w.Code)
		}
	}
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	for scheme, name := range map[string]string{"https": "__Host-parley", "http": "parley"} {
		k := setup(t, func(o *page.Options) { o.URL = &url.URL{Scheme: scheme, Host: "parley.test"} })
		k.Handle("POST /in", func(_ http.ResponseWriter, r *page.Request) error {
			r.SignIn("secret", pagetest.Now.Add(time.Hour))
			return r.Redirect("/")
		})
		k.Handle("POST /out", func(_ http.ResponseWriter, r *page.Request) error {
			r.SignOut()
			return r.Redirect("/")
		})
		w := serve(k, request("POST", "/in", ""))
		c := w.Result().Cookies()[0]
		if c.Name != name || c.Value != "secret" || !c.HttpOnly || c.Secure != (scheme == "https") || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 3600 || c.Domain != "" {
			t.Errorf("%s: cookie %+v", scheme, c)
		}
		if hsts := w.Header().Get("Strict-Transport-Security"); (hsts != "") != (scheme == "https") {
			t.Errorf("%s: HSTS %q", scheme, hsts)
		}
		w = serve(k, request("POST", "/out", ""))
		if got := w.Header().Get("Clear-Site-Data"); !strings.Contains(got, "cache") || w.Result().Cookies()[0].MaxAge >= 0 {
			t.Errorf("%s: signing out leaves things behind: %q %v", scheme, got, w.Result().Cookies())
		}
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/w/x/inbox?a=1#b": "/w/x/inbox?a=1#b", "": "/", "inbox": "/", "//evil.example": "/", `/\evil.example`: "/",
		"https://evil.example": "/", "/a\nb": "/", "javascript:alert(1)": "/", "/\t/evil.example": "/",
	} {
		if got := page.LocalPath(in); got != want {
			t.Errorf("LocalPath(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLeaveGoesOnlyToTheWeb(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	w := serve(k, request("GET", "/leave?to="+url.QueryEscape("https://a.example/x?y=1&z=2"), ""))
	if w.Code != 200 || w.Header().Get("Refresh") != "0; url=https://a.example/x?y=1&z=2" || !strings.Contains(w.Body.String(), `href="https://a.example/x?y=1&amp;z=2"`) {
		t.Errorf("%d, refresh %q", w.Code, w.Header().Get("Refresh"))
	}
	for _, bad := range []string{"javascript:alert(1)", "data:text/html,x", "/local", "ftp://a.example", "https://", "%"} {
		w := serve(k, request("GET", "/leave?to="+url.QueryEscape(bad), ""))
		if w.Code != 502 || w.Header().Get("Refresh") != "" {
			t.Errorf("%q: %d, refresh %q", bad, w.Code, w.Header().Get("Refresh"))
		}
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	k := setup(t, func(o *page.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	})
	k.Handle("GET /addr", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(words(r.Addr.String())) })
	for name, c := range map[string]struct {
		remote  string
		forward []string
		want    string
	}{
		"direct":                       {"203.0.113.9:1", nil, "203.0.113.9"},
		"direct, pretending":           {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":                    {"10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"the client lies first":        {"10.0.0.1:1", []string{"127.0.0.1, 203.0.113.9"}, "203.0.113.9"},
		"two proxies, two lines":       {"10.0.0.1:1", []string{"203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		"with a port":                  {"10.0.0.1:1", []string{"203.0.113.9:5555"}, "203.0.113.9"},
		"IPv6":                         {"[fd00::1]:1", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		"mapped IPv4":                  {"[::ffff:10.0.0.1]:1", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"a proxy that says nothing":    {"10.0.0.1:1", nil, "10.0.0.1"},
		"nonsense behind a real proxy": {"10.0.0.1:1", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
	} {
		r := request("GET", "/addr", "")
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.forward
		if got := serve(k, r).Body.String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	long := strings.Repeat("hello there ", 500)
	k.Handle("GET /long", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(words(long)) })
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "gzip;q=0": "", "zstd;q=0, gzip;q=0.5": "gzip", "br": "", "GZIP": "gzip",
	} {
		r := request("GET", "/long", "")
		r.Header.Set("Accept-Encoding", accept)
		w := serve(k, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("%q: encoded as %q, want %q", accept, got, want)
		}
		if got := decoded(t, w); got != long {
			t.Errorf("%q: %d bytes came back, want %d", accept, len(got), len(long))
		}
		if want != "" && w.Body.Len() > len(long)/10 {
			t.Errorf("%q: %d bytes, hardly compressed", accept, w.Body.Len())
		}
	}
	r := request("GET", "/open", "")
	r.Header.Set("Accept-Encoding", "gzip")
	if got := serve(k, r).Header().Get("Content-Encoding"); got != "" {
		t.Errorf("four letters were compressed as %q", got)
	}
}

func decoded(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var in io.Reader = w.Body
	var err error
	switch w.Header().Get("Content-Encoding") {
	case "gzip":
		in, err = gzip.NewReader(bytes.NewReader(w.Body.Bytes()))
	case "zstd":
		in, err = zstd.NewReader(bytes.NewReader(w.Body.Bytes()))
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestLanguageAndZone(t *testing.T) {
	t.Parallel()
	k := setup(t, nil)
	k.Handle("GET /when", func(_ http.ResponseWriter, r *page.Request) error { return r.Render(page.Moment(r.Now())) })
	for zone, want := range map[string]string{"": ">14:05<", "Europe/Berlin": ">15:05<", "Asia/Tokyo": ">23:05<", "../etc/passwd": ">14:05<", "Local": ">14:05<", "No/Where": ">14:05<",
		"Europe//Berlin": ">14:05<", "./Europe/Berlin": ">14:05<", "Europe/./Berlin": ">14:05<", "/Europe/Berlin": ">14:05<", "Europe/Berlin/": ">14:05<"} {
		r := request("GET", "/when", "")
		r.AddCookie(&http.Cookie{Name: "parley-zone", Value: zone})
		if got := serve(k, r).Body.String(); !strings.Contains(got, want) {
			t.Errorf("zone %q: %s", zone, got)
		}
	}
}
