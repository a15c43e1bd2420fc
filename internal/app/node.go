package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/id"
)

// A node number makes the ids of this process its own. It is leased: a process
// that lost it, because it was frozen for longer than the lease, must stop.
const (
	nodeLease = 2 * time.Minute
	nodeBeat  = 20 * time.Second
)

var errNodeLost = errors.New("another process took this one's number while it was frozen; it stops so that no two rows get the same id")

// leaseNode takes the smallest free number.
func leaseNode(ctx context.Context, d *db.DB, c clock.Clock, owner string) (int, error) {
	for try := 0; try < 20; try++ {
		number := -1
		err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			now := c.Now()
			rows, err := tx.Query(ctx, `select number from node where lease >= $1`, db.Micros(now))
			if err != nil {
				return err
			}
			taken := map[int]bool{}
			for rows.Next() {
				var n int
				if err := rows.Scan(&n); err != nil {
					rows.Close()
					return err
				}
				taken[n] = true
			}
			if err := rows.Close(); err != nil {
				return err
			}
			for number = 0; taken[number]; number++ {
			}
			if number > id.MaxNode {
				return fmt.Errorf("all %d node numbers are in use", id.MaxNode+1)
			}
			n, err := tx.Exec(ctx, `insert into node (number, owner, lease, seen) values ($1, $2, $3, $4)
				on conflict (number) do update set owner = excluded.owner, lease = excluded.lease, seen = excluded.seen where node.lease < excluded.seen`,
				number, owner, db.Micros(now.Add(nodeLease)), db.Micros(now))
			if err == nil && n == 0 {
				number = -1 // another node was quicker; look again
			}
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("leasing a node number: %w", err)
		}
		if number >= 0 {
			return number, nil
		}
	}
	return 0, errors.New("leasing a node number: others were always quicker")
}

// keepNode renews the lease until ctx ends, then gives the number back.
func keepNode(ctx context.Context, d *db.DB, c clock.Clock, log *slog.Logger, owner string, number int) error {
	for clock.Sleep(ctx, c, nodeBeat) == nil {
		var n int64
		err := d.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			now := c.Now()
			n, err = tx.Exec(ctx, `update node set lease = $1, seen = $2 where number = $3 and owner = $4`,
				db.Micros(now.Add(nodeLease)), db.Micros(now), number, owner)
			return err
		})
		switch {
		case err != nil && ctx.Err() == nil:
			log.Warn("renewing the node number", "node", number, "err", err)
		case err == nil && n == 0:
			return errNodeLost
		}
	}
	return giveBackNode(context.WithoutCancel(ctx), d, owner, number)
}

// giveBackNode frees the number for the next process.
func giveBackNode(ctx context.Context, d *db.DB, owner string, number int) error {
	return d.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update node set lease = 0 where number = $1 and owner = $2`, number, owner)
		return err
	})
}
