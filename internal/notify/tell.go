package notify

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/mail"
)

const (
	// grace is how long somebody has to see it on the page before it is mailed.
	grace = 3 * time.Minute
	// apart is the least time between two mails to somebody; what is urgent does not wait.
	apart = 10 * time.Minute
	// stale is when what was never mailed is not mailed any more.
	stale = 48 * time.Hour
	// digestHour is when digests are made, in the reader's zone.
	digestHour = 8
	// mostItems is how many a mail lists; the page has the rest.
	mostItems = 12
)

func encoding() *base64.Encoding { return base64.RawURLEncoding }

// Figures are the few numbers of a digest.
type Figures struct {
	Waiting int       // people who wait for an answer; counting stops at 100
	Longest time.Time // since when the first of them does
	Mine    int       // conversations the member is answering
}

// Tell writes to those who have something unread that they want mailed, and makes
// the digests that are due. What it decides and the letter are one transaction, so
// each notification is mailed at most once.
func (s *Service) Tell(ctx context.Context) error {
	if !s.Mail.Ready() {
		return nil
	}
	type whom struct{ workspace, member id.ID }
	rows, err := s.DB.Read().Query(ctx, `select distinct workspace, member from notification where told = 0 and read = 0
		union select workspace, member from notify_choice where digest <> '' order by workspace, member`)
	if err != nil {
		return fmt.Errorf("looking for whom to write to: %w", err)
	}
	defer rows.Close()
	var all []whom
	for rows.Next() {
		var w whom
		if err := rows.Scan(&w.workspace, &w.member); err != nil {
			return fmt.Errorf("looking for whom to write to: %w", err)
		}
		all = append(all, w)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("looking for whom to write to: %w", err)
	}
	seats := map[id.ID]map[id.ID]Seat{}
	for _, w := range all {
		if seats[w.workspace] == nil {
			roster, err := s.Roster(ctx, s.DB.Read(), w.workspace)
			if err != nil {
				return err
			}
			seats[w.workspace] = map[id.ID]Seat{}
			for _, v := range roster {
				seats[w.workspace][v.Actor.Member] = v
			}
		}
		seat, here := seats[w.workspace][w.member]
		if !here {
			continue // they left a moment ago; the spine says so to lookIn
		}
		if err := s.write(ctx, seat); err != nil {
			return err
		}
	}
	return nil
}

// write mails one member what there is to mail.
func (s *Service) write(ctx context.Context, v Seat) error {
	figures, err := s.figures(ctx, v)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		c, err := s.choices(ctx, tx, v.Actor.Workspace, v.Actor.Member)
		if err != nil {
			return err
		}
		mailed, digested, err := s.lastMailed(ctx, tx, v)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		quiet := c.quiet(now, v.Zone)
		if err := s.writeNews(ctx, tx, v, c, quiet, now.Sub(mailed) < apart); err != nil {
			return err
		}
		if !quiet && c.due(digested, now, v.Zone) {
			return s.writeDigest(ctx, tx, v, c, figures)
		}
		return nil
	})
}

// figures are read outside the transaction: they only have to be right enough.
func (s *Service) figures(ctx context.Context, v Seat) (Figures, error) {
	c, err := s.choices(ctx, s.DB.Read(), v.Actor.Workspace, v.Actor.Member)
	if err != nil || c.Digest == NoDigest || !v.Actor.CanSomewhere(actor.ReadConversations) {
		return Figures{}, err
	}
	return s.Figures(ctx, v.Actor)
}

func (s *Service) lastMailed(ctx context.Context, tx *db.Tx, v Seat) (mailed, digested time.Time, err error) {
	const take = `insert into notify_mailed (workspace, member, mailed, digested) values ($1, $2, 0, 0)
		on conflict (workspace, member) do update set mailed = notify_mailed.mailed returning mailed, digested`
	err = tx.Row(ctx, take, v.Actor.Workspace, v.Actor.Member).Scan(db.ScanTime(&mailed), db.ScanTime(&digested))
	if err != nil {
		return mailed, digested, fmt.Errorf("reading when somebody was written to: %w", err)
	}
	return mailed, digested, nil
}

// writeNews posts one letter about everything that is unread and old enough.
func (s *Service) writeNews(ctx context.Context, tx *db.Tx, v Seat, c Choices, quiet, recent bool) error {
	now := s.Clock.Now()
	found, err := s.find(ctx, tx, ` and read = 0 and told = 0 order by made, id`, v.Actor.Workspace, v.Actor.Member)
	if err != nil {
		return err
	}
	var tell, settle []Notification
	for _, n := range found {
		pressing := n.Kind == Urgent && c.Urgent
		switch {
		case !c.wants(n.Kind) || !n.may(v.Actor) || now.Sub(n.Made) > stale:
			settle = append(settle, n)
		case now.Sub(n.Made) < grace || (quiet || recent) && !pressing && (quiet || n.Kind != Urgent):
			// later
		default:
			tell = append(tell, n)
		}
	}
	if len(tell) > 0 {
		if _, err := s.Mail.Post(ctx, tx, s.letter(v, c, tell)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update notify_mailed set mailed = $1 where workspace = $2 and member = $3`, db.Micros(now), v.Actor.Workspace, v.Actor.Member); err != nil {
			return fmt.Errorf("noting when somebody was written to: %w", err)
		}
	}
	for _, n := range append(settle, tell...) {
		if _, err := tx.Exec(ctx, `update notification set told = $1 where workspace = $2 and id = $3`, db.Micros(now), n.Workspace, n.ID); err != nil {
			return fmt.Errorf("noting what somebody was told: %w", err)
		}
	}
	return nil
}

// letter says what there is in sentences that name nobody outside: mail leaves
// what Parley can erase. Each line leads to exactly what it is about.
func (s *Service) letter(v Seat, c Choices, all []Notification) mail.Letter {
	words := s.Mail.Speak(v.Locale, c.place(v.Zone))
	l := s.begin(v, words, "notification")
	for _, n := range all {
		if len(l.Items) == mostItems {
			break
		}
		l.Items = append(l.Items, mail.Item{Text: words.T("notify.say." + string(n.Kind) + ".short"), Link: s.Mail.Link("/w/" + v.Slug + "/notifications/" + n.ID.String())})
	}
	l.Subject = l.Items[0].Text
	if len(all) > 1 {
		l.Subject = words.T("notify.letter.subject", "n", len(all), "workspace", v.Workspace)
	}
	l.Text = []string{words.T("notify.letter.text", "n", len(all), "workspace", v.Workspace)}
	if len(all) > mostItems {
		l.After = []string{words.T("notify.letter.more", "n", len(all)-mostItems)}
	}
	l.Action = mail.Action{Label: words.T("notify.letter.go"), Link: s.Mail.Link(Path)}
	return l
}

// begin is what all letters of this package have.
func (s *Service) begin(v Seat, words *i18n.Locale, purpose string) mail.Letter {
	return mail.Letter{Workspace: v.Actor.Workspace, Purpose: purpose, About: v.Actor.Member, Until: s.Clock.Now().Add(24 * time.Hour),
		To: v.Email, Name: v.Actor.Name, As: v.Workspace, Locale: v.Locale, Why: words.T("notify.letter.why", "workspace", v.Workspace),
		Leave: mail.Action{Label: words.T("notify.letter.stop"), Link: s.stopLink(v.Actor.Workspace, v.Actor.Member)}}
}

// due reports whether a digest should be made now.
func (c Choices) due(last, now time.Time, workspace *time.Location) bool {
	zone := c.place(workspace)
	local, before := now.In(zone), last.In(zone)
	sameDay := local.Year() == before.Year() && local.YearDay() == before.YearDay()
	return c.Digest != NoDigest && local.Hour() >= digestHour && !sameDay && (c.Digest == Daily || local.Weekday() == time.Monday)
}

// writeDigest says what waits, in a few figures. Where there is nothing to say
// there is no mail.
func (s *Service) writeDigest(ctx context.Context, tx *db.Tx, v Seat, c Choices, f Figures) error {
	now := s.Clock.Now()
	words := s.Mail.Speak(v.Locale, c.place(v.Zone))
	l := s.begin(v, words, "digest")
	unread, err := s.find(ctx, tx, ` and read = 0 limit $3`, v.Actor.Workspace, v.Actor.Member, shown)
	if err != nil {
		return err
	}
	if f.Waiting > 0 {
		key := "notify.digest.waiting"
		if f.Waiting >= shown {
			key = "notify.digest.many"
		}
		l.Items = append(l.Items, mail.Item{Text: words.T(key, "n", f.Waiting, "span", words.Span(now.Sub(f.Longest))), Link: s.Mail.Link("/w/" + v.Slug + "/inbox")})
	}
	if f.Mine > 0 {
		l.Items = append(l.Items, mail.Item{Text: words.T("notify.digest.mine", "n", f.Mine), Link: s.Mail.Link("/w/" + v.Slug + "/inbox?box=mine")})
	}
	if n := len(unread); n > 0 {
		l.Items = append(l.Items, mail.Item{Text: words.T("notify.digest.unread", "n", n), Link: s.Mail.Link(Path)})
	}
	if len(l.Items) > 0 {
		l.Subject = words.T("notify.digest.subject."+string(c.Digest), "workspace", v.Workspace)
		l.Text = []string{words.T("notify.digest.text", "workspace", v.Workspace)}
		l.Action = mail.Action{Label: words.T("notify.digest.go"), Link: s.Mail.Link("/w/" + v.Slug + "/today")}
		if _, err := s.Mail.Post(ctx, tx, l); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `update notify_mailed set digested = $1 where workspace = $2 and member = $3`, db.Micros(now), v.Actor.Workspace, v.Actor.Member); err != nil {
		return fmt.Errorf("noting a digest: %w", err)
	}
	return nil
}
