package conversation

import (
	"context"
	"fmt"
	"slices"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// Bulk is what became of many conversations at once.
type Bulk struct {
	Done    []id.ID // also those of which it was true already
	Skipped []Skipped
}

// Skipped is a conversation that was left as it is, and why.
type Skipped struct {
	Conversation id.ID
	Why          *problem.Problem
}

// bulkMost is how many conversations one act takes: those who write meanwhile do
// not wait long behind it.
const bulkMost = 200

// FinishMany says of up to 200 conversations that they need no answer. They are done
// together or, if anything fails, not at all; what somebody else is answering is left.
func (d *Desk) FinishMany(ctx context.Context, a actor.Actor, conversations []id.ID) (Bulk, error) {
	return d.many(ctx, a, conversations, func(ctx context.Context, tx *db.Tx, h head) error {
		return d.turn(ctx, tx, a, h, Done, "conversation.finished")
	})
}

// LabelMany puts a label on up to 200 conversations, or takes it off them, together
// or not at all. A conversation that has too many is left.
func (d *Desk) LabelMany(ctx context.Context, a actor.Actor, label id.ID, on bool, conversations []id.ID) (Bulk, error) {
	var l Label
	return d.many(ctx, a, conversations, func(ctx context.Context, tx *db.Tx, h head) (err error) {
		if l.ID == 0 {
			if l, err = loadLabel(ctx, tx, a.Workspace, label); err != nil {
				return whole{err}
			}
			if on && !l.Retired.IsZero() {
				return whole{problem.New(problem.Conflict, "conversation.label_retired", "name", l.Name)}
			}
		}
		if on {
			_, err = d.putLabel(ctx, tx, a, h, l)
		} else {
			_, err = d.takeLabel(ctx, tx, a, h, l)
		}
		return err
	})
}

// whole is a refusal of everything rather than of one conversation.
type whole struct{ error }

func (w whole) Unwrap() error { return w.error }

// many does one thing to each in one transaction. Who is refused as a conflict, or
// is not found, is skipped; anything else ends it all.
func (d *Desk) many(ctx context.Context, a actor.Actor, conversations []id.ID, do func(context.Context, *db.Tx, head) error) (Bulk, error) {
	if !a.CanSomewhere(actor.Claim) {
		return Bulk{}, a.Require(actor.Claim)
	}
	// One order for everybody: two who act at once never wait for each other in a circle.
	conversations = slices.Compact(slices.Sorted(slices.Values(conversations)))
	if len(conversations) == 0 || len(conversations) > bulkMost {
		return Bulk{}, problem.New(problem.Invalid, "conversation.bulk_many", "max", bulkMost).At("conversations")
	}
	var b Bulk
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		b = Bulk{}
		for _, c := range conversations {
			h, err := d.load(ctx, tx, a, actor.Claim, c)
			if err == nil {
				err = do(ctx, tx, h)
			}
			p := problem.Of(err)
			_, all := err.(whole)
			switch {
			case err == nil:
				b.Done = append(b.Done, c)
			case !all && (p.Kind == problem.Conflict || p.Kind == problem.NotFound || p.Kind == problem.Forbidden):
				b.Skipped = append(b.Skipped, Skipped{c, p})
			default:
				return err
			}
		}
		if len(b.Done) == 0 && len(b.Skipped) == 1 {
			return b.Skipped[0].Why // one is refused as it always is
		}
		return nil
	})
	if err != nil {
		return Bulk{}, err
	}
	return b, nil
}

// Post is something of ours with what is under it.
type Post struct {
	Message Message
	Rows    []Row
	Open    int      // how many under it are open; counting stops at 1,000
	Next    Standing // zero: there are no more
}

// Standing is where a page of what is under a post ended: the open ones come first,
// the newest of them first.
type Standing struct {
	State State
	Place
}

// underPage is how many are shown at once.
const underPage = 50

// Under reads what is under a post of ours: one page of its conversations.
func (d *Desk) Under(ctx context.Context, a actor.Actor, message id.ID, only State, after Standing) (Post, error) {
	m, err := d.postOf(ctx, a, message)
	if err != nil {
		return Post{}, err
	}
	p := Post{Message: m}
	args := []any{a.Workspace}
	where := under(a, m.Thread, only, after, &args)
	if p.Rows, err = d.rows(ctx, a, where, underOrder, append(args, underPage+1)); err != nil {
		return p, err
	}
	if len(p.Rows) > underPage {
		p.Rows = p.Rows[:underPage]
		last := p.Rows[underPage-1]
		p.Next = Standing{last.State, Place{At: last.Last, ID: last.ID}}
	}
	args = []any{a.Workspace}
	where = under(a, m.Thread, Open, Standing{}, &args)
	err = d.db.Read().Row(ctx, `select count(*) from (select 1 as one from conversation c where c.workspace = $1 and `+where+` limit 1000) x`, args...).Scan(&p.Open)
	if err != nil {
		err = fmt.Errorf("counting what is under a post: %w", err)
	}
	return p, err
}

// underOrder is the index of conversations by thread, from its end: open comes
// after done.
const underOrder = "c.state desc, c.last_at desc, c.id desc"

// under are the conditions of what is under a post, as far as the actor may read it.
func under(a actor.Actor, thread id.ID, only State, after Standing, args *[]any) string {
	arg := func(v any) string {
		*args = append(*args, v)
		return fmt.Sprintf("$%d", len(*args))
	}
	where := "c.thread = " + arg(thread) + " and c.kind = 'public'"
	if only != "" {
		where += " and c.state = " + arg(string(only))
	}
	if accounts, all := readable(a); !all {
		in, more := db.In(len(*args)+1, append(accounts, 0))
		*args = append(*args, more...)
		where += " and +c.account " + in
	}
	if after.ID != 0 {
		where += fmt.Sprintf(" and (c.state, c.last_at, c.id) < (%s, %s, %s)", arg(string(after.State)), arg(db.Micros(after.At)), arg(after.ID))
	}
	return where
}

// postOf reads a post of ours that began a thread; what others began is none.
func (d *Desk) postOf(ctx context.Context, a actor.Actor, message id.ID) (Message, error) {
	ms, err := d.messages(ctx, a.Workspace, 0, `m.id = $3 and m.own <> 0 and m.direct = 0 and exists (select 1 from thread t
		where t.workspace = m.workspace and t.id = m.thread and t.source = m.source and t.root = m.remote_id)`, message)
	if err != nil {
		return Message{}, err
	}
	if len(ms) == 0 || !a.Can(actor.ReadConversations, scope(ms[0].Own)) {
		return Message{}, problem.New(problem.NotFound, "conversation.no_post")
	}
	return ms[0], nil
}

// postAbove is the post of ours under which a thread stands; 0: none of ours.
func (d *Desk) postAbove(ctx context.Context, workspace, thread id.ID) (post id.ID, err error) {
	err = d.db.Read().Row(ctx, `select m.id from thread t join message m on m.workspace = t.workspace and m.source = t.source and m.remote_id = t.root
		where t.workspace = $1 and t.id = $2 and m.own <> 0 and m.direct = 0`, workspace, thread).Scan(&post)
	if db.NoRows(err) {
		return 0, nil
	}
	if err != nil {
		err = fmt.Errorf("looking whose post is answered: %w", err)
	}
	return post, err
}

// NextUnder is the next one under a post that is open and that nobody else is
// answering, after a conversation in the order of the page, and then from its
// beginning; 0: none is left.
func (d *Desk) NextUnder(ctx context.Context, a actor.Actor, message, after id.ID) (next id.ID, err error) {
	m, err := d.postOf(ctx, a, message)
	if err != nil {
		return 0, err
	}
	var from Standing
	if after != 0 {
		err := d.db.Read().Row(ctx, `select last_at, id from conversation where workspace = $1 and id = $2 and thread = $3`, a.Workspace, after, m.Thread).
			Scan(db.ScanTime(&from.At), &from.ID)
		if err != nil && !db.NoRows(err) {
			return 0, fmt.Errorf("looking for the next one: %w", err)
		}
		from.State = Open
	}
	for _, begin := range []Standing{from, {}} {
		args := []any{a.Workspace}
		where := under(a, m.Thread, Open, begin, &args)
		where += fmt.Sprintf(" and c.snoozed = 0 and c.claimed_by in (0, $%d) and c.id <> $%d", len(args)+1, len(args)+2)
		err := d.db.Read().Row(ctx, `select c.id from conversation c where c.workspace = $1 and `+where+` order by `+underOrder+` limit 1`,
			append(args, a.Member, after)...).Scan(&next)
		if err == nil || !db.NoRows(err) {
			return next, err
		}
	}
	return 0, nil
}
