package today

import (
	"context"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/id"
)

// API is Today for programs: in the token's workspace, as ids.
type API struct{ Today *Today }

// Register adds the operation.
func (o API) Register(a *api.API) {
	g := a.Section("today", "What needs the token's member now.")
	api.Get(g, "/today", "readToday", "Read what needs somebody now", o.read, api.Needs(actor.ReadConversations),
		api.About("The page that members begin with. Counting those who wait stops at 100; of a list, the first few."))
}

type todayJSON struct {
	Waiting   int       `json:"waiting" doc:"How many people wait for us."`
	Longest   time.Time `json:"longest,omitzero" doc:"Since when the first of them waits."`
	Queue     []id.ID   `json:"queue" doc:"Conversations that nobody answers yet, longest waiting first."`
	Mine      []id.ID   `json:"mine" doc:"Conversations that the member is answering."`
	Decisions []id.ID   `json:"decisions" doc:"Deliveries that failed, or of which nobody knows whether they arrived."`
	Accounts  []id.ID   `json:"accounts" doc:"Accounts that stopped working, or will."`
}

func (o API) read(ctx context.Context, a actor.Actor, _ *struct{}) (*todayJSON, error) {
	if err := a.Require(actor.ReadConversations); !a.CanSomewhere(actor.ReadConversations) {
		return nil, err
	}
	p, err := o.Today.Read(ctx, a)
	if err != nil {
		return nil, err
	}
	row := func(r conversation.Row) id.ID { return r.ID }
	return &todayJSON{Waiting: p.Waiting, Longest: p.Longest, Queue: ids(p.Queue, row), Mine: ids(p.Mine, row),
		Decisions: ids(p.Sends, func(d delivery.Record) id.ID { return d.ID }),
		Accounts:  ids(p.Accounts, func(h account.Health) id.ID { return h.Account.ID })}, nil
}

// ids of things, for programs.
func ids[T any](all []T, of func(T) id.ID) []id.ID {
	out := make([]id.ID, len(all))
	for i, it := range all {
		out[i] = of(it)
	}
	return out
}
