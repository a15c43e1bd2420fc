package secret

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"parley/internal/problem"
)

// ring is the content of a key file.
type ring struct {
	current keyID
	keys    map[keyID]Key
	info    fs.FileInfo // of the file it came from; nil in memory
}

// file is how a ring is written: {"current":"9f0c11d2","keys":{"9f0c11d2":"…"}}
// with ids in hexadecimal and keys in base64.
type file struct {
	Current string            `json:"current"`
	Keys    map[string]string `json:"keys"`
}

// Load reads the key file. It refuses one that others on the machine can read
// or change. A missing file is an error that wraps fs.ErrNotExist: whoever has a
// database with sealed values must not go on with a new key.
func Load(path string) (*Keyring, error) {
	r, err := readFile(path)
	if err != nil {
		return nil, err
	}
	k := &Keyring{path: path}
	k.set(r)
	return k, nil
}

// LoadOrCreate is Load, but makes the file with one new key if there is none:
// for the first start of an installation.
func LoadOrCreate(path string) (*Keyring, error) {
	k, err := Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	id := newID()
	fresh := ring{current: id, keys: map[keyID]Key{id: NewKey()}}
	if err := createFile(path, fresh); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// Read back rather than kept: when two start at once, the file says who won.
	return Load(path)
}

// Reload reads the key file again, after another process changed it. A ring
// without a file stays as it is.
func (k *Keyring) Reload() error {
	if k.path == "" {
		return nil
	}
	r, err := readFile(k.path)
	if err != nil {
		return err
	}
	k.set(r)
	return nil
}

// Rotate adds a key and makes it current. The older ones stay, to open what
// they sealed; Reseal carries it over. The new key is on the disk before
// anything can be sealed with it. Returns the new key's id.
func (k *Keyring) Rotate(key Key) (id string, err error) {
	if key.bytes == nil {
		return "", errors.New("rotating: the zero Key is no key")
	}
	next := newID()
	err = k.change(func(r *ring) error {
		for r.keys[next].bytes != nil {
			next = newID()
		}
		r.keys[next] = key
		r.current = next
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("rotating the key: %w", err)
	}
	return next.String(), nil
}

// Drop forgets a key for good. What is still sealed with it is lost, so run
// Reseal first. The current key cannot be dropped.
func (k *Keyring) Drop(id string) error {
	err := k.change(func(r *ring) error {
		key, err := parseID(id)
		switch {
		case err != nil:
			return err
		case key == r.current:
			return fmt.Errorf("key %s is the current one", id)
		case r.keys[key].bytes == nil:
			return fmt.Errorf("there is no key %s", id)
		}
		delete(r.keys, key)
		return nil
	})
	if err != nil {
		return fmt.Errorf("dropping a key: %w", err)
	}
	return nil
}

// change reads the file, changes the ring, writes it, and only then uses it.
func (k *Keyring) change(edit func(*ring) error) error {
	r, err := k.snapshot()
	if err != nil {
		return err
	}
	if err := edit(&r); err != nil {
		return err
	}
	if k.path == "" {
		k.set(r)
		return nil
	}
	if err := replaceFile(k.path, r); err != nil {
		return err
	}
	return k.Reload()
}

// snapshot is the ring as the file has it now, or as the memory has it.
func (k *Keyring) snapshot() (ring, error) {
	if k.path != "" {
		return readFile(k.path)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	r := ring{current: k.current, keys: make(map[keyID]Key, len(k.raw))}
	for id, key := range k.raw {
		r.keys[id] = key
	}
	return r, nil
}

func readFile(path string) (ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return ring{}, fmt.Errorf("reading the key file: %w", err)
	}
	defer f.Close()
	// The mode of what was opened, not of what the name means a moment later.
	info, err := f.Stat()
	if err != nil {
		return ring{}, fmt.Errorf("reading the key file: %w", err)
	}
	if err := private(path, info.Mode()); err != nil {
		return ring{}, err
	}
	var in file
	if err := json.NewDecoder(f).Decode(&in); err != nil {
		// json's error quotes the text around the fault, which may be a key.
		return ring{}, unreadable(path, errors.New("it is not the JSON that was written"))
	}
	r, err := in.ring()
	if err != nil {
		return ring{}, unreadable(path, err)
	}
	r.info = info
	return r, nil
}

// private refuses a file that everybody may read, or that others than its owner
// may change. A group may read it: that is how orchestrators hand out secrets.
// Windows has no such bits; there the folder's access list protects it.
func private(path string, mode fs.FileMode) error {
	if runtime.GOOS == "windows" || mode.Perm()&0o027 == 0 {
		return nil
	}
	p := problem.New(problem.Unavailable, "secret.exposed", "path", path, "mode", fmt.Sprintf("%04o", mode.Perm()))
	return p.Because(fmt.Errorf("the key file %s is open to others on this machine (mode %04o): run chmod 600 %s",
		path, mode.Perm(), path))
}

func unreadable(path string, err error) error {
	return problem.New(problem.Unavailable, "secret.key_file", "path", path).
		Because(fmt.Errorf("reading the key file %s: %w", path, err))
}

func (in file) ring() (ring, error) {
	r := ring{keys: make(map[keyID]Key, len(in.Keys))}
	for text, value := range in.Keys {
		id, err := parseID(text)
		if err != nil {
			return ring{}, err
		}
		key, err := parseKey(value)
		if err != nil {
			return ring{}, fmt.Errorf("key %s: %w", id, err)
		}
		r.keys[id] = key
	}
	var err error
	if r.current, err = parseID(in.Current); err != nil {
		return ring{}, err
	}
	if r.keys[r.current].bytes == nil {
		return ring{}, fmt.Errorf("the current key %s is missing", r.current)
	}
	return r, nil
}

func parseID(text string) (keyID, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != idSize {
		return keyID{}, errors.New("a key id is 8 hexadecimal digits")
	}
	return keyID(b), nil
}

func (r ring) encode() ([]byte, error) {
	out := file{Current: r.current.String(), Keys: make(map[string]string, len(r.keys))}
	for id, key := range r.keys {
		out.Keys[id.String()] = key.reveal()
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the key file: %w", err)
	}
	return append(b, '\n'), nil
}

// createFile writes a key file where there is none, readable by its owner only.
// The name appears with the whole content or not at all.
func createFile(path string, r ring) error {
	tmp, err := writeBeside(path, r)
	if err != nil {
		return err
	}
	defer os.Remove(tmp)
	// A link, unlike a rename, never replaces a file that came first. Some
	// filesystems have none; there the moment between is accepted.
	err = os.Link(tmp, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("creating the key file: %w", err)
	}
	return syncFolder(path)
}

// replaceFile writes a key file over the old one: after a power cut there is
// the old one or the new one.
func replaceFile(path string, r ring) error {
	tmp, err := writeBeside(path, r)
	if err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("replacing the key file: %w", err)
	}
	return syncFolder(path)
}

// writeBeside writes and syncs a temporary file in path's folder. CreateTemp
// makes it with mode 0600.
func writeBeside(path string, r ring) (name string, err error) {
	b, err := r.encode()
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*")
	if err != nil {
		return "", fmt.Errorf("writing the key file: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, werr := f.Write(b)
	serr := f.Sync()
	if err := errors.Join(werr, serr, f.Close()); err != nil {
		return "", fmt.Errorf("writing the key file: %w", err)
	}
	return f.Name(), nil
}

// syncFolder makes a new name survive a power cut. Where folders cannot be
// synced there is nothing more to be done.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("writing the key file: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && runtime.GOOS != "windows" {
		return fmt.Errorf("writing the key file: %w", err)
	}
	return nil
}

func sortedIDs(keys map[keyID]Key) []string {
	out := make([]string, 0, len(keys))
	for id := range keys {
		out = append(out, id.String())
	}
	slices.Sort(out)
	return out
}
