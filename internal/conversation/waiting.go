package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
)

// rewait looks again since when somebody waits in a conversation. Waiting is
// who said something after our last words in it, since then; and whose words
// were older but had not reached us when that answer was given, since they did.
// However long we were away, they wait; what is older than the account and its
// recent days is not from then, but from the import, which makes nobody wait. What
// answers them by name ends it whenever it comes. What a program said, to us or for
// us, and what only says thank you, counts for nothing. Who began to wait before from is
// left out: a member finished that, or it never made anybody wait.
func (d *Desk) rewait(ctx context.Context, tx *db.Tx, workspace, conversation id.ID, from time.Time) error {
	given, err := d.lastGiven(ctx, tx, workspace, conversation)
	if err != nil {
		return err
	}
	const since = `select min(case when m.at > conversation.answered then m.at else m.seen end)
		from reach r join message m on m.workspace = r.workspace and m.id = r.message
		where r.workspace = conversation.workspace and r.conversation = conversation.id and m.own = 0 and m.quiet = 0 and r.thanks = 0 and m.gone = 0 and r.gone = 0
		and (m.at > conversation.answered and m.at >= $3
			or m.at <= conversation.answered and m.seen >= $3 and m.seen > $4 and m.at > $5 + (
				select a.created from account a where a.workspace = conversation.workspace and a.id = conversation.account))
		and not exists (select 1 from message o where o.workspace = m.workspace and o.source = m.source
			and o.parent = m.remote_id and o.parent <> '' and o.own = conversation.account and o.quiet = 0)`
	if _, err := tx.Exec(ctx, `update conversation set waiting = coalesce((`+since+`), 0) where workspace = $1 and id = $2`,
		workspace, conversation, db.Micros(from), db.Micros(given), -recent.Microseconds()); err != nil {
		return fmt.Errorf("looking who waits: %w", err)
	}
	return nil
}

// lastGiven is when we last knew all that had reached us and spoke: as a member
// pressed Send, or, for what was written elsewhere, as it came. What comes long
// after it was said, behind later words of ours, tells nothing of that.
func (d *Desk) lastGiven(ctx context.Context, tx *db.Tx, workspace, conversation id.ID) (at time.Time, err error) {
	err = tx.Row(ctx, `select coalesce(max(coalesce(a.at, m.seen)), 0) from reach r
		join message m on m.workspace = r.workspace and m.id = r.message
		join conversation c on c.workspace = r.workspace and c.id = r.conversation
		left join answer a on a.workspace = m.workspace and a.delivery = m.delivery
		where r.workspace = $1 and r.conversation = $2 and m.own <> 0 and m.quiet = 0 and (a.at is not null or m.at >= c.answered)`, workspace, conversation).Scan(db.ScanTime(&at))
	if err != nil {
		err = fmt.Errorf("looking when we last spoke: %w", err)
	}
	return at, err
}

// recount looks again at a conversation in which somebody waits, and tells since
// when somebody still does.
func (d *Desk) recount(ctx context.Context, tx *db.Tx, workspace, conversation id.ID) (waiting time.Time, err error) {
	const since = `select waiting from conversation where workspace = $1 and id = $2`
	if err := tx.Row(ctx, since, workspace, conversation).Scan(db.ScanTime(&waiting)); err != nil {
		return waiting, fmt.Errorf("reading who waits: %w", err)
	}
	if waiting.IsZero() {
		return waiting, nil
	}
	if err := d.rewait(ctx, tx, workspace, conversation, waiting); err != nil {
		return waiting, err
	}
	if err := tx.Row(ctx, since, workspace, conversation).Scan(db.ScanTime(&waiting)); err != nil {
		return waiting, fmt.Errorf("reading who still waits: %w", err)
	}
	return waiting, nil
}
