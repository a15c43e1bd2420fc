package team

import (
	"context"
	"database/sql"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// list runs a query and scans every row.
func list[T any](ctx context.Context, q db.Queryer, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

func scanID(rows *sql.Rows) (v id.ID, err error) { return v, rows.Scan(&v) }

func scanString(rows *sql.Rows) (v string, err error) { return v, rows.Scan(&v) }

// lock makes everybody else who changes members or grants of this workspace
// wait until the transaction ends. Two owners who take each other's ownership
// away at the same moment would otherwise both see the other one still there.
// It changes nothing: an update takes the row's lock on PostgreSQL, where "for
// update" would be refused by SQLite, which has one writer anyway.
func lock(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	n, err := tx.Exec(ctx, `update workspace set closed = closed where id = $1 and closed = 0`, workspace)
	if err != nil {
		return fmt.Errorf("locking the workspace: %w", err)
	}
	if n == 0 {
		return problem.New(problem.NotFound, "team.no_workspace")
	}
	return nil
}

// owners counts those who own a workspace and are still there.
func owners(ctx context.Context, tx *db.Tx, workspace id.ID) (n int, err error) {
	const q = `select count(*) from right_grant g join member m on m.workspace = g.workspace and m.id = g.member
		where g.workspace = $1 and g.role = 'owner' and g.ended = 0 and m.departed = 0`
	if err := tx.Row(ctx, q, workspace).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting the owners: %w", err)
	}
	return n, nil
}

func isOwner(ctx context.Context, tx *db.Tx, workspace, member id.ID) (bool, error) {
	var n int
	const q = `select count(*) from right_grant where workspace = $1 and member = $2 and role = 'owner' and ended = 0`
	if err := tx.Row(ctx, q, workspace, member).Scan(&n); err != nil {
		return false, fmt.Errorf("looking for ownership: %w", err)
	}
	return n > 0, nil
}

// present finds a member who is still there.
func present(ctx context.Context, q db.Queryer, workspace, member id.ID) (login id.ID, name string, err error) {
	err = q.Row(ctx, `select login, name from member where workspace = $1 and id = $2 and departed = 0`,
		workspace, member).Scan(&login, &name)
	if db.NoRows(err) {
		return 0, "", problem.New(problem.NotFound, "team.no_member")
	}
	if err != nil {
		return 0, "", fmt.Errorf("reading a member: %w", err)
	}
	return login, name, nil
}

// stay is one login's presence in one workspace.
type stay struct {
	workspace, member id.ID
	name              string
}

func (s stay) actor() actor.Actor {
	return actor.Actor{Workspace: s.workspace, Member: s.member, Name: s.name}
}

// stays lists where a login is a member. It is one of the few queries without a
// workspace: a login belongs to none.
func stays(ctx context.Context, q db.Queryer, login id.ID) ([]stay, error) {
	all, err := list(ctx, q, func(rows *sql.Rows) (s stay, err error) {
		return s, rows.Scan(&s.workspace, &s.member, &s.name)
	}, `select m.workspace, m.id, m.name from member m join workspace w on w.id = m.workspace
		where m.login = $1 and m.departed = 0 and w.closed = 0 order by m.workspace`, login)
	if err != nil {
		return nil, fmt.Errorf("listing the workspaces of a login: %w", err)
	}
	return all, nil
}

// loginRow is what signing in needs to know.
type loginRow struct {
	id       id.ID
	name     string
	email    string
	password string
}

// loginBy finds a login by its folded address; found is false where there is none.
func loginBy(ctx context.Context, q db.Queryer, folded string) (l loginRow, found bool, err error) {
	err = q.Row(ctx, `select id, name, email, password from login where email_folded = $1 and removed = 0`,
		folded).Scan(&l.id, &l.name, &l.email, &l.password)
	if db.NoRows(err) {
		return loginRow{}, false, nil
	}
	if err != nil {
		return loginRow{}, false, fmt.Errorf("reading a login: %w", err)
	}
	return l, true, nil
}

func loginOf(ctx context.Context, q db.Queryer, login id.ID) (l loginRow, err error) {
	err = q.Row(ctx, `select id, name, email, password from login where id = $1 and removed = 0`,
		login).Scan(&l.id, &l.name, &l.email, &l.password)
	if db.NoRows(err) {
		return loginRow{}, problem.New(problem.NotFound, "team.no_login")
	}
	if err != nil {
		return loginRow{}, fmt.Errorf("reading a login: %w", err)
	}
	return l, nil
}

// inside lets everybody who belongs to a workspace know who else does.
func inside(a actor.Actor) error {
	if a.Workspace != 0 && (a.Member != 0 || a.System != "") {
		return nil
	}
	return problem.New(problem.Forbidden, "team.outside")
}
