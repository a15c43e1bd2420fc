package team

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// Token is an API token as its owner sees it in a list.
type Token struct {
	ID      id.ID
	Member  id.ID
	Name    string
	Rights  []actor.Right
	Created time.Time
	Until   time.Time
	Used    time.Time // to a few minutes; zero: never
}

// NewToken is what a token is to be. Rights are some of those the actor holds;
// Until is at most TokenLife away.
type NewToken struct {
	Name   string
	Rights []actor.Right
	Until  time.Time
}

// tokenUse is where a token's last use is noted.
type tokenUse struct{ workspace, token id.ID }

func (t tokenUse) compare(u tokenUse) int { return cmp.Compare(t.token, u.token) }

// CreateToken makes an API token that acts as the actor with some of their
// rights. secret is told this once.
func (s *Service) CreateToken(ctx context.Context, a actor.Actor, in NewToken) (t Token, secret string, err error) {
	if err := a.Require(actor.Self); err != nil {
		return t, "", err
	}
	name, err := cleanName(in.Name, "name")
	if err != nil {
		return t, "", err
	}
	if err := s.checkToken(a, in); err != nil {
		return t, "", err
	}
	t = Token{ID: s.ids.New(), Member: a.Member, Name: name, Rights: in.Rights, Created: s.clock.Now(), Until: in.Until}
	secret, hash := newSecret(tokenPrefix)
	err = s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		// Locked, so that a member who is removed meanwhile leaves no token behind.
		if err := lock(ctx, tx, a.Workspace); err != nil {
			return err
		}
		if _, _, err := present(ctx, tx, a.Workspace, a.Member); err != nil {
			return err
		}
		const q = `insert into api_token (workspace, id, member, hash, name, rights, created, until, used, revoked, revoked_by)
			values ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0)`
		_, err := tx.Exec(ctx, q, a.Workspace, t.ID, t.Member, hash, t.Name, joinRights(t.Rights), db.Micros(t.Created), db.Micros(t.Until))
		if err != nil {
			return fmt.Errorf("making a token: %w", err)
		}
		s.events.Record(tx, a, event.Entry{Verb: "token.created", Kind: "token", Subject: t.ID,
			Details: map[string]string{"rights": joinRights(t.Rights), "until": t.Until.UTC().Format(time.RFC3339)}})
		return nil
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

func (s *Service) checkToken(a actor.Actor, in NewToken) error {
	if len(in.Rights) == 0 {
		return problem.New(problem.Invalid, "team.token_rights").At("rights")
	}
	for i, r := range in.Rights {
		if !slices.Contains(TokenRights(), r) || slices.Contains(in.Rights[:i], r) {
			return problem.New(problem.Invalid, "team.token_rights").At("rights")
		}
		if !a.CanSomewhere(r) {
			return a.Require(r)
		}
	}
	if now := s.clock.Now(); !in.Until.After(now) || in.Until.After(now.Add(TokenLife)) {
		return problem.New(problem.Invalid, "team.token_until", "days", int(TokenLife/(24*time.Hour))).At("until")
	}
	return nil
}

func joinRights(rights []actor.Right) string {
	words := make([]string, len(rights))
	for i, r := range rights {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

// Tokens lists a member's tokens that still work, the newest first: the actor's
// own, or another's for those who manage the team.
func (s *Service) Tokens(ctx context.Context, a actor.Actor, member id.ID) ([]Token, error) {
	if err := ownOrManaged(a, member); err != nil {
		return nil, err
	}
	all, err := list(ctx, s.db.Read(), func(rows *sql.Rows) (t Token, err error) {
		var rights string
		err = rows.Scan(&t.ID, &t.Member, &t.Name, &rights, db.ScanTime(&t.Created), db.ScanTime(&t.Until), db.ScanTime(&t.Used))
		t.Rights = splitRights(rights)
		return t, err
	}, `select id, member, name, rights, created, until, used from api_token
		where workspace = $1 and member = $2 and revoked = 0 and until > $3 order by id desc`,
		a.Workspace, member, db.Micros(s.clock.Now()))
	if err != nil {
		return nil, fmt.Errorf("listing the tokens: %w", err)
	}
	return all, nil
}

func ownOrManaged(a actor.Actor, member id.ID) error {
	if a.Member != 0 && member == a.Member && a.Can(actor.Self) {
		return nil
	}
	return a.Require(actor.ManageTeam)
}

func splitRights(s string) []actor.Right {
	var rights []actor.Right
	for _, w := range strings.Fields(s) {
		rights = append(rights, actor.Right(w))
	}
	return rights
}

// RevokeToken ends a token at once: one's own, or any for those who manage the team.
func (s *Service) RevokeToken(ctx context.Context, a actor.Actor, token id.ID) error {
	if !a.Can(actor.Self) && !a.Can(actor.ManageTeam) {
		return a.Require(actor.ManageTeam)
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var member id.ID
		err := tx.Row(ctx, `select member from api_token where workspace = $1 and id = $2 and revoked = 0`, a.Workspace, token).Scan(&member)
		if db.NoRows(err) {
			return problem.New(problem.NotFound, "team.no_token")
		}
		if err != nil {
			return fmt.Errorf("reading a token: %w", err)
		}
		if err := ownOrManaged(a, member); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `update api_token set revoked = $1, revoked_by = $2 where workspace = $3 and id = $4 and revoked = 0`,
			db.Micros(s.clock.Now()), a.Member, a.Workspace, token)
		if err != nil {
			return fmt.Errorf("revoking a token: %w", err)
		}
		if n == 0 { // revoked by somebody else between the two statements
			return nil
		}
		s.tell(tx, Ended{Workspace: a.Workspace, Token: token})
		s.events.Record(tx, a, event.Entry{Verb: "token.revoked", Kind: "token", Subject: token,
			Details: map[string]string{"member": member.String()}})
		return nil
	})
}

// AuthenticateToken finds who an API token acts for. The actor holds what both
// the member and the token hold at this moment. A token that does not work, for
// whatever reason, is "team.token_over".
func (s *Service) AuthenticateToken(ctx context.Context, secret string) (actor.Actor, error) {
	over := problem.New(problem.Unauthenticated, "team.token_over")
	if !plausible(secret, tokenPrefix) {
		return actor.Actor{}, over
	}
	now := s.clock.Now()
	const q = `select t.workspace, t.id, t.rights, t.used, m.id, m.name,
			coalesce(g.role, ''), coalesce(g.scope_kind, ''), coalesce(g.scope_id, 0)
		from api_token t
		join member m on m.workspace = t.workspace and m.id = t.member and m.departed = 0
		join login l on l.id = m.login and l.removed = 0
		join workspace w on w.id = t.workspace and w.closed = 0
		left join right_grant g on g.workspace = m.workspace and g.member = m.id and g.ended = 0 and (g.until = 0 or g.until > $2)
		where t.hash = $1 and t.revoked = 0 and t.until > $2`
	rows, err := s.db.Read().Query(ctx, q, hashSecret(secret), db.Micros(now))
	if err != nil {
		return actor.Actor{}, fmt.Errorf("reading a token: %w", err)
	}
	defer rows.Close()
	var a actor.Actor
	var rights string
	var used time.Time
	for rows.Next() {
		var role Role
		var in actor.Scope
		if err := rows.Scan(&a.Workspace, &a.Token, &rights, db.ScanTime(&used), &a.Member, &a.Name, &role, &in.Kind, &in.ID); err != nil {
			return actor.Actor{}, fmt.Errorf("reading a token: %w", err)
		}
		a.Grants = expand(a.Grants, role, in)
	}
	if err := rows.Err(); err != nil {
		return actor.Actor{}, fmt.Errorf("reading a token: %w", err)
	}
	if a.Token == 0 {
		return actor.Actor{}, over
	}
	allowed := splitRights(rights)
	a.Grants = slices.DeleteFunc(a.Grants, func(g actor.Grant) bool { return !slices.Contains(allowed, g.Right) })
	s.touchToken(tokenUse{a.Workspace, a.Token}, used, now)
	return a, nil
}

func (s *Service) touchToken(t tokenUse, stored, now time.Time) {
	if now.Sub(stored) < touchEvery {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[t] = now
}
