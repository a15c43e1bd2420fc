package app

import (
	"cmp"
	"context"

	"parley/internal/actor"
	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// asking is what questions by link are asked with.
func (a *App) asking() ask.Options {
	return ask.Options{DB: a.DB, Clock: a.Config.Clock, IDs: a.IDs, Log: a.Events, Mail: a.Mail, Roster: a.askSeats, Account: a.askAccount,
		Thread: a.askThread, Note: a.Desk.NoteOf, Preview: a.askPreview, Reply: a.askReply}
}

func (a *App) askSeats(ctx context.Context, q db.Queryer, workspace id.ID) ([]ask.Seat, error) {
	all, err := a.Team.Roster(ctx, q, workspace)
	if err != nil {
		return nil, err
	}
	seats := make([]ask.Seat, len(all))
	for i, v := range all {
		seats[i] = ask.Seat{Actor: v.Actor, Email: v.Email, Locale: v.Locale, Zone: v.Place(), Workspace: v.Workspace, Slug: v.Slug}
	}
	return seats, nil
}

func (a *App) askAccount(ctx context.Context, who actor.Actor, c id.ID) (id.ID, error) {
	all, err := a.Desk.Glance(ctx, who, []id.ID{c})
	if err != nil {
		return 0, err
	}
	g, ok := all[c]
	if !ok {
		return 0, problem.New(problem.NotFound, "conversation.not_found")
	}
	return g.Account, nil
}

// askShown is how many messages somebody who is asked reads: what the question is
// about stands at the end.
const askShown = 12

func (a *App) askThread(ctx context.Context, who actor.Actor, c id.ID) (ask.Thread, error) {
	v, err := a.Desk.Open(ctx, who, c)
	if err != nil {
		return ask.Thread{}, err
	}
	acc, err := a.Accounts.View(ctx, who.Workspace, v.Account)
	if err != nil {
		return ask.Thread{}, err
	}
	t := ask.Thread{Person: shownName(v.Person), Account: text.DisplaySafe(acc.Remote.Handle), Private: v.Kind == conversation.Direct}
	for _, m := range v.Messages {
		if !m.Mine && m.Own == 0 {
			continue // said around it, not in it
		}
		t.Messages = append(t.Messages, ask.Message{By: shownName(m.Author), Ours: m.Own != 0, Text: m.Text.DisplaySafe().Body, Warning: text.DisplaySafe(m.Warning),
			Pictures: len(m.Media), Gone: !m.Gone.IsZero(), At: m.At})
	}
	t.Messages = t.Messages[max(0, len(t.Messages)-askShown):]
	return t, nil
}

func shownName(p conversation.Person) string { return text.DisplaySafe(cmp.Or(p.Name, "@"+p.Handle)) }

func (a *App) askPreview(ctx context.Context, who actor.Actor, c id.ID) (ask.Preview, error) {
	v, err := a.Desk.Compose(ctx, who, c, 0)
	if err != nil {
		return ask.Preview{}, err
	}
	return ask.Preview{To: shownName(v.To.Author), Account: text.DisplaySafe(v.Account.Handle), Suffix: v.Suffix, Why: v.Why}, nil
}

// askReply lets an answer go out in the name of whoever was asked. What the asker
// holds they hand over by having asked; if nothing leaves they hold it again.
func (a *App) askReply(ctx context.Context, who, asker actor.Actor, c id.ID, words, key string) (id.ID, error) {
	held, err := a.Desk.Held(ctx, a.DB.Read(), who.Workspace, []id.ID{c})
	if err != nil {
		return 0, err
	}
	handed := held[c] == asker.Member && asker.Member != who.Member
	if handed {
		if err := a.Desk.Release(ctx, asker, c); err != nil {
			return 0, err
		}
	}
	out, err := a.Desk.Reply(ctx, who, conversation.Answer{Conversation: c, Text: words, Key: key, Seen: -1})
	if err != nil && handed {
		if e := a.Desk.Claim(ctx, asker, c); e != nil {
			a.Config.Logger.Warn("handing a conversation back to who asked", "conversation", c, "err", e)
		}
	}
	return out, err
}
