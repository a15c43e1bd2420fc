package email

import (
	"encoding/json"
	"time"

	"parley/internal/network"
)

const markVersion = 1

// mark is the content of a cursor: how far a folder was read. UIDs only mean
// something together with the folder's UIDVALIDITY (RFC 3501, section 2.3.1.1).
type mark struct {
	Validity uint32 `json:"validity"`
	Last     uint32 `json:"last"`           // the highest UID that was read
	Came     int64  `json:"came,omitempty"` // unix seconds: when the newest of them came
	Know     string `json:"know,omitempty"` // of its id, to know it again

	// While a folder that was numbered anew is read again: from which day on, and
	// whether anything known was met.
	Since int64 `json:"since,omitempty"`
	Met   bool  `json:"met,omitempty"`

	// Import: mails below this UID are still to come.
	Below uint32 `json:"below,omitempty"`
}

// readMark reports false for what this version cannot read.
func readMark(c network.Cursor) (m mark, ok bool) {
	if c.IsZero() {
		return mark{}, true
	}
	ok = c.V == markVersion && json.Unmarshal(c.Opaque, &m) == nil
	return m, ok
}

func (m mark) cursor() network.Cursor {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // numbers and a string always can
	}
	return network.Cursor{V: markVersion, Opaque: b}
}

// read moves the mark behind a mail.
func (m *mark) read(it item, id string) {
	m.Last = max(m.Last, it.uid)
	if at := it.came.Unix(); !it.came.IsZero() && at >= m.Came {
		m.Came, m.Know = at, short(id)
	}
}

// short is a hash: a bookmark is not searched when somebody is erased, and an id
// may name a person.
func short(id string) string { return markOf([]byte(id)) }

func day(unix int64) time.Time { return time.Unix(unix, 0).UTC() }
