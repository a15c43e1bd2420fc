package today

import (
	"testing"
	"time"

	"parley/internal/account"
	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/page"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func workspace(n id.ID, rights ...actor.Right) page.Workspace {
	a := actor.Actor{Workspace: n, Member: 1}
	for _, r := range rights {
		a.Grants = append(a.Grants, actor.Grant{Right: r})
	}
	return page.Workspace{ID: n, Slug: n.String(), Actor: a}
}

func waits(n id.ID, hours int) conversation.Row {
	since := noon.Add(-time.Duration(hours) * time.Hour)
	return conversation.Row{ID: n, Waiting: since, Last: since}
}

func TestDaysOfSeveralWorkspacesAreOne(t *testing.T) {
	t.Parallel()
	d := join([]Part{
		{Workspace: workspace(1, actor.Claim), Waiting: 2, Longest: noon.Add(-3 * time.Hour), Queue: []conversation.Row{waits(11, 3), waits(12, 1)},
			Sends: []delivery.Record{{ID: 21, State: delivery.Failed}}, Accounts: []account.Health{{Level: account.Soon}}},
		{Workspace: workspace(2, actor.ManageAccounts), Waiting: 5, Longest: noon.Add(-9 * time.Hour),
			Queue: []conversation.Row{waits(13, 9), waits(14, 5), waits(15, 4), waits(16, 2), waits(17, 1)},
			Sends: []delivery.Record{{ID: 22, State: delivery.Unknown}}, Accounts: []account.Health{{Level: account.Bad}}},
	})
	var queue []id.ID
	for _, l := range d.Queue {
		queue = append(queue, l.It.ID)
	}
	want := []id.ID{13, 14, 15, 11, 16, 12}
	if len(queue) != len(want) {
		t.Fatalf("%v", queue)
	}
	for i := range want {
		if queue[i] != want[i] {
			t.Fatalf("the queue is %v, want %v", queue, want)
		}
	}
	if d.Waiting != 7 || !d.Longest.Equal(noon.Add(-9*time.Hour)) || !d.Several || !d.Works || !d.Keeps {
		t.Errorf("%+v", d)
	}
	if d.Sends[0].It.ID != 22 || d.Accounts[0].It.Level != account.Bad {
		t.Error("what nobody knows comes after what is certain, or what will stop before what has stopped")
	}
	if d.Queue[0].Workspace.ID != 2 || d.Queue[3].Workspace.ID != 1 {
		t.Error("a line is of the wrong workspace")
	}
	if href := first(d); href != "/w/0000000000002/inbox/"+id.ID(13).String() {
		t.Errorf("the first is at %s", href)
	}
}

func TestUrgentOnesComeFirst(t *testing.T) {
	t.Parallel()
	burns := waits(12, 1)
	burns.Urgent = []conversation.Urgency{{}}
	d := join([]Part{{Workspace: workspace(1, actor.Claim), Queue: []conversation.Row{waits(11, 9)}}, {Workspace: workspace(2, actor.Claim), Queue: []conversation.Row{burns}}})
	if d.Queue[0].It.ID != 12 {
		t.Error("who has waited longest comes before what burns")
	}
}

func TestADayWithNothingInIt(t *testing.T) {
	t.Parallel()
	d := join([]Part{{Workspace: workspace(1)}})
	if !d.clear() || d.Several || d.Works || d.Keeps || first(d) != "" || d.more(conversation.Waiting) != "" {
		t.Errorf("%+v", d)
	}
	if d := join(nil); !d.clear() {
		t.Errorf("%+v", d)
	}
}

func TestGreetingsFollowTheClock(t *testing.T) {
	t.Parallel()
	for hour, want := range map[int]string{0: "today.evening", 4: "today.evening", 5: "today.morning", 11: "today.morning", 12: "today.afternoon", 17: "today.afternoon", 18: "today.evening"} {
		if got := greeting(time.Date(2026, 3, 2, hour, 30, 0, 0, time.UTC)); got != want {
			t.Errorf("at %d: %s", hour, got)
		}
	}
}
