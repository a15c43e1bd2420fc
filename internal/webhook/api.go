package webhook

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

// API are the operations on webhooks.
type API struct{ Hooks *Hooks }

// Register adds the operations.
func (o API) Register(a *api.API) {
	may := api.Needs(actor.ManageWorkspace)
	g := a.Section("webhooks", "Other programs that are told what happens, signed as Standard Webhooks describes.")
	api.Get(g, "/webhooks", "listWebhooks", "List the webhooks and how they fare", o.list, may)
	api.Post(g, "/webhooks", "createWebhook", "Add a webhook", o.create, may, api.Created,
		api.About("Needs the right to read the log too. The secret is in this answer and in no other."))
	api.Post(g, "/webhooks/{webhook}/ping", "pingWebhook", "Send a test", o.verb(o.Hooks.Ping), may)
	api.Post(g, "/webhooks/{webhook}/pause", "pauseWebhook", "Tell it nothing for now", o.verb(o.Hooks.Pause), may)
	api.Post(g, "/webhooks/{webhook}/resume", "resumeWebhook", "Go on telling", o.resume, may)
	api.Delete(g, "/webhooks/{webhook}", "removeWebhook", "Remove a webhook", o.verb(o.Hooks.Remove), may)
}

type hookJSON struct {
	ID      id.ID     `json:"id"`
	URL     string    `json:"url"`
	Groups  []Group   `json:"groups" doc:"What it is told of; empty: everything."`
	Made    time.Time `json:"made"`
	Cursor  int64     `json:"cursor" doc:"The number of the last event it accepted, or did not ask for."`
	Sent    time.Time `json:"sent,omitzero" doc:"When it last accepted something."`
	Failing time.Time `json:"failing,omitzero" doc:"Since when it has accepted nothing; absent: it does."`
	Due     time.Time `json:"due,omitzero" doc:"When it is tried again."`
	Said    string    `json:"said,omitempty" doc:"What came back instead."`
	Paused  time.Time `json:"paused,omitzero"`
	GaveUp  bool      `json:"gave_up" doc:"It was paused because it had failed for days, or said that it is gone."`
}

func hookOut(h Hook) hookJSON {
	out := hookJSON{ID: h.ID, URL: h.URL, Groups: h.Groups, Made: h.Made, Cursor: h.Cursor, Sent: h.Sent, Failing: h.Failing, Said: h.Said,
		Paused: h.Paused, GaveUp: h.GaveUp}
	if !h.Failing.IsZero() {
		out.Due = h.Due
	}
	if out.Groups == nil {
		out.Groups = []Group{}
	}
	return out
}

func (o API) list(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[hookJSON], error) {
	all, err := o.Hooks.All(ctx, a)
	if err != nil {
		return nil, err
	}
	return api.ListOf(all, hookOut), nil
}

type createIn struct {
	Body struct {
		URL    string  `json:"url" example:"https://example.org/parley"`
		Groups []Group `json:"groups,omitempty" doc:"conversations, sending, accounts, inside; empty: everything."`
	}
}

type createdJSON struct {
	Webhook hookJSON `json:"webhook"`
	Secret  string   `json:"secret" doc:"To check signatures with. Shown once."`
}

func (o API) create(ctx context.Context, a actor.Actor, in *createIn) (*createdJSON, error) {
	h, secret, err := o.Hooks.Create(ctx, a, in.Body.URL, in.Body.Groups)
	if err != nil {
		return nil, err
	}
	return &createdJSON{hookOut(h), secret}, nil
}

type hookIn struct {
	Webhook api.ID `path:"webhook"`
}

func (o API) verb(do func(context.Context, actor.Actor, id.ID) error) func(context.Context, actor.Actor, *hookIn) (*api.None, error) {
	return func(ctx context.Context, a actor.Actor, in *hookIn) (*api.None, error) {
		return nil, do(ctx, a, in.Webhook.ID)
	}
}

type resumeIn struct {
	Webhook api.ID `path:"webhook"`
	Body    struct {
		Skip bool `json:"skip,omitempty" doc:"Leave out what happened meanwhile."`
	}
}

func (o API) resume(ctx context.Context, a actor.Actor, in *resumeIn) (*api.None, error) {
	return nil, o.Hooks.Resume(ctx, a, in.Webhook.ID, in.Body.Skip)
}
