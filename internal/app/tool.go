package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"parley/internal/db"
	"parley/internal/id"
	"parley/internal/secret"
)

// existing opens a database that is there already. Opening another would make an
// empty one where somebody only mistyped a folder.
func existing(ctx context.Context, c Config) (*db.DB, error) {
	o := c.database()
	if o.Path != "" {
		if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database at %s; name its folder with --data, or PostgreSQL with --postgres", o.Path)
		}
	}
	d, err := db.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	tables, err := d.Tables(ctx, d.Read())
	if err == nil && len(tables) == 0 {
		err = errors.New("the database is empty: Parley has never been started with it")
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// tool is an App for a command that looks at a database or mends it: wired like
// any other, but it takes no node number, migrates nothing, shows no pages and
// runs no workers. keys may be nil where nothing sealed is opened.
func tool(c Config, d *db.DB, keys *secret.Keyring) (*App, error) {
	// The last node number is taken by a server only after all the others.
	a := &App{Config: c, DB: d, Keys: keys, owner: "tool", IDs: id.NewMaker(c.Clock, id.MaxNode)}
	a.ground()
	if err := a.capabilities(); err != nil {
		return nil, err
	}
	var err error
	a.Bundle, err = catalogues()
	return a, err
}

// servers are how many processes work on a database now.
func servers(ctx context.Context, c Config, q db.Queryer) (int, error) {
	var n int
	if err := q.Row(ctx, `select count(*) from node where lease > $1`, db.Micros(c.Clock.Now())).Scan(&n); err != nil {
		return 0, fmt.Errorf("looking for servers that run: %w", err)
	}
	return n, nil
}
