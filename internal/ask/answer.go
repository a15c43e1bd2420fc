package ask

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
	"parley/internal/text"
)

// Opened is what somebody sees who followed a link.
type Opened struct {
	Ask
	Workspace string
	By        string // who asked
	Thread    Thread
	// Mine reports that this browser may let the answer go out in the name of As.
	Mine bool
	As   string
	// SignIn reports that it could, once they sign in.
	SignIn bool
}

// found is an open question with the people it is between.
type found struct {
	Ask
	workspace id.ID
	asker     Seat
	to        *Seat
}

func over() error { return problem.New(problem.Gone, "ask.over") }

// find looks a link up. One that never was, was revoked, was used or is past its
// time, and one whose asker has left or may not read there any more, are told alike.
func (s *Service) find(ctx context.Context, q db.Queryer, secret string) (f found, err error) {
	if len(secret) != 1+readable().EncodedLen(32) {
		return f, over()
	}
	hash := hashOf(secret)
	err = q.Row(ctx, `select k.workspace from ask k join workspace w on w.id = k.workspace where k.hash = $1 and w.closed = 0`, hash).Scan(&f.workspace)
	if db.NoRows(err) {
		return f, over()
	}
	if err != nil {
		return f, fmt.Errorf("reading a question: %w", err)
	}
	all, err := find(ctx, q, `k.workspace = $1 and k.hash = $2`, f.workspace, hash)
	if err != nil {
		return f, err
	}
	if len(all) == 0 || !all[0].open(s.Clock.Now()) {
		return f, over()
	}
	f.Ask = all[0]
	seats, err := s.Roster(ctx, q, f.workspace)
	if err != nil {
		return f, err
	}
	for i, v := range seats {
		if v.Actor.Member == f.Member {
			f.asker = seats[i]
		}
		if v.Actor.Member == f.To && f.To != 0 {
			f.to = &seats[i]
		}
	}
	if !f.asker.Actor.Can(actor.Note, scope(f.Account)) || f.To != 0 && f.to == nil {
		return f, over()
	}
	return f, nil
}

// mine reports whether whoever holds the link, signed in as visitor (0: not), may
// send in the colleague's name: see the package comment.
func (f found) mine(visitor id.ID) (may, ifSignedIn bool) {
	if f.to == nil || !f.to.Actor.Can(actor.Reply, scope(f.Account)) {
		return false, false
	}
	signed := visitor != 0 && visitor == f.To
	return signed || !f.Shown && visitor == 0, f.Shown && !signed
}

// Open reads what a link leads to. It changes nothing.
func (s *Service) Open(ctx context.Context, secret string, visitor func(workspace id.ID) id.ID) (Opened, error) {
	f, err := s.find(ctx, s.DB.Read(), secret)
	if err != nil {
		return Opened{}, err
	}
	o := Opened{Ask: f.Ask, Workspace: f.asker.Workspace, By: f.asker.Actor.Name}
	if o.Thread, err = s.Thread(ctx, f.asker.Actor, f.Conversation); err != nil {
		return o, err
	}
	if f.to != nil {
		o.As = f.to.Actor.Name
	}
	o.Mine, o.SignIn = f.mine(visitor(f.workspace))
	return o, nil
}

func clean(words string) (string, error) {
	words = strings.TrimSpace(text.Clean(words))
	if words == "" {
		return "", problem.New(problem.Invalid, "ask.empty").At("answer")
	}
	if utf8.RuneCountInString(words) > longest {
		return "", problem.New(problem.Invalid, "ask.long", "max", longest).At("answer")
	}
	return words, nil
}

// Answer brings an answer back as a note. The link is used up.
func (s *Service) Answer(ctx context.Context, secret, words string) error {
	words, err := clean(words)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		f, err := s.find(ctx, tx, secret)
		if err != nil {
			return err
		}
		if err := s.use(ctx, tx, f); err != nil {
			return err
		}
		a, note := f.asker.Actor, s.quoted(f, words)
		if f.to != nil && f.to.Actor.Can(actor.Note, scope(f.Account)) {
			a = f.to.Actor
		}
		n, err := s.Note(ctx, tx, a, f.Conversation, note)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update ask set note = $1 where workspace = $2 and id = $3`, n, f.workspace, f.ID); err != nil {
			return fmt.Errorf("storing an answer: %w", err)
		}
		s.record(tx, f.speaker(), "ask.answered", f.Ask)
		return nil
	})
}

// speaker is who answered, for the log.
func (f found) speaker() actor.Actor {
	if f.to != nil {
		return f.to.Actor
	}
	return actor.System(f.workspace, "ask")
}

// quoted is the note: who answered what, in whose words. A quote of several lines
// stays one.
func (s *Service) quoted(f found, words string) string {
	who := f.Address
	if f.to != nil {
		who = f.to.Actor.Name
	}
	say := s.Mail.Speak(f.asker.Locale, f.asker.Zone)
	return say.T("ask.note", "name", strings.NewReplacer("*", "", "_", "", "<", "", "@", "@\u2060").Replace(who)) + "\n\n> " + strings.ReplaceAll(f.Question, "\n", "\n> ") + "\n\n" + words
}

// use marks the link as used, which is done once.
func (s *Service) use(ctx context.Context, tx *db.Tx, f found) error {
	n, err := tx.Exec(ctx, `update ask set answered = $1 where workspace = $2 and id = $3 and answered = 0 and revoked = 0`, db.Micros(s.Clock.Now()), f.workspace, f.ID)
	if err != nil {
		return fmt.Errorf("using a link: %w", err)
	}
	if n == 0 {
		return over()
	}
	return nil
}

// Before shows how an answer would go out in the colleague's name.
func (s *Service) Before(ctx context.Context, secret, words string, visitor func(workspace id.ID) id.ID) (Preview, error) {
	if _, err := clean(words); err != nil {
		return Preview{}, err
	}
	f, err := s.find(ctx, s.DB.Read(), secret)
	if err != nil {
		return Preview{}, err
	}
	if may, _ := f.mine(visitor(f.workspace)); !may {
		return Preview{}, problem.New(problem.Forbidden, "ask.not_you")
	}
	return s.Preview(ctx, f.to.Actor, f.Conversation)
}

// Send lets an answer go out in the colleague's own name, with their own rights as
// they are at this moment. The link is used up.
func (s *Service) Send(ctx context.Context, secret, words string, visitor func(workspace id.ID) id.ID) error {
	words, err := clean(words)
	if err != nil {
		return err
	}
	f, err := s.find(ctx, s.DB.Read(), secret)
	if err != nil {
		return err
	}
	if may, _ := f.mine(visitor(f.workspace)); !may {
		return problem.New(problem.Forbidden, "ask.not_you")
	}
	// The key makes a second press, or a try after a lost answer, the same answer.
	delivery, err := s.Reply(ctx, f.to.Actor, f.asker.Actor, f.Conversation, words, "ask-"+f.ID.String())
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.use(ctx, tx, f); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update ask set delivery = $1 where workspace = $2 and id = $3`, delivery, f.workspace, f.ID); err != nil {
			return fmt.Errorf("storing an answer: %w", err)
		}
		s.record(tx, f.to.Actor, "ask.answered", f.Ask)
		return nil
	})
}
