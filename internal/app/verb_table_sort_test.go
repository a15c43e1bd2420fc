package app

import (
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/text"
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
		"FinishMany": verb("conversation.not_found", func(d *desk) does {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) error {
				_, err := d.Desk.FinishMany(background, a, []id.ID{c})
				return err
			}
		}),
		"LabelMany": verb("conversation.not_found", func(d *desk) does {
			c, l := d.said("Is the bridge open?"), made(d, "Bridges")
			return func(a actor.Actor) error {
				_, err := d.Desk.LabelMany(background, a, l, true, []id.ID{c})
				return err
			}
		}),
		"Under": read("conversation.no_post", func(d *desk) act {
			post := d.posted()
			return func(a actor.Actor) (any, error) {
				return d.Desk.Under(background, a, post, "", conversation.Standing{})
			}
		}),
		"NextUnder": read("conversation.no_post", func(d *desk) act {
			post := d.posted()
			return func(a actor.Actor) (any, error) { return d.Desk.NextUnder(background, a, post, 0) }
		}),
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

// posted is a post of ours with an answer under it.
func (d *desk) posted() (post id.ID) {
	d.Helper()
	acc := d.connected()
	var r network.Account
	d.must(d.DB.Read().Row(background, `select network, instance, remote_id, handle from account where id = $1`, acc).Scan(&r.Network, &r.Instance, &r.RemoteID, &r.Handle))
	now := d.clock.Now()
	said := func(remote, parent string, own bool) network.Event {
		return network.Event{Kind: network.KindMessage, Own: own, Addressed: !own, At: now, Post: &network.Post{Ref: network.Ref{ID: remote, ParentID: parent},
			Text: text.Text{Body: "The bridge is open"}, Visibility: network.Public, Created: now, Author: network.Person{RemoteID: "otto", Handle: "otto"}}}
	}
	d.must(d.DB.InTx(background, func(c ctx, tx *db.Tx) error {
		_, err := d.Desk.Ingest(c, tx, actor.System(d.owner.Workspace, "test"), conversation.Arrival{Account: acc, Remote: r, Feed: network.Mentions,
			Events: []network.Event{said("post", "", true), said("answer", "post", false)}})
		return err
	}))
	d.must(d.DB.Read().Row(background, `select id from message where workspace = $1 and remote_id = 'post'`, d.owner.Workspace).Scan(&post))
	return post
}
