package conversation

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Glance is a conversation in half a line: with whom, to which account of ours.
type Glance struct {
	ID      id.ID
	Account id.ID
	Network string
	Handle  string // our account's
	Kind    Kind
	Person  Person
}

// Glance reads conversations by their ids. Those that are gone, or that the actor
// may not read, are not among the answers.
func (d *Desk) Glance(ctx context.Context, a actor.Actor, conversations []id.ID) (map[id.ID]Glance, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	all := make(map[id.ID]Glance, len(conversations))
	if len(conversations) == 0 {
		return all, nil
	}
	in, args := db.In(2, conversations)
	rows, err := d.db.Read().Query(ctx, `select c.id, c.account, a.network, a.handle, c.kind, i.id, i.person, i.remote_id, i.handle, i.name, i.url, i.avatar
		from conversation c join account a on a.workspace = c.workspace and a.id = c.account
		join identity i on i.workspace = c.workspace and i.id = c.identity
		where c.workspace = $1 and c.id `+in, append([]any{a.Workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("glancing at conversations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g Glance
		p := &g.Person
		if err := rows.Scan(&g.ID, &g.Account, &g.Network, &g.Handle, &g.Kind, &p.Identity, &p.Person, &p.RemoteID, &p.Handle, &p.Name, &p.URL, &p.Avatar); err != nil {
			return nil, fmt.Errorf("glancing at conversations: %w", err)
		}
		if a.Can(actor.ReadConversations, scope(g.Account)) {
			all[g.ID] = g
		}
	}
	return all, rows.Err()
}

// Held says who is answering which conversation, of those that somebody answers:
// for the parts of Parley that tell members something.
func (d *Desk) Held(ctx context.Context, q db.Queryer, workspace id.ID, conversations []id.ID) (map[id.ID]id.ID, error) {
	held := map[id.ID]id.ID{}
	if len(conversations) == 0 {
		return held, nil
	}
	in, args := db.In(2, conversations)
	rows, err := q.Query(ctx, `select id, claimed_by from conversation where workspace = $1 and claimed_by > 0 and id `+in, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading who answers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c, member id.ID
		if err := rows.Scan(&c, &member); err != nil {
			return nil, fmt.Errorf("reading who answers: %w", err)
		}
		held[c] = member
	}
	return held, rows.Err()
}
