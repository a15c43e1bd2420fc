package app

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Room on the disk that Parley wants. Scrubbing after an erasure writes the
// database once more beside itself.
const (
	roomLeast = 200 << 20
	roomWell  = 1 << 30
)

// folder looks whether the data folder is there, ours and nobody else's.
func (d *doctor) folder() bool {
	path := d.c.Data
	if path == "" {
		return true // PostgreSQL with a key file elsewhere
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		d.wrong("folder", fmt.Sprintf("The data folder %s is not there or cannot be seen.", path), "Name the right one with --data, or start Parley once, which makes it.")
		return false
	case !info.IsDir():
		d.wrong("folder", path+" is a file, not a folder.", "Name the data folder with --data.")
		return false
	}
	if !writable(path) {
		d.wrong("folder", fmt.Sprintf("Nothing can be written into %s by the user who runs this.", path), "Run this as the user Parley runs as; if you do, give that user the folder.")
		return false
	}
	if runtime.GOOS == "windows" { // there the access list decides
		d.fine("folder", "%s is there and writable.", path)
		return true
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		d.wrong("folder", fmt.Sprintf("Others on this machine can write into %s (its mode is %04o).", path, mode), "Run chmod 700 "+path)
		return true
	}
	if open := exposed(path); open != "" {
		d.wrong("folder", fmt.Sprintf("Others on this machine can read %s.", open), "Run chmod 600 "+open)
		return true
	}
	d.fine("folder", "%s is writable, and what is in it private.", path)
	return true
}

func writable(folder string) bool {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return false
	}
	f.Close()
	return os.Remove(f.Name()) == nil
}

// exposed finds a database file that others can read; "" if there is none.
func exposed(folder string) string {
	for _, name := range []string{"parley.db", "parley.db-wal"} {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			return path
		}
	}
	return ""
}

// disk looks how much room is left where the data lies.
func (d *doctor) disk() {
	if d.c.Data == "" {
		return
	}
	free, ok := freeBytes(d.c.Data)
	if !ok {
		return // this system does not say
	}
	size := int64(0)
	if info, err := os.Stat(filepath.Join(d.c.Data, "parley.db")); err == nil {
		size = info.Size()
	}
	says := fmt.Sprintf("%s are free where the data lies; the database has %s.", d.words().Bytes(free), d.words().Bytes(size))
	switch {
	case free < roomLeast:
		d.wrong("disk", says, "Make room now: without it nothing more can be stored.")
	case free < max(roomWell, size):
		d.look("disk", says, "Make room: erasing a person rewrites the database beside itself.")
	default:
		d.fine("disk", "%s", says)
	}
}
