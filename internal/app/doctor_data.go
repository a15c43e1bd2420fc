package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parley/internal/archive"
	"parley/internal/db"
	"parley/internal/event"
)

// database lets the database examine itself.
func (d *doctor) database(ctx context.Context) error {
	if d.db.Dialect() == db.Postgres {
		return d.postgres(ctx)
	}
	pragma, name := `pragma quick_check(5)`, "The quick check"
	if d.full {
		pragma, name = `pragma integrity_check(5)`, "The full check"
	}
	faults, err := d.texts(ctx, pragma)
	if err != nil {
		return err
	}
	if d.full {
		// table, row, referred table, number of the key
		lost, err := d.texts(ctx, `select 'a row of ' || "table" || ' refers to a row of ' || parent || ' that is not there' from pragma_foreign_key_check limit 5`)
		if err != nil {
			return err
		}
		faults = append(faults, lost...)
	}
	if len(faults) > 0 && faults[0] != "ok" || len(faults) > 1 {
		d.wrong("database", "SQLite finds its file damaged: "+strings.Join(faults, "; ")+".",
			"Stop Parley, keep a copy of the file, and restore the newest backup. Then find out what is wrong with the disk or its memory.")
		return nil
	}
	d.fine("database", "%s of the SQLite file found nothing.", name)
	return nil
}

// postgres looks at the server behind --postgres.
func (d *doctor) postgres(ctx context.Context) error {
	var version int
	var encoding, short, replica string
	err := d.db.Read().Row(ctx, `select cast(current_setting('server_version_num') as integer), current_setting('server_version'),
		current_setting('server_encoding'), cast(pg_is_in_recovery() as text)`).Scan(&version, &short, &encoding, &replica)
	if err != nil {
		return err
	}
	const oldest = 14
	switch {
	case encoding != "UTF8":
		d.wrong("database", fmt.Sprintf("PostgreSQL keeps this database in %s, which cannot hold every language.", encoding),
			"Make a database with encoding UTF8 and move into it: parley backup, then parley restore.")
	case replica == "true":
		d.wrong("database", "This PostgreSQL is a replica and cannot be written to.", "Name the primary with --postgres.")
	case version/10000 < oldest:
		d.look("database", fmt.Sprintf("This is PostgreSQL %s; Parley is tried with %d and newer.", short, oldest), "Update PostgreSQL.")
	default:
		d.fine("database", "PostgreSQL %s, %s.", short, encoding)
	}
	return nil
}

func (d *doctor) restore(ctx context.Context) error {
	err := archive.Finished(ctx, d.db.Read())
	if errors.Is(err, archive.ErrUnfinished) {
		d.wrong("restore", "A restore into this database did not come to its end, so search and credentials may be missing.", "Run parley restore again with the same archive; it goes on where it stopped.")
		return nil
	}
	return err
}

// aheadMost is how far the clock may be behind what was recorded, or the
// database's. Deliveries count on less than 30 seconds between machines.
const aheadMost = 20 * time.Second

// clock compares the clock with the newest events, and with PostgreSQL's.
func (d *doctor) clock(ctx context.Context) error {
	now := d.c.Clock.Now()
	var newest time.Time
	err := d.db.Read().Row(ctx, `select coalesce(max(e.at), 0) from event_head h join event e on e.workspace = h.workspace and e.n = h.n`).Scan(db.ScanTime(&newest))
	if err != nil {
		return err
	}
	if newest.After(now.Add(aheadMost)) {
		d.wrong("clock", fmt.Sprintf("This machine's clock says %s, but something was recorded at %s already.", now.Format(time.RFC3339), newest.Format(time.RFC3339)),
			"Set the clock right, on this machine or on the one that was ahead, and let it be kept by NTP.")
		return nil
	}
	if d.db.Dialect() == db.Postgres {
		var theirs time.Time
		if err := d.db.Read().Row(ctx, `select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)`).Scan(db.ScanTime(&theirs)); err != nil {
			return err
		}
		if apart := theirs.Sub(now).Abs(); apart > aheadMost {
			d.wrong("clock", fmt.Sprintf("The clocks of this machine and of PostgreSQL are %s apart.", apart.Round(time.Second)), "Let both be kept by NTP.")
			return nil
		}
	}
	d.fine("clock", "The clock says %s and agrees with what was recorded.", now.Format(time.RFC3339))
	return nil
}

func (d *doctor) zones(ctx context.Context) error {
	bad, err := d.texts(ctx, `select zone || ' of ' || slug from workspace where closed = 0 order by slug`)
	if err != nil {
		return err
	}
	n := len(bad)
	var unknown []string
	for _, one := range bad {
		zone, _, _ := strings.Cut(one, " of ")
		if _, err := time.LoadLocation(zone); err != nil {
			unknown = append(unknown, one)
		}
	}
	if len(unknown) > 0 {
		d.wrong("zones", "Time zones that are not known: "+strings.Join(unknown, ", ")+".", "Choose another in the settings of the workspace; times are shown in UTC until then.")
		return nil
	}
	d.fine("zones", "The time zones of %s are known.", some(n, "workspace"))
	return nil
}

// credentials opens everything that is sealed.
func (d *doctor) credentials(ctx context.Context) error {
	if d.keys == nil {
		var n int
		err := d.db.Read().Row(ctx, `select count(*) from account where length(secret) > 0`).Scan(&n)
		switch {
		case err != nil:
			return err
		case n > 0:
			d.wrong("credentials", fmt.Sprintf("The credentials of %s are sealed, and there is no key file at %s that could open them.", some(n, "account"), d.c.KeyFile),
				"Put the key file back there, or name its place with --key-file. If it is gone for good, each account has to be connected again.")
		default:
			d.fine("credentials", "Nothing is sealed yet; the key file is made when Parley starts.")
		}
		return nil
	}
	got, err := d.keys.Check(ctx, d.db.Read(), sealed())
	if err != nil {
		return err
	}
	switch {
	case len(got.Broken) > 0:
		d.wrong("credentials", fmt.Sprintf("%d of %d sealed credentials cannot be opened. The first: %s", len(got.Broken), got.Rows, d.explain(got.Broken[0])),
			"If the key file is not the one that belongs to this database, put that one back. Otherwise connect the accounts again.")
	case got.Older > 0:
		d.look("credentials", fmt.Sprintf("%d of %d credentials are sealed with an older key.", got.Older, got.Rows), "Run parley secret rotate again: it was interrupted.")
	default:
		d.fine("credentials", "What is sealed opens: %s.", some(got.Rows, "credential"))
	}
	return nil
}

// log reads every event and compares it with its seal.
func (d *doctor) log(ctx context.Context) error {
	if !d.full {
		return nil
	}
	workspaces, err := listWorkspaces(ctx, d.db.Read())
	if err != nil {
		return err
	}
	checked, bad := int64(0), []string(nil)
	for _, w := range workspaces {
		n, faults, err := event.Verify(ctx, d.db.Read(), w.ID)
		if err != nil {
			return err
		}
		checked += n
		for _, f := range faults {
			bad = append(bad, fmt.Sprintf("%s, event %d: %s", w.Slug, f.N, f.What))
		}
	}
	if len(bad) > 0 {
		d.wrong("log", fmt.Sprintf("The log does not agree with itself in %s. The first: %s.", some(len(bad), "place"), bad[0]),
			"Somebody changed the database by hand, or it was damaged. parley audit verify lists every place; compare with a backup.")
		return nil
	}
	d.fine("log", "It is as it was recorded: %s.", some(checked, "event"))
	return nil
}

// texts reads a column of texts.
func (d *doctor) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := d.db.Read().Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
