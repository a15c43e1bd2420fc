package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

const (
	watchFor     = 14 * 24 * time.Hour // messages older than this are looked at only when opened
	watchAtOnce  = 100
	threadsAt    = 5
	threadsSince = 24 * time.Hour
)

// Watchlist names what account should look at again on the network: messages of
// open conversations, for edits and deletions, and messages whose parent has not
// arrived, so that the thread can be read as it stands there.
func (d *Desk) Watchlist(ctx context.Context, workspace, account id.ID) (look, threads []network.Ref, err error) {
	now := d.clock.Now()
	const open = `select m.remote_id, m.version, m.url from conversation c
		join reach r on r.workspace = c.workspace and r.conversation = c.id
		join message m on m.workspace = r.workspace and m.id = r.message
		where c.workspace = $1 and c.account = $2 and c.kind <> 'item' and c.last_at > $3
		and m.own = 0 and m.gone = 0 and m.at > $3 order by c.state desc, m.at desc limit $4`
	if look, err = d.refs(ctx, open, workspace, account, db.Micros(now.Add(-watchFor)), watchAtOnce); err != nil {
		return nil, nil, err
	}
	const orphans = `select m.remote_id, m.version, m.url from message m join reach r on r.workspace = m.workspace and r.message = m.id
		where m.workspace = $1 and r.account = $2 and m.seen > $3 and m.parent <> '' and m.direct = 0 and m.own = 0 and m.gone = 0
		and not exists (select 1 from message p where p.workspace = m.workspace and p.source = m.source and p.remote_id = m.parent)
		order by m.seen desc limit $4`
	threads, err = d.refs(ctx, orphans, workspace, account, db.Micros(now.Add(-threadsSince)), threadsAt)
	return look, threads, err
}

func (d *Desk) refs(ctx context.Context, q string, args ...any) ([]network.Ref, error) {
	rows, err := d.db.Read().Query(ctx, q, args...)
	if err != nil {
		return nil, fmt.Errorf("listing what to look at again: %w", err)
	}
	defer rows.Close()
	var refs []network.Ref
	for rows.Next() {
		var r network.Ref
		if err := rows.Scan(&r.ID, &r.Version, &r.URL); err != nil {
			return nil, fmt.Errorf("listing what to look at again: %w", err)
		}
		refs = append(refs, r)
	}
	return refs, rows.Err()
}
