package app

import "parley/internal/actor"

// emailMethods are the rows about what mail brought.
func emailMethods() map[string]method {
	return map[string]method{
		"FileOf": read("conversation.not_found", func(d *desk) act {
			v, err := d.Desk.Open(background, d.owner, d.said("Is the bridge open?"))
			d.must(err)
			d.exec(`update message set media = '[{"kind":"file","url":"inplace:1","alt":"plan.pdf"}]' where workspace = $1`, d.owner.Workspace)
			return func(a actor.Actor) (any, error) { return d.Desk.FileOf(background, a, v.Messages[0].ID, 0) }
		}),
	}
}
