package app

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/team"
	"parley/internal/today"
)

func todayMethods() map[string]method {
	m := read("", func(d *desk) act {
		d.said("Is the bridge open?")
		return func(a actor.Actor) (any, error) { return d.App.today().Read(background, a) }
	})
	m.open = "whoever may read nothing is shown nothing"
	return map[string]method{"Read": m}
}

// What each kind of member is shown follows from what they may do, and nothing of
// another workspace is among it.
func TestTodayForEachKindOfMember(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	other := o.desk()
	other.said("Where is the harbour office?")
	other.failed()
	d := o.desk()
	first, second := d.said("Is the bridge open?"), d.said("And the ferry?")
	d.must(d.Desk.Claim(background, d.owner, second))
	lost := d.unknown()
	missed := d.failed()
	d.exec(`update account set state = 'broken', reason = 'auth' where workspace = $1`, d.owner.Workspace)

	ids := func(p today.Part) (queue, mine, sends []id.ID) {
		for _, r := range p.Queue {
			queue = append(queue, r.ID)
		}
		for _, r := range p.Mine {
			mine = append(mine, r.ID)
		}
		for _, s := range p.Sends {
			sends = append(sends, s.ID)
		}
		return queue, mine, sends
	}
	for name, want := range map[string]struct {
		who             actor.Actor
		sends, accounts bool
		queue, voices   bool
	}{
		"owner":       {d.owner, true, true, true, false},
		"steward":     {d.hire("sam", team.Steward), true, true, true, false},
		"voice":       {d.hire("vic", team.Voice), true, false, true, false},
		"contributor": {d.hire("cleo", team.Contributor), false, false, true, false},
		"reviewer":    {d.hire("rio", team.Reviewer), false, false, false, true},
		"observer":    {d.hire("ola", team.Observer), false, false, false, true},
	} {
		p, err := o.today().Read(background, want.who)
		d.must(err)
		queue, mine, sends := ids(p)
		if p.Waiting != 4 || p.Longest.IsZero() {
			t.Errorf("%s: %d wait, since %s", name, p.Waiting, p.Longest)
		}
		if slices.Contains(queue, first) != want.queue || slices.Contains(queue, second) {
			t.Errorf("%s: the queue is %v; %s is nobody's, %s is being answered", name, queue, first, second)
		}
		if got := slices.Contains(mine, second); got != (name == "owner") {
			t.Errorf("%s: mine holds %v", name, mine)
		}
		if got := len(sends) == 2 && slices.Contains(sends, lost) && slices.Contains(sends, missed); got != want.sends || !want.sends && len(sends) > 0 {
			t.Errorf("%s: decides about %v", name, sends)
		}
		if (len(p.Accounts) == 1) != want.accounts || (len(p.Voices) == 2) != want.voices {
			t.Errorf("%s: %d accounts, %d voices", name, len(p.Accounts), len(p.Voices))
		}
	}
}

// Somebody with several clients has one day over all of them, and always sees which
// is which; whoever has one workspace is not told its name in every line.
func TestTodayOverAllWorkspaces(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	one, two, foreign := o.desk(), o.desk(), o.desk()
	one.said("Is the bridge open?")
	o.clock.Advance(time.Hour)
	two.said("Do you repair cellos?")
	foreign.said("Nobody else may read this.")

	inv, err := o.Team.Invite(background, two.owner, team.Invite{Email: one.email, Roles: []team.RoleIn{{Role: team.Voice}}})
	o.must(err)
	in, err := o.Team.SignIn(background, one.email, password, team.Place{})
	o.must(err)
	v, err := o.Team.Authenticate(background, in.Secret)
	o.must(err)
	o.must(o.Team.Accept(background, inv.Secret, v))

	get := func(path string) string {
		r := httptest.NewRequest("GET", "http://localhost"+path, nil)
		r.Header.Set("Cookie", "parley="+in.Secret)
		w := httptest.NewRecorder()
		o.Kernel.ServeHTTP(w, r)
		if w.Code != 200 {
			t.Fatalf("%s: %d, %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	all := get("/today")
	for _, want := range []string{"Is the bridge open?", "Do you repair cellos?", "Desk 1", "Desk 2", "2 people are waiting"} {
		if !strings.Contains(all, want) {
			t.Errorf("over all workspaces %q is missing", want)
		}
	}
	if strings.Index(all, "bridge") > strings.Index(all, "cellos") {
		t.Error("who waits longest does not come first")
	}
	single := get("/w/desk-2/today")
	if !strings.Contains(single, "cellos") || strings.Contains(single, "bridge") || strings.Contains(single, "in-workspace") {
		t.Error("Today of one workspace shows another, or says its name in every line")
	}
	if strings.Contains(all+single, "Nobody else may read this") {
		t.Error("a stranger's workspace is read")
	}
}

func TestTodayByScript(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	d := o.desk()
	waiting := d.said("Is the bridge open?")
	out := d.failed()
	r := httptest.NewRequest("GET", "http://localhost/api/v1/today", nil)
	r.Header.Set("Authorization", "Bearer "+d.token())
	w := httptest.NewRecorder()
	o.Kernel.ServeHTTP(w, r)
	var got struct {
		Waiting          int
		Queue, Decisions []id.ID
	}
	o.must(json.Unmarshal(w.Body.Bytes(), &got))
	if w.Code != 200 || got.Waiting != 2 || !slices.Contains(got.Queue, waiting) || !slices.Equal(got.Decisions, []id.ID{out}) {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
}
