package conversation

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// TakeNext claims the conversation that should be answered next and tells which it
// is: urgent ones first, then who has waited longest, of those that nobody has, that
// were given to nobody else, and that the member may answer where answers can be
// sent; 0 if there is none. Two
// members who ask at once never get the same.
func (d *Desk) TakeNext(ctx context.Context, a actor.Actor) (next id.ID, err error) {
	for _, right := range []actor.Right{actor.ReadConversations, actor.Claim, actor.Reply} {
		if !a.CanSomewhere(right) {
			return 0, a.Require(right)
		}
	}
	err = d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		accounts, err := d.answering(ctx, tx, a)
		if err != nil || len(accounts) == 0 {
			return err
		}
		// Whoever is locked is just being taken or heard: others come first. If
		// there are no others, it is worth waiting for.
		for _, lock := range locksOf(tx.Dialect()) {
			if next, err = d.firstFree(ctx, tx, a, accounts, lock); err != nil || next != 0 {
				break
			}
		}
		if err != nil || next == 0 {
			return err
		}
		h, err := d.load(ctx, tx, a, actor.Claim, next)
		if err != nil {
			return err
		}
		return d.claim(ctx, tx, a, h)
	})
	return next, err
}

// locksOf is how to look, one after the other. SQLite has one writer.
func locksOf(d db.Dialect) []string {
	if d == db.Postgres {
		return []string{" for update of c skip locked", " for update of c"}
	}
	return []string{""}
}

// answering are the accounts that work and from which the actor may answer.
func (d *Desk) answering(ctx context.Context, q db.Queryer, a actor.Actor) ([]id.ID, error) {
	all, err := ids(ctx, q, `select id from account where workspace = $1 and state = 'connected'`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("reading from where one may answer: %w", err)
	}
	var may []id.ID
	for _, account := range all {
		s := scope(account)
		if a.Can(actor.ReadConversations, s) && a.Can(actor.Claim, s) && a.Can(actor.Reply, s) {
			may = append(may, account)
		}
	}
	return may, nil
}

// firstFree is the head of the list of who waits, without those that somebody has.
func (d *Desk) firstFree(ctx context.Context, tx *db.Tx, a actor.Actor, accounts []id.ID, lock string) (id.ID, error) {
	in, args := db.In(3, accounts)
	found, err := ids(ctx, tx, nextQuery(in)+lock, append([]any{a.Workspace, a.Member}, args...)...)
	if err != nil || len(found) == 0 {
		if err != nil {
			err = fmt.Errorf("looking who is next: %w", err)
		}
		return 0, err
	}
	return found[0], nil
}

// The plus keeps SQLite from an index of accounts, which would have to be sorted.
func nextQuery(in string) string {
	return `select c.id from conversation c where c.workspace = $1 and c.state = 'open' and c.waiting > 0 and c.snoozed = 0 and c.claimed_by = 0
		and c.kind <> 'item' and +c.account ` + in + `
		and not exists (select 1 from handover h where h.workspace = c.workspace and h.conversation = c.id and h.ended = 0 and h.to_member <> $2
			and not exists (select 1 from team_member t where t.workspace = h.workspace and t.team = h.to_team and t.member = $2 and t.removed = 0))
		order by ` + byTurn + `, c.id limit 1`
}
