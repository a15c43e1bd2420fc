package app

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"parley/internal/clock"
	"parley/internal/db"
	"parley/internal/i18n"
	"parley/internal/id"
	"parley/internal/mail"
)

// TestMail sends a test to an address, now. It needs no data.
func TestMail(ctx context.Context, base *url.URL, server mail.Server, to string) error {
	bundle, err := catalogues()
	if err != nil {
		return err
	}
	now := clock.System{}
	return mail.New(mail.Options{Clock: now, IDs: id.NewMaker(now, id.MaxNode), URL: base, Server: server,
		Words: func(locale string, zone *time.Location) *i18n.Locale { return bundle.Locale(locale, zone) }}).Test(ctx, to)
}

const mailRecent = 7 * 24 * time.Hour

// mail looks whether letters can be sent, and were. It asks no mail server.
func (d *doctor) mail(ctx context.Context) error {
	server, err := mail.ParseServer(d.c.MailAddress, d.c.MailFrom)
	if err != nil {
		d.wrong("mail", err.Error()+".", "Correct it here and where the server is started.")
		return nil
	}
	var waiting, failed int
	var said string
	q := d.db.Read()
	if err := q.Row(ctx, `select count(*) from letter where sent = 0 and failed = 0`).Scan(&waiting); err != nil {
		return err
	}
	since := db.Micros(d.c.Clock.Now().Add(-mailRecent))
	if err := q.Row(ctx, `select count(*) from letter where failed > 0 and said <> '' and made >= $1`, since).Scan(&failed); err != nil {
		return err
	}
	err = q.Row(ctx, `select said from letter where said <> '' and sent = 0 and made >= $1 order by made desc limit 1`, since).Scan(&said)
	if err != nil && !db.NoRows(err) {
		return err
	}
	if said != "" {
		said = fmt.Sprintf(" The newest was answered with: %q.", said)
	}
	d.tellMail(server, waiting, failed, said)
	return nil
}

func (d *doctor) tellMail(server mail.Server, waiting, failed int, said string) {
	switch {
	case server.Host == "" && waiting > 0:
		d.look("mail", fmt.Sprintf("Letters that wait to be sent: %d, and this command knows no mail server.", waiting), "Give the doctor the same --smtp and --mail-from as the server.")
	case failed > 0:
		d.look("mail", fmt.Sprintf("Letters given up within a week: %d.%s", failed, said), "If the answer is about one address, that address is wrong. Otherwise try parley mail test --to with an address of yours.")
	case server.Host == "":
		d.fine("mail", "No mail server is set: links are shown to be copied, and nobody is told anything by mail.")
	case waiting > 0:
		d.fine("mail", "Letters go out by %s. On their way: %d.%s", server, waiting, said)
	default:
		d.fine("mail", "Letters go out by %s from %s.", server, server.From.Address)
	}
}
