package conversation

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// SavedView is a list that somebody gave a name, or everybody has one for.
type SavedView struct {
	ID     id.ID
	Name   string
	Query  string // the list, as the query of its address
	Shared bool   // everybody's
}

const (
	maxViewName = 40 // code points
	maxViews    = 30 // of one member, and of everybody
)

// canonical is a query as the pages write it themselves, without the place in it;
// "" where it says nothing.
func canonical(query string) string {
	q, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		return ""
	}
	return readView(q).from(Place{}).query().Encode()
}

// Views lists the saved views of the member and of everybody, by name.
func (d *Desk) Views(ctx context.Context, a actor.Actor) ([]SavedView, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	rows, err := d.db.Read().Query(ctx, `select id, name, query, member from saved_view
		where workspace = $1 and member in (0, $2) and removed = 0 order by name_folded, id`, a.Workspace, a.Member)
	if err != nil {
		return nil, fmt.Errorf("listing the saved views: %w", err)
	}
	defer rows.Close()
	var all []SavedView
	for rows.Next() {
		var v SavedView
		var whose id.ID
		if err := rows.Scan(&v.ID, &v.Name, &v.Query, &whose); err != nil {
			return nil, fmt.Errorf("listing the saved views: %w", err)
		}
		v.Shared = whose == 0
		all = append(all, v)
	}
	return all, rows.Err()
}

// ownViews reports whether the member has views that nobody else sees.
func (d *Desk) ownViews(ctx context.Context, a actor.Actor) (bool, error) {
	var n int
	err := d.db.Read().Row(ctx, `select count(*) from saved_view where workspace = $1 and member = $2 and removed = 0`, a.Workspace, a.Member).Scan(&n)
	if err != nil {
		err = fmt.Errorf("counting the saved views: %w", err)
	}
	return n > 0, err
}

// SaveView gives a list a name, for the member or, by who looks after the
// workspace, for everybody. Under a name that is there already it is that view.
func (d *Desk) SaveView(ctx context.Context, a actor.Actor, v SavedView) (SavedView, error) {
	if err := mayView(a, v.Shared); err != nil {
		return v, err
	}
	v.Name = strings.Join(strings.Fields(text.DisplaySafe(text.CleanLine(v.Name, 16*maxViewName))), " ")
	switch {
	case text.Fold(v.Name) == "":
		return v, problem.New(problem.Invalid, "conversation.view_empty").At("name")
	case utf8.RuneCountInString(v.Name) > maxViewName:
		return v, problem.New(problem.Invalid, "conversation.view_long", "max", maxViewName).At("name")
	}
	if v.Query = canonical(v.Query); v.Query == "" {
		return v, problem.New(problem.Invalid, "conversation.view_nothing").At("query")
	}
	whose := a.Member
	if v.Shared {
		whose = 0
	}
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var n int
		if err := tx.Row(ctx, `select count(*) from saved_view where workspace = $1 and member = $2 and removed = 0`, a.Workspace, whose).Scan(&n); err != nil {
			return fmt.Errorf("counting the saved views: %w", err)
		}
		const put = `insert into saved_view (workspace, id, member, name, name_folded, query, created, created_by, removed, removed_by)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)
			on conflict (workspace, member, name_folded) where removed = 0 do update set name = excluded.name, query = excluded.query returning id`
		made := d.ids.New()
		if err := tx.Row(ctx, put, a.Workspace, made, whose, v.Name, text.Fold(v.Name), v.Query, db.Micros(d.clock.Now()), a.Member).Scan(&v.ID); err != nil {
			return fmt.Errorf("saving a view: %w", err)
		}
		if v.ID == made && n >= maxViews {
			return problem.New(problem.Conflict, "conversation.views_many", "max", maxViews)
		}
		d.recordView(tx, a, "view.saved", v.ID)
		return nil
	})
	return v, err
}

// RemoveView forgets a saved view: one's own, or as who looks after the workspace
// one of everybody's.
func (d *Desk) RemoveView(ctx context.Context, a actor.Actor, view id.ID) error {
	if !a.CanSomewhere(actor.ReadConversations) {
		return a.Require(actor.ReadConversations)
	}
	return d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var whose id.ID
		err := tx.Row(ctx, `select member from saved_view where workspace = $1 and id = $2 and member in (0, $3) and removed = 0`,
			a.Workspace, view, a.Member).Scan(&whose)
		if db.NoRows(err) {
			return problem.New(problem.NotFound, "conversation.no_view")
		}
		if err != nil {
			return fmt.Errorf("reading a saved view: %w", err)
		}
		if err := mayView(a, whose == 0); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update saved_view set removed = $1, removed_by = $2 where workspace = $3 and id = $4`,
			db.Micros(d.clock.Now()), a.Member, a.Workspace, view); err != nil {
			return fmt.Errorf("removing a saved view: %w", err)
		}
		d.recordView(tx, a, "view.removed", view)
		return nil
	})
}

// mayView: a view of one's own needs somebody to be it of.
func mayView(a actor.Actor, shared bool) error {
	if shared {
		return a.Require(actor.ManageWorkspace)
	}
	if a.Member == 0 || !a.CanSomewhere(actor.ReadConversations) {
		return a.Require(actor.ReadConversations, actor.Scope{Kind: "none"})
	}
	return nil
}

// forgetViews removes the views of members who have left.
func (d *Desk) forgetViews(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if _, err := tx.Exec(ctx, `delete from saved_view where workspace = $1 and member in (
		select id from member where workspace = $1 and departed > 0)`, workspace); err != nil {
		return fmt.Errorf("forgetting the views of departed members: %w", err)
	}
	return nil
}

func (d *Desk) recordView(tx *db.Tx, a actor.Actor, verb string, view id.ID) {
	d.log.Record(tx, a, event.Entry{Verb: verb, Kind: "view", Subject: view})
}
