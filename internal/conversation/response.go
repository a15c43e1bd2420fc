package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// ended is a waiting that words of ours may have ended.
type ended struct {
	since time.Time
	by    *incoming
}

// measured notes, before words of ours are counted in, whose waiting they may end.
// Of several answers the first one ends it.
func (t *talk) measured(m *incoming) {
	if t.waiting.IsZero() || len(t.ended) > 0 && t.ended[len(t.ended)-1].since.Equal(t.waiting) {
		return
	}
	t.ended = append(t.ended, ended{t.waiting, m})
}

// storeResponses keeps how long each waiting took that is over. One that goes on,
// because what came after our words or was not answered by them waits since the
// same moment, is none.
func (k *intake) storeResponses(ctx context.Context, talks map[place]*talk) error {
	var p *Promise
	for _, t := range talks {
		for _, e := range t.ended {
			if t.waiting.Equal(e.since) {
				continue
			}
			if p == nil {
				now, err := k.d.promise(ctx, k.tx, k.a.Workspace)
				if err != nil {
					return err
				}
				p = &now
			}
			at := e.by.Post.Created
			if at.Before(e.since) {
				at = e.since // clocks differ
			}
			if _, err := k.tx.Exec(ctx, `insert into response (workspace, id, conversation, message, waited, answered, open, due, elsewhere)
				values ($1, $2, $3, $4, $5, $6, $7, $8, 1) on conflict (workspace, conversation, message) do nothing`,
				k.a.Workspace, k.d.ids.New(), t.id, e.by.row.id, db.Micros(e.since), db.Micros(at),
				p.Office.Between(e.since, at).Microseconds(), db.Micros(p.Due(e.since))); err != nil {
				return err
			}
		}
	}
	return nil
}

// sentFromHere says of a response that it was written in Parley: the network's
// echo may have come before we knew.
func sentFromHere(ctx context.Context, tx *db.Tx, workspace, source id.ID, remote string) error {
	if _, err := tx.Exec(ctx, `update response set elsewhere = 0 where workspace = $1 and elsewhere = 1 and message in (
		select id from message where workspace = $1 and source = $2 and remote_id = $3)`, workspace, source, remote); err != nil {
		return fmt.Errorf("storing how long an answer took: %w", err)
	}
	return nil
}
