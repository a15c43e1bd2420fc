package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"

	"parley/internal/db"
	"parley/internal/i18n"
	"parley/internal/problem"
	"parley/internal/secret"
)

// Finding is how something is, in one word.
type Finding string

const (
	Fine  Finding = "ok"
	Look  Finding = "look"  // works; somebody should look at it
	Wrong Finding = "wrong" // does not work, or will not for long
)

// Check is one thing that was looked at.
type Check struct {
	Name  string  `json:"name"`
	Level Finding `json:"level"`
	Says  string  `json:"says"`
	Do    string  `json:"do,omitempty"` // "" where nothing needs to be done
}

// Diagnosis is everything that was looked at, in the order in which it matters.
type Diagnosis struct {
	OK     bool    `json:"ok"` // nothing is wrong
	Checks []Check `json:"checks"`
}

// doctor gathers checks. It changes nothing: it makes no folder, no database, no
// key, takes no lease and migrates nothing, so it can be run beside a server and
// on an installation that does not start.
type doctor struct {
	c      Config
	full   bool
	app    *App
	db     *db.DB
	keys   *secret.Keyring
	bundle *i18n.Bundle
	checks []Check
}

func (d *doctor) fine(name, format string, args ...any) {
	d.checks = append(d.checks, Check{name, Fine, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) look(name, says, do string) {
	d.checks = append(d.checks, Check{name, Look, says, do})
}

func (d *doctor) wrong(name, says, do string) {
	d.checks = append(d.checks, Check{name, Wrong, says, do})
}

// failed is for a check that could not be made.
func (d *doctor) failed(name string, err error) {
	d.wrong(name, "This could not be checked: "+d.explain(err).Error(), "Mend what stands above first, then run parley doctor again.")
}

func (d *doctor) explain(err error) error { return (&App{Bundle: d.bundle}).Explain(err) }

// some is a number of things: "1 job", "2 jobs".
func some[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// words are those of the pages, for what they say too.
func (d *doctor) words() *i18n.Locale { return d.bundle.Locale(i18n.Source, nil) }

// Examine looks at an installation as c describes it. full adds what takes long:
// every page of the database and every event of the log. What is wrong with the
// installation is in the Diagnosis, not an error.
func Examine(ctx context.Context, c Config, full bool) (Diagnosis, error) {
	bundle, err := catalogues()
	if err != nil {
		return Diagnosis{}, err // a defect of this program
	}
	d := &doctor{c: c, full: full, bundle: bundle}
	d.examine(ctx)
	out := Diagnosis{OK: true, Checks: d.checks}
	for _, one := range d.checks {
		out.OK = out.OK && one.Level != Wrong
	}
	return out, nil
}

func (d *doctor) examine(ctx context.Context) {
	d.address()
	if !d.folder() {
		return
	}
	if err := d.c.check(); err != nil {
		d.wrong("settings", err.Error(), "Correct the command and run it again.")
		return
	}
	d.disk()
	d.key()
	if !d.open(ctx) {
		return
	}
	defer d.db.Close()
	if !d.schema(ctx) {
		return
	}
	for _, check := range []struct {
		name string
		fn   func(context.Context) error
	}{
		{"database", d.database}, {"restore", d.restore}, {"clock", d.clock}, {"zones", d.zones}, {"servers", d.servers}, {"leases", d.leases},
		{"jobs", d.jobs}, {"credentials", d.credentials}, {"accounts", d.accounts}, {"sends", d.sends}, {"mail", d.mail}, {"log", d.log},
	} {
		if err := check.fn(ctx); err != nil {
			d.failed(check.name, err)
		}
	}
}

// address looks at --url, without asking anybody outside.
func (d *doctor) address() {
	u := d.c.URL
	if u == nil {
		u = &url.URL{}
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	local := host == "localhost" || (ip != nil && (ip.IsLoopback() || ip.IsPrivate()))
	switch {
	case d.c.badAddress():
		d.wrong("address", fmt.Sprintf("--url %s is not an address that browsers can use.", u), "Give the address members type, such as https://desk.example.org, without a path.")
		d.c.URL = &url.URL{Scheme: "http", Host: "localhost"}
	case u.Scheme == "http" && !local:
		d.look("address", fmt.Sprintf("Members reach Parley at %s, so passwords and messages travel unprotected.", u), "Use --acme, or a proxy with a certificate, and give the https address with --url.")
	case u.Scheme == "https" && local:
		d.look("address", fmt.Sprintf("%s is an address of this machine or house only; networks cannot send members back to it from elsewhere.", u), "If members come from outside, give the public address with --url.")
	default:
		d.fine("address", "Browsers use %s.", u)
	}
}

// open opens the database and wires what the other checks ask.
func (d *doctor) open(ctx context.Context) bool {
	var err error
	if d.db, err = existing(ctx, d.c); err != nil {
		d.wrong("database", "It cannot be opened: "+err.Error()+".", "If this is a new installation, start it once with parley serve. Otherwise look whether --data or --postgres is right.")
		return false
	}
	if d.app, err = tool(d.c, d.db, d.keys); err != nil {
		d.db.Close()
		d.failed("database", err)
		return false
	}
	return true
}

// schema compares the database's version with this program's.
func (d *doctor) schema(ctx context.Context) bool {
	tables, err := d.db.Tables(ctx, d.db.Read())
	if err != nil {
		d.failed("schema", err)
		return false
	}
	applied, known, err := d.db.Version(ctx)
	switch {
	case err != nil:
		d.failed("schema", err)
		return false
	case applied > known:
		d.wrong("schema", fmt.Sprintf("The database is at version %d, and this program knows %d: it was used by a newer Parley.", applied, known), "Use that version or a newer one.")
		return false
	case applied < known:
		d.look("schema", fmt.Sprintf("The database is at version %d of %d.", applied, known), "Take a backup, then run parley migrate, or start the server, which does it by itself.")
		return false
	}
	d.fine("schema", "The database is at version %d of %d, with %d tables.", applied, known, len(tables))
	return true
}

// key looks at the file of the sealing keys.
func (d *doctor) key() {
	keys, err := secret.Load(d.c.KeyFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return // what that means depends on whether anything is sealed
	case err != nil:
		var p *problem.Problem
		if errors.As(err, &p) {
			what, next := d.words().Problem(p)
			d.wrong("key", what, next)
			return
		}
		d.wrong("key", err.Error()+".", "Look whether --key-file is right, and who may read it.")
		return
	}
	d.keys = keys
	if info, err := os.Stat(d.c.KeyFile); err == nil && info.Mode().Perm()&0o040 != 0 {
		d.look("key", fmt.Sprintf("%s can be read by its group.", d.c.KeyFile), "If that is not how your system hands out secrets, run chmod 600 "+d.c.KeyFile)
		return
	}
	d.fine("key", "%s holds %s, and only its owner can read it.", d.c.KeyFile, some(len(keys.IDs()), "key"))
}
