package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// consent is how long a member may take on a network's consent page.
const consent = 30 * time.Minute

// Infos are the networks that can be connected, in the order they were registered.
func (s *Accounts) Infos() []network.Info {
	var infos []network.Info
	for _, n := range s.networks {
		infos = append(infos, n.Info())
	}
	return infos
}

// SignIn connects with what a member typed, on networks that take it.
func (s *Accounts) SignIn(ctx context.Context, a actor.Actor, name string, fields url.Values) (id.ID, error) {
	if err := a.Require(actor.ManageAccounts); err != nil {
		return 0, err
	}
	n := s.byName[name]
	in, ok := n.(network.SignIner)
	if !ok {
		return 0, problem.New(problem.NotFound, "account.unknown_network")
	}
	remote, sec, err := in.SignIn(ctx, cleanFields(fields))
	if err != nil {
		return 0, explain(err)
	}
	return s.save(ctx, a, n, remote, sec)
}

// NeedsConsent reports whether connecting a network leads over its own page.
func (s *Accounts) NeedsConsent(name string) bool {
	_, ok := s.byName[name].(network.Authorizer)
	return ok
}

// Begin starts a connection and returns the address of the network's consent page.
func (s *Accounts) Begin(ctx context.Context, a actor.Actor, name, hint string) (string, error) {
	if err := a.Require(actor.ManageAccounts); err != nil {
		return "", err
	}
	n, ok := s.byName[name].(network.Authorizer)
	if !ok {
		return "", problem.New(problem.NotFound, "account.unknown_network")
	}
	var random [32]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("drawing a state: %w", err)
	}
	state := base64.RawURLEncoding.EncodeToString(random[:])
	address, blob, err := n.Begin(ctx, text.CleanLine(hint, 500), s.Redirect(), state)
	if err != nil {
		return "", explain(err)
	}
	now, begin := s.Clock.Now(), s.IDs.New()
	hash := sha256.Sum256([]byte(state))
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `delete from account_begin where until < $1`, db.Micros(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into account_begin (workspace, id, hash, member, network, blob, until) values ($1, $2, $3, $4, $5, $6, $7)`,
			a.Workspace, begin, hash[:], a.Member, name, s.Keys.Seal(beginAAD(a.Workspace, begin), blob), db.Micros(now.Add(consent)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("storing a connection begun: %w", err)
	}
	return address, nil
}

func beginAAD(workspace, begin id.ID) string {
	return "begin." + workspace.String() + "." + begin.String()
}

// Begun tells the workspace a state belongs to, so that the callback knows as
// whom to finish.
func (s *Accounts) Begun(ctx context.Context, state string) (workspace, member id.ID, err error) {
	hash := sha256.Sum256([]byte(state))
	err = s.DB.Read().Row(ctx, `select workspace, member from account_begin where hash = $1 and until >= $2`,
		hash[:], db.Micros(s.Clock.Now())).Scan(&workspace, &member)
	if db.NoRows(err) {
		return 0, 0, problem.New(problem.Gone, "account.consent_expired")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("reading a connection begun: %w", err)
	}
	return workspace, member, nil
}

// Finish completes a connection with what the network's page sent back. A state
// serves once, and only the member who began.
func (s *Accounts) Finish(ctx context.Context, a actor.Actor, q url.Values) (id.ID, error) {
	if err := a.Require(actor.ManageAccounts); err != nil {
		return 0, err
	}
	var begin id.ID
	var name string
	var sealed []byte
	hash := sha256.Sum256([]byte(q.Get("state")))
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return tx.Row(ctx, `delete from account_begin where workspace = $1 and member = $2 and hash = $3 and until >= $4 returning id, network, blob`,
			a.Workspace, a.Member, hash[:], db.Micros(s.Clock.Now())).Scan(&begin, &name, &sealed)
	})
	if db.NoRows(err) {
		return 0, problem.New(problem.Gone, "account.consent_expired")
	}
	if err != nil {
		return 0, fmt.Errorf("reading a connection begun: %w", err)
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		return 0, problem.New(problem.Conflict, "account.consent_refused")
	}
	blob, err := s.Keys.Open(beginAAD(a.Workspace, begin), sealed)
	if err != nil {
		return 0, problem.New(problem.Unavailable, "account.sealed").Because(err)
	}
	n, ok := s.byName[name].(network.Authorizer)
	if !ok {
		return 0, problem.New(problem.NotFound, "account.unknown_network")
	}
	remote, sec, err := n.Finish(ctx, blob, q)
	if err != nil {
		return 0, explain(err)
	}
	return s.save(ctx, a, s.byName[name], remote, sec)
}

// Disconnect stops reading and writing and makes the network forget our token.
// What was said stays.
func (s *Accounts) Disconnect(ctx context.Context, a actor.Actor, account id.ID) error {
	if err := a.Require(actor.ManageAccounts, actor.Scope{Kind: "account", ID: account}); err != nil {
		return err
	}
	n, remote, openErr := s.open(ctx, a.Workspace, account)
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		changed, err := tx.Exec(ctx, `update account set state = 'disconnected', reason = '', message = '', since = $1, secret = $2,
			secret_generation = secret_generation + 1, secret_expires = 0, secret_refresh_by = 0
			where workspace = $3 and id = $4 and state <> 'disconnected'`, db.Micros(s.Clock.Now()), []byte{}, a.Workspace, account)
		if err != nil {
			return fmt.Errorf("disconnecting: %w", err)
		}
		if changed == 0 {
			_, err := s.get(ctx, tx, a.Workspace, account)
			return err
		}
		// Whoever reads just now loses the lease and can store no further page.
		if _, err := tx.Exec(ctx, `update account_feed set generation = generation + 1, lease = 0 where workspace = $1 and account = $2`, a.Workspace, account); err != nil {
			return fmt.Errorf("disconnecting: %w", err)
		}
		s.record(tx, a, "account.disconnected", account)
		return nil
	})
	s.forget(a.Workspace, account)
	if err != nil || openErr != nil {
		return err
	}
	if r, ok := n.(network.Revoker); ok {
		if err := r.Revoke(ctx, remote); err != nil {
			s.Logger.Warn("the network did not take back our token; it can be removed in the account's own settings there",
				"account", account, "network", remote.Network, "err", err)
		}
	}
	return nil
}

// SetSignature chooses how answers show who wrote them: "" or "caret".
func (s *Accounts) SetSignature(ctx context.Context, a actor.Actor, account id.ID, signature string) error {
	if err := a.Require(actor.ManageAccounts, actor.Scope{Kind: "account", ID: account}); err != nil {
		return err
	}
	if signature != "" && signature != "caret" {
		return problem.New(problem.Invalid, "account.signature")
	}
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `update account set signature = $1 where workspace = $2 and id = $3`, signature, a.Workspace, account)
		if err != nil {
			return fmt.Errorf("storing a signature: %w", err)
		}
		if n == 0 {
			return problem.New(problem.NotFound, "account.not_found")
		}
		s.record(tx, a, "account.signature_set", account, "signature", signature)
		return nil
	})
	s.forget(a.Workspace, account)
	return err
}

func cleanFields(fields url.Values) url.Values {
	clean := url.Values{}
	for k, vs := range fields {
		for _, v := range vs {
			clean.Add(k, text.CleanLine(v, 2000))
		}
	}
	return clean
}

// explain makes a sentence of a connector's refusal. The network's own words
// are shown as a quotation: they are plain text by the connector's promise.
func explain(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	var e *network.Error
	if !errors.As(err, &e) {
		return problem.New(problem.Upstream, "network.transient").Because(err)
	}
	code := "network." + string(e.Kind)
	if e.Help != "" {
		code = e.Help
	}
	kind := problem.Upstream
	if e.Kind == network.BadInput {
		kind = problem.Invalid
	}
	return problem.New(kind, code, "said", cleanSentence(e.Message), "native", e.Native).Because(err)
}

func cleanSentence(s string) string { return text.CleanLine(s, 300) }
