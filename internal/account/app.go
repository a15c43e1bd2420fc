package account

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/db"
	"parley/internal/network"
)

// App makes Accounts the connectors' network.AppStore: it finds our registration
// at an instance.
func (s *Accounts) App(ctx context.Context, name, instance, redirect string) (network.App, bool, error) {
	var app network.App
	var sealed []byte
	err := s.DB.Read().Row(ctx, `select app, secret from network_app where network = $1 and instance = $2 and redirect = $3`, name, instance, redirect).Scan(&app.ID, &sealed)
	if db.NoRows(err) {
		return app, false, nil
	}
	if err != nil {
		return app, false, fmt.Errorf("reading our registration: %w", err)
	}
	if app.Secret, err = s.Keys.Open(appAAD(name, instance, redirect), sealed); err != nil {
		return app, false, fmt.Errorf("opening our registration: %w", err)
	}
	return app, true, nil
}

// SaveApp keeps a registration in place of an older one, which the instance has
// forgotten.
func (s *Accounts) SaveApp(ctx context.Context, name, instance, redirect string, app network.App) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `insert into network_app (network, instance, redirect, app, secret, created) values ($1, $2, $3, $4, $5, $6)
			on conflict (network, instance, redirect) do update set app = excluded.app, secret = excluded.secret, created = excluded.created`,
			name, instance, redirect, app.ID, s.Keys.Seal(appAAD(name, instance, redirect), app.Secret), db.Micros(s.Clock.Now()))
		if err != nil {
			return fmt.Errorf("storing our registration: %w", err)
		}
		return nil
	})
}

func appAAD(parts ...string) string { return "app." + strings.Join(parts, "\n") }

var _ network.AppStore = (*Accounts)(nil)
