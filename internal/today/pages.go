package today

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/page"
	"parley/internal/text"
)

// Pages are Today in one workspace, and over all of a member's.
type Pages struct{ Today *Today }

// Register adds the routes.
func (p Pages) Register(k *page.Kernel) {
	k.Member("GET /today", func(_ http.ResponseWriter, r *page.Request) error {
		return p.show(r, []page.Workspace{r.Workspace})
	})
	k.Handle("GET /today", func(_ http.ResponseWriter, r *page.Request) error {
		return p.show(r, r.Visitor.Workspaces)
	}, page.SignedIn)
}

func (p Pages) show(r *page.Request, in []page.Workspace) error {
	parts := make([]Part, len(in))
	for i, w := range in {
		var err error
		if parts[i], err = p.Today.Read(r.Context(), w.Actor); err != nil {
			return err
		}
		parts[i].Workspace = w
	}
	return r.Render(todayPage(join(parts), r.URL.Path))
}

// greeting is a key: people begin and end at all hours.
func greeting(now time.Time) string {
	switch h := now.Hour(); {
	case h >= 5 && h < 12:
		return "today.morning"
	case h >= 12 && h < 18:
		return "today.afternoon"
	default:
		return "today.evening"
	}
}

// lead is the sentence under the greeting.
func lead(ctx context.Context, d Day) string {
	if d.Waiting == 0 {
		if d.Works && !d.clear() {
			return page.T(ctx, "today.lead.nobody")
		}
		return page.T(ctx, "today.lead.clear")
	}
	n := any(d.Waiting)
	key := "today.lead"
	if d.Waiting >= 100 {
		key = "today.lead.many"
	}
	return page.T(ctx, key, "n", n, "span", page.Locale(ctx).Span(page.Now(ctx).Sub(d.Longest)))
}

// first is where whoever presses the one button begins: with who waits longest.
func first(d Day) string {
	if len(d.Queue) == 0 {
		return ""
	}
	return conversationAt(d.Queue[0])
}

// take is where the next one is given, so that two who press it get two people. Over
// several workspaces, and to who does not answer, nobody is given: they choose.
func (d Day) take() string {
	if d.Several || len(d.Queue) == 0 {
		return ""
	}
	if w := d.Queue[0].Workspace; w.Actor.CanSomewhere(actor.Claim) && w.Actor.CanSomewhere(actor.Reply) {
		return w.Link("inbox/next")
	}
	return ""
}

func conversationAt(l Line[conversation.Row]) string {
	return l.Workspace.Link("inbox/" + l.It.ID.String())
}

// person is who a row is about, with their picture.
func person(l Line[conversation.Row]) page.Person {
	p := l.It.Person
	shown := page.Person{Key: p.RemoteID, Name: text.DisplaySafe(p.Name), Handle: text.DisplaySafe(p.Handle), Network: l.It.Network, URL: p.URL, Bot: p.Bot}
	if p.Avatar != "" {
		shown.Avatar = l.Workspace.Link("picture/person/" + p.Identity.String())
	}
	return shown
}

func name(p page.Person) string { return cmp.Or(p.Name, "@"+p.Handle) }

// addressee is whom an answer was for; "" where the words are not ours to read.
func addressee(d delivery.Record) string {
	if d.Draft.ReplyTo == nil {
		return ""
	}
	return text.DisplaySafe(cmp.Or(d.Draft.ReplyTo.Author.Name, "@"+d.Draft.ReplyTo.Author.Handle))
}

func excerpt(s string) string { return text.DisplaySafe(text.CleanLine(s, 160)) }

// what became of an answer, as a sentence.
func what(ctx context.Context, d delivery.Record) string {
	said, _ := page.Locale(ctx).Problem(d.Reason)
	return said
}

// given is what somebody is greeted by.
func given(name string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(name), " ")
	return first
}

// more is the whole list.
func (d Day) more(b conversation.Box) string {
	rows := d.Queue
	if b == conversation.Mine {
		rows = d.Mine
	}
	switch {
	case len(rows) == 0:
		return ""
	case d.Several:
		return "/inbox?box=" + string(b)
	}
	return rows[0].Workspace.Link("inbox?box=" + string(b))
}

func state(d delivery.Record) page.State {
	if d.State == delivery.Unknown {
		return page.Unknown
	}
	return page.Failed
}
