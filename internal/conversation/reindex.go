package conversation

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
)

// reindexAtOnce bounds a transaction of Reindex.
const reindexAtOnce = 500

// Reindex makes the search index anew from the messages, in batches. It is for a
// database in which nobody works, such as one that was just restored: what
// arrives meanwhile could stand in the index twice. Stopped in the middle it
// leaves a part of the index; then start it again.
func (d *Desk) Reindex(ctx context.Context) error {
	// A contentless FTS5 table cannot be deleted from, only emptied (SQLite, FTS5
	// section 6.3).
	empty := `insert into message_search (message_search) values ('delete-all')`
	if d.db.Dialect() == db.Postgres {
		empty = `delete from message_search`
	}
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, empty)
		return err
	})
	if err != nil {
		return fmt.Errorf("emptying the search index: %w", err)
	}
	for after, more := id.ID(0), true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			after, more, err = d.reindexSome(ctx, tx, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("indexing messages: %w", err)
		}
	}
	return nil
}

// reindexSome indexes the messages after one, in the order of their ids, and
// returns the last it did and whether there may be more.
func (d *Desk) reindexSome(ctx context.Context, tx *db.Tx, after id.ID) (id.ID, bool, error) {
	rows, err := tx.Query(ctx, `select id, workspace, body from message where id > $1 order by id limit $2`, after, reindexAtOnce)
	if err != nil {
		return after, false, err
	}
	defer rows.Close()
	index := d.newIndex(tx, 0, reindexAtOnce)
	for rows.Next() {
		var body string
		if err := rows.Scan(&after, &index.workspace, &body); err != nil {
			return after, false, err
		}
		index.add(after, body)
	}
	if err := rows.Err(); err != nil {
		return after, false, err
	}
	// The connection answers one question at a time.
	if err := rows.Close(); err != nil {
		return after, false, err
	}
	return after, index.rows.Len() == reindexAtOnce, index.flush(ctx)
}
