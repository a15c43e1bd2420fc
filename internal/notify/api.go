package notify

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

// API is a member's notifications for programs.
func (s *Service) API(a *api.API) {
	o := operations{s}
	g := a.Section("notifications", "What the token's member is told of. A notification says what it is about by ids, never in words.")
	some := api.Needs(actor.ReadConversations, actor.ManageAccounts)
	api.Get(g, "/notifications", "listNotifications", "List the member's notifications", o.list, some, api.About("Newest first. A page may be shorter than asked for where the member may no longer know of something."))
	api.Get(g, "/notifications/choices", "readNotificationChoices", "Read how the member wants to be reached", o.choices, some)
	api.Put(g, "/notifications/choices", "chooseNotifications", "Choose how the member is reached", o.choose, some)
	api.Post(g, "/notifications/read", "readAllNotifications", "Mark everything as read", o.readAll, some)
	api.Post(g, "/notifications/{notification}/read", "readNotification", "Mark a notification as read", o.read, some)
}

type operations struct{ s *Service }

type notificationJSON struct {
	ID           id.ID     `json:"id"`
	Kind         Kind      `json:"kind" enum:"urgent,handed,mentioned,answered,message,failed,unknown,account"`
	Conversation id.ID     `json:"conversation,omitzero" doc:"Absent if it is about none."`
	Account      id.ID     `json:"account,omitzero" doc:"The account of ours it is about."`
	About        id.ID     `json:"about,omitzero" doc:"The delivery or question it is about."`
	Event        int64     `json:"event" doc:"Number of the newest event it stands for."`
	Times        int64     `json:"times" doc:"How many events it stands for."`
	Made         time.Time `json:"made"`
	Read         time.Time `json:"read,omitzero" doc:"Absent: not yet."`
}

func out(n Notification) notificationJSON {
	return notificationJSON{n.ID, n.Kind, n.Conversation, n.Account, n.About, n.Event, n.Times, n.Made, n.Read}
}

type listIn struct{ api.Paging }

func (o operations) list(ctx context.Context, a actor.Actor, in *listIn) (*api.List[notificationJSON], error) {
	var after Place
	if err := in.Place(&after); err != nil {
		return nil, err
	}
	all, next, err := o.s.List(ctx, a, after, in.Limit)
	l := api.ListOf(all, out)
	if next.ID != 0 {
		l.Next = api.Cursor(next)
	}
	return l, err
}

func (o operations) readAll(ctx context.Context, a actor.Actor, _ *struct{}) (*api.None, error) {
	return nil, o.s.MarkAllRead(ctx, a)
}

type oneIn struct {
	Notification api.ID `path:"notification"`
}

func (o operations) read(ctx context.Context, a actor.Actor, in *oneIn) (*api.None, error) {
	return nil, o.s.MarkRead(ctx, a, in.Notification.ID)
}
