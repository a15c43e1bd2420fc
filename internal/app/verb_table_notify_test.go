package app

import (
	"parley/internal/actor"
	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/notify"
)

// told is a conversation that the owner is answering and was told of.
func (d *desk) told() (conversation, notification id.ID) {
	d.Helper()
	conversation = d.said("Is the bridge open?")
	d.must(d.DB.InTx(background, func(_ ctx, tx *db.Tx) error {
		d.Events.Record(tx, actor.System(d.owner.Workspace, "test"), event.Entry{Verb: "note.mentioned", Kind: "member", Subject: d.owner.Member,
			Details: map[string]string{"conversation": conversation.String(), "account": d.account.String()}})
		return nil
	}))
	d.must(d.Notify.Look(background))
	all, _, err := d.Notify.List(background, d.owner, notify.Place{}, 0)
	d.must(err)
	return conversation, all[0].ID
}

// glance is the row of what notifications are shown with.
func glance() method {
	return read("", func(d *desk) act {
		c := d.said("Is the bridge open?")
		return func(a actor.Actor) (any, error) {
			all, err := d.Desk.Glance(background, a, []id.ID{c})
			var out []conversation.Glance // as JSON, a map with ids for keys would tell what was asked
			for _, g := range all {
				out = append(out, g)
			}
			return out, err
		}
	})
}

func notifyMethods() map[string]method {
	type does = func(actor.Actor) error
	return map[string]method{
		"Choices": read("", func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Notify.Choices(background, a) }
		}),
		"Choose": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				return d.Notify.Choose(background, a, notify.Choices{Mail: []notify.Kind{notify.Urgent}})
			}
		}),
		"Get": read("notify.not_found", func(d *desk) act {
			_, n := d.told()
			return func(a actor.Actor) (any, error) { return d.Notify.Get(background, a, n) }
		}),
		"List": read("", func(d *desk) act {
			d.told()
			return func(a actor.Actor) (any, error) {
				all, _, err := d.Notify.List(background, a, notify.Place{}, 0)
				return all, err
			}
		}),
		"Unread": read("", func(d *desk) act {
			d.told()
			return func(a actor.Actor) (any, error) { return d.Notify.Unread(background, a) }
		}),
		"MarkRead": verb("notify.not_found", func(d *desk) does {
			_, n := d.told()
			return func(a actor.Actor) error { return d.Notify.MarkRead(background, a, n) }
		}),
		"MarkAllRead": verb("", func(d *desk) does {
			d.told()
			return func(a actor.Actor) error { return d.Notify.MarkAllRead(background, a) }
		}),
		"Opened": verb("", func(d *desk) does {
			c, _ := d.told()
			return func(a actor.Actor) error { return d.Notify.Opened(background, a, c) }
		}),
	}
}

// asked is a question by link of the owner's.
func (d *desk) asked() id.ID {
	d.Helper()
	k, _, err := d.Asks.Ask(background, d.owner, ask.Question{Conversation: d.said("Is the bridge open?"), Address: "legal@elsewhere.example", Text: "May we say so?"})
	d.must(err)
	return k.ID
}

func askMethods() map[string]method {
	type does = func(actor.Actor) error
	return map[string]method{
		"Ask": verb("conversation.not_found", func(d *desk) does {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) error {
				_, _, err := d.Asks.Ask(background, a, ask.Question{Conversation: c, Address: "legal@elsewhere.example", Text: "May we say so?"})
				return err
			}
		}),
		"Of": read("conversation.not_found", func(d *desk) act {
			c := d.said("Is the bridge open?")
			_, _, err := d.Asks.Ask(background, d.owner, ask.Question{Conversation: c, Address: "legal@elsewhere.example", Text: "May we say so?"})
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Asks.Of(background, a, c) }
		}),
		"Revoke": verb("ask.not_found", func(d *desk) does {
			k := d.asked()
			return func(a actor.Actor) error { return d.Asks.Revoke(background, a, k) }
		}),
	}
}
