package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"parley/internal/clock"
	"parley/internal/crash"
	"parley/internal/db"
	"parley/internal/mail"
	"parley/internal/secret"
	"parley/internal/team"
)

// Config is everything that can be set from outside. docs/operations.md lists
// it; a test compares the two.
type Config struct {
	Data        string // folder of the SQLite file and the key file
	Postgres    string // DSN; then Data holds only the key file
	Schema      string // PostgreSQL schema; "" keeps the server's search path
	KeyFile     string // "" is parley.key in Data
	URL         *url.URL
	Proxies     []netip.Prefix // who may say whose request it is
	Private     []netip.Prefix // private networks that connectors may reach
	MetricsFrom []netip.Prefix // besides this machine
	AnyPort     bool           // connectors may reach odd ports
	Demo        bool           // simulated network, members without passwords
	Seed        uint64         // of the demo
	Clock       clock.Clock
	Logger      *slog.Logger
	Crash       *crash.Points
	Cost        team.Cost // of password hashes; zero is the default
	OIDC        OIDC      // another organisation's sign-in; the zero value is none
	Sandbox     string    // address of a simulated network in another process; "" is none
	PLC         string    // AT Protocol directory; "" is the public one
	Jetstream   string    // "" is the public one, "none" is none
	Background  bool      // run the workers
	Mail        mail.Server
	MailAddress string // as typed, for the doctor alone
	MailFrom    string // likewise
}

// check fills in what was left out and refuses what cannot work.
func (c *Config) check() error {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Data == "" && (c.Postgres == "" || c.KeyFile == "") {
		return errors.New("say where the data is: --data with a folder, or --postgres with an address and --key-file with a file")
	}
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return fmt.Errorf("making the data folder: %w", err)
		}
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "parley.key")
	}
	if c.badAddress() {
		return errors.New("--url must be the address browsers use, such as https://desk.example.org, without a path")
	}
	return nil
}

func (c *Config) badAddress() bool {
	return c.URL == nil || (c.URL.Scheme != "http" && c.URL.Scheme != "https") || c.URL.Host == "" || strings.Trim(c.URL.Path, "/") != ""
}

func (c *Config) database() db.Options {
	if c.Postgres != "" {
		return db.Options{DSN: c.Postgres, Schema: c.Schema}
	}
	return db.Options{Path: filepath.Join(c.Data, "parley.db")}
}

// keys opens the key file. It is made only while nothing is sealed yet: a new
// key beside old credentials would lock them away for good.
func (a *App) keys(ctx context.Context) (*secret.Keyring, error) {
	var one int
	err := a.DB.Read().Row(ctx, `select 1 where exists (select 1 from account) or exists (select 1 from letter where sent = 0 and failed = 0)`).Scan(&one)
	if err != nil && !db.NoRows(err) {
		return nil, fmt.Errorf("looking whether anything is sealed: %w", err)
	}
	open := secret.Load
	if db.NoRows(err) {
		open = secret.LoadOrCreate
	}
	keys, err := open(a.Config.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("opening the key file %s: %w", a.Config.KeyFile, err)
	}
	return keys, nil
}
