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
	watchAtOnce  = 100                 // messages, of as many conversations
	threadsAt    = 5
	threadsSince = 24 * time.Hour
)

// onDesk are messages of an account's newest conversations in one state, in the
// order of the list, so that its index finds them whatever else there is. SQLite
// takes a whole workspace for a few rows and would begin with all its messages:
// each table names the workspace of the one before, and the plus leaves messages
// no index but that of their id.
const onDesk = `select m.remote_id, m.version, m.url from (
		select workspace, id from conversation where workspace = $1 and account = $2 and state = $3 and kind <> 'item' and last_at > $4
		order by last_at desc limit $5) c
	join reach r on r.workspace = c.workspace and r.conversation = c.id and r.gone = 0
	join message m on +m.workspace = r.workspace and m.id = r.message and m.own = 0 and m.gone = 0 and m.at > $4
	order by m.at desc limit $5`

// orphans are messages whose parent has not arrived. What the index
// message_orphan promises is said in its words.
const orphans = `select m.remote_id, m.version, m.url from message m join reach r on r.workspace = m.workspace and r.message = m.id
	where m.workspace = $1 and r.account = $2 and r.gone = 0 and m.seen > $3 and m.parent <> '' and m.own = 0 and m.gone = 0 and m.direct = 0
	and m.parent <> '` + erasedParent + `'
	and not exists (select 1 from message p where p.workspace = m.workspace and p.source = m.source and p.remote_id = m.parent)
	order by m.seen desc limit $4`

// Watchlist names what account should look at again on the network: messages
// whose parent has not arrived, so that the thread can be read as it stands
// there, and, if all is set, those of conversations on the desk, for edits and
// deletions, the open ones first.
func (d *Desk) Watchlist(ctx context.Context, workspace, account id.ID, all bool) (look, threads []network.Ref, err error) {
	now := d.clock.Now()
	if threads, err = d.refs(ctx, orphans, workspace, account, db.Micros(now.Add(-threadsSince)), threadsAt); err != nil || !all {
		return nil, threads, err
	}
	for _, state := range []State{Open, Done} {
		if len(look) == watchAtOnce {
			break
		}
		more, err := d.refs(ctx, onDesk, workspace, account, string(state), db.Micros(now.Add(-watchFor)), watchAtOnce-len(look))
		if err != nil {
			return nil, nil, err
		}
		look = append(look, more...)
	}
	return look, threads, nil
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
