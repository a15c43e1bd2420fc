package conversation

import (
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// Picture fetches a picture from outside, made safe, by its address.
type Picture func(ctx context.Context, workspace id.ID, address string, edge int) (body []byte, mime string, err error)

// Own reads what a member attached to an answer.
type Own func(ctx context.Context, workspace id.ID, digest [32]byte) (body []byte, mime string, err error)

// Pages are the inbox and the open conversation.
type Pages struct {
	Desk    *Desk
	Out     *delivery.Delivery
	Picture Picture
	Own     Own
	Held    Held
	Fetch   Fetch
	Scrub   func(context.Context) error // after an erasure
	Also    []EraseAlso
	// Opened is told who opened which conversation. nil: nobody wants to know.
	Opened func(ctx context.Context, a actor.Actor, conversation id.ID) error
}

// attachmentLimit bounds one posted answer with its files.
const attachmentLimit = 48 << 20

// Register adds the routes.
func (p *Pages) Register(k *page.Kernel) {
	p.registerPromise(k)
	p.registerEverywhere(k)
	p.registerUrgent(k)
	k.Member("GET /inbox", p.inbox)
	k.Member("GET /inbox/{conversation}", p.open)
	p.registerSearch(k)
	k.Member("POST /inbox/{conversation}/claim", p.verb(p.Desk.Claim))
	k.Member("POST /inbox/{conversation}/release", p.verb(p.Desk.Release))
	k.Member("POST /inbox/{conversation}/finish", p.finish)
	k.Member("POST /inbox/{conversation}/reopen", p.verb(p.Desk.Reopen))
	k.Member("POST /inbox/{conversation}/reply", p.reply, page.MaxBody(attachmentLimit))
	k.Member("POST /inbox/{conversation}/erase", p.erase)
	k.Member("POST /inbox/{conversation}/send/{delivery}/{what}", p.decide)
	p.registerLabels(k)
	p.registerNotes(k)
	p.registerHandovers(k)
	p.registerViews(k)
	p.registerPerson(k)
	p.registerSnooze(k)
	p.registerUnder(k)
	p.registerDrafts(k)
	p.registerAsking(k)
	k.Member("GET /picture/person/{identity}", p.avatar)
	k.Member("GET /picture/message/{message}/{n}", p.attachment)
	p.registerFiles(k)
}

func (p *Pages) inbox(_ http.ResponseWriter, r *page.Request) error {
	if !r.Actor.CanSomewhere(actor.ReadConversations) {
		return r.Actor.Require(actor.ReadConversations)
	}
	v := readView(r.URL.Query())
	if v.all {
		return r.Redirect(v.href(everywherePath))
	}
	if r.URL.Query().Has("narrow") { // the form's own address says much that is nothing
		return r.Redirect(v.href(r.Link("inbox")))
	}
	if r.Fetched() && r.URL.Query().Get("fragment") == "list" {
		own, err := p.Desk.ownViews(r.Context(), r.Actor)
		if err != nil {
			return err
		}
		return r.Fragment(v.sharedBy(r.Actor, own), func(ctx context.Context) (templ.Component, error) {
			pane, err := p.listPane(ctx, r, v)
			return page.ListPane(pane), err
		})
	}
	list, err := p.listPane(r.Context(), r, v)
	if err != nil {
		return err
	}
	return r.Render(inboxPage(page.DeskView{List: list, Thread: page.PaneView{Content: page.NothingOpen()}}))
}

func (p *Pages) listPane(ctx context.Context, r *page.Request, v listView) (page.PaneView, error) {
	if v.all {
		return p.everywherePane(ctx, r, v)
	}
	src := v.href(r.Link("inbox"), "fragment", "list")
	list, err := p.Desk.List(ctx, r.Actor, v.filter())
	if err != nil {
		return page.PaneView{}, err
	}
	counts, err := p.Desk.Counts(ctx, r.Actor)
	if err != nil {
		return page.PaneView{}, err
	}
	rows, err := p.rows(ctx, r, v, list.Rows)
	if err != nil {
		return page.PaneView{}, err
	}
	next, first := "", ""
	if list.Next.ID != 0 {
		next = v.from(list.Next).href(r.Link("inbox"))
	}
	if v.after.ID != 0 {
		first = v.from(Place{}).href(r.Link("inbox"))
	}
	narrow, err := p.narrowing(ctx, r, v)
	if err != nil {
		return page.PaneView{}, err
	}
	return page.PaneView{Live: "conversation thread delivery label view person workspace", Src: src, Content: listContent(v, narrow, p.boxTabs(r, v, counts), rows, takes(r.Actor), next, first)}, nil
}

// boxTabs lead from box to box.
func (p *Pages) boxTabs(r *page.Request, v listView, counts map[Box]int) []page.Tab {
	var tabs []page.Tab
	for _, b := range Boxes {
		if (b == Reading || b == Later) && counts[b] == 0 && v.box != b {
			continue // nobody who reads no feed needs a box for them
		}
		tabs = append(tabs, page.Tab{Label: r.T("conversation.box." + string(b)), Href: v.in(b).href(v.base(r)), Count: counts[b], Current: b == v.box})
	}
	return tabs
}

// rows draws conversations of the request's workspace.
func (p *Pages) rows(ctx context.Context, r *page.Request, v listView, found []Row) ([]page.Row, error) {
	states, err := p.troubles(ctx, r.Actor)
	if err != nil {
		return nil, err
	}
	marks, err := p.Desk.marked(ctx, r.Actor.Workspace, found)
	if err != nil {
		return nil, err
	}
	var rows []page.Row
	for _, c := range found {
		rows = append(rows, markedRow(r, presentRow(r, c, v, states[c.ID]), marks[c.Person.Person]))
	}
	return rows, nil
}

// troubles are the sends that are under way or need eyes, by conversation.
func (p *Pages) troubles(ctx context.Context, a actor.Actor) (map[id.ID]page.State, error) {
	open, err := p.Out.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	states := map[id.ID]page.State{}
	for _, d := range open {
		if d.Kind == delivery.Reply && states[d.Subject] == "" {
			states[d.Subject] = presentState(d.State)
		}
	}
	return states, nil
}

func (p *Pages) open(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	thread, err := p.threadPane(r, conversation, nil, Answer{})
	if err != nil {
		return err
	}
	if p.Opened != nil {
		thread.Live += " notification:" + r.Actor.Member.String() // what is told while one looks is read
		if err := p.Opened(r.Context(), r.Actor, conversation); err != nil {
			return err
		}
	}
	if r.Fetched() && r.URL.Query().Get("fragment") == "thread" {
		return r.Render(page.ThreadPane(thread))
	}
	list, err := p.listPane(r.Context(), r, readView(r.URL.Query()))
	if err != nil {
		return err
	}
	return r.Render(inboxPage(page.DeskView{List: list, Thread: thread}))
}

func (p *Pages) threadPane(r *page.Request, conversation id.ID, wrong error, draft Answer) (page.PaneView, error) {
	ctx := r.Context()
	message, err := parseID(r.URL.Query().Get("message"))
	if err != nil {
		return page.PaneView{}, err
	}
	v, err := p.Desk.OpenAt(ctx, r.Actor, conversation, message)
	if err != nil {
		return page.PaneView{}, err
	}
	c, err := p.Desk.Compose(ctx, r.Actor, conversation, 0)
	if err != nil && !problem.Is(err, "conversation.nothing_to_answer") {
		return page.PaneView{}, err
	}
	sends, err := p.Out.Of(ctx, r.Actor, delivery.Reply, conversation)
	if err != nil {
		return page.PaneView{}, err
	}
	view := readView(r.URL.Query())
	src := view.href(r.Link("inbox/"+conversation.String()), "fragment", "thread")
	if v.Later {
		src = view.href(r.Link("inbox/"+conversation.String()), "fragment", "thread", "message", message.String())
	}
	with, err := p.around(r, v, c.Account.Handle, view)
	if err != nil {
		return page.PaneView{}, err
	}
	thread := withPerson(p.present(r, v, c, sends, with, view, wrong, draft), p.besidePerson(r, v.Person.Person, v.ID, view))
	return page.PaneView{Open: true, Live: "conversation:" + conversation.String() + " thread delivery label person", Src: src, Content: thread,
		With: presentPerson(r, v.Person, c.Account.Network)}, nil
}

// verb answers a form that does one thing to a conversation.
func (p *Pages) verb(do func(context.Context, actor.Actor, id.ID) error) page.Handler {
	return func(_ http.ResponseWriter, r *page.Request) error {
		conversation, err := r.PathID("conversation")
		if err != nil {
			return err
		}
		if err := do(r.Context(), r.Actor, conversation); err != nil {
			return err
		}
		return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
	}
}

func (p *Pages) decide(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	send, err := r.PathID("delivery")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	ctx, a := r.Context(), r.Actor
	switch r.PathValue("what") {
	case "retry":
		err = p.Out.Retry(ctx, a, send)
	case "check":
		err = p.Out.Check(ctx, a, send)
	case "discard":
		err = p.Out.Discard(ctx, a, send)
	case "callback":
		err = p.Out.CallBack(ctx, a, send)
	case "there":
		// Nobody can tell us its id there, so the conversation is closed by hand.
		if err = p.Out.Settle(ctx, a, send, delivery.Finding{There: true, Address: form.Get("address")}); err == nil {
			err = p.Desk.Finish(ctx, a, conversation)
		}
	case "missing":
		err = p.Out.Settle(ctx, a, send, delivery.Finding{})
	default:
		err = page.NotFound()
	}
	if err != nil {
		return err
	}
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

func (p *Pages) erase(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	person, err := p.Desk.PersonOf(r.Context(), r.Actor, conversation)
	if err != nil {
		return err
	}
	return p.eraseAnd(r, person)
}

func (p *Pages) eraseAnd(r *page.Request, person id.ID) error {
	if err := p.Desk.Erase(r.Context(), r.Actor, person, p.Also...); err != nil {
		return err
	}
	if err := p.Scrub(r.Context()); err != nil {
		return err
	}
	return r.Redirect(r.Link("inbox"))
}

func (p *Pages) avatar(w http.ResponseWriter, r *page.Request) error {
	identity, err := r.PathID("identity")
	if err != nil {
		return err
	}
	address, err := p.Desk.AvatarOf(r.Context(), r.Actor, identity)
	if err != nil {
		return err
	}
	return p.picture(w, r, address, 192)
}

func (p *Pages) attachment(w http.ResponseWriter, r *page.Request) error {
	message, err := r.PathID("message")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return page.NotFound()
	}
	m, err := p.Desk.AttachmentOf(r.Context(), r.Actor, message, n)
	if err != nil {
		return err
	}
	if m.Digest == ([32]byte{}) {
		return p.picture(w, r, m.URL, 1600)
	}
	body, mime, err := p.Own(r.Context(), r.Workspace.ID, m.Digest)
	if err != nil {
		return err
	}
	return serve(w, body, mime)
}

func (p *Pages) picture(w http.ResponseWriter, r *page.Request, address string, edge int) error {
	if address == "" {
		return page.NotFound()
	}
	body, mime, err := p.Picture(r.Context(), r.Workspace.ID, address, edge)
	if err != nil {
		return err
	}
	return serve(w, body, mime)
}

func serve(w http.ResponseWriter, body []byte, mime string) error {
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Cache-Control", "private, max-age=86400")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}
