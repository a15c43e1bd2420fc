package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"parley/internal/app"
	"parley/internal/crash"
	"parley/internal/mail"
	"parley/internal/network/sandbox"
	"parley/internal/team"
)

// store are the flags of every command that opens the data.
type store struct {
	Data     string `help:"Folder of the SQLite file and the key file." default:"data" type:"path"`
	Postgres string `help:"PostgreSQL address instead of the SQLite file, such as postgres://parley@db/parley." placeholder:"DSN"`
	KeyFile  string `help:"File of the keys that seal credentials; parley.key in the data folder if not given." type:"path" placeholder:"FILE"`
	Log      string `help:"Least serious log lines: debug, info, warn or error." default:"info" enum:"debug,info,warn,error"`
	LogJSON  bool   `help:"Log lines as JSON." name:"log-json"`
}

func (s store) config(errs io.Writer) app.Config {
	return app.Config{Data: s.Data, Postgres: s.Postgres, KeyFile: s.KeyFile, Logger: logger(errs, s.Log, s.LogJSON),
		URL: &url.URL{Scheme: "http", Host: "localhost"}}
}

func logger(w io.Writer, least string, asJSON bool) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(least)) // the flag allows only what can be read
	o := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// letters are the flags of every command that may send mail.
type letters struct {
	SMTP     string `help:"Mail server for Parley's own letters, such as smtp://user:password@mail.example.org:587, or smtps:// for TLS from the first byte." name:"smtp" placeholder:"URL"`
	MailFrom string `help:"Who the letters are from, such as 'Town Hall <desk@example.org>'." placeholder:"ADDRESS"`
}

func (l letters) server() (mail.Server, error) { return mail.ParseServer(l.SMTP, l.MailFrom) }

type serveCmd struct {
	store
	letters
	Listen         string         `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	URL            string         `help:"Address that browsers use; derived from --listen if not given." placeholder:"URL"`
	TrustedProxies []netip.Prefix `help:"Proxies whose X-Forwarded-For is believed, such as 127.0.0.1/32." placeholder:"PREFIX"`
	MetricsFrom    []netip.Prefix `help:"Who may read /metrics besides this machine, such as 10.1.0.0/16." placeholder:"PREFIX"`
	ACME           bool           `help:"Get and renew a certificate for the host of --url by itself, and listen on ports 80 and 443." name:"acme"`
	ACMEEmail      string         `help:"Where the certificate authority writes about problems." name:"acme-email" placeholder:"EMAIL"`
	ACMEDirectory  string         `help:"Another certificate authority." name:"acme-directory" placeholder:"URL"`
	AllowPrivate   []netip.Prefix `help:"Private networks that connectors may reach, for servers in your own house." placeholder:"PREFIX"`
	Sandbox        string         `help:"Address of a simulated network that 'parley sandbox' serves, to connect practice accounts." placeholder:"URL"`
	PLC            string         `help:"AT Protocol directory instead of the public one." name:"plc" placeholder:"URL"`
	Jetstream      string         `help:"Jetstream instead of the public one; 'none' polls only." placeholder:"URL"`
	OIDC           otherSignIn    `embed:"" prefix:"oidc-"`
}

func (c *serveCmd) Run(ctx context.Context, s *streams) error {
	cfg := c.config(s.errs)
	cfg.MetricsFrom, cfg.Proxies, cfg.Private, cfg.Sandbox, cfg.PLC, cfg.Jetstream, cfg.Background = c.MetricsFrom, c.TrustedProxies, c.AllowPrivate, c.Sandbox, c.PLC, c.Jetstream, true
	points, err := crash.New(os.Getenv("PARLEY_CRASH_AT"))
	if err != nil {
		return err
	}
	if cfg.Mail, err = c.server(); err != nil {
		return err
	}
	cfg.Crash = points
	if cfg.OIDC, err = c.OIDC.read(); err != nil {
		return err
	}
	ln, err := c.listener(&cfg)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg)
	if err != nil {
		ln.Close()
		return err
	}
	defer a.Close()
	link, err := a.SetUpLink(ctx)
	if err != nil {
		return err
	}
	if link != "" {
		fmt.Fprintf(s.out, "\n  Welcome to Parley. Nobody has an account here yet.\n  Open this link once to set it up:\n\n    %s\n\n", link)
	}
	return a.Serve(ctx, ln, app.ACME{On: c.ACME, Email: c.ACMEEmail, Directory: c.ACMEDirectory, Cache: filepath.Join(c.Data, "acme")})
}

// listener opens the port first, so that the address is known, and taken, before
// anything else happens.
func (c *serveCmd) listener(cfg *app.Config) (net.Listener, error) {
	address := c.Listen
	if c.ACME {
		if !strings.HasPrefix(c.URL, "https://") {
			return nil, errors.New("--acme needs --url with the https address of this installation")
		}
		address = ":443"
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w; choose another with --listen", err)
	}
	if c.URL == "" {
		cfg.URL = addressOf(ln)
		return ln, nil
	}
	if cfg.URL, err = url.Parse(strings.TrimSuffix(c.URL, "/")); err != nil {
		ln.Close()
		return nil, fmt.Errorf("reading --url: %w", err)
	}
	return ln, nil
}

// addressOf is what a browser on this machine types.
func addressOf(ln net.Listener) *url.URL {
	a := ln.Addr().(*net.TCPAddr)
	host := "localhost"
	if !a.IP.IsUnspecified() && !a.IP.IsLoopback() {
		host = a.IP.String()
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, fmt.Sprint(a.Port))}
}

type demoCmd struct {
	Listen string `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"ADDR"`
	Seed   uint64 `help:"Another number, another town." default:"1"`
	Log    string `help:"Least serious log lines: debug, info, warn or error." default:"warn" enum:"debug,info,warn,error"`
}

func (c *demoCmd) Run(ctx context.Context, s *streams) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("listening: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "parley-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	a, err := app.Open(ctx, app.Config{Data: dir, Demo: true, Seed: c.Seed, URL: addressOf(ln), Logger: logger(s.errs, c.Log, false),
		Background: true, Cost: team.Cost{Memory: 64, Passes: 1, Threads: 1}})
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.SetUpDemo(ctx); err != nil {
		return err
	}
	go debug.FreeOSMemory() // making the town's past took memory that living in it does not
	fmt.Fprintf(s.out, "\n  The demo is open at %s\n  Everything in it is simulated, and gone when you stop it with Ctrl+C.\n\n", a.Config.URL)
	return a.Serve(ctx, ln, app.ACME{})
}

type sandboxCmd struct {
	Listen      string        `help:"Address of the network's API." default:"127.0.0.1:8090" placeholder:"ADDR"`
	Control     string        `help:"Address of the control API: scripts, faults, clock, ledger; not served if not given." placeholder:"ADDR"`
	Seed        uint64        `help:"Another number, another town." default:"1"`
	Personality string        `help:"How the network behaves; see docs/networks/sandbox.md." default:"key"`
	Population  bool          `help:"Let people live there." default:"true" negatable:""`
	Backlog     time.Duration `help:"How far back their history begins." default:"336h"`
}

func (c *sandboxCmd) Run(ctx context.Context, s *streams) error {
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listening: %w; choose another with --listen", err)
	}
	var control net.Listener
	if c.Control != "" {
		if control, err = net.Listen("tcp", c.Control); err != nil {
			ln.Close()
			return fmt.Errorf("listening for control: %w; choose another with --control", err)
		}
	}
	fmt.Fprintf(s.out, "The simulated network is at %s\n", addressOf(ln))
	return sandbox.Serve(ctx, ln, control, sandbox.Options{Seed: c.Seed, Personality: c.Personality, Population: c.Population, Backlog: c.Backlog})
}
