package conversation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation/words"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Why a conversation is urgent: a sign in its words, or a member says so.
type Why string

const ByHand Why = "hand"

// Urgency is that a conversation is urgent.
type Urgency struct {
	Why    Why
	Member id.ID // who said so; 0: a rule
	At     time.Time
}

// byTurn is the order of who waits: urgent ones first, each by since when, as one
// number. Its words are those of the index conversation_waiting.
const byTurn = "(c.waiting - c.urgent * 9000000000000000)"

// ahead is by how much urgent ones stand before everybody else.
const ahead = 9000000000000000 * time.Microsecond

// turn is a row's place in that order.
func (r Row) turn() time.Time {
	if r.urgent {
		return r.Waiting.Add(-ahead)
	}
	return r.Waiting
}

// whys are all reasons, the most serious first.
func whys() []Why {
	all := []Why{}
	for _, s := range words.Signs() {
		all = append(all, Why(s))
	}
	return append(all, ByHand)
}

// MarkUrgent puts a conversation before all that are not.
func (d *Desk) MarkUrgent(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		if h.State != Open {
			return problem.New(problem.Conflict, "conversation.urgent_done")
		}
		marked, err := d.mark(ctx, tx, a.Workspace, h.ID, urgentMark{why: ByHand, member: a.Member})
		if err != nil || !marked {
			return err
		}
		d.record(tx, a, "conversation.urgent", h.ID, h.Account)
		return nil
	})
}

// NotUrgent takes it back, whoever or whatever said so. The words in which a rule
// found it mark it no more.
func (d *Desk) NotUrgent(ctx context.Context, a actor.Actor, conversation id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		ended, err := d.calm(ctx, tx, a, h.ID)
		if err != nil || !ended {
			return err
		}
		d.record(tx, a, "conversation.not_urgent", h.ID, h.Account)
		return nil
	})
}

// urgentMark is a mark about to be set.
type urgentMark struct {
	why     Why
	message id.ID
	member  id.ID
}

// mark sets one, unless the same stands there or these words have set it before.
func (d *Desk) mark(ctx context.Context, tx *db.Tx, workspace, conversation id.ID, m urgentMark) (bool, error) {
	n, err := tx.Exec(ctx, `insert into urgent (workspace, id, conversation, why, message, member, at, ended, ended_by)
		select $1, $2, $3, $4, $5, $6, $7, 0, 0 where not exists (select 1 from urgent u where u.workspace = $1 and u.conversation = $3
			and u.why = $4 and (u.ended = 0 or u.message = $5 and u.message > 0))`,
		workspace, d.ids.New(), conversation, string(m.why), m.message, m.member, db.Micros(d.clock.Now()))
	if err != nil {
		return false, fmt.Errorf("marking a conversation as urgent: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	if _, err := tx.Exec(ctx, `update conversation set urgent = 1 where workspace = $1 and id = $2`, workspace, conversation); err != nil {
		return false, fmt.Errorf("marking a conversation as urgent: %w", err)
	}
	return true, nil
}

// calm ends every mark of a conversation and reports whether there was one.
func (d *Desk) calm(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID) (bool, error) {
	n, err := tx.Exec(ctx, `update urgent set ended = $1, ended_by = $2 where workspace = $3 and conversation = $4 and ended = 0`,
		db.Micros(d.clock.Now()), a.Member, a.Workspace, conversation)
	if err != nil {
		return false, fmt.Errorf("ending that a conversation is urgent: %w", err)
	}
	if n == 0 {
		return false, nil
	}
	if _, err := tx.Exec(ctx, `update conversation set urgent = 0 where workspace = $1 and id = $2`, a.Workspace, conversation); err != nil {
		return false, fmt.Errorf("ending that a conversation is urgent: %w", err)
	}
	return true, nil
}

// urgencies are the open marks of some conversations, the most serious first.
func (d *Desk) urgencies(ctx context.Context, workspace id.ID, conversations []id.ID) (map[id.ID][]Urgency, error) {
	all := map[id.ID][]Urgency{}
	if len(conversations) == 0 {
		return all, nil
	}
	in, args := db.In(2, conversations)
	rows, err := d.db.Read().Query(ctx, `select conversation, why, member, at from urgent where workspace = $1 and ended = 0 and conversation `+in,
		append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading what is urgent: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c id.ID
		var u Urgency
		if err := rows.Scan(&c, &u.Why, &u.Member, db.ScanTime(&u.At)); err != nil {
			return nil, fmt.Errorf("reading what is urgent: %w", err)
		}
		all[c] = append(all[c], u)
	}
	order := whys()
	for _, us := range all {
		slices.SortFunc(us, func(a, b Urgency) int { return slices.Index(order, a.Why) - slices.Index(order, b.Why) })
	}
	return all, rows.Err()
}

// urgentRows says of each row why it is urgent.
func (d *Desk) urgentRows(ctx context.Context, workspace id.ID, rows []Row) error {
	var urgent []id.ID
	for _, r := range rows {
		if r.urgent {
			urgent = append(urgent, r.ID)
		}
	}
	all, err := d.urgencies(ctx, workspace, urgent)
	for i := range rows {
		rows[i].Urgent = all[rows[i].ID]
	}
	return err
}

// waits lets somebody wait because of a message, unless it only says thank you to
// somebody who has been heard already; and notes what cannot wait in it.
func (k *intake) waits(t *talk, m *incoming, since time.Time) {
	heard := !t.waiting.IsZero() || t.state == Done || !t.answered.IsZero()
	if m.thanks = heard && k.onlyThanks(m); m.thanks {
		return
	}
	t.waits(since)
	for _, s := range k.d.words.Urgent(m.Post.Warning + "\n" + m.Post.Text.Body) {
		t.urgent = append(t.urgent, urgentMark{why: Why(s), message: m.row.id})
	}
}

func (k *intake) onlyThanks(m *incoming) bool {
	return len(m.Post.Media) == 0 && m.Post.Warning == "" && k.d.words.OnlyThanks(m.Post.Text.Body)
}

// storeUrgent marks what cannot wait.
func (k *intake) storeUrgent(ctx context.Context, t *talk) error {
	for _, m := range t.urgent {
		if err := k.markByRule(ctx, t.id, m); err != nil {
			return err
		}
	}
	return nil
}

func (k *intake) markByRule(ctx context.Context, conversation id.ID, m urgentMark) error {
	marked, err := k.d.mark(ctx, k.tx, k.a.Workspace, conversation, m)
	if err != nil || !marked {
		return err
	}
	k.d.log.Record(k.tx, k.a, event.Entry{Verb: "conversation.urgent", Kind: "conversation", Subject: conversation,
		Details: map[string]string{"message": m.message.String(), "account": k.in.Account.String(), "why": string(m.why)}})
	return nil
}

// reconsider looks again at words that were edited: they may have become urgent, and
// thanks may have become a question.
func (k *intake) reconsider(ctx context.Context, m *incoming) error {
	if m.row.own != 0 || k.in.History {
		return nil
	}
	thanks, err := ids(ctx, k.tx, `select conversation from reach where workspace = $1 and message = $2 and thanks = 1`, k.a.Workspace, m.row.id)
	if err != nil {
		return err
	}
	if len(thanks) > 0 && !k.onlyThanks(m) {
		if err := k.waitsAfterAll(ctx, m, thanks); err != nil {
			return err
		}
	}
	signs := k.d.words.Urgent(m.Post.Warning + "\n" + m.Post.Text.Body)
	if len(signs) == 0 {
		return nil
	}
	open, err := ids(ctx, k.tx, `select c.id from reach r join conversation c on c.workspace = r.workspace and c.id = r.conversation
		where r.workspace = $1 and r.message = $2 and c.state = 'open' and c.waiting > 0`, k.a.Workspace, m.row.id)
	if err != nil {
		return err
	}
	for _, c := range open {
		for _, s := range signs {
			if err := k.markByRule(ctx, c, urgentMark{why: Why(s), message: m.row.id}); err != nil {
				return err
			}
		}
	}
	return nil
}

// waitsAfterAll lets wait from the edit on who had only said thank you before.
func (k *intake) waitsAfterAll(ctx context.Context, m *incoming, conversations []id.ID) error {
	in, args := db.In(3, conversations)
	if _, err := k.tx.Exec(ctx, `update reach set thanks = 0 where workspace = $1 and message = $2 and conversation `+in,
		append([]any{k.a.Workspace, m.row.id}, args...)...); err != nil {
		return err
	}
	_, err := k.tx.Exec(ctx, `update conversation set state = 'open', waiting = case when waiting = 0 or waiting > $2 then $2 else waiting end
		where workspace = $1 and id `+in, append([]any{k.a.Workspace, db.Micros(k.now)}, args...)...)
	return err
}
