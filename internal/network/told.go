package network

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// Told remembers in a bookmark which gaps were told. What cannot be read is met
// again by every poll that overlaps with the last one; a member who has looked
// at it must not be sent there again. It keeps hashes only: an id may name a
// person, and bookmarks are not searched when somebody is erased.
type Told []string

// toldMost bounds a bookmark; an overlap holds far fewer.
const toldMost = 100

// First reports that the gap at id was not told yet, and notes that it is now.
func (t *Told) First(id string) bool {
	h := sha256.Sum256([]byte(id))
	short := base64.RawURLEncoding.EncodeToString(h[:9])
	if slices.Contains(*t, short) {
		return false
	}
	// A copy, because a page that is not stored leaves the old bookmark in use.
	*t = append(slices.Clone((*t)[max(0, len(*t)-toldMost+1):]), short)
	return true
}
