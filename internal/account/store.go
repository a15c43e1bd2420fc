package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Account is a handle of ours as it is stored, without its credential.
type Account struct {
	ID        id.ID
	Workspace id.ID
	Remote    network.Account // without the Secret
	State     State
	Reason    string // the refusal's kind while Broken
	Message   string // the server's sentence
	Help      string // catalogue key of a more precise one than the kind's
	Since     time.Time
	Signature string // how answers show who wrote them: "" not at all, "caret" as ^Name
	Simulated bool
	Created   time.Time
	CreatedBy id.ID

	Generation int64 // of the credential
	Expires    time.Time
	RefreshBy  time.Time
}

// Name is what to call the account in a sentence: its handle, or else its title.
func (a Account) Name() string {
	if a.Remote.Handle != "" {
		return text.DisplaySafe(a.Remote.Handle)
	}
	return text.DisplaySafe(a.Remote.Name)
}

func (a Account) scope() actor.Scope { return actor.Scope{Kind: "account", ID: a.ID} }

const accountColumns = `workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra, state, reason, message, help, since,
	signature, simulated, created, created_by, secret_generation, secret_expires, secret_refresh_by`

func scanAccount(scan func(...any) error, more ...any) (Account, error) {
	var a Account
	var scopes, extra string
	var simulated int64
	r := &a.Remote
	err := scan(append([]any{&a.Workspace, &a.ID, &r.Network, &r.Instance, &r.RemoteID, &r.Handle, &r.Name, &r.URL, &r.Avatar, &r.AppID,
		&scopes, &extra, &a.State, &a.Reason, &a.Message, &a.Help, db.ScanTime(&a.Since), &a.Signature, &simulated, db.ScanTime(&a.Created), &a.CreatedBy,
		&a.Generation, db.ScanTime(&a.Expires), db.ScanTime(&a.RefreshBy)}, more...)...)
	if db.NoRows(err) {
		return a, notFound()
	}
	if err != nil {
		return a, fmt.Errorf("reading an account: %w", err)
	}
	r.ID, r.Scopes, a.Simulated = a.ID.String(), strings.Fields(scopes), simulated != 0
	if extra != "" {
		if err := json.Unmarshal([]byte(extra), &r.Extra); err != nil {
			return a, fmt.Errorf("reading what a connector noted: %w", err)
		}
	}
	return a, nil
}

func notFound() error { return problem.New(problem.NotFound, "account.not_found") }

// get reads one account of a workspace.
func (s *Accounts) get(ctx context.Context, q db.Queryer, workspace, account id.ID) (Account, error) {
	return scanAccount(q.Row(ctx, `select `+accountColumns+` from account where workspace = $1 and id = $2`, workspace, account).Scan)
}

// List reads the accounts the actor may see: broken, then working, then
// disconnected ones.
func (s *Accounts) List(ctx context.Context, a actor.Actor) ([]Account, error) {
	return s.list(ctx, a, actor.ReadConversations, actor.ReadHealth)
}

// list reads the accounts on which the actor holds any of the rights.
func (s *Accounts) list(ctx context.Context, a actor.Actor, rights ...actor.Right) ([]Account, error) {
	var refusal error
	for _, r := range rights {
		if a.CanSomewhere(r) {
			refusal = nil
			break
		}
		refusal = a.Require(r)
	}
	if refusal != nil {
		return nil, refusal
	}
	rows, err := s.DB.Read().Query(ctx, `select `+accountColumns+` from account where workspace = $1
		order by case state when 'broken' then 0 when 'connected' then 1 else 2 end, network, handle, id`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("reading the accounts: %w", err)
	}
	defer rows.Close()
	var as []Account
	for rows.Next() {
		one, err := scanAccount(rows.Scan)
		if err != nil {
			return nil, err
		}
		for _, r := range rights {
			if a.Can(r, one.scope()) {
				as = append(as, one)
				break
			}
		}
	}
	return as, rows.Err()
}

// aad binds a sealed credential to its place: moved to another row it does not open.
func aad(workspace, account id.ID) string {
	return "account." + workspace.String() + "." + account.String()
}

func withSecret(a network.Account, sec network.Secret) network.Account {
	a.Secret = sec
	return a
}

// record adds an event about an account; details are pairs of name and plain fact.
func (s *Accounts) record(tx *db.Tx, a actor.Actor, verb string, account id.ID, details ...string) {
	s.note(tx, a, verb, "account", account, details...)
}

func (s *Accounts) note(tx *db.Tx, a actor.Actor, verb, kind string, subject id.ID, details ...string) {
	d := map[string]string{}
	for i := 0; i+1 < len(details); i += 2 {
		d[details[i]] = details[i+1]
	}
	s.Log.Record(tx, a, event.Entry{Verb: verb, Kind: kind, Subject: subject, Details: d})
}
