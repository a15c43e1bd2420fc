package conversation

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Writers are the names of the members who wrote our messages among these.
func (d *Desk) Writers(ctx context.Context, workspace id.ID, ms []Message) (map[id.ID]string, error) {
	var members []id.ID
	for _, m := range ms {
		if m.By != 0 {
			members = append(members, m.By)
		}
	}
	return d.names(ctx, workspace, members)
}

func (d *Desk) names(ctx context.Context, workspace id.ID, members []id.ID) (map[id.ID]string, error) {
	names := map[id.ID]string{}
	if len(members) == 0 {
		return names, nil
	}
	in, args := db.In(2, members)
	rows, err := d.db.Read().Query(ctx, `select id, name from member where workspace = $1 and id `+in, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading who wrote: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var m id.ID
		var name string
		if err := rows.Scan(&m, &name); err != nil {
			return nil, fmt.Errorf("reading who wrote: %w", err)
		}
		names[m] = name
	}
	return names, rows.Err()
}

// AvatarOf is the address of somebody's picture, "" for none.
func (d *Desk) AvatarOf(ctx context.Context, a actor.Actor, identity id.ID) (string, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return "", a.Require(actor.ReadConversations)
	}
	p, err := d.identity(ctx, a.Workspace, identity)
	return p.Avatar, err
}

// AttachmentOf is the n-th attachment of a message that reached an account the
// actor may read, if it is a picture; the zero Media if it is none.
func (d *Desk) AttachmentOf(ctx context.Context, a actor.Actor, message id.ID, n int) (network.Media, error) {
	var none network.Media
	var raw string
	err := d.db.Read().Row(ctx, `select media from message where workspace = $1 and id = $2 and gone = 0`, a.Workspace, message).Scan(&raw)
	if db.NoRows(err) {
		return none, problem.New(problem.NotFound, "conversation.not_found")
	}
	if err != nil {
		return none, fmt.Errorf("reading an attachment: %w", err)
	}
	if err := d.mayRead(ctx, a, message); err != nil {
		return none, err
	}
	media, err := decode[network.Media](raw)
	if err != nil {
		return none, fmt.Errorf("reading an attachment: %w", err)
	}
	if n < 0 || n >= len(media) || media[n].Kind != "image" || strings.HasPrefix(media[n].URL, network.InPlace) {
		return none, nil
	}
	return media[n], nil
}
