package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/event"
	"parley/internal/id"
	"parley/internal/problem"
)

// takesActor lists the methods of a capability whose second parameter is an actor.
func takesActor(t reflect.Type) (names []string) {
	for i := range t.NumMethod() {
		if m := t.Method(i); m.Type.NumIn() > 2 && m.Type.In(2) == reflect.TypeFor[actor.Actor]() {
			names = append(names, m.Name)
		}
	}
	return names
}

func TestTheTableHasEveryVerbAndRead(t *testing.T) {
	t.Parallel()
	for of, table := range methods() {
		there := takesActor(of)
		if len(there) == 0 {
			t.Errorf("%s has none", of)
		}
		for _, name := range there {
			if _, ok := table[name]; !ok {
				t.Errorf("%s.%s is not in the table: say whether it is a verb or a read", of, name)
			}
		}
		for name := range table {
			if !slices.Contains(there, name) {
				t.Errorf("%s.%s is in the table and nowhere else", of, name)
			}
		}
	}
}

// House rule 3. Every verb authorises, refuses another workspace's actor, and
// writes its event in the one transaction in which it changes anything. A read
// authorises too, tells nothing of another workspace and changes nothing.
func TestEveryVerbAndRead(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	stranger := o.desk()
	for of, table := range methods() {
		for name, m := range table {
			t.Run(strings.TrimPrefix(of.String(), "*")+"."+name, func(t *testing.T) {
				o.TB = t
				x := trial{desk: o.desk(), method: m, stranger: stranger}
				do := m.on(x.desk)
				x.asNobody(do)
				x.asStranger(do)
				if !m.read && !m.elsewhere && m.unrecorded == "" {
					x.withoutLog(do)
				}
				x.asOneOfUs(do)
			})
		}
	}
	o.TB = t
}

// trial is one method on a desk of its own.
type trial struct {
	*desk
	method
	stranger *desk // whose owner holds every right there
}

// us is who may call it here.
func (x trial) us() actor.Actor {
	if x.system {
		return actor.System(x.owner.Workspace, "test")
	}
	return x.owner
}

func (x trial) asNobody(do act) {
	x.Helper()
	all := map[string]actor.Actor{"nobody": {}, "nobody, here": {Workspace: x.owner.Workspace}}
	if !x.members {
		all["somebody without rights"] = actor.Actor{Workspace: x.owner.Workspace, Member: x.IDs.New()}
	}
	before := x.everything()
	for who, a := range all {
		got, err := do(a)
		if p := problem.Of(err); x.open == "" && (p == nil || p.Kind != problem.Forbidden && p.Kind != problem.NotFound) {
			x.Errorf("%s: %v", who, err)
		}
		x.tellsNothing(got)
	}
	if x.system {
		if _, err := do(x.owner); err != nil && problem.Of(err).Kind != problem.Forbidden {
			x.Errorf("an owner, in Parley's place: %v", err)
		}
	}
	same(x, before.lines(0), x.everything().lines(0))
}

// asStranger calls it as somebody who may do everything in another workspace.
func (x trial) asStranger(do act) {
	x.Helper()
	who := x.stranger.owner
	if x.system {
		who = actor.System(who.Workspace, "test")
	}
	before := x.everything()
	got, err := do(who)
	switch {
	case x.foreign != "" && !problem.Is(err, x.foreign):
		x.Errorf("another workspace's owner: %v, want %s", err, x.foreign)
	case x.foreign == "" && err != nil:
		x.Errorf("another workspace's owner, in their own: %v", err)
	}
	x.tellsNothing(got)
	same(x, before.lines(x.owner.Workspace), x.everything().lines(x.owner.Workspace))
}

// withoutLog calls it while its event cannot be written: then nothing else may be.
func (x trial) withoutLog(do act) {
	x.Helper()
	w := x.owner.Workspace
	next := x.number(`select coalesce(max(n), 0) + 1 from event where workspace = $1`, w)
	x.exec(`insert into event (workspace, n, at, actor_kind, actor, actor_part, verb, kind, subject, details, leaf)
		values ($1, $2, 0, 'member', 0, '', 'in.the.way', 'test', 0, '{}', $3)`, w, next, []byte{})
	before := x.everything()
	if _, err := do(x.us()); err == nil {
		x.Error("it is done although nothing was recorded")
	}
	same(x, before.lines(0), x.everything().lines(0))
	x.exec(`delete from event where workspace = $1 and n = $2`, w, next)
}

func (x trial) asOneOfUs(do act) {
	x.Helper()
	before, since := x.everything(), db.Micros(x.clock.Now())
	got, err := do(x.us())
	if err != nil {
		x.Fatalf("one of us: %v", err)
	}
	events := x.number(`select count(*) from event where at > $1`, since)
	commits := x.number(`select count(distinct at) from event where at > $1`, since)
	switch {
	case x.read:
		if reflect.ValueOf(got).IsZero() {
			x.Errorf("it reads %v", got)
		}
		same(x, before.lines(0), x.everything().lines(0))
	case x.unrecorded != "":
		if events != 0 {
			x.Errorf("it records %d events, and should not: %s", events, x.unrecorded)
		}
	case events == 0:
		x.Error("it records nothing")
	case commits != max(1, int64(x.steps)):
		x.Errorf("%d transactions recorded something", commits)
	}
	if _, faults, err := event.Verify(background, x.DB.Read(), x.owner.Workspace); err != nil || len(faults) > 0 {
		x.Errorf("the log: %v, %v", faults, err)
	}
}

// tellsNothing looks for what belongs to this desk in what was read.
func (x trial) tellsNothing(got any) {
	x.Helper()
	if got == nil {
		return
	}
	b, err := json.Marshal(got)
	x.must(err)
	for what, one := range map[string]id.ID{"workspace": x.owner.Workspace, "member": x.owner.Member, "account": x.account} {
		if one != 0 && strings.Contains(string(b), one.String()) {
			x.Errorf("it tells the %s: %s", what, b)
		}
	}
	if strings.Contains(string(b), "vera") {
		x.Errorf("it tells of somebody outside: %s", b)
	}
}

// everything is every row of the database, as text.
type everything []line

type line struct {
	workspace int64 // 0: of none
	text      string
}

// lines are those of one workspace; 0 is all of them.
func (e everything) lines(workspace id.ID) (all []string) {
	for _, l := range e {
		if workspace == 0 || l.workspace == int64(workspace) {
			all = append(all, l.text)
		}
	}
	return all
}

func (x *desk) everything() (all everything) {
	x.Helper()
	q := `select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`
	if x.DB.Dialect() == db.Postgres {
		q = `select table_name from information_schema.tables where table_schema = current_schema()`
	}
	var tables []string
	x.scan(q, func(_ []string, row []any) { tables = append(tables, fmt.Sprint(row[0])) })
	for _, t := range tables {
		// The search index follows the messages, and guesses at a password are
		// counted whatever becomes of the guess.
		if strings.HasPrefix(t, "message_search") || t == "login_throttle" {
			continue
		}
		x.scan(`select * from `+t, func(columns []string, row []any) { all = append(all, lineOf(t, columns, row)) })
	}
	slices.SortFunc(all, func(a, b line) int { return cmp.Compare(a.text, b.text) })
	return all
}

func lineOf(table string, columns []string, row []any) line {
	l := line{text: table}
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			v = hex.EncodeToString(b)
		}
		if n, ok := v.(int64); ok && (columns[i] == "workspace" || table == "workspace" && columns[i] == "id") {
			l.workspace = n
		}
		l.text += fmt.Sprintf(" %s=%v", columns[i], v)
	}
	return l
}

func (x *desk) scan(q string, each func(columns []string, row []any)) {
	x.Helper()
	rows, err := x.DB.Read().Query(context.Background(), q)
	x.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	x.must(err)
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		x.must(rows.Scan(into...))
		each(columns, row)
	}
	x.must(rows.Err())
}

// same fails where a row was added, removed or changed.
func same(t testing.TB, before, after []string) {
	t.Helper()
	if slices.Equal(before, after) {
		return
	}
	for _, l := range before {
		if _, found := slices.BinarySearch(after, l); !found {
			t.Errorf("gone:  %s", l)
		}
	}
	for _, l := range after {
		if _, found := slices.BinarySearch(before, l); !found {
			t.Errorf("added: %s", l)
		}
	}
}
