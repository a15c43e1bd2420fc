package page

import (
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/problem"
)

// Request is one request, with what the kernel found out about it.
type Request struct {
	*http.Request
	Actor     actor.Actor // filled on Member routes
	Workspace Workspace   // filled on Member routes
	Visitor   Visitor
	Locale    *i18n.Locale
	Addr      netip.Addr // the client's, as told by trusted proxies only

	kernel *Kernel
	w      *answer
	ref    string
	head   int64 // the workspace's event number before anything was read
	token  string
	flash  *flash
}

// fetchHeader marks requests that our own scripts make for a part of a page.
const fetchHeader = "Parley-Fetch"

// Fetched reports that a script asked, for a part of a page.
func (r *Request) Fetched() bool { return r.Header.Get(fetchHeader) != "" }

// Reference is the number that the log and an error page share.
func (r *Request) Reference() string { return r.ref }

// Now is the injected clock's time.
func (r *Request) Now() time.Time { return r.kernel.opts.Clock.Now() }

// T says a catalogue key in the reader's language.
func (r *Request) T(key string, args ...any) string { return r.Locale.T(key, args...) }

// In is the request as it would be in another workspace of the visitor's, to draw
// what is of there.
func (r *Request) In(w Workspace) *Request {
	there := *r
	there.Workspace, there.Actor = w, w.Actor
	return &there
}

// Link is an address inside the request's workspace: Link("inbox").
func (r *Request) Link(path string) string { return link(r.Workspace.Slug, path) }

func link(slug, path string) string {
	return "/w/" + url.PathEscape(slug) + "/" + strings.TrimPrefix(path, "/")
}

// Render answers 200 with a page or a part of one.
func (r *Request) Render(c templ.Component) error { return r.RenderStatus(http.StatusOK, c) }

// RenderStatus answers with a page. Nothing is sent before the whole page is
// made, so that a failure inside it still becomes an error page.
func (r *Request) RenderStatus(status int, c templ.Component) error {
	ctx := withView(r.Context(), r.view())
	b := r.kernel.buffers.get()
	defer r.kernel.buffers.put(b)
	if err := c.Render(ctx, b); err != nil {
		return err
	}
	h := r.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", fetchHeader)
	h.Add("Vary", "Cookie")
	if r.flash != nil {
		r.clearCookie(flashCookie)
	}
	writeEncoded(r.w, r.Request, status, r.kernel.encoder.encode(b.Bytes(), r.Header.Get("Accept-Encoding")))
	return nil
}

// shownAt is the page that is open in the browser: this one, or the one whose form
// or script asks. It is a path of our own, and "/" where that is not known.
func (r *Request) shownAt() string {
	if !r.Fetched() && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return LocalPath(r.URL.RequestURI())
	}
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host {
		return "/"
	}
	return LocalPath(u.RequestURI())
}

// Redirect sends the browser on to a path of our own, with GET.
func (r *Request) Redirect(path string) error {
	http.Redirect(r.w, r.Request, LocalPath(path), http.StatusSeeOther)
	return nil
}

// Leave sends the browser to another site: a network's consent page. A redirect
// would be stopped by form-action where it answers a form, so this is a page of
// our own that goes on by itself and holds the link for browsers that don't.
// target must be http or https.
func (r *Request) Leave(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return problem.New(problem.Upstream, "page.bad_target").Because(err)
	}
	r.w.Header().Set("Refresh", "0; url="+u.String())
	return r.Render(leaving(u.Hostname(), templ.SafeURL(u.String())))
}

// LocalPath is s if it is a path on this site, else "/". Browsers read "//host"
// and "/\host" as another site.
func LocalPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") {
		return "/"
	}
	return s
}

// Form reads the posted fields, repaired to valid UTF-8 without U+0000. Files of
// a multipart form are in r.MultipartForm afterwards.
func (r *Request) Form() (url.Values, error) {
	var err error
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		err = r.ParseMultipartForm(4 << 20)
	} else {
		err = r.ParseForm()
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, problem.New(problem.Invalid, "page.too_large", "size", r.Locale.Bytes(large.Limit)).Because(err)
	case err != nil:
		return nil, problem.New(problem.Invalid, "page.bad_form").Because(err)
	}
	for _, values := range r.PostForm {
		for i, v := range values {
			values[i] = clean(v)
		}
	}
	return r.PostForm, nil
}

// clean repairs what no browser sends and databases refuse, and undoes the
// carriage returns that forms put into texts.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\x00", "")
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// PathID reads an id from the pattern's wildcard. What is no id leads nowhere.
func (r *Request) PathID(name string) (id.ID, error) {
	v, err := id.Parse(r.PathValue(name))
	if err != nil {
		return 0, NotFound()
	}
	return v, nil
}

// answer remembers what was sent, for the log and so that an error after the
// first byte does not become a second page.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
