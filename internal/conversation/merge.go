package conversation

import (
	"context"

	"parley/internal/db"
	"parley/internal/id"
)

// Move tells who carries answers out that a conversation is another one from now
// on, in the same transaction.
type Move func(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error

// mergeThreads makes one thread of two, once the message arrives that joins
// them. Two conversations of the same person and account become the older one.
func (d *Desk) mergeThreads(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	if from == to {
		return nil
	}
	const same = `select f.id, t.id from conversation f join conversation t
		on t.workspace = f.workspace and t.account = f.account and t.identity = f.identity and t.kind = f.kind and t.thread = $3
		where f.workspace = $1 and f.thread = $2`
	rows, err := tx.Query(ctx, same, workspace, from, to)
	if err != nil {
		return err
	}
	var pairs [][2]id.ID
	for rows.Next() {
		var p [2]id.ID
		if err := rows.Scan(&p[0], &p[1]); err != nil {
			rows.Close()
			return err
		}
		pairs = append(pairs, p)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, p := range pairs {
		if err := d.mergeConversations(ctx, tx, workspace, p[0], p[1]); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update conversation set thread = $1 where workspace = $2 and thread = $3`, to, workspace, from); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update message set thread = $1 where workspace = $2 and thread = $3`, to, workspace, from); err != nil {
		return err
	}
	// The name of the thread that ended now leads to the one that stays.
	_, err = tx.Exec(ctx, `delete from thread where workspace = $1 and id = $2`, workspace, from)
	return err
}

// mergeConversations moves everything that hangs on one conversation to another
// of the same person: also an answer that is on its way, and who is answering, so
// that nobody answers twice.
func (d *Desk) mergeConversations(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		// Who is about to answer it comes before or finds it gone.
		`update conversation set changed = changed where workspace = $2 and id in ($1, $3)`,
		`update reach set conversation = $1 where workspace = $2 and conversation = $3`,
		`update answer set conversation = $1 where workspace = $2 and conversation = $3`,
		`update response set conversation = $1 where workspace = $2 and conversation = $3`,
		`update urgent set ended = at where workspace = $2 and conversation = $3 and ended = 0 and exists (
			select 1 from urgent t where t.workspace = urgent.workspace and t.conversation = $1 and t.why = urgent.why and t.ended = 0)`,
		`update urgent set conversation = $1 where workspace = $2 and conversation = $3`,
		`update claim set ended = at, how = 'left' where workspace = $2 and conversation = $3 and ended = 0 and exists (
			select 1 from claim t where t.workspace = claim.workspace and t.conversation = $1 and t.ended = 0)`,
		`update claim set conversation = $1 where workspace = $2 and conversation = $3`,
	} {
		if _, err := tx.Exec(ctx, q, to, workspace, from); err != nil {
			return err
		}
	}
	if err := d.moveLabels(ctx, tx, workspace, from, to); err != nil {
		return err
	}
	if err := d.moveSnooze(ctx, tx, workspace, from, to); err != nil {
		return err
	}
	if err := moveBeside(ctx, tx, workspace, from, to); err != nil {
		return err
	}
	if d.move != nil {
		if err := d.move(ctx, tx, workspace, from, to); err != nil {
			return err
		}
	}
	const fold = `update conversation set
		waiting = case when waiting = 0 then f.w when f.w = 0 or f.w > waiting then waiting else f.w end,
		answered = case when f.a > answered then f.a else answered end,
		last_message = case when f.l > last_at then f.m else last_message end,
		lang = case when lang = '' or f.l > last_at and f.lg <> '' then f.lg else lang end,
		last_at = case when f.l > last_at then f.l else last_at end,
		state = case when f.s = 'open' then 'open' else state end,
		messages = messages + f.n,
		urgent = case when f.u > urgent then f.u else urgent end,
		claimed_at = case when claimed_by = 0 then f.ca else claimed_at end,
		claimed_by = case when claimed_by = 0 then f.cb else claimed_by end
		from (select waiting as w, answered as a, last_at as l, last_message as m, state as s, messages as n, urgent as u, lang as lg, claimed_by as cb, claimed_at as ca
			from conversation where workspace = $1 and id = $2) f
		where workspace = $1 and id = $3`
	if _, err := tx.Exec(ctx, fold, workspace, from, to); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `delete from conversation where workspace = $1 and id = $2`, workspace, from)
	return err
}
