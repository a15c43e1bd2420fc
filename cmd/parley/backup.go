package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"parley/internal/app"
	"parley/internal/archive"
)

type backupCmd struct {
	store
	WithKey bool   `help:"Put the sealing keys into the archive. Whoever has it can then act as every connected account."`
	File    string `arg:"" help:"Archive to write, which must not be there yet; - writes it to the standard output." type:"path"`
}

func (c *backupCmd) Run(ctx context.Context, s *streams) error {
	cfg := c.config(s.errs)
	if c.File == "-" {
		if terminal(s.out) {
			return errors.New("an archive is nothing for a terminal: name a file, or send the output to one")
		}
		m, err := app.Backup(ctx, cfg, s.out, c.WithKey)
		if err != nil {
			return err
		}
		return tellArchive(s.errs, m)
	}
	var m archive.Manifest
	err := app.NewFile(c.File, func(w io.Writer) (err error) {
		m, err = app.Backup(ctx, cfg, w, c.WithKey)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is written; only you can read it.\n", c.File)
	return tellArchive(s.out, m)
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// tellArchive says what is inside, and what that means for the sealing keys.
func tellArchive(w io.Writer, m archive.Manifest) error {
	fmt.Fprintf(w, "Made %s by Parley %s from %s, version %d of the database, %d rows:\n",
		m.Made.Format("2006-01-02 15:04:05 MST"), m.Program, m.From, m.Schema, m.Rows())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, table := range m.Tables {
		if table.Rows > 0 {
			fmt.Fprintf(t, "\t%d\t %s\n", table.Rows, table.Name)
		}
	}
	t.Flush()
	if m.Repaired > 0 {
		fmt.Fprintf(w, "%d texts held characters that no archive can hold; those are replaced in it.\n", m.Repaired)
	}
	key := "The sealing keys are NOT inside. Keep a copy of the key file somewhere else: without it every account must be connected again after a restore."
	if m.Key != nil {
		key = "The sealing keys ARE inside. Whoever has this archive can act as every connected account: keep it as safe as the keys."
	}
	_, err := fmt.Fprintln(w, key)
	return err
}

type restoreCmd struct {
	store
	Check bool   `help:"Read and check the whole archive, and restore nothing."`
	Moved bool   `help:"The installation it was made from was stopped before and will not run again: what waited to be sent goes on by itself."`
	File  string `arg:"" help:"Archive that parley backup has written." type:"existingfile"`
}

func (c *restoreCmd) Run(ctx context.Context, s *streams) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	if c.Check {
		return c.check(ctx, s, f, info.Size())
	}
	got, err := app.Restore(ctx, c.config(s.errs), f, info.Size(), app.Restoring{Moved: c.Moved})
	if err != nil {
		return advise(err)
	}
	fmt.Fprintf(s.out, "%s is restored.\n", c.File)
	if err := tellArchive(s.out, got.Manifest); err != nil {
		return err
	}
	tellRestored(s.out, got)
	return nil
}

func (c *restoreCmd) check(ctx context.Context, s *streams, f *os.File, size int64) error {
	a, err := archive.Open(f, size)
	if err == nil {
		err = a.Check(ctx)
	}
	if err != nil {
		return advise(err)
	}
	fmt.Fprintf(s.out, "%s is whole.\n", c.File)
	return tellArchive(s.out, a.Manifest)
}

// tellRestored says what has to be done next.
func tellRestored(w io.Writer, r app.Restored) {
	if !r.KeyThere {
		fmt.Fprintf(w, "Before you start Parley, put the key file at %s.\n", r.KeyFile)
	}
	if r.Stopped > 0 {
		fmt.Fprintf(w, "%d answers waited to be sent when the archive was made. They may have been sent since, so each waits for a member to look and decide.\n", r.Stopped)
	}
	fmt.Fprintln(w, "Whoever was removed, and every token that was revoked, after the archive was made is back: look through them. Then run parley doctor.")
}

// advise adds what to do next.
func advise(err error) error {
	next := ""
	switch {
	case errors.Is(err, archive.ErrNotEmpty):
		next = "Nothing was changed. Restore into an empty one: name a new folder with --data, or a new database with --postgres."
	case errors.Is(err, archive.ErrDamaged):
		next = "Nothing was loaded. Use another backup."
	case errors.Is(err, archive.ErrNewer):
		next = "Nothing was loaded. Use that version of Parley, or a newer one."
	case errors.Is(err, archive.ErrUnfinished):
		next = "Run parley restore with the archive it was begun with, or into an empty database."
	default:
		return err
	}
	return fmt.Errorf("%w. %s", err, next)
}
