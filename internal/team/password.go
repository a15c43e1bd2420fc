package team

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"parley/internal/problem"
)

// Cost is the work one password hash takes (RFC 9106, section 3.1).
type Cost struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultCost is the first choice of OWASP's Password Storage Cheat Sheet for
// argon2id: 19 MiB, 2 passes, 1 lane. RFC 9106, section 4, recommends 64 MiB for
// memory-constrained environments; on a server that must stay under 80 MB beside
// everything else, a few people who sign in at once would not fit. It is what a
// zero Cost in Config means.
func DefaultCost() Cost { return Cost{Memory: 19 * 1024, Passes: 2, Threads: 1} }

const (
	saltBytes = 16 // RFC 9106, section 3.1: 16 bytes are recommended for passwords
	keyBytes  = 32 // RFC 9106, section 4: a 256-bit tag
	// hashers is how many passwords are hashed at once: a flood of sign-ins
	// waits in line instead of taking all the memory.
	hashers = 2

	minPassword = 12   // code points
	maxPassword = 1024 // bytes
)

var errHash = errors.New("not an argon2id hash")

type hasher struct {
	cost Cost
	slot chan struct{}
}

func newHasher(c Cost) *hasher {
	if c == (Cost{}) {
		c = DefaultCost()
	}
	return &hasher{cost: c, slot: make(chan struct{}, hashers)}
}

// hash makes a PHC string of a password. It waits for its turn; the error is
// the context's.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key, err := h.key(ctx, password, salt, h.cost, keyBytes)
	if err != nil {
		return "", err
	}
	return encode(h.cost, salt, key), nil
}

// verify reports whether the password is the one of the PHC string, and whether
// that was made at another cost than today's and should be made anew.
func (h *hasher) verify(ctx context.Context, password, phc string) (ok, stale bool, err error) {
	c, salt, want, err := decode(phc)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, c != h.cost || len(want) != keyBytes, nil
}

// pretend takes as long as verify: an address nobody uses must not be answered
// sooner than one somebody does.
func (h *hasher) pretend(ctx context.Context, password string) error {
	_, err := h.key(ctx, password, make([]byte, saltBytes), h.cost, keyBytes)
	return err
}

func (h *hasher) key(ctx context.Context, password string, salt []byte, c Cost, n uint32) ([]byte, error) {
	select {
	case h.slot <- struct{}{}:
		defer func() { <-h.slot }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	// The same characters typed on another keyboard may be composed otherwise
	// (NIST SP 800-63B, section 5.1.1.2).
	return argon2.IDKey(norm.NFKC.Bytes([]byte(password)), salt, c.Passes, c.Memory, c.Threads, n), nil
}

// encode writes the PHC string format, as the reference implementation does.
func encode(c Cost, salt, key []byte) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		c.Memory, c.Passes, c.Threads, b.EncodeToString(salt), b.EncodeToString(key))
}

func decode(phc string) (c Cost, salt, key []byte, err error) {
	f := strings.Split(phc, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, errHash
	}
	if salt, err = base64.RawStdEncoding.DecodeString(f[4]); err != nil {
		return c, nil, nil, errHash
	}
	if key, err = base64.RawStdEncoding.DecodeString(f[5]); err != nil {
		return c, nil, nil, errHash
	}
	// argon2.IDKey panics below these.
	if c.Passes < 1 || c.Threads < 1 || len(salt) == 0 || len(key) < 4 {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}

// checkPassword refuses what is too easily guessed: too short, or made of what
// everybody can see. It asks for no digits or signs: length is what helps (NIST
// SP 800-63B, section 5.1.1.2).
func checkPassword(password, email, name string) error {
	if !utf8.ValidString(password) || strings.ContainsRune(password, 0) {
		return problem.New(problem.Invalid, "team.password_unreadable").At("password")
	}
	if len(password) > maxPassword {
		return problem.New(problem.Invalid, "team.password_long", "max", maxPassword).At("password")
	}
	if utf8.RuneCountInString(norm.NFKC.String(password)) < minPassword {
		return problem.New(problem.Invalid, "team.password_short", "min", minPassword).At("password")
	}
	if easy(password, email, name) {
		return problem.New(problem.Invalid, "team.password_easy").At("password")
	}
	return nil
}

// easy: fewer than five different characters, a run along the keyboard or the
// alphabet, or little more than the name or address beside it.
func easy(password, email, name string) bool {
	p := strings.ToLower(password)
	seen := map[rune]bool{}
	for _, r := range p {
		seen[r] = true
	}
	if len(seen) < 5 {
		return true
	}
	local, _, _ := strings.Cut(email, "@")
	rest := p
	for _, known := range []string{email, local, name, "password", "passwort", "parley", "qwertyuiop", "qwertzuiop",
		"asdfghjkl", "1234567890", "0123456789", "abcdefghijklmnopqrstuvwxyz"} {
		if len(known) > 2 {
			rest = strings.ReplaceAll(rest, strings.ToLower(known), "")
		}
	}
	return utf8.RuneCountInString(rest) < minPassword/2 && utf8.RuneCountInString(rest) < utf8.RuneCountInString(p)
}
