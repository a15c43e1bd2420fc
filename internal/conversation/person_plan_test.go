package conversation

import (
	"strings"
	"testing"

	"parley/internal/db"
	"parley/internal/db/dbtest"
)

// What is asked for each conversation that is opened finds its rows by indexes and
// sorts nothing: it costs the same however much there is.
func TestWhatIsKnownOfAPersonIsReadByIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.SQLite {
		return // PostgreSQL chooses by how much there is
	}
	for _, c := range []struct {
		index, query string
		n            int
	}{
		{"person_one (workspace=? AND one=?)", personsOfOne, 2},
		{"identity_person (workspace=? AND person=?)", identitiesOfOne, 3},
		{"message_author (workspace=? AND author=?)", saidBy + ` order by m.id limit 200`, 2},
		{"message_author (workspace=? AND author=?)", saidBy + ` and exists (select 1 from reach r where r.workspace = m.workspace and r.message = m.id
			and r.account in ($3)) order by m.id limit 200`, 3},
		{"conversation_identity (workspace=? AND identity=?)", talksBy + ` order by c.last_at desc, c.id desc limit 100`, 2},
		{"person_mark_open (workspace=? AND person=?)", markedAmong + `in ($2, $3)`, 3},
		{"identity_folded (workspace=? AND folded>? AND folded<?)", foundColumns + `folded >= $2 and folded < $3 order by folded` + foundBy, 3},
		{"identity_called (workspace=? AND called>? AND called<?)", foundColumns + `called >= $2 and called < $3 order by called` + foundBy, 3},
		{"identity_url (workspace=? AND url=?)", foundColumns + `url = $2` + foundBy, 2},
	} {
		plan := explain(t, d, c.query, make([]any, c.n)...)
		// At most fifty rows are sorted once they are found, or those of one instant.
		rest := strings.NewReplacer("SCAN f\n", "", "TEMP B-TREE FOR LAST TERM", "").Replace(plan)
		if strings.Contains(c.query, " f cross join") {
			rest = strings.ReplaceAll(rest, "TEMP B-TREE FOR ORDER BY", "")
		}
		if !strings.Contains(plan, c.index) || strings.Contains(rest, "SCAN") || strings.Contains(rest, "TEMP B-TREE") && !strings.Contains(c.query, "person q") {
			t.Errorf("%s is not used, or more is read or sorted:\n%s", c.index, plan)
		}
	}
}
