package notify

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// news is what one event means to members.
type news struct {
	event int64
	// of is told to; who made it happen and who may not read it are left out.
	of   Notification
	to   []id.ID
	team id.ID // everybody in it too; 0: none
	// over ends what was told before: of these kinds, about this.
	over  []Kind
	about id.ID
	// gone is a member who left: nothing of theirs is kept.
	gone id.ID
}

// told says of an event by its verb whom it concerns; the rest concerns nobody.
func (s *Service) news(ctx context.Context, workspace id.ID, es []event.Event) ([]news, error) {
	held, err := s.held(ctx, workspace, es)
	if err != nil {
		return nil, err
	}
	var seats []Seat
	var all []news
	for _, e := range es {
		n := news{event: e.N, of: Notification{Workspace: workspace, Event: e.N, Made: e.At, Account: parse(e.Details["account"])}}
		if !s.read(e, held, &n) {
			continue
		}
		if n.of.Kind != "" && s.Clock.Now().Sub(e.At) > tooOld {
			continue
		}
		if n.of.Kind != "" {
			if seats == nil {
				if seats, err = s.Roster(ctx, s.DB.Read(), workspace); err != nil {
					return nil, err
				}
			}
			if n.to, err = s.recipients(ctx, e, n, seats); err != nil {
				return nil, err
			}
			if len(n.to) == 0 {
				continue
			}
		}
		all = append(all, n)
	}
	return all, nil
}

// held looks up who answers what somebody wrote in.
func (s *Service) held(ctx context.Context, workspace id.ID, es []event.Event) (map[id.ID]id.ID, error) {
	var cs []id.ID
	for _, e := range es {
		if e.Verb == "message.arrived" && !slices.Contains(cs, e.Subject) {
			cs = append(cs, e.Subject)
		}
	}
	return s.Held(ctx, s.DB.Read(), workspace, cs)
}

// read fills in what an event means; false: nothing.
func (s *Service) read(e event.Event, held map[id.ID]id.ID, n *news) bool {
	conversation := parse(e.Details["conversation"])
	switch e.Verb {
	case "message.arrived":
		n.of.Kind, n.of.Conversation, n.to = Message, e.Subject, []id.ID{held[e.Subject]}
		return held[e.Subject] != 0
	case "note.mentioned":
		n.of.Kind, n.of.Conversation, n.to = Mentioned, conversation, []id.ID{e.Subject}
	case "conversation.handed_over":
		n.of.Kind, n.of.Conversation, n.to, n.team = Handed, e.Subject, []id.ID{parse(e.Details["member"])}, parse(e.Details["team"])
	case "conversation.urgent":
		n.of.Kind, n.of.Conversation = Urgent, e.Subject
	case "ask.answered":
		n.of.Kind, n.of.Conversation, n.of.About, n.to = Answered, conversation, e.Subject, []id.ID{parse(e.Details["member"])}
	case "delivery.failed":
		n.of.Kind, n.of.Conversation, n.of.About = Failed, conversation, e.Subject
	case "delivery.unknown":
		n.of.Kind, n.of.Conversation, n.of.About = Unknown, conversation, e.Subject
	case "delivery.sending", "delivery.sent", "delivery.discarded", "delivery.called_back":
		n.over, n.about = []Kind{Failed, Unknown}, e.Subject
	case "account.broken":
		n.of.Kind, n.of.Account, n.of.About = Account, e.Subject, e.Subject
	case "account.reconnected", "account.disconnected":
		n.over, n.about = []Kind{Account}, e.Subject
	case "member.departed":
		n.gone = e.Subject
	default:
		return false
	}
	return true
}

// recipients are those whom it is for, without who did it and who may not read it.
func (s *Service) recipients(ctx context.Context, e event.Event, n news, seats []Seat) ([]id.ID, error) {
	to := n.to
	switch n.of.Kind {
	case Failed, Unknown:
		writer, err := s.Writer(ctx, s.DB.Read(), e.Workspace, e.Subject)
		if err != nil {
			return nil, err
		}
		to = []id.ID{writer}
	case Urgent, Account:
		to = nil
		for _, v := range seats {
			if n.of.Kind == Account || v.Actor.Can(actor.Claim, scope(n.of.Account)) {
				to = append(to, v.Actor.Member)
			}
		}
	}
	var all []id.ID
	for _, v := range seats {
		m := v.Actor.Member
		meant := slices.Contains(to, m) || n.team != 0 && slices.Contains(v.Teams, n.team)
		if meant && m != e.Member && n.of.may(v.Actor) {
			all = append(all, m)
		}
	}
	return all, nil
}

// may reports whether somebody may know of it at this moment.
func (n Notification) may(a actor.Actor) bool { return a.Can(n.Kind.needs(), scope(n.Account)) }

func scope(account id.ID) actor.Scope { return actor.Scope{Kind: "account", ID: account} }

// parse reads an id out of an event; 0 where there is none.
func parse(s string) id.ID {
	v, err := id.Parse(s)
	if err != nil {
		return 0
	}
	return v
}

// apply stores what the news means. told gathers whose notifications changed.
func (n news) apply(ctx context.Context, s *Service, tx *db.Tx, workspace id.ID, told map[id.ID]bool) error {
	if n.gone != 0 {
		return s.forget(ctx, tx, workspace, n.gone)
	}
	for _, kind := range n.over {
		rows, err := tx.Query(ctx, `update notification set read = $1 where workspace = $2 and about = $3 and about > 0 and kind = $4 and read = 0 returning member`,
			db.Micros(s.Clock.Now()), workspace, n.about, string(kind))
		if err != nil {
			return fmt.Errorf("ending notifications: %w", err)
		}
		for rows.Next() {
			var m id.ID
			if err := rows.Scan(&m); err != nil {
				rows.Close()
				return fmt.Errorf("ending notifications: %w", err)
			}
			told[m] = true
		}
		if err := rows.Close(); err != nil {
			return fmt.Errorf("ending notifications: %w", err)
		}
	}
	for _, m := range n.to {
		n.of.Member = m
		if err := s.add(ctx, tx, n.of); err != nil {
			return err
		}
		told[m] = true
	}
	return nil
}

// forget removes what is kept for a member who left.
func (s *Service) forget(ctx context.Context, tx *db.Tx, workspace, member id.ID) error {
	for _, table := range []string{"notification", "notify_choice", "notify_mailed"} {
		if _, err := tx.Exec(ctx, `delete from `+table+` where workspace = $1 and member = $2`, workspace, member); err != nil {
			return fmt.Errorf("forgetting a member's notifications: %w", err)
		}
	}
	return s.Mail.Withdraw(ctx, tx, workspace, "notification", member)
}
