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

// patience is how long who is asked for a conversation may leave that unanswered.
const patience = 5 * time.Minute

// Ask is that a member asks who answers a conversation to give it to them.
type Ask struct {
	ID     id.ID
	Member id.ID
	By     string // who asks
	At     time.Time
	Due    bool // it was left unanswered for so long that it may be taken
}

// AskFor asks who answers a conversation for it. What nobody answers is simply claimed.
func (d *Desk) AskFor(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		if h.ClaimedBy == 0 || h.ClaimedBy == a.Member {
			return d.claim(ctx, tx, a, h)
		}
		open, err := d.asked(ctx, tx, a.Workspace, h.ID)
		if err != nil {
			return err
		}
		if open != nil && open.Member != a.Member {
			return problem.New(problem.Conflict, "conversation.asked_already", "name", open.By)
		}
		if open != nil {
			return nil
		}
		if _, err := tx.Exec(ctx, `insert into claim_ask (workspace, id, conversation, member, holder, at, ended, ended_by, how)
			values ($1, $2, $3, $4, $5, $6, 0, 0, '')`, a.Workspace, d.ids.New(), h.ID, a.Member, h.ClaimedBy, db.Micros(d.clock.Now())); err != nil {
			return fmt.Errorf("asking for a conversation: %w", err)
		}
		d.recordAsk(tx, a, "claim.asked", h, a.Member)
		return nil
	})
}

// GiveClaim gives a conversation that one answers to who asked for it.
func (d *Desk) GiveClaim(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.reacts(ctx, a, conversation, func(ctx context.Context, tx *db.Tx, h head, open Ask) error {
		all, err := d.colleagues(ctx, tx, a.Workspace)
		if err != nil {
			return err
		}
		asker := found(all, open.Member)
		if asker == nil || !asker.Actor.Can(actor.Claim, scope(h.Account)) {
			if err := d.endAsk(ctx, tx, a, h.ID, "over"); err != nil {
				return err
			}
			d.recordAsk(tx, a, "claim.kept", h, open.Member)
			return nil
		}
		return d.passOn(ctx, tx, a, h, asker.Actor, "given")
	})
}

// KeepClaim says that one goes on answering what somebody asked for.
func (d *Desk) KeepClaim(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.reacts(ctx, a, conversation, func(ctx context.Context, tx *db.Tx, h head, open Ask) error {
		if err := d.endAsk(ctx, tx, a, h.ID, "kept"); err != nil {
			return err
		}
		d.recordAsk(tx, a, "claim.kept", h, open.Member)
		return nil
	})
}

// reacts runs what the holder of a claim does about being asked for it.
func (d *Desk) reacts(ctx context.Context, a actor.Actor, conversation id.ID, fn func(context.Context, *db.Tx, head, Ask) error) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		open, err := d.asked(ctx, tx, a.Workspace, h.ID)
		if err != nil {
			return err
		}
		if open == nil || h.ClaimedBy != a.Member {
			return problem.New(problem.Conflict, "conversation.not_asked")
		}
		return fn(ctx, tx, h, *open)
	})
}

// TakeClaim takes what one has asked for and nobody has said anything about for
// five minutes, unless an answer is under way.
func (d *Desk) TakeClaim(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		open, err := d.asked(ctx, tx, a.Workspace, h.ID)
		if err != nil {
			return err
		}
		if open == nil || open.Member != a.Member {
			return problem.New(problem.Conflict, "conversation.ask_first")
		}
		busy, err := d.busy(ctx, tx, a.Workspace, h.ID)
		if err != nil {
			return err
		}
		if busy || !open.Due {
			return problem.New(problem.Conflict, "conversation.wait_for_it")
		}
		return d.passOn(ctx, tx, a, h, a, "asked")
	})
}

// passOn ends the claim of h and makes another one in the same moment, so that
// there is none in which a third could have it.
func (d *Desk) passOn(ctx context.Context, tx *db.Tx, a actor.Actor, h head, to actor.Actor, how string) error {
	ask := map[string]string{"given": "given", "asked": "taken"}[how]
	if err := d.endAsk(ctx, tx, a, h.ID, ask); err != nil {
		return err
	}
	if err := d.unclaim(ctx, tx, a, h, how); err != nil {
		return err
	}
	h.ClaimedBy = 0
	return d.claim(ctx, tx, to, h)
}

// asked is the open question for a conversation; nil: nobody asks.
func (d *Desk) asked(ctx context.Context, q db.Queryer, workspace, conversation id.ID) (*Ask, error) {
	var one Ask
	err := q.Row(ctx, `select k.id, k.member, m.name, k.at from claim_ask k join member m on m.workspace = k.workspace and m.id = k.member
		where k.workspace = $1 and k.conversation = $2 and k.ended = 0`, workspace, conversation).Scan(&one.ID, &one.Member, &one.By, db.ScanTime(&one.At))
	if db.NoRows(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading who asks for a conversation: %w", err)
	}
	one.Due = !d.clock.Now().Before(one.At.Add(patience))
	return &one, nil
}

// endAsk ends the open question, if there is one.
func (d *Desk) endAsk(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, how string) error {
	if _, err := tx.Exec(ctx, `update claim_ask set ended = $1, ended_by = $2, how = $3 where workspace = $4 and conversation = $5 and ended = 0`,
		db.Micros(d.clock.Now()), a.Member, how, a.Workspace, conversation); err != nil {
		return fmt.Errorf("ending a question for a conversation: %w", err)
	}
	return nil
}

// recordAsk names who asks and who holds, so that each can be told.
func (d *Desk) recordAsk(tx *db.Tx, a actor.Actor, verb string, h head, asker id.ID) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "conversation", Subject: h.ID,
		Details: map[string]string{"account": h.Account.String(), "member": asker.String(), "holder": h.ClaimedBy.String()}})
}
