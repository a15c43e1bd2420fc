package app

import (
	"context"
	"fmt"
	"io"
	"os"

	"parley/internal/archive"
	"parley/internal/secret"
)

// Backup writes everything to w while servers go on working, with the sealing
// keys or without. The database is neither migrated nor changed.
func Backup(ctx context.Context, c Config, w io.Writer, withKey bool) (archive.Manifest, error) {
	if err := c.check(); err != nil {
		return archive.Manifest{}, err
	}
	d, err := existing(ctx, c)
	if err != nil {
		return archive.Manifest{}, err
	}
	defer d.Close()
	o := archive.Options{Program: Version(), Now: c.Clock.Now()}
	if withKey {
		if o.Key, err = keyFile(c.KeyFile); err != nil {
			return archive.Manifest{}, err
		}
	}
	return archive.Write(ctx, d, w, o)
}

// keyFile is the content of a key file that can be used.
func keyFile(path string) ([]byte, error) {
	if _, err := secret.Load(path); err != nil {
		return nil, fmt.Errorf("reading the sealing keys: %w", err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the sealing keys: %w", err)
	}
	return b, nil
}
