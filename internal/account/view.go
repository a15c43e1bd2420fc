package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

// View is an account with what is possible there.
type View struct {
	Account
	Capabilities network.Capabilities
}

// View reads an account and its abilities. It is kept in memory for a moment,
// because every open conversation asks for it; this process's own changes show
// at once, another node's within the moment.
func (s *Accounts) View(ctx context.Context, workspace, account id.ID) (View, error) {
	key := viewKey{workspace, account}
	now := s.Clock.Now()
	s.mu.Lock()
	kept, ok := s.views[key]
	s.mu.Unlock()
	if ok && now.Before(kept.readAt.Add(viewFor)) {
		return kept.View, nil
	}
	v, err := s.ViewIn(ctx, s.DB.Read(), workspace, account)
	if err != nil {
		return v, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.views) > 10_000 {
		clear(s.views)
	}
	s.views[key] = keptView{v, now}
	return v, nil
}

const viewFor = 5 * time.Second

type keptView struct {
	View
	readAt time.Time
}

// ViewIn is View as a transaction sees it.
func (s *Accounts) ViewIn(ctx context.Context, q db.Queryer, workspace, account id.ID) (View, error) {
	var v View
	var raw []byte
	var until time.Time
	a, err := scanAccount(func(into ...any) error {
		return q.Row(ctx, `select `+accountColumns+`, capabilities, capabilities_until from account where workspace = $1 and id = $2`, workspace, account).Scan(into...)
	}, &raw, db.ScanTime(&until))
	if err != nil {
		return v, fmt.Errorf("reading an account: %w", err)
	}
	v.Account = a
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &v.Capabilities); err != nil {
			return v, fmt.Errorf("reading what is possible: %w", err)
		}
	}
	v.Capabilities.Until = until
	return v, nil
}

// describe asks again what is possible once the last answer is too old, because
// instances change. Until there is a new one, the old answer serves.
func (s *Accounts) describe(ctx context.Context, workspace, account id.ID) {
	v, err := s.View(ctx, workspace, account)
	if err != nil || v.Capabilities.Until.IsZero() || s.Clock.Now().Before(v.Capabilities.Until) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = s.With(ctx, workspace, account, func(ctx context.Context, n network.Network, a network.Account) error {
		caps, err := n.Describe(ctx, a)
		if err != nil {
			return err
		}
		raw, err := json.Marshal(caps)
		if err != nil {
			return err
		}
		return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `update account set capabilities = $1, capabilities_until = $2 where workspace = $3 and id = $4`,
				raw, db.Micros(caps.Until), workspace, account)
			return err
		})
	})
	if err != nil {
		s.Logger.Info("asking an instance what is possible; the last answer stands", "account", account, "err", err)
	}
	s.forget(workspace, account)
}

func (s *Accounts) forget(workspace, account id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.views, viewKey{workspace, account})
}
