package team

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Operator is what whoever runs the machine may do: they hold the database
// anyway, so nothing here asks for a right. It is for the command line and the
// demo; no page and no API reaches it. What it does is recorded in the
// workspaces it touches, as done by "operator".
type Operator struct{ s *Service }

// Operator gives the command line its verbs.
func (s *Service) Operator() Operator { return Operator{s} }

// Login is somebody who can sign in, as the operator sees them.
type Login struct {
	ID         id.ID
	Email      string
	Name       string
	Created    time.Time
	Seen       time.Time // newest session; zero: none
	Workspaces []string  // slugs
}

// Logins lists who can sign in, by when they came.
func (o Operator) Logins(ctx context.Context) ([]Login, error) {
	q := o.s.db.Read()
	all, err := list(ctx, q, func(rows *sql.Rows) (l Login, err error) {
		return l, rows.Scan(&l.ID, &l.Email, &l.Name, db.ScanTime(&l.Created), db.ScanTime(&l.Seen))
	}, `select l.id, l.email, l.name, l.created, coalesce((select max(s.seen) from login_session s where s.login = l.id), 0)
		from login l where l.removed = 0 order by l.id`)
	if err != nil {
		return nil, fmt.Errorf("listing the logins: %w", err)
	}
	for i := range all {
		all[i].Workspaces, err = list(ctx, q, scanString, `select w.slug from member m join workspace w on w.id = m.workspace
			where m.login = $1 and m.departed = 0 and w.closed = 0 order by w.slug`, all[i].ID)
		if err != nil {
			return nil, fmt.Errorf("listing the workspaces of a login: %w", err)
		}
	}
	return all, nil
}

// PasswordLink makes a link that lets a login set a new password, once, within
// PasswordLinkLife. Earlier links die; the old password works until it is used.
func (o Operator) PasswordLink(ctx context.Context, email string) (secret string, until time.Time, err error) {
	until = o.s.clock.Now().Add(PasswordLinkLife)
	secret, hash := newSecret(passwordPrefix)
	err = o.s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := o.find(ctx, tx, email)
		if err != nil {
			return err
		}
		return o.link(ctx, tx, l, hash, until)
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return secret, until, nil
}

// MailPasswordLink makes such a link and sends it to its owner: nobody else sees it.
func (o Operator) MailPasswordLink(ctx context.Context, email string) (until time.Time, err error) {
	if !o.s.mail.Ready() {
		return until, noMail()
	}
	until = o.s.clock.Now().Add(PasswordLinkLife)
	secret, hash := newSecret(passwordPrefix)
	err = o.s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := o.find(ctx, tx, email)
		if err != nil {
			return err
		}
		if err := o.link(ctx, tx, l, hash, until); err != nil {
			return err
		}
		return o.s.mailPasswordLink(ctx, tx, l, secret, until)
	})
	return until, err
}

// link stores a new link and ends the earlier ones.
func (o Operator) link(ctx context.Context, tx *db.Tx, l loginRow, hash []byte, until time.Time) error {
	if err := o.s.replaceLink(ctx, tx, l, hash, until); err != nil {
		return err
	}
	return o.record(ctx, tx, l.id, "member.password_link_made")
}

// CreateWorkspace opens a workspace. An address that has a login already owns
// it and in.Login is not looked at; else the login is made.
func (o Operator) CreateWorkspace(ctx context.Context, in SetUp) (w Workspace, login id.ID, err error) {
	ws, err := in.Workspace.clean()
	if err != nil {
		return w, 0, err
	}
	addr, err := parseAddress(in.Email)
	if err != nil {
		return w, 0, err
	}
	known, found, err := loginBy(ctx, o.s.db.Read(), addr.folded)
	if err != nil {
		return w, 0, err
	}
	var draft loginDraft
	if !found {
		if draft, err = o.s.draft(ctx, in.Email, in.Login); err != nil {
			return w, 0, err
		}
	}
	err = o.s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if !found {
			login, w, err = o.s.establish(ctx, tx, draft, ws)
			return err
		}
		l, err := loginOf(ctx, tx, known.id)
		if err != nil {
			return err
		}
		login = l.id
		w, _, err = o.s.found(ctx, tx, ws, l.id, l.name)
		return err
	})
	return w, login, err
}

// OpenSession signs a login in without a password, for the demo.
func (o Operator) OpenSession(ctx context.Context, login id.ID, p Place) (signed SignedIn, err error) {
	err = o.s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := loginOf(ctx, tx, login)
		if err != nil {
			return err
		}
		signed, err = o.s.open(ctx, tx, l.id, p)
		return err
	})
	return signed, err
}

// RemoveLogin ends a login everywhere and forgets its address, password and
// places. The name stays on what they signed. Nobody who is the last owner of a
// workspace can be removed: "team.last_owner_of" names it.
func (o Operator) RemoveLogin(ctx context.Context, email string) error {
	return o.s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		l, err := o.find(ctx, tx, email)
		if err != nil {
			return err
		}
		where, err := stays(ctx, tx, l.id)
		if err != nil {
			return err
		}
		for _, st := range where {
			if err := o.removeStay(ctx, tx, st); err != nil {
				return err
			}
		}
		if err := o.s.endSessions(ctx, tx, l.id, 0); err != nil {
			return err
		}
		for _, q := range []string{
			`delete from login_link where login = $1`,
			`delete from login_place where login = $1`,
			`delete from login_step where login = $1`,
			`delete from passkey where login = $1`,
			`delete from login_identity where login = $1`,
		} {
			if _, err := tx.Exec(ctx, q, l.id); err != nil {
				return fmt.Errorf("removing a login: %w", err)
			}
		}
		if err := o.s.mail.Withdraw(ctx, tx, 0, passwordLetter, l.id); err != nil {
			return err
		}
		const q = `update login set email = '', email_folded = '', password = '', removed = $1 where id = $2`
		if _, err := tx.Exec(ctx, q, db.Micros(o.s.clock.Now()), l.id); err != nil {
			return fmt.Errorf("removing a login: %w", err)
		}
		return o.forget(ctx, tx, l.id)
	})
}

func (o Operator) removeStay(ctx context.Context, tx *db.Tx, st stay) error {
	err := o.s.depart(ctx, tx, operator(st.workspace), st.member, "")
	if !problem.Is(err, "team.last_owner") {
		return err
	}
	var name string
	if err := tx.Row(ctx, `select name from workspace where id = $1`, st.workspace).Scan(&name); err != nil {
		return fmt.Errorf("reading a workspace: %w", err)
	}
	return problem.New(problem.Conflict, "team.last_owner_of", "workspace", name)
}

// forget erases from the log what names the login's members and invitations.
func (o Operator) forget(ctx context.Context, tx *db.Tx, login id.ID) error {
	type about struct{ workspace, subject id.ID }
	all, err := list(ctx, tx, func(rows *sql.Rows) (v about, err error) {
		return v, rows.Scan(&v.workspace, &v.subject)
	}, `select workspace, id from member where login = $1
		union select i.workspace, i.id from invitation i join member m on m.workspace = i.workspace and m.id = i.accepted_by
		where m.login = $1`, login)
	if err != nil {
		return fmt.Errorf("listing what to forget: %w", err)
	}
	for _, v := range all {
		if err := event.Erase(ctx, tx, v.workspace, v.subject); err != nil {
			return err
		}
	}
	return nil
}

func (o Operator) find(ctx context.Context, tx *db.Tx, email string) (loginRow, error) {
	l, found, err := loginBy(ctx, tx, foldTyped(email))
	if err == nil && !found {
		err = problem.New(problem.NotFound, "team.no_login")
	}
	return l, err
}

// record tells every workspace a login is in what the operator did to it.
func (o Operator) record(ctx context.Context, tx *db.Tx, login id.ID, verb string) error {
	where, err := stays(ctx, tx, login)
	if err != nil {
		return err
	}
	for _, st := range where {
		o.s.events.Record(tx, operator(st.workspace), event.Entry{Verb: verb, Kind: "member", Subject: st.member})
	}
	return nil
}

func operator(workspace id.ID) actor.Actor { return actor.System(workspace, "operator") }
