package conversation

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// OpenAt is Open where somebody wants to read one message: if the newest do not
// reach back to it, those around it are read, and Later says that there are newer
// ones. A message that is not there, or not for the actor, changes nothing.
func (d *Desk) OpenAt(ctx context.Context, a actor.Actor, conversation, message id.ID) (View, error) {
	v, err := d.Open(ctx, a, conversation)
	if err != nil || message == 0 || !v.More || slices.ContainsFunc(v.Messages, func(m Message) bool { return m.ID == message }) {
		return v, err
	}
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return v, err
	}
	around, older, err := d.around(ctx, a, h, message)
	if err != nil || len(around) == 0 {
		return v, err
	}
	v.Messages, v.More, v.Later = around, older, true
	return v, d.markMine(ctx, a.Workspace, &v)
}

// around reads half of what is shown up to a message and half after it, oldest
// first, and whether there is more before.
func (d *Desk) around(ctx context.Context, a actor.Actor, h head, message id.ID) (ms []Message, more bool, err error) {
	var at int64
	err = d.db.Read().Row(ctx, `select at from message where workspace = $1 and id = $2`, a.Workspace, message).Scan(&at)
	if db.NoRows(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading where a message stands: %w", err)
	}
	upTo, err := d.part(ctx, a, h, "<=", " desc", at, message)
	if err != nil {
		return nil, false, err
	}
	if len(upTo) == 0 || upTo[0].ID != message {
		return nil, false, nil
	}
	after, err := d.part(ctx, a, h, ">", "", at, message)
	if err != nil {
		return nil, false, err
	}
	half := shown / 2
	more = len(upTo) > half
	upTo, after = upTo[:min(half, len(upTo))], after[:min(half, len(after))]
	slices.Reverse(upTo)
	return append(upTo, after...), more, nil
}

// part reads one more than half of what is shown, on one side of a moment.
func (d *Desk) part(ctx context.Context, a actor.Actor, h head, than, dir string, at int64, message id.ID) ([]Message, error) {
	args := []any{a.Workspace, h.Account, h.ID}
	where := `r.conversation = $3`
	if h.Kind != Direct {
		args[2] = h.Thread
		where = `m.thread = $3 and m.direct = 0` + shownTo(a, h.Account, &args)
	}
	args = append(args, at, message)
	where += fmt.Sprintf(` and (m.at, m.id) %s ($%d, $%d) order by m.at%s, m.id%s limit %d`, than, len(args)-1, len(args), dir, dir, shown/2+1)
	return d.messages(ctx, a.Workspace, h.Account, where, args[2:]...)
}
