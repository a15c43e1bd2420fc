package team

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// secretBytes of randomness cannot be guessed, so a plain hash of them is as
// good as a slow one, and can be looked up.
const secretBytes = 32

// readable is base 32 in small letters: it survives being read aloud, double
// clicking and mail programs that break lines at signs.
var readable = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret makes a secret to hand out and the hash to keep.
func newSecret(prefix string) (secret string, hash []byte) {
	b := make([]byte, secretBytes)
	rand.Read(b)
	secret = prefix + readable.EncodeToString(b)
	return secret, hashSecret(secret)
}

func hashSecret(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// plausible spares the database what cannot be a secret of ours.
func plausible(secret, prefix string) bool {
	return strings.HasPrefix(secret, prefix) && len(secret) == len(prefix)+readable.EncodedLen(secretBytes)
}

// Prefixes tell at a glance, and to scanners of leaked secrets, what was found.
const (
	tokenPrefix      = "parley_"
	sessionPrefix    = "s"
	setupPrefix      = "f"
	passwordPrefix   = "p"
	invitationPrefix = "i"
	stepPrefix       = "d"
)
