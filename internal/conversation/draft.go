package conversation

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// ReplyDraft is an answer that its writer has begun. Nobody else ever reads it.
type ReplyDraft struct {
	Text       string
	Warning    string
	Visibility network.Visibility
	Lang       string
	Version    int64 // of what was changed; 0: there was none
	At         time.Time
}

// longestDraft is in bytes: far more than any network takes.
const longestDraft = 64 << 10

// SaveDraft keeps what a member has begun to write in a conversation, and says
// which version it is now; empty words take it away. Where another device has
// saved since, nothing is changed and what that one saved is returned with the
// problem, so that neither is lost.
//
// It records no event: nothing looks at when somebody writes, and the words go into
// the log with nothing else either.
func (d *Desk) SaveDraft(ctx context.Context, a actor.Actor, conversation id.ID, in ReplyDraft) (ReplyDraft, error) {
	in.Text, in.Warning, in.Lang = text.Clean(in.Text), text.CleanLine(in.Warning, maxLine), text.CleanLine(in.Lang, 35)
	if len(in.Text) > longestDraft {
		return in, problem.New(problem.Invalid, "conversation.long_draft").At("text")
	}
	saved := in
	err := d.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := d.load(ctx, tx, a, actor.Reply, conversation)
		if err != nil {
			return err
		}
		stored, err := readDraft(ctx, tx, a, h.ID)
		if err != nil {
			return err
		}
		if stored.Version != 0 && stored.Version != in.Version {
			saved = stored
			return problem.New(problem.Conflict, "conversation.draft_elsewhere")
		}
		if stored.Version == 0 && in.Version != 0 {
			sent, err := answeredSince(ctx, tx, a, h.ID, in.Version)
			if err != nil || sent {
				saved = ReplyDraft{} // it was still on its way when these very words were sent
				return err
			}
		}
		if strings.TrimSpace(in.Text) == "" && in.Warning == "" {
			saved = ReplyDraft{}
			return dropDraft(ctx, tx, a, h.ID)
		}
		if err := d.active(ctx, tx, a, h.ID); err != nil {
			return err
		}
		saved = in
		saved.At = d.clock.Now()
		saved.Version = max(in.Version+1, db.Micros(saved.At))
		return keepDraft(ctx, tx, a, h.ID, saved)
	})
	return saved, err
}

// answeredSince reports that the actor has answered since a version, which is a time.
func answeredSince(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, version int64) (bool, error) {
	var n int
	if err := tx.Row(ctx, `select count(*) from answer where workspace = $1 and conversation = $2 and member = $3 and at >= $4`,
		a.Workspace, conversation, a.Member, version).Scan(&n); err != nil {
		return false, fmt.Errorf("reading whether it was sent: %w", err)
	}
	return n > 0, nil
}

func keepDraft(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID, v ReplyDraft) error {
	const q = `insert into reply_draft (workspace, conversation, member, version, body, warning, visibility, lang, at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (workspace, conversation, member) do update set version = excluded.version, body = excluded.body,
		warning = excluded.warning, visibility = excluded.visibility, lang = excluded.lang, at = excluded.at`
	if _, err := tx.Exec(ctx, q, a.Workspace, conversation, a.Member, v.Version, v.Text, v.Warning, string(v.Visibility), v.Lang, db.Micros(v.At)); err != nil {
		return fmt.Errorf("keeping a draft: %w", err)
	}
	return nil
}

// Draft reads what the actor has begun to write; the zero ReplyDraft is nothing.
func (d *Desk) Draft(ctx context.Context, a actor.Actor, conversation id.ID) (ReplyDraft, error) {
	h, err := d.load(ctx, d.db.Read(), a, actor.ReadConversations, conversation)
	if err != nil {
		return ReplyDraft{}, err
	}
	return readDraft(ctx, d.db.Read(), a, h.ID)
}

func readDraft(ctx context.Context, q db.Queryer, a actor.Actor, conversation id.ID) (v ReplyDraft, err error) {
	var visibility string
	err = q.Row(ctx, `select version, body, warning, visibility, lang, at from reply_draft where workspace = $1 and conversation = $2 and member = $3`,
		a.Workspace, conversation, a.Member).Scan(&v.Version, &v.Text, &v.Warning, &visibility, &v.Lang, db.ScanTime(&v.At))
	if db.NoRows(err) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("reading a draft: %w", err)
	}
	v.Visibility = network.Visibility(visibility)
	return v, nil
}

// TakenBack gives its writer the words of an answer that was called back: they are
// their draft again, above whatever they had begun since. The same words may be
// sent anew.
func (d *Desk) TakenBack(ctx context.Context, tx *db.Tx, a actor.Actor, delivery id.ID, said network.Draft) error {
	var conversation, member id.ID
	err := tx.Row(ctx, `delete from answer where workspace = $1 and delivery = $2 returning conversation, member`, a.Workspace, delivery).Scan(&conversation, &member)
	if db.NoRows(err) || err == nil && len(said.Parts) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("taking an answer back: %w", err)
	}
	var name string
	if err := tx.Row(ctx, `select name from member where workspace = $1 and id = $2`, a.Workspace, member).Scan(&name); err != nil {
		return fmt.Errorf("reading whose answer is taken back: %w", err)
	}
	writer := actor.Actor{Workspace: a.Workspace, Member: member}
	v, err := readDraft(ctx, tx, writer, conversation)
	if err != nil {
		return err
	}
	part := said.Parts[0]
	words := strings.TrimSuffix(part.Text, " ^"+firstName(name))
	if v.Text != "" {
		words += "\n\n" + v.Text
	}
	now := d.clock.Now()
	return keepDraft(ctx, tx, writer, conversation, ReplyDraft{Text: words, Warning: cmp.Or(part.Warning, v.Warning), Visibility: part.Visibility, Lang: part.Lang,
		Version: max(v.Version+1, db.Micros(now)), At: now})
}

// dropDraft ends the actor's draft: it was sent, or is no longer wanted.
func dropDraft(ctx context.Context, tx *db.Tx, a actor.Actor, conversation id.ID) error {
	if _, err := tx.Exec(ctx, `delete from reply_draft where workspace = $1 and conversation = $2 and member = $3`, a.Workspace, conversation, a.Member); err != nil {
		return fmt.Errorf("ending a draft: %w", err)
	}
	return nil
}

// dropDeparted ends the drafts of who has left.
func dropDeparted(ctx context.Context, tx *db.Tx, workspace id.ID) error {
	if _, err := tx.Exec(ctx, `delete from reply_draft where workspace = $1 and member in (
		select id from member where workspace = $1 and departed > 0)`, workspace); err != nil {
		return fmt.Errorf("ending the drafts of who left: %w", err)
	}
	return nil
}

// moveDrafts carries drafts over to the conversation that another one became.
// Whoever had begun in both has both, one below the other.
func moveDrafts(ctx context.Context, tx *db.Tx, workspace, from, to id.ID) error {
	for _, q := range []string{
		`update reply_draft set version = version + 1, body = body || '

' || (select f.body from reply_draft f where f.workspace = reply_draft.workspace and f.conversation = $3 and f.member = reply_draft.member)
		where workspace = $2 and conversation = $1 and exists (
			select 1 from reply_draft f where f.workspace = reply_draft.workspace and f.conversation = $3 and f.member = reply_draft.member)`,
		`delete from reply_draft where workspace = $2 and conversation = $3 and exists (
			select 1 from reply_draft t where t.workspace = reply_draft.workspace and t.conversation = $1 and t.member = reply_draft.member)`,
		`update reply_draft set conversation = $1 where workspace = $2 and conversation = $3`,
	} {
		if _, err := tx.Exec(ctx, q, to, workspace, from); err != nil {
			return fmt.Errorf("moving drafts: %w", err)
		}
	}
	return nil
}

// redactDrafts takes somebody out of what members have begun to write to others.
func redactDrafts(ctx context.Context, tx *db.Tx, e Erased) error {
	condition, args := e.candidates("x.body || ' ' || x.warning", 2)
	rows, err := tx.Query(ctx, `select x.conversation, x.member, x.body, x.warning, c.thread from reply_draft x
		join conversation c on c.workspace = x.workspace and c.id = x.conversation
		where x.workspace = $1 and `+condition, append([]any{e.Workspace}, args...)...)
	if err != nil {
		return fmt.Errorf("looking for drafts that name somebody: %w", err)
	}
	defer rows.Close()
	type draft struct {
		conversation, member id.ID
		body, warning        string
	}
	var changed []draft
	for rows.Next() {
		var v draft
		var thread id.ID
		if err := rows.Scan(&v.conversation, &v.member, &v.body, &v.warning, &thread); err != nil {
			return fmt.Errorf("looking for drafts that name somebody: %w", err)
		}
		here := e.within(thread)
		v.body, v.warning = here.Redact(v.body), here.Redact(v.warning)
		changed = append(changed, v)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, v := range changed {
		if _, err := tx.Exec(ctx, `update reply_draft set body = $1, warning = $2, version = version + 1 where workspace = $3 and conversation = $4 and member = $5`,
			v.body, v.warning, e.Workspace, v.conversation, v.member); err != nil {
			return fmt.Errorf("taking a name out of a draft: %w", err)
		}
	}
	return nil
}
