package app

import (
	"context"
	"maps"
	"net/url"
	"reflect"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/notify"
	"parley/internal/team"
	"parley/internal/today"
	"parley/internal/webhook"
)

// This is the table of verb_test.go: a method of a capability that takes an actor
// has a row here.

// act is one call of a method as somebody; for a read it returns what was read.
type act func(a actor.Actor) (any, error)

// method is a row of the table: whether it is a verb or a read, and how it is
// called on a desk that it may change.
type method struct {
	read bool
	on   func(d *desk) act
	// foreign is what the owner of another workspace is refused with who names
	// what is here; "" if it names nothing and works on their own.
	foreign string
	// system is true where only Parley itself may call it.
	system bool
	// members is true where everybody in a workspace may read it, whatever their rights.
	members bool
	// open says why a read answers nobody with nothing instead of refusing.
	open string
	// steps is how many transactions record something; 0 is one.
	steps int
	// unrecorded says why a verb that changes something records nothing.
	unrecorded string
	// elsewhere is true where it is recorded in another workspace, which it makes.
	elsewhere bool
}

// verb and read make the usual rows.
func verb(foreign string, on func(d *desk) func(actor.Actor) error) method {
	return method{foreign: foreign, on: func(d *desk) act {
		do := on(d)
		return func(a actor.Actor) (any, error) { return nil, do(a) }
	}}
}

func read(foreign string, on func(d *desk) act) method {
	return method{read: true, foreign: foreign, on: on}
}

func forMembers(on func(d *desk) act) method { return method{read: true, members: true, on: on} }

type ctx = context.Context

// methods is every method of a capability that takes an actor.
func methods() map[reflect.Type]map[string]method {
	return map[reflect.Type]map[string]method{
		reflect.TypeFor[*team.Service]():      merged(teamMethods(), doorMethods()),
		reflect.TypeFor[*account.Accounts]():  accountMethods(),
		reflect.TypeFor[*conversation.Desk](): merged(deskMethods(), sortMethods(), personMethods(), clockMethods(), searchMethods(), emailMethods()),
		reflect.TypeFor[*delivery.Delivery](): deliveryMethods(),
		reflect.TypeFor[*today.Today]():       todayMethods(),
		reflect.TypeFor[*webhook.Hooks]():     hookMethods(),
		reflect.TypeFor[*notify.Service]():    notifyMethods(),
		reflect.TypeFor[*ask.Service]():       askMethods(),
	}
}

// merged is the rows of several files about the same type.
func merged(all ...map[string]method) map[string]method {
	rows := map[string]method{}
	for _, some := range all {
		maps.Copy(rows, some)
	}
	return rows
}

func teamMethods() map[string]method {
	voice := []team.RoleIn{{Role: team.Voice}}
	type does = func(actor.Actor) error
	inTeam := func(d *desk) (t, m id.ID) {
		made, err := d.Team.CreateTeam(background, d.owner, "Press")
		d.must(err)
		m = d.hire("ben", team.Voice).Member
		return made.ID, m
	}
	createWorkspace := verb("", func(d *desk) func(actor.Actor) error {
		return func(a actor.Actor) error {
			_, err := d.Team.CreateWorkspace(background, a, team.NewWorkspace{Name: "Another", Zone: "UTC"})
			return err
		}
	})
	createWorkspace.elsewhere = true
	return map[string]method{
		"AddToTeam": verb("team.no_team", func(d *desk) does {
			t, m := inTeam(d)
			return func(a actor.Actor) error { return d.Team.AddToTeam(background, a, t, m) }
		}),
		"ChangePassword": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				return d.Team.ChangePassword(background, a, team.PasswordChange{Old: password, New: "three herons by the canal"}, team.Place{})
			}
		}),
		"ChangeWorkspace": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				return d.Team.ChangeWorkspace(background, a, team.WorkspaceChange{Name: "Changed", Zone: "UTC"})
			}
		}),
		"CloseTeam": verb("team.no_team", func(d *desk) does {
			t, _ := inTeam(d)
			return func(a actor.Actor) error { return d.Team.CloseTeam(background, a, t) }
		}),
		"CreateTeam": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Team.CreateTeam(background, a, "Day")
				return err
			}
		}),
		"CreateToken": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, _, err := d.Team.CreateToken(background, a, team.NewToken{Name: "t", Rights: []actor.Right{actor.Reply}, Until: d.clock.Now().Add(time.Hour)})
				return err
			}
		}),
		"CreateWorkspace": createWorkspace,
		"EndGrant": verb("team.no_grant", func(d *desk) does {
			g, err := d.Team.GiveGrant(background, d.owner, team.NewGrant{Member: d.hire("ben", team.Voice).Member, Role: team.Reviewer})
			d.must(err)
			return func(a actor.Actor) error { return d.Team.EndGrant(background, a, g.ID, "") }
		}),
		"GiveGrant": verb("team.no_member", func(d *desk) does {
			m := d.hire("ben", team.Voice).Member
			return func(a actor.Actor) error {
				_, err := d.Team.GiveGrant(background, a, team.NewGrant{Member: m, Role: team.Steward})
				return err
			}
		}),
		"Invitations": read("", func(d *desk) act {
			_, err := d.Team.Invite(background, d.owner, team.Invite{Email: "guest@example.org", Roles: voice})
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Team.Invitations(background, a) }
		}),
		"Invite": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Team.Invite(background, a, team.Invite{Email: "guest@example.org", Roles: voice})
				return err
			}
		}),
		"Leave": verb("team.last_owner", func(d *desk) does {
			d.hire("ben", team.Owner)
			return func(a actor.Actor) error { return d.Team.Leave(background, a) }
		}),
		"Members": forMembers(func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Team.Members(background, a) }
		}),
		"RemoveFromTeam": verb("team.no_team", func(d *desk) does {
			t, m := inTeam(d)
			d.must(d.Team.AddToTeam(background, d.owner, t, m))
			return func(a actor.Actor) error { return d.Team.RemoveFromTeam(background, a, t, m) }
		}),
		"RemoveMember": verb("team.no_member", func(d *desk) does {
			m := d.hire("ben", team.Voice).Member
			return func(a actor.Actor) error { return d.Team.RemoveMember(background, a, m, "") }
		}),
		"RenameSelf": verb("", func(d *desk) does {
			return func(a actor.Actor) error { return d.Team.RenameSelf(background, a, "Ana Maria") }
		}),
		"RenameTeam": verb("team.no_team", func(d *desk) does {
			t, _ := inTeam(d)
			return func(a actor.Actor) error { return d.Team.RenameTeam(background, a, t, "Night") }
		}),
		"RevokeInvitation": verb("team.no_invitation", func(d *desk) does {
			inv, err := d.Team.Invite(background, d.owner, team.Invite{Email: "guest@example.org", Roles: voice})
			d.must(err)
			return func(a actor.Actor) error { return d.Team.RevokeInvitation(background, a, inv.ID) }
		}),
		"RevokeOtherSessions": verb("", func(d *desk) does {
			return func(a actor.Actor) error { return d.Team.RevokeOtherSessions(background, a, 0) }
		}),
		"RevokeSession": verb("team.no_session", func(d *desk) does {
			s, err := d.Team.SignIn(background, d.email, password, team.Place{})
			d.must(err)
			return func(a actor.Actor) error { return d.Team.RevokeSession(background, a, s.Session) }
		}),
		"RevokeToken": verb("team.no_token", func(d *desk) does {
			d.token()
			all, err := d.Team.Tokens(background, d.owner, d.owner.Member)
			d.must(err)
			return func(a actor.Actor) error { return d.Team.RevokeToken(background, a, all[0].ID) }
		}),
		"Scopes": read("", func(d *desk) act {
			d.connected()
			return func(a actor.Actor) (any, error) { return d.Team.Scopes(background, a) }
		}),
		"Sessions": read("", func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Team.Sessions(background, a) }
		}),
		"Teams": forMembers(func(d *desk) act {
			inTeam(d)
			return func(a actor.Actor) (any, error) { return d.Team.Teams(background, a) }
		}),
		"Tokens": read("", func(d *desk) act {
			d.token()
			return func(a actor.Actor) (any, error) { return d.Team.Tokens(background, a, d.owner.Member) }
		}),
		"Workspace": forMembers(func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Team.Workspace(background, a) }
		}),
	}
}

func accountMethods() map[string]method {
	type does = func(actor.Actor) error
	one := func(do func(*account.Accounts, ctx, actor.Actor, id.ID) error) method {
		return verb("account.not_found", func(d *desk) does {
			acc := d.connected()
			return func(a actor.Actor) error { return do(d.Accounts, background, a, acc) }
		})
	}
	typed := url.Values{"handle": {"town"}}
	finish := verb("account.consent_expired", func(d *desk) does {
		address, err := d.Accounts.Begin(background, d.owner, "stage", "town")
		d.must(err)
		u, err := url.Parse(address)
		d.must(err)
		return func(a actor.Actor) error {
			_, err := d.Accounts.Finish(background, a, url.Values{"state": u.Query()["state"], "code": {"c"}})
			return err
		}
	})
	finish.steps = 2 // the state is used up before the network is asked, which no transaction may wait for
	return map[string]method{
		"Begin": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Accounts.Begin(background, a, "stage", "town")
				return err
			}
		}),
		"BeginAgain": one(func(s *account.Accounts, c ctx, a actor.Actor, acc id.ID) error {
			_, err := s.BeginAgain(c, a, acc, "town")
			return err
		}),
		"CheckedGap":   one((*account.Accounts).CheckedGap),
		"Disconnect":   one((*account.Accounts).Disconnect),
		"Finish":       finish,
		"ResumeImport": one((*account.Accounts).ResumeImport),
		"SetSignature": one(func(s *account.Accounts, c ctx, a actor.Actor, acc id.ID) error { return s.SetSignature(c, a, acc, "") }),
		"SignIn": verb("", func(d *desk) does {
			return func(a actor.Actor) error {
				_, err := d.Accounts.SignIn(background, a, "stage", typed)
				return err
			}
		}),
		"SignInAgain": one(func(s *account.Accounts, c ctx, a actor.Actor, acc id.ID) error {
			return s.SignInAgain(c, a, acc, typed)
		}),
		"Health": read("", func(d *desk) act {
			d.connected()
			return func(a actor.Actor) (any, error) { return d.Accounts.Health(background, a) }
		}),
		"List": read("", func(d *desk) act {
			d.connected()
			return func(a actor.Actor) (any, error) { return d.Accounts.List(background, a) }
		}),
		"PictureOf": read("account.not_found", func(d *desk) act {
			acc := d.connected()
			return func(a actor.Actor) (any, error) { return d.Accounts.PictureOf(background, a, acc) }
		}),
	}
}

func deskMethods() map[string]method {
	type does = func(actor.Actor) error
	one := func(do func(*conversation.Desk, ctx, actor.Actor, id.ID) error, before ...func(*conversation.Desk, ctx, actor.Actor, id.ID) error) method {
		return verb("conversation.not_found", func(d *desk) does {
			c := d.said("Is the bridge open?")
			for _, b := range before {
				d.must(b(d.Desk, background, d.owner, c))
			}
			return func(a actor.Actor) error { return do(d.Desk, background, a, c) }
		})
	}
	look := func(do func(*conversation.Desk, ctx, actor.Actor, id.ID) (any, error)) method {
		return read("conversation.not_found", func(d *desk) act {
			c := d.said("Is the bridge open?")
			return func(a actor.Actor) (any, error) { return do(d.Desk, background, a, c) }
		})
	}
	counts := read("", func(d *desk) act {
		d.said("Is the bridge open?")
		return func(a actor.Actor) (any, error) { return d.Desk.Counts(background, a) }
	})
	counts.open = "whoever may read nothing is told that nothing waits"
	sweep := verb("", func(d *desk) does {
		d.said("Is the bridge open?")
		d.must(d.Team.ChangeWorkspace(background, d.owner, team.WorkspaceChange{Name: "Desk", Zone: "UTC", KeepDays: 1}))
		d.clock.Advance(49 * time.Hour)
		return func(a actor.Actor) error {
			_, err := d.Desk.Sweep(background, a)
			return err
		}
	})
	departed := verb("", func(d *desk) does {
		ben, c := d.hire("ben", team.Voice), d.said("Is the bridge open?")
		d.must(d.Desk.Claim(background, ben, c))
		d.must(d.Team.RemoveMember(background, d.owner, ben.Member, ""))
		return func(a actor.Actor) error { return d.Desk.ReleaseDeparted(background, a) }
	})
	sweep.system, departed.system = true, true
	all := map[string]method{
		"AttachmentOf": read("conversation.not_found", func(d *desk) act {
			v, err := d.Desk.Open(background, d.owner, d.said("Is the bridge open?"))
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Desk.AttachmentOf(background, a, v.Messages[0].ID, 0) }
		}),
		"AvatarOf": read("conversation.not_found", func(d *desk) act {
			v, err := d.Desk.Open(background, d.owner, d.said("Is the bridge open?"))
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Desk.AvatarOf(background, a, v.Person.Identity) }
		}),
		"Claim": one((*conversation.Desk).Claim),
		"Compose": look(func(s *conversation.Desk, c ctx, a actor.Actor, conv id.ID) (any, error) {
			return s.Compose(c, a, conv, 0)
		}),
		"Counts": counts,
		"Erase": verb("conversation.no_person", func(d *desk) does {
			p, err := d.Desk.PersonOf(background, d.owner, d.said("Is the bridge open?"))
			d.must(err)
			return func(a actor.Actor) error { return d.Desk.Erase(background, a, p, d.eraseAlso) }
		}),
		"Finish": one((*conversation.Desk).Finish),
		"Glance": glance(),
		"List": read("", func(d *desk) act {
			d.said("Is the bridge open?")
			return func(a actor.Actor) (any, error) {
				return d.Desk.List(background, a, conversation.Filter{Box: conversation.All})
			}
		}),
		"Open": look(func(s *conversation.Desk, c ctx, a actor.Actor, conv id.ID) (any, error) { return s.Open(c, a, conv) }),
		"PersonOf": look(func(s *conversation.Desk, c ctx, a actor.Actor, conv id.ID) (any, error) {
			return s.PersonOf(c, a, conv)
		}),
		"Release":         one((*conversation.Desk).Release, (*conversation.Desk).Claim),
		"ReleaseDeparted": departed,
		"Reopen":          one((*conversation.Desk).Reopen, (*conversation.Desk).Finish),
		"Reply": one(func(s *conversation.Desk, c ctx, a actor.Actor, conv id.ID) error {
			_, err := s.Reply(c, a, conversation.Answer{Conversation: conv, Text: "It is."})
			return err
		}),
		"Sweep": sweep,
	}
	maps.Copy(all, together())
	return all
}

func deliveryMethods() map[string]method {
	one := func(make func(*desk) id.ID, do func(*delivery.Delivery, ctx, actor.Actor, id.ID) error) method {
		return verb("delivery.not_found", func(d *desk) func(actor.Actor) error {
			out := make(d)
			return func(a actor.Actor) error { return do(d.Deliveries, background, a, out) }
		})
	}
	return map[string]method{
		"CallBack": one((*desk).answered, (*delivery.Delivery).CallBack),
		"Check":    one((*desk).unknown, (*delivery.Delivery).Check),
		"Discard":  one((*desk).failed, (*delivery.Delivery).Discard),
		"Retry":    one((*desk).failed, (*delivery.Delivery).Retry),
		"Settle": one((*desk).unknown, func(s *delivery.Delivery, c ctx, a actor.Actor, out id.ID) error {
			return s.Settle(c, a, out, delivery.Finding{There: true})
		}),
		"Get": read("delivery.not_found", func(d *desk) act {
			out := d.failed()
			return func(a actor.Actor) (any, error) { return d.Deliveries.Get(background, a, out) }
		}),
		"Of": read("", func(d *desk) act {
			r, err := d.Deliveries.Get(background, d.owner, d.failed())
			d.must(err)
			return func(a actor.Actor) (any, error) { return d.Deliveries.Of(background, a, r.Kind, r.Subject) }
		}),
		"Open": read("", func(d *desk) act {
			d.failed()
			return func(a actor.Actor) (any, error) { return d.Deliveries.Open(background, a) }
		}),
	}
}
