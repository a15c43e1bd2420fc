package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/problem"
)

// Options is what a Kernel is made of. Bundle, Log, Clock, URL and Authenticate
// are required.
type Options struct {
	Bundle *i18n.Bundle
	Log    *slog.Logger
	Clock  clock.Clock

	// URL is the public base address, without a path. Cookies are Secure and
	// carry the __Host- prefix when it is https.
	URL *url.URL
	// TrustedProxies may say who the client is (X-Forwarded-For).
	TrustedProxies []netip.Prefix

	// Authenticate finds who a session token belongs to. A token that is
	// unknown, expired or revoked is a problem of kind Unauthenticated; any other
	// error is a failure and is shown as one. A live stream asks at each ping.
	Authenticate func(ctx context.Context, token string) (Visitor, error)

	// Nav is the navigation inside a workspace, in order. Nil is DefaultNav.
	Nav []NavItem
	// SignIn is the path of the sign-in page; "" is "/sign-in".
	SignIn string
	// Account is the path of one's own settings page, in the "me" menu; "" leaves it out.
	Account string
	// Search is the path of the search inside a workspace, and Head.Current there;
	// "" leaves its field out of the bar.
	Search string
	// Corner is shown in the header of every page of somebody signed in: the way to
	// what is new for them. nil shows none.
	Corner func(ctx context.Context, v Visitor) templ.Component
	// Demo shows a line that says that nothing here is real.
	Demo bool
	// MaxBody is the largest request body in bytes unless a route says
	// otherwise; 0 is 1 MiB.
	MaxBody int64
}

// Visitor is who is looking: the zero Visitor is somebody signed out.
type Visitor struct {
	Session    id.ID // 0: signed out
	User       id.ID // the sign-in, shared by all workspaces
	Name       string
	Avatar     string // same-origin path of a picture; "" shows initials
	Locale     string // "" follows the browser
	Zone       string // IANA name; "" follows the browser
	Theme      string // "light", "dark", "" follows the system
	Workspaces []Workspace
}

// SignedIn reports whether it is somebody.
func (v Visitor) SignedIn() bool { return v.Session != 0 }

// Workspace is one workspace a visitor may enter, and as whom.
type Workspace struct {
	ID    id.ID
	Slug  string // in addresses: /w/<slug>/…
	Name  string
	Actor actor.Actor
}

// Link is an address inside the workspace: Link("inbox").
func (w Workspace) Link(path string) string { return link(w.Slug, path) }

// NavItem is one place in the navigation, shown to actors who hold Right in any
// scope; "" shows it to all. Path is inside the workspace, without a leading slash.
type NavItem struct {
	Name  string // Head.Current of its pages
	Label string // catalogue key
	Path  string
	Icon  string
	Right actor.Right
	// Everywhere is the same place over all workspaces of a member; "" has none.
	Everywhere string
}

// DefaultNav is what exists.
func DefaultNav() []NavItem {
	return []NavItem{
		{Name: "today", Label: "nav.today", Path: "today", Icon: "today", Everywhere: "/today"},
		{Name: "inbox", Label: "nav.inbox", Path: "inbox", Icon: "inbox", Right: actor.ReadConversations, Everywhere: "/inbox"},
		{Name: "accounts", Label: "nav.accounts", Path: "accounts", Icon: "accounts", Right: actor.ReadHealth},
		{Name: "team", Label: "nav.team", Path: "team", Icon: "team"},
		{Name: "settings", Label: "nav.settings", Path: "settings", Icon: "settings", Right: actor.ManageWorkspace},
	}
}

// Handler answers one request or returns an error, which the kernel renders.
type Handler func(w http.ResponseWriter, r *Request) error

// Kernel is the web side of the program. Register every route before serving.
type Kernel struct {
	opts      Options
	mux       *http.ServeMux
	assets    *assets
	encoder   encoder
	buffers   pool
	fragments *FragmentCache
	hub       *Hub
	origin    *http.CrossOriginProtection
	zones     zones
	routes    []string
}

// New makes a kernel that serves static files and the live stream.
func New(o Options) (*Kernel, error) {
	if o.Bundle == nil || o.Log == nil || o.Clock == nil || o.URL == nil || o.Authenticate == nil {
		return nil, errors.New("page: Bundle, Log, Clock, URL and Authenticate are required")
	}
	if o.Nav == nil {
		o.Nav = DefaultNav()
	}
	if o.SignIn == "" {
		o.SignIn = "/sign-in"
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	files, err := staticRoot()
	if err != nil {
		return nil, err
	}
	k := &Kernel{opts: o, mux: http.NewServeMux(), hub: NewHub(), origin: http.NewCrossOriginProtection()}
	if k.assets, err = newAssets(files); err != nil {
		return nil, err
	}
	k.fragments = newFragmentCache(o.Clock)
	// Behind a proxy the Host header may be an inner name; a form that says it
	// comes from our public address is ours.
	if err := k.origin.AddTrustedOrigin(o.URL.Scheme + "://" + o.URL.Host); err != nil {
		return nil, fmt.Errorf("page: base address %s: %w", o.URL, err)
	}
	k.Mount("GET /static/", k.assets)
	if err := k.installable(files); err != nil {
		return nil, err
	}
	k.Handle("GET /live", k.live, streaming)
	k.Handle("/", func(http.ResponseWriter, *Request) error { return NotFound() })
	return k, nil
}

// Hub is where the application publishes event notices.
func (k *Kernel) Hub() *Hub { return k.hub }

// Routes lists the registered patterns, sorted.
func (k *Kernel) Routes() []string { return slices.Sorted(slices.Values(k.routes)) }

// Route changes how one route is served.
type Route func(*route)

type route struct {
	maxBody   int64
	streaming bool
	member    bool
	signed    bool
	foreign   bool
}

// MaxBody lets a route take larger request bodies, in bytes.
func MaxBody(bytes int64) Route { return func(r *route) { r.maxBody = bytes } }

// Foreign lets a route take POSTs that come from other sites: a webhook, or the
// form_post answer of a sign-in elsewhere. The handler must prove the sender itself.
func Foreign(r *route) { r.foreign = true }

// SignedIn marks a page outside any workspace that is for members only: their own,
// or one over all their workspaces.
func SignedIn(r *route) { r.signed = true }

func streaming(r *route) { r.streaming = true }

// Handle registers a page outside any workspace. The pattern is that of
// http.ServeMux: "GET /sign-in".
func (k *Kernel) Handle(pattern string, h Handler, routes ...Route) {
	k.handle(pattern, h, false, routes)
}

// Member registers a page inside a workspace: "GET /inbox" is served at
// /w/{workspace}/inbox, for members only.
func (k *Kernel) Member(pattern string, h Handler, routes ...Route) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	} else {
		method += " "
	}
	k.handle(method+"/w/{workspace}"+path, h, true, routes)
}

// Mount registers a handler of another kind (the API, metrics). It gets the
// security headers and nothing else.
func (k *Kernel) Mount(pattern string, h http.Handler) {
	k.routes = append(k.routes, pattern)
	k.mux.Handle(pattern, h)
}

func (k *Kernel) handle(pattern string, h Handler, member bool, routes []Route) {
	rt := route{maxBody: k.opts.MaxBody, member: member}
	for _, change := range routes {
		change(&rt)
	}
	k.Mount(pattern, http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		k.serve(w, hr, h, rt)
	}))
}

// ServeHTTP gives the request an id and an end, and its answer the security headers.
func (k *Kernel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ref := newReference()
	k.secure(w.Header(), ref)
	r = r.WithContext(withReference(r.Context(), ref))
	r.Body = receive(w, r.Body)
	out := send(w)
	defer out.end()
	k.mux.ServeHTTP(out, r)
}

// serve is the one wrapper around every handler.
func (k *Kernel) serve(w http.ResponseWriter, hr *http.Request, h Handler, rt route) {
	answer := &answer{ResponseWriter: w}
	r := &Request{Request: hr, kernel: k, w: answer, ref: reference(hr.Context()), Addr: k.client(hr)}
	r.Locale = k.locale(r)
	start := k.opts.Clock.Now()
	defer k.removeFiles(r)
	defer func() {
		if v := recover(); v != nil {
			if v == http.ErrAbortHandler {
				panic(v)
			}
			k.fail(r, fmt.Errorf("panic: %v\n%s", v, stack()))
		}
		k.opts.Log.DebugContext(hr.Context(), "request", "ref", r.ref, "method", hr.Method, "route", hr.Pattern,
			"status", answer.status, "bytes", answer.bytes, "took", k.opts.Clock.Now().Sub(start))
	}()
	if err := k.enter(r, rt); err != nil {
		k.fail(r, err)
		return
	}
	if answer.status != 0 {
		return // sent to the sign-in page
	}
	if err := h(answer, r); err != nil {
		k.fail(r, err)
	}
}

// removeFiles removes the files of a posted form, which are as people took them.
// net/http does so for the request it made; handlers get a copy of that, with the
// reference in its context, and parse the form into the copy.
func (k *Kernel) removeFiles(r *Request) {
	if r.MultipartForm == nil {
		return
	}
	if err := r.MultipartForm.RemoveAll(); err != nil {
		k.opts.Log.WarnContext(r.Context(), "removing posted files", "ref", r.ref, "error", err)
	}
}

// enter checks where the request comes from, who sent it, and whether they
// belong to the workspace.
func (k *Kernel) enter(r *Request, rt route) error {
	if !rt.foreign {
		if err := k.origin.Check(r.Request); err != nil {
			return problem.New(problem.Forbidden, "page.cross_origin").Because(err)
		}
	}
	if r.Body != nil && !rt.streaming {
		r.Body = http.MaxBytesReader(r.w, r.Body, rt.maxBody)
	}
	if err := k.recognise(r); err != nil {
		return err
	}
	if (rt.member || rt.signed) && !r.Visitor.SignedIn() {
		return k.sendToSignIn(r)
	}
	if !rt.member {
		return nil
	}
	slug := r.PathValue("workspace")
	for _, ws := range r.Visitor.Workspaces {
		if ws.Slug == slug {
			r.Workspace, r.Actor = ws, ws.Actor
			r.head = k.hub.Head(ws.ID)
			return nil
		}
	}
	return NotFound()
}

func (k *Kernel) sendToSignIn(r *Request) error {
	if r.Fetched() {
		return problem.New(problem.Unauthenticated, "page.signed_out")
	}
	return r.Redirect(signIn(k.opts.SignIn, r.shownAt()))
}

func signIn(path, back string) string { return path + "?" + url.Values{"return": {back}}.Encode() }

// NotFound is the problem of an address that leads nowhere, or to something
// this visitor may not know of.
func NotFound() error { return problem.New(problem.NotFound, "page.not_found") }
