package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/clock"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/secret"
)

// With lends an account with an open, fresh credential. If the network refuses
// the credential it is refreshed once and fn runs again: a refused credential
// means that nothing was done. If it is refused still, the account is broken and
// the error says so.
func (s *Accounts) With(ctx context.Context, workspace, account id.ID, fn func(ctx context.Context, n network.Network, a network.Account) error) error {
	n, remote, err := s.open(ctx, workspace, account)
	if err != nil {
		return err
	}
	if s.stale(remote.Secret) {
		if remote, err = s.refresh(ctx, n, workspace, account, remote); err != nil {
			return err
		}
	}
	err = fn(ctx, n, remote)
	if network.KindOf(err) != network.Auth {
		return err
	}
	refusedWith := remote.Secret.Generation
	if _, can := n.(network.Refresher); can {
		if remote, err = s.refresh(ctx, n, workspace, account, remote); err != nil {
			return err
		}
		if err = fn(ctx, n, remote); network.KindOf(err) != network.Auth {
			return err
		}
		refusedWith = remote.Secret.Generation
	}
	return errors.Join(err, s.breakOff(ctx, workspace, account, refusedWith, err))
}

// stale: what ends within two minutes might end on the way.
func (s *Accounts) stale(sec network.Secret) bool {
	return !sec.ExpiresAt.IsZero() && s.Clock.Now().After(sec.ExpiresAt.Add(-2*time.Minute))
}

// open reads an account and its credential.
func (s *Accounts) open(ctx context.Context, workspace, account id.ID) (network.Network, network.Account, error) {
	var sealed []byte
	a, err := scanAccount(func(into ...any) error {
		return s.DB.Read().Row(ctx, `select `+accountColumns+`, secret from account where workspace = $1 and id = $2`, workspace, account).Scan(into...)
	}, &sealed)
	if db.NoRows(err) {
		return nil, network.Account{}, problem.New(problem.NotFound, "account.not_found")
	}
	if err != nil {
		return nil, network.Account{}, fmt.Errorf("reading an account: %w", err)
	}
	n := s.byName[a.Remote.Network]
	if n == nil {
		return nil, network.Account{}, problem.New(problem.Unavailable, "account.no_connector", "network", a.Remote.Network)
	}
	if a.State != Connected {
		return nil, network.Account{}, &network.Error{Kind: network.Auth, Native: string(a.State), Message: a.Message, Help: "account.help." + string(a.State)}
	}
	blob, err := s.Keys.Open(aad(workspace, account), sealed)
	if err != nil {
		return nil, network.Account{}, problem.New(problem.Unavailable, "account.sealed").Because(err)
	}
	return n, withSecret(a.Remote, network.Secret{Blob: blob, ExpiresAt: a.Expires, RefreshBy: a.RefreshBy, Generation: a.Generation}), nil
}

const (
	refreshLease = time.Minute
	refreshLook  = 200 * time.Millisecond
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
			where workspace = $3 and id = $4 and secret_generation = $5 and refresh_lease < $6`,
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
			return had, errors.Join(err, s.breakOff(ctx, workspace, account, had.Secret.Generation, err))
		}
		return had, err
	}
	s.Crash.At(crash.RefreshBeforeSave)
	if sec.RefreshBy.IsZero() {
		sec.RefreshBy = had.Secret.RefreshBy
	}
	sec.Generation = had.Secret.Generation + 1
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account set secret = $1, secret_generation = $2, secret_expires = $3, secret_refresh_by = $4,
			refresh_owner = '', refresh_lease = 0 where workspace = $5 and id = $6 and secret_generation = $7`,
			s.Keys.Seal(aad(workspace, account), sec.Blob), sec.Generation, db.Micros(sec.ExpiresAt), db.Micros(sec.RefreshBy),
			workspace, account, had.Secret.Generation)
		if err == nil && n == 0 {
			err = errors.New("the account was reconnected meanwhile")
		}
		return err
	})
	if err != nil {
		return had, fmt.Errorf("saving a refreshed credential: %w", err)
	}
	s.Crash.At(crash.RefreshAfterSave)
	return withSecret(had, sec), nil
}

func (s *Accounts) endRefresh(ctx context.Context, workspace, account id.ID) {
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `update account set refresh_owner = '', refresh_lease = 0 where workspace = $1 and id = $2 and refresh_owner = $3`,
			workspace, account, s.Owner)
		return err
	})
	if err != nil {
		s.Logger.Warn("giving back the refresh of a credential; it ends by itself", "account", account, "err", err)
	}
}

// breakOff marks an account as broken, unless its credential has changed since.
func (s *Accounts) breakOff(ctx context.Context, workspace, account id.ID, generation int64, cause error) error {
	var e *network.Error
	kind, message := network.Auth, ""
	if errors.As(cause, &e) {
		kind, message = e.Kind, e.Message
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account set state = 'broken', reason = $1, message = $2, since = $3
			where workspace = $4 and id = $5 and state = 'connected' and secret_generation = $6`,
			string(kind), cleanSentence(message), db.Micros(s.Clock.Now()), workspace, account, generation)
		if err != nil || n == 0 {
			return err
		}
		s.record(tx, actor.System(workspace, "accounts"), "account.broken", account, "kind", string(kind))
		return nil
	})
	s.forget(workspace, account)
	if err != nil {
		return fmt.Errorf("marking an account as broken: %w", err)
	}
	return nil
}

// Sealed are the columns of this capability that secret rotation re-seals.
func Sealed() []secret.Column {
	return []secret.Column{
		{Table: "account", Key: []string{"workspace", "id"}, Column: "secret", AAD: func(k []any) string { return aad(id.ID(k[0].(int64)), id.ID(k[1].(int64))) }},
		{Table: "network_app", Key: []string{"network", "instance", "redirect"}, Column: "secret", AAD: func(k []any) string { return appAAD(k[0].(string), k[1].(string), k[2].(string)) }},
		{Table: "account_begin", Key: []string{"workspace", "id"}, Column: "blob", AAD: func(k []any) string { return beginAAD(id.ID(k[0].(int64)), id.ID(k[1].(int64))) }},
	}
}
