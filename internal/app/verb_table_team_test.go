package app

import (
	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/team"
	"parley/internal/team/passkeytest"
)

// passkeyAnswer is what a new device answers to somebody who is signed in.
func (d *desk) passkeyAnswer() []byte {
	d.Helper()
	s, err := d.Team.SignIn(background, d.email, password, team.Place{})
	d.must(err)
	v, err := d.Team.Authenticate(background, s.Secret)
	d.must(err)
	options, err := d.Team.PreparePasskey(background, v, password, team.Place{})
	d.must(err)
	return passkeytest.New(d, "http://localhost", "localhost").Create(options)
}

func (d *desk) passkey() team.Passkey {
	d.Helper()
	k, err := d.Team.AddPasskey(background, d.owner, team.NewPasskey{Name: "Phone", Answer: d.passkeyAnswer()})
	d.must(err)
	return k
}

// identity is how another sign-in knows the owner.
func (d *desk) identity() id.ID {
	d.Helper()
	n := d.IDs.New()
	d.exec(`insert into login_identity (id, login, issuer, subject, created, used)
		select $1, login, 'https://login.example', $2, 0, 0 from member where id = $3`, n, n.String(), d.owner.Member)
	return n
}

// doorMethods are the rows of team's ways to sign in.
func doorMethods() map[string]method {
	type does = func(actor.Actor) error
	return map[string]method{
		"AddPasskey": verb("team.passkey_over", func(d *desk) does {
			answer := d.passkeyAnswer()
			return func(a actor.Actor) error {
				_, err := d.Team.AddPasskey(background, a, team.NewPasskey{Name: "Phone", Answer: answer})
				return err
			}
		}),
		"Identities": read("", func(d *desk) act {
			d.identity()
			return func(a actor.Actor) (any, error) { return d.Team.Identities(background, a) }
		}),
		"RemoveIdentity": verb("team.no_identity", func(d *desk) does {
			n := d.identity()
			return func(a actor.Actor) error { return d.Team.RemoveIdentity(background, a, n) }
		}),
		"HasPassword": read("", func(d *desk) act {
			return func(a actor.Actor) (any, error) { return d.Team.HasPassword(background, a) }
		}),
		"Passkeys": read("", func(d *desk) act {
			d.passkey()
			return func(a actor.Actor) (any, error) { return d.Team.Passkeys(background, a) }
		}),
		"RemovePasskey": verb("team.no_passkey", func(d *desk) does {
			k := d.passkey()
			return func(a actor.Actor) error { return d.Team.RemovePasskey(background, a, k.ID) }
		}),
		// Another workspace's owner has no passkey, and so needs their password.
		"RemovePassword": verb("team.last_way_in", func(d *desk) does {
			d.passkey()
			return func(a actor.Actor) error {
				return d.Team.RemovePassword(background, a, team.PasswordChange{Old: password}, team.Place{})
			}
		}),
		"RenamePasskey": verb("team.no_passkey", func(d *desk) does {
			k := d.passkey()
			return func(a actor.Actor) error { return d.Team.RenamePasskey(background, a, k.ID, "Tablet") }
		}),
	}
}
