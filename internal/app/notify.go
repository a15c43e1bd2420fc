package app

import (
	"context"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/notify"
)

// notifying is what notifications are made with.
func (a *App) notifying() notify.Options {
	return notify.Options{DB: a.DB, Clock: a.Config.Clock, IDs: a.IDs, Log: a.Events, Jobs: a.Jobs, Mail: a.Mail, Keys: a.Keys, Figures: a.figures, Logger: a.Config.Logger,
		Roster: a.seats, Held: a.Desk.Held, Writer: a.Deliveries.Writer, Subjects: a.subjects}
}

// figures are what a digest says.
func (a *App) figures(ctx context.Context, who actor.Actor) (notify.Figures, error) {
	p, err := a.today().Read(ctx, who)
	return notify.Figures{Waiting: p.Waiting, Longest: p.Longest, Mine: len(p.Mine)}, err
}

func (a *App) seats(ctx context.Context, q db.Queryer, workspace id.ID) ([]notify.Seat, error) {
	all, err := a.Team.Roster(ctx, q, workspace)
	if err != nil {
		return nil, err
	}
	seats := make([]notify.Seat, len(all))
	for i, v := range all {
		seats[i] = notify.Seat{Actor: v.Actor, Login: v.Login, Teams: v.Teams, Email: v.Email, Locale: v.Locale, Zone: v.Place(), Workspace: v.Workspace, Slug: v.Slug}
	}
	return seats, nil
}

// subjects names what notifications are about, as far as the actor may know.
func (a *App) subjects(ctx context.Context, who actor.Actor, all []notify.Notification) (map[id.ID]notify.Subject, error) {
	var conversations []id.ID
	for _, n := range all {
		if n.Conversation != 0 {
			conversations = append(conversations, n.Conversation)
		}
	}
	glances := map[id.ID]conversation.Glance{}
	if len(conversations) > 0 && who.CanSomewhere(actor.ReadConversations) {
		var err error
		if glances, err = a.Desk.Glance(ctx, who, conversations); err != nil {
			return nil, err
		}
	}
	subjects := map[id.ID]notify.Subject{}
	for _, n := range all {
		if g, ok := glances[n.Conversation]; ok {
			s := notify.Subject{Key: g.Person.RemoteID, Name: g.Person.Name, Handle: g.Person.Handle, Network: g.Network, Account: g.Handle}
			if g.Person.Avatar != "" {
				s.Avatar = "picture/person/" + g.Person.Identity.String()
			}
			subjects[n.ID] = s
		} else if n.Kind == notify.Account {
			v, err := a.Accounts.View(ctx, who.Workspace, n.Account)
			if err != nil {
				return nil, err
			}
			subjects[n.ID] = notify.Subject{Account: v.Remote.Handle}
		}
	}
	return subjects, nil
}
