package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parley/internal/actor"
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
	if s.endsWithin(remote.Secret, margin) {
		fresh, err := s.refresh(ctx, n, workspace, account, remote)
		switch {
		case err == nil:
			remote = fresh
		case network.KindOf(err) == network.Auth || s.endsWithin(remote.Secret, 0):
			return err
		default: // it is still good for a moment, and the next call tries again
			s.Logger.Info("a credential that ends soon could not be refreshed yet", "account", account, "err", err)
		}
	}
	err = fn(ctx, n, remote)
	if network.KindOf(err) != network.Auth {
		return err
	}
	if _, can := n.(network.Refresher); can {
		if remote, err = s.refresh(ctx, n, workspace, account, remote); err != nil {
			return err
		}
		if err = fn(ctx, n, remote); network.KindOf(err) != network.Auth {
			return err
		}
	}
	return errors.Join(err, s.breakOff(ctx, workspace, account, remote.Secret.Generation, err))
}

// margin: what ends within it might end on the way.
const margin = 2 * time.Minute

func (s *Accounts) endsWithin(sec network.Secret, d time.Duration) bool {
	return !sec.ExpiresAt.IsZero() && s.Clock.Now().After(sec.ExpiresAt.Add(-d))
}

// open reads a connected account and its credential.
func (s *Accounts) open(ctx context.Context, workspace, account id.ID) (network.Network, network.Account, error) {
	a, sec, err := s.credential(ctx, workspace, account)
	if err != nil {
		return nil, network.Account{}, err
	}
	n := s.byName[a.Remote.Network]
	if n == nil {
		return nil, network.Account{}, problem.New(problem.Unavailable, "account.no_connector", "network", a.Remote.Network)
	}
	if a.State != Connected {
		return nil, network.Account{}, &network.Error{Kind: network.Auth, Native: string(a.State), Message: a.Message, Help: "account.help." + string(a.State)}
	}
	return n, withSecret(a.Remote, sec), nil
}

// credential reads an account in any state with what it signs in with. A workspace
// that is closed lends nothing.
func (s *Accounts) credential(ctx context.Context, workspace, account id.ID) (Account, network.Secret, error) {
	var sealed []byte
	a, err := scanAccount(func(into ...any) error {
		return s.DB.Read().Row(ctx, `select `+accountColumns+`, secret from account where workspace = $1 and id = $2
			and exists (select 1 from workspace w where w.id = account.workspace and w.closed = 0)`, workspace, account).Scan(into...)
	}, &sealed)
	if err != nil || len(sealed) == 0 {
		return a, network.Secret{Generation: a.Generation}, err
	}
	blob, err := s.Keys.Open(aad(workspace, account), sealed)
	if err != nil {
		return a, network.Secret{}, problem.New(problem.Unavailable, "account.sealed").Because(err)
	}
	return a, network.Secret{Blob: blob, ExpiresAt: a.Expires, RefreshBy: a.RefreshBy, Generation: a.Generation}, nil
}

// breakOff marks an account as broken, unless its credential has changed since,
// and takes the leases from whoever reads it.
func (s *Accounts) breakOff(ctx context.Context, workspace, account id.ID, generation int64, cause error) error {
	e := refusalOf(cause)
	broken := false
	err := s.DB.InTx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account set state = 'broken', reason = $1, message = $2, help = $3, since = $4
			where workspace = $5 and id = $6 and state = 'connected' and secret_generation = $7`,
			string(e.Kind), cleanSentence(e.Message), e.Help, db.Micros(s.Clock.Now()), workspace, account, generation)
		if broken = n > 0; err != nil || !broken {
			return err
		}
		if err := fenceFeeds(ctx, tx, workspace, account); err != nil {
			return err
		}
		s.record(tx, actor.System(workspace, "accounts"), "account.broken", account, "kind", string(e.Kind))
		return nil
	})
	if err != nil {
		return fmt.Errorf("marking an account as broken: %w", err)
	}
	s.forget(workspace, account)
	if broken {
		s.drop(workspace, account)
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
