package account

import (
	"context"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
)

// Disconnect stops reading and writing and makes the network forget our token.
// What was said stays.
func (s *Accounts) Disconnect(ctx context.Context, a actor.Actor, account id.ID) error {
	if err := a.Require(actor.ManageAccounts, scopeOf(account)...); err != nil {
		return err
	}
	acc, sec, err := s.credential(ctx, a.Workspace, account)
	if err != nil && !problem.Is(err, "account.sealed") {
		return err // a credential that cannot be opened is no reason to keep it
	}
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		changed, err := tx.Exec(ctx, `update account set state = 'disconnected', reason = '', message = '', help = '', since = $1, secret = $2,
			secret_generation = secret_generation + 1, secret_expires = 0, secret_refresh_by = 0
			where workspace = $3 and id = $4 and state <> 'disconnected'`, db.Micros(s.Clock.Now()), []byte{}, a.Workspace, account)
		if err != nil {
			return fmt.Errorf("disconnecting: %w", err)
		}
		if changed == 0 {
			return nil // it is so already
		}
		if err := fenceFeeds(ctx, tx, a.Workspace, account); err != nil {
			return err
		}
		s.record(tx, a, "account.disconnected", account)
		return nil
	})
	if err != nil {
		return err
	}
	s.forget(a.Workspace, account)
	s.drop(a.Workspace, account)
	s.revoke(ctx, acc, sec)
	return nil
}

// fenceFeeds takes the leases from whoever reads an account just now: they can
// store no further page.
func fenceFeeds(ctx context.Context, tx *db.Tx, workspace, account id.ID) error {
	_, err := tx.Exec(ctx, `update account_feed set generation = generation + 1, lease = 0 where workspace = $1 and account = $2`, workspace, account)
	if err != nil {
		return fmt.Errorf("taking the leases of an account: %w", err)
	}
	return nil
}

// revoke makes the network forget a credential, as far as it can be asked to.
func (s *Accounts) revoke(ctx context.Context, acc Account, sec network.Secret) {
	r, ok := s.byName[acc.Remote.Network].(network.Revoker)
	if !ok || len(sec.Blob) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	if err := r.Revoke(ctx, withSecret(acc.Remote, sec)); err != nil {
		s.Logger.Warn("the network did not take back our token; it can be removed in the account's own settings there",
			"account", acc.ID, "network", acc.Remote.Network, "err", err)
	}
}

// Signatures are how answers can show who wrote them: not at all, or as ^Name.
func Signatures() []string { return []string{"caret", ""} }

// SetSignature chooses how answers show who wrote them.
func (s *Accounts) SetSignature(ctx context.Context, a actor.Actor, account id.ID, signature string) error {
	if signature != "" && signature != "caret" {
		return problem.New(problem.Invalid, "account.signature")
	}
	return s.change(ctx, a, account, `update account set signature = $1 where workspace = $2 and id = $3`, []any{signature},
		"account.signature_set", "signature", signature)
}

// CheckedGap says that somebody has looked on the network for what may be missing
// here.
func (s *Accounts) CheckedGap(ctx context.Context, a actor.Actor, account id.ID) error {
	return s.change(ctx, a, account, `update account_feed set gap = $1, gap_why = '' where workspace = $2 and account = $3`, []any{0},
		"account.gap_checked")
}

// change is a verb that sets something of one account: args and then workspace and
// account fill the statement.
func (s *Accounts) change(ctx context.Context, a actor.Actor, account id.ID, statement string, args []any, verb string, details ...string) error {
	if err := a.Require(actor.ManageAccounts, scopeOf(account)...); err != nil {
		return err
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := s.get(ctx, tx, a.Workspace, account); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, statement, append(args[:len(args):len(args)], a.Workspace, account)...); err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
		s.record(tx, a, verb, account, details...)
		return nil
	})
	s.forget(a.Workspace, account)
	return err
}
