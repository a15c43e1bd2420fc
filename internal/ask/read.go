package ask

import (
	"context"
	"database/sql"
	"fmt"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

const columns = `k.id, k.conversation, k.account, k.member, k.address, k.to_member, k.question, k.made, k.until, k.shown, k.answered, k.note, k.delivery, k.revoked`

func scan(rows *sql.Rows) (k Ask, err error) {
	var shown int64
	err = rows.Scan(&k.ID, &k.Conversation, &k.Account, &k.Member, &k.Address, &k.To, &k.Question, db.ScanTime(&k.Made), db.ScanTime(&k.Until), &shown,
		db.ScanTime(&k.Answered), &k.Note, &k.Delivery, db.ScanTime(&k.Revoked))
	k.Shown = shown != 0
	return k, err
}

func find(ctx context.Context, q db.Queryer, where string, args ...any) ([]Ask, error) {
	rows, err := q.Query(ctx, `select `+columns+` from ask k where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("reading questions: %w", err)
	}
	defer rows.Close()
	var all []Ask
	for rows.Next() {
		k, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading a question: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

// Of lists what was asked about a conversation, the newest first.
func (s *Service) Of(ctx context.Context, a actor.Actor, conversation id.ID) ([]Ask, error) {
	if _, err := s.Account(ctx, a, conversation); err != nil {
		return nil, err
	}
	return find(ctx, s.DB.Read(), `k.workspace = $1 and k.conversation = $2 order by k.made desc, k.id desc limit 50`, a.Workspace, conversation)
}

// Revoke makes a link dead. Who asked may, and who looks after the team.
func (s *Service) Revoke(ctx context.Context, a actor.Actor, ask id.ID) error {
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		all, err := find(ctx, tx, `k.workspace = $1 and k.id = $2`, a.Workspace, ask)
		if err != nil {
			return err
		}
		if len(all) == 0 || !a.Can(actor.ReadConversations, scope(all[0].Account)) {
			return problem.New(problem.NotFound, "ask.not_found")
		}
		k := all[0]
		if k.Member != a.Member || a.Member == 0 {
			if err := a.Require(actor.ManageTeam); err != nil {
				return err
			}
		}
		if !k.open(s.Clock.Now()) {
			return problem.New(problem.Conflict, "ask.over")
		}
		return s.revoke(ctx, tx, a, k)
	})
}

func (s *Service) revoke(ctx context.Context, tx *db.Tx, a actor.Actor, k Ask) error {
	n, err := tx.Exec(ctx, `update ask set revoked = $1, revoked_by = $2 where workspace = $3 and id = $4 and answered = 0 and revoked = 0`,
		db.Micros(s.Clock.Now()), a.Member, a.Workspace, k.ID)
	if err != nil {
		return fmt.Errorf("revoking a question: %w", err)
	}
	if n == 0 {
		return problem.New(problem.Conflict, "ask.over")
	}
	s.record(tx, a, "ask.revoked", k)
	return s.Mail.Withdraw(ctx, tx, a.Workspace, letter, k.ID)
}

// Forget removes what was asked about conversations that are erased or past their time.
func (s *Service) Forget(ctx context.Context, tx *db.Tx, workspace id.ID, conversations []id.ID) error {
	for _, c := range conversations {
		all, err := find(ctx, tx, `k.workspace = $1 and k.conversation = $2`, workspace, c)
		if err != nil {
			return err
		}
		for _, k := range all {
			if err := s.Mail.Withdraw(ctx, tx, workspace, letter, k.ID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `delete from ask where workspace = $1 and conversation = $2`, workspace, c); err != nil {
			return fmt.Errorf("forgetting questions: %w", err)
		}
	}
	return nil
}

// Redact takes a name out of what was asked about somebody else.
func (s *Service) Redact(ctx context.Context, tx *db.Tx, workspace id.ID, cut func(string) string) error {
	all, err := find(ctx, tx, `k.workspace = $1 and k.question <> ''`, workspace)
	if err != nil {
		return err
	}
	for _, k := range all {
		if less := cut(k.Question); less != k.Question {
			if _, err := tx.Exec(ctx, `update ask set question = $1 where workspace = $2 and id = $3`, less, workspace, k.ID); err != nil {
				return fmt.Errorf("cutting a name out of a question: %w", err)
			}
		}
	}
	return nil
}

// Move follows a conversation that became part of another one.
func (s *Service) Move(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	if _, err := tx.Exec(ctx, `update ask set conversation = $1 where workspace = $2 and conversation = $3`, to, workspace, from); err != nil {
		return fmt.Errorf("moving questions: %w", err)
	}
	return nil
}

// Sweep ends what members asked, or were asked, who have left, and forgets what is
// long over.
func (s *Service) Sweep(ctx context.Context, workspace id.ID) error {
	a := actor.System(workspace, "ask")
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `delete from ask where workspace = $1 and made < $2`, workspace, db.Micros(s.Clock.Now().Add(-kept))); err != nil {
			return fmt.Errorf("sweeping questions: %w", err)
		}
		left, err := find(ctx, tx, `k.workspace = $1 and k.answered = 0 and k.revoked = 0 and exists (select 1 from member m
			where m.workspace = k.workspace and m.id in (k.member, k.to_member) and m.departed > 0)`, workspace)
		if err != nil {
			return err
		}
		for _, k := range left {
			if err := s.revoke(ctx, tx, a, k); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `update ask set address = '' where workspace = $1 and address <> '' and exists (select 1 from member m
			where m.workspace = ask.workspace and m.id = ask.to_member and m.departed > 0)`, workspace)
		if err != nil {
			return fmt.Errorf("forgetting whom was asked: %w", err)
		}
		return nil
	})
}
