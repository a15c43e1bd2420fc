package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
	"parley/internal/text"
)

// registerSearch adds what is looked for by words.
func (o API) registerSearch(g *api.Section) {
	read := api.Needs(actor.ReadConversations)
	api.Get(g, "/search", "search", "Find messages by their words", o.search, read,
		api.About("Newest first, to within minutes. Words, \"phrases\", "+
			"beginnings*, -without, and from: account: network: in: before: after: on: has: lang: as on the page of the search. Days are those of UTC. "+
			"A page can be short and still have a next."))
}

type searchIn struct {
	Q string `query:"q" required:"true" doc:"What to look for." example:"bridge -closed from:mira"`
	api.Paging
}

type hitJSON struct {
	Message      id.ID        `json:"message"`
	Conversation id.ID        `json:"conversation,omitzero" doc:"Where it is read; absent: it is a post of ours that nobody has answered."`
	Account      id.ID        `json:"account" doc:"Of ours: it reached it, or was said by it."`
	Network      string       `json:"network" example:"mastodon"`
	Handle       string       `json:"handle" doc:"Our account's."`
	Direct       bool         `json:"direct"`
	Author       personJSON   `json:"author"`
	Own          bool         `json:"own" doc:"It was said by us."`
	By           id.ID        `json:"by,omitzero" doc:"The member who wrote it, if that is known."`
	Text         string       `json:"text"`
	Marks        []text.Range `json:"marks" doc:"Where the words stand in the text, by byte."`
	Lang         string       `json:"lang,omitempty"`
	Warning      string       `json:"warning,omitempty"`
	Media        bool         `json:"media" doc:"There is a picture or another file with it."`
	URL          string       `json:"url,omitempty"`
	At           time.Time    `json:"at"`
}

func hitOut(f Hit) hitJSON {
	return hitJSON{Message: f.Message, Conversation: f.Conversation, Account: f.Account, Network: f.Network, Handle: f.Handle, Direct: f.Direct,
		Author: personOut(f.Author), Own: f.Own, By: f.By, Text: f.Body, Marks: append([]text.Range{}, f.Marks...), Lang: f.Lang, Warning: f.Warning,
		Media: f.Media, URL: f.URL, At: f.At}
}

func (o API) search(ctx context.Context, a actor.Actor, in *searchIn) (*api.List[hitJSON], error) {
	q, err := ParseQuery(in.Q, o.Desk.clock.Now().UTC(), false)
	if err != nil {
		return nil, err
	}
	q.Limit = in.Limit
	if err := in.Place(&q.Before); err != nil {
		return nil, err
	}
	r, err := o.Desk.Search(ctx, a, q)
	if err != nil {
		return nil, err
	}
	l := api.ListOf(r.Hits, hitOut)
	if r.Next != 0 {
		l.Next = api.Cursor(r.Next)
	}
	return l, nil
}
