package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

// registerUrgent adds the operations that put conversations before others.
func (o API) registerUrgent(g *api.Section) {
	claim := api.Needs(actor.Claim)
	api.Post(g, "/conversations/{conversation}/urgent", "markUrgent", "Say that it is urgent", o.verb(o.Desk.MarkUrgent), claim)
	api.Delete(g, "/conversations/{conversation}/urgent", "notUrgent", "Say that it is not urgent, whoever or whatever said so", o.verb(o.Desk.NotUrgent), claim)
	api.Post(g, "/conversations/next", "takeNext", "Take the conversation that should be answered next", o.takeNext, api.Needs(actor.Reply),
		api.About("Claims it: urgent ones first, then who has waited longest. Two who ask at once never get the same."))
}

type urgentJSON struct {
	Why    Why       `json:"why" enum:"hand,danger,self_harm,threat,press" doc:"A member said so, or what a rule found in the words."`
	Member id.ID     `json:"member,omitzero" doc:"Who said so; absent: a rule."`
	At     time.Time `json:"at"`
}

func urgentOut(all []Urgency) []urgentJSON {
	return api.ListOf(all, func(u Urgency) urgentJSON { return urgentJSON(u) }).Items
}

type nextJSON struct {
	Conversation id.ID `json:"conversation,omitzero" doc:"Absent: nobody waits whom you could answer."`
}

func (o API) takeNext(ctx context.Context, a actor.Actor, _ *struct{}) (*nextJSON, error) {
	next, err := o.Desk.TakeNext(ctx, a)
	return &nextJSON{next}, err
}
