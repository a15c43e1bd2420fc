package conversation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/db/dbtest"
	"parley/internal/id"
)

// A narrowed list looks along the index of its box or of its account, at a bounded
// part of it, or at all of a label that is on few; whatever it is narrowed to.
func TestANarrowedListLooksAlongAnIndex(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.SQLite {
		return // PostgreSQL chooses by how much there is: see below
	}
	a := actor.Actor{Workspace: 1, Member: 2, Grants: []actor.Grant{{Right: actor.ReadConversations, Scope: actor.Scope{Kind: "account", ID: 3}}}}
	everything := Narrow{Network: "mastodon", Lang: "de", Labels: []id.ID{5, 6}, Member: 7, Team: 8, Hands: Taken, Kind: Public}
	after := Place{At: time.UnixMicro(5), ID: 5}
	for name, c := range map[string]struct {
		f     Filter
		few   id.ID
		index string
	}{
		"waiting":        {Filter{Box: Waiting, Narrow: everything, After: after}, 0, "SEARCH c USING INDEX conversation_waiting"},
		"mine":           {Filter{Box: Mine, Narrow: everything, After: after}, 0, "SEARCH m USING INDEX conversation_mine"},
		"all":            {Filter{Box: All, Narrow: everything, After: after}, 0, "SEARCH c USING INDEX conversation_list"},
		"done":           {Filter{Box: Closed, Narrow: everything, After: after}, 0, "SEARCH c USING INDEX conversation_list"},
		"reading":        {Filter{Box: Reading, Narrow: everything, After: after}, 0, "SEARCH c USING INDEX conversation_reading"},
		"of an account":  {Filter{Box: Closed, Account: 3, Narrow: everything, After: after}, 0, "SEARCH c USING INDEX conversation_account"},
		"of few labels":  {Filter{Box: Closed, Narrow: everything, After: after}, 5, "SEARCH x USING COVERING INDEX labelling_of"},
		"waiting of few": {Filter{Box: Waiting, Account: 3, Narrow: everything, After: after}, 5, "SEARCH x USING COVERING INDEX labelling_of"},
	} {
		c.f.atMost = lookAtMost
		args := []any{a.Workspace}
		inner, by := c.f.look(a, c.few, &args)
		looked := explain(t, d, inner, args...)
		outer := c.f.fits(&args)
		plan := explain(t, d, narrowQuery(inner, outer, by, len(args)+1), append(args, 41)...)
		if !strings.Contains(plan, c.index) {
			t.Errorf("%s does not begin with %s:\n%s", name, c.index, plan)
		}
		rest := strings.NewReplacer("SCAN c\n", "", "TEMP B-TREE FOR LAST TERM", "").Replace(looked)
		if c.f.Box == Mine { // few, and sorted
			rest = strings.ReplaceAll(rest, "USE TEMP B-TREE FOR ORDER BY\n", "")
		}
		if strings.Contains(rest, "SCAN") || strings.Contains(rest, "TEMP B-TREE") {
			t.Errorf("%s sorts or reads more than it looks at:\n%s", name, looked)
		}
		if bounded := strings.Contains(inner, fmt.Sprint("limit ", lookAtMost)); bounded == (c.few != 0) {
			t.Errorf("%s is bounded: %v", name, bounded)
		}
		if strings.Contains(strings.ReplaceAll(plan, "SCAN c\n", ""), "SCAN") {
			t.Errorf("%s reads a table whole:\n%s", name, plan)
		}
	}
	args := []any{a.Workspace}
	where := under(a, 4, "", Standing{Open, after}, &args)
	plan := explain(t, d, listQuery(where, underOrder, len(args)+1), append(args, 50)...)
	if !strings.Contains(plan, "SEARCH c USING INDEX conversation_thread") || strings.Contains(strings.ReplaceAll(plan, "TEMP B-TREE FOR LAST TERM", ""), "TEMP B-TREE") {
		t.Errorf("what is under a post is sorted or not found by its thread:\n%s", plan)
	}
	if plan := explain(t, d, labelFew, 1, 5, lookAtMost); !strings.Contains(plan, "SEARCH x USING COVERING INDEX labelling_of") {
		t.Errorf("labels are not counted by their index:\n%s", plan)
	}
}

// On PostgreSQL with many conversations, what is narrowed reads no more of them
// than its bound: the plan that is made for the real values says so.
func TestANarrowedListReadsABoundedPart(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if d.Dialect() != db.Postgres {
		return
	}
	many(t, d, 3*lookAtMost)
	a := actor.System(1, "test")
	for name, f := range map[string]Filter{
		"a language nobody speaks": {Box: All, Narrow: Narrow{Lang: "xx"}},
		"of an account":            {Box: All, Account: 3, Narrow: Narrow{Lang: "xx"}},
		"waiting":                  {Box: Waiting, Narrow: Narrow{Hands: Taken}},
	} {
		f.atMost = lookAtMost
		args := []any{a.Workspace}
		inner, by := f.look(a, 0, &args)
		outer := f.fits(&args)
		rows, err := d.Read().Query(context.Background(), "explain analyze "+narrowQuery(inner, outer, by, len(args)+1), append(args, 41)...)
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
		if strings.Contains(plan.String(), "Seq Scan on conversation") || !strings.Contains(plan.String(), "using conversation_") {
			t.Errorf("%s is not looked up along an index:\n%s", name, plan.String())
		}
		seen := 0
		for _, line := range strings.Split(plan.String(), "\n") {
			var read float64
			if _, actual, ok := strings.Cut(line, "actual time"); ok && strings.Contains(line, "conversation c") {
				_, count, _ := strings.Cut(actual, "rows=")
				if _, err := fmt.Sscan(strings.Fields(count)[0], &read); err != nil || read > lookAtMost+100 {
					t.Errorf("%s reads more than it should (%v): %s", name, err, line)
				}
				seen++
			}
		}
		if seen == 0 {
			t.Errorf("%s tells nothing of what it read:\n%s", name, plan.String())
		}
	}
}

// many fills a workspace with conversations that all wait.
func many(t *testing.T, d *db.DB, n int) {
	t.Helper()
	err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		for _, q := range []string{
			`insert into workspace (id, slug, name, locale, zone, created, closed, keep_days) values (1, 'w', 'W', 'en', 'UTC', 1, 0, 0)`,
			`insert into account (workspace, id, network, instance, remote_id, handle, name, url, avatar, app, scopes, extra, state, reason, message, since,
				secret, secret_generation, secret_expires, secret_refresh_by, refresh_owner, refresh_lease, capabilities, capabilities_until, signature, simulated, created, created_by)
				values (1, 3, 'mastodon', 'x', 'x', 'x', '', '', '', '', '', '', 'connected', '', '', 1, '', 1, 0, 0, '', 0, '', 0, '', 0, 1, 0)`,
			`insert into source (workspace, id, network, instance) values (1, 1, 'mastodon', 'x')`,
			`insert into person (workspace, id, created) values (1, 1, 1)`,
			`insert into identity (workspace, id, person, source, remote_id, handle, name, url, avatar, bot, created) values (1, 1, 1, 1, 'x', 'x', 'x', '', '', 0, 1)`,
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `insert into conversation (workspace, id, account, identity, thread, kind, state, waiting, answered, last_at, last_message, messages, claimed_by, claimed_at, changed, created)
			select 1, n, 3, 1, n, 'public', 'open', n, 0, n, n, 1, 0, 0, 0, 1 from generate_series(1, `+fmt.Sprint(n)+`) n`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.InTx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `analyze conversation`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
