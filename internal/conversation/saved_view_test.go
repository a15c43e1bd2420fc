package conversation_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"parley/internal/actor"
	"parley/internal/conversation"
)

func (b *bundle) views(a actor.Actor) string {
	b.Helper()
	all, err := b.desk.Views(context.Background(), a)
	b.must(err)
	var s []string
	for _, v := range all {
		s = append(s, fmt.Sprintf("%s=%s %v", v.Name, v.Query, v.Shared))
	}
	return strings.Join(s, " | ")
}

func TestAListIsKeptUnderAName(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	save := func(a actor.Actor, name, query string, shared bool) error {
		_, err := b.desk.SaveView(ctx, a, conversation.SavedView{Name: name, Query: query, Shared: shared})
		return err
	}
	b.must(save(voice(ana), " German\n", "?lang=de-AT&box=all&utm=x&after=00000000000A1&at=5", false))
	b.must(save(manager(ben), "Everybody's", "box=done", true))
	b.must(save(voice(ben), "Mine", "by=free", false))
	if got := b.views(voice(ana)); got != "Everybody's=box=done true | German=box=all&lang=de false" {
		t.Errorf("ana has %s", got)
	}
	b.must(save(voice(ana), "GERMAN", "lang=de", false))
	if got := b.views(voice(ana)); got != "Everybody's=box=done true | GERMAN=lang=de false" {
		t.Errorf("after saving it again ana has %s", got)
	}
	wantProblem(t, save(voice(ana), "Nothing", "box=waiting&label=none", false), "conversation.view_nothing")
	wantProblem(t, save(voice(ana), "Nothing", "%zz", false), "conversation.view_nothing")
	wantProblem(t, save(voice(ana), "\u200b", "box=all", false), "conversation.view_empty")
	wantProblem(t, save(voice(ana), strings.Repeat("x", 41), "box=all", false), "conversation.view_long")
	wantProblem(t, save(voice(ana), "For all", "box=all", true), "forbidden")
	all, err := b.desk.Views(ctx, voice(ana))
	b.must(err)
	wantProblem(t, b.desk.RemoveView(ctx, voice(ana), all[0].ID), "forbidden")
	wantProblem(t, b.desk.RemoveView(ctx, voice(ben), all[1].ID), "conversation.no_view")
	b.must(b.desk.RemoveView(ctx, voice(ana), all[1].ID))
	if got := b.views(voice(ana)); got != "Everybody's=box=done true" {
		t.Errorf("in the end ana has %s", got)
	}
	b.exec(`update member set departed = 5 where id = $1`, ben)
	b.must(b.desk.ReleaseDeparted(ctx, actor.System(workspace, "team")))
	if n := b.number(`select count(*) from saved_view where member = $1`, ben); n != 0 {
		t.Error("the views of somebody who left are still there")
	}
	if n := b.number(`select count(*) from saved_view where member = 0`); n != 1 {
		t.Error("everybody's view left with who made it")
	}
}

func TestNobodyKeepsListsWithoutEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var err error
	for i := range 31 {
		_, err = b.desk.SaveView(context.Background(), voice(ana), conversation.SavedView{Name: fmt.Sprint("V", i), Query: "box=all"})
		if i < 30 {
			b.must(err)
		}
	}
	wantProblem(t, err, "conversation.views_many")
	if n := b.number(`select count(*) from saved_view`); n != 30 {
		t.Errorf("%d views", n)
	}
	_, err = b.desk.SaveView(context.Background(), voice(ana), conversation.SavedView{Name: "v0", Query: "box=done"})
	b.must(err)
}

// Whatever an address says, the list it leads to says the same address again: what
// is shared by link and kept under a name is the same list.
func FuzzAddressOfAList(f *testing.F) {
	for _, q := range []string{"", "box=all&lang=de-AT&label=00000000000A1&label=00000000000A2&by=team-00000000000A1&kind=direct", "by=free&network=x&account=00000000000A1",
		"after=00000000000A1&at=9223372036854775807", "label=&lang=%00&by=team-", "box=%zz;a=b"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		once := conversation.Canonical(q)
		if again := conversation.Canonical(once); again != once {
			t.Errorf("%q is %q, and that is %q", q, once, again)
		}
		if _, err := url.ParseQuery(once); err != nil {
			t.Errorf("%q becomes %q: %v", q, once, err)
		}
	})
}
