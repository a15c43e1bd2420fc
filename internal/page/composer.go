package page

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
)

// rule is the counting rule as count.js reads it.
func (c ComposerView) rule() string {
	raw, err := json.Marshal(c.Rule)
	if err != nil {
		panic(err) // a struct of numbers and strings always marshals
	}
	return string(raw)
}

func (c ComposerView) encoding() string {
	if c.Media != nil {
		return "multipart/form-data"
	}
	return "application/x-www-form-urlencoded"
}

// seen is the visibility, Public where the network has none.
func (c ComposerView) seen() Visibility {
	if c.Visibility == "" {
		return Public
	}
	return c.Visibility
}

// hidden yields the further fields in a stable order.
func (c ComposerView) hidden() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(c.Hidden)) {
			if !yield(name, c.Hidden[name]) {
				return
			}
		}
	}
}

// describedBy is what is read out about the words: who sees them, what is left.
func (c ComposerView) describedBy() string {
	if c.Rule.Max == 0 {
		return c.ID + "-sees"
	}
	return c.ID + "-sees " + c.ID + "-count " + c.ID + "-left"
}

// renewed reports whether a field follows the conversation while somebody
// writes. key is this answer's for good, and seen is what its writer knew.
func renewed(name string) bool { return name != "key" && name != "seen" }

func (m MediaView) max() string    { return strconv.Itoa(m.Max) }
func (m MediaView) altMax() string { return strconv.Itoa(m.AltMax) }
