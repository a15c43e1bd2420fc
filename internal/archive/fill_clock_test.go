package archive_test

import (
	"testing"

	"parley/internal/db"
)

func fillClock(t testing.TB, d *db.DB) {
	put(t, d, "promise", values{"workspace": 1, "minutes": 240, "week": odd, "holidays": odd})
	put(t, d, "urgent", values{"workspace": 1, "id": 1, "conversation": 1, "why": "danger"})
	put(t, d, "response", values{"workspace": 1, "id": 1, "conversation": 1, "message": 1, "waited": 1, "answered": 2})
}
