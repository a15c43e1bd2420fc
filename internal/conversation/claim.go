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

// head is the part of a conversation that verbs decide by.
type head struct {
	ID        id.ID
	Account   id.ID
	Identity  id.ID
	Thread    id.ID
	Kind      Kind
	State     State
	Waiting   time.Time
	ClaimedBy id.ID
	ClaimedAt time.Time
	Changed   time.Time // when it was last closed or reopened
	Snoozed   time.Time // until when it rests; zero: it does not
}

const headColumns = `id, account, identity, thread, kind, state, waiting, claimed_by, claimed_at, changed, snoozed`

// load reads a conversation's head; in a transaction on PostgreSQL it also
// locks the row, so that two members who act at once act one after the other.
// SQLite has one writer and knows no "for update".
func (d *Desk) load(ctx context.Context, q db.Queryer, a actor.Actor, right actor.Right, conversation id.ID) (head, error) {
	text := `select ` + headColumns + ` from conversation where workspace = $1 and id = $2`
	if tx, ok := q.(*db.Tx); ok && tx.Dialect() == db.Postgres {
		text += ` for update`
	}
	var h head
	err := q.Row(ctx, text, a.Workspace, conversation).Scan(&h.ID, &h.Account, &h.Identity, &h.Thread, &h.Kind, &h.State,
		db.ScanTime(&h.Waiting), &h.ClaimedBy, db.ScanTime(&h.ClaimedAt), db.ScanTime(&h.Changed), db.ScanTime(&h.Snoozed))
	if db.NoRows(err) {
		return h, problem.New(problem.NotFound, "conversation.not_found")
	}
	if err != nil {
		return h, fmt.Errorf("reading a conversation: %w", err)
	}
	if !a.Can(actor.ReadConversations, scope(h.Account)) {
		return h, problem.New(problem.NotFound, "conversation.not_found")
	}
	return h, a.Require(right, scope(h.Account))
}

// Claim says "I am answering this". Claiming what is already mine changes
// nothing; what somebody else answers is refused with their name.
func (d *Desk) Claim(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		return d.claim(ctx, tx, a, h)
	})
}

// claim inside a transaction that has loaded h.
func (d *Desk) claim(ctx context.Context, tx *db.Tx, a actor.Actor, h head) error {
	if h.ClaimedBy == a.Member {
		return nil
	}
	if h.ClaimedBy != 0 {
		return d.claimedByOther(ctx, tx, a, h)
	}
	now := d.clock.Now()
	claim := d.ids.New()
	if _, err := tx.Exec(ctx, `insert into claim (workspace, id, conversation, member, at, ended, ended_by, how)
		values ($1, $2, $3, $4, $5, 0, 0, '')`, a.Workspace, claim, h.ID, a.Member, db.Micros(now)); err != nil {
		return fmt.Errorf("claiming: %w", err)
	}
	if _, err := tx.Exec(ctx, `update conversation set claimed_by = $1, claimed_at = $2 where workspace = $3 and id = $4`,
		a.Member, db.Micros(now), a.Workspace, h.ID); err != nil {
		return fmt.Errorf("claiming: %w", err)
	}
	d.record(tx, a, "conversation.claimed", h.ID, h.Account)
	return d.endHandover(ctx, tx, a, h.ID, "claimed")
}

func (d *Desk) claimedByOther(ctx context.Context, q db.Queryer, a actor.Actor, h head) error {
	var name string
	if err := q.Row(ctx, `select name from member where workspace = $1 and id = $2`, a.Workspace, h.ClaimedBy).Scan(&name); err != nil && !db.NoRows(err) {
		return fmt.Errorf("reading who answers: %w", err)
	}
	return problem.New(problem.Conflict, "conversation.claimed", "name", name)
}

// Release hands a claim back. A steward may take it from somebody who left it
// lying; the record says who did.
func (d *Desk) Release(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		if h.ClaimedBy == 0 {
			return nil
		}
		how := "released"
		if h.ClaimedBy != a.Member {
			if err := a.Require(actor.ManageTeam); err != nil {
				return d.claimedByOther(ctx, tx, a, h)
			}
			how = "taken"
		}
		if err := d.unclaim(ctx, tx, a, h, how); err != nil {
			return err
		}
		d.record(tx, a, "conversation.released", h.ID, h.Account)
		return nil
	})
}

// unclaim ends the open claim, if there is one.
func (d *Desk) unclaim(ctx context.Context, tx *db.Tx, a actor.Actor, h head, how string) error {
	if h.ClaimedBy == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `update claim set ended = $1, ended_by = $2, how = $3 where workspace = $4 and conversation = $5 and ended = 0`,
		db.Micros(d.clock.Now()), a.Member, how, a.Workspace, h.ID); err != nil {
		return fmt.Errorf("ending a claim: %w", err)
	}
	if _, err := tx.Exec(ctx, `update conversation set claimed_by = 0, claimed_at = 0 where workspace = $1 and id = $2`, a.Workspace, h.ID); err != nil {
		return fmt.Errorf("ending a claim: %w", err)
	}
	return d.endAsk(ctx, tx, a, h.ID, "over")
}

// ReleaseDeparted hands back what members hold, or were given, who have left the
// workspace, and drops what they had begun to write.
func (d *Desk) ReleaseDeparted(ctx context.Context, a actor.Actor) error {
	if a.System == "" {
		return a.Require(actor.ManageTeam)
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := d.forgetViews(ctx, tx, a.Workspace); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select c.id, c.account, c.claimed_by from conversation c
			join member m on m.workspace = c.workspace and m.id = c.claimed_by
			where c.workspace = $1 and c.claimed_by > 0 and m.departed > 0`, a.Workspace)
		if err != nil {
			return fmt.Errorf("reading what departed members hold: %w", err)
		}
		var held []head
		for rows.Next() {
			var h head
			if err := rows.Scan(&h.ID, &h.Account, &h.ClaimedBy); err != nil {
				rows.Close()
				return fmt.Errorf("reading what departed members hold: %w", err)
			}
			held = append(held, h)
		}
		if err := rows.Close(); err != nil {
			return err
		}
		for _, h := range held {
			if err := d.unclaim(ctx, tx, a, h, "left"); err != nil {
				return err
			}
			d.record(tx, a, "conversation.released", h.ID, h.Account)
		}
		if err := dropDeparted(ctx, tx, a.Workspace); err != nil {
			return err
		}
		return d.endDeparted(ctx, tx, a)
	})
}

// Finish says that a conversation needs no answer, or no more. What is said in
// it later opens it again.
func (d *Desk) Finish(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.setState(ctx, a, conversation, Done, "conversation.finished")
}

// Reopen takes Finish back.
func (d *Desk) Reopen(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.setState(ctx, a, conversation, Open, "conversation.reopened")
}

func (d *Desk) setState(ctx context.Context, a actor.Actor, conversation id.ID, to State, verb string) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		return d.turn(ctx, tx, a, h, to, verb)
	})
}

// turn inside a transaction that has loaded h.
func (d *Desk) turn(ctx context.Context, tx *db.Tx, a actor.Actor, h head, to State, verb string) error {
	if h.ClaimedBy != 0 && h.ClaimedBy != a.Member {
		return d.claimedByOther(ctx, tx, a, h)
	}
	if h.State == to {
		return nil
	}
	if err := d.unclaim(ctx, tx, a, h, "done"); err != nil {
		return err
	}
	if err := d.endHandover(ctx, tx, a, h.ID, "done"); err != nil {
		return err
	}
	if err := d.endSnooze(ctx, tx, a, h.ID, "done"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `update conversation set state = $1, changed = $2, waiting = 0 where workspace = $3 and id = $4`,
		string(to), db.Micros(d.clock.Now()), a.Workspace, h.ID); err != nil {
		return fmt.Errorf("changing a conversation's state: %w", err)
	}
	if to == Done {
		if _, err := d.calm(ctx, tx, a, h.ID); err != nil {
			return err
		}
	}
	if to == Open {
		if err := d.rewait(ctx, tx, a.Workspace, h.ID, time.Time{}); err != nil {
			return err
		}
	}
	d.record(tx, a, verb, h.ID, h.Account)
	return nil
}

func (d *Desk) record(tx *db.Tx, a actor.Actor, verb string, conversation, account id.ID) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "conversation", Subject: conversation,
		Details: map[string]string{"account": account.String()}})
}
