package bluesky

import (
	"encoding/json"

	"parley/internal/network"
)

// cursorVersion is the format of every bookmark of this package. A bookmark of
// another version counts as none: reading starts at now, and the older rest is
// import's.
const cursorVersion = 1

func readCursor(c network.Cursor, into any) (fresh bool) {
	return c.V != cursorVersion || json.Unmarshal(c.Opaque, into) != nil
}

func writeCursor(v any) network.Cursor {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("bluesky: a bookmark that is no JSON: " + err.Error()) // cannot happen: strings and times only
	}
	return network.Cursor{V: cursorVersion, Opaque: raw}
}
