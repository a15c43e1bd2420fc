package conversation_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/conversation"
	"parley/internal/id"
)

// pages reads a list to its end, a few rows at a time.
func (b *bundle) pages(t *rapid.T, f conversation.Filter) (found []id.ID) {
	for range 200 {
		p, err := b.desk.List(context.Background(), voice(ana), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Rows {
			found = append(found, r.ID)
		}
		if p.Next.ID == 0 {
			return found
		}
		f.After = p.Next
	}
	t.Fatal("the list has no end")
	return nil
}

// fits says in Go what the statement says in SQL.
func fits(n conversation.Narrow, account id.ID, r conversation.Row, lang string, press map[id.ID]bool) bool {
	for _, l := range n.Labels {
		if !slices.ContainsFunc(r.Labels, func(on conversation.Label) bool { return on.ID == l }) {
			return false
		}
	}
	return (account == 0 || r.Account == account) && (n.Network == "" || n.Network == r.Network) && (n.Lang == "" || n.Lang == lang) &&
		(n.Member == 0 || n.Member == r.ClaimedBy) && (n.Team == 0 || press[r.ClaimedBy]) && (n.Kind == "" || n.Kind == r.Kind) &&
		(n.Hands == "" || (n.Hands == conversation.Free) == (r.ClaimedBy == 0))
}

// Whatever a list is narrowed to and however little is looked at for a page, its
// pages hold what the whole list holds, as far as it fits, in the same order.
func TestANarrowedListIsAPartOfTheWhole(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	b := setup(t)
	const press id.ID = 71
	b.exec(`insert into team (workspace, id, name, name_folded, created, created_by, closed, closed_by) values (1, $1, 'Press', 'press', 1, 0, 0, 0)`, press)
	b.exec(`insert into team_member (workspace, id, team, member, added, added_by, removed, removed_by) values (1, 1, $1, $2, 1, 0, 0, 0)`, press, ben)
	inPress := map[id.ID]bool{ben: true}
	b.exec(`update account set network = 'bluesky' where id = $1`, library)
	labels := []id.ID{b.label("Roads"), b.label("Noise")}
	langs := []string{"", "de", "de-AT", "fr", "xx-not-one", "zh-Hant"}
	rapid.Check(t, func(t *rapid.T) {
		b.clear()
		spoken := map[string]string{}
		n := rapid.IntRange(0, 14).Draw(t, "conversations")
		for i := range n {
			who := fmt.Sprint("p", i)
			e := says(who, fmt.Sprint("m", i), "", "?", after(time.Duration(rapid.IntRange(0, 5).Draw(t, "at"))*time.Second))
			e.Post.Lang = rapid.SampledFrom(langs).Draw(t, "lang")
			spoken[who] = map[string]string{"de-AT": "de", "zh-Hant": "zh", "xx-not-one": ""}[e.Post.Lang]
			if len(e.Post.Lang) == 2 {
				spoken[who] = e.Post.Lang
			}
			if rapid.Bool().Draw(t, "direct") {
				e = private(e)
			}
			b.ingest(rapid.SampledFrom([]id.ID{town, library}).Draw(t, "account"), e)
		}
		for _, r := range b.list(voice(ana), conversation.All) {
			for _, l := range labels {
				if rapid.Bool().Draw(t, "label") {
					b.must(b.desk.PutLabel(ctx, voice(ana), r.ID, l))
				}
			}
			switch rapid.IntRange(0, 3).Draw(t, "hands") {
			case 0:
				b.must(b.desk.Claim(ctx, voice(ana), r.ID))
			case 1:
				b.must(b.desk.Claim(ctx, voice(ben), r.ID))
			case 2:
				b.must(b.desk.Finish(ctx, voice(ana), r.ID))
			}
		}
		maybe := func(name string, l ...id.ID) id.ID { return rapid.SampledFrom(append(l, 0, 0)).Draw(t, name) }
		f := conversation.Filter{Box: rapid.SampledFrom(conversation.Boxes).Draw(t, "box"), Account: maybe("of", town, library), Narrow: conversation.Narrow{
			Network: rapid.SampledFrom([]string{"", "", "mastodon", "bluesky"}).Draw(t, "network"), Lang: rapid.SampledFrom([]string{"", "", "de", "zh"}).Draw(t, "in"),
			Member: maybe("member", ana, ben), Team: maybe("team", press), Labels: rapid.SliceOfNDistinct(rapid.SampledFrom(labels), 0, 2, rapid.ID).Draw(t, "labels"),
			Hands: rapid.SampledFrom([]conversation.Hands{"", "", conversation.Free, conversation.Taken}).Draw(t, "who"),
			Kind:  rapid.SampledFrom([]conversation.Kind{"", "", conversation.Public, conversation.Direct}).Draw(t, "kind")},
			Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		conversation.LookAt(b.desk, rapid.IntRange(1, 8).Draw(t, "look at"))
		var want []id.ID
		for _, r := range b.list(voice(ana), f.Box) {
			if fits(f.Narrow, f.Account, r, spoken[r.Person.RemoteID], inPress) {
				want = append(want, r.ID)
			}
		}
		if got := b.pages(t, f); !slices.Equal(got, want) {
			t.Fatalf("%+v shows %v, want %v", f, got, want)
		}
	})
}

// The language of a conversation is that of what they said last, if it is told.
func TestALanguageIsThatOfTheLastWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Set(after(time.Hour))
	ctx := context.Background()
	in := func(lang string) int {
		p, err := b.desk.List(ctx, voice(ana), conversation.Filter{Box: conversation.All, Narrow: conversation.Narrow{Lang: lang}})
		b.must(err)
		return len(p.Rows)
	}
	speak := func(remote, lang string, at time.Duration) {
		e := says("bea", remote, "m0", "?", after(at))
		e.Post.Lang = lang
		b.ingest(town, e)
	}
	speak("m1", "de-CH", time.Minute)
	speak("m2", "fr", 0) // older, and told of later
	speak("m3", "", 2*time.Minute)
	if in("de") != 1 || in("fr") != 0 {
		t.Errorf("german %d, french %d", in("de"), in("fr"))
	}
	speak("m4", "it", 3*time.Minute)
	e := says("bea", "m4", "m0", "ciao", after(3*time.Minute))
	e.Post.Lang = "es"
	b.ingest(town, edited(e, after(4*time.Minute)))
	if in("es") != 1 || in("it") != 0 || in("de") != 0 {
		t.Errorf("spanish %d, italian %d, german %d", in("es"), in("it"), in("de"))
	}
	all, err := b.desk.Languages(ctx, voice(ana))
	if err != nil || !slices.Equal(all, []string{"es"}) {
		t.Errorf("languages: %v (%v)", all, err)
	}
}
