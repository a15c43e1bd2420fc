package conversation

import (
	"context"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// NoteOf keeps a note of a in a transaction of somebody else's verb.
func (d *Desk) NoteOf(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, words string) (id.ID, error) {
	h, err := d.load(ctx, tx, a, actor.Note, conversation)
	if err != nil {
		return 0, err
	}
	return d.addNote(ctx, tx, a, h, NoteIn{Text: words})
}
