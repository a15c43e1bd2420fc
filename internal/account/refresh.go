package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/clock"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
)

const (
	refreshLease = time.Minute
	refreshLook  = 200 * time.Millisecond
	saveTries    = 5 // of a credential that exists nowhere else
)

// refresh renews the credential that had.Secret.Generation names. One process
// does it at a time; the others wait for what it saves. The result is saved
// before anybody uses it.
func (s *Accounts) refresh(ctx context.Context, n network.Network, workspace, account id.ID, had network.Account) (network.Account, error) {
	r, can := n.(network.Refresher)
	if !can {
		return had, nil
	}
	for {
		mine, err := s.claimRefresh(ctx, workspace, account, had.Secret.Generation)
		if err != nil {
			return had, err
		}
		if mine {
			return s.renew(ctx, r, workspace, account, had)
		}
		_, now, err := s.open(ctx, workspace, account)
		if err != nil || now.Secret.Generation != had.Secret.Generation {
			return now, err // somebody else won
		}
		if err := clock.Sleep(ctx, s.Clock, refreshLook); err != nil {
			return had, err
		}
	}
}

func (s *Accounts) claimRefresh(ctx context.Context, workspace, account id.ID, generation int64) (bool, error) {
	var n int64
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		now := s.Clock.Now()
		n, err = tx.Exec(ctx, `update account set refresh_owner = $1, refresh_lease = $2
			where workspace = $3 and id = $4 and state = 'connected' and secret_generation = $5 and refresh_lease < $6`,
			s.Owner, db.Micros(now.Add(refreshLease)), workspace, account, generation, db.Micros(now))
		return err
	})
	if err != nil {
		return false, fmt.Errorf("claiming the refresh of a credential: %w", err)
	}
	return n == 1, nil
}

func (s *Accounts) renew(ctx context.Context, r network.Refresher, workspace, account id.ID, had network.Account) (network.Account, error) {
	// The new credential exists from the moment the server answers: a member who
	// closes the page, or a stop of the program, must not lose it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshLease/2)
	defer cancel()
	sec, err := r.Refresh(ctx, had)
	if err == nil && len(sec.Blob) == 0 {
		err = &network.Error{Kind: network.Transient, Native: "empty", Message: "the server answered without a credential"}
	}
	if err != nil {
		s.endRefresh(ctx, workspace, account)
		if network.KindOf(err) == network.Auth {
			err = errors.Join(err, s.breakOff(ctx, workspace, account, had.Secret.Generation, err))
		}
		return had, err
	}
	s.Crash.At(crash.RefreshBeforeSave)
	if sec.RefreshBy.IsZero() {
		sec.RefreshBy = had.Secret.RefreshBy
	}
	sec.Generation = had.Secret.Generation + 1
	saved, err := s.saveRenewed(ctx, workspace, account, sec)
	if err != nil {
		return had, err
	}
	if !saved {
		// A member reconnected or disconnected meanwhile: what they did counts.
		_, now, err := s.open(ctx, workspace, account)
		return now, err
	}
	s.Crash.At(crash.RefreshAfterSave)
	return withSecret(had, sec), nil
}

// saveRenewed stores a credential if it still follows the stored one. It is
// stubborn: the old credential may have ended the moment the new one was given.
func (s *Accounts) saveRenewed(ctx context.Context, workspace, account id.ID, sec network.Secret) (saved bool, err error) {
	ctx = context.WithoutCancel(ctx)
	for try := 1; ; try++ {
		err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, `update account set secret = $1, secret_generation = $2, secret_expires = $3, secret_refresh_by = $4,
				refresh_owner = '', refresh_lease = 0 where workspace = $5 and id = $6 and secret_generation = $7`,
				s.Keys.Seal(aad(workspace, account), sec.Blob), sec.Generation, db.Micros(sec.ExpiresAt), db.Micros(sec.RefreshBy),
				workspace, account, sec.Generation-1)
			saved = n > 0
			return err
		})
		if err == nil {
			return saved, nil
		}
		if try == saveTries {
			return false, fmt.Errorf("saving a refreshed credential: %w", err)
		}
		s.Logger.Warn("a refreshed credential could not be saved yet", "account", account, "try", try, "err", err)
		if err := clock.Sleep(ctx, s.Clock, time.Duration(try)*time.Second); err != nil {
			return false, err
		}
	}
}

func (s *Accounts) endRefresh(ctx context.Context, workspace, account id.ID) {
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account set refresh_owner = '', refresh_lease = 0 where workspace = $1 and id = $2 and refresh_owner = $3`,
			workspace, account, s.Owner)
		return err
	})
	if err != nil {
		s.Logger.Warn("giving back the refresh of a credential; it ends by itself", "account", account, "err", err)
	}
}
