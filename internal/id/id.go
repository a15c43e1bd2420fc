// Package id makes the identifiers of every row: 64-bit integers that sort by
// the time they were made, with a short text form for addresses and JSON.
//
// Layout, high to low: a sign bit that stays 0, 41 bits of milliseconds since
// Epoch (until 2094), 10 bits of node, 12 bits of counter. Two nodes never make
// the same id because a node's number is leased from the database.
package id

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"parley/internal/clock"
)

// Epoch is millisecond 0.
var Epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	nodeBits    = 10
	counterBits = 12
	// MaxNode is the largest node number.
	MaxNode = 1<<nodeBits - 1
)

// ID names one row. The zero ID names nothing.
type ID int64

// alphabet is Crockford's base 32: no I, L, O or U, so that an id read aloud on
// the phone at night arrives as it was sent. Its order is the order of the ids.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// length of the text form: 13 digits of 5 bits hold 65 bits.
const length = 13

// String is the text form: 13 characters that sort like the numbers.
func (i ID) String() string {
	var b [length]byte
	v := uint64(i)
	for p := length - 1; p >= 0; p-- {
		b[p] = alphabet[v&31]
		v >>= 5
	}
	return string(b[:])
}

// Time is when the id was made, to the millisecond.
func (i ID) Time() time.Time {
	return Epoch.Add(time.Duration(int64(i)>>(nodeBits+counterBits)) * time.Millisecond)
}

// First is the smallest id of a moment: whatever was made at it or later has this
// or a greater one.
func First(t time.Time) ID {
	return ID(max(0, t.Sub(Epoch).Milliseconds()) << (nodeBits + counterBits))
}

// At is an id of a moment in the past, for what is stored late and belongs among
// what was stored then. The low bits tell those of one millisecond apart; nobody
// leases them, so the caller sees to it that the id is free.
func At(t time.Time, low uint32) ID {
	return First(t) | ID(low&(1<<(nodeBits+counterBits)-1))
}

// Value binds the id as the 64-bit integer it is; without it a driver may prefer
// the text form.
func (i ID) Value() (driver.Value, error) { return int64(i), nil }

// ErrSyntax is returned for text that is no id.
var ErrSyntax = errors.New("not an id")

// Parse reads the text form. Lower case is accepted, and O, I and L are read as
// the digits they are mistaken for.
func Parse(s string) (ID, error) {
	if len(s) != length {
		return 0, fmt.Errorf("%w: %d characters, want %d", ErrSyntax, len(s), length)
	}
	var v uint64
	for p := 0; p < length; p++ {
		d := digit(s[p])
		if d < 0 {
			return 0, fmt.Errorf("%w: character %d", ErrSyntax, p+1)
		}
		if p == 0 && d > 7 {
			return 0, fmt.Errorf("%w: too large", ErrSyntax)
		}
		v = v<<5 | uint64(d)
	}
	return ID(v), nil
}

func digit(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		c = '0'
	case 'I', 'L':
		c = '1'
	}
	for i := 0; i < len(alphabet); i++ {
		if alphabet[i] == c {
			return i
		}
	}
	return -1
}

// MarshalText makes ids strings in JSON: JavaScript's numbers lose the last
// bits of a 64-bit integer.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads the text form; the empty string is the zero ID.
func (i *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*i = 0
		return nil
	}
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*i = v
	return nil
}

// A Maker makes ids. Safe for concurrent use; ids from one Maker only grow,
// even when the clock is set back.
type Maker struct {
	clock clock.Clock
	node  int64

	mu   sync.Mutex
	last int64 // milliseconds<<counterBits | counter
}

// NewMaker makes ids for a leased node number in [0, MaxNode].
func NewMaker(c clock.Clock, node int) *Maker {
	if node < 0 || node > MaxNode {
		panic(fmt.Sprintf("id: node %d is outside 0 to %d", node, MaxNode))
	}
	return &Maker{clock: c, node: int64(node)}
}

// New makes the next id. When a millisecond's 4,096 are used up, or the clock
// goes back, it borrows from the next millisecond rather than wait.
func (m *Maker) New() ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.clock.Now().Sub(Epoch).Milliseconds() << counterBits
	if next <= m.last {
		next = m.last + 1
	}
	m.last = next
	ms, counter := next>>counterBits, next&(1<<counterBits-1)
	return ID(ms<<(nodeBits+counterBits) | m.node<<counterBits | counter)
}
