package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

func (o API) registerHandovers(g *api.Section) {
	claim := api.Needs(actor.Claim)
	api.Get(g, "/conversations/{conversation}/receivers", "listReceivers", "List to whom a conversation can be given", o.receivers, claim,
		api.About("Those who may answer for its account, and the teams with somebody who may."))
	api.Post(g, "/conversations/{conversation}/hand-over", "handOverConversation", "Give it to a colleague or a team", o.handOver, claim,
		api.About("Ends one's own claim. It is among the receiver's own until somebody claims it, or hands it back."))
	api.Post(g, "/conversations/{conversation}/hand-back", "handBackConversation", "Say that one cannot take on what one was given", o.handBack, claim,
		api.About("It goes back to who gave it, if they can take it; else it is everybody's again."))
}

type receiversJSON struct {
	Members []namedJSON `json:"members"`
	Teams   []namedJSON `json:"teams"`
}

func (o API) receivers(ctx context.Context, a actor.Actor, in *conversationIn) (*receiversJSON, error) {
	members, teams, err := o.Desk.Receivers(ctx, a, in.Conversation.ID)
	if err != nil {
		return nil, err
	}
	return &receiversJSON{api.ListOf(members, func(c Colleague) namedJSON { return namedJSON{c.Actor.Member, c.Actor.Name} }).Items,
		api.ListOf(teams, func(t Group) namedJSON { return namedJSON(t) }).Items}, nil
}

type handOverIn struct {
	Conversation api.ID `path:"conversation"`
	Body         struct {
		Member id.ID  `json:"member,omitzero" doc:"A colleague, or"`
		Team   id.ID  `json:"team,omitzero" doc:"a team."`
		Note   string `json:"note,omitempty" doc:"What they should know; needs the right to write notes."`
	}
}

func (o API) handOver(ctx context.Context, a actor.Actor, in *handOverIn) (*api.None, error) {
	return nil, o.Desk.HandOver(ctx, a, in.Conversation.ID, Receiver{in.Body.Member, in.Body.Team}, NoteIn{Text: in.Body.Note})
}

type handBackIn struct {
	Conversation api.ID `path:"conversation"`
	Body         struct {
		Note string `json:"note,omitempty"`
	}
}

func (o API) handBack(ctx context.Context, a actor.Actor, in *handBackIn) (*api.None, error) {
	return nil, o.Desk.HandBack(ctx, a, in.Conversation.ID, NoteIn{Text: in.Body.Note})
}

// handedJSON is to whom a conversation was given.
type handedJSON struct {
	By     id.ID     `json:"by,omitzero" doc:"Who gave it; absent: Parley, for a member who is away."`
	Member id.ID     `json:"member,omitzero"`
	Team   id.ID     `json:"team,omitzero"`
	Name   string    `json:"name" doc:"Of the receiver."`
	Words  string    `json:"words,omitempty" doc:"What was said about it, in a line."`
	At     time.Time `json:"at"`
	Back   bool      `json:"back" doc:"It was given back."`
}

func handedOut(h *Handover) *handedJSON {
	if h == nil {
		return nil
	}
	return &handedJSON{h.From, h.To.Member, h.To.Team, h.Name, h.Words, h.At, h.Back}
}
