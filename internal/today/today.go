// Package today is the first screen: what came back, what is mine, who waits
// longest and what will soon stop working, in every workspace of a member. What
// it shows follows from what they may do; somebody who only reads along hears two
// people instead of being given work.
//
// It keeps nothing and changes nothing: every line is another capability's, read
// with the member's own rights, and leads to where it is dealt with.
package today

import (
	"cmp"
	"context"
	"embed"
	"slices"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/page"
)

// Catalogue holds the sentences of this package.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Today reads a member's day. Safe for concurrent use.
type Today struct {
	Desk     *conversation.Desk
	Out      *delivery.Delivery
	Accounts *account.Accounts
}

// lines is how many lines of a kind are shown; the rest is one click away.
const lines = 6

// voices is how many people an observer hears.
const voices = 2

// Part is what one workspace adds to the day.
type Part struct {
	Workspace page.Workspace
	Waiting   int                // how many wait for us; counting stops at 100
	Longest   time.Time          // since when the first of them waits; zero: nobody
	Queue     []conversation.Row // who waits and nobody answers yet, longest first
	Mine      []conversation.Row // what the member is answering, newest first
	Sends     []delivery.Record  // answers that a member must decide about
	Accounts  []account.Health   // that stopped working, or will
	Voices    []conversation.Row // what was said last, for those who only read
}

// Read is the day in one workspace. What the actor may not know is not there.
func (t *Today) Read(ctx context.Context, a actor.Actor) (Part, error) {
	var p Part
	if !a.CanSomewhere(actor.ReadConversations) && !a.CanSomewhere(actor.ReadHealth) && !a.CanSomewhere(actor.ManageAccounts) {
		return p, nil
	}
	if err := t.conversations(ctx, a, &p); err != nil {
		return p, err
	}
	if err := t.sends(ctx, a, &p); err != nil {
		return p, err
	}
	return p, t.accounts(ctx, a, &p)
}

func (t *Today) conversations(ctx context.Context, a actor.Actor, p *Part) error {
	if !a.CanSomewhere(actor.ReadConversations) {
		return nil
	}
	counts, err := t.Desk.Counts(ctx, a)
	if err != nil {
		return err
	}
	p.Waiting = counts[conversation.Waiting]
	longest, err := t.list(ctx, a, conversation.Waiting, 4*lines)
	if err != nil {
		return err
	}
	for _, r := range longest { // urgent ones come first, however short they wait
		if p.Longest.IsZero() || r.Waiting.Before(p.Longest) {
			p.Longest = r.Waiting
		}
	}
	if !a.CanSomewhere(actor.Claim) {
		p.Voices, err = t.voices(ctx, a)
		return err
	}
	for _, r := range longest {
		if r.ClaimedBy == 0 && len(p.Queue) < lines {
			p.Queue = append(p.Queue, r)
		}
	}
	p.Mine, err = t.list(ctx, a, conversation.Mine, lines+1)
	return err
}

func (t *Today) list(ctx context.Context, a actor.Actor, b conversation.Box, limit int) ([]conversation.Row, error) {
	l, err := t.Desk.List(ctx, a, conversation.Filter{Box: b, Limit: limit})
	return l.Rows, err
}

// voices are what people said last, in public and in words that still stand.
func (t *Today) voices(ctx context.Context, a actor.Actor) ([]conversation.Row, error) {
	all, err := t.list(ctx, a, conversation.All, 10*voices)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(r conversation.Row) bool {
		return r.Kind != conversation.Public || r.LastOwn || r.Gone || r.Warning != "" || r.Snippet == ""
	})
	return all[:min(len(all), voices)], nil
}

// sends are the answers whose fate a member decides. Who answers nobody decides
// nothing about answers.
func (t *Today) sends(ctx context.Context, a actor.Actor, p *Part) error {
	if !a.CanSomewhere(actor.Reply) {
		return nil
	}
	open, err := t.Out.Open(ctx, a)
	if err != nil {
		return err
	}
	for _, d := range open {
		mine := a.Can(actor.Reply, actor.Scope{Kind: "account", ID: d.Account})
		if mine && d.Kind == delivery.Reply && (d.State == delivery.Failed || d.State == delivery.Unknown) {
			p.Sends = append(p.Sends, d)
		}
	}
	return nil
}

func (t *Today) accounts(ctx context.Context, a actor.Actor, p *Part) error {
	if !a.CanSomewhere(actor.ManageAccounts) {
		return nil
	}
	all, err := t.Accounts.Health(ctx, a)
	if err != nil {
		return err
	}
	for _, h := range all {
		if h.Level == account.Bad || h.Level == account.Soon {
			p.Accounts = append(p.Accounts, h)
		}
	}
	return nil
}

// Day is what is shown: the parts of all workspaces, each line with where it is.
type Day struct {
	Several  bool // lines say which workspace they are of
	Waiting  int
	Longest  time.Time
	Queue    []Line[conversation.Row]
	Mine     []Line[conversation.Row]
	Sends    []Line[delivery.Record]
	Accounts []Line[account.Health]
	Voices   []Line[conversation.Row]
	Works    bool // has something to do here: answers, or takes on
	Keeps    bool // keeps the desk running: what does not work comes first
}

// Line is one thing and where it is.
type Line[T any] struct {
	Workspace page.Workspace
	It        T
}

// join puts the parts of a member's workspaces into one day.
func join(parts []Part) Day {
	d := Day{Several: len(parts) > 1}
	for _, p := range parts {
		a := p.Workspace.Actor
		d.Works = d.Works || a.CanSomewhere(actor.Claim)
		d.Keeps = d.Keeps || a.CanSomewhere(actor.ManageAccounts)
		d.Waiting += p.Waiting
		if !p.Longest.IsZero() && (d.Longest.IsZero() || p.Longest.Before(d.Longest)) {
			d.Longest = p.Longest
		}
		d.Queue, d.Mine = append(d.Queue, at(p.Workspace, p.Queue)...), append(d.Mine, at(p.Workspace, p.Mine)...)
		d.Sends, d.Accounts = append(d.Sends, at(p.Workspace, p.Sends)...), append(d.Accounts, at(p.Workspace, p.Accounts)...)
		d.Voices = append(d.Voices, at(p.Workspace, p.Voices)...)
	}
	slices.SortStableFunc(d.Queue, func(x, y Line[conversation.Row]) int {
		return cmp.Or(calm(x.It)-calm(y.It), x.It.Waiting.Compare(y.It.Waiting))
	})
	newest := func(x, y Line[conversation.Row]) int {
		return cmp.Or(y.It.Last.Compare(x.It.Last), cmp.Compare(y.It.ID, x.It.ID))
	}
	slices.SortStableFunc(d.Mine, newest)
	slices.SortStableFunc(d.Voices, newest)
	// What may have been said comes before what certainly was not.
	slices.SortStableFunc(d.Sends, func(x, y Line[delivery.Record]) int {
		return cmp.Or(doubt(y.It)-doubt(x.It), cmp.Compare(x.It.ID, y.It.ID))
	})
	slices.SortStableFunc(d.Accounts, func(x, y Line[account.Health]) int { return bad(y.It) - bad(x.It) })
	d.Queue, d.Voices = d.Queue[:min(len(d.Queue), lines)], d.Voices[:min(len(d.Voices), voices)]
	return d
}

func at[T any](w page.Workspace, all []T) []Line[T] {
	out := make([]Line[T], len(all))
	for i, it := range all {
		out[i] = Line[T]{w, it}
	}
	return out
}

func doubt(d delivery.Record) int {
	if d.State == delivery.Unknown {
		return 1
	}
	return 0
}

func calm(r conversation.Row) int {
	if len(r.Urgent) > 0 {
		return 0
	}
	return 1
}

func bad(h account.Health) int {
	if h.Level == account.Bad {
		return 1
	}
	return 0
}

// clear reports that nothing is left to do.
func (d Day) clear() bool {
	return d.Waiting == 0 && len(d.Mine) == 0 && len(d.Sends) == 0 && len(d.Accounts) == 0
}

// taken is what a line of one's own is told by.
func taken(rows []Line[conversation.Row]) []Line[conversation.Row] {
	return rows[:min(len(rows), lines)]
}
