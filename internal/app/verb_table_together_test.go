package app

import (
	"maps"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/id"
	"parley/internal/team"
)

// together are the methods with which members work on the same conversations.
func together() map[string]method {
	all := map[string]method{}
	maps.Copy(all, noteMethods())
	maps.Copy(all, handoverMethods())
	maps.Copy(all, draftMethods())
	maps.Copy(all, claimAskMethods())
	return all
}

func noteMethods() map[string]method {
	noted := func(d *desk) id.ID {
		n, err := d.Desk.AddNote(background, d.owner, d.said("Is the bridge open?"), conversation.NoteIn{Text: "Ask the ferry."})
		d.must(err)
		return n
	}
	return map[string]method{
		"AddNote": verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) error {
				_, err := d.Desk.AddNote(background, a, c, conversation.NoteIn{Text: "Ask the ferry."})
				return err
			}
		}),
		"EditNote": verb("conversation.no_note", func(d *desk) func(actor.Actor) error {
			n := noted(d)
			return func(a actor.Actor) error {
				return d.Desk.EditNote(background, a, n, conversation.NoteIn{Text: "Ask the harbour."})
			}
		}),
		"DeleteNote": verb("conversation.no_note", func(d *desk) func(actor.Actor) error {
			n := noted(d)
			return func(a actor.Actor) error { return d.Desk.DeleteNote(background, a, n) }
		}),
		"Notes": read("conversation.not_found", func(d *desk) act {
			noted(d)
			page, err := d.Desk.List(background, d.owner, conversation.Filter{Box: conversation.All, Limit: 1})
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Desk.Notes(background, a, page.Rows[0].ID) }
		}),
	}
}

func handoverMethods() map[string]method {
	return map[string]method{
		"HandOver": verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c, ben := d.said("Is the bridge open?"), d.hire("ben", team.Voice)
			return func(a actor.Actor) error {
				return d.Desk.HandOver(background, a, c, conversation.Receiver{Member: ben.Member}, conversation.NoteIn{Text: "Yours"})
			}
		}),
		"HandBack": verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c, ben := d.said("Is the bridge open?"), d.hire("ben", team.Voice)
			d.must(d.Desk.HandOver(background, ben, c, conversation.Receiver{Member: d.owner.Member}, conversation.NoteIn{}))
			return func(a actor.Actor) error { return d.Desk.HandBack(background, a, c, conversation.NoteIn{}) }
		}),
		"Receivers": read("conversation.not_found", func(d *desk) act {
			c := d.said("Is the bridge open?")
			d.hire("ben", team.Voice)
			return func(a actor.Actor) (any, error) {
				members, _, err := d.Desk.Receivers(background, a, c)
				return members, err
			}
		}),
	}
}

func draftMethods() map[string]method {
	save := verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
		c := d.said("Is the bridge open?")
		return func(a actor.Actor) error {
			_, err := d.Desk.SaveDraft(background, a, c, conversation.ReplyDraft{Text: "It"})
			return err
		}
	})
	save.unrecorded = "nothing looks at when somebody writes, and what they write is theirs until it is sent"
	return map[string]method{
		"SaveDraft": save,
		"Draft": read("conversation.not_found", func(d *desk) act {
			c := d.said("Is the bridge open?")
			_, err := d.Desk.SaveDraft(background, d.owner, c, conversation.ReplyDraft{Text: "It"})
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Desk.Draft(background, a, c) }
		}),
	}
}

func claimAskMethods() map[string]method {
	type does = func(*conversation.Desk, ctx, actor.Actor, id.ID) error
	asked := func(do does) method {
		return verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c, ben := d.said("Is the bridge open?"), d.hire("ben", team.Voice)
			d.must(d.Desk.Claim(background, d.owner, c))
			d.must(d.Desk.AskFor(background, ben, c))
			return func(a actor.Actor) error { return do(d.Desk, background, a, c) }
		})
	}
	expire := verb("", func(d *desk) func(actor.Actor) error {
		d.must(d.Desk.Claim(background, d.owner, d.said("Is the bridge open?")))
		d.clock.Advance(2 * time.Hour)
		return func(a actor.Actor) error { return d.Desk.ExpireClaims(background, a) }
	})
	expire.system = true
	other := func(do does, wait time.Duration) method {
		return verb("conversation.not_found", func(d *desk) func(actor.Actor) error {
			c, ben := d.said("Is the bridge open?"), d.hire("ben", team.Voice)
			d.must(d.Desk.Claim(background, ben, c))
			if wait > 0 {
				d.must(d.Desk.AskFor(background, d.owner, c))
				d.clock.Advance(wait)
			}
			return func(a actor.Actor) error { return do(d.Desk, background, a, c) }
		})
	}
	return map[string]method{
		"AskFor":       other((*conversation.Desk).AskFor, 0),
		"TakeClaim":    other((*conversation.Desk).TakeClaim, time.Hour),
		"GiveClaim":    asked((*conversation.Desk).GiveClaim),
		"KeepClaim":    asked((*conversation.Desk).KeepClaim),
		"ExpireClaims": expire,
		"Rules": forMembers(func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Desk.Rules(background, a) }
		}),
		"SetRules": verb("", func(d *desk) func(actor.Actor) error {
			return func(a actor.Actor) error { return d.Desk.SetRules(background, a, conversation.Rules{ClaimMinutes: 30}) }
		}),
	}
}
