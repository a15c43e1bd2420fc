package team

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Offer is what somebody sees who followed an invitation's link.
type Offer struct {
	Workspace string // its name
	By        string // who invited them; "" is Parley itself
	Email     string
	Roles     []RoleIn
	Known     bool // the address has a login here already: sign in, then accept
}

// NewLogin is what somebody new says about themselves.
type NewLogin struct {
	Name     string
	Password string
	Locale   string // "" is "en"
}

// invited is an invitation found by its secret.
type invited struct {
	workspace, invitation, by id.ID
	email, folded             string
	roles                     []RoleIn
}

// Offer reads an invitation by its secret without accepting it.
func (s *Service) Offer(ctx context.Context, secret string) (o Offer, err error) {
	inv, err := s.invited(ctx, s.db.Read(), secret)
	if err != nil {
		return o, err
	}
	o = Offer{Email: inv.email, Roles: inv.roles}
	const q = `select w.name, coalesce(m.name, '') from workspace w
		left join member m on m.workspace = w.id and m.id = $2 where w.id = $1`
	if err := s.db.Read().Row(ctx, q, inv.workspace, inv.by).Scan(&o.Workspace, &o.By); err != nil {
		return o, fmt.Errorf("reading an invitation: %w", err)
	}
	_, o.Known, err = loginBy(ctx, s.db.Read(), inv.folded)
	return o, err
}

// invited finds an invitation that still holds. One that never was and one that
// is used up, revoked or expired are told alike: "team.invitation_over".
func (s *Service) invited(ctx context.Context, q db.Queryer, secret string) (inv invited, err error) {
	over := problem.New(problem.Gone, "team.invitation_over")
	if !plausible(secret, invitationPrefix) {
		return inv, over
	}
	var until time.Time
	const text = `select i.workspace, i.id, i.made_by, i.email, i.email_folded, i.until
		from invitation i join workspace w on w.id = i.workspace
		where i.hash = $1 and i.accepted = 0 and i.revoked = 0 and w.closed = 0`
	err = q.Row(ctx, text, hashSecret(secret)).Scan(&inv.workspace, &inv.invitation, &inv.by, &inv.email, &inv.folded, db.ScanTime(&until))
	if db.NoRows(err) {
		return inv, over
	}
	if err != nil {
		return inv, fmt.Errorf("reading an invitation: %w", err)
	}
	if !s.clock.Now().Before(until) {
		return inv, over
	}
	inv.roles, err = invitedRoles(ctx, q, inv.workspace, inv.invitation)
	return inv, err
}

// AcceptNew makes a login for the invited address, a member, and a session. If
// the address has a login already it is "team.sign_in_first".
func (s *Service) AcceptNew(ctx context.Context, secret string, in NewLogin, p Place) (SignedIn, error) {
	inv, err := s.invited(ctx, s.db.Read(), secret)
	if err != nil {
		return SignedIn{}, err
	}
	draft, err := s.draft(ctx, inv.email, in)
	if err != nil {
		return SignedIn{}, err
	}
	var signed SignedIn
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		login, err := s.insertLogin(ctx, tx, draft)
		if err != nil {
			return err
		}
		if err := s.accept(ctx, tx, secret, login, draft.name); err != nil {
			return err
		}
		signed, err = s.open(ctx, tx, login, p)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signed, nil
}

// Accept lets somebody in who has a login: the one who is signed in and holds
// the link, under whatever address they sign in with.
func (s *Service) Accept(ctx context.Context, secret string, v Visitor) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loginOf(ctx, tx, v.Login)
		if err != nil {
			return err
		}
		return s.accept(ctx, tx, secret, l.id, l.name)
	})
}

// accept uses the invitation up and makes the login a member with its roles.
func (s *Service) accept(ctx context.Context, tx *db.Tx, secret string, login id.ID, name string) error {
	inv, err := s.invited(ctx, tx, secret)
	if err != nil {
		return err
	}
	if err := lock(ctx, tx, inv.workspace); err != nil {
		return err
	}
	until, err := s.stillMayInvite(ctx, tx, inv)
	if err != nil {
		return err
	}
	a := actor.Actor{Workspace: inv.workspace, Member: s.ids.New(), Name: name}
	n, err := tx.Exec(ctx, `update invitation set accepted = $1, accepted_by = $2, email = '', email_folded = ''
		where workspace = $3 and id = $4 and accepted = 0 and revoked = 0`,
		db.Micros(s.clock.Now()), a.Member, inv.workspace, inv.invitation)
	if err != nil {
		return fmt.Errorf("accepting an invitation: %w", err)
	}
	if n == 0 { // somebody else followed the link a moment ago
		return problem.New(problem.Gone, "team.invitation_over")
	}
	s.events.Record(tx, a, event.Entry{Verb: "invitation.accepted", Kind: "invitation", Subject: inv.invitation,
		Details: map[string]string{"member": a.Member.String()}})
	return s.join(ctx, tx, a, login, joining{roles: inv.roles, until: until, givenBy: inv.by, invitation: inv.invitation, email: inv.email})
}

// stillMayInvite: an invitation holds no more than its maker holds when it is
// accepted, and for no longer. Otherwise a steward whose role is about to end
// could keep a door open for themselves.
func (s *Service) stillMayInvite(ctx context.Context, tx *db.Tx, inv invited) (until time.Time, err error) {
	for _, r := range inv.roles {
		end, err := s.mayGiveUntil(ctx, tx, inv.workspace, inv.by, r)
		var p *problem.Problem
		if errors.As(err, &p) {
			return until, problem.New(problem.Gone, "team.invitation_over")
		}
		if err != nil {
			return until, err
		}
		if until.IsZero() || !end.IsZero() && end.Before(until) {
			until = end
		}
	}
	return until, nil
}

// loginDraft is a login that has been checked and hashed but not stored.
type loginDraft struct {
	email    address
	name     string
	password string // its hash
	locale   string
}

// draft checks what somebody new says. The password is hashed here, outside
// any transaction: it takes long.
func (s *Service) draft(ctx context.Context, email string, in NewLogin) (d loginDraft, err error) {
	if d.email, err = parseAddress(email); err != nil {
		return d, err
	}
	if d.name, err = cleanName(in.Name, "name"); err != nil {
		return d, err
	}
	if d.locale, err = cleanLocale(in.Locale); err != nil {
		return d, err
	}
	if err := checkPassword(in.Password, d.email.shown, d.name); err != nil {
		return d, err
	}
	if d.password, err = s.hasher.hash(ctx, in.Password); err != nil {
		return d, fmt.Errorf("hashing a password: %w", err)
	}
	return d, nil
}

func (s *Service) insertLogin(ctx context.Context, tx *db.Tx, d loginDraft) (id.ID, error) {
	login := s.ids.New()
	const q = `insert into login (id, email, email_folded, name, password, locale, created, removed)
		values ($1, $2, $3, $4, $5, $6, $7, 0)`
	_, err := tx.Exec(ctx, q, login, d.email.shown, d.email.folded, d.name, d.password, d.locale, db.Micros(s.clock.Now()))
	if db.IsUnique(err) {
		return 0, problem.New(problem.Conflict, "team.sign_in_first", "email", d.email.shown).At("email")
	}
	if err != nil {
		return 0, fmt.Errorf("adding a login: %w", err)
	}
	return login, nil
}
