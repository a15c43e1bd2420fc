package archive_test

import (
	"testing"

	"parley/internal/db"
)

// fillTogether is what members write for each other and keep of their work.
func fillTogether(t testing.TB, d *db.DB) {
	put(t, d, "note", values{"workspace": 1, "id": 1, "conversation": 1, "member": 1, "body": odd})
	put(t, d, "note_version", values{"workspace": 1, "id": 1, "note": 1, "body": odd})
	put(t, d, "note_mention", values{"workspace": 1, "note": 1, "member": 2})
	put(t, d, "handover", values{"workspace": 1, "id": 1, "conversation": 1, "to_member": 2, "note": 1})
	put(t, d, "reply_draft", values{"workspace": 1, "conversation": 1, "member": 1, "version": 1, "body": odd})
	put(t, d, "desk_rule", values{"workspace": 1, "claim_minutes": 60})
	put(t, d, "claim_ask", values{"workspace": 1, "id": 1, "conversation": 1, "member": 2, "holder": 1})
}
