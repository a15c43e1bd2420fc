// Package secret seals credentials before they are written to the database and
// opens them again.
//
// The keys live in a file of their own beside the database, never in it, so that
// a stolen backup of the database alone opens nothing. Every sealed value names
// the key it was sealed with, which is what makes keys replaceable: Rotate makes
// a new one current, Reseal carries the rows over, Drop forgets the old one.
//
// It does not decide what is a credential, does not hash passwords (team does),
// and does not protect against somebody who can read both the key file and the
// database, or the memory of the running program.
package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"parley/internal/problem"
)

// The layout of a sealed value: one byte of version, 4 of key id, 24 of nonce,
// then the ciphertext with its 16 bytes of tag. XChaCha20-Poly1305, because its
// nonce is long enough to be drawn at random for ever
// (draft-irtf-cfrg-xchacha-03, section 3.1).
const (
	version   = 1
	idSize    = 4
	headSize  = 1 + idSize
	nonceSize = chacha20poly1305.NonceSizeX
	// Overhead is by how many bytes a sealed value is longer than its plain text.
	Overhead = headSize + nonceSize + chacha20poly1305.Overhead
)

var (
	// ErrUnknownKey is returned for a value sealed with a key that the key file
	// does not hold: the file was lost, replaced, or belongs to another
	// installation. Nothing but the right key file helps.
	ErrUnknownKey = errors.New("sealed with a key that is not in the key file: restore the key file")
	// ErrDamaged is returned for a value that is no sealed value, was changed,
	// or was moved to a place it was not sealed for.
	ErrDamaged = errors.New("the sealed value is damaged or belongs somewhere else")
)

// Keyring holds the keys. Safe for concurrent use. It prints, logs and marshals
// as "[secret]".
type Keyring struct {
	path string // "" for a ring that lives in memory only

	mu      sync.RWMutex
	read    fs.FileInfo // of the file as it was read; nil in memory
	current keyID
	keys    map[keyID]cipher.AEAD
	raw     map[keyID]Key // to write the file again
}

// keyID names a key inside sealed values.
type keyID [idSize]byte

func (i keyID) String() string { return hex.EncodeToString(i[:]) }

// InMemory makes a ring with one new key and no file, for tests and for
// databases that end with the process.
func InMemory() *Keyring {
	k := &Keyring{}
	id, key := newID(), NewKey()
	k.set(ring{current: id, keys: map[keyID]Key{id: key}})
	return k
}

// stale reports a key file that was replaced since it was read.
func (k *Keyring) stale() bool {
	if k.path == "" {
		return false
	}
	now, err := os.Stat(k.path)
	k.mu.RLock()
	defer k.mu.RUnlock()
	return err == nil && (!os.SameFile(now, k.read) || !now.ModTime().Equal(k.read.ModTime()))
}

// Seal encrypts plain with the current key. aad binds the result to its place,
// such as "account.secret:" and the row's id: what was sealed for one place does
// not open in another. Nothing of aad is kept in the result.
//
// If another process rotated the key meanwhile, Seal takes over the new one
// first: what is sealed with a key that is about to be dropped would be lost.
func (k *Keyring) Seal(aad string, plain []byte) []byte {
	if k.stale() {
		// A file that cannot be read just now is no reason not to seal.
		_ = k.Reload()
	}
	k.mu.RLock()
	id, aead := k.current, k.keys[k.current]
	k.mu.RUnlock()

	out := make([]byte, headSize+nonceSize, len(plain)+Overhead)
	out[0] = version
	copy(out[1:], id[:])
	nonce := out[headSize:]
	rand.Read(nonce) // never fails (crypto/rand)
	return aead.Seal(out, nonce, plain, bind(out[:headSize], aad))
}

// Open decrypts what Seal made for the same aad. The errors are problems that
// wrap ErrUnknownKey or ErrDamaged.
func (k *Keyring) Open(aad string, sealed []byte) ([]byte, error) {
	id, err := idOf(sealed)
	if err != nil {
		return nil, err
	}
	aead, err := k.key(id)
	if err != nil {
		return nil, err
	}
	head, rest := sealed[:headSize], sealed[headSize:]
	plain, err := aead.Open(nil, rest[:nonceSize], rest[nonceSize:], bind(head, aad))
	if err != nil {
		return nil, damaged(ErrDamaged)
	}
	return plain, nil
}

// NeedsReseal reports a value that is sealed, but not with the current key.
// What is no sealed value at all is false: sealing it again cannot mend it.
func (k *Keyring) NeedsReseal(sealed []byte) bool {
	id, err := idOf(sealed)
	if err != nil {
		return false
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return id != k.current
}

// CurrentID names the key that Seal uses; IDs names all of them. Both are safe
// to show.
func (k *Keyring) CurrentID() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.current.String()
}

// IDs names every key the ring can open with, the current one included.
func (k *Keyring) IDs() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return sortedIDs(k.raw)
}

// key finds a key by its id. One that is not there may have been added by
// another process since the file was read, as "parley secret rotate" does while
// the desk is running, so the file is read once more before giving up.
func (k *Keyring) key(id keyID) (cipher.AEAD, error) {
	if aead := k.lookup(id); aead != nil {
		return aead, nil
	}
	if k.path != "" {
		if err := k.Reload(); err != nil {
			return nil, unknown(id, err)
		}
		if aead := k.lookup(id); aead != nil {
			return aead, nil
		}
	}
	return nil, unknown(id, nil)
}

func (k *Keyring) lookup(id keyID) cipher.AEAD {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[id]
}

// set replaces the whole ring.
func (k *Keyring) set(r ring) {
	aeads := make(map[keyID]cipher.AEAD, len(r.keys))
	for id, key := range r.keys {
		aead, err := chacha20poly1305.NewX(key.bytes()[:])
		if err != nil {
			panic(fmt.Sprintf("secret: using key %s: %v", id, err)) // cannot happen: the type fixes the length
		}
		aeads[id] = aead
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current, k.keys, k.raw, k.read = r.current, aeads, r.keys, r.info
}

// bind is what is authenticated besides the plain text: the head, so that a
// value cannot be passed off as sealed by another version or key, and its place.
func bind(head []byte, aad string) []byte {
	return append(append(make([]byte, 0, len(head)+len(aad)), head...), aad...)
}

// idOf reads the key id of a sealed value.
func idOf(sealed []byte) (keyID, error) {
	if len(sealed) < Overhead {
		return keyID{}, damaged(fmt.Errorf("%w: %d bytes are too few", ErrDamaged, len(sealed)))
	}
	if sealed[0] != version {
		return keyID{}, damaged(fmt.Errorf("%w: version %d is not known", ErrDamaged, sealed[0]))
	}
	return keyID(sealed[1:headSize]), nil
}

func damaged(err error) error {
	return problem.New(problem.Unavailable, "secret.damaged").Because(err)
}

func unknown(id keyID, reload error) error {
	err := fmt.Errorf("%w (key %s)", ErrUnknownKey, id)
	if reload != nil {
		err = fmt.Errorf("%w; reading it again: %w", err, reload)
	}
	return problem.New(problem.Unavailable, "secret.unknown_key", "key", id.String()).Because(err)
}
