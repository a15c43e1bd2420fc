package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
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
	infos := make([]network.Info, 0, len(s.networks))
	for _, n := range s.networks {
		infos = append(infos, n.Info())
	}
	return infos
}

// NeedsConsent reports whether connecting a network leads over its own page.
func (s *Accounts) NeedsConsent(name string) bool {
	_, ok := s.byName[name].(network.Authorizer)
	return ok
}

// SignIn connects with what a member typed, on networks that take it.
func (s *Accounts) SignIn(ctx context.Context, a actor.Actor, name string, fields url.Values) (id.ID, error) {
	if err := a.Require(actor.ManageAccounts); err != nil {
		return 0, err
	}
	return s.signIn(ctx, a, name, fields, 0)
}

// SignInAgain gives an account a new credential. It refuses what leads to another
// handle than the account's.
func (s *Accounts) SignInAgain(ctx context.Context, a actor.Actor, account id.ID, fields url.Values) error {
	acc, err := s.managed(ctx, a, account)
	if err != nil {
		return err
	}
	_, err = s.signIn(ctx, a, acc.Remote.Network, fields, account)
	return err
}

// managed reads an account that the actor may manage.
func (s *Accounts) managed(ctx context.Context, a actor.Actor, account id.ID) (Account, error) {
	if err := a.Require(actor.ManageAccounts, scopeOf(account)...); err != nil {
		return Account{}, err
	}
	return s.get(ctx, s.DB.Read(), a.Workspace, account)
}

func (s *Accounts) signIn(ctx context.Context, a actor.Actor, name string, fields url.Values, again id.ID) (id.ID, error) {
	n := s.byName[name]
	in, ok := n.(network.SignIner)
	if !ok {
		return 0, unknownNetwork()
	}
	remote, sec, err := in.SignIn(ctx, cleanFields(n.Info(), fields))
	if err != nil {
		return 0, explain(err)
	}
	return s.save(ctx, a, connection{network: n, remote: remote, secret: sec, expect: again})
}

func unknownNetwork() error { return problem.New(problem.NotFound, "account.unknown_network") }

// cleanFields keeps what the form asks for. A secret is left as it was typed but
// for white space around it, which comes from copying.
func cleanFields(info network.Info, fields url.Values) url.Values {
	clean := url.Values{}
	for _, f := range info.Fields {
		v := fields.Get(f.Name)
		if f.Secret {
			v = strings.TrimSpace(text.Clean(v))
		} else {
			v = text.CleanLine(v, 2000)
		}
		clean.Set(f.Name, v)
	}
	return clean
}

// Begin starts a connection and returns the address of the network's consent page.
func (s *Accounts) Begin(ctx context.Context, a actor.Actor, name, hint string) (string, error) {
	if err := a.Require(actor.ManageAccounts); err != nil {
		return "", err
	}
	return s.begin(ctx, a, name, hint, 0)
}

// BeginAgain is Begin for an account that is to get a new credential.
func (s *Accounts) BeginAgain(ctx context.Context, a actor.Actor, account id.ID, hint string) (string, error) {
	acc, err := s.managed(ctx, a, account)
	if err != nil {
		return "", err
	}
	return s.begin(ctx, a, acc.Remote.Network, hint, account)
}

// begin records that a member was sent to a network's page: from then on whoever
// comes back with the state can connect an account.
func (s *Accounts) begin(ctx context.Context, a actor.Actor, name, hint string, again id.ID) (string, error) {
	n, ok := s.byName[name].(network.Authorizer)
	if !ok {
		return "", unknownNetwork()
	}
	var random [32]byte
	rand.Read(random[:]) // crypto/rand never fails
	state := base64.RawURLEncoding.EncodeToString(random[:])
	hint = text.CleanLine(hint, 500)
	address, blob, err := n.Begin(ctx, hint, s.Redirect(), state)
	if err != nil {
		return "", explain(err)
	}
	now, begun := s.Clock.Now(), s.IDs.New()
	hash := sha256.Sum256([]byte(state))
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `delete from account_begin where until < $1`, db.Micros(now)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `insert into account_begin (workspace, id, hash, member, network, account, hint, blob, until)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, a.Workspace, begun, hash[:], a.Member, name, again, hint,
			s.Keys.Seal(beginAAD(a.Workspace, begun), blob), db.Micros(now.Add(consent))); err != nil {
			return err
		}
		s.note(tx, a, "connection.begun", "connection", begun, "network", name)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("storing a connection begun: %w", err)
	}
	return address, nil
}

func beginAAD(workspace, begun id.ID) string {
	return "begin." + workspace.String() + "." + begun.String()
}

// Begun is a connection that waits for a network's answer.
type Begun struct {
	Workspace, Member id.ID // whose it is: nobody else can finish it
	Network           string
	Account           id.ID  // that is being reconnected; 0: a new one
	Hint              string // what the member typed
}

// Begun tells whom a state belongs to, so that the callback knows as whom to finish.
func (s *Accounts) Begun(ctx context.Context, state string) (Begun, error) {
	var b Begun
	hash := sha256.Sum256([]byte(state))
	err := s.DB.Read().Row(ctx, `select workspace, member, network, account, hint from account_begin where hash = $1 and until >= $2`,
		hash[:], db.Micros(s.Clock.Now())).Scan(&b.Workspace, &b.Member, &b.Network, &b.Account, &b.Hint)
	if db.NoRows(err) {
		return b, expired()
	}
	if err != nil {
		return b, fmt.Errorf("reading a connection begun: %w", err)
	}
	return b, nil
}

func expired() error { return problem.New(problem.Gone, "account.consent_expired") }

// Finish completes a connection with what the network's page sent back. A state
// serves once, and only the member who began.
func (s *Accounts) Finish(ctx context.Context, a actor.Actor, q url.Values) (id.ID, error) {
	if !a.CanSomewhere(actor.ManageAccounts) {
		return 0, a.Require(actor.ManageAccounts)
	}
	b, blob, err := s.takeBegun(ctx, a, q.Get("state"))
	if err != nil {
		return 0, err
	}
	if err := a.Require(actor.ManageAccounts, scopeOf(b.Account)...); err != nil {
		return 0, err
	}
	if q.Get("error") != "" {
		return 0, problem.New(problem.Conflict, "account.consent_refused")
	}
	n, ok := s.byName[b.Network].(network.Authorizer)
	if !ok {
		return 0, unknownNetwork()
	}
	remote, sec, err := n.Finish(ctx, blob, q)
	if err != nil {
		return 0, explain(err)
	}
	return s.save(ctx, a, connection{network: s.byName[b.Network], remote: remote, secret: sec, expect: b.Account})
}

// takeBegun uses a state up.
func (s *Accounts) takeBegun(ctx context.Context, a actor.Actor, state string) (Begun, []byte, error) {
	b := Begun{Workspace: a.Workspace, Member: a.Member}
	var begun id.ID
	var sealed []byte
	hash := sha256.Sum256([]byte(state))
	err := s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		err := tx.Row(ctx, `delete from account_begin where workspace = $1 and member = $2 and hash = $3 and until >= $4
			returning id, network, account, hint, blob`,
			a.Workspace, a.Member, hash[:], db.Micros(s.Clock.Now())).Scan(&begun, &b.Network, &b.Account, &b.Hint, &sealed)
		if err != nil {
			return err
		}
		s.note(tx, a, "connection.answered", "connection", begun, "network", b.Network)
		return nil
	})
	if db.NoRows(err) {
		return b, nil, expired()
	}
	if err != nil {
		return b, nil, fmt.Errorf("reading a connection begun: %w", err)
	}
	blob, err := s.Keys.Open(beginAAD(a.Workspace, begun), sealed)
	if err != nil {
		return b, nil, problem.New(problem.Unavailable, "account.sealed").Because(err)
	}
	return b, blob, nil
}
