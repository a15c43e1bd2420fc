package conversation

import (
	"context"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

func (o API) registerUnder(g *api.Section) {
	read, claim := api.Needs(actor.ReadConversations), api.Needs(actor.Claim)
	api.Get(g, "/posts/{post}/conversations", "listUnderPost", "List what is under a post of ours", o.under, read,
		api.About("The open ones first, the newest of them first; 50 at a time."))
	api.Post(g, "/conversations/finish", "finishConversations", "Say of many that they need no answer", o.finishMany, claim, api.About(bulkAbout))
	api.Post(g, "/conversations/labels", "labelConversations", "Put a label on many, or take it off them", o.labelMany, claim, api.About(bulkAbout))
}

const bulkAbout = "Up to 200, together or not at all. What cannot be changed, because somebody else is answering it, is left and named."

type underIn struct {
	Post   api.ID `path:"post"`
	State  string `query:"state" enum:"open,done" doc:"Only these."`
	Cursor string `query:"cursor" maxLength:"500" doc:"The next of the page before; without it the first page."`
}

type underJSON struct {
	Post  messageJSON           `json:"post"`
	Open  int                   `json:"open" doc:"How many under it are open. Counting stops at 1,000."`
	Items []conversationRowJSON `json:"items"`
	Next  string                `json:"next,omitempty" doc:"The cursor of the following page; absent on the last one."`
}

func (o API) under(ctx context.Context, a actor.Actor, in *underIn) (*underJSON, error) {
	var after Standing
	if err := (api.Paging{Cursor: in.Cursor}).Place(&after); err != nil {
		return nil, err
	}
	p, err := o.Desk.Under(ctx, a, in.Post.ID, State(in.State), after)
	if err != nil {
		return nil, err
	}
	out := underJSON{Post: messageOut(p.Message), Open: p.Open, Items: api.ListOf(p.Rows, rowOut).Items}
	if p.Next.ID != 0 {
		out.Next = api.Cursor(p.Next)
	}
	return &out, nil
}

type finishManyIn struct {
	Body struct {
		Conversations []id.ID `json:"conversations" minItems:"1" maxItems:"200"`
	}
}

type labelManyIn struct {
	Body struct {
		Label         id.ID   `json:"label"`
		Off           bool    `json:"off,omitempty" doc:"Take it off; absent: put it on."`
		Conversations []id.ID `json:"conversations" minItems:"1" maxItems:"200"`
	}
}

type bulkJSON struct {
	Done    []id.ID       `json:"done" doc:"Also those of which it was true already."`
	Skipped []skippedJSON `json:"skipped"`
}

type skippedJSON struct {
	Conversation id.ID  `json:"conversation"`
	Why          string `json:"why" example:"conversation.claimed" doc:"The code of the problem."`
}

func bulkOut(b Bulk, err error) (*bulkJSON, error) {
	if err != nil {
		return nil, err
	}
	return &bulkJSON{Done: append([]id.ID{}, b.Done...),
		Skipped: api.ListOf(b.Skipped, func(s Skipped) skippedJSON { return skippedJSON{s.Conversation, s.Why.Code} }).Items}, nil
}

func (o API) finishMany(ctx context.Context, a actor.Actor, in *finishManyIn) (*bulkJSON, error) {
	return bulkOut(o.Desk.FinishMany(ctx, a, in.Body.Conversations))
}

func (o API) labelMany(ctx context.Context, a actor.Actor, in *labelManyIn) (*bulkJSON, error) {
	return bulkOut(o.Desk.LabelMany(ctx, a, in.Body.Label, !in.Body.Off, in.Body.Conversations))
}
