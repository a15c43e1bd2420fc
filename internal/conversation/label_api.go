package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

func (o API) registerLabels(a *api.API) {
	manage, claim := api.Needs(actor.ManageWorkspace), api.Needs(actor.Claim)
	g := a.Section("labels", "Words of a workspace's own for what conversations are about.")
	api.Get(g, "/labels", "listLabels", "List the labels, those in use first", o.labels, api.Needs(actor.ReadConversations))
	api.Post(g, "/labels", "createLabel", "Make a label", o.createLabel, manage, api.Created)
	api.Put(g, "/labels/{label}", "changeLabel", "Give a label another name or colour", o.changeLabel, manage)
	api.Post(g, "/labels/{label}/merge", "mergeLabel", "Make a label a part of another", o.mergeLabel, manage,
		api.About("Wherever it stands, the other one is shown and found from then on. Cannot be taken back."))
	api.Post(g, "/labels/{label}/retire", "retireLabel", "Offer a label no longer", o.ofLabel(o.Desk.RetireLabel), manage, api.About("It stays where it is."))
	api.Post(g, "/labels/{label}/restore", "restoreLabel", "Offer a label again", o.ofLabel(o.Desk.RestoreLabel), manage)
	api.Put(g, "/conversations/{conversation}/labels/{label}", "putLabel", "Put a label on a conversation", o.putLabel, claim)
	api.Delete(g, "/conversations/{conversation}/labels/{label}", "takeLabel", "Take a label off a conversation", o.takeLabel, claim)
}

type labelJSON struct {
	ID      id.ID     `json:"id"`
	Name    string    `json:"name"`
	Hue     Hue       `json:"hue" enum:"clay,amber,olive,leaf,lake,sky,plum,rose"`
	Created time.Time `json:"created"`
	Retired time.Time `json:"retired,omitzero" doc:"Since when it is not offered any more; absent: it is."`
	Used    int       `json:"used" doc:"On how many conversations it is. Counting stops at 100."`
}

func labelOut(l Label) labelJSON {
	return labelJSON(l)
}

// onJSON is a label as it stands on a conversation.
type onJSON struct {
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
	Hue  Hue    `json:"hue" enum:"clay,amber,olive,leaf,lake,sky,plum,rose"`
}

func labelsOut(all []Label) []onJSON {
	return api.ListOf(all, func(l Label) onJSON { return onJSON{l.ID, l.Name, l.Hue} }).Items
}

func (o API) labels(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[labelJSON], error) {
	all, err := o.Desk.Labels(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := o.Desk.countLabels(ctx, a.Workspace, all); err != nil {
		return nil, err
	}
	return api.ListOf(all, labelOut), nil
}

type labelBody struct {
	Name string `json:"name" example:"Roadworks"`
	Hue  Hue    `json:"hue,omitempty" enum:"clay,amber,olive,leaf,lake,sky,plum,rose" doc:"Absent: the one that is used least; of a label that is there, the one it has."`
}

func (o API) createLabel(ctx context.Context, a actor.Actor, in *struct{ Body labelBody }) (*labelJSON, error) {
	l, err := o.Desk.CreateLabel(ctx, a, in.Body.Name, in.Body.Hue)
	if err != nil {
		return nil, err
	}
	out := labelOut(l)
	return &out, nil
}

type labelIn struct {
	Label api.ID `path:"label"`
}

type changeLabelIn struct {
	Label api.ID `path:"label"`
	Body  labelBody
}

func (o API) changeLabel(ctx context.Context, a actor.Actor, in *changeLabelIn) (*api.None, error) {
	return nil, o.Desk.ChangeLabel(ctx, a, in.Label.ID, in.Body.Name, in.Body.Hue)
}

type mergeLabelIn struct {
	Label api.ID `path:"label"`
	Body  struct {
		Into id.ID `json:"into" doc:"The label that it becomes a part of."`
	}
}

func (o API) mergeLabel(ctx context.Context, a actor.Actor, in *mergeLabelIn) (*api.None, error) {
	return nil, o.Desk.MergeLabel(ctx, a, in.Label.ID, in.Body.Into)
}

// ofLabel is an operation that does one thing to a label.
func (o API) ofLabel(do func(context.Context, actor.Actor, id.ID) error) api.Handler[labelIn, api.None] {
	return func(ctx context.Context, a actor.Actor, in *labelIn) (*api.None, error) {
		return nil, do(ctx, a, in.Label.ID)
	}
}

type labellingIn struct {
	Conversation api.ID `path:"conversation"`
	Label        api.ID `path:"label"`
}

func (o API) putLabel(ctx context.Context, a actor.Actor, in *labellingIn) (*api.None, error) {
	return nil, o.Desk.PutLabel(ctx, a, in.Conversation.ID, in.Label.ID)
}

func (o API) takeLabel(ctx context.Context, a actor.Actor, in *labellingIn) (*api.None, error) {
	return nil, o.Desk.TakeLabel(ctx, a, in.Conversation.ID, in.Label.ID)
}
