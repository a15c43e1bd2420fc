package conversation

import (
	"context"
	"time"

	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
)

// A network that tells one of our accounts that a message is gone may only mean
// that its author hides from that account. So it is gone for that account: nobody
// there waits for an answer to it. It is gone altogether once every account that
// it reached was told so, and back as soon as one of them sees it again.

// settled is how long after we were told that a message is gone a page may still
// bring it that was read before. What brings it later has seen it again; and a
// message that we never had then comes for the first time: a thread also tells of
// posts that its server has not indexed yet.
const settled = 15 * time.Minute

// seenAgain reports whether a message that was gone is there after all. gone is
// when this account was told so, here whether it had reached it, joins whether it
// does so now: then it is another account that was told, unless we wrote it.
func (k *intake) seenAgain(m *incoming, gone time.Time, here, joins bool) bool {
	switch {
	case !m.row.stored:
		return false
	case joins && !m.Own:
		return !m.row.gone.IsZero()
	case !here:
		gone = m.row.gone
	}
	return !gone.IsZero() && !k.now.Before(gone.Add(settled))
}

// restore takes back that messages are gone which this account sees again, and
// those that reached another account than the ones that were told so.
func (k *intake) restore(ctx context.Context) error {
	for _, m := range k.back {
		if _, err := k.tx.Exec(ctx, `update message set gone = 0 where workspace = $1 and id = $2 and gone > 0`, k.a.Workspace, m.row.id); err != nil {
			return err
		}
		if _, err := k.tx.Exec(ctx, `update reach set gone = 0 where workspace = $1 and message = $2 and account = $3 and gone > 0`,
			k.a.Workspace, m.row.id, k.in.Account); err != nil {
			return err
		}
		if err := k.rewaitFor(ctx, m.row.id); err != nil {
			return err
		}
		k.tell("message.back", m.row)
	}
	return nil
}

// rewaitFor lets wait again who does, unless a member has closed it meanwhile.
func (k *intake) rewaitFor(ctx context.Context, message id.ID) error {
	var conversation id.ID
	var state State
	var changed time.Time
	err := k.tx.Row(ctx, `select c.id, c.state, c.changed from reach r join conversation c on c.workspace = r.workspace and c.id = r.conversation
		where r.workspace = $1 and r.message = $2 and r.account = $3 and c.waiting = 0`, k.a.Workspace, message, k.in.Account).
		Scan(&conversation, &state, db.ScanTime(&changed))
	if db.NoRows(err) || err == nil && state != Open {
		return nil
	}
	if err != nil {
		return err
	}
	return k.d.rewait(ctx, k.tx, k.a.Workspace, conversation, changed.Add(time.Microsecond))
}

// bury marks what is gone on the network. The words stay for the members who
// answered them until retention or erasure takes them.
func (k *intake) bury(ctx context.Context) error {
	for _, g := range k.gone {
		r := k.known[g.ID]
		if r == nil {
			marks, err := k.d.salted(ctx, k.tx, k.a.Workspace)
			if err != nil {
				return err
			}
			if err := marks.addTo(ctx, k.tx, k.source, k.in.Account, g.ID, k.now.Add(settled)); err != nil {
				return err
			}
			continue
		}
		here, err := k.tx.Exec(ctx, `update reach set gone = $1 where workspace = $2 and message = $3 and account = $4 and gone = 0`,
			db.Micros(k.now), k.a.Workspace, r.id, k.in.Account)
		if err != nil {
			return err
		}
		everywhere, err := k.tx.Exec(ctx, `update message set gone = $1 where workspace = $2 and id = $3 and gone = 0 and not exists (
			select 1 from reach r where r.workspace = message.workspace and r.message = message.id and r.gone = 0)`, db.Micros(k.now), k.a.Workspace, r.id)
		if err != nil {
			return err
		}
		if here+everywhere == 0 {
			continue
		}
		if err := k.recountFor(ctx, r.id); err != nil {
			return err
		}
		k.tell("message.gone", r)
	}
	return nil
}

// recountFor looks who waits in this account's conversation of a message: nobody
// waits for an answer to words that were taken back.
func (k *intake) recountFor(ctx context.Context, message id.ID) error {
	var conversation id.ID
	err := k.tx.Row(ctx, `select conversation from reach where workspace = $1 and message = $2 and account = $3`,
		k.a.Workspace, message, k.in.Account).Scan(&conversation)
	if db.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = k.d.recount(ctx, k.tx, k.a.Workspace, conversation)
	return err
}

func (k *intake) tell(verb string, r *row) {
	k.d.log.Record(k.tx, k.a, event.Entry{Verb: verb, Kind: "thread", Subject: k.real(r.thread),
		Details: map[string]string{"message": r.id.String(), "account": k.in.Account.String()}})
}
