package app

import (
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/hours"
)

// clockMethods are those of who is answered when.
func clockMethods() map[string]method {
	week := hours.Week{time.Monday: {{From: 9 * 60, To: 17 * 60}}}
	return map[string]method{
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
