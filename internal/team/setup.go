package team

import (
	"context"
	"fmt"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// SetUp is what the first person says: who they are and what their workspace is.
type SetUp struct {
	Email     string
	Login     NewLogin
	Workspace NewWorkspace
}

// FirstRun makes the secret of the link that sets up an empty installation.
// Links made at earlier starts die. needed is false, and nothing happens, as
// soon as there is a login.
func (s *Service) FirstRun(ctx context.Context) (secret string, needed bool, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if needed, err = empty(ctx, tx); err != nil || !needed {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from login_link where purpose = 'setup'`); err != nil {
			return fmt.Errorf("replacing the set-up link: %w", err)
		}
		var hash []byte
		secret, hash = newSecret(setupPrefix)
		const q = `insert into login_link (hash, purpose, login, made, until) values ($1, 'setup', 0, $2, 0)`
		if _, err := tx.Exec(ctx, q, hash, db.Micros(s.clock.Now())); err != nil {
			return fmt.Errorf("making the set-up link: %w", err)
		}
		return nil
	})
	if err != nil || !needed {
		return "", false, err
	}
	return secret, true, nil
}

// empty reports whether nobody can sign in yet.
func empty(ctx context.Context, q db.Queryer) (bool, error) {
	var n int
	if err := q.Row(ctx, `select count(*) from login where removed = 0`).Scan(&n); err != nil {
		return false, fmt.Errorf("looking for logins: %w", err)
	}
	return n == 0, nil
}

func setupOver() error { return problem.New(problem.Gone, "team.setup_over") }

// SetUpReady is nil while the set-up link works, else "team.setup_over".
func (s *Service) SetUpReady(ctx context.Context, secret string) error {
	if !plausible(secret, setupPrefix) {
		return setupOver()
	}
	var n int
	err := s.db.Read().Row(ctx, `select count(*) from login_link where hash = $1 and purpose = 'setup'`, hashSecret(secret)).Scan(&n)
	if err != nil {
		return fmt.Errorf("reading the set-up link: %w", err)
	}
	if n == 0 {
		return setupOver()
	}
	return nil
}

// SetUp uses the link up: it makes the first login, its workspace, which it
// owns, and a session. Of two people with the link one is first; the other gets
// "team.setup_over".
func (s *Service) SetUp(ctx context.Context, secret string, in SetUp, p Place) (signed SignedIn, w Workspace, err error) {
	if err := s.SetUpReady(ctx, secret); err != nil {
		return signed, w, err
	}
	ws, err := in.Workspace.clean()
	if err != nil {
		return signed, w, err
	}
	if in.Login.Locale == "" {
		in.Login.Locale = ws.Locale
	}
	draft, err := s.draft(ctx, in.Email, in.Login)
	if err != nil {
		return signed, w, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `delete from login_link where hash = $1 and purpose = 'setup'`, hashSecret(secret))
		if err != nil {
			return fmt.Errorf("using the set-up link: %w", err)
		}
		// Somebody may have been added on the command line meanwhile.
		fresh, err := empty(ctx, tx)
		if err != nil {
			return err
		}
		if n == 0 || !fresh {
			return setupOver()
		}
		var login id.ID
		if login, w, err = s.establish(ctx, tx, draft, ws); err != nil {
			return err
		}
		signed, err = s.open(ctx, tx, login, p)
		return err
	})
	if err != nil {
		return SignedIn{}, Workspace{}, err
	}
	return signed, w, nil
}

// establish makes a login with a workspace of its own.
func (s *Service) establish(ctx context.Context, tx *db.Tx, d loginDraft, ws NewWorkspace) (id.ID, Workspace, error) {
	login, err := s.insertLogin(ctx, tx, d)
	if err != nil {
		return 0, Workspace{}, err
	}
	w, _, err := s.found(ctx, tx, ws, login, d.name)
	return login, w, err
}
