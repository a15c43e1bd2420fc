package webhook

import (
	"context"
	"net/http"
	"time"

	"parley/internal/actor"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

const path = "settings/webhooks"

// Pages are where webhooks are made and looked after.
type Pages struct{ Hooks *Hooks }

// Register adds the routes.
func (p Pages) Register(k *page.Kernel) {
	k.Member("GET /settings/webhooks", func(_ http.ResponseWriter, r *page.Request) error {
		return p.show(r, view{}, http.StatusOK)
	})
	k.Member("POST /settings/webhooks", p.create)
	k.Member("POST /settings/webhooks/{webhook}/ping", p.verb(p.Hooks.Ping, "webhook.pinged"))
	k.Member("POST /settings/webhooks/{webhook}/pause", p.verb(p.Hooks.Pause, "webhook.paused"))
	k.Member("POST /settings/webhooks/{webhook}/resume", p.verb(func(ctx context.Context, a actor.Actor, hook id.ID) error {
		return p.Hooks.Resume(ctx, a, hook, false)
	}, "webhook.resumed"))
	k.Member("POST /settings/webhooks/{webhook}/skip", p.verb(func(ctx context.Context, a actor.Actor, hook id.ID) error {
		return p.Hooks.Resume(ctx, a, hook, true)
	}, "webhook.skipped"))
	k.Member("POST /settings/webhooks/{webhook}/remove", p.verb(p.Hooks.Remove, "webhook.removed"))
}

// view is the page with what was typed, or the secret of what was just made.
type view struct {
	Hooks  []Hook
	Head   int64 // of the log
	URL    string
	Groups []Group
	Wrong  *problem.Problem
	Secret string
}

func (p Pages) show(r *page.Request, v view, status int) error {
	var err error
	if v.Hooks, err = p.Hooks.All(r.Context(), r.Actor); err != nil {
		return err
	}
	if v.Head, err = event.Head(r.Context(), p.Hooks.o.DB.Read(), r.Workspace.ID); err != nil {
		return err
	}
	return r.RenderStatus(status, hooksPage(v))
}

func (p Pages) create(_ http.ResponseWriter, r *page.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	v := view{URL: form.Get("url")}
	for _, g := range form["groups"] {
		v.Groups = append(v.Groups, Group(g))
	}
	_, secret, err := p.Hooks.Create(r.Context(), r.Actor, v.URL, v.Groups)
	if wrong := problem.Of(err); wrong != nil && (wrong.Kind == problem.Invalid || wrong.Kind == problem.Conflict) {
		v.Wrong = wrong
		return p.show(r, v, wrong.Kind.Status())
	}
	if err != nil {
		return err
	}
	return p.show(r, view{Secret: secret}, http.StatusCreated)
}

func (p Pages) verb(do func(context.Context, actor.Actor, id.ID) error, said string) page.Handler {
	return func(_ http.ResponseWriter, r *page.Request) error {
		hook, err := r.PathID("webhook")
		if err != nil {
			return err
		}
		if err := do(r.Context(), r.Actor, hook); err != nil {
			return err
		}
		r.Flash(said)
		return r.Redirect(r.Link(path))
	}
}

func (v view) wants(g Group) bool {
	for _, one := range v.Groups {
		if one == g {
			return true
		}
	}
	return false
}

// state of a hook, in one word and one sentence.
func (v view) state(ctx context.Context, h Hook) (page.State, string) {
	moment := func(t time.Time) string { return page.Locale(ctx).Moment(t, page.Now(ctx)) }
	switch {
	case h.GaveUp:
		return page.Broken, page.T(ctx, "webhook.state.gave_up", "when", moment(h.Paused))
	case !h.Paused.IsZero():
		return page.Paused, page.T(ctx, "webhook.state.paused", "when", moment(h.Paused))
	case !h.Failing.IsZero():
		return page.Soon, page.T(ctx, "webhook.state.failing", "when", moment(h.Failing), "due", moment(h.Due))
	case h.Cursor < v.Head:
		return page.Fine, page.T(ctx, "webhook.state.behind", "n", v.Head-h.Cursor)
	case h.Sent.IsZero():
		return page.Fine, page.T(ctx, "webhook.state.waiting")
	default:
		return page.Fine, page.T(ctx, "webhook.state.fine")
	}
}

// fault is the problem as an error; a nil one is none.
func (v view) fault() error {
	if v.Wrong == nil {
		return nil
	}
	return v.Wrong
}

// told is what a hook is told of, in words.
func told(ctx context.Context, h Hook) string {
	if len(h.Groups) == 0 {
		return page.T(ctx, "webhook.everything")
	}
	words := ""
	for i, g := range h.Groups {
		if i > 0 {
			words += " · "
		}
		words += page.T(ctx, "webhook.group."+string(g))
	}
	return words
}
