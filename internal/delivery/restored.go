package delivery

import (
	"context"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/problem"
)

// Restored stops what was still to be sent when the archive was made from which
// this database was restored: the installation that made it may have gone on and
// sent it. Each becomes failed with that reason, so that a member looks before it
// is sent again. Requests of which nobody knew what became of them stay as they
// are: finding out is what happens to them anyway.
//
// It returns how many it stopped. Only Parley itself may ask for it.
func (d *Delivery) Restored(ctx context.Context, tx *db.Tx, a actor.Actor) (int, error) {
	if a.System == "" {
		return 0, problem.New(problem.Forbidden, "forbidden")
	}
	rows, err := loadAll(ctx, tx, `d.workspace = $1 and d.state in ('accepted', 'planned', 'sending') order by d.id`, a.Workspace)
	if err != nil {
		return 0, err
	}
	stopped := 0
	for _, seen := range rows {
		r, err := lock(ctx, tx, a.Workspace, seen.id)
		if err != nil {
			return stopped, err
		}
		if r.open != nil || !r.unsaid() {
			continue
		}
		d.fail(tx, &r, because(whyRestored))
		if err := save(ctx, tx, r); err != nil {
			return stopped, err
		}
		stopped++
	}
	return stopped, nil
}

// unsaid reports that a part of it is still to be sent.
func (r row) unsaid() bool {
	for _, p := range r.progress {
		if p != done {
			return true
		}
	}
	return r.state == Accepted
}
