package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"parley/internal/account"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/mail"
	"parley/internal/problem"
	"parley/internal/secret"
	"parley/internal/webhook"
)

// WorkspaceName is a workspace as the operator's commands list it.
type WorkspaceName struct {
	ID   id.ID
	Slug string
	Name string
}

// AllWorkspaces lists every workspace, closed ones too. It is for the operator,
// who holds the database anyway.
func (a *App) AllWorkspaces(ctx context.Context) ([]WorkspaceName, error) {
	return listWorkspaces(ctx, a.DB.Read())
}

func listWorkspaces(ctx context.Context, q db.Queryer) ([]WorkspaceName, error) {
	rows, err := q.Query(ctx, `select id, slug, name from workspace order by id`)
	if err != nil {
		return nil, fmt.Errorf("listing the workspaces: %w", err)
	}
	defer rows.Close()
	var ws []WorkspaceName
	for rows.Next() {
		var w WorkspaceName
		if err := rows.Scan(&w.ID, &w.Slug, &w.Name); err != nil {
			return nil, fmt.Errorf("listing the workspaces: %w", err)
		}
		ws = append(ws, w)
	}
	return ws, rows.Err()
}

// sealed are all columns in which sealed values stand.
func sealed() []secret.Column {
	return slices.Concat(account.Sealed(), webhook.Sealed(), mail.Sealed())
}

// RotateKeys makes a new key and seals every credential with it. Unless keep is
// set the old keys are forgotten, once nothing needs them any more. Servers that
// run meanwhile read the key file again when they meet a key they do not know.
func (a *App) RotateKeys(ctx context.Context, keep bool) (resealed int, err error) {
	old := a.Keys.IDs()
	if _, err := a.Keys.Rotate(secret.NewKey()); err != nil {
		return 0, fmt.Errorf("making a new key: %w", err)
	}
	done, err := a.Keys.Reseal(ctx, a.DB, sealed())
	if err != nil {
		return done.Sealed, fmt.Errorf("sealing with the new key; run it again to go on: %w", err)
	}
	if keep {
		return done.Sealed, nil
	}
	for _, k := range old {
		if err := a.Keys.Drop(k); err != nil {
			return done.Sealed, fmt.Errorf("forgetting the old key: %w", err)
		}
	}
	return done.Sealed, nil
}

// Explain makes the sentences of a problem for the terminal.
func (a *App) Explain(err error) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	what, next := a.Bundle.Locale("en", nil).Problem(p)
	return fmt.Errorf("%s %s", what, next)
}

// UnknownPassword is one that nobody knows, for a login that is entered another
// way: by a link, or in the demo by choosing a person.
func UnknownPassword() string {
	var b [16]byte
	rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}
