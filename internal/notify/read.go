package notify

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

const (
	// shown is how many are listed at once, and counting stops there.
	shown = 100
	// keepRead and keepLong are how long notifications are kept.
	keepRead = 30 * 24 * time.Hour
	keepLong = 90 * 24 * time.Hour
)

// mine lets members see and change what is theirs alone.
func mine(a actor.Actor) error {
	if a.Member != 0 && (a.Can(actor.Self) || a.CanSomewhere(actor.ReadConversations) || a.CanSomewhere(actor.ManageAccounts)) {
		return nil
	}
	return a.Require(actor.Self)
}

const columns = `id, workspace, member, kind, conversation, account, about, event, times, made, read`

// Place is where a page ended.
type Place struct {
	Made time.Time
	ID   id.ID
}

// List reads the actor's notifications, the newest first: up to limit of them (0:
// 100), from after on. What they may not know of any more is not among them, so a
// page can be shorter than the limit; next is the zero Place on the last one.
func (s *Service) List(ctx context.Context, a actor.Actor, after Place, limit int) (all []Notification, next Place, err error) {
	if err := mine(a); err != nil {
		return nil, next, err
	}
	if limit <= 0 || limit > 200 {
		limit = shown
	}
	where, args := ``, []any{a.Workspace, a.Member, limit + 1}
	if after.ID != 0 {
		where, args = ` and (made, id) < ($4, $5)`, append(args, db.Micros(after.Made), after.ID)
	}
	found, err := s.find(ctx, s.DB.Read(), where+` order by made desc, id desc limit $3`, args...)
	if err != nil {
		return nil, next, err
	}
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		next = Place{last.Made, last.ID}
	}
	for _, n := range found {
		if n.may(a) {
			all = append(all, n)
		}
	}
	return all, next, nil
}

// Unread counts what the actor has not read; counting stops at 100.
func (s *Service) Unread(ctx context.Context, a actor.Actor) (int, error) {
	if err := mine(a); err != nil {
		return 0, err
	}
	found, err := s.find(ctx, s.DB.Read(), ` and read = 0 limit $3`, a.Workspace, a.Member, shown)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, one := range found {
		if one.may(a) {
			n++
		}
	}
	return n, nil
}

// Get reads one of the actor's.
func (s *Service) Get(ctx context.Context, a actor.Actor, notification id.ID) (Notification, error) {
	if err := mine(a); err != nil {
		return Notification{}, err
	}
	return s.get(ctx, s.DB.Read(), a, notification)
}

func (s *Service) get(ctx context.Context, q db.Queryer, a actor.Actor, notification id.ID) (Notification, error) {
	found, err := s.find(ctx, q, ` and id = $3`, a.Workspace, a.Member, notification)
	if err != nil {
		return Notification{}, err
	}
	if len(found) == 0 || !found[0].may(a) {
		return Notification{}, problem.New(problem.NotFound, "notify.not_found")
	}
	return found[0], nil
}

// find reads notifications of $1 and $2, a workspace and a member of it.
func (s *Service) find(ctx context.Context, q db.Queryer, where string, args ...any) ([]Notification, error) {
	rows, err := q.Query(ctx, `select `+columns+` from notification where workspace = $1 and member = $2`+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading notifications: %w", err)
	}
	defer rows.Close()
	var all []Notification
	for rows.Next() {
		n, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading a notification: %w", err)
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

func scan(rows *sql.Rows) (n Notification, err error) {
	return n, rows.Scan(&n.ID, &n.Workspace, &n.Member, &n.Kind, &n.Conversation, &n.Account, &n.About, &n.Event, &n.Times,
		db.ScanTime(&n.Made), db.ScanTime(&n.Read))
}

// MarkRead says that the actor has seen one. What was read stays as it was.
func (s *Service) MarkRead(ctx context.Context, a actor.Actor, notification id.ID) error {
	if err := mine(a); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := s.get(ctx, tx, a, notification)
		if err != nil || !n.Read.IsZero() {
			return err
		}
		return s.mark(ctx, tx, a, ` and id = $4`, notification)
	})
}

// MarkAllRead says that the actor has seen everything up to now.
func (s *Service) MarkAllRead(ctx context.Context, a actor.Actor) error {
	if err := mine(a); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error { return s.mark(ctx, tx, a, ``) })
}

// Opened says that the actor looks at a conversation: what they were told of it
// they have now seen. Mostly there is nothing, and nothing is written.
func (s *Service) Opened(ctx context.Context, a actor.Actor, conversation id.ID) error {
	if err := mine(a); err != nil {
		return err
	}
	const about = ` and conversation = $3 and read = 0 limit 1`
	found, err := s.find(ctx, s.DB.Read(), about, a.Workspace, a.Member, conversation)
	if err != nil || len(found) == 0 {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.mark(ctx, tx, a, ` and conversation = $4`, conversation)
	})
}

func (s *Service) mark(ctx context.Context, tx *db.Tx, a actor.Actor, where string, args ...any) error {
	n, err := tx.Exec(ctx, `update notification set read = $1 where workspace = $2 and member = $3 and read = 0`+where,
		append([]any{db.Micros(s.Clock.Now()), a.Workspace, a.Member}, args...)...)
	if err != nil {
		return fmt.Errorf("marking notifications as read: %w", err)
	}
	if n > 0 {
		s.record(tx, a, "notification.read", a.Member)
	}
	return nil
}

// Forget removes what is kept about conversations that are erased or past their time.
func (s *Service) Forget(ctx context.Context, tx *db.Tx, workspace id.ID, conversations []id.ID) error {
	if len(conversations) == 0 {
		return nil
	}
	in, args := db.In(2, conversations)
	if _, err := tx.Exec(ctx, `delete from notification where workspace = $1 and conversation > 0 and conversation `+in, append([]any{workspace}, args...)...); err != nil {
		return fmt.Errorf("forgetting notifications: %w", err)
	}
	return nil
}

// Move follows a conversation that became part of another one. What is unread
// about both is one.
func (s *Service) Move(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		`delete from notification where workspace = $1 and conversation = $2 and conversation > 0 and read = 0 and exists (select 1 from notification n
			where n.workspace = notification.workspace and n.member = notification.member and n.kind = notification.kind and n.conversation = $3
			and n.about = notification.about and n.read = 0)`,
		`update notification set conversation = $3 where workspace = $1 and conversation = $2 and conversation > 0`,
	} {
		if _, err := tx.Exec(ctx, q, workspace, from, to); err != nil {
			return fmt.Errorf("moving notifications: %w", err)
		}
	}
	return nil
}

func (s *Service) sweep(ctx context.Context) error {
	now := s.Clock.Now()
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `delete from notification where (read > 0 and read < $1) or made < $2`, db.Micros(now.Add(-keepRead)), db.Micros(now.Add(-keepLong)))
		if err != nil {
			return fmt.Errorf("sweeping notifications: %w", err)
		}
		return nil
	})
}
