package conversation

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// longestRest is how long a conversation may rest: what comes back later than that
// belongs into a calendar.
const longestRest = 366 * 24 * time.Hour

// Snooze lets an open conversation rest until a time: it leaves the boxes of what is
// to be done and comes back by itself, or at once when they write again. Since when
// they wait does not change, and whoever answers it still does. Resting already, it
// rests until the new time.
func (d *Desk) Snooze(ctx context.Context, a actor.Actor, conversation id.ID, until time.Time) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		return d.snooze(ctx, tx, a, h, until)
	})
}

// snooze inside a transaction that has loaded h.
func (d *Desk) snooze(ctx context.Context, tx *db.Tx, a actor.Actor, h head, until time.Time) error {
	now := d.clock.Now()
	switch {
	case h.ClaimedBy != 0 && h.ClaimedBy != a.Member:
		return d.claimedByOther(ctx, tx, a, h)
	case h.State != Open:
		return problem.New(problem.Conflict, "conversation.snooze_done")
	case !until.After(now) || until.After(now.Add(longestRest)):
		return problem.New(problem.Invalid, "conversation.snooze_when").At("until")
	}
	if err := d.endSnooze(ctx, tx, a, h.ID, "again"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `insert into snooze (workspace, id, conversation, member, at, until, ended, ended_by, how)
		values ($1, $2, $3, $4, $5, $6, 0, 0, '')`, a.Workspace, d.ids.New(), h.ID, a.Member, db.Micros(now), db.Micros(until)); err != nil {
		return fmt.Errorf("letting a conversation rest: %w", err)
	}
	if _, err := tx.Exec(ctx, `update conversation set snoozed = $1 where workspace = $2 and id = $3`, db.Micros(until), a.Workspace, h.ID); err != nil {
		return fmt.Errorf("letting a conversation rest: %w", err)
	}
	d.log.Record(tx, a, event.Entry{Verb: "conversation.snoozed", Kind: "conversation", Subject: h.ID,
		Details: map[string]string{"account": h.Account.String(), "until": until.UTC().Format(time.RFC3339)}})
	return nil
}

// Wake brings back now what rests. What does not rest stays as it is.
func (d *Desk) Wake(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil || h.Snoozed.IsZero() {
			return err
		}
		if h.ClaimedBy != 0 && h.ClaimedBy != a.Member {
			return d.claimedByOther(ctx, tx, a, h)
		}
		if err := d.endSnooze(ctx, tx, a, h.ID, "woken"); err != nil {
			return err
		}
		d.record(tx, a, "conversation.woken", h.ID, h.Account)
		return nil
	})
}

// endSnooze ends the rest of a conversation, if it rests.
func (d *Desk) endSnooze(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, how string) error {
	n, err := tx.Exec(ctx, `update snooze set ended = $1, ended_by = $2, how = $3 where workspace = $4 and conversation = $5 and ended = 0`,
		db.Micros(d.clock.Now()), a.Member, how, a.Workspace, conversation)
	if err == nil && n > 0 {
		_, err = tx.Exec(ctx, `update conversation set snoozed = 0 where workspace = $1 and id = $2`, a.Workspace, conversation)
	}
	if err != nil {
		return fmt.Errorf("ending the rest of a conversation: %w", err)
	}
	return nil
}

// wakeAtOnce bounds a transaction that brings conversations back.
const wakeAtOnce = 200

// snoozeDue are the rests whose time has come.
const snoozeDue = `select conversation from snooze where workspace = $1 and ended = 0 and until <= $2 order by until limit $3`

// WakeDue brings back what has rested long enough, and returns how many that were;
// call it until that is 0. Only Parley itself does.
func (d *Desk) WakeDue(ctx context.Context, a actor.Actor) (int, error) {
	if a.System == "" {
		return 0, a.Require(actor.ManageTeam)
	}
	now := db.Micros(d.clock.Now())
	if due, err := ids(ctx, d.db.Read(), snoozeDue, a.Workspace, now, 1); err != nil || len(due) == 0 {
		return 0, err // most of the time there is nothing, and reading disturbs nobody
	}
	woken := 0
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		due, err := ids(ctx, tx, snoozeDue, a.Workspace, now, wakeAtOnce)
		if err != nil {
			return fmt.Errorf("looking who comes back: %w", err)
		}
		woken = 0
		for _, c := range due {
			h, err := d.load(ctx, tx, a, actor.Claim, c)
			if err != nil {
				return err
			}
			if h.Snoozed.IsZero() || h.Snoozed.After(d.clock.Now()) {
				continue // a member was quicker
			}
			if err := d.endSnooze(ctx, tx, a, h.ID, "came"); err != nil {
				return err
			}
			d.record(tx, a, "conversation.woken", h.ID, h.Account)
			woken++
		}
		return nil
	})
	return woken, err
}

// moveSnooze lets a conversation that becomes another rest only as long as both do:
// what is open in one of them is open.
func (d *Desk) moveSnooze(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		`update conversation set snoozed = case
			when state = 'done' then (select f.snoozed from conversation f where f.workspace = $2 and f.id = $3)
			when snoozed = 0 or exists (select 1 from conversation f where f.workspace = $2 and f.id = $3 and f.state = 'done') then snoozed
			else (select case when f.snoozed < conversation.snoozed then f.snoozed else conversation.snoozed end from conversation f where f.workspace = $2 and f.id = $3) end
			where workspace = $2 and id = $1`,
		`update snooze set ended = until, how = 'left' where workspace = $2 and conversation in ($1, $3) and ended = 0
			and until <> (select t.snoozed from conversation t where t.workspace = $2 and t.id = $1)`,
		`update snooze set ended = until, how = 'left' where workspace = $2 and conversation = $3 and ended = 0
			and exists (select 1 from snooze t where t.workspace = $2 and t.conversation = $1 and t.ended = 0)`,
		`update snooze set conversation = $1 where workspace = $2 and conversation = $3`,
	} {
		if _, err := tx.Exec(ctx, q, to, workspace, from); err != nil {
			return fmt.Errorf("moving what rests: %w", err)
		}
	}
	return nil
}
