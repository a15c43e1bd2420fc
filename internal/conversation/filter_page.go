package conversation

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/page"
)

func (p *Pages) registerViews(k *page.Kernel) {
	k.Member("POST /views", p.saveView)
	k.Member("POST /views/{view}/remove", p.removeView)
}

func (p *Pages) saveView(_ http.ResponseWriter, r *page.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	list := readView(r.URL.Query())
	v, err := p.Desk.SaveView(r.Context(), r.Actor, SavedView{Name: form.Get("name"), Query: list.query().Encode(), Shared: form.Get("shared") != ""})
	if err != nil {
		return err
	}
	r.Flash("conversation.view.saved", "name", v.Name)
	return r.Redirect(list.from(Place{}).href(r.Link("inbox")))
}

func (p *Pages) removeView(_ http.ResponseWriter, r *page.Request) error {
	view, err := r.PathID("view")
	if err != nil {
		return err
	}
	if err := p.Desk.RemoveView(r.Context(), r.Actor, view); err != nil {
		return err
	}
	r.Flash("conversation.view.removed")
	return r.Redirect(readView(r.URL.Query()).wide().href(r.Link("inbox")))
}

// choices are what the lists of a workspace can be narrowed to.
type choices struct {
	accounts  []named // with their network
	members   []named
	teams     []named
	labels    []Label
	languages []string
}

type named struct {
	id            id.ID
	name, network string
}

// choices reads them with the rights of the actor.
func (d *Desk) choices(ctx context.Context, a actor.Actor) (c choices, err error) {
	args := []any{a.Workspace}
	only := ""
	if accounts, all := readable(a); !all {
		in, more := db.In(2, append(accounts, 0))
		only, args = " and id "+in, append(args, more...)
	}
	if c.accounts, err = d.named(ctx, `select id, handle, network from account where workspace = $1`+only+` order by handle, id`, args...); err != nil {
		return c, err
	}
	if c.members, err = d.named(ctx, `select id, name, '' from member where workspace = $1 and departed = 0 order by name, id`, a.Workspace); err != nil {
		return c, err
	}
	if c.teams, err = d.named(ctx, `select id, name, '' from team where workspace = $1 and closed = 0 order by name_folded, id`, a.Workspace); err != nil {
		return c, err
	}
	if c.languages, err = d.Languages(ctx, a); err != nil {
		return c, err
	}
	c.labels, err = d.Labels(ctx, a)
	return c, err
}

func (d *Desk) named(ctx context.Context, query string, args ...any) ([]named, error) {
	rows, err := d.db.Read().Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading what lists are narrowed to: %w", err)
	}
	defer rows.Close()
	var all []named
	for rows.Next() {
		var n named
		if err := rows.Scan(&n.id, &n.name, &n.network); err != nil {
			return nil, fmt.Errorf("reading what lists are narrowed to: %w", err)
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// narrowing is what stands above the list about what it is narrowed to.
func (p *Pages) narrowing(ctx context.Context, r *page.Request, v listView) (page.FilterView, error) {
	inbox := r.Link("inbox")
	f := page.FilterView{Action: inbox, Save: v.from(Place{}).href(r.Link("views")), Share: v.from(Place{}).href(inbox),
		Shared: r.Actor.Can(actor.ManageWorkspace), Hidden: [][2]string{{"narrow", "yes"}, {"box", string(v.box)}}}
	c, err := p.Desk.choices(ctx, r.Actor)
	if err != nil {
		return f, err
	}
	for _, l := range v.narrow.Labels {
		f.Hidden = append(f.Hidden, [2]string{"label", l.String()})
	}
	f.Groups, f.Chips = c.groups(r, v), c.chips(r, v)
	if v.narrowed() {
		f.Clear = v.wide().href(inbox)
	}
	views, err := p.Desk.Views(ctx, r.Actor)
	if err != nil {
		return f, err
	}
	shown := v.from(Place{}).query().Encode()
	for _, one := range views {
		link := page.ViewLink{Name: one.Name, Href: inbox + "?" + one.Query, Shared: one.Shared, Current: one.Query == shown}
		if !one.Shared || f.Shared {
			link.Remove = r.Link("views/" + one.ID.String() + "/remove")
		}
		f.Views = append(f.Views, link)
	}
	return f, nil
}

// groups are the fields of the form. What offers no choice is left out.
func (c choices) groups(r *page.Request, v listView) []page.FilterGroup {
	var all []page.FilterGroup
	add := func(name, key string, chosen string, options ...page.Option) {
		if len(options) == 0 || len(options) == 1 && name != "label" && chosen == "" {
			return
		}
		first := "conversation.filter.any"
		if name == "by" {
			first = "conversation.filter.anybody"
		}
		g := page.FilterGroup{Name: name, Label: r.T("conversation.filter." + key), Options: []page.Option{{Label: r.T(first)}}}
		for _, o := range options {
			o.Chosen = o.Value == chosen
			g.Options = append(g.Options, o)
		}
		all = append(all, g)
	}
	var labels, accounts, networks, languages []page.Option
	key := "label"
	for _, l := range c.labels {
		if slices.Contains(v.narrow.Labels, l.ID) {
			key = "label.more"
		} else if l.Retired.IsZero() {
			labels = append(labels, page.Option{Value: l.ID.String(), Label: l.Name})
		}
	}
	for _, a := range c.accounts {
		accounts = append(accounts, page.Option{Value: a.id.String(), Label: "@" + a.name})
		if !slices.ContainsFunc(networks, func(o page.Option) bool { return o.Value == a.network }) {
			networks = append(networks, page.Option{Value: a.network, Label: page.NetworkName(r.Locale, a.network)})
		}
	}
	if v.narrow.Lang != "" && !slices.Contains(c.languages, v.narrow.Lang) {
		c.languages = append(c.languages, v.narrow.Lang)
	}
	for _, l := range c.languages {
		languages = append(languages, page.Option{Value: l, Label: languageName(r, l)})
	}
	add("label", key, "", labels...)
	add("by", "by", v.narrow.by(), c.hands(r)...)
	add("account", "account", idText(v.account), accounts...)
	add("network", "network", v.narrow.Network, networks...)
	add("lang", "lang", v.narrow.Lang, languages...)
	add("kind", "kind", string(v.narrow.Kind), page.Option{Value: string(Public), Label: r.T("conversation.filter.public")},
		page.Option{Value: string(Direct), Label: r.T("conversation.filter.direct")})
	return all
}

// hands are who may be answering.
func (c choices) hands(r *page.Request) []page.Option {
	all := []page.Option{{Value: string(Free), Label: r.T("conversation.filter.free")}, {Value: string(Taken), Label: r.T("conversation.filter.taken")}}
	for _, t := range c.teams {
		all = append(all, page.Option{Value: "team-" + t.id.String(), Label: r.T("conversation.filter.team", "name", t.name)})
	}
	for _, m := range c.members {
		all = append(all, page.Option{Value: m.id.String(), Label: m.name})
	}
	return all
}

// chips are what the list is narrowed to, each with the list that is not.
func (c choices) chips(r *page.Request, v listView) []page.FilterChip {
	var all []page.FilterChip
	add := func(label, hue string, without func(*listView)) {
		w := v.from(Place{})
		w.narrow.Labels = slices.Clone(v.narrow.Labels)
		without(&w)
		all = append(all, page.FilterChip{Label: label, Hue: hue, Off: w.href(r.Link("inbox"))})
	}
	n := v.narrow
	for _, l := range n.Labels {
		name, hue := r.T("conversation.chip.gone"), ""
		if at := slices.IndexFunc(c.labels, func(o Label) bool { return o.ID == l }); at >= 0 {
			name, hue = c.labels[at].Name, string(c.labels[at].Hue)
		}
		add(name, hue, func(w *listView) {
			w.narrow.Labels = slices.DeleteFunc(w.narrow.Labels, func(o id.ID) bool { return o == l })
		})
	}
	if n.by() != "" {
		add(c.answering(r, n), "", func(w *listView) { w.narrow.Member, w.narrow.Team, w.narrow.Hands = 0, 0, "" })
	}
	if v.account != 0 {
		add(nameOf(r, c.accounts, v.account, "conversation.chip.account"), "", func(w *listView) { w.account = 0 })
	}
	if n.Network != "" {
		add(page.NetworkName(r.Locale, n.Network), "", func(w *listView) { w.narrow.Network = "" })
	}
	if n.Lang != "" {
		add(languageName(r, n.Lang), "", func(w *listView) { w.narrow.Lang = "" })
	}
	if n.Kind != "" {
		add(r.T("conversation.filter."+string(n.Kind)), "", func(w *listView) { w.narrow.Kind = "" })
	}
	return all
}

// answering says who is.
func (c choices) answering(r *page.Request, n Narrow) string {
	switch {
	case n.Member != 0:
		return nameOf(r, c.members, n.Member, "conversation.chip.by")
	case n.Team != 0:
		return nameOf(r, c.teams, n.Team, "conversation.chip.by")
	}
	return r.T("conversation.chip." + string(n.Hands))
}

// nameOf puts the name of one of them into a sentence.
func nameOf(r *page.Request, all []named, of id.ID, key string) string {
	for _, n := range all {
		if n.id == of {
			return r.T(key, "name", n.name)
		}
	}
	return r.T("conversation.chip.gone")
}

func idText(i id.ID) string {
	if i == 0 {
		return ""
	}
	return i.String()
}

// languageName is what a language is called in the reader's.
func languageName(r *page.Request, tag string) string {
	t, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if names := display.Languages(language.Make(r.Locale.Name())); names != nil {
		if name := names.Name(t); name != "" {
			return name
		}
	}
	return tag
}
