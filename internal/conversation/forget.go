package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// What members wrote beside a conversation goes where the conversation goes.

// forgetBeside removes it with a conversation that ends.
func forgetBeside(ctx context.Context, tx *db.Tx, workspace, conversation id.ID) error {
	const notes = ` in (select id from note where workspace = $1 and conversation = $2)`
	for _, q := range []string{
		`delete from claim_ask where workspace = $1 and conversation = $2`,
		`delete from reply_draft where workspace = $1 and conversation = $2`,
		`delete from handover where workspace = $1 and conversation = $2`,
		`delete from note_mention where workspace = $1 and note` + notes,
		`delete from note_version where workspace = $1 and note` + notes,
		`delete from note where workspace = $1 and conversation = $2`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, conversation); err != nil {
			return fmt.Errorf("removing what stands beside a conversation: %w", err)
		}
	}
	return nil
}

// moveBeside carries it over to the conversation that another one became.
func moveBeside(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		`update note set conversation = $1 where workspace = $2 and conversation = $3`,
		`update handover set ended = at, how = 'again' where workspace = $2 and conversation = $3 and ended = 0 and exists (
			select 1 from handover t where t.workspace = handover.workspace and t.conversation = $1 and t.ended = 0)`,
		`update claim_ask set ended = at, how = 'over' where workspace = $2 and conversation in ($1, $3) and ended = 0`,
		`update claim_ask set conversation = $1 where workspace = $2 and conversation = $3`,
		`update handover set conversation = $1 where workspace = $2 and conversation = $3`,
	} {
		if _, err := tx.Exec(ctx, q, to, workspace, from); err != nil {
			return fmt.Errorf("moving what stands beside a conversation: %w", err)
		}
	}
	return moveDrafts(ctx, tx, workspace, from, to)
}

// redactBeside takes somebody out of what members wrote beside the conversations
// of others.
func (d *Desk) redactBeside(ctx context.Context, tx *db.Tx, e Erased) error {
	for _, from := range []struct{ table, joined string }{
		{"note", "note n on n.workspace = x.workspace and n.id = x.id"},
		{"note_version", "note n on n.workspace = x.workspace and n.id = x.note"},
	} {
		condition, args := e.candidates("x.body", 2)
		rows, err := tx.Query(ctx, `select x.id, x.body, c.thread from `+from.table+` x join `+from.joined+`
			join conversation c on c.workspace = n.workspace and c.id = n.conversation
			where x.workspace = $1 and `+condition, append([]any{e.Workspace}, args...)...)
		if err != nil {
			return fmt.Errorf("looking for notes that name somebody: %w", err)
		}
		changed := map[id.ID]string{}
		for rows.Next() {
			var one, thread id.ID
			var body string
			if err := rows.Scan(&one, &body, &thread); err != nil {
				rows.Close()
				return fmt.Errorf("looking for notes that name somebody: %w", err)
			}
			if is := e.within(thread).Redact(body); is != body {
				changed[one] = is
			}
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for one, body := range changed {
			if _, err := tx.Exec(ctx, `update `+from.table+` set body = $1 where workspace = $2 and id = $3`, body, e.Workspace, one); err != nil {
				return fmt.Errorf("taking a name out of a note: %w", err)
			}
		}
	}
	return redactDrafts(ctx, tx, e)
}

// oldVersion holds for what a note said until longer ago than the workspace keeps
// what people said. The times are microseconds.
const oldVersion = ` from note_version where workspace = $1 and until < $2 - $3 * (select keep_days from workspace where id = $1)
	and exists (select 1 from workspace where id = $1 and keep_days > 0)`

// day is in microseconds.
const day = int64(24 * time.Hour / time.Microsecond)

func (d *Desk) anyOldVersion(ctx context.Context, workspace id.ID) (bool, error) {
	found, err := ids(ctx, d.db.Read(), `select id`+oldVersion+` limit 1`, workspace, db.Micros(d.clock.Now()), day)
	return len(found) > 0, err
}

// forgetVersions removes what notes said before, once its time is over.
func (d *Desk) forgetVersions(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if _, err := tx.Exec(ctx, `delete`+oldVersion, workspace, db.Micros(d.clock.Now()), day); err != nil {
		return fmt.Errorf("removing what notes said: %w", err)
	}
	return nil
}
