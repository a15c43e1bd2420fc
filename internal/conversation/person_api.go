package conversation

import (
	"context"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/id"
)

// registerPeople adds the operations about whoever writes to us.
func (o API) registerPeople(a *api.API) {
	read, write, join, note := api.Needs(actor.ReadConversations), api.Needs(actor.Claim), api.Needs(actor.Moderate), api.Needs(actor.Note)
	g := a.Section("people", "Whoever writes to us: what is known of them here, and what members marked and noted.")
	api.Get(g, "/people", "findPeople", "Find people by the beginning of their handle or name", o.find, read)
	api.Get(g, "/people/{person}", "readPerson", "Read what is known of somebody", o.person, read,
		api.About("Their newest conversations among those that may be read; names of members who answered in them, without counts."))
	api.Get(g, "/people/{person}/alike", "alikePeople", "List people who say themselves that they are this one", o.alike, read,
		api.About("The same profile address or the same full handle. Nobody is joined by that."))
	api.Post(g, "/people/{person}/mark", "markPerson", "Say what somebody is to us", o.mark, write)
	api.Post(g, "/people/{person}/unmark", "unmarkPerson", "Take a mark back", o.unmark, write)
	api.Post(g, "/people/{person}/notes", "notePerson", "Write something down about a person, for colleagues", o.notePerson, note, api.Created)
	api.Delete(g, "/people/notes/{personNote}", "removePersonNote", "Remove a note about a person", o.removePersonNote, note)
	api.Post(g, "/people/{person}/export", "exportPerson", "Gather everything that is held about somebody, for them", o.export, api.Needs(actor.ErasePerson))
	api.Post(g, "/people/{person}/join", "joinPeople", "Say that two people are the same", o.join, join)
	api.Delete(g, "/people/joins/{join}", "splitPeople", "Take two people apart again", o.split, join)
}

type identityJSON struct {
	Identity id.ID  `json:"identity"`
	Network  string `json:"network" example:"mastodon"`
	RemoteID string `json:"remote_id"`
	Handle   string `json:"handle"`
	Name     string `json:"name"`
	URL      string `json:"url,omitempty"`
	Bot      bool   `json:"bot"`
}

func identityOut(i Identity) identityJSON {
	return identityJSON{i.Identity, i.Network, i.RemoteID, i.Handle, i.Name, i.URL, i.Bot}
}

type talkJSON struct {
	ID      id.ID     `json:"id"`
	Account id.ID     `json:"account"`
	Network string    `json:"network"`
	Handle  string    `json:"handle" doc:"Our account's."`
	Kind    Kind      `json:"kind" enum:"public,direct,item"`
	State   State     `json:"state" enum:"open,done"`
	Waiting time.Time `json:"waiting,omitzero"`
	Last    time.Time `json:"last"`
	LastOwn bool      `json:"last_own"`
	Snippet string    `json:"snippet"`
}

type markJSON struct {
	Mark   MarkKind  `json:"mark" enum:"press,official,neighbour,friend,alone"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

type personNoteJSON struct {
	ID   id.ID     `json:"id"`
	Note string    `json:"note"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

type joinJSON struct {
	ID     id.ID          `json:"id"`
	By     string         `json:"by"`
	At     time.Time      `json:"at"`
	Others []identityJSON `json:"others" doc:"Who would be somebody else again without it."`
}

type profileJSON struct {
	Person     id.ID            `json:"person"`
	Identities []identityJSON   `json:"identities"`
	Since      time.Time        `json:"since,omitzero" doc:"When the first message of theirs that is here was written."`
	Said       int              `json:"said" doc:"How many messages of theirs are here; counting stops at 200."`
	Open       int              `json:"open" doc:"How many of their newest hundred conversations are open."`
	Talks      []talkJSON       `json:"conversations" doc:"Their newest, newest first."`
	With       []string         `json:"with" doc:"Who of us answered them, by the alphabet."`
	Marks      []markJSON       `json:"marks"`
	Notes      []personNoteJSON `json:"notes"`
	Joins      []joinJSON       `json:"joins"`
}

func (o API) person(ctx context.Context, a actor.Actor, in *personIn) (*profileJSON, error) {
	p, err := o.Desk.Profile(ctx, a, in.Person.ID)
	if err != nil {
		return nil, err
	}
	return &profileJSON{Person: p.Person, Since: p.Since, Said: p.Said, Open: p.Open, With: append([]string{}, p.With...),
		Identities: api.ListOf(p.Identities, identityOut).Items,
		Talks:      api.ListOf(p.Talks, func(t Talk) talkJSON { return talkJSON(t) }).Items,
		Marks:      api.ListOf(p.Marks, func(m Mark) markJSON { return markJSON{m.Kind, m.Reason, m.By, m.At} }).Items,
		Notes:      api.ListOf(p.Notes, func(n PersonNote) personNoteJSON { return personNoteJSON{n.ID, n.Body, n.By, n.At} }).Items,
		Joins: api.ListOf(p.Joins, func(j Join) joinJSON {
			return joinJSON{j.ID, j.By, j.At, api.ListOf(j.Others, identityOut).Items}
		}).Items}, nil
}

type foundJSON struct {
	Person   id.ID        `json:"person"`
	Identity identityJSON `json:"identity"`
}

func foundOut(f Found) foundJSON { return foundJSON{f.Person, identityOut(f.Identity)} }

type findIn struct {
	Words string `query:"q" required:"true" minLength:"1" maxLength:"200" doc:"How the handle or the name begins, whatever its case and accents."`
}

func (o API) find(ctx context.Context, a actor.Actor, in *findIn) (*api.List[foundJSON], error) {
	found, err := o.Desk.FindPeople(ctx, a, in.Words)
	return api.ListOf(found, foundOut), err
}

func (o API) alike(ctx context.Context, a actor.Actor, in *personIn) (*api.List[foundJSON], error) {
	found, err := o.Desk.Alike(ctx, a, in.Person.ID)
	return api.ListOf(found, foundOut), err
}

type markIn struct {
	Person api.ID `path:"person"`
	Body   struct {
		Mark   string `json:"mark" enum:"press,official,neighbour,friend,alone"`
		Reason string `json:"reason,omitempty" maxLength:"500"`
	}
}

func (o API) mark(ctx context.Context, a actor.Actor, in *markIn) (*api.None, error) {
	return nil, o.Desk.Mark(ctx, a, in.Person.ID, MarkKind(in.Body.Mark), in.Body.Reason)
}

type unmarkIn struct {
	Person api.ID `path:"person"`
	Body   struct {
		Mark string `json:"mark" enum:"press,official,neighbour,friend,alone"`
	}
}

func (o API) unmark(ctx context.Context, a actor.Actor, in *unmarkIn) (*api.None, error) {
	return nil, o.Desk.Unmark(ctx, a, in.Person.ID, MarkKind(in.Body.Mark))
}

type notePersonIn struct {
	Person api.ID `path:"person"`
	Body   struct {
		Note string `json:"note"`
	}
}

type notedJSON struct {
	ID id.ID `json:"id"`
}

func (o API) notePerson(ctx context.Context, a actor.Actor, in *notePersonIn) (*notedJSON, error) {
	note, err := o.Desk.NotePerson(ctx, a, in.Person.ID, in.Body.Note)
	return &notedJSON{note}, err
}

type personNoteIn struct {
	Note api.ID `path:"personNote"`
}

func (o API) removePersonNote(ctx context.Context, a actor.Actor, in *personNoteIn) (*api.None, error) {
	return nil, o.Desk.RemovePersonNote(ctx, a, in.Note.ID)
}

type joinIn struct {
	Person api.ID `path:"person"`
	Body   struct {
		Other id.ID `json:"other" doc:"The person who is the same."`
	}
}

func (o API) join(ctx context.Context, a actor.Actor, in *joinIn) (*api.None, error) {
	return nil, o.Desk.Join(ctx, a, in.Person.ID, in.Body.Other)
}

type splitIn struct {
	Join api.ID `path:"join"`
}

func (o API) split(ctx context.Context, a actor.Actor, in *splitIn) (*api.None, error) {
	return nil, o.Desk.Split(ctx, a, in.Join.ID)
}
