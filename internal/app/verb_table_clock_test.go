package app

import (
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/hours"
	"parley/internal/id"
)

// clockMethods are those of who is answered when.
func clockMethods() map[string]method {
	week := hours.Week{time.Monday: {{From: 9 * 60, To: 17 * 60}}}
	one := func(do func(*conversation.Desk, ctx, actor.Actor, id.ID) error, before ...func(*conversation.Desk, ctx, actor.Actor, id.ID) error) method {
		return verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c := d.said("Is the bridge open?")
			for _, b := range before {
				d.must(b(d.Desk, background, d.owner, c))
			}
			return func(a actor.Actor) error { return do(d.Desk, background, a, c) }
		})
	}
	return map[string]method{
		"MarkUrgent": one((*conversation.Desk).MarkUrgent),
		"NotUrgent":  one((*conversation.Desk).NotUrgent, (*conversation.Desk).MarkUrgent),
		"TakeNext": verb("", func(d *desk) func(actor.Actor) error {
			d.said("Is the bridge open?")
			return func(a actor.Actor) error {
				_, err := d.Desk.TakeNext(background, a)
				return err
			}
		}),
		"Promise": read("", func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Desk.Promise(background, a) }
		}),
		"SetPromise": verb("", func(d *desk) func(actor.Actor) error {
			return func(a actor.Actor) error {
				return d.Desk.SetPromise(background, a, conversation.Promise{Within: 4 * time.Hour, Office: hours.Office{Week: week}})
			}
		}),
	}
}
