package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/i18n"
)

// servers says who works on this database.
func (d *doctor) servers(ctx context.Context) error {
	n, err := servers(ctx, d.c, d.db.Read())
	if err != nil {
		return err
	}
	if n == 0 {
		d.fine("servers", "No server works on this database now.")
		return nil
	}
	d.fine("servers", "Processes at work on this database now, or within the last two minutes: %d.", n)
	return nil
}

// leaseMost is longer than any lease lasts.
const leaseMost = 10 * time.Minute

// leases finds leases that a clock gone wrong has made too long: nobody takes
// over what stands under them.
func (d *doctor) leases(ctx context.Context) error {
	after := db.Micros(d.c.Clock.Now().Add(leaseMost))
	var held []string
	var until int64
	for _, l := range []struct{ what, query string }{
		{"node numbers", `select count(*), coalesce(max(lease), 0) from node where lease > $1`},
		{"jobs", `select count(*), coalesce(max(lease), 0) from job where state = 'running' and lease > $1`},
		{"feeds", `select count(*), coalesce(max(lease), 0) from account_feed where lease > $1`},
		{"credentials being refreshed", `select count(*), coalesce(max(refresh_lease), 0) from account where refresh_lease > $1`},
	} {
		var n, last int64
		if err := d.db.Read().Row(ctx, l.query, after).Scan(&n, &last); err != nil {
			return err
		}
		if n > 0 {
			held, until = append(held, fmt.Sprintf("%d %s", n, l.what)), max(until, last)
		}
	}
	if len(held) > 0 {
		d.wrong("leases", fmt.Sprintf("Leases of %s last until %s, longer than any does: the clock was wrong when they were taken. Nothing under them goes on before.", strings.Join(held, ", "), db.Time(until).Format(time.RFC3339)),
			"Set the clocks right. If you cannot wait, stop every server, take a backup and restore it into a new database: that ends all leases.")
		return nil
	}
	d.fine("leases", "No lease is left over.")
	return nil
}

const (
	jobsRecent = 24 * time.Hour
	jobsLate   = 15 * time.Minute
)

// jobs finds work that was given up or is not begun.
func (d *doctor) jobs(ctx context.Context) error {
	now := d.c.Clock.Now()
	var recent, older, late int
	err := d.db.Read().Row(ctx, `select count(case when finished >= $1 then 1 end), count(case when finished < $1 then 1 end) from job where state = 'failed'`,
		db.Micros(now.Add(-jobsRecent))).Scan(&recent, &older)
	if err != nil {
		return err
	}
	if err := d.db.Read().Row(ctx, `select count(*) from job where state = 'waiting' and due < $1`, db.Micros(now.Add(-jobsLate))).Scan(&late); err != nil {
		return err
	}
	running, err := servers(ctx, d.c, d.db.Read())
	if err != nil {
		return err
	}
	if recent+older > 0 {
		kinds, err := d.texts(ctx, `select kind || ': ' || error from job where state = 'failed' order by finished desc limit 3`)
		if err != nil {
			return err
		}
		says := fmt.Sprintf("%s given up within a day, %s within a month before. The newest: %s", some(recent, "job"), some(older, "job"), strings.Join(kinds, "; "))
		do := "The log of the server at that time says more. If the reason is gone, nothing needs to be done: what is periodic runs again."
		if recent > 0 {
			d.wrong("jobs", says, do)
		} else {
			d.look("jobs", says, do)
		}
		return nil
	}
	if late > 0 && running > 0 {
		d.wrong("jobs", fmt.Sprintf("%s should have begun a quarter of an hour ago or earlier, though a server runs.", some(late, "job")), "Look into the server's log, and whether it has enough of processor and disk.")
		return nil
	}
	d.fine("jobs", "No job was given up, and none waits for a server that runs.")
	return nil
}

// accounts tells which accounts do not work, or soon will not.
func (d *doctor) accounts(ctx context.Context) error {
	running, err := servers(ctx, d.c, d.db.Read())
	if err != nil {
		return err
	}
	workspaces, err := d.app.workspaces(ctx)
	if err != nil {
		return err
	}
	fine, total := 0, 0
	for _, w := range workspaces {
		hs, err := d.app.Accounts.Health(ctx, actor.System(w, "doctor"))
		if err != nil {
			return err
		}
		for _, h := range hs {
			total++
			if !d.account(h, running > 0) {
				fine++
			}
		}
	}
	if fine == total {
		d.fine("accounts", "Nothing is wrong with %s.", some(total, "account"))
	}
	return nil
}

// account reports whether there is something to say about one.
func (d *doctor) account(h account.Health, running bool) bool {
	level := Fine
	var says, do []string
	for _, s := range h.Signs {
		if s.Code == "not_read" && !running {
			continue // nothing is read while no server runs
		}
		switch s.Level {
		case account.Bad:
			level = Wrong
		case account.Soon:
			if level == Fine {
				level = Look
			}
		default:
			continue
		}
		what, next := d.sign(h, s)
		says, do = append(says, what), append(do, next)
	}
	if level == Fine {
		return false
	}
	name := fmt.Sprintf("@%s (%s): ", h.Account.Remote.Handle, h.Account.Remote.Network)
	d.checks = append(d.checks, Check{"accounts", level, name + strings.Join(says, " "), strings.Join(do, " ")})
	return true
}

// sign says what the page of the account says.
func (d *doctor) sign(h account.Health, s account.Sign) (what, next string) {
	l := d.words()
	when := l.T("account.never")
	if !s.At.IsZero() {
		when = l.Moment(s.At, d.c.Clock.Now())
	}
	feed := "account.feed." + string(s.Feed)
	if !d.bundle.Has(feed) {
		feed = "account.feed.mentions"
	}
	args := []any{"when", when, "feed", i18n.Key(feed), "left", s.Rate.Left, "limit", s.Rate.Limit, "name", h.Account.Name()}
	what = l.T("account.sign."+s.Code, args...)
	if s.Said != "" {
		what += fmt.Sprintf(" The network said: %q.", s.Said)
	}
	return what, l.T("account.sign."+s.Code+".next", args...)
}

// sends counts what a member has to decide about.
func (d *doctor) sends(ctx context.Context) error {
	var unknown, failed int
	err := d.db.Read().Row(ctx, `select count(case when state = 'unknown' then 1 end), count(case when state = 'failed' then 1 end) from delivery
		where state in ('unknown', 'failed')`).Scan(&unknown, &failed)
	if err != nil {
		return err
	}
	switch {
	case unknown > 0:
		d.wrong("sends", fmt.Sprintf("Of %s nobody knows whether it left; of %s it is known that it did not.", some(unknown, "answer"), some(failed, "answer")), "Somebody has to look at the accounts on their networks and say so in the conversation.")
	case failed > 0:
		d.look("sends", fmt.Sprintf("%s did not leave.", some(failed, "answer")), "Whoever wrote them finds them in the conversation, with the reason and what to do.")
	default:
		d.fine("sends", "Every answer left or is on its way.")
	}
	return nil
}
