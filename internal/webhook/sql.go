package webhook

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/secret"
)

const columns = `id, url, groups, made, bookmark, sent, failing, tries, due, said, paused, gave_up`

func scanHook(scan func(...any) error) (Hook, error) {
	var h Hook
	var groups string
	var gaveUp int64
	err := scan(&h.ID, &h.URL, &groups, db.ScanTime(&h.Made), &h.Cursor, db.ScanTime(&h.Sent), db.ScanTime(&h.Failing), &h.Tries, db.ScanTime(&h.Due),
		&h.Said, db.ScanTime(&h.Paused), &gaveUp)
	for _, g := range strings.Fields(groups) {
		h.Groups = append(h.Groups, Group(g))
	}
	h.GaveUp = gaveUp != 0
	return h, err
}

func list(ctx context.Context, q db.Queryer, where string, args ...any) ([]Hook, error) {
	rows, err := q.Query(ctx, `select `+columns+` from webhook where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading webhooks: %w", err)
	}
	defer rows.Close()
	var hs []Hook
	for rows.Next() {
		h, err := scanHook(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading a webhook: %w", err)
		}
		hs = append(hs, h)
	}
	return hs, rows.Err()
}

func load(ctx context.Context, q db.Queryer, workspace, hook id.ID) (Hook, error) {
	h, err := scanHook(q.Row(ctx, `select `+columns+` from webhook where workspace = $1 and id = $2`, workspace, hook).Scan)
	if db.NoRows(err) {
		return h, notFound()
	}
	if err != nil {
		return h, fmt.Errorf("reading a webhook: %w", err)
	}
	return h, nil
}

func count(ctx context.Context, q db.Queryer, workspace id.ID) (n int, err error) {
	if err = q.Row(ctx, `select count(*) from webhook where workspace = $1`, workspace).Scan(&n); err != nil {
		err = fmt.Errorf("counting webhooks: %w", err)
	}
	return n, err
}

func insert(ctx context.Context, tx *db.Tx, a actor.Actor, h Hook, sealed []byte) error {
	_, err := tx.Exec(ctx, `insert into webhook (workspace, id, url, groups, secret, made, made_by, bookmark, sent, failing, tries, due, said, paused, gave_up)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, '', 0, 0)`,
		a.Workspace, h.ID, h.URL, joined(h.Groups), sealed, db.Micros(h.Made), a.Member, h.Cursor)
	if err != nil {
		return fmt.Errorf("storing a webhook: %w", err)
	}
	return nil
}

func store(ctx context.Context, tx *db.Tx, workspace id.ID, h Hook) error {
	gaveUp := 0
	if h.GaveUp {
		gaveUp = 1
	}
	_, err := tx.Exec(ctx, `update webhook set bookmark = $1, sent = $2, failing = $3, tries = $4, due = $5, said = $6, paused = $7, gave_up = $8
		where workspace = $9 and id = $10`, h.Cursor, db.Micros(h.Sent), db.Micros(h.Failing), h.Tries, db.Micros(h.Due), h.Said, db.Micros(h.Paused),
		gaveUp, workspace, h.ID)
	if err != nil {
		return fmt.Errorf("storing a webhook: %w", err)
	}
	return nil
}

// key is the secret of a hook, opened.
func (h *Hooks) key(ctx context.Context, workspace, hook id.ID) ([]byte, error) {
	var sealed []byte
	if err := h.o.DB.Read().Row(ctx, `select secret from webhook where workspace = $1 and id = $2`, workspace, hook).Scan(&sealed); err != nil {
		if db.NoRows(err) {
			return nil, notFound()
		}
		return nil, fmt.Errorf("reading the secret of a webhook: %w", err)
	}
	return h.o.Keys.Open(aad(workspace, hook), sealed)
}

func aad(workspace, hook id.ID) string {
	return "webhook.secret:" + workspace.String() + ":" + hook.String()
}

// Sealed are the columns of this capability that secret rotation re-seals.
func Sealed() []secret.Column {
	return []secret.Column{{Table: "webhook", Key: []string{"workspace", "id"}, Column: "secret",
		AAD: func(k []any) string { return aad(id.ID(k[0].(int64)), id.ID(k[1].(int64))) }}}
}

// Restored pauses every hook of a workspace that came out of an archive: what it
// would tell, the installation that made the archive may have told, and may go on
// telling. A steward lets them go on.
func (h *Hooks) Restored(ctx context.Context, tx *db.Tx, a actor.Actor) error {
	if a.System == "" {
		return a.Require(actor.OwnWorkspace)
	}
	if _, err := tx.Exec(ctx, `update webhook set paused = $1 where workspace = $2 and paused = 0`, db.Micros(h.o.Clock.Now()), a.Workspace); err != nil {
		return fmt.Errorf("pausing restored webhooks: %w", err)
	}
	return nil
}
