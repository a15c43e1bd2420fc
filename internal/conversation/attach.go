package conversation

import (
	"context"
	"io"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/network"
)

// Attach makes a file safe and stores it until an answer holds it. It asks for
// no right: only attach and upload call it.
type Attach func(ctx context.Context, workspace id.ID, body io.Reader) (network.Media, error)

// attach stores a file for an answer in a conversation. Nothing of it is read
// before it is clear that the member may give one.
func (d *Desk) attach(ctx context.Context, a actor.Actor, conversation id.ID, body io.Reader) (network.Media, error) {
	if _, err := d.load(ctx, d.db.Read(), a, actor.Reply, conversation); err != nil {
		return network.Media{}, err
	}
	return d.keep(ctx, a.Workspace, body)
}

// upload stores a file for an answer that is yet to be given: programs bring the
// files first.
func (d *Desk) upload(ctx context.Context, a actor.Actor, body io.Reader) (network.Media, error) {
	if !a.CanSomewhere(actor.Reply) {
		return network.Media{}, a.Require(actor.Reply)
	}
	return d.keep(ctx, a.Workspace, body)
}
