package team

import (
	"context"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/problem"
)

// What letters are kept under.
const (
	invitationLetter = "invitation" // about the invitation
	passwordLetter   = "password"   // about the login, which belongs to no workspace
)

// mailInvitation sends an invitation's link to whom it is for.
func (s *Service) mailInvitation(ctx context.Context, tx *db.Tx, a actor.Actor, inv Invitation) error {
	if !s.mail.Ready() {
		return nil
	}
	var name, locale, zone string
	if err := tx.Row(ctx, `select name, locale, zone from workspace where id = $1`, a.Workspace).Scan(&name, &locale, &zone); err != nil {
		return fmt.Errorf("reading a workspace: %w", err)
	}
	words := s.mail.Speak(locale, location(zone))
	_, err := s.mail.Post(ctx, tx, mail.Letter{Workspace: a.Workspace, Purpose: invitationLetter, About: inv.ID, Until: inv.Until, To: inv.Email, As: name, Locale: locale,
		Subject: words.T("team.letter.invitation.subject", "workspace", name),
		Text:    []string{words.T("team.letter.invitation.text", "name", a.Name, "workspace", name)},
		Action:  mail.Action{Label: words.T("team.letter.invitation.go"), Link: s.mail.Link(InvitationPath(inv.Secret))},
		After:   []string{words.T("team.letter.invitation.once", "date", words.Date(inv.Until))},
		Why:     words.T("team.letter.invitation.why", "name", a.Name)})
	return err
}

// mailPasswordLink sends a link to a new password to its owner.
func (s *Service) mailPasswordLink(ctx context.Context, tx *db.Tx, l loginRow, secret string, until time.Time) error {
	locale, zone, err := s.languageOf(ctx, tx, l.id)
	if err != nil {
		return err
	}
	words := s.mail.Speak(locale, zone)
	_, err = s.mail.Post(ctx, tx, mail.Letter{Purpose: passwordLetter, About: l.id, Until: until, To: l.email, Name: l.name, Locale: locale,
		Subject: words.T("team.letter.password.subject"),
		Text:    []string{words.T("team.letter.password.text", "name", l.name)},
		Action:  mail.Action{Label: words.T("team.letter.password.go"), Link: s.mail.Link(PasswordPath(secret))},
		After:   []string{words.T("team.letter.password.once", "time", words.Exact(until)), words.T("team.letter.password.not_you")},
		Why:     words.T("team.letter.password.why")})
	return err
}

// languageOf is what somebody reads, and the time zone of the workspace they have
// been in for longest: a letter has no browser to ask.
func (s *Service) languageOf(ctx context.Context, q db.Queryer, login id.ID) (locale string, zone *time.Location, err error) {
	var name string
	err = q.Row(ctx, `select l.locale, coalesce((select w.zone from member m join workspace w on w.id = m.workspace
		where m.login = l.id and m.departed = 0 and w.closed = 0 order by m.joined, m.id limit 1), 'UTC') from login l where l.id = $1`, login).Scan(&locale, &name)
	if err != nil {
		return "", nil, fmt.Errorf("reading what somebody reads: %w", err)
	}
	return locale, location(name), nil
}

func location(zone string) *time.Location {
	at, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC
	}
	return at
}

// replaceLink stores the only link to a new password that a login has.
func (s *Service) replaceLink(ctx context.Context, tx *db.Tx, l loginRow, hash []byte, until time.Time) error {
	if _, err := tx.Exec(ctx, `delete from login_link where login = $1 and purpose = 'password'`, l.id); err != nil {
		return fmt.Errorf("replacing a password link: %w", err)
	}
	if err := s.mail.Withdraw(ctx, tx, 0, passwordLetter, l.id); err != nil {
		return err
	}
	const q = `insert into login_link (hash, purpose, login, made, until) values ($1, 'password', $2, $3, $4)`
	if _, err := tx.Exec(ctx, q, hash, l.id, db.Micros(s.clock.Now()), db.Micros(until)); err != nil {
		return fmt.Errorf("making a password link: %w", err)
	}
	return nil
}

func noMail() error { return problem.New(problem.Unavailable, "team.no_mail") }

// forgotten is how often somebody may ask for a new password: once each minute or
// so, since a wait doubles.
func forgotten(folded, network string) []bucket {
	return []bucket{
		{hashOf("forgotten", folded), limit{free: 2, most: time.Hour}},
		{hashOf("forgotten from", network), limit{free: 20, most: time.Hour}},
	}
}

// Forgot sends somebody who has forgotten their password a link to a new one.
// Whether there is a login of that address is told to nobody: it answers the
// same. Too often is "team.throttled"; without mail it is "team.no_mail".
func (s *Service) Forgot(ctx context.Context, email string, p Place) error {
	if !s.mail.Ready() {
		return noMail()
	}
	if _, err := parseAddress(email); err != nil {
		return err
	}
	folded := foldTyped(email)
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for _, b := range forgotten(folded, network(p.Address)) {
			if err := s.count(ctx, tx, b); err != nil {
				return err
			}
		}
		l, found, err := loginBy(ctx, tx, folded)
		if err != nil || !found {
			return err
		}
		until := s.clock.Now().Add(PasswordLinkLife)
		secret, hash := newSecret(passwordPrefix)
		if err := s.replaceLink(ctx, tx, l, hash, until); err != nil {
			return err
		}
		stays, err := stays(ctx, tx, l.id)
		if err != nil {
			return err
		}
		for _, st := range stays {
			s.events.Record(tx, actor.System(st.workspace, "sign-in"), event.Entry{Verb: "member.password_link_made", Kind: "member", Subject: st.member})
		}
		return s.mailPasswordLink(ctx, tx, l, secret, until)
	})
}
