package conversation

import (
	"context"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
)

// Every box is the head of an index: its cost follows the page, not the desk.
// What sorts the rows of the same instant is bounded by how many those are.
func TestEveryBoxIsTheHeadOfAnIndex(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.SQLite {
		return // PostgreSQL chooses by how much there is
	}
	a := actor.Actor{Workspace: 1, Member: 2, Grants: []actor.Grant{{Right: actor.ReadConversations, Scope: actor.Scope{Kind: "account", ID: 3}}}}
	for box, index := range map[Box]string{Waiting: "conversation_waiting", Mine: "", All: "conversation_list",
		Closed: "conversation_list", Reading: "conversation_reading"} {
		args := []any{a.Workspace}
		where, order := Filter{Box: box, After: Place{At: time.UnixMicro(5), ID: 5}}.conditions(a, &args)
		for what, q := range map[string]string{"list": listQuery(where, order.String(), len(args)+1), "count": countQuery(where)} {
			plan := explain(t, d, q, append(args, 40)...)
			if box == Mine {
				index = "sqlite_autoindex_conversation_1"
			}
			if !strings.Contains(plan, "SEARCH c USING INDEX "+index) && !strings.Contains(plan, "SEARCH c USING COVERING INDEX "+index) {
				t.Errorf("the %s of %s does not begin with %s:\n%s", what, box, index, plan)
			}
			if box == Mine { // few, found by their indexes and sorted
				for _, part := range []string{"conversation_mine", "handover_member", "handover_team"} {
					if !strings.Contains(plan, "INDEX "+part) {
						t.Errorf("the %s of %s does not use %s:\n%s", what, box, part, plan)
					}
				}
				plan = strings.ReplaceAll(plan, "USE TEMP B-TREE FOR ORDER BY\n", "")
			}
			rest := strings.NewReplacer("SCAN x\n", "", "TEMP B-TREE FOR LAST TERM", "").Replace(plan) // x: at most a hundred rows
			if strings.Contains(rest, "SCAN") || strings.Contains(rest, "TEMP B-TREE") {
				t.Errorf("the %s of %s reads or sorts more than it shows:\n%s", what, box, plan)
			}
		}
	}
}

func explain(t *testing.T, d *db.DB, q string, args ...any) string {
	t.Helper()
	rows, err := d.Read().Query(context.Background(), "explain query plan "+q, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	return plan.String()
}

// Taking the next reads the same index from its head.
func TestTakingTheNextIsTheHeadOfAnIndex(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() == db.SQLite {
		plan := explain(t, d, nextQuery("in ($3, $4)"), 1, 2, 3, 4)
		if !strings.Contains(plan, "SEARCH c USING INDEX conversation_waiting") || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("it reads or sorts more than one:\n%s", plan)
		}
		return
	}
	many(t, d, 20000)
	args := []any{1}
	where, order := Filter{Box: Waiting, After: Place{At: time.UnixMicro(500), ID: 500}}.conditions(actor.System(1, "test"), &args)
	for _, c := range []struct {
		what, query string
		args        []any
	}{
		{"next", nextQuery("in ($3, $4)"), []any{1, 2, 3, 4}},
		{"waiting", "select c.id from conversation c where c.workspace = $1 and " + where + " order by " + order.String() + " limit 41", args},
	} {
		rows, err := d.Read().Query(context.Background(), "explain "+c.query, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan.String(), "using conversation_waiting on conversation c") || strings.Contains(plan.String(), "Bitmap") || strings.Contains(plan.String(), "Sort") {
			t.Errorf("%s does not follow its index:\n%s", c.what, plan.String())
		}
	}
}

// What is asked every few minutes, or inside a writing transaction, finds its rows
// by the indexes made for it and reads no table whole.
func TestWhatIsDoneNowAndThenUsesItsIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.SQLite {
		return // PostgreSQL chooses by how much there is
	}
	eighty, _ := db.Pairs(3, make([]id.ID, 80), make([]id.ID, 80))
	for index, c := range map[string]struct {
		query string
		n     int
	}{
		"message_orphan":       {orphans, 4},
		"conversation_account": {onDesk, 5},
		"message_keep":         {overKept, 3},
		"message_age":          {overAged, 3},
		"tombstone_until":      {oldMark, 2},
		"message_parent":       {orphaned, 3},
		"message_quote":        {unquoted, 3},
		"reach_conversation (workspace=? AND conversation=?)":                                     {"select 1 from message m join reach r on r.workspace = m.workspace and r.message = m.id where m.workspace = $1 and r.account = $2 and " + newestSaid, 3},
		"sqlite_autoindex_reach_1 (workspace=? AND message=?)":                                    {onlyIn, 2},
		"sqlite_autoindex_reach_1 (workspace=? AND message=?)\n":                                  {headWithout, 2},
		"sqlite_autoindex_conversation_2 (workspace=? AND account=? AND identity=? AND thread=?)": {"with k (identity, thread) as (" + eighty + ")" + talksOf, 2 + 2*128},
	} {
		plan := explain(t, d, c.query, make([]any, c.n)...)
		found := strings.Contains(plan, "INDEX "+index)
		for _, few := range []string{"SCAN c\n", "SCAN k\n", "SCAN 128 CONSTANT ROWS\n"} { // at most a hundred or so
			plan = strings.ReplaceAll(plan, few, "")
		}
		if !found || strings.Contains(plan, "SCAN") {
			t.Errorf("%s is not used:\n%s", index, plan)
		}
		if index == "conversation_account" && !strings.Contains(plan, "INDEX reach_conversation (workspace=? AND conversation=?)") {
			t.Errorf("what is on the desk is not found by its conversation:\n%s", plan)
		}
	}
}
