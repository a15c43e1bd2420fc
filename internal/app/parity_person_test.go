package app

import (
	"parley/internal/conversation"
	"parley/internal/id"
)

// personForms is what the pages about whoever writes to us can change.
func personForms() map[string]counterpart {
	return map[string]counterpart{
		"POST /w/{workspace}/people/{person}/marks":               by("markPerson"),
		"POST /w/{workspace}/people/{person}/marks/{mark}/end":    by("unmarkPerson"),
		"POST /w/{workspace}/people/{person}/notes":               by("notePerson"),
		"POST /w/{workspace}/people/{person}/notes/{note}/remove": by("removePersonNote"),
		"POST /w/{workspace}/people/{person}/join":                by("joinPeople"),
		"POST /w/{workspace}/people/{person}/joins/{join}/end":    by("splitPeople"),
		"POST /w/{workspace}/people/{person}/export":              by("exportPerson"),
		"POST /w/{workspace}/people/{person}/erase":               by("erasePerson"),
	}
}

// personBodies are what their operations take.
func personBodies() map[string]string {
	return map[string]string{"markPerson": `{"mark":"press"}`, "unmarkPerson": `{"mark":"press"}`, "notePerson": `{"note":"Likes maps"}`,
		"joinPeople": `{"other":"` + id.ID(1).String() + `"}`}
}

// personIDs are what their paths name.
func (d *desk) personIDs() map[string]id.ID {
	d.Helper()
	who := func() id.ID {
		p, err := d.Desk.PersonOf(background, d.owner, d.said("Is the ferry running?"))
		d.must(err)
		return p
	}
	one, other := who(), who()
	note, err := d.Desk.NotePerson(background, d.owner, one, "Likes maps")
	d.must(err)
	d.must(d.Desk.Join(background, d.owner, one, other))
	p, err := d.Desk.Profile(background, d.owner, one)
	d.must(err)
	d.must(d.Desk.Mark(background, d.owner, one, conversation.Press, ""))
	return map[string]id.ID{"personNote": note, "join": p.Joins[0].ID}
}
