package conversation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
)

// Hands says whether somebody is answering.
type Hands string

const (
	Free  Hands = "free"  // nobody is
	Taken Hands = "taken" // somebody is
)

// Narrow is what a list is narrowed to besides its box and account: each field that
// is set takes away what does not fit. The zero Narrow takes nothing away.
type Narrow struct {
	Network string  // "mastodon"
	Lang    string  // the language they spoke last, as a primary subtag: "de"
	Labels  []id.ID // it has all of them
	Member  id.ID   // who is answering
	Team    id.ID   // who is answering belongs to it
	Hands   Hands
	Kind    Kind // Public or Direct
}

// None reports that nothing is taken away.
func (n Narrow) None() bool {
	return n.Network == "" && n.Lang == "" && len(n.Labels) == 0 && n.Member == 0 && n.Team == 0 && n.Hands == "" && n.Kind == ""
}

// lookAtMost bounds how many conversations are looked at for one page of a
// narrowed list. What is behind them is found from where the page ends.
const lookAtMost = 5000

// narrowed finds one page of a narrowed list: the rows' ids in their order, and
// where the look ended if it was cut short. It looks along the index of the box or
// of the account; or, where a label is on few conversations, at all of those.
func (d *Desk) narrowed(ctx context.Context, a actor.Actor, f Filter) (found []id.ID, cut Place, err error) {
	f.atMost = d.look
	few, err := d.onFew(ctx, a.Workspace, f.Labels)
	if err != nil {
		return nil, cut, err
	}
	args := []any{a.Workspace}
	inner, by := f.look(a, few, &args)
	lookArgs := len(args)
	outer := f.fits(&args)
	args = append(args, f.Limit+1)
	rows, err := d.db.Read().Query(ctx, narrowQuery(inner, outer, by, len(args)), args...)
	if err != nil {
		return nil, cut, fmt.Errorf("narrowing the inbox: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c id.ID
		var at int64
		if err := rows.Scan(&c, &at); err != nil {
			return nil, cut, fmt.Errorf("narrowing the inbox: %w", err)
		}
		found = append(found, c)
	}
	if err := rows.Close(); err != nil {
		return nil, cut, fmt.Errorf("narrowing the inbox: %w", err)
	}
	if len(found) > f.Limit || few != 0 {
		return found, cut, nil
	}
	cut, err = cutAt(ctx, d.db.Read(), inner, by, f.atMost, args[:lookArgs])
	return found, cut, err
}

// oneOf are the conditions of rows that were found.
func oneOf(workspace id.ID, found []id.ID) (where string, args []any) {
	in, more := db.In(2, found)
	return "c.id " + in, append([]any{workspace}, more...)
}

// cutAt is the last conversation that was looked at, if the look was cut short.
func cutAt(ctx context.Context, q db.Queryer, inner string, by ordering, atMost int, args []any) (cut Place, err error) {
	var n int
	if err := q.Row(ctx, `select count(*) from (`+inner+`) c`, args...).Scan(&n); err != nil || n < atMost {
		return Place{}, err
	}
	err = q.Row(ctx, fmt.Sprintf(`select c.id, %s from (%s) c order by %s limit 1`, by.column, inner, by.reversed()), args...).Scan(&cut.ID, db.ScanTime(&cut.At))
	return cut, err
}

func narrowQuery(inner, outer string, by ordering, limit int) string {
	return fmt.Sprintf(`select distinct c.id, %s from (%s) c where %s order by %s limit $%d`, by.column, inner, outer, by, limit)
}

// look is where a narrowed list is looked for.
func (f Filter) look(a actor.Actor, few id.ID, args *[]any) (inner string, by ordering) {
	box, by := f.conditions(a, args)
	const columns = `select c.workspace, c.id, c.account, c.kind, c.lang, c.claimed_by, c.waiting, c.urgent, c.snoozed, c.last_at `
	if few != 0 {
		*args = append(*args, few)
		// A cross join begins with the label, of which there is little.
		inner = columns + `from labelling x cross join conversation c where x.workspace = $1 and x.ended = 0 and x.label in (` + familyOf(len(*args)) + `)
			and c.workspace = x.workspace and c.id = x.conversation and ` + box
	} else {
		inner = columns + `from conversation c where c.workspace = $1 and ` + box + fmt.Sprintf(` order by %s limit %d`, by, f.atMost)
	}
	return inner, by
}

// fits are the conditions of what a list is narrowed to, over the columns of look.
func (f Filter) fits(args *[]any) string {
	arg := func(v any) int {
		*args = append(*args, v)
		return len(*args)
	}
	fits := []string{"1 = 1"}
	add := func(format string, v any) { fits = append(fits, fmt.Sprintf(format, arg(v))) }
	if f.Network != "" {
		add(`c.account in (select id from account where workspace = $1 and network = $%d)`, f.Network)
	}
	if f.Lang != "" {
		add(`c.lang = $%d`, f.Lang)
	}
	if f.Member != 0 {
		add(`c.claimed_by = $%d`, f.Member)
	}
	if f.Team != 0 {
		add(`c.claimed_by in (select member from team_member where workspace = $1 and team = $%d and removed = 0)`, f.Team)
	}
	if f.Kind != "" {
		add(`c.kind = $%d`, string(f.Kind))
	}
	switch f.Hands {
	case Free:
		fits = append(fits, `c.claimed_by = 0`)
	case Taken:
		fits = append(fits, `c.claimed_by > 0`)
	}
	for _, l := range f.Labels {
		fits = append(fits, `exists (select 1 from labelling x where x.workspace = c.workspace and x.conversation = c.id and x.ended = 0
			and x.label in (`+familyOf(arg(l))+`))`)
	}
	return strings.Join(fits, " and ")
}

// onFew picks the label that is on the fewest conversations, if those are few
// enough to look at all of them; 0: none is.
func (d *Desk) onFew(ctx context.Context, workspace id.ID, labels []id.ID) (few id.ID, err error) {
	least := d.look
	for _, l := range labels {
		var n int
		if err := d.db.Read().Row(ctx, labelFew, workspace, l, least).Scan(&n); err != nil {
			return 0, fmt.Errorf("counting where a label is: %w", err)
		}
		if n < least {
			few, least = l, n
		}
	}
	return few, nil
}

// labelFew counts where a label is, up to a bound.
const labelFew = `select count(*) from (select 1 as one from labelling x where x.workspace = $1 and x.ended = 0 and x.label in (` + family + `) limit $3) few`

// familyOf is family for a label that is another parameter.
func familyOf(n int) string { return strings.ReplaceAll(family, "$2", fmt.Sprintf("$%d", n)) }

// ordering is a column of conversations and its direction; the id decides between equals.
type ordering struct {
	column string
	newest bool
}

func (o ordering) String() string {
	if o.newest {
		return o.column + " desc, c.id desc"
	}
	return o.column + ", c.id"
}

func (o ordering) reversed() string { return ordering{o.column, !o.newest}.String() }

// primary is the language without its region or script, as the filter knows it;
// "" for what is no language.
func primary(lang string) string {
	if lang == "" {
		return ""
	}
	tag, err := language.Parse(lang)
	if err != nil {
		return ""
	}
	base, sure := tag.Base()
	if sure == language.No {
		return ""
	}
	return base.String()
}

// Languages lists those that were spoken lately, by their tags: to choose from.
func (d *Desk) Languages(ctx context.Context, a actor.Actor) ([]string, error) {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil, a.Require(actor.ReadConversations)
	}
	args := []any{a.Workspace}
	where, by := Filter{Box: All}.conditions(a, &args)
	rows, err := d.db.Read().Query(ctx, `select distinct lang from (select c.lang from conversation c where c.workspace = $1 and `+where+`
		order by `+by.String()+` limit 1000) lately where lang <> '' order by lang limit 40`, args...)
	if err != nil {
		return nil, fmt.Errorf("listing the languages: %w", err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("listing the languages: %w", err)
		}
		all = append(all, one)
	}
	slices.Sort(all)
	return all, rows.Err()
}
