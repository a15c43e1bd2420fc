package conversation

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// PutLabel says what a conversation is about. What it says already changes nothing.
func (d *Desk) PutLabel(ctx context.Context, a actor.Actor, conversation, label id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil {
			return err
		}
		_, err = d.putLabel(ctx, tx, a, h, l)
		return err
	})
}

// putLabel inside a transaction that has loaded h and l; it reports whether
// anything changed.
func (d *Desk) putLabel(ctx context.Context, tx *db.Tx, a actor.Actor, h head, l Label) (bool, error) {
	on, err := d.labelsOf(ctx, tx, a.Workspace, []id.ID{h.ID})
	if err != nil {
		return false, err
	}
	for _, o := range on[h.ID] {
		if o.ID == l.ID {
			return false, nil
		}
	}
	if !l.Retired.IsZero() {
		return false, problem.New(problem.Conflict, "conversation.label_retired", "name", l.Name)
	}
	if len(on[h.ID]) >= maxLabelsHere {
		return false, problem.New(problem.Conflict, "conversation.labels_here", "max", maxLabelsHere)
	}
	if _, err := tx.Exec(ctx, `insert into labelling (workspace, id, conversation, label, member, at, ended, ended_by)
		values ($1, $2, $3, $4, $5, $6, 0, 0)`, a.Workspace, d.ids.New(), h.ID, l.ID, a.Member, db.Micros(d.clock.Now())); err != nil {
		return false, fmt.Errorf("putting a label on: %w", err)
	}
	d.recordLabelling(tx, a, "conversation.labelled", h, l.ID)
	return true, nil
}

// TakeLabel takes a label off again, with what has become a part of it. What is
// not there changes nothing.
func (d *Desk) TakeLabel(ctx context.Context, a actor.Actor, conversation, label id.ID) error {
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Claim, conversation)
		if err != nil {
			return err
		}
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil {
			return err
		}
		_, err = d.takeLabel(ctx, tx, a, h, l)
		return err
	})
}

// takeLabel inside a transaction that has loaded h; it reports whether anything
// changed.
func (d *Desk) takeLabel(ctx context.Context, tx *db.Tx, a actor.Actor, h head, l Label) (bool, error) {
	n, err := tx.Exec(ctx, `update labelling set ended = $3, ended_by = $4 where workspace = $1 and conversation = $5 and ended = 0
		and label in (`+family+`)`, a.Workspace, l.ID, db.Micros(d.clock.Now()), a.Member, h.ID)
	if err != nil {
		return false, fmt.Errorf("taking a label off: %w", err)
	}
	if n > 0 {
		d.recordLabelling(tx, a, "conversation.unlabelled", h, l.ID)
	}
	return n > 0, nil
}

func (d *Desk) recordLabelling(tx *db.Tx, a actor.Actor, verb string, h head, label id.ID) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "conversation", Subject: h.ID,
		Details: map[string]string{"account": h.Account.String(), "label": label.String()}})
}

// labelsOf reads what is on conversations, by name. A label that has become a part
// of another is that one.
func (d *Desk) labelsOf(ctx context.Context, q db.Queryer, workspace id.ID, conversations []id.ID) (map[id.ID][]Label, error) {
	if len(conversations) == 0 {
		return nil, nil
	}
	in, args := db.In(2, conversations)
	rows, err := q.Query(ctx, labelsOn+in+` order by l.name_folded, l.id`, append([]any{workspace}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading labels: %w", err)
	}
	defer rows.Close()
	on := map[id.ID][]Label{}
	for rows.Next() {
		var c id.ID
		var l Label
		var folded string // what is distinct is sorted by what is asked for
		if err := rows.Scan(&c, &l.ID, &l.Name, &l.Hue, db.ScanTime(&l.Retired), &folded); err != nil {
			return nil, fmt.Errorf("reading labels: %w", err)
		}
		on[c] = append(on[c], l)
	}
	return on, rows.Err()
}

const labelsOn = `select distinct x.conversation, l.id, l.name, l.hue, l.retired, l.name_folded from labelling x
	join label was on was.workspace = x.workspace and was.id = x.label
	join label l on l.workspace = x.workspace and l.id = case when was.part_of > 0 then was.part_of else was.id end
	where x.workspace = $1 and x.ended = 0 and x.conversation `

// moveLabels lets a conversation that becomes another take its labels along. What
// is on both is on the other already.
func (d *Desk) moveLabels(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		`update labelling set ended = at where workspace = $2 and conversation = $3 and ended = 0 and exists (
			select 1 from labelling t where t.workspace = labelling.workspace and t.conversation = $1 and t.label = labelling.label and t.ended = 0)`,
		`update labelling set conversation = $1 where workspace = $2 and conversation = $3`,
	} {
		if _, err := tx.Exec(ctx, q, to, workspace, from); err != nil {
			return fmt.Errorf("moving labels: %w", err)
		}
	}
	return nil
}

// labelRows adds what is on them to the rows of a list.
func (d *Desk) labelRows(ctx context.Context, workspace id.ID, rows []Row) error {
	conversations := make([]id.ID, len(rows))
	for i, r := range rows {
		conversations[i] = r.ID
	}
	on, err := d.labelsOf(ctx, d.db.Read(), workspace, conversations)
	for i, r := range rows {
		rows[i].Labels = on[r.ID]
	}
	return err
}

// countLabels adds on how many conversations each label is, up to a hundred.
func (d *Desk) countLabels(ctx context.Context, workspace id.ID, labels []Label) error {
	for i, l := range labels {
		if err := d.db.Read().Row(ctx, labelUse, workspace, l.ID).Scan(&labels[i].Used); err != nil {
			return fmt.Errorf("counting where a label is: %w", err)
		}
	}
	return nil
}

// labelUse looks up what has become a part of a label, and then each.
const labelUse = `select count(*) from (select 1 as one from labelling x where x.workspace = $1 and x.ended = 0
	and x.label in (` + family + `) limit 100) few`

// family are the label $2 and what has become a part of it.
const family = `select id from label where workspace = $1 and id = $2 union all select id from label where workspace = $1 and part_of = $2 and part_of > 0`
