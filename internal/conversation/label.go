package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Hue is the colour of a label. Each reads well on light and on dark paper, and
// none means anything: the name does.
type Hue string

// Hues in the order they are offered; the style sheet has a class for each.
var Hues = []Hue{"clay", "amber", "olive", "leaf", "lake", "sky", "plum", "rose"}

// Label is a word of the workspace's own for what conversations are about.
type Label struct {
	ID      id.ID
	Name    string
	Hue     Hue
	Created time.Time
	Retired time.Time // since when nobody puts it on any more; zero: they do
	Used    int       // on how many conversations it is; counting stops at 100
}

const (
	maxLabelName  = 40  // code points
	maxLabels     = 200 // in use in a workspace: more than that nobody finds again
	maxLabelsHere = 20  // on one conversation
)

// labelName makes a name fit to stand in a list: one line, nothing invisible.
func labelName(s string) (string, error) {
	s = strings.Join(strings.Fields(text.DisplaySafe(text.CleanLine(s, 16*maxLabelName))), " ")
	switch {
	case text.Fold(s) == "":
		return "", problem.New(problem.Invalid, "conversation.label_empty").At("name")
	case utf8.RuneCountInString(s) > maxLabelName:
		return "", problem.New(problem.Invalid, "conversation.label_long", "max", maxLabelName).At("name")
	}
	return s, nil
}

// labelHue takes what a form or a program says; nothing is the colour that a
// list of labels has least of.
func (d *Desk) labelHue(ctx context.Context, q db.Queryer, workspace id.ID, h Hue) (Hue, error) {
	if h != "" {
		if !slices.Contains(Hues, h) {
			return "", problem.New(problem.Invalid, "conversation.label_hue").At("hue")
		}
		return h, nil
	}
	used := map[Hue]int{}
	rows, err := q.Query(ctx, `select hue, count(*) from label where workspace = $1 and retired = 0 group by hue`, workspace)
	if err != nil {
		return "", fmt.Errorf("choosing a colour: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Hue
		var n int
		if err := rows.Scan(&one, &n); err != nil {
			return "", fmt.Errorf("choosing a colour: %w", err)
		}
		used[one] = n
	}
	return slices.MinFunc(Hues, func(a, b Hue) int { return used[a] - used[b] }), rows.Err()
}

// Labels lists the labels of the workspace by name, those in use first. Whoever
// reads conversations reads what they are called.
func (d *Desk) Labels(ctx context.Context, a actor.Actor) ([]Label, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	rows, err := d.db.Read().Query(ctx, `select id, name, hue, created, retired from label
		where workspace = $1 and part_of = 0 order by case when retired = 0 then 0 else 1 end, name_folded, id`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the labels: %w", err)
	}
	defer rows.Close()
	var all []Label
	for rows.Next() {
		var l Label
		if err := rows.Scan(&l.ID, &l.Name, &l.Hue, db.ScanTime(&l.Created), db.ScanTime(&l.Retired)); err != nil {
			return nil, fmt.Errorf("listing the labels: %w", err)
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

// CreateLabel adds a word to the workspace's own. Without a colour it gets the
// one that is used least.
func (d *Desk) CreateLabel(ctx context.Context, a actor.Actor, name string, hue Hue) (Label, error) {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return Label{}, err
	}
	name, err := labelName(name)
	if err != nil {
		return Label{}, err
	}
	l := Label{ID: d.ids.New(), Name: name, Created: d.clock.Now()}
	err = d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if l.Hue, err = d.labelHue(ctx, tx, a.Workspace, hue); err != nil {
			return err
		}
		var n int
		if err := tx.Row(ctx, `select count(*) from label where workspace = $1 and retired = 0`, a.Workspace).Scan(&n); err != nil {
			return fmt.Errorf("counting the labels: %w", err)
		}
		if n >= maxLabels {
			return problem.New(problem.Conflict, "conversation.labels_many", "max", maxLabels)
		}
		if _, err := tx.Exec(ctx, `insert into label (workspace, id, name, name_folded, hue, created, created_by, retired, retired_by, part_of)
			values ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0)`, a.Workspace, l.ID, l.Name, text.Fold(l.Name), string(l.Hue), db.Micros(l.Created), a.Member); err != nil {
			return labelTaken(err, "making a label")
		}
		d.recordLabel(tx, a, "label.created", l.ID, nil)
		return nil
	})
	return l, err
}

// ChangeLabel gives a label another name or colour; where it is it stays.
func (d *Desk) ChangeLabel(ctx context.Context, a actor.Actor, label id.ID, name string, hue Hue) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	name, err := labelName(name)
	if err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil {
			return err
		}
		if hue == "" {
			hue = l.Hue
		}
		if hue, err = d.labelHue(ctx, tx, a.Workspace, hue); err != nil {
			return err
		}
		if l.Name == name && l.Hue == hue {
			return nil
		}
		if _, err := tx.Exec(ctx, `update label set name = $1, name_folded = $2, hue = $3 where workspace = $4 and id = $5`,
			name, text.Fold(name), string(hue), a.Workspace, l.ID); err != nil {
			return labelTaken(err, "changing a label")
		}
		d.recordLabel(tx, a, "label.changed", l.ID, map[string]string{"hue": string(hue)})
		return nil
	})
}

// MergeLabel makes a label a part of another: wherever it is, the other one is
// seen and found instead. The record of who put it there stays as it is.
func (d *Desk) MergeLabel(ctx context.Context, a actor.Actor, label, into id.ID) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil {
			return err
		}
		other, err := loadLabel(ctx, tx, a.Workspace, into)
		if err != nil {
			return err
		}
		if l.ID == other.ID || !other.Retired.IsZero() {
			return problem.New(problem.Conflict, "conversation.label_merge").At("into")
		}
		// What was a part of it becomes a part of the other, so that a label is never
		// more than one step away from what is shown.
		if _, err := tx.Exec(ctx, `update label set part_of = $1 where workspace = $2 and (id = $3 or part_of = $3)`, other.ID, a.Workspace, l.ID); err != nil {
			return fmt.Errorf("merging a label: %w", err)
		}
		if err := d.retire(ctx, tx, a, l); err != nil {
			return err
		}
		d.recordLabel(tx, a, "label.merged", l.ID, map[string]string{"into": other.ID.String()})
		return nil
	})
}

// RetireLabel takes a label out of what is offered. It stays where it is.
func (d *Desk) RetireLabel(ctx context.Context, a actor.Actor, label id.ID) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil || !l.Retired.IsZero() {
			return err
		}
		d.recordLabel(tx, a, "label.retired", l.ID, nil)
		return d.retire(ctx, tx, a, l)
	})
}

func (d *Desk) retire(ctx context.Context, tx *db.Tx, a actor.Actor, l Label) error {
	if _, err := tx.Exec(ctx, `update label set retired = $1, retired_by = $2 where workspace = $3 and id = $4 and retired = 0`,
		db.Micros(d.clock.Now()), a.Member, a.Workspace, l.ID); err != nil {
		return fmt.Errorf("retiring a label: %w", err)
	}
	return nil
}

// RestoreLabel offers a retired label again, unless its name means another one by now.
func (d *Desk) RestoreLabel(ctx context.Context, a actor.Actor, label id.ID) error {
	if err := a.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loadLabel(ctx, tx, a.Workspace, label)
		if err != nil || l.Retired.IsZero() {
			return err
		}
		if _, err := tx.Exec(ctx, `update label set retired = 0, retired_by = 0 where workspace = $1 and id = $2`, a.Workspace, l.ID); err != nil {
			return labelTaken(err, "offering a label again")
		}
		d.recordLabel(tx, a, "label.restored", l.ID, nil)
		return nil
	})
}

// loadLabel reads a label that stands for itself, and on PostgreSQL locks it.
func loadLabel(ctx context.Context, q db.Queryer, workspace, label id.ID) (l Label, err error) {
	query := `select id, name, hue, created, retired from label where workspace = $1 and id = $2 and part_of = 0`
	if tx, ok := q.(*db.Tx); ok && tx.Dialect() == db.Postgres {
		query += ` for update`
	}
	err = q.Row(ctx, query, workspace, label).Scan(&l.ID, &l.Name, &l.Hue, db.ScanTime(&l.Created), db.ScanTime(&l.Retired))
	if db.NoRows(err) {
		return l, problem.New(problem.NotFound, "conversation.no_label")
	}
	if err != nil {
		return l, fmt.Errorf("reading a label: %w", err)
	}
	return l, nil
}

func labelTaken(err error, doing string) error {
	if db.IsUnique(err) {
		return problem.New(problem.Conflict, "conversation.label_taken").At("name").Because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (d *Desk) recordLabel(tx *db.Tx, a actor.Actor, verb string, label id.ID, details map[string]string) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "label", Subject: label, Details: details})
}
