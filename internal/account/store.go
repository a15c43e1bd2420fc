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
	Since     time.Time
	Signature string
	Simulated bool
	Created   time.Time
	CreatedBy id.ID

	Generation int64 // of the credential
	Expires    time.Time
	RefreshBy  time.Time
}

const accountColumns = `workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra, state, reason, message, since,
	signature, simulated, created, created_by, secret_generation, secret_expires, secret_refresh_by`

func scanAccount(scan func(...any) error, more ...any) (Account, error) {
	var a Account
	var scopes, extra string
	var simulated int64
	r := &a.Remote
	err := scan(append([]any{&a.Workspace, &a.ID, &r.Network, &r.Instance, &r.RemoteID, &r.Handle, &r.Name, &r.URL, &r.Avatar, &r.AppID,
		&scopes, &extra, &a.State, &a.Reason, &a.Message, db.ScanTime(&a.Since), &a.Signature, &simulated, db.ScanTime(&a.Created), &a.CreatedBy,
		&a.Generation, db.ScanTime(&a.Expires), db.ScanTime(&a.RefreshBy)}, more...)...)
	if err != nil {
		return a, err
	}
	r.ID, r.Scopes, a.Simulated = a.ID.String(), strings.Fields(scopes), simulated != 0
	if extra != "" {
		if err := json.Unmarshal([]byte(extra), &r.Extra); err != nil {
			return a, fmt.Errorf("reading what a connector noted: %w", err)
		}
	}
	return a, nil
}

// get reads one account of a workspace.
func (s *Accounts) get(ctx context.Context, q db.Queryer, workspace, account id.ID) (Account, error) {
	a, err := scanAccount(q.Row(ctx, `select `+accountColumns+` from account where workspace = $1 and id = $2`, workspace, account).Scan)
	if db.NoRows(err) {
		return a, problem.New(problem.NotFound, "account.not_found")
	}
	if err != nil {
		return a, fmt.Errorf("reading an account: %w", err)
	}
	return a, nil
}

// List reads the accounts the actor may see, the working ones first.
func (s *Accounts) List(ctx context.Context, a actor.Actor) ([]Account, error) {
	if !a.CanSomewhere(actor.ReadConversations) && !a.CanSomewhere(actor.ReadHealth) {
		return nil, a.Require(actor.ReadConversations)
	}
	rows, err := s.DB.Read().Query(ctx, `select `+accountColumns+` from account where workspace = $1
		order by case state when 'connected' then 1 when 'broken' then 0 else 2 end, network, handle`, a.Workspace)
	if err != nil {
		return nil, fmt.Errorf("reading the accounts: %w", err)
	}
	defer rows.Close()
	var as []Account
	for rows.Next() {
		one, err := scanAccount(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading an account: %w", err)
		}
		in := actor.Scope{Kind: "account", ID: one.ID}
		if a.Can(actor.ReadConversations, in) || a.Can(actor.ReadHealth, in) {
			as = append(as, one)
		}
	}
	return as, rows.Err()
}

// aad binds a sealed credential to its place: moved to another row it does not open.
func aad(workspace, account id.ID) string {
	return "account." + workspace.String() + "." + account.String()
}

// save stores a connection. The same handle connected again, by whomever, is the
// same account: its conversations, bookmarks and import go on.
func (s *Accounts) save(ctx context.Context, a actor.Actor, n network.Network, remote network.Account, sec network.Secret) (id.ID, error) {
	remote = cleanAccount(remote)
	if remote.RemoteID == "" || remote.Handle == "" && remote.Name == "" {
		return 0, problem.New(problem.Upstream, "account.no_identity")
	}
	caps, err := n.Describe(ctx, withSecret(remote, sec))
	if err != nil {
		return 0, explain(err)
	}
	capabilities, err := json.Marshal(caps)
	if err != nil {
		return 0, fmt.Errorf("writing what is possible: %w", err)
	}
	extra, err := json.Marshal(remote.Extra)
	if err != nil {
		return 0, fmt.Errorf("writing what a connector noted: %w", err)
	}
	now := s.Clock.Now()
	account := s.IDs.New()
	again := false
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := a.Require(actor.ManageAccounts); err != nil {
			return err
		}
		var generation int64
		var had []byte
		var was State
		err := tx.Row(ctx, `select id, secret_generation, secret, state from account where workspace = $1 and network = $2 and instance = $3 and remote_id = $4`,
			a.Workspace, remote.Network, remote.Instance, remote.RemoteID).Scan(&account, &generation, &had, &was)
		if err != nil && !db.NoRows(err) {
			return fmt.Errorf("looking for the account: %w", err)
		}
		again = err == nil
		sealed := s.Keys.Seal(aad(a.Workspace, account), sec.Blob)
		if len(sec.Blob) == 0 && len(had) > 0 && was == Connected {
			sealed = had // an empty credential never takes the place of one that works
		}
		const upsert = `insert into account (workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra,
			state, reason, message, since, secret, secret_generation, secret_expires, secret_refresh_by, refresh_owner, refresh_lease,
			capabilities, capabilities_until, signature, simulated, created, created_by)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'connected', '', '', $13, $14, $15, $16, $17, '', 0, $18, $19, $20, $21, $13, $22)
			on conflict (workspace, network, instance, remote_id) do update set handle = excluded.handle, name = excluded.name, url = excluded.url,
			avatar = excluded.avatar, app = excluded.app, scopes = excluded.scopes, extra = excluded.extra, state = 'connected', reason = '', message = '',
			since = excluded.since, secret = excluded.secret, secret_generation = excluded.secret_generation, secret_expires = excluded.secret_expires,
			secret_refresh_by = excluded.secret_refresh_by, refresh_owner = '', refresh_lease = 0,
			capabilities = excluded.capabilities, capabilities_until = excluded.capabilities_until`
		simulated := int64(0)
		if n.Info().Simulated {
			simulated = 1
		}
		if _, err := tx.Exec(ctx, upsert, a.Workspace, account, remote.Network, remote.Instance, remote.RemoteID, remote.Handle, remote.Name, remote.URL,
			remote.Avatar, remote.AppID, strings.Join(remote.Scopes, " "), string(extra), db.Micros(now), sealed, generation+1, db.Micros(sec.ExpiresAt),
			db.Micros(sec.RefreshBy), capabilities, db.Micros(caps.Until), "caret", simulated, a.Member); err != nil {
			return fmt.Errorf("storing the account: %w", err)
		}
		if err := s.feeds(ctx, tx, a.Workspace, account, n, caps); err != nil {
			return err
		}
		if !again {
			if err := s.startImport(ctx, tx, a, account, n, caps); err != nil {
				return err
			}
		}
		verb := "account.connected"
		if again {
			verb = "account.reconnected"
		}
		s.record(tx, a, verb, account)
		tx.AfterCommit(s.Wake)
		return nil
	})
	if err != nil {
		return 0, err
	}
	s.forget(a.Workspace, account)
	return account, nil
}

// feeds makes a row for everything to be read, due now; bookmarks stay.
func (s *Accounts) feeds(ctx context.Context, tx *db.Tx, workspace, account id.ID, n network.Network, caps network.Capabilities) error {
	var feeds []network.Feed
	if _, ok := n.(network.Poller); ok {
		feeds = append(feeds, caps.Feeds...)
	}
	if _, ok := n.(network.Streamer); ok && caps.Can[network.CanStream].OK {
		feeds = append(feeds, feedStream)
	}
	_, watches := n.(network.Watcher)
	_, threads := n.(network.Threader)
	if watches || threads {
		feeds = append(feeds, feedWatch)
	}
	for _, f := range feeds {
		if _, err := tx.Exec(ctx, `insert into account_feed (workspace, account, feed, cursor, owner, generation, lease, due, tried, worked, failures,
			kind, native, message, rate_limit, rate_left, rate_reset) values ($1, $2, $3, $4, '', 0, 0, $5, 0, 0, 0, '', '', '', 0, 0, 0)
			on conflict (workspace, account, feed) do update set due = excluded.due, failures = 0, kind = '', native = '', message = ''`,
			workspace, account, string(f), []byte{}, db.Micros(s.Clock.Now())); err != nil {
			return fmt.Errorf("storing what to read: %w", err)
		}
	}
	return nil
}

func cleanAccount(a network.Account) network.Account {
	line := func(v string) string { return text.CleanLine(v, 2000) }
	a.RemoteID, a.Handle, a.Name, a.URL, a.Avatar, a.Instance = line(a.RemoteID), line(a.Handle), line(a.Name), line(a.URL), line(a.Avatar), line(a.Instance)
	return a
}

func withSecret(a network.Account, sec network.Secret) network.Account {
	a.Secret = sec
	return a
}

func (s *Accounts) record(tx *db.Tx, a actor.Actor, verb string, account id.ID, details ...string) {
	d := map[string]string{}
	for i := 0; i+1 < len(details); i += 2 {
		d[details[i]] = details[i+1]
	}
	s.Log.Record(tx, a, event.Entry{Verb: verb, Kind: "account", Subject: account, Details: d})
}

// App and SaveApp make Accounts the connectors' network.AppStore.
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
