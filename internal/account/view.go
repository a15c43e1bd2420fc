package account

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"parley/internal/actor"
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
		return v, err
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

// describeRetry is how long the old answer serves when there is no new one.
const describeRetry = 10 * time.Minute

// describe asks again what is possible once the last answer is too old, because
// instances change. Until there is a new one, the old answer serves; whoever asks
// first puts the next asking off, so that a slow instance is not asked by every
// feed at once.
func (s *Accounts) describe(ctx context.Context, workspace, account id.ID) {
	v, err := s.View(ctx, workspace, account)
	now := s.Clock.Now()
	if err != nil || v.Capabilities.Until.IsZero() || now.Before(v.Capabilities.Until) {
		return
	}
	mine, err := s.setDescribed(ctx, v, now.Add(describeRetry))
	if err == nil && mine {
		err = s.With(ctx, workspace, account, func(ctx context.Context, n network.Network, a network.Account) error {
			ctx, cancel := context.WithTimeout(ctx, callTimeout)
			defer cancel()
			caps, err := n.Describe(ctx, a)
			if err != nil {
				return err
			}
			return s.saveDescribed(ctx, v, n, caps)
		})
	}
	if err != nil && ctx.Err() == nil {
		s.Logger.Info("asking an instance what is possible; the last answer stands", "account", account, "err", err)
	}
	s.forget(workspace, account)
}

// setDescribed puts the next asking off, unless somebody else just did.
func (s *Accounts) setDescribed(ctx context.Context, v View, until time.Time) (mine bool, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account set capabilities_until = $1 where workspace = $2 and id = $3 and capabilities_until = $4`,
			db.Micros(until), v.Workspace, v.ID, db.Micros(v.Capabilities.Until))
		mine = n > 0
		return err
	})
	return mine, err
}

// saveDescribed stores what is possible now, and reads what can be read now.
func (s *Accounts) saveDescribed(ctx context.Context, before View, n network.Network, caps network.Capabilities) error {
	was, err := encodeCapabilities(before.Capabilities)
	if err != nil {
		return err
	}
	is, err := encodeCapabilities(caps)
	if err != nil {
		return err
	}
	until := caps.Until
	if soonest := s.Clock.Now().Add(time.Minute); !until.IsZero() && until.Before(soonest) {
		until = soonest // never asked at every poll
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		changed, err := tx.Exec(ctx, `update account set capabilities = $1, capabilities_until = $2 where workspace = $3 and id = $4 and state = 'connected'`,
			is, db.Micros(until), before.Workspace, before.ID)
		if err != nil || changed == 0 {
			return err
		}
		if err := s.offer(ctx, tx, before.Workspace, before.ID, n, caps, false); err != nil || bytes.Equal(was, is) {
			return err
		}
		s.record(tx, actor.System(before.Workspace, "accounts"), "account.abilities_changed", before.ID)
		return nil
	})
}

// encodeCapabilities is what is possible as it is stored; when to ask again has a
// column of its own.
func encodeCapabilities(c network.Capabilities) ([]byte, error) {
	c.Until = time.Time{}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("writing what is possible: %w", err)
	}
	return raw, nil
}

// describeSoon has the next poll ask what is possible, because a refusal says that
// it is not what we think.
func (s *Accounts) describeSoon(ctx context.Context, workspace, account id.ID) error {
	now := db.Micros(s.Clock.Now())
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account set capabilities_until = $1 where workspace = $2 and id = $3 and capabilities_until > $1`, now, workspace, account)
		return err
	})
	if err != nil {
		return fmt.Errorf("asking for what is possible: %w", err)
	}
	s.forget(workspace, account)
	return nil
}

func (s *Accounts) forget(workspace, account id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.views, viewKey{workspace, account})
}
