package conversation

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
	"parley/internal/text"
)

func (p *Pages) registerUnder(k *page.Kernel) {
	k.Member("GET /under/{message}", p.under)
	k.Member("POST /under/{message}", p.bulk)
	k.Member("GET /under/{message}/next", p.nextUnder)
}

// underView is the page of everything under one of our posts.
type underView struct {
	Post
	Path    string
	Account string
	All     bool // the done ones too
	May     bool // label and finish
	Labels  []Label
	Next    string
	First   string
}

// readStanding is where the page begins, as its address says it.
func readStanding(q url.Values) (s Standing) {
	s.ID, _ = id.Parse(q.Get("after"))
	at, _ := strconv.ParseInt(q.Get("at"), 10, 64)
	if s.At, s.State = micros(at), Open; q.Get("state") == string(Done) {
		s.State = Done
	}
	return s
}

func (p *Pages) under(_ http.ResponseWriter, r *page.Request) error {
	message, err := r.PathID("message")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v := underView{Path: r.Link("under/" + message.String()), All: q.Get("show") == "all", May: r.Actor.CanSomewhere(actor.Claim)}
	only, after := Open, readStanding(q)
	if v.All {
		only = ""
	}
	if v.Post, err = p.Desk.Under(r.Context(), r.Actor, message, only, after); err != nil {
		return err
	}
	if v.Labels, err = p.Desk.Labels(r.Context(), r.Actor); err != nil {
		return err
	}
	v.Labels = slices.DeleteFunc(v.Labels, func(l Label) bool { return !l.Retired.IsZero() })
	if next := v.Post.Next; next.ID != 0 {
		v.Next = v.href("after", next.ID.String(), "at", strconv.FormatInt(next.At.UnixMicro(), 10), "state", string(next.State))
	}
	if after.ID != 0 {
		v.First = v.href()
	}
	return r.Render(underPageOf(v))
}

// href is an address of the same page; more are pairs of name and value.
func (v underView) href(more ...string) string {
	q := url.Values{}
	if v.All {
		q.Set("show", "all")
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return v.Path
	}
	return v.Path + "?" + q.Encode()
}

// tabs are the open ones and all of them.
func (v underView) tabs(ctx context.Context) []page.Tab {
	open, all := v, v
	open.All, all.All = false, true
	return []page.Tab{{Label: page.T(ctx, "conversation.under.open"), Href: open.href(), Count: v.Open, Current: !v.All},
		{Label: page.T(ctx, "conversation.under.all"), Href: all.href(), Current: v.All}}
}

// options are the labels to choose from.
func (v underView) options() []page.Option {
	var all []page.Option
	for _, l := range v.Labels {
		all = append(all, page.Option{Value: l.ID.String(), Label: l.Name})
	}
	return all
}

// row is a conversation as the page shows it.
func (v underView) row(ctx context.Context, r Row) page.Row {
	return page.Row{ID: r.ID, Href: page.Link(ctx, "inbox/"+r.ID.String()) + "?under=" + v.Message.ID.String(),
		Person:  page.Person{Key: r.Person.RemoteID, Name: text.DisplaySafe(r.Person.Name), Handle: text.DisplaySafe(r.Person.Handle)},
		Excerpt: afterOurName(r.Snippet, r.Handle), Warning: r.Warning, At: r.Last, Waiting: r.Waiting, Claimed: r.Claimer, Claimer: r.ClaimedBy,
		Labels: presentLabels(r.Labels), Until: r.Snoozed, Gone: r.Gone}
}

// bulk does one thing to all that were chosen: those that are ticked, or everything
// open under the post. The button says what.
func (p *Pages) bulk(_ http.ResponseWriter, r *page.Request) error {
	message, err := r.PathID("message")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	chosen, err := p.chosen(r, message, form)
	if err != nil {
		return err
	}
	var did Bulk
	what := form.Get("do")
	for batch := range slices.Chunk(chosen, bulkMost) {
		var one Bulk
		switch what {
		case "finish":
			one, err = p.Desk.FinishMany(r.Context(), r.Actor, batch)
		case "put", "take":
			label, wrong := parseID(form.Get("label"))
			if wrong != nil {
				return wrong
			}
			one, err = p.Desk.LabelMany(r.Context(), r.Actor, label, what == "put", batch)
		default:
			return page.NotFound()
		}
		if err != nil {
			return err
		}
		did.Done, did.Skipped = append(did.Done, one.Done...), append(did.Skipped, one.Skipped...)
	}
	said := "conversation.under.done." + what
	if len(did.Skipped) > 0 {
		said = "conversation.under.skipped"
	}
	r.Flash(said, "n", len(did.Done), "skipped", len(did.Skipped))
	q := r.URL.Query()
	return r.Redirect(underView{Path: r.Link("under/" + message.String()), All: q.Get("show") == "all"}.href())
}

func (p *Pages) chosen(r *page.Request, message id.ID, form url.Values) ([]id.ID, error) {
	if form.Get("every") != "" {
		return p.Desk.openUnder(r.Context(), r.Actor, message)
	}
	var all []id.ID
	for _, one := range form["pick"] {
		c, err := id.Parse(one)
		if err != nil {
			return nil, page.NotFound()
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, problem.New(problem.Invalid, "conversation.nothing_chosen")
	}
	return all, nil
}

// everyMost bounds what "everything under this post" means at once.
const everyMost = 2000

// openUnder is everything open under a post.
func (d *Desk) openUnder(ctx context.Context, a actor.Actor, message id.ID) ([]id.ID, error) {
	m, err := d.postOf(ctx, a, message)
	if err != nil {
		return nil, err
	}
	args := []any{a.Workspace}
	where := under(a, m.Thread, Open, Standing{}, &args)
	all, err := ids(ctx, d.db.Read(), fmt.Sprintf(`select c.id from conversation c where c.workspace = $1 and %s order by %s limit %d`, where, underOrder, everyMost), args...)
	if err != nil {
		return nil, fmt.Errorf("reading what is under a post: %w", err)
	}
	if len(all) == 0 {
		return nil, problem.New(problem.Invalid, "conversation.nothing_chosen")
	}
	return all, nil
}

// nextUnder opens the next one under a post, or says that none is left.
func (p *Pages) nextUnder(_ http.ResponseWriter, r *page.Request) error {
	message, err := r.PathID("message")
	if err != nil {
		return err
	}
	after, err := parseID(r.URL.Query().Get("after"))
	if err != nil {
		return err
	}
	return p.goOn(r, message, after)
}

func (p *Pages) goOn(r *page.Request, message, after id.ID) error {
	next, err := p.Desk.NextUnder(r.Context(), r.Actor, message, after)
	if err != nil {
		return err
	}
	if next == 0 {
		r.Flash("conversation.under.none")
		return r.Redirect(r.Link("under/" + message.String()))
	}
	return r.Redirect(listView{box: Waiting, under: message}.href(r.Link("inbox/" + next.String())))
}

// onwards is where one goes when a conversation is answered or needs nothing: on to
// the next under the same post, or where one was.
func (p *Pages) onwards(r *page.Request, conversation id.ID) error {
	v := readView(r.URL.Query())
	if v.under != 0 {
		return p.goOn(r, v.under, conversation)
	}
	return r.Redirect(v.href(r.Link("inbox/" + conversation.String())))
}

// finish says that it needs no answer, and goes on.
func (p *Pages) finish(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	if err := p.Desk.Finish(r.Context(), r.Actor, conversation); err != nil {
		return err
	}
	return p.onwards(r, conversation)
}

// underHere leads from an answer to one of our posts to everything under it; while
// one answers one after the other also past the one that is open. nil: it answers
// none of ours.
func underHere(r *page.Request, v View, list listView) templ.Component {
	if v.Post == 0 {
		return nil
	}
	all, skip := r.Link("under/"+v.Post.String()), ""
	if list.under == v.Post {
		skip = all + "/next?after=" + v.ID.String()
	}
	return underBar(all, skip)
}

// underName is what a row calls somebody.
func underName(c Row) string { return text.DisplaySafe(cmp.Or(c.Person.Name, "@"+c.Person.Handle)) }
