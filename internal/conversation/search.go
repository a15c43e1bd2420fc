package conversation

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/db"
	"parley/internal/id"
)

// find lists the newest messages of a workspace that hold all the words, which
// are tokens as text.Tokens makes them.
func (d *Desk) find(ctx context.Context, q db.Queryer, workspace id.ID, words []string, limit int) ([]id.ID, error) {
	all := append([]string{workspaceToken(workspace)}, words...)
	// FTS5 takes quoted strings as words whatever they hold (SQLite, FTS5
	// section 3.1); so does a tsquery, with & between.
	text, arg := `select rowid from message_search where message_search match $1 order by rowid desc limit $2`, `"`+strings.Join(all, `" "`)+`"`
	if q.Dialect() == db.Postgres {
		text, arg = `select id from message_search where tokens @@ cast($1 as tsquery) order by id desc limit $2`, `'`+strings.Join(all, `' & '`)+`'`
	}
	rows, err := q.Query(ctx, text, arg, limit)
	if err != nil {
		return nil, fmt.Errorf("searching: %w", err)
	}
	defer rows.Close()
	var ids []id.ID
	for rows.Next() {
		var m id.ID
		if err := rows.Scan(&m); err != nil {
			return nil, fmt.Errorf("searching: %w", err)
		}
		ids = append(ids, m)
	}
	return ids, rows.Err()
}
