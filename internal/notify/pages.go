package notify

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"parley/internal/page"
	"parley/internal/text"
)

// Path is where one's notifications are, over all workspaces.
const Path = "/notifications"

// Pages are the bell and what it leads to.
type Pages struct{ S *Service }

// Register adds the routes.
func (p Pages) Register(k *page.Kernel) {
	k.Handle("GET "+Path, p.list, page.SignedIn)
	k.Handle("POST "+Path+"/read", p.readAll, page.SignedIn)
	k.Member("GET /notifications/{notification}", p.open)
	p.registerChoices(k)
	k.Member("POST /notifications/{notification}/read", p.read)
}

// line is a notification as it is shown.
type line struct {
	Notification
	Workspace page.Workspace
	Subject   Subject
}

func (p Pages) list(_ http.ResponseWriter, r *page.Request) error {
	if r.Fetched() && r.URL.Query().Get("fragment") == "bell" {
		return r.Render(p.Bell(r.Context(), r.Visitor))
	}
	lines, err := p.lines(r)
	if err != nil {
		return err
	}
	return r.Render(listPage(lines, len(r.Visitor.Workspaces) > 1))
}

// lines are the newest of all workspaces of the visitor.
func (p Pages) lines(r *page.Request) ([]line, error) {
	var all []line
	for _, w := range r.Visitor.Workspaces {
		if mine(w.Actor) != nil {
			continue
		}
		ns, _, err := p.S.List(r.Context(), w.Actor, Place{}, 0)
		if err != nil {
			return nil, err
		}
		subjects, err := p.S.Subjects(r.Context(), w.Actor, ns)
		if err != nil {
			return nil, err
		}
		for _, n := range ns {
			l := line{n, w, subjects[n.ID]}
			if l.Subject.Avatar != "" {
				l.Subject.Avatar = w.Link(l.Subject.Avatar)
			}
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(x, y line) int { return cmp.Or(y.Made.Compare(x.Made), cmp.Compare(y.ID, x.ID)) })
	return all[:min(len(all), shown)], nil
}

func (p Pages) readAll(_ http.ResponseWriter, r *page.Request) error {
	for _, w := range r.Visitor.Workspaces {
		if mine(w.Actor) != nil {
			continue
		}
		if err := p.S.MarkAllRead(r.Context(), w.Actor); err != nil {
			return err
		}
	}
	return r.Redirect(Path)
}

func (p Pages) read(_ http.ResponseWriter, r *page.Request) error {
	notification, err := r.PathID("notification")
	if err != nil {
		return err
	}
	if err := p.S.MarkRead(r.Context(), r.Actor, notification); err != nil {
		return err
	}
	return r.Redirect(Path)
}

// open leads to exactly what a notification is about. Following it is reading it:
// who looks at the thing knows what it told.
func (p Pages) open(_ http.ResponseWriter, r *page.Request) error {
	notification, err := r.PathID("notification")
	if err != nil {
		return err
	}
	n, err := p.S.Get(r.Context(), r.Actor, notification)
	if err != nil {
		return err
	}
	if err := p.S.MarkRead(r.Context(), r.Actor, notification); err != nil {
		return err
	}
	return r.Redirect(r.Link(n.target()))
}

// target is the page of what it is about, inside the workspace.
func (n Notification) target() string {
	if n.Kind == Account {
		return "accounts/" + n.Account.String()
	}
	return "inbox/" + n.Conversation.String()
}

// Bell is the way to one's notifications, with how many are unread. It keeps itself
// fresh by the events of the visitor's own memberships.
func (p Pages) Bell(ctx context.Context, v page.Visitor) templ.Component {
	n := 0
	var live []string
	for _, w := range v.Workspaces {
		live = append(live, "notification:"+w.Actor.Member.String())
		if mine(w.Actor) != nil {
			continue
		}
		unread, err := p.S.Unread(ctx, w.Actor)
		if err != nil {
			p.S.Logger.WarnContext(ctx, "counting notifications", "workspace", w.ID, "err", err)
			continue // a page without a number is better than no page
		}
		n += unread
	}
	return bell(n, strings.Join(live, " "))
}

// person is who a line is about.
func (l line) person() page.Person {
	s := l.Subject
	return page.Person{Key: s.Key, Name: text.DisplaySafe(s.Name), Handle: text.DisplaySafe(s.Handle), Avatar: s.Avatar, Network: s.Network}
}

func (l line) link() string { return l.Workspace.Link("notifications/" + l.ID.String()) }

// icon stands where a notification is about no person.
func (l line) icon() string {
	switch l.Kind {
	case Urgent, Failed, Account:
		return "alert"
	case Unknown:
		return "question"
	case Handed, Answered:
		return "reply"
	case Mentioned:
		return "people"
	default:
		return "bell"
	}
}

// say is the sentence of a line.
func (l line) say(ctx context.Context) string {
	s := l.Subject
	name := text.DisplaySafe(cmp.Or(strings.TrimSpace(s.Name), "@"+s.Handle))
	key := "notify.say." + string(l.Kind)
	if s.Name == "" && s.Handle == "" && l.Kind != Account {
		return page.T(ctx, key+".short")
	}
	return page.T(ctx, key, "name", name, "n", l.Times, "account", text.DisplaySafe(s.Account))
}

// day groups lines.
type day struct {
	of    line // the first
	lines []line
}

func days(ctx context.Context, all []line) []day {
	var out []day
	loc := page.Locale(ctx)
	for _, l := range all {
		if n := len(out); n == 0 || loc.Day(out[n-1].of.Made, page.Now(ctx)) != loc.Day(l.Made, page.Now(ctx)) {
			out = append(out, day{of: l})
		}
		last := &out[len(out)-1]
		last.lines = append(last.lines, l)
	}
	return out
}

func unread(all []line) bool {
	return slices.ContainsFunc(all, func(l line) bool { return l.Read.IsZero() })
}

func liveOf(ctx context.Context) string {
	var live []string
	for _, w := range page.Me(ctx).Workspaces {
		live = append(live, "notification:"+w.Actor.Member.String())
	}
	return strings.Join(live, " ")
}
