// Command parley is the whole program: see "parley --help" and docs/operations.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"parley/internal/app"
)

// cli is every command. Each flag can also be given in the environment as
// PARLEY_ and its name; docs/operations.md lists them all and a test compares.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve an installation."`
	Demo    demoCmd    `cmd:"" help:"Open a desk on a simulated network: nothing leaves this machine."`
	Sandbox sandboxCmd `cmd:"" help:"Serve the simulated network alone, as a process of its own."`
	Migrate migrateCmd `cmd:"" help:"Bring the database up to date and stop."`
	Backup  backupCmd  `cmd:"" help:"Write everything into one archive, beside a running server."`
	Restore restoreCmd `cmd:"" help:"Load an archive into an empty database: SQLite or PostgreSQL, whichever it came from."`
	Doctor  doctorCmd  `cmd:"" help:"Look whether anything is wrong, and say what to do."`
	User    userCmd    `cmd:"" help:"People who can sign in."`
	Mail    mailCmd    `cmd:"" help:"Parley's own mail."`
	Secret  secretCmd  `cmd:"" help:"The keys that seal credentials."`
	Audit   auditCmd   `cmd:"" help:"The log of everything that was done."`
	Call    callCmd    `cmd:"" help:"Ask a running installation by its API: everything the pages can do."`
	Bench   benchCmd   `cmd:"" help:"Measure this program on this machine."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal asks to stop, the second is not caught
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process, so that tests can call it.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var c cli
	code := -1
	parser, err := kong.New(&c, kong.Name("parley"), kong.Description("The desk where an organisation listens, answers and learns together."),
		kong.DefaultEnvars("PARLEY"), kong.UsageOnError(), kong.Writers(out, errs), kong.Exit(func(n int) { code = n }),
		kong.Vars{"version": app.Version()})
	if err != nil {
		fmt.Fprintln(errs, "parley:", err)
		return 2
	}
	k, err := parser.Parse(args)
	if code >= 0 { // --help has been printed
		return code
	}
	if err != nil {
		fmt.Fprintln(errs, "parley:", err)
		return 2
	}
	k.BindTo(ctx, (*context.Context)(nil))
	if err := k.Run(&streams{out, errs}); err != nil {
		if !errors.Is(err, errSilent) {
			fmt.Fprintln(errs, "parley:", err)
		}
		return 1
	}
	return 0
}

// streams are where a command writes: what was asked for to out, the rest to errs.
type streams struct{ out, errs io.Writer }

// errSilent ends a command as failed that has said why already.
var errSilent = errors.New("")

type versionCmd struct{}

func (versionCmd) Run(s *streams) error {
	_, err := fmt.Fprintln(s.out, "parley", app.Version())
	return err
}
