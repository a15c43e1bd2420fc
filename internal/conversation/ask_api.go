package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

func (o API) registerAsking(g *api.Section) {
	claim := api.Needs(actor.Claim)
	api.Post(g, "/conversations/{conversation}/ask", "askForConversation", "Ask who answers it for it", o.verb(o.Desk.AskFor), claim,
		api.About("What nobody answers is simply claimed."))
	api.Post(g, "/conversations/{conversation}/give", "giveConversation", "Give it to who asked for it", o.verb(o.Desk.GiveClaim), claim)
	api.Post(g, "/conversations/{conversation}/keep", "keepConversation", "Go on answering what somebody asked for", o.verb(o.Desk.KeepClaim), claim)
	api.Post(g, "/conversations/{conversation}/take", "takeConversation", "Take what one asked for and nobody reacted to", o.verb(o.Desk.TakeClaim), claim,
		api.About("Five minutes after asking at the earliest, and not while an answer is under way."))
	api.Get(g, "/rules", "readRules", "Read how the workspace works together", o.rules)
	api.Put(g, "/rules", "setRules", "Change how the workspace works together", o.setRules, api.Needs(actor.ManageWorkspace))
}

type rulesJSON struct {
	ClaimMinutes int `json:"claim_minutes" doc:"Without anything happening, after which a claim is over; 0: never." example:"60"`
	CallBack     int `json:"call_back" doc:"Seconds between Send and leaving, in the pages; 0: none." example:"8"`
}

func (o API) rules(ctx context.Context, a actor.Actor, _ *struct{}) (*rulesJSON, error) {
	r, err := o.Desk.Rules(ctx, a)
	return &rulesJSON{r.ClaimMinutes, r.CallBack}, err
}

func (o API) setRules(ctx context.Context, a actor.Actor, in *struct{ Body rulesJSON }) (*api.None, error) {
	return nil, o.Desk.SetRules(ctx, a, Rules(in.Body))
}

type askedJSON struct {
	Member id.ID     `json:"member" doc:"Who asks."`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Due    bool      `json:"due" doc:"It may be taken: nobody reacted."`
}

func askedOut(v *Ask) *askedJSON {
	if v == nil {
		return nil
	}
	return &askedJSON{v.Member, v.By, v.At, v.Due}
}
