package main

import (
	"context"
	"fmt"

	"parley/internal/app"
)

type secretCmd struct {
	Rotate secretRotateCmd `cmd:"" help:"Make a new key, seal everything with it, and forget the old ones."`
	List   secretListCmd   `cmd:"" help:"Names of the keys, never the keys."`
}

type secretRotateCmd struct {
	store
	Keep bool `help:"Keep the old keys: archives made before can then still be restored with this key file."`
}

func (c *secretRotateCmd) Run(ctx context.Context, s *streams) error {
	return withApp(ctx, c.config(s.errs), func(a *app.App) error {
		r, err := a.RotateKeys(ctx, c.Keep)
		if err != nil {
			return a.Explain(err)
		}
		_, err = fmt.Fprintf(s.out, "The current key is %s. %d credentials were sealed anew.\n", a.Keys.CurrentID(), r)
		return err
	})
}

type secretListCmd struct{ store }

func (c *secretListCmd) Run(ctx context.Context, s *streams) error {
	return withApp(ctx, c.config(s.errs), func(a *app.App) error {
		for _, k := range a.Keys.IDs() {
			mark := ""
			if k == a.Keys.CurrentID() {
				mark = "  current"
			}
			fmt.Fprintln(s.out, k+mark)
		}
		return nil
	})
}
