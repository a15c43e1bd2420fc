package delivery

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
)

// Move carries the answers of a conversation over to the one it has become part
// of, inside the transaction that joins them. Nothing of what leaves changes.
//
// It waits for whoever works on one of them, while they may wait for what the
// caller holds. Only PostgreSQL can see that; it breaks one of the two off, and
// InTx runs it again.
func (d *Delivery) Move(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	if _, err := tx.Exec(ctx, `update delivery set subject = $1 where workspace = $2 and kind = $3 and subject = $4`,
		to, workspace, Reply, from); err != nil {
		return fmt.Errorf("moving answers to another conversation: %w", err)
	}
	return nil
}
