package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"parley/internal/actor"
	"parley/internal/archive"
	"parley/internal/db"
	"parley/internal/event"
)

// Restoring is what there is to say about a restore besides the archive.
type Restoring struct {
	// Moved says that the installation the archive was made from was stopped before
	// that and will not run again: what it had still to send goes on by itself.
	// Otherwise each waits for a member, because it may have been sent since.
	Moved    bool
	Progress func(archive.Table)
}

// Restored is what a restore did.
type Restored struct {
	Manifest archive.Manifest
	Stopped  int    // deliveries that wait for a member now
	KeyFile  string // where the sealing keys belong
	KeyThere bool   // there is a key file now, from the archive or before
}

// leftovers are the tables in which a server that was started once and never set
// up leaves rows. They do not stand in the way of a restore.
var leftovers = []string{"node", "job", "setting", "login_link", "login_step", "login_throttle"}

// Restore loads an archive of size bytes into an empty database, and its keys, if
// they are inside, into the key file, which it never replaces.
func Restore(ctx context.Context, c Config, r io.ReaderAt, size int64, o Restoring) (Restored, error) {
	out := Restored{}
	if err := c.check(); err != nil {
		return out, err
	}
	out.KeyFile = c.KeyFile
	in, err := archive.Open(r, size)
	if err != nil {
		return out, err
	}
	out.Manifest = in.Manifest
	d, err := db.Open(ctx, c.database())
	if err != nil {
		return out, err
	}
	defer d.Close()
	if err := quiet(ctx, c, d); err != nil {
		return out, err
	}
	if err := fitsKey(in, c.KeyFile); err != nil {
		return out, err
	}
	a, err := tool(c, d, nil)
	if err != nil {
		return out, err
	}
	_, err = archive.Read(ctx, r, size, d, archive.ReadOptions{
		Leftovers: leftovers,
		Progress:  o.Progress,
		Key:       func(content []byte) error { return keepKey(c.KeyFile, content) },
		Reindex:   func(ctx context.Context, _ *db.DB) error { return a.Desk.Reindex(ctx) },
		Settle: func(ctx context.Context, tx *db.Tx, m archive.Manifest) error {
			out.Stopped, err = a.settle(ctx, tx, m, o.Moved)
			return err
		},
	})
	if err != nil {
		return out, err
	}
	_, err = os.Stat(c.KeyFile)
	out.KeyThere = err == nil
	return out, nil
}

// quiet refuses a database on which a server works. One without tables has none.
func quiet(ctx context.Context, c Config, d *db.DB) error {
	tables, err := d.Tables(ctx, d.Read())
	if err != nil || len(tables) == 0 {
		return err
	}
	for _, t := range tables {
		if t != "node" {
			continue
		}
		n, err := servers(ctx, c, d.Read())
		if err == nil && n > 0 {
			err = errors.New("a server works on this database; stop it first (one that was killed counts for two minutes more)")
		}
		return err
	}
	return nil
}

// fitsKey refuses an archive whose keys could not be kept, before anything is done.
func fitsKey(in *archive.Archive, path string) error {
	key, err := in.Key()
	if err != nil || key == nil {
		return err
	}
	there, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("reading the key file: %w", err)
	case bytes.Equal(there, key):
		return nil
	}
	return fmt.Errorf("there is another key file at %s already; move it away, or name another place with --key-file", path)
}

// keepKey writes the key file, if it is not there: whole or not at all.
func keepKey(path string, content []byte) error {
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, content) {
		return nil
	}
	return NewFile(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// settle ends what belonged to the processes of the archived installation, and
// records the restore in every workspace's log.
func (a *App) settle(ctx context.Context, tx *db.Tx, m archive.Manifest, moved bool) (stopped int, err error) {
	for _, q := range []string{
		`delete from node`,
		`update job set state = 'waiting', owner = '', lease = 0 where state = 'running'`,
		`update account_feed set owner = '', lease = 0`,
		`update account set refresh_owner = '', refresh_lease = 0`,
	} {
		if _, err := tx.Exec(ctx, q); err != nil {
			return 0, fmt.Errorf("ending leases: %w", err)
		}
	}
	if !moved {
		if err := a.Mail.Restored(ctx, tx, 0); err != nil {
			return 0, err
		}
	}
	workspaces, err := listWorkspaces(ctx, tx)
	if err != nil {
		return 0, err
	}
	for _, w := range workspaces {
		who := actor.System(w.ID, "restore")
		if !moved {
			n, err := a.Deliveries.Restored(ctx, tx, who)
			if err != nil {
				return 0, err
			}
			stopped += n
			if err := a.Mail.Restored(ctx, tx, w.ID); err != nil {
				return 0, err
			}
		}
		if !moved {
			if err := a.Hooks.Restored(ctx, tx, who); err != nil {
				return 0, err
			}
		}
		a.Events.Record(tx, who, event.Entry{Verb: "workspace.restored", Kind: "workspace", Subject: w.ID,
			Details: map[string]string{"made": m.Made.Format("2006-01-02T15:04:05Z"), "program": m.Program}})
	}
	return stopped, nil
}
