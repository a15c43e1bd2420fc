package secret

import (
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/crypto/chacha20poly1305"
)

// Catalogue holds the sentences for people.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// shown is what every key and ring looks like from outside.
const shown = "[secret]"

// Key is 256 bits that seal and open. It prints, logs and marshals as
// "[secret]"; only the key file holds its bytes. The zero Key is no key.
type Key struct {
	// A function, because fmt follows a pointer in an unexported field when the
	// verb does not suit it, and never asks Format there.
	bytes func() *[chacha20poly1305.KeySize]byte
}

func keyOf(b *[chacha20poly1305.KeySize]byte) Key {
	return Key{func() *[chacha20poly1305.KeySize]byte { return b }}
}

// NewKey draws a key.
func NewKey() Key {
	b := new([chacha20poly1305.KeySize]byte)
	rand.Read(b[:]) // never fails (crypto/rand)
	return keyOf(b)
}

// errKeyText says nothing of the text it was given.
var errKeyText = errors.New("not a key: want 32 bytes in base64")

// parseKey reads a key as the key file writes it.
func parseKey(text string) (Key, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != chacha20poly1305.KeySize {
		return Key{}, errKeyText
	}
	return keyOf((*[chacha20poly1305.KeySize]byte)(b)), nil
}

// reveal is the key as the key file writes it: the only way out.
func (k Key) reveal() string { return base64.StdEncoding.EncodeToString(k.bytes()[:]) }

func newID() keyID {
	var id keyID
	rand.Read(id[:])
	return id
}

// Format answers every verb, so that not even %d or %x prints a byte.
func (Key) Format(s fmt.State, _ rune) { io.WriteString(s, shown) }

// String is "[secret]".
func (Key) String() string { return shown }

// GoString is "[secret]".
func (Key) GoString() string { return shown }

// MarshalText is "[secret]", in JSON and everywhere else.
func (Key) MarshalText() ([]byte, error) { return []byte(shown), nil }

// LogValue is "[secret]".
func (Key) LogValue() slog.Value { return slog.StringValue(shown) }

// Format answers every verb.
func (*Keyring) Format(s fmt.State, _ rune) { io.WriteString(s, shown) }

// String is "[secret]".
func (*Keyring) String() string { return shown }

// GoString is "[secret]".
func (*Keyring) GoString() string { return shown }

// MarshalText is "[secret]".
func (*Keyring) MarshalText() ([]byte, error) { return []byte(shown), nil }

// LogValue is "[secret]".
func (*Keyring) LogValue() slog.Value { return slog.StringValue(shown) }
