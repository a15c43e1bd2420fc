package archive_test

import (
	"testing"

	"parley/internal/db"
)

func fillSorting(t testing.TB, d *db.DB) {
	put(t, d, "label", values{"workspace": 1, "id": 1, "name": odd[:20], "name_folded": odd[:20], "hue": "clay"})
	put(t, d, "labelling", values{"workspace": 1, "id": 1, "conversation": 1, "label": 1, "member": 1})
	put(t, d, "snooze", values{"workspace": 1, "id": 1, "conversation": 1, "member": 1, "until": 1})
	put(t, d, "saved_view", values{"workspace": 1, "id": 1, "name": odd[:20], "name_folded": odd[:20], "query": odd})
}
