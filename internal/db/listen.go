package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/stdlib"
)

// Listen calls got for every notification on a PostgreSQL channel until ctx ends
// or the connection breaks, whichever is first; the caller calls it again. It
// keeps one connection of the pool. On SQLite, where there is one process, it
// only waits for ctx.
func (d *DB) Listen(ctx context.Context, channel string, ready, got func()) error {
	if d.dialect == SQLite {
		ready()
		<-ctx.Done()
		return ctx.Err()
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		pg := c.(*stdlib.Conn).Conn()
		if _, err := pg.Exec(ctx, "listen "+channel); err != nil {
			return err
		}
		ready()
		for {
			if _, err := pg.WaitForNotification(ctx); err != nil {
				// The connection may be in the middle of an answer: close it
				// rather than give it back.
				pg.Close(context.WithoutCancel(ctx))
				return err
			}
			got()
		}
	})
	return fmt.Errorf("listening: %w", err)
}
