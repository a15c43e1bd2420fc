package conversation

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// everybody are the visibilities of what is shown to whoever reads the thread; a
// network without visibilities says "". Anything else was said to some of our
// accounts only, and one of them is not told what another was.
const everybody = `('', 'public', 'unlisted')`

// readable are the accounts whose conversations the actor may read; all reports
// every one.
func readable(a actor.Actor) (accounts []id.ID, all bool) {
	scopes, all := a.Scopes(actor.ReadConversations)
	for _, s := range scopes {
		if s.Kind == "account" {
			accounts = append(accounts, s.ID)
		}
	}
	return accounts, all
}

// shownTo limits the messages m of a thread to what was said to everybody, to
// accounts that the actor may read or by them. One that it may read is own.
func shownTo(a actor.Actor, own id.ID, args *[]any) string {
	accounts, all := readable(a)
	if all {
		return ""
	}
	in, more := db.In(len(*args)+1, append(accounts, own))
	*args = append(*args, more...)
	return ` and (m.visibility in ` + everybody + ` or m.own ` + in + ` or exists (select 1 from reach s
		where s.workspace = m.workspace and s.message = m.id and s.account ` + in + `))`
}

// mayRead: a message is seen by whoever may read an account it reached or that
// wrote it, and, if it was said to everybody, a conversation in its thread.
func (d *Desk) mayRead(ctx context.Context, a actor.Actor, message id.ID) error {
	rows, err := d.db.Read().Query(ctx, `select account from reach where workspace = $1 and message = $2
		union select own from message where workspace = $1 and id = $2 and own <> 0
		union select c.account from message m join conversation c on c.workspace = m.workspace and c.thread = m.thread
			where m.workspace = $1 and m.id = $2 and m.direct = 0 and m.visibility in `+everybody, a.Workspace, message)
	if err != nil {
		return fmt.Errorf("reading who may see a message: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account id.ID
		if err := rows.Scan(&account); err != nil {
			return fmt.Errorf("reading who may see a message: %w", err)
		}
		if a.Can(actor.ReadConversations, scope(account)) {
			return nil
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading who may see a message: %w", err)
	}
	return problem.New(problem.NotFound, "conversation.not_found")
}
