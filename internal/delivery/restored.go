package delivery

import (
	"context"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/network"
	"parley/internal/problem"
)

// Restored stops what was still to be sent when the archive was made from which
// this database was restored: the installation that made it may have gone on and
// sent it, or given it up. Each becomes failed with that reason, so that a member
// looks before it is sent again. A post of which nobody knew what became of it is
// looked for, as always; but what is not there, and what comes after it, waits
// for a member too.
//
// It returns how many it stopped. Only Parley itself may ask for it.
func (d *Delivery) Restored(ctx context.Context, tx *db.Tx, a actor.Actor) (int, error) {
	if a.System == "" {
		return 0, problem.New(problem.Forbidden, "forbidden")
	}
	rows, err := loadAll(ctx, tx, `d.workspace = $1 and d.looking = 0 and d.state in ('accepted', 'planned', 'sending', 'unknown') order by d.id`, a.Workspace)
	if err != nil {
		return 0, err
	}
	stopped := 0
	for _, seen := range rows {
		r, err := lock(ctx, tx, a.Workspace, seen.id)
		if err != nil {
			return stopped, err
		}
		r.looking = true
		if o := r.open; o != nil && r.plan.Steps[o.step].Kind == network.Upload {
			// What the network has of it is attached to nothing.
			if err := closeAttempt(ctx, tx, r, *o, outcomeAbandoned, d.clock.Now()); err != nil {
				return stopped, err
			}
			r.open = nil
		}
		if next(r, r.due).kind == moveStop {
			d.fail(tx, &r, because(whyRestored))
			stopped++
		}
		if err := save(ctx, tx, r); err != nil {
			return stopped, err
		}
	}
	return stopped, nil
}
