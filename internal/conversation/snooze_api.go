package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
)

func (o API) registerSnooze(g *api.Section) {
	claim := api.Needs(actor.Claim)
	api.Post(g, "/conversations/{conversation}/snooze", "snoozeConversation", "Let it rest until a time", o.snooze, claim,
		api.About("It leaves the boxes of what is to be done, and comes back then, or at once when they write again. Since when they wait does not change."))
	api.Post(g, "/conversations/{conversation}/wake", "wakeConversation", "Bring back what rests", o.verb(o.Desk.Wake), claim)
}

type snoozeIn struct {
	Conversation api.ID `path:"conversation"`
	Body         struct {
		Until time.Time `json:"until" doc:"Within a year."`
	}
}

func (o API) snooze(ctx context.Context, a actor.Actor, in *snoozeIn) (*api.None, error) {
	return nil, o.Desk.Snooze(ctx, a, in.Conversation.ID, in.Body.Until)
}
