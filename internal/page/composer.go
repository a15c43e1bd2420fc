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

func (m MediaView) max() string    { return strconv.Itoa(m.Max) }
func (m MediaView) altMax() string { return strconv.Itoa(m.AltMax) }
