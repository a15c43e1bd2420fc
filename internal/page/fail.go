package page

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"runtime/debug"

	"parley/internal/problem"
)

type referenceKey struct{}

// newReference is short enough to be read out on the phone: 26^8 of them.
func newReference() string {
	return rand.Text()[:8]
}

func withReference(ctx context.Context, ref string) context.Context {
	return context.WithValue(ctx, referenceKey{}, ref)
}

func reference(ctx context.Context) string {
	ref, _ := ctx.Value(referenceKey{}).(string)
	return ref
}

func stack() []byte { return debug.Stack() }

// fail tells an error: to a script as a notice with the problem's status, to a
// browser as a page. Whatever is not a Problem is logged and told as a reference.
func (k *Kernel) fail(r *Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the browser went away; nobody reads an answer
	}
	p := problem.Of(err)
	k.logFailure(r, p, err)
	if r.w.status != 0 {
		return // too late: part of another answer is already out
	}
	h := r.w.Header()
	h.Del("Refresh")
	h.Del("Etag")
	view := ProblemView{Kind: p.Kind, Field: p.Field}
	view.What, view.Next = r.Locale.Problem(p)
	if p.Kind == problem.Internal {
		view.Reference = r.ref
	}
	c := problemPage(view)
	if r.Fetched() {
		c = ProblemNotice(view)
	}
	// A form that came too slowly has ended the context; whoever sent it may still read.
	r.Request = r.WithContext(context.WithoutCancel(r.Context()))
	if err := r.RenderStatus(p.Kind.Status(), c); err != nil {
		k.opts.Log.ErrorContext(r.Context(), "rendering a problem", "ref", r.ref, "error", err)
		http.Error(r.w, r.ref, http.StatusInternalServerError)
	}
}

// logFailure names the route, not the address: addresses of one-time links hold
// their secret.
func (k *Kernel) logFailure(r *Request, p *problem.Problem, err error) {
	switch p.Kind {
	case problem.Internal:
		k.opts.Log.ErrorContext(r.Context(), "request failed", "ref", r.ref, "method", r.Method, "route", r.Pattern,
			"workspace", r.Workspace.ID, "member", r.Actor.Member, "error", err)
	case problem.Unavailable, problem.Upstream:
		k.opts.Log.WarnContext(r.Context(), "request refused", "ref", r.ref, "route", r.Pattern, "code", p.Code, "error", err)
	default:
		k.opts.Log.DebugContext(r.Context(), "request refused", "ref", r.ref, "route", r.Pattern, "code", p.Code, "error", err)
	}
}
