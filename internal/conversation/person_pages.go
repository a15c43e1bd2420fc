package conversation

import (
	"net/http"
	"slices"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/text"
)

// registerPerson adds the pages about whoever writes to us.
func (p *Pages) registerPerson(k *page.Kernel) {
	k.Member("GET /people/{person}", p.person)
	k.Member("POST /people/{person}/marks", p.mark)
	k.Member("POST /people/{person}/marks/{mark}/end", p.unmark)
	k.Member("POST /people/{person}/notes", p.notePerson)
	k.Member("POST /people/{person}/notes/{note}/remove", p.removePersonNote)
	k.Member("POST /people/{person}/join", p.join)
	k.Member("POST /people/{person}/joins/{join}/end", p.split)
	k.Member("POST /people/{person}/export", p.export)
	k.Member("POST /people/{person}/erase", p.erasePerson)
}

// profileView is a person as the page and the panel beside a conversation show
// them. Paths lead back to where a form was sent from.
type profileView struct {
	Profile
	r         *page.Request
	open      id.ID // the conversation beside which it stands; 0 on the page
	list      listView
	mayMark   bool
	mayNote   bool
	mayJoin   bool
	mayErase  bool
	mayExport bool
}

func (p *Pages) profile(r *page.Request, person, open id.ID, list listView) (profileView, error) {
	found, err := p.Desk.Profile(r.Context(), r.Actor, person)
	v := profileView{Profile: found, r: r, open: open, list: list, mayErase: r.Actor.Can(actor.ErasePerson)}
	v.mayExport = v.mayErase || r.Actor.Can(actor.ManageWorkspace)
	for _, t := range found.Talks {
		v.mayMark = v.mayMark || r.Actor.Can(actor.Claim, scope(t.Account))
		v.mayNote = v.mayNote || r.Actor.Can(actor.Note, scope(t.Account))
		v.mayJoin = v.mayJoin || r.Actor.Can(actor.Moderate, scope(t.Account))
	}
	return v, err
}

// act is where a form of the person goes; from the panel it comes back there.
func (v profileView) act(what string) string {
	path := v.r.Link("people/" + v.Person.String() + "/" + what)
	if v.open == 0 {
		return path
	}
	return v.list.href(path, "conversation", v.open.String())
}

func (v profileView) page() string { return v.r.Link("people/" + v.Person.String()) }

func (v profileView) talk(t Talk) string { return v.list.href(v.r.Link("inbox/" + t.ID.String())) }

// earlier are the conversations besides the open one, as many as a panel holds.
func (v profileView) earlier() []Talk {
	var out []Talk
	for _, t := range v.Talks {
		if t.ID != v.open && len(out) < 4 {
			out = append(out, t)
		}
	}
	return out
}

func (v profileView) name() string { return text.DisplaySafe(v.Profile.Name()) }

// unmarked are the kinds that nobody has said of them.
func (v profileView) unmarked() []page.Option {
	var out []page.Option
next:
	for _, k := range MarkKinds {
		for _, m := range v.Marks {
			if m.Kind == k {
				continue next
			}
		}
		out = append(out, page.Option{Value: string(k), Label: v.r.T("conversation.mark." + string(k))})
	}
	return out
}

func (v profileView) shown(i Identity) page.Person { return presentPerson(v.r, i.Person, i.Network) }

// said is how much of theirs we have, as a word where counting stopped.
func (v profileView) said() string {
	if v.Said >= SaidMax {
		return v.r.T("conversation.person.said.many", "n", SaidMax)
	}
	return v.r.T("conversation.person.said", "n", v.Said)
}

// besidePerson is the panel at the side of an open conversation; nil where nothing is
// known of whom it is with.
func (p *Pages) besidePerson(r *page.Request, person, open id.ID, list listView) templ.Component {
	v, err := p.profile(r, person, open, list)
	if err != nil {
		return nil // the conversation matters more than what stands beside it
	}
	return besidePanel(v)
}

func (p *Pages) person(_ http.ResponseWriter, r *page.Request) error {
	person, err := r.PathID("person")
	if err != nil {
		return err
	}
	v, err := p.profile(r, person, 0, listView{box: Waiting})
	if err != nil {
		return err
	}
	view := joinView{asked: r.URL.Query().Get("q")}
	if v.mayJoin {
		ctx := r.Context()
		if view.alike, err = p.Desk.Alike(ctx, r.Actor, v.Person); err != nil {
			return err
		}
		if view.found, err = p.Desk.FindPeople(ctx, r.Actor, view.asked); err != nil {
			return err
		}
		view.found = slices.DeleteFunc(view.found, func(f Found) bool { return f.Person == v.Person })
	}
	return r.Render(personPage(v, view))
}

// joinView is the choice of whom this person might be, too.
type joinView struct {
	asked        string
	alike, found []Found
}

// back leads to where a form about a person stood.
func (p *Pages) back(r *page.Request, person id.ID) error {
	q := r.URL.Query()
	if open, err := id.Parse(q.Get("conversation")); err == nil {
		return r.Redirect(readView(q).href(r.Link("inbox/" + open.String())))
	}
	return r.Redirect(r.Link("people/" + person.String()))
}

// about answers a form that changes a person.
func (p *Pages) about(r *page.Request, do func(person id.ID, form func(string) string) error) error {
	person, err := r.PathID("person")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	if err := do(person, form.Get); err != nil {
		return err
	}
	return p.back(r, person)
}

func (p *Pages) mark(_ http.ResponseWriter, r *page.Request) error {
	return p.about(r, func(person id.ID, form func(string) string) error {
		return p.Desk.Mark(r.Context(), r.Actor, person, MarkKind(form("mark")), form("reason"))
	})
}

func (p *Pages) unmark(_ http.ResponseWriter, r *page.Request) error {
	return p.about(r, func(person id.ID, _ func(string) string) error {
		return p.Desk.Unmark(r.Context(), r.Actor, person, MarkKind(r.PathValue("mark")))
	})
}

func (p *Pages) notePerson(_ http.ResponseWriter, r *page.Request) error {
	return p.about(r, func(person id.ID, form func(string) string) error {
		_, err := p.Desk.NotePerson(r.Context(), r.Actor, person, form("note"))
		return err
	})
}

func (p *Pages) removePersonNote(_ http.ResponseWriter, r *page.Request) error {
	note, err := r.PathID("note")
	if err != nil {
		return err
	}
	return p.about(r, func(id.ID, func(string) string) error {
		return p.Desk.RemovePersonNote(r.Context(), r.Actor, note)
	})
}

func (p *Pages) join(_ http.ResponseWriter, r *page.Request) error {
	return p.about(r, func(person id.ID, form func(string) string) error {
		other, err := parseID(form("other"))
		if err != nil {
			return err
		}
		return p.Desk.Join(r.Context(), r.Actor, person, other)
	})
}

func (p *Pages) split(_ http.ResponseWriter, r *page.Request) error {
	join, err := r.PathID("join")
	if err != nil {
		return err
	}
	return p.about(r, func(id.ID, func(string) string) error { return p.Desk.Split(r.Context(), r.Actor, join) })
}

func (p *Pages) erasePerson(_ http.ResponseWriter, r *page.Request) error {
	person, err := r.PathID("person")
	if err != nil {
		return err
	}
	return p.eraseAnd(r, person)
}

// markedRow says in the list what somebody is to us.
func markedRow(r *page.Request, row page.Row, marks []MarkKind) page.Row {
	for _, k := range marks {
		row.Marks = append(row.Marks, r.T("conversation.mark."+string(k)))
	}
	return row
}
