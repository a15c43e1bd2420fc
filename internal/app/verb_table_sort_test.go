package app

import (
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
)

// sortMethods are the rows about what keeps the desk in order.
func sortMethods() map[string]method {
	type does = func(actor.Actor) error
	made := func(d *desk, name string) id.ID {
		l, err := d.Desk.CreateLabel(background, d.owner, name, "")
		d.must(err)
		return l.ID
	}
	saved := func(d *desk) id.ID {
		v, err := d.Desk.SaveView(background, d.owner, conversation.SavedView{Name: "All", Query: "box=all", Shared: true})
		d.must(err)
		return v.ID
	}
	ofLabel := func(do func(*conversation.Desk, ctx, actor.Actor, id.ID) error) method {
		return verb("conversation.no_label", func(d *desk) does {
			l := made(d, "Bridges")
			return func(a actor.Actor) error { return do(d.Desk, background, a, l) }
		})
	}
	wakeDue := verb("", func(d *desk) does {
		d.must(d.Desk.Snooze(background, d.owner, d.said("Is the bridge open?"), d.clock.Now().Add(24*time.Hour)))
		d.clock.Advance(25 * time.Hour)
		return func(a actor.Actor) error {
			_, err := d.Desk.WakeDue(background, a)
			return err
		}
	})
	wakeDue.system = true
	return map[string]method{
		"CreateLabel": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Desk.CreateLabel(background, a, "Bridges", "")
				return err
			}
		}),
		"ChangeLabel": ofLabel(func(s *conversation.Desk, c ctx, a actor.Actor, l id.ID) error {
			return s.ChangeLabel(c, a, l, "Footbridges", "")
		}),
		"MergeLabel": verb("conversation.no_label", func(d *desk) does {
			l, into := made(d, "Bridges"), made(d, "Footbridges")
			return func(a actor.Actor) error { return d.Desk.MergeLabel(background, a, l, into) }
		}),
		"RetireLabel": ofLabel((*conversation.Desk).RetireLabel),
		"RestoreLabel": verb("conversation.no_label", func(d *desk) does {
			l := made(d, "Bridges")
			d.must(d.Desk.RetireLabel(background, d.owner, l))
			return func(a actor.Actor) error { return d.Desk.RestoreLabel(background, a, l) }
		}),
		"Labels": read("", func(d *desk) act {
			made(d, "Bridges")
			return func(a actor.Actor) (any, error) { return d.Desk.Labels(background, a) }
		}),
		"Languages": read("", func(d *desk) act {
			d.said("Is the bridge open?")
			d.exec(`update conversation set lang = 'de'`)
			return func(a actor.Actor) (any, error) { return d.Desk.Languages(background, a) }
		}),
		"Snooze": verb("conversation.not_found", func(d *desk) does {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) error { return d.Desk.Snooze(background, a, c, d.clock.Now().Add(24*time.Hour)) }
		}),
		"Wake": verb("conversation.not_found", func(d *desk) does {
			c := d.said("Is the bridge open?")
			d.must(d.Desk.Snooze(background, d.owner, c, d.clock.Now().Add(24*time.Hour)))
			return func(a actor.Actor) error { return d.Desk.Wake(background, a, c) }
		}),
		"WakeDue": wakeDue,
		"Views": read("", func(d *desk) act {
			saved(d)
			return func(a actor.Actor) (any, error) { return d.Desk.Views(background, a) }
		}),
		"SaveView": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Desk.SaveView(background, a, conversation.SavedView{Name: "Done", Query: "box=done"})
				return err
			}
		}),
		"RemoveView": verb("conversation.no_view", func(d *desk) does {
			v := saved(d)
			return func(a actor.Actor) error { return d.Desk.RemoveView(background, a, v) }
		}),
		"PutLabel": verb("conversation.not_found", func(d *desk) does {
			c, l := d.said("Is the bridge open?"), made(d, "Bridges")
			return func(a actor.Actor) error { return d.Desk.PutLabel(background, a, c, l) }
		}),
		"TakeLabel": verb("conversation.not_found", func(d *desk) does {
			c, l := d.said("Is the bridge open?"), made(d, "Bridges")
			d.must(d.Desk.PutLabel(background, d.owner, c, l))
			return func(a actor.Actor) error { return d.Desk.TakeLabel(background, a, c, l) }
		}),
	}
}
