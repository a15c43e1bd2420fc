package account

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// connection is what a connector gave for a handle.
type connection struct {
	network network.Network
	remote  network.Account
	secret  network.Secret
	expect  id.ID // the account that is being reconnected; 0: any

	caps         network.Capabilities
	capabilities []byte // caps as stored
}

// save stores a connection. The same handle connected again, by whomever, is the
// same account: its conversations, bookmarks and import go on.
func (s *Accounts) save(ctx context.Context, a actor.Actor, c connection) (id.ID, error) {
	c.remote = cleanAccount(c.remote)
	c.remote.Network = c.network.Info().Name
	if c.remote.RemoteID == "" || c.remote.Handle == "" && c.remote.Name == "" {
		return 0, problem.New(problem.Upstream, "account.no_identity")
	}
	known, err := s.known(ctx, s.DB.Read(), a.Workspace, c.remote)
	if err != nil {
		return 0, err
	}
	if err := s.expected(ctx, a, c, known); err != nil {
		return 0, err
	}
	if err := s.describeNew(ctx, a, &c, known); err != nil {
		return 0, err
	}
	var account id.ID
	err = s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		account, err = s.saveIn(ctx, tx, a, c)
		return err
	})
	if err != nil {
		return 0, err
	}
	s.forget(a.Workspace, account)
	return account, nil
}

// known finds the account of a remote handle; 0 if there is none.
func (s *Accounts) known(ctx context.Context, q db.Queryer, workspace id.ID, remote network.Account) (id.ID, error) {
	var account id.ID
	err := q.Row(ctx, `select id from account where workspace = $1 and network = $2 and instance = $3 and remote_id = $4`,
		workspace, remote.Network, remote.Instance, remote.RemoteID).Scan(&account)
	if err != nil && !db.NoRows(err) {
		return 0, fmt.Errorf("looking for the account: %w", err)
	}
	return account, nil
}

// expected refuses a reconnection that led to another handle: whoever is signed
// in at the network in another tab would replace the account unseen.
func (s *Accounts) expected(ctx context.Context, a actor.Actor, c connection, known id.ID) error {
	if c.expect == 0 || c.expect == known {
		return nil
	}
	want, err := s.get(ctx, s.DB.Read(), a.Workspace, c.expect)
	if err != nil {
		return err
	}
	got := Account{Remote: c.remote}
	return problem.New(problem.Conflict, "account.other_handle", "wanted", want.Name(), "got", got.Name())
}

// describeNew asks what is possible with the fresh credential. An account that is
// known goes on with what was possible before if the instance has no answer now:
// the credential must not be lost because of that.
func (s *Accounts) describeNew(ctx context.Context, a actor.Actor, c *connection, known id.ID) error {
	caps, err := c.network.Describe(ctx, withSecret(c.remote, c.secret))
	switch network.KindOf(err) {
	case "":
	case network.Transient, network.RateLimited:
		if known == 0 {
			return explain(err)
		}
		v, verr := s.ViewIn(ctx, s.DB.Read(), a.Workspace, known)
		if verr != nil {
			return verr
		}
		caps = v.Capabilities
		caps.Until = s.Clock.Now() // ask again with the next poll
	default:
		return explain(err)
	}
	c.caps = caps
	c.capabilities, err = encodeCapabilities(caps)
	return err
}

func (s *Accounts) saveIn(ctx context.Context, tx *db.Tx, a actor.Actor, c connection) (id.ID, error) {
	if err := s.lockWorkspace(ctx, tx, a.Workspace); err != nil {
		return 0, err
	}
	account, err := s.known(ctx, tx, a.Workspace, c.remote)
	if err != nil {
		return 0, err
	}
	if err := a.Require(actor.ManageAccounts, scopeOf(account)...); err != nil {
		return 0, err
	}
	verb, write := "account.reconnected", s.update
	if account == 0 {
		account, verb, write = s.IDs.New(), "account.connected", s.insert
	}
	if err := write(ctx, tx, a, account, c); err != nil {
		return 0, err
	}
	if err := s.offer(ctx, tx, a.Workspace, account, c.network, c.caps, true); err != nil {
		return 0, err
	}
	if err := s.startImport(ctx, tx, a.Workspace, account, c.network, c.caps); err != nil {
		return 0, err
	}
	s.record(tx, a, verb, account, "network", c.remote.Network)
	tx.AfterCommit(s.Wake)
	return account, nil
}

// scopeOf is where a right to manage one account counts; a new one needs the
// right for the whole workspace.
func scopeOf(account id.ID) []actor.Scope {
	if account == 0 {
		return nil
	}
	return []actor.Scope{{Kind: "account", ID: account}}
}

// lockWorkspace makes connections of one workspace wait for each other, so that
// the same handle connected by two members at once becomes one account.
func (s *Accounts) lockWorkspace(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	n, err := tx.Exec(ctx, `update workspace set closed = closed where id = $1 and closed = 0`, workspace)
	if err != nil {
		return fmt.Errorf("waiting for other connections: %w", err)
	}
	if n == 0 {
		return problem.New(problem.Gone, "account.closed")
	}
	return nil
}

func (s *Accounts) insert(ctx context.Context, tx *db.Tx, a actor.Actor, account id.ID, c connection) error {
	extra, err := encodeExtra(c.remote)
	if err != nil {
		return err
	}
	simulated := 0
	if c.network.Info().Simulated {
		simulated = 1
	}
	r, now := c.remote, db.Micros(s.Clock.Now())
	_, err = tx.Exec(ctx, `insert into account (workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra,
		state, reason, message, help, since, secret, secret_generation, secret_expires, secret_refresh_by, refresh_owner, refresh_lease,
		capabilities, capabilities_until, signature, simulated, created, created_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'connected', '', '', '', $13, $14, 1, $15, $16, '', 0, $17, $18, 'caret', $19, $13, $20)`,
		a.Workspace, account, r.Network, r.Instance, r.RemoteID, r.Handle, r.Name, r.URL, r.Avatar, r.AppID, strings.Join(r.Scopes, " "), extra,
		now, s.Keys.Seal(aad(a.Workspace, account), c.secret.Blob), db.Micros(c.secret.ExpiresAt), db.Micros(c.secret.RefreshBy),
		c.capabilities, db.Micros(c.caps.Until), simulated, a.Member)
	if err != nil {
		return fmt.Errorf("storing the account: %w", err)
	}
	return nil
}

func (s *Accounts) update(ctx context.Context, tx *db.Tx, a actor.Actor, account id.ID, c connection) error {
	extra, err := encodeExtra(c.remote)
	if err != nil {
		return err
	}
	r := c.remote
	_, err = tx.Exec(ctx, `update account set handle = $1, name = $2, url = $3, avatar = $4, app = $5, scopes = $6, extra = $7,
		state = 'connected', reason = '', message = '', help = '', since = $8, refresh_owner = '', refresh_lease = 0,
		capabilities = $9, capabilities_until = $10, secret_generation = secret_generation + 1 where workspace = $11 and id = $12`,
		r.Handle, r.Name, r.URL, r.Avatar, r.AppID, strings.Join(r.Scopes, " "), extra, db.Micros(s.Clock.Now()),
		c.capabilities, db.Micros(c.caps.Until), a.Workspace, account)
	if err != nil {
		return fmt.Errorf("storing the account again: %w", err)
	}
	if len(c.secret.Blob) == 0 {
		// An empty credential never takes the place of one that is there.
		_, err = tx.Exec(ctx, `update account set secret = $1 where workspace = $2 and id = $3 and length(secret) = 0`,
			s.Keys.Seal(aad(a.Workspace, account), nil), a.Workspace, account)
	} else {
		_, err = tx.Exec(ctx, `update account set secret = $1, secret_expires = $2, secret_refresh_by = $3 where workspace = $4 and id = $5`,
			s.Keys.Seal(aad(a.Workspace, account), c.secret.Blob), db.Micros(c.secret.ExpiresAt), db.Micros(c.secret.RefreshBy), a.Workspace, account)
	}
	if err != nil {
		return fmt.Errorf("storing the credential: %w", err)
	}
	return nil
}

func encodeExtra(r network.Account) (string, error) {
	raw, err := json.Marshal(r.Extra)
	if err != nil {
		return "", fmt.Errorf("writing what a connector noted: %w", err)
	}
	return string(raw), nil
}

// offer makes a row for everything the network lets us read; bookmarks stay. What
// it offers no more rests with its bookmark, for the day it comes back. again
// makes everything due, and forgets the troubles of the connection before.
func (s *Accounts) offer(ctx context.Context, tx *db.Tx, workspace, account id.ID, n network.Network, caps network.Capabilities, again bool) error {
	now := db.Micros(s.Clock.Now())
	feeds := feedsOf(n, caps)
	for _, f := range feeds {
		const insert = `insert into account_feed (workspace, account, feed, offered, cursor, owner, generation, lease, due, hinted, tried, worked,
			failures, kind, native, message, help, gap, gap_why, rate_limit, rate_left, rate_reset)
			values ($1, $2, $3, 1, $4, '', 0, 0, $5, 0, 0, 0, 0, '', '', '', '', 0, '', 0, 0, 0)
			on conflict (workspace, account, feed) do update set offered = 1`
		tail := `, due = case when account_feed.offered = 0 then excluded.due else account_feed.due end`
		if again {
			// Whoever reads just now does so with what is now the old credential.
			tail = `, due = excluded.due, generation = account_feed.generation + 1, lease = 0, failures = 0, kind = '', native = '', message = '', help = ''`
		}
		if _, err := tx.Exec(ctx, insert+tail, workspace, account, string(f), []byte{}, now); err != nil {
			return fmt.Errorf("storing what to read: %w", err)
		}
	}
	not, args := "", []any{workspace, account}
	if len(feeds) > 0 {
		not = ` and feed not in (` + db.List(3, len(feeds)) + `)`
		for _, f := range feeds {
			args = append(args, string(f))
		}
	}
	_, err := tx.Exec(ctx, `update account_feed set offered = 0, generation = generation + 1, lease = 0
		where workspace = $1 and account = $2 and offered = 1`+not, args...)
	if err != nil {
		return fmt.Errorf("resting what is not offered: %w", err)
	}
	return nil
}

// feedsOf is everything of an account that is read, Parley's own bookkeeping feeds
// included.
func feedsOf(n network.Network, caps network.Capabilities) []network.Feed {
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
	return feeds
}

func cleanAccount(a network.Account) network.Account {
	for _, v := range []*string{&a.RemoteID, &a.Handle, &a.Name, &a.URL, &a.Avatar, &a.Instance, &a.AppID} {
		*v = text.CleanLine(*v, 2000)
	}
	scopes := make([]string, len(a.Scopes))
	for i, v := range a.Scopes {
		scopes[i] = text.CleanLine(v, 200)
	}
	a.Scopes = scopes
	return a
}
