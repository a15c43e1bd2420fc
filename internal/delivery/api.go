package delivery

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/network"
)

// API registers the package's operations.
func (d *Delivery) API(a *api.API) {
	o := operations{d}
	read, decide := api.Needs(actor.ReadConversations, actor.ReadHealth), api.Needs(actor.Reply)

	g := a.Section("deliveries", "What was approved and is on its way out, with what became of it.")
	api.Get(g, "/deliveries", "listDeliveries", "List what is not over, or all of one conversation", o.list, read,
		api.About("Without a conversation: those that wait for a member first, at most 200."))
	api.Get(g, "/deliveries/{delivery}", "readDelivery", "Read a delivery", o.read, read)
	api.Post(g, "/deliveries/{delivery}/retry", "retryDelivery", "Send a failed delivery again", o.verb(d.Retry), decide)
	api.Post(g, "/deliveries/{delivery}/check", "checkDelivery", "Ask the network again what became of it", o.verb(d.Check), decide)
	api.Post(g, "/deliveries/{delivery}/settle", "settleDelivery", "Say what became of one that is unknown", o.settle, decide,
		api.About("Only for somebody who has looked: what is said to be missing is sent."))
	api.Post(g, "/deliveries/{delivery}/discard", "discardDelivery", "Give a delivery up", o.verb(d.Discard), decide)
	api.Post(g, "/deliveries/{delivery}/call-back", "callBackDelivery", "Take a delivery back before anything of it is public", o.verb(d.CallBack), decide)
}

type operations struct{ d *Delivery }

type deliveryIn struct {
	Delivery api.ID `path:"delivery"`
}

type deliveryJSON struct {
	ID           id.ID              `json:"id"`
	Account      id.ID              `json:"account"`
	Conversation id.ID              `json:"conversation,omitzero"`
	State        State              `json:"state" enum:"accepted,planned,sending,sent,failed,unknown,discarded,called_back"`
	Member       id.ID              `json:"member,omitzero" doc:"Who approved it; absent: Parley itself."`
	Accepted     time.Time          `json:"accepted"`
	Changed      time.Time          `json:"changed"`
	NotBefore    time.Time          `json:"not_before,omitzero"`
	Next         time.Time          `json:"next,omitzero" doc:"When it goes on, if it waits."`
	Reason       *api.Reason        `json:"reason,omitempty" doc:"Why it waits, failed or is unknown."`
	Said         string             `json:"said,omitempty" doc:"The network's own words."`
	Parts        []deliveryPartJSON `json:"parts" doc:"What was approved, part by part; none for who may not read conversations."`
	May          decisionsJSON      `json:"may" doc:"What somebody who may answer can decide about it now."`
}

type deliveryPartJSON struct {
	Text       string             `json:"text"`
	Visibility network.Visibility `json:"visibility,omitempty"`
	URL        string             `json:"url,omitempty" doc:"Where it stands."`
	At         time.Time          `json:"at,omitzero" doc:"Since when it stands there; absent: it does not, as far as is known."`
}

type decisionsJSON struct {
	Retry    bool `json:"retry"`
	Discard  bool `json:"discard"`
	Settle   bool `json:"settle"`
	Check    bool `json:"check"`
	CallBack bool `json:"call_back"`
}

func recordOut(ctx context.Context, r Record) deliveryJSON {
	out := deliveryJSON{ID: r.ID, Account: r.Account, State: r.State, Member: r.Member, Accepted: r.Accepted, Changed: r.Changed,
		NotBefore: r.At, Next: r.Next, Reason: api.ReasonOf(ctx, r.Reason), Parts: []deliveryPartJSON{}, May: decisionsJSON(r.May)}
	if r.Kind == Reply {
		out.Conversation = r.Subject
	}
	if r.Reason != nil {
		out.Said, _ = r.Reason.Args["said"].(string)
	}
	for _, p := range r.Draft.Parts {
		out.Parts = append(out.Parts, deliveryPartJSON{Text: p.Text, Visibility: p.Visibility})
	}
	for _, p := range r.Parts {
		if p.Index < len(out.Parts) {
			out.Parts[p.Index].URL, out.Parts[p.Index].At = p.Ref.URL, p.At
		}
	}
	return out
}

type listIn struct {
	Conversation api.ID `query:"conversation" doc:"Only answers in this conversation, those that are over too."`
}

func (o operations) list(ctx context.Context, a actor.Actor, in *listIn) (*api.List[deliveryJSON], error) {
	var all []Record
	var err error
	if in.Conversation.ID != 0 {
		all, err = o.d.Of(ctx, a, Reply, in.Conversation.ID)
	} else {
		all, err = o.d.Open(ctx, a)
	}
	return api.ListOf(all, func(r Record) deliveryJSON { return recordOut(ctx, r) }), err
}

func (o operations) read(ctx context.Context, a actor.Actor, in *deliveryIn) (*deliveryJSON, error) {
	r, err := o.d.Get(ctx, a, in.Delivery.ID)
	if err != nil {
		return nil, err
	}
	out := recordOut(ctx, r)
	return &out, nil
}

// verb is an operation that decides one thing about a delivery.
func (o operations) verb(do func(context.Context, actor.Actor, id.ID) error) api.Handler[deliveryIn, api.None] {
	return func(ctx context.Context, a actor.Actor, in *deliveryIn) (*api.None, error) {
		return nil, do(ctx, a, in.Delivery.ID)
	}
}

type settleIn struct {
	Delivery api.ID `path:"delivery"`
	Body     struct {
		There   bool   `json:"there" doc:"It stands on the network; false: it does not, and shall be sent."`
		Address string `json:"address,omitempty" doc:"Where it stands, if that is known."`
	}
}

func (o operations) settle(ctx context.Context, a actor.Actor, in *settleIn) (*api.None, error) {
	return nil, o.d.Settle(ctx, a, in.Delivery.ID, Finding(in.Body))
}
