package app

import (
	"context"
	"net/http"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/conversation"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/job"
	"parley/internal/network"
	"parley/internal/today"
	"parley/internal/webhook"
)

// api answers programs, and clears away what is kept for their repeats.
func (a *App) api() http.Handler {
	ops := a.operations()
	a.Jobs.Handle("api.sweep", job.Policy{Every: time.Hour, Limit: 1, Timeout: time.Minute}, func(ctx context.Context, _ job.Job) error {
		return ops.Sweep(ctx)
	})
	return ops
}

// operations registers what programs can do.
func (a *App) operations() *api.API {
	c := a.Config
	ops := api.New(api.Options{DB: a.DB, Clock: c.Clock, Log: c.Logger, Bundle: a.Bundle.Logging(c.Logger), Authenticate: a.Team.AuthenticateToken})
	a.Team.API(ops, c.URL)
	a.Accounts.API(ops)
	conversation.API{Desk: a.Desk, Attached: a.attached, Scrub: a.DB.Scrub, Held: a.heldPicture, Own: a.ownPicture,
		Also: []conversation.EraseAlso{a.eraseAlso}}.Register(ops)
	a.Deliveries.API(ops)
	webhook.API{Hooks: a.Hooks}.Register(ops)
	a.Notify.API(ops)
	a.Asks.API(ops, a.Mail.Link)
	today.API{Today: a.today()}.Register(ops)
	g := ops.Section("events", "The log of what was done, by whom and when. It holds ids, never words.")
	api.Get(g, "/events", "listEvents", "Read the log", a.listEvents, api.Needs(actor.ReadAudit),
		api.About("In the order in which it became true, without gaps: whoever has read up to a number has seen everything up to it."))
	return ops
}

// attached finds a file that was uploaded before.
func (a *App) attached(ctx context.Context, workspace id.ID, digest [32]byte) (network.Media, error) {
	m, err := a.Media.Stat(ctx, a.DB.Read(), workspace, digest)
	return network.Media{Kind: m.Kind, MIME: m.MIME, Width: m.Width, Height: m.Height, Size: m.Size, Digest: digest}, err
}

type eventsIn struct {
	After int64 `query:"after" minimum:"0" doc:"The number of the last event that was read; without it from the beginning."`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"100"`
}

type eventJSON struct {
	N       int64             `json:"n" doc:"Its number in the workspace."`
	At      time.Time         `json:"at"`
	Member  id.ID             `json:"member,omitzero" doc:"Who did it; absent: Parley itself."`
	Part    string            `json:"part,omitempty" doc:"The part of Parley that did it."`
	Verb    string            `json:"verb" example:"conversation.claimed"`
	Kind    string            `json:"kind" example:"conversation" doc:"What the subject is."`
	Subject id.ID             `json:"subject"`
	Details map[string]string `json:"details"`
}

type eventsJSON struct {
	Items []eventJSON `json:"items"`
	Next  int64       `json:"next" doc:"Ask after this number for what comes then."`
}

func (a *App) listEvents(ctx context.Context, who actor.Actor, in *eventsIn) (*eventsJSON, error) {
	if err := who.Require(actor.ReadAudit); err != nil {
		return nil, err
	}
	all, err := event.After(ctx, a.DB.Read(), who.Workspace, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := eventsJSON{Items: []eventJSON{}, Next: in.After}
	for _, e := range all {
		if e.Details == nil {
			e.Details = map[string]string{}
		}
		out.Items = append(out.Items, eventJSON{N: e.N, At: e.At, Member: e.Member, Part: e.Part, Verb: e.Verb, Kind: e.Kind, Subject: e.Subject, Details: e.Details})
		out.Next = e.N
	}
	return &out, nil
}
