package conversation

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// SourceMoved follows an account to its new address, if nobody reads the old one
// any more: what is known by the old name is known by the new, so that an edit
// finds its message and what was erased does not come back. Where the new name
// is taken already, both stay as they are.
func (d *Desk) SourceMoved(ctx context.Context, tx *db.Tx, workspace id.ID, from, to network.Account) error {
	var source id.ID
	err := tx.Row(ctx, `update source set instance = $1 where workspace = $2 and network = $3 and instance = $4 and not exists (
		select 1 from source o where o.workspace = source.workspace and o.network = source.network and o.instance = $1) returning id`,
		to.Instance, workspace, from.Network, from.Instance).Scan(&source)
	if db.NoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("following a source to its new address: %w", err)
	}
	// Who writes under the name of the account moves with it.
	if _, err := tx.Exec(ctx, `update identity set remote_id = $1 where workspace = $2 and source = $3 and remote_id = $4 and not exists (
		select 1 from identity o where o.workspace = identity.workspace and o.source = identity.source and o.remote_id = $1)`,
		to.RemoteID, workspace, source, from.RemoteID); err != nil {
		return fmt.Errorf("following a source to its new address: %w", err)
	}
	tx.AfterCommit(func() {
		d.sources.mu.Lock()
		defer d.sources.mu.Unlock()
		delete(d.sources.m, sourceKey{workspace, from.Network, from.Instance})
	})
	return nil
}
