package page

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/i18n"
)

// view is what components may know while they render. It travels in the context
// because templ hands that to every component.
type view struct {
	locale    *i18n.Locale
	now       time.Time
	kernel    *Kernel
	visitor   Visitor
	workspace Workspace
	actor     actor.Actor
	path      string
	back      string // the page to come back to after signing in
	head      int64
	flash     *flash
	ref       string
}

type viewKey struct{}

func withView(ctx context.Context, v *view) context.Context {
	return context.WithValue(ctx, viewKey{}, v)
}

// viewOf panics outside Render: a component cannot speak without a language.
func viewOf(ctx context.Context) *view {
	v, ok := ctx.Value(viewKey{}).(*view)
	if !ok {
		panic("page: component rendered outside Request.Render")
	}
	return v
}

func (r *Request) view() *view {
	return &view{
		locale: r.Locale, now: r.kernel.opts.Clock.Now(), kernel: r.kernel, visitor: r.Visitor,
		workspace: r.Workspace, actor: r.Actor, path: r.URL.Path, back: r.shownAt(), head: r.head, flash: r.flash, ref: r.ref,
	}
}

// shared is the view for a fragment that other visitors see too: the workspace,
// without who is looking.
func (v *view) shared() *view {
	return &view{
		locale: v.locale, now: v.now, kernel: v.kernel, head: v.head,
		workspace: Workspace{ID: v.workspace.ID, Slug: v.workspace.Slug, Name: v.workspace.Name},
	}
}

// signInHere leads to the sign-in, and from there back to the page that is open.
func signInHere(ctx context.Context) templ.SafeURL {
	v := viewOf(ctx)
	return templ.SafeURL(signIn(v.kernel.opts.SignIn, v.back))
}

// T says a catalogue key in the reader's language.
func T(ctx context.Context, key string, args ...any) string {
	return viewOf(ctx).locale.T(key, args...)
}

// Locale is the reader's language and time zone.
func Locale(ctx context.Context) *i18n.Locale { return viewOf(ctx).locale }

// Now is the time of the rendering.
func Now(ctx context.Context) time.Time { return viewOf(ctx).now }

// Link is an address inside the workspace: Link(ctx, "inbox").
func Link(ctx context.Context, path string) string { return link(viewOf(ctx).workspace.Slug, path) }

// Can reports whether the actor holds a right in any scope. Inside a Fragment
// nobody is looking, and the answer is no.
func Can(ctx context.Context, right actor.Right) bool { return viewOf(ctx).actor.CanSomewhere(right) }

// Me is the visitor; the zero Visitor in a Fragment.
func Me(ctx context.Context) Visitor { return viewOf(ctx).visitor }

// Static is the address of a static file: Static(ctx, "icons.svg").
func Static(ctx context.Context, name string) string { return viewOf(ctx).kernel.assets.url(name) }

func (v *view) workspaceID() string {
	if v.workspace.ID == 0 {
		return ""
	}
	return v.workspace.ID.String()
}

// places are where the navigation leads from here: inside the workspace, or, on a
// page that belongs to none, inside the only one, or to what is one over all of them.
func (v *view) places() []NavItem {
	in := v.workspace
	if in.ID == 0 && len(v.visitor.Workspaces) == 1 {
		in = v.visitor.Workspaces[0]
	}
	if len(v.visitor.Workspaces) == 0 {
		return nil
	}
	var all []NavItem
	for _, item := range v.kernel.opts.Nav {
		switch {
		case in.ID == 0:
			item.Path = item.Everywhere
		case item.Right == "" || in.Actor.CanSomewhere(item.Right):
			item.Path = in.Link(item.Path)
		default:
			continue
		}
		if item.Path != "" {
			all = append(all, item)
		}
	}
	return all
}

func (v *view) headText() string { return strconv.FormatInt(v.head, 10) }

// pool of page buffers. Its only state is spare memory.
type pool struct{ p sync.Pool }

func (p *pool) get() *bytes.Buffer {
	if b, ok := p.p.Get().(*bytes.Buffer); ok {
		b.Reset()
		return b
	}
	return new(bytes.Buffer)
}

// put keeps ordinary buffers; one that held a giant page would hold its memory for ever.
func (p *pool) put(b *bytes.Buffer) {
	if b.Cap() <= 1<<20 {
		p.p.Put(b)
	}
}
