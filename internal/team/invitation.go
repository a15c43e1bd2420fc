package team

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/problem"
)

// Invite asks somebody in.
type Invite struct {
	Email string
	Roles []RoleIn // at least one
}

// Invitation is one that waits for an answer.
type Invitation struct {
	ID     id.ID
	Email  string
	Roles  []RoleIn
	Made   time.Time
	MadeBy id.ID // 0: Parley itself
	Until  time.Time
	Secret string // for the link; known only to the answer of Invite
	Mail   mail.Progress
}

// Invite makes a link that lets one person in, once, within InvitationLife.
// Inviting an address again replaces the link it had: the old one is dead. Where
// Parley can send mail, the link is also sent to them.
func (s *Service) Invite(ctx context.Context, a actor.Actor, in Invite) (Invitation, error) {
	if !a.CanSomewhere(actor.ManageTeam) {
		return Invitation{}, a.Require(actor.ManageTeam)
	}
	addr, err := parseAddress(in.Email)
	if err != nil {
		return Invitation{}, err
	}
	if err := s.checkRoles(ctx, a, in.Roles); err != nil {
		return Invitation{}, err
	}
	now := s.clock.Now()
	inv := Invitation{ID: s.ids.New(), Email: addr.shown, Roles: in.Roles, Made: now, MadeBy: a.Member, Until: now.Add(InvitationLife)}
	secret, hash := newSecret(invitationPrefix)
	inv.Secret = secret
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if err := notHere(ctx, tx, a.Workspace, addr); err != nil {
			return err
		}
		old, err := list(ctx, tx, scanID, `select id from invitation
			where workspace = $1 and email_folded = $2 and accepted = 0 and revoked = 0`, a.Workspace, addr.folded)
		if err != nil {
			return fmt.Errorf("looking for an earlier invitation: %w", err)
		}
		for _, id := range old {
			if err := s.revokeInvitation(ctx, tx, a, id); err != nil {
				return err
			}
		}
		if err := s.insertInvitation(ctx, tx, a, inv, addr, hash); err != nil {
			return err
		}
		return s.mailInvitation(ctx, tx, a, inv)
	})
	if err != nil {
		return Invitation{}, err
	}
	return inv, nil
}

func (s *Service) checkRoles(ctx context.Context, a actor.Actor, roles []RoleIn) error {
	if len(roles) == 0 || len(roles) > 100 {
		return problem.New(problem.Invalid, "team.role").At("role")
	}
	for _, r := range roles {
		if err := s.mayGive(a, r); err != nil {
			return err
		}
		if err := s.checkAccount(ctx, a, r.Scope); err != nil {
			return err
		}
	}
	return nil
}

// notHere refuses to invite somebody who is in already.
func notHere(ctx context.Context, tx *db.Tx, workspace id.ID, addr address) error {
	var n int
	err := tx.Row(ctx, `select count(*) from member m join login l on l.id = m.login
		where m.workspace = $1 and m.departed = 0 and l.email_folded = $2 and l.removed = 0`, workspace, addr.folded).Scan(&n)
	if err != nil {
		return fmt.Errorf("looking for a member: %w", err)
	}
	if n > 0 {
		return problem.New(problem.Conflict, "team.member_here", "email", addr.shown).At("email")
	}
	return nil
}

func (s *Service) insertInvitation(ctx context.Context, tx *db.Tx, a actor.Actor, inv Invitation, addr address, hash []byte) error {
	const q = `insert into invitation (workspace, id, email, email_folded, hash, made, made_by, until, accepted, accepted_by, revoked, revoked_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0)`
	_, err := tx.Exec(ctx, q, a.Workspace, inv.ID, inv.Email, addr.folded, hash, db.Micros(inv.Made), inv.MadeBy, db.Micros(inv.Until))
	if err != nil {
		return fmt.Errorf("making an invitation: %w", err)
	}
	for _, r := range inv.Roles {
		if err := checkTeam(ctx, tx, a.Workspace, r.Scope); err != nil {
			return err
		}
		const q = `insert into invitation_role (workspace, invitation, role, scope_kind, scope_id) values ($1, $2, $3, $4, $5)
			on conflict do nothing`
		if _, err := tx.Exec(ctx, q, a.Workspace, inv.ID, string(r.Role), r.Scope.Kind, r.Scope.ID); err != nil {
			return fmt.Errorf("making an invitation: %w", err)
		}
	}
	s.events.Record(tx, a, event.Entry{Verb: "invitation.made", Kind: "invitation", Subject: inv.ID, Personal: inv.Email, About: inv.ID})
	return nil
}

// Invitations lists those that wait for an answer, the newest first. Expired
// ones stay in the list until they are swept, so that one sees why nobody came.
func (s *Service) Invitations(ctx context.Context, a actor.Actor) ([]Invitation, error) {
	if !a.CanSomewhere(actor.ManageTeam) {
		return nil, a.Require(actor.ManageTeam)
	}
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (v Invitation, err error) {
		return v, rows.Scan(&v.ID, &v.Email, db.ScanTime(&v.Made), &v.MadeBy, db.ScanTime(&v.Until))
	}, `select id, email, made, made_by, until from invitation
		where workspace = $1 and accepted = 0 and revoked = 0 order by id desc`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("listing the invitations: %w", err)
	}
	for i := range all {
		if all[i].Roles, err = invitedRoles(ctx, s.db.Read(), a.Workspace, all[i].ID); err != nil {
			return nil, err
		}
		if all[i].Mail, err = s.mail.State(ctx, s.db.Read(), a.Workspace, invitationLetter, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func invitedRoles(ctx context.Context, q db.Queryer, workspace, invitation id.ID) ([]RoleIn, error) {
	roles, err := list(ctx, q, func(rows *sql.Rows) (r RoleIn, err error) {
		return r, rows.Scan(&r.Role, &r.Scope.Kind, &r.Scope.ID)
	}, `select role, scope_kind, scope_id from invitation_role where workspace = $1 and invitation = $2`, workspace, invitation)
	if err != nil {
		return nil, fmt.Errorf("reading an invitation: %w", err)
	}
	slices.SortFunc(roles, func(x, y RoleIn) int { return slices.Index(Roles(), x.Role) - slices.Index(Roles(), y.Role) })
	return roles, nil
}

// RevokeInvitation kills an invitation's link.
func (s *Service) RevokeInvitation(ctx context.Context, a actor.Actor, invitation id.ID) error {
	if !a.CanSomewhere(actor.ManageTeam) {
		return a.Require(actor.ManageTeam)
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		roles, err := invitedRoles(ctx, tx, a.Workspace, invitation)
		if err != nil {
			return err
		}
		for _, r := range roles {
			if err := a.Require(r.Role.giver(), r.Scope); err != nil {
				return err
			}
		}
		return s.revokeInvitation(ctx, tx, a, invitation)
	})
}

func (s *Service) revokeInvitation(ctx context.Context, tx *db.Tx, a actor.Actor, invitation id.ID) error {
	n, err := tx.Exec(ctx, `update invitation set revoked = $1, revoked_by = $2, email = '', email_folded = ''
		where workspace = $3 and id = $4 and accepted = 0 and revoked = 0`, db.Micros(s.clock.Now()), a.Member, a.Workspace, invitation)
	if err != nil {
		return fmt.Errorf("revoking an invitation: %w", err)
	}
	if n == 0 {
		return problem.New(problem.NotFound, "team.no_invitation")
	}
	s.events.Record(tx, a, event.Entry{Verb: "invitation.revoked", Kind: "invitation", Subject: invitation})
	return s.mail.Withdraw(ctx, tx, a.Workspace, invitationLetter, invitation)
}
