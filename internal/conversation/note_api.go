package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

func (o API) registerNotes(g *api.Section) {
	read, note := api.Needs(actor.ReadConversations), api.Needs(actor.Note)
	api.Get(g, "/conversations/{conversation}/notes", "listNotes", "Read what colleagues wrote beside a conversation", o.notes, read)
	api.Post(g, "/conversations/{conversation}/notes", "addNote", "Write a note for colleagues", o.addNote, note, api.Created,
		api.About("Markdown. `@Name` or `<@id>` mentions a colleague who may read the conversation. Nobody outside ever sees a note."))
	api.Patch(g, "/notes/{note}", "editNote", "Change one's own note", o.editNote, note)
	api.Delete(g, "/notes/{note}", "deleteNote", "Delete one's own note", o.deleteNote, note)
}

type noteJSON struct {
	ID       id.ID       `json:"id"`
	Member   id.ID       `json:"member" doc:"Who wrote it."`
	By       string      `json:"by"`
	Text     string      `json:"text" doc:"Markdown; a colleague stands in it as <@id>."`
	HTML     string      `json:"html" doc:"The same, safe to show."`
	At       time.Time   `json:"at"`
	Edited   time.Time   `json:"edited,omitzero"`
	Mentions []namedJSON `json:"mentions"`
}

type namedJSON struct {
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
}

func (o API) notes(ctx context.Context, a actor.Actor, in *conversationIn) (*api.List[noteJSON], error) {
	notes, err := o.Desk.Notes(ctx, a, in.Conversation.ID)
	if err != nil {
		return nil, err
	}
	l := api.ListOf(notes, func(n Note) noteJSON {
		return noteJSON{ID: n.ID, Member: n.Member, By: n.By, Text: n.Body, HTML: n.HTML(), At: n.At, Edited: n.Edited,
			Mentions: api.ListOf(n.Mentions, func(m id.ID) namedJSON { return namedJSON{m, n.Names[m]} }).Items}
	})
	return l, nil
}

type noteText struct {
	Text string `json:"text" minLength:"1"`
}

type addNoteIn struct {
	Conversation api.ID `path:"conversation"`
	Body         noteText
}

type madeJSON struct {
	ID id.ID `json:"id"`
}

func (o API) addNote(ctx context.Context, a actor.Actor, in *addNoteIn) (*madeJSON, error) {
	note, err := o.Desk.AddNote(ctx, a, in.Conversation.ID, NoteIn{Text: in.Body.Text})
	return &madeJSON{note}, err
}

type editNoteIn struct {
	Note api.ID `path:"note"`
	Body noteText
}

func (o API) editNote(ctx context.Context, a actor.Actor, in *editNoteIn) (*api.None, error) {
	return nil, o.Desk.EditNote(ctx, a, in.Note.ID, NoteIn{Text: in.Body.Text})
}

type noteIn struct {
	Note api.ID `path:"note"`
}

func (o API) deleteNote(ctx context.Context, a actor.Actor, in *noteIn) (*api.None, error) {
	return nil, o.Desk.DeleteNote(ctx, a, in.Note.ID)
}
