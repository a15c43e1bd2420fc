package gallery

import (
	"strings"
	"time"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
	"parley/internal/text"
)

const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 600"><rect width="800" height="600" fill="#b9cfd3"/><rect y="380" width="800" height="220" fill="#6f8f8c"/><rect x="180" y="180" width="440" height="220" fill="#e8dcc6"/><path d="M150 190 400 70l250 120Z" fill="#a4614b"/><rect x="360" y="270" width="80" height="130" fill="#5b4636"/><rect x="230" y="240" width="80" height="70" fill="#8fb0b8"/><rect x="490" y="240" width="80" height="70" fill="#8fb0b8"/><path d="M440 400h180l120 90H500Z" fill="#cfc4ae"/></svg>`

// dress gives the request a workspace and, if nobody is signed in, a visitor.
func dress(r *page.Request) {
	if !r.Visitor.SignedIn() {
		r.Visitor.Name = "Ana Duarte"
		r.Visitor.Workspaces = []page.Workspace{workspace(1, "harbour", "Harbour Library"), workspace(2, "ferry", "Ferry Company")}
	}
	r.Visitor.Theme = r.URL.Query().Get("theme")
	r.Workspace = r.Visitor.Workspaces[0]
	r.Actor = r.Workspace.Actor
}

func workspace(n id.ID, slug, name string) page.Workspace {
	a := actor.Actor{Workspace: n, Member: 2, Name: "Ana Duarte"}
	for _, right := range []actor.Right{actor.ReadConversations, actor.Reply, actor.Claim, actor.ManageAccounts,
		actor.ManageTeam, actor.ManageWorkspace, actor.ReadHealth} {
		a.Grants = append(a.Grants, actor.Grant{Right: right})
	}
	return page.Workspace{ID: n, Slug: slug, Name: name, Actor: a}
}

var (
	mira     = page.Person{Key: "mira", Name: "Mira Okafor", Handle: "mira@social.example", Network: "mastodon", URL: "https://social.example/@mira"}
	tomas    = page.Person{Key: "tomas", Name: "Tomás Rueda", Handle: "tomas.example", Network: "bluesky", URL: "https://bsky.example/tomas"}
	yousef   = page.Person{Key: "yousef", Name: "يوسف حداد", Handle: "yousef@masto.example", Network: "mastodon"}
	sato     = page.Person{Key: "sato", Name: "佐藤 花子", Handle: "hanako.example", Network: "bluesky"}
	nameless = page.Person{Key: "n", Handle: "zzz@tiny.example", Network: "mastodon"}
	gazette  = page.Person{Key: "gazette", Name: "Harbour Gazette", Handle: "gazette.example/feed", Network: "feed", Bot: true}
	jonas    = page.Person{Key: "jonas", Name: "Jonas Lindqvist-Montgomery von Hohenfels", Handle: "jonas@quite-a-long-instance-name.example", Network: "sandbox"}
	us       = page.Person{Key: "us", Name: "Harbour Library", Handle: "library@social.example", Network: "mastodon"}
)

// names of the threads that the gallery holds.
var names = []string{"mira", "tomas", "yousef", "sato", "nameless", "gazette", "jonas"}

func href(name string) string { return "/gallery/desk/" + name }

func rows(now time.Time) []page.Row {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	return []page.Row{
		{ID: 11, Href: href("mira"), Person: mira, Excerpt: "Is the ramp at the side door open again? My mother uses a wheelchair and last week we had to turn back.", At: ago(4 * time.Minute), Waiting: ago(4 * time.Minute)},
		{ID: 12, Href: href("tomas"), Person: tomas, Excerpt: "Third reminder for a book I returned in June. Does anybody read these messages?", At: ago(52 * time.Minute), Waiting: ago(3 * time.Hour), Claimed: "Ben Achterberg", Claimer: 3},
		{ID: 13, Href: href("yousef"), Person: yousef, Excerpt: "شكراً جزيلاً على المساعدة، الكتب وصلت اليوم!", At: ago(2 * time.Hour)},
		{ID: 14, Href: href("sato"), Person: sato, Excerpt: "Thank you for asking. The reading room opens at ten on Sundays.", By: "Ana", At: ago(5 * time.Hour), State: page.Unknown},
		{ID: 15, Href: href("nameless"), Person: nameless, Warning: "Spiders", At: ago(22 * time.Hour), Private: true, Waiting: ago(22 * time.Hour), Claimed: "Ana Duarte", Claimer: 2},
		{ID: 16, Href: href("gazette"), Person: gazette, Excerpt: "Council debates the library's opening hours", At: ago(50 * time.Hour)},
		{ID: 17, Href: href("jonas"), Person: jonas, Excerpt: "We will gladly send you the programme.", By: "Ben", At: ago(9 * 24 * time.Hour), State: page.Failed, Account: "library@social.example"},
		{ID: 18, Href: href("mira") + "?2", Person: mira, Gone: true, At: ago(400 * 24 * time.Hour)},
	}
}

// said makes a text whose marked parts are spans: [words](kind:target).
func said(parts ...any) text.Text {
	var t text.Text
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			t.Body += p
		case text.Span:
			words := strings.SplitN(p.Target, "|", 2)
			p.Start, p.End = len(t.Body), len(t.Body)+len(words[0])
			t.Body += words[0]
			p.Target = words[len(words)-1]
			t.Spans = append(t.Spans, p)
		}
	}
	return t
}

func span(kind text.SpanKind, words, target string) text.Span {
	return text.Span{Kind: kind, Target: words + "|" + target}
}

func threads(now time.Time) map[string]page.ThreadView {
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	m := map[string]page.ThreadView{}
	for _, name := range names {
		m[name] = page.ThreadView{
			Head:     page.ThreadHead{Person: person(name), Account: "library@social.example", Back: "/gallery/desk"},
			Messages: []page.Message{{ID: name + "1", Author: person(name), Text: said("Good morning."), At: at(time.Hour), Visibility: page.Public}},
		}
	}
	m["mira"] = miraThread(at)
	m["tomas"] = tomasThread(at)
	m["nameless"] = privateThread(at)
	return m
}

func person(name string) page.Person {
	return map[string]page.Person{"mira": mira, "tomas": tomas, "yousef": yousef, "sato": sato, "nameless": nameless, "gazette": gazette, "jonas": jonas}[name]
}

func miraThread(at func(time.Duration) time.Time) page.ThreadView {
	return page.ThreadView{
		Head: page.ThreadHead{Person: mira, Account: "library@social.example", Back: "/gallery/desk", Tools: threadTools()},
		Messages: []page.Message{
			{ID: "m1", Author: us, Ours: true, By: "Ben Achterberg", Text: said("Story hour is back: every Saturday at 10:30, in the children’s room on the first floor. ", span(text.Tag, "#harbour", "harbour")), At: at(26 * time.Hour), Visibility: page.Public, URL: "https://social.example/1", Delivery: &page.DeliveryView{State: page.Sent}},
			{ID: "m2", Author: yousef, Context: true, Text: said("Lovely, we will be there with the twins."), At: at(25 * time.Hour), Visibility: page.Public, URL: "https://social.example/2"},
			{ID: "m3", Author: mira, Text: said(span(text.Mention, "@library", "https://social.example/@library"), " Wonderful news! One question before we come: is the ramp at the side door open again? My mother uses a wheelchair, and last week we had to turn back because of the works.\n\nYour site still says “closed until further notice”: ", span(text.Link, "harbour-library.example/access", "https://harbour-library.example/access")), At: at(4 * time.Minute), Edited: at(2 * time.Minute), Visibility: page.Unlisted, URL: "https://social.example/3",
				Media: []page.Media{{Kind: "image", Src: "/gallery/picture", Alt: "The side entrance of the library. A ramp leads up to it from the right, half of it behind a fence.", Width: 800, Height: 600}}},
		},
		Foot: foot(page.ClaimView{Mine: true, By: "Ana Duarte", Release: "#"}, page.ComposerView{
			ID: "composer-mira", Action: "/gallery/form", As: "Ana Duarte", Account: "library@social.example", Network: "mastodon", To: []string{"mira@social.example"},
			Visibility: page.Unlisted, CanWarn: true, Rule: text.Rule{Unit: text.Graphemes, Max: 500}, Left: 500,
			Choices: []page.Option{{Value: "unlisted", Label: "⟦Unlisted⟧", Chosen: true}, {Value: "direct", Label: "⟦Private⟧"}},
			Media:   &page.MediaView{Accept: "image/*", Max: 4, AltMax: 1500},
		}),
	}
}

func tomasThread(at func(time.Duration) time.Time) page.ThreadView {
	return page.ThreadView{
		Head: page.ThreadHead{Person: tomas, Account: "library.example", Back: "/gallery/desk"},
		Messages: []page.Message{
			{ID: "t1", Author: tomas, Text: said("Third reminder for a book I returned in June. Does anybody read these messages?\n", span(text.Link, "your-library.example", "https://evil.example/login?x=1")), At: at(75 * time.Hour), Visibility: page.Public},
			{ID: "t2", Author: us, Ours: true, By: "Ana Duarte", Text: said("We do, and I am sorry. I have looked: the book is on our shelf, and the fine is gone."), At: at(74 * time.Hour), Delivery: &page.DeliveryView{State: page.Sent}},
			{ID: "t3", Author: us, Ours: true, By: "Ana Duarte", Text: said("Would you tell me which address the reminders came to?"), At: at(3 * time.Hour), Delivery: &page.DeliveryView{State: page.Failed, Why: "⟦The network refused: this post is longer than it allows.⟧", Next: "⟦Shorten it and send it again. Nobody has seen it.⟧", Actions: tryAgain()}},
			{ID: "t4", Author: us, Ours: true, By: "Ben Achterberg", Text: said("I have asked our partner library as well."), At: at(2 * time.Hour), Delivery: &page.DeliveryView{State: page.Unknown, Why: "⟦The connection broke while this was being sent.⟧", Next: "⟦Look at the profile: if it is there, say so; if not, send it again.⟧", Actions: settle()}},
			{ID: "t5", Author: us, Ours: true, By: "Ana Duarte", Text: said("One moment."), At: at(time.Minute), Delivery: &page.DeliveryView{State: page.Sending}},
			{ID: "t6", Author: tomas, Gone: true, At: at(50 * time.Second)},
			{ID: "t7", Author: us, Ours: true, Text: said("Our hours over the holidays are on the site."), At: at(40 * time.Second)},
			{ID: "t8", Author: tomas, Text: said(span(text.Quote, "Our hours over the holidays", ""), "\n", span(text.Code, "404", ""), " on that page, ", span(text.Strike, "thanks", ""), " <script>alert(1)</script>"), Warning: "Complaint", At: at(30 * time.Second), Media: []page.Media{{Kind: "image", Src: "/gallery/picture"}, {Kind: "video", URL: "https://bsky.example/v"}}},
		},
		Foot: foot(page.ClaimView{By: "Ben Achterberg", Since: at(9 * time.Minute), Force: "#"}, page.ComposerView{
			ID: "composer-tomas", Blocked: &page.CalloutView{What: "⟦Ben is answering.⟧", Next: "⟦Two answers would confuse.⟧"},
		}),
	}
}

func privateThread(at func(time.Duration) time.Time) page.ThreadView {
	return page.ThreadView{
		Head: page.ThreadHead{Person: nameless, Account: "library@social.example", Back: "/gallery/desk", Private: true},
		Messages: []page.Message{
			{ID: "n1", Author: nameless, Warning: "Spiders", Text: said("There is one in the returns box. A big one."), At: at(22 * time.Hour), Visibility: page.Direct},
		},
		Foot: foot(page.ClaimView{Take: "#"}, page.ComposerView{
			ID: "composer-nameless", Action: "/gallery/form", As: "Ana Duarte", Account: "library@social.example", To: []string{"zzz@tiny.example", "second@tiny.example"},
			Visibility: page.Direct, Body: "We have rescued it. It lives in the garden now.", Rule: text.Rule{Unit: text.Graphemes, Max: 40}, Left: -7,
			Problem: problem.New(problem.Throttled, "page.bad_form"),
		}),
	}
}

// answering is a conversation with an answer half written.
func answering(now time.Time) page.ThreadView {
	thread := miraThread(func(d time.Duration) time.Time { return now.Add(-d) })
	thread.Foot = foot(page.ClaimView{Mine: true, By: "Ana Duarte", Release: "#"}, page.ComposerView{
		ID: "composer-answering", Action: "/gallery/form", As: "Ana Duarte", Account: "library@social.example", To: []string{"mira@social.example"},
		Visibility: page.Public, CanWarn: true, Rule: text.Rule{Unit: text.Graphemes, Max: 500}, Left: 381,
		Body:    "Yes: since this morning it is open again, and the bell beside it works too. Tell us when you come, and somebody will be at the door.",
		Choices: []page.Option{{Value: "unlisted", Label: "⟦Unlisted⟧", Chosen: true}, {Value: "direct", Label: "⟦Private⟧"}},
		Media:   &page.MediaView{Accept: "image/*", Max: 4, AltMax: 1500},
	})
	return thread
}

func foot(claim page.ClaimView, composer page.ComposerView) templ.Component {
	return templ.Join(page.ClaimBar(claim), page.Composer(composer))
}
