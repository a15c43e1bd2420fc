package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/network"
)

func (o API) registerDrafts(g *api.Section) {
	api.Get(g, "/conversations/{conversation}/draft", "readDraft", "Read what the token's member has begun to answer", o.readDraft, api.Needs(actor.Reply))
	api.Put(g, "/conversations/{conversation}/draft", "saveDraft", "Keep what the token's member has begun to answer", o.saveDraft, api.Needs(actor.Reply),
		api.About("Say which version was changed; where another device has saved since, it is refused and can be read. Empty words take it away. Pictures are not kept."))
}

type draftJSON struct {
	Version    int64              `json:"version" doc:"To say, when it is changed, what was changed; 0: there is none."`
	Text       string             `json:"text"`
	Warning    string             `json:"warning,omitempty"`
	Visibility network.Visibility `json:"visibility,omitempty"`
	Lang       string             `json:"lang,omitempty"`
	At         time.Time          `json:"at,omitzero"`
}

func (o API) readDraft(ctx context.Context, a actor.Actor, in *conversationIn) (*draftJSON, error) {
	if err := a.Require(actor.Reply); err != nil && !a.CanSomewhere(actor.Reply) {
		return nil, err
	}
	v, err := o.Desk.Draft(ctx, a, in.Conversation.ID)
	return draftOut(v), err
}

func draftOut(v ReplyDraft) *draftJSON {
	return &draftJSON{v.Version, v.Text, v.Warning, v.Visibility, v.Lang, v.At}
}

type saveDraftIn struct {
	Conversation api.ID `path:"conversation"`
	Body         struct {
		Version    int64  `json:"version"`
		Text       string `json:"text"`
		Warning    string `json:"warning,omitempty"`
		Visibility string `json:"visibility,omitempty" enum:"public,unlisted,followers,direct"`
		Lang       string `json:"lang,omitempty" maxLength:"35"`
	}
}

func (o API) saveDraft(ctx context.Context, a actor.Actor, in *saveDraftIn) (*draftJSON, error) {
	b := in.Body
	v, err := o.Desk.SaveDraft(ctx, a, in.Conversation.ID, ReplyDraft{Text: b.Text, Warning: b.Warning, Visibility: network.Visibility(b.Visibility),
		Lang: b.Lang, Version: b.Version})
	if err != nil {
		return nil, err
	}
	return draftOut(v), nil
}
