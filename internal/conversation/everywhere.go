package conversation

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"parley/internal/actor"
	"parley/internal/page"
)

// everywherePath is the inbox over all workspaces of a member.
const everywherePath = "/inbox"

func (p *Pages) registerEverywhere(k *page.Kernel) {
	k.Handle("GET "+everywherePath, p.everywhere, page.SignedIn)
}

// everywhere shows the lists of all workspaces as one. Opening a conversation enters
// its workspace, with this list still beside it.
func (p *Pages) everywhere(_ http.ResponseWriter, r *page.Request) error {
	all := r.Visitor.Workspaces
	if len(all) == 1 {
		return r.Redirect(all[0].Link("inbox"))
	}
	v := readView(r.URL.Query())
	v.all = true
	list, err := p.everywherePane(r.Context(), r, v)
	if err != nil {
		return err
	}
	if r.Fetched() && r.URL.Query().Get("fragment") == "list" {
		return r.Render(page.ListPane(list))
	}
	return r.Render(inboxPage(page.DeskView{List: list, Thread: page.PaneView{Content: page.NothingOpen()}}))
}

// placed is a row and the workspace it is of.
type placed struct {
	Row
	in page.Workspace
}

// everywherePane is the list. Each workspace's page is the head of an index, so it
// costs what as many inboxes cost, however much is in them.
func (p *Pages) everywherePane(ctx context.Context, r *page.Request, v listView) (page.PaneView, error) {
	var found []placed
	counts := map[Box]int{}
	more := false
	for _, w := range r.Visitor.Workspaces {
		if !w.Actor.CanSomewhere(actor.ReadConversations) {
			continue
		}
		l, err := p.Desk.List(ctx, w.Actor, Filter{Box: v.box, After: v.after})
		if err != nil {
			return page.PaneView{}, err
		}
		more = more || l.Next.ID != 0
		for _, row := range l.Rows {
			found = append(found, placed{row, w})
		}
		some, err := p.Desk.Counts(ctx, w.Actor)
		if err != nil {
			return page.PaneView{}, err
		}
		for b, n := range some {
			counts[b] += n
		}
	}
	found, next := merge(v.box, found, more)
	rows, err := p.everywhereRows(ctx, r, v, found)
	if err != nil {
		return page.PaneView{}, err
	}
	further, first := "", ""
	if next.ID != 0 {
		further = v.from(next).href(everywherePath)
	}
	if v.after.ID != 0 {
		first = v.from(Place{}).href(everywherePath)
	}
	src := v.href(everywherePath, "fragment", "list")
	return page.PaneView{Live: "conversation thread delivery label person workspace", Everywhere: true, Src: src,
		Content: everywhereContent(v, p.boxTabs(r, v, counts), rows, further, first)}, nil
}

// merge puts the rows of several lists into the order of one, cuts it to a page and
// says where that ends, if there is more.
func merge(b Box, found []placed, more bool) ([]placed, Place) {
	key := func(x placed) time.Time { return x.Last }
	turn := -1
	switch b {
	case Waiting:
		key, turn = func(x placed) time.Time { return x.turn() }, 1
	case Later:
		key, turn = func(x placed) time.Time { return x.Snoozed }, 1
	}
	slices.SortFunc(found, func(x, y placed) int {
		return turn * cmp.Or(key(x).Compare(key(y)), cmp.Compare(x.ID, y.ID))
	})
	if len(found) > pageSize {
		found, more = found[:pageSize], true
	}
	if !more || len(found) == 0 {
		return found, Place{}
	}
	last := found[len(found)-1]
	return found, Place{At: key(last), ID: last.ID}
}

// everywhereRows are drawn each as in its own workspace, with the mark of that.
func (p *Pages) everywhereRows(ctx context.Context, r *page.Request, v listView, found []placed) ([]page.Row, error) {
	byWorkspace := map[string][]Row{}
	for _, f := range found {
		byWorkspace[f.in.Slug] = append(byWorkspace[f.in.Slug], f.Row)
	}
	drawn := map[string][]page.Row{}
	for _, w := range r.Visitor.Workspaces {
		if len(byWorkspace[w.Slug]) == 0 {
			continue
		}
		rows, err := p.rows(ctx, r.In(w), v, byWorkspace[w.Slug])
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i].In = &w
		}
		drawn[w.Slug] = rows
	}
	rows := make([]page.Row, len(found))
	for i, f := range found {
		mine := drawn[f.in.Slug]
		rows[i], drawn[f.in.Slug] = mine[0], mine[1:]
	}
	return rows, nil
}

// base is where the list of a view stands.
func (v listView) base(r *page.Request) string {
	if v.all {
		return everywherePath
	}
	return r.Link("inbox")
}
