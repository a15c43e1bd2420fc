package app

import (
	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
)

// personMethods are the rows about whoever writes to us.
func personMethods() map[string]method {
	type does = func(actor.Actor) error
	who := func(d *desk) id.ID {
		p, err := d.Desk.PersonOf(background, d.owner, d.said("Is the bridge open?"))
		d.must(err)
		return p
	}
	marked := func(d *desk) id.ID {
		p := who(d)
		d.must(d.Desk.Mark(background, d.owner, p, conversation.Press, ""))
		return p
	}
	joined := func(d *desk) id.ID {
		one, other := who(d), who(d)
		d.must(d.Desk.Join(background, d.owner, one, other))
		p, err := d.Desk.Profile(background, d.owner, one)
		d.must(err)
		return p.Joins[0].ID
	}
	return map[string]method{
		"Alike": read("conversation.no_person", func(d *desk) act {
			p := who(d)
			who(d)
			d.exec(`update identity set url = 'https://far.example/@them' where workspace = $1`, d.owner.Workspace)
			return func(a actor.Actor) (any, error) { return d.Desk.Alike(background, a, p) }
		}),
		"Export": verb("conversation.no_person", func(d *desk) does {
			p := who(d)
			return func(a actor.Actor) error {
				_, err := d.Desk.Export(background, a, p)
				return err
			}
		}),
		"FindPeople": read("", func(d *desk) act {
			who(d)
			return func(a actor.Actor) (any, error) { return d.Desk.FindPeople(background, a, "VER") }
		}),
		"Join": verb("conversation.no_person", func(d *desk) does {
			one, other := who(d), who(d)
			return func(a actor.Actor) error { return d.Desk.Join(background, a, one, other) }
		}),
		"Mark": verb("conversation.no_person", func(d *desk) does {
			p := who(d)
			return func(a actor.Actor) error {
				return d.Desk.Mark(background, a, p, conversation.Alone, "by letter")
			}
		}),
		"NotePerson": verb("conversation.no_person", func(d *desk) does {
			p := who(d)
			return func(a actor.Actor) error {
				_, err := d.Desk.NotePerson(background, a, p, "Likes maps")
				return err
			}
		}),
		"Profile": read("conversation.no_person", func(d *desk) act {
			p := who(d)
			return func(a actor.Actor) (any, error) { return d.Desk.Profile(background, a, p) }
		}),
		"RemovePersonNote": verb("conversation.no_note", func(d *desk) does {
			n, err := d.Desk.NotePerson(background, d.owner, who(d), "Likes maps")
			d.must(err)
			return func(a actor.Actor) error { return d.Desk.RemovePersonNote(background, a, n) }
		}),
		"Split": verb("conversation.no_join", func(d *desk) does {
			j := joined(d)
			return func(a actor.Actor) error { return d.Desk.Split(background, a, j) }
		}),
		"Unmark": verb("conversation.no_person", func(d *desk) does {
			p := marked(d)
			return func(a actor.Actor) error { return d.Desk.Unmark(background, a, p, conversation.Press) }
		}),
	}
}
