package db

import (
	"context"
	"fmt"
)

// Scrub makes what was deleted unreadable on the disk. SQLite: deleted bytes are
// overwritten when they are deleted (secure_delete), but copies of moved rows may
// stay in pages and in the log beside the file, so the file is rewritten and the
// log emptied; writing waits meanwhile (measured: docs/operations.md). PostgreSQL
// reclaims and overwrites in its own time; its vacuum is asked for.
func (d *DB) Scrub(ctx context.Context) error {
	statements := []string{`vacuum`}
	if d.dialect == SQLite {
		statements = []string{`pragma wal_checkpoint(truncate)`, `vacuum`, `pragma wal_checkpoint(truncate)`}
	}
	for _, s := range statements {
		if _, err := d.write.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("scrubbing the database: %w", err)
		}
	}
	return nil
}

// Checkpoint moves what is in SQLite's log into the file, so that the file alone
// is the database. On PostgreSQL there is nothing to do.
func (d *DB) Checkpoint(ctx context.Context) error {
	if d.dialect == Postgres {
		return nil
	}
	if _, err := d.write.ExecContext(ctx, `pragma wal_checkpoint(truncate)`); err != nil {
		return fmt.Errorf("emptying the log: %w", err)
	}
	return nil
}
