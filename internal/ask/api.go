package ask

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

// API is asking for programs.
func (s *Service) API(a *api.API, link func(path string) string) {
	o := operations{s, link}
	g := a.Section("asks", "Questions about a conversation to somebody who has no time for a desk.")
	api.Get(g, "/conversations/{conversation}/asks", "listAsks", "List what was asked about a conversation", o.list, api.Needs(actor.ReadConversations))
	api.Post(g, "/conversations/{conversation}/asks", "ask", "Ask somebody by a link", o.ask, api.Needs(actor.Note), api.Created,
		api.About("Mailed where Parley can send mail; else the link is told this once. Good for one answer, for a week."))
	api.Delete(g, "/asks/{ask}", "revokeAsk", "Revoke a link", o.revoke, api.Needs(actor.ReadConversations))
}

type operations struct {
	s    *Service
	link func(path string) string
}

type askJSON struct {
	ID           id.ID     `json:"id"`
	Conversation id.ID     `json:"conversation"`
	Member       id.ID     `json:"member" doc:"Who asked."`
	Address      string    `json:"address,omitempty" doc:"Who is asked."`
	To           id.ID     `json:"to,omitzero" doc:"The member whose address it is."`
	Question     string    `json:"question"`
	Made         time.Time `json:"made"`
	Until        time.Time `json:"until"`
	Answered     time.Time `json:"answered,omitzero"`
	Note         id.ID     `json:"note,omitzero" doc:"The note that the answer is."`
	Delivery     id.ID     `json:"delivery,omitzero" doc:"The answer that went out in the colleague's name."`
	Revoked      time.Time `json:"revoked,omitzero"`
	Link         string    `json:"link,omitempty" doc:"For the one who is asked; told when it is made and cannot be mailed, and never again."`
}

func out(k Ask) askJSON {
	return askJSON{ID: k.ID, Conversation: k.Conversation, Member: k.Member, Address: k.Address, To: k.To, Question: k.Question, Made: k.Made, Until: k.Until,
		Answered: k.Answered, Note: k.Note, Delivery: k.Delivery, Revoked: k.Revoked}
}

type conversationIn struct {
	Conversation api.ID `path:"conversation"`
}

func (o operations) list(ctx context.Context, a actor.Actor, in *conversationIn) (*api.List[askJSON], error) {
	all, err := o.s.Of(ctx, a, in.Conversation.ID)
	return api.ListOf(all, out), err
}

type askIn struct {
	Conversation api.ID `path:"conversation"`
	Body         struct {
		Address  string `json:"address" example:"legal@example.org"`
		Question string `json:"question"`
	}
}

func (o operations) ask(ctx context.Context, a actor.Actor, in *askIn) (*askJSON, error) {
	k, secret, err := o.s.Ask(ctx, a, Question{Conversation: in.Conversation.ID, Address: in.Body.Address, Text: in.Body.Question})
	made := out(k)
	if secret != "" {
		made.Link = o.link(LinkPath(secret))
	}
	return &made, err
}

type oneIn struct {
	Ask api.ID `path:"ask"`
}

func (o operations) revoke(ctx context.Context, a actor.Actor, in *oneIn) (*api.None, error) {
	return nil, o.s.Revoke(ctx, a, in.Ask.ID)
}
