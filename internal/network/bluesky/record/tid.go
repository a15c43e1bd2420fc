package record

import (
	"fmt"
	"strings"
)

// tidAlphabet is base32-sortable: the order of the texts is the order of the
// numbers (https://atproto.com/specs/tid).
const tidAlphabet = "234567abcdefghijklmnopqrstuvwxyz"

const (
	tidLength = 13
	clockBits = 10 // the low bits tell writers of the same microsecond apart
)

// TID makes the record key of a moment: microseconds since 1970 and a clock id
// below 1024. What does not fit into 53 and 10 bits is cut off.
func TID(micros int64, clockID uint16) string {
	n := uint64(micros)&(1<<53-1)<<clockBits | uint64(clockID)&(1<<clockBits-1)
	return TIDOf(n)
}

// TIDOf writes any 63-bit number as a TID; the top bit is cut off.
func TIDOf(n uint64) string {
	n &= 1<<63 - 1
	var b [tidLength]byte
	for i := tidLength - 1; i >= 0; i-- {
		b[i] = tidAlphabet[n&31]
		n >>= 5
	}
	return string(b[:])
}

// ParseTID reads the microseconds out of a TID. A TID is its author's word: use
// it to order and compare, never as a time to show.
func ParseTID(s string) (micros int64, err error) {
	if !ValidTID(s) {
		return 0, fmt.Errorf("%.40q is no TID", s)
	}
	var n uint64
	for i := range tidLength {
		n = n<<5 | uint64(strings.IndexByte(tidAlphabet, s[i]))
	}
	return int64(n >> clockBits), nil
}

// ValidTID reports the syntax of a TID: 13 characters, top bit 0.
func ValidTID(s string) bool {
	if len(s) != tidLength {
		return false
	}
	for i := range tidLength {
		at := strings.IndexByte(tidAlphabet, s[i])
		if at < 0 || i == 0 && at > 15 {
			return false
		}
	}
	return true
}
