package main

import (
	"context"
	"fmt"

	"parley/internal/app"
	"parley/internal/event"
)

type migrateCmd struct{ store }

func (c *migrateCmd) Run(ctx context.Context, s *streams) error {
	a, err := app.Open(ctx, c.config(s.errs))
	if err != nil {
		return err
	}
	defer a.Close()
	applied, known, err := a.DB.Version(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "The database is at version %d of %d.\n", applied, known)
	return err
}

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no event was changed or removed."`
}

type auditVerifyCmd struct{ store }

func (c *auditVerifyCmd) Run(ctx context.Context, s *streams) error {
	a, err := app.Open(ctx, c.config(s.errs))
	if err != nil {
		return err
	}
	defer a.Close()
	workspaces, err := a.AllWorkspaces(ctx)
	if err != nil {
		return err
	}
	bad := 0
	for _, w := range workspaces {
		checked, faults, err := event.Verify(ctx, a.DB.Read(), w.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: %d events, %d faults\n", w.Slug, checked, len(faults))
		for _, f := range faults {
			fmt.Fprintf(s.out, "  event %d: %s\n", f.N, f.What)
		}
		bad += len(faults)
	}
	if bad > 0 {
		return errSilent
	}
	return nil
}
