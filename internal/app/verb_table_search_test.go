package app

import (
	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/text"
)

// searchMethods are the rows about what is looked for.
func searchMethods() map[string]method {
	words := func(s string) conversation.Query { return conversation.Query{Words: text.Query(s).Terms} }
	return map[string]method{
		"SearchPeople": read("", func(d *desk) act {
			d.said("Is the bridge open?")
			return func(a actor.Actor) (any, error) { return d.Desk.SearchPeople(background, a, words("v*")) }
		}),
		"OpenAt": read("conversation.not_found", func(d *desk) act {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) (any, error) { return d.Desk.OpenAt(background, a, c, 1) }
		}),
		"Search": read("", func(d *desk) act {
			d.said("Is the bridge open?")
			return func(a actor.Actor) (any, error) { return d.Desk.Search(background, a, words("bridge")) }
		}),
	}
}
