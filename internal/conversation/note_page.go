package conversation

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

func (p *Pages) registerNotes(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/notes", p.addNote)
	k.Member("POST /inbox/{conversation}/notes/{note}/edit", p.editNote)
	k.Member("POST /inbox/{conversation}/notes/{note}/delete", p.deleteNote)
}

func (p *Pages) addNote(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	return p.noted(r, conversation, func(ctx context.Context, a actor.Actor, in NoteIn) error {
		_, err := p.Desk.AddNote(ctx, a, conversation, in)
		return err
	})
}

func (p *Pages) editNote(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	note, err := r.PathID("note")
	if err != nil {
		return err
	}
	return p.noted(r, conversation, func(ctx context.Context, a actor.Actor, in NoteIn) error {
		return p.Desk.EditNote(ctx, a, note, in)
	})
}

// noted reads a note's form. Where it is refused and no script keeps the form, the
// words come back on a page of their own.
func (p *Pages) noted(r *page.Request, conversation id.ID, do func(context.Context, actor.Actor, NoteIn) error) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	in := readNote(f)
	back := readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String()))
	err = do(r.Context(), r.Actor, in)
	refusal := problem.Of(err)
	if err != nil && (r.Fetched() || refusal == nil || refusal.Field != "note") {
		return err
	}
	if err != nil {
		return r.RenderStatus(refusal.Kind.Status(), notePage(page.NoteFormView{ID: "note-again", Action: r.URL.RequestURI(), Body: in.Text,
			Label: r.T("conversation.note.keep"), Problem: refusal}, back))
	}
	return r.Redirect(back)
}

// readNote is a note in a form, with whom its writer chose.
func readNote(f url.Values) NoteIn {
	in := NoteIn{Text: f.Get("note")}
	for _, s := range f["chosen"] {
		if m, err := id.Parse(s); err == nil {
			in.Chosen = append(in.Chosen, m)
		}
	}
	return in
}

func (p *Pages) deleteNote(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	note, err := r.PathID("note")
	if err != nil {
		return err
	}
	if err := p.Desk.DeleteNote(r.Context(), r.Actor, note); err != nil {
		return err
	}
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

// withNotes puts the notes among the messages, by their time.
func (p *Pages) withNotes(r *page.Request, messages []page.Message, notes []Note, act func(string) string) []page.Message {
	for _, n := range notes {
		shown := &page.NoteView{ID: n.ID.String(), By: n.By, HTML: n.HTML(), At: n.At, Edited: n.Edited}
		if n.Member == r.Actor.Member && r.Actor.CanSomewhere(actor.Note) {
			path := "notes/" + shown.ID
			shown.Written, shown.Edit, shown.Delete = n.Written(), act(path+"/edit"), act(path+"/delete")
		}
		at := len(messages)
		for at > 0 && messages[at-1].At.After(n.At) {
			at--
		}
		messages = slices.Insert(messages, at, page.Message{ID: "note-" + shown.ID, At: n.At, Note: shown})
	}
	return messages
}

// beside is what else can be done in a conversation than answering; nil: nothing.
func (p *Pages) beside(r *page.Request, v View, handle string, act func(string) string) (templ.Component, error) {
	b := beside{note: r.Actor.Can(actor.Note, scope(v.Account)), hand: v.Kind != Item && r.Actor.Can(actor.Claim, scope(v.Account)) &&
		(v.ClaimedBy == 0 || v.ClaimedBy == r.Actor.Member || r.Actor.Can(actor.ManageTeam)), handle: handle}
	if !b.note && !b.hand {
		return nil, nil
	}
	all, err := p.Desk.colleagues(r.Context(), p.Desk.db.Read(), r.Workspace.ID)
	if err != nil {
		return nil, err
	}
	b.people = slices.DeleteFunc(able(all, actor.ReadConversations, v.Account), func(c Colleague) bool { return c.Actor.Member == r.Actor.Member })
	if b.hand {
		if b.members, b.teams, err = p.Desk.Receivers(r.Context(), r.Actor, v.ID); err != nil {
			return nil, err
		}
	}
	return besideAnswering(v, b, act), nil
}

// beside is what a member may do in a conversation besides answering.
type beside struct {
	note, hand bool
	people     []Colleague // who can be mentioned
	members    []Colleague // to whom it can be given
	teams      []Group
	handle     string // our account's
}
