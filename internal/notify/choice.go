package notify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/problem"
)

// Digest is how often somebody gets a summary.
type Digest string

const (
	NoDigest Digest = ""
	Daily    Digest = "daily"
	Weekly   Digest = "weekly" // on Mondays
)

// Choices are how a member wants to be reached besides the page.
type Choices struct {
	Mail      []Kind // what is mailed
	QuietFrom int    // minute of the day
	QuietTo   int    // the same as QuietFrom: no quiet hours
	QuietDays []time.Weekday
	Urgent    bool   // what is urgent is mailed even then
	Zone      string // IANA name; "" is the workspace's
	Digest    Digest
}

// everybody is what somebody has who has not chosen. What somebody wrote in what
// one is answering is not mailed: whoever answers is at the desk.
func everybody() Choices {
	return Choices{Mail: slices.DeleteFunc(Kinds(), func(k Kind) bool { return k == Message })}
}

// wants reports whether a kind is mailed.
func (c Choices) wants(k Kind) bool { return slices.Contains(c.Mail, k) }

// rests reports whether a day is quiet as a whole.
func (c Choices) rests(d time.Weekday) bool { return slices.Contains(c.QuietDays, d) }

// quiet reports whether a moment lies in the member's quiet time.
func (c Choices) quiet(at time.Time, workspace *time.Location) bool {
	local := at.In(c.place(workspace))
	if c.rests(local.Weekday()) {
		return true
	}
	minute := local.Hour()*60 + local.Minute()
	if c.QuietFrom <= c.QuietTo {
		return minute >= c.QuietFrom && minute < c.QuietTo
	}
	return minute >= c.QuietFrom || minute < c.QuietTo // over midnight
}

func (c Choices) place(workspace *time.Location) *time.Location {
	if c.Zone != "" {
		if zone, err := time.LoadLocation(c.Zone); err == nil {
			return zone
		}
	}
	if workspace == nil {
		return time.UTC
	}
	return workspace
}

// check refuses what cannot be chosen, and puts kinds into their order.
func (c *Choices) check() error {
	for _, k := range c.Mail {
		if !slices.Contains(Kinds(), k) {
			return problem.New(problem.Invalid, "notify.kind").At("mail")
		}
	}
	c.Mail = slices.DeleteFunc(Kinds(), func(k Kind) bool { return !slices.Contains(c.Mail, k) })
	if c.QuietFrom < 0 || c.QuietFrom > 1439 || c.QuietTo < 0 || c.QuietTo > 1439 {
		return problem.New(problem.Invalid, "notify.hour").At("quiet_from")
	}
	for _, d := range c.QuietDays {
		if d < time.Sunday || d > time.Saturday {
			return problem.New(problem.Invalid, "notify.day").At("quiet_days")
		}
	}
	if c.Zone != "" {
		if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
			return problem.New(problem.Invalid, "notify.zone").At("zone")
		}
	}
	if c.Digest != NoDigest && c.Digest != Daily && c.Digest != Weekly {
		return problem.New(problem.Invalid, "notify.digest").At("digest")
	}
	return nil
}

// Choices reads how the actor wants to be reached.
func (s *Service) Choices(ctx context.Context, a actor.Actor) (Choices, error) {
	if err := mine(a); err != nil {
		return Choices{}, err
	}
	return s.choices(ctx, s.DB.Read(), a.Workspace, a.Member)
}

func (s *Service) choices(ctx context.Context, q db.Queryer, workspace, member id.ID) (Choices, error) {
	var c Choices
	var mail string
	var days, urgent int64
	err := q.Row(ctx, `select mail, quiet_from, quiet_to, quiet_days, urgent, zone, digest from notify_choice where workspace = $1 and member = $2`, workspace, member).
		Scan(&mail, &c.QuietFrom, &c.QuietTo, &days, &urgent, &c.Zone, &c.Digest)
	if db.NoRows(err) {
		return everybody(), nil
	}
	if err != nil {
		return c, fmt.Errorf("reading how somebody wants to be reached: %w", err)
	}
	for _, k := range strings.Fields(mail) {
		c.Mail = append(c.Mail, Kind(k))
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if days&(1<<d) != 0 {
			c.QuietDays = append(c.QuietDays, d)
		}
	}
	c.Urgent = urgent != 0
	return c, nil
}

// Choose changes how the actor wants to be reached.
func (s *Service) Choose(ctx context.Context, a actor.Actor, c Choices) error {
	if err := mine(a); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.keepChoices(ctx, tx, a.Workspace, a.Member, c); err != nil {
			return err
		}
		s.record(tx, a, "notification.chosen", a.Member)
		return nil
	})
}

func (s *Service) keepChoices(ctx context.Context, tx *db.Tx, workspace, member id.ID, c Choices) error {
	var mail []string
	for _, k := range c.Mail {
		mail = append(mail, string(k))
	}
	var days, urgent int64
	for _, d := range c.QuietDays {
		days |= 1 << d
	}
	if c.Urgent {
		urgent = 1
	}
	const q = `insert into notify_choice (workspace, member, mail, quiet_from, quiet_to, quiet_days, urgent, zone, digest, changed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (workspace, member) do update set mail = excluded.mail, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
			quiet_days = excluded.quiet_days, urgent = excluded.urgent, zone = excluded.zone, digest = excluded.digest, changed = excluded.changed`
	_, err := tx.Exec(ctx, q, workspace, member, strings.Join(mail, " "), c.QuietFrom, c.QuietTo, days, urgent, c.Zone, string(c.Digest), db.Micros(s.Clock.Now()))
	if err != nil {
		return fmt.Errorf("storing how somebody wants to be reached: %w", err)
	}
	return nil
}

// stopAAD binds the secret in a mail's footer to its purpose.
const stopAAD = "notify.stop"

// stopLink lets whoever reads a member's mail end it, without signing in.
func (s *Service) stopLink(workspace, member id.ID) string {
	sealed := s.Keys.Seal(stopAAD, []byte(workspace.String()+"/"+member.String()))
	return s.Mail.Link(Path + "/stop/" + encoding().EncodeToString(sealed))
}

// stopping reads what a footer's secret stands for.
func (s *Service) stopping(token string) (workspace, member id.ID, err error) {
	over := problem.New(problem.Gone, "notify.stop_over")
	sealed, err := encoding().DecodeString(token)
	if err != nil || len(token) > 500 {
		return 0, 0, over
	}
	plain, err := s.Keys.Open(stopAAD, sealed)
	if err != nil {
		return 0, 0, over.Because(err)
	}
	w, m, _ := strings.Cut(string(plain), "/")
	return parse(w), parse(m), nil
}

// Stop ends all mail of notifications to whoever the secret in its footer is for.
// Stopping twice is stopping once.
func (s *Service) Stop(ctx context.Context, token string) error {
	workspace, member, err := s.stopping(token)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var here int
		if err := tx.Row(ctx, `select count(*) from member where workspace = $1 and id = $2 and departed = 0`, workspace, member).Scan(&here); err != nil {
			return fmt.Errorf("looking for a member: %w", err)
		}
		c, err := s.choices(ctx, tx, workspace, member)
		if err != nil || here == 0 || len(c.Mail) == 0 && c.Digest == NoDigest {
			return err
		}
		c.Mail, c.Digest = nil, NoDigest
		if err := s.keepChoices(ctx, tx, workspace, member, c); err != nil {
			return err
		}
		s.record(tx, actor.Actor{Workspace: workspace, Member: member}, "notification.chosen", member)
		return nil
	})
}
