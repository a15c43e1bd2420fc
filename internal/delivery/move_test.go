package delivery

import (
	"context"
	"testing"

	"parley/internal/db"
	"parley/internal/id"
)

// A conversation becomes part of another while an answer in it is on its way.
func TestAnswersMoveWithTheirConversation(t *testing.T) {
	t.Parallel()
	k := newDesk(t)
	ctx := context.Background()
	const to, elsewhere id.ID = 77, 9
	one := k.reply(t, 1)
	move := func(w, from, to id.ID) {
		must(t, k.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return k.plain().Move(ctx, tx, w, from, to) }))
	}
	move(elsewhere, talk, to)
	move(workspace, to, talk+1)
	if r := k.get(t, one); r.Subject != talk {
		t.Fatalf("it belongs to %v, and nothing of it was moved", r.Subject)
	}
	move(workspace, talk, to)
	there, err := k.plain().Of(ctx, ana(), Reply, to)
	must(t, err)
	here, err := k.plain().Of(ctx, ana(), Reply, talk)
	must(t, err)
	if len(there) != 1 || there[0].ID != one || len(here) != 0 {
		t.Errorf("%d deliveries there and %d here, want 1 and 0", len(there), len(here))
	}
	if r := k.settle(t, one); r.State != Sent || r.Subject != to {
		t.Errorf("it ended as %s of %v", r.State, r.Subject)
	}
}
