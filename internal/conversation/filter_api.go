package conversation

import (
	"context"
	"slices"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/problem"
)

func (o API) registerViews(a *api.API) {
	read := api.Needs(actor.ReadConversations)
	g := a.Section("views", "Lists under a name: one's own, and everybody's.")
	api.Get(g, "/views", "listViews", "List the saved views of the token's member and of everybody", o.views, read)
	api.Post(g, "/views", "saveView", "Give a list a name", o.saveView, read, api.Created,
		api.About("Under a name that is there already it replaces that view. For everybody it takes the right to manage the workspace."))
	api.Delete(g, "/views/{view}", "removeView", "Forget a saved view", o.removeView, read)
}

type listIn struct {
	Box     string   `query:"box" enum:"waiting,mine,all,later,done,reading" default:"waiting" doc:"waiting: longest first; later: what comes back soonest first; the others: newest first."`
	Account api.ID   `query:"account" doc:"Only of this account of ours."`
	Network string   `query:"network" maxLength:"40" example:"mastodon" doc:"Only of accounts on this network."`
	Lang    string   `query:"lang" maxLength:"35" example:"de" doc:"Only where they spoke this language last, as far as their network tells."`
	Labels  []string `query:"labels" maxItems:"8" doc:"Only what has all of these labels: ids with commas between."`
	Member  api.ID   `query:"member" doc:"Only what this member is answering."`
	Team    api.ID   `query:"team" doc:"Only what a member of this team is answering."`
	Hands   string   `query:"hands" enum:"free,taken" doc:"Only what nobody is answering, or what somebody is."`
	Kind    string   `query:"kind" enum:"public,direct" doc:"Only what was said in public, or in private."`
	api.Paging
}

func (in listIn) filter() (f Filter, err error) {
	f = Filter{Box: Box(in.Box), Account: in.Account.ID, Limit: in.Limit, Narrow: Narrow{Network: in.Network, Member: in.Member.ID, Team: in.Team.ID,
		Hands: Hands(in.Hands), Kind: Kind(in.Kind)}}
	if f.Lang = primary(in.Lang); f.Lang == "" && in.Lang != "" {
		return f, problem.New(problem.Invalid, "conversation.no_language").At("lang")
	}
	for _, one := range in.Labels {
		l, err := id.Parse(one)
		if err != nil {
			return f, problem.New(problem.NotFound, "conversation.no_label").At("labels").Because(err)
		}
		if !slices.Contains(f.Labels, l) {
			f.Labels = append(f.Labels, l)
		}
	}
	return f, in.Place(&f.After)
}

func (o API) list(ctx context.Context, a actor.Actor, in *listIn) (*api.List[conversationRowJSON], error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	p, err := o.Desk.List(ctx, a, f)
	if err != nil {
		return nil, err
	}
	l := api.ListOf(p.Rows, rowOut)
	if p.Next.ID != 0 {
		l.Next = api.Cursor(p.Next)
	}
	return l, nil
}

type viewJSON struct {
	ID     id.ID  `json:"id"`
	Name   string `json:"name"`
	Query  string `json:"query" example:"box=all&lang=de" doc:"The list, as the query of its address on the pages."`
	Shared bool   `json:"shared" doc:"It is everybody's."`
}

func viewOut(v SavedView) viewJSON { return viewJSON(v) }

func (o API) views(ctx context.Context, a actor.Actor, _ *struct{}) (*api.List[viewJSON], error) {
	all, err := o.Desk.Views(ctx, a)
	return api.ListOf(all, viewOut), err
}

type saveViewIn struct {
	Body struct {
		Name   string `json:"name" example:"German speakers"`
		Query  string `json:"query" maxLength:"2000" example:"box=all&lang=de"`
		Shared bool   `json:"shared,omitempty" doc:"For everybody."`
	}
}

func (o API) saveView(ctx context.Context, a actor.Actor, in *saveViewIn) (*viewJSON, error) {
	v, err := o.Desk.SaveView(ctx, a, SavedView{Name: in.Body.Name, Query: in.Body.Query, Shared: in.Body.Shared})
	out := viewOut(v)
	return &out, err
}

type viewIn struct {
	View api.ID `path:"view"`
}

func (o API) removeView(ctx context.Context, a actor.Actor, in *viewIn) (*api.None, error) {
	return nil, o.Desk.RemoveView(ctx, a, in.View.ID)
}
