package archive_test

import (
	"testing"

	"parley/internal/db"
)

// fillPeople puts in what members said about whoever writes.
func fillPeople(t testing.TB, d *db.DB) {
	put(t, d, "person", values{"workspace": 1, "id": 2, "one": 1})
	put(t, d, "person_join", values{"workspace": 1, "id": 1, "person": 1, "other": 2})
	put(t, d, "person_mark", values{"workspace": 1, "id": 1, "person": 1, "kind": "press", "reason": odd})
	put(t, d, "person_note", values{"workspace": 1, "id": 1, "person": 1, "body": odd})
}
