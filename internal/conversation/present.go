package conversation

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/db"
	"parley/internal/delivery"
	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/problem"
	"parley/internal/text"
)

// deskTitle names who is open, so that tabs and the way back tell apart.
func deskTitle(ctx context.Context, desk page.DeskView) string {
	title := page.T(ctx, "conversation.inbox")
	if who := desk.Thread.Who(); who != "" {
		title = who + " · " + title
	}
	return title
}

func micros(us int64) time.Time { return db.Time(us) }

func parseID(s string) (id.ID, error) {
	if s == "" {
		return 0, nil
	}
	v, err := id.Parse(s)
	if err != nil {
		return 0, page.NotFound()
	}
	return v, nil
}

func presentState(s delivery.State) page.State {
	switch s {
	case delivery.Sent:
		return page.Sent
	case delivery.Failed:
		return page.Failed
	case delivery.Unknown:
		return page.Unknown
	default:
		return page.Sending
	}
}

func presentPerson(r *page.Request, p Person, networkName string) page.Person {
	shown := page.Person{Key: p.RemoteID, Name: text.DisplaySafe(p.Name), Handle: text.DisplaySafe(p.Handle), Network: networkName, URL: p.URL, Bot: p.Bot}
	if p.Avatar != "" {
		shown.Avatar = r.Link("picture/person/" + p.Identity.String())
	}
	return shown
}

func presentRow(r *page.Request, c Row, v listView, state page.State) page.Row {
	row := page.Row{ID: c.ID, Href: v.href(r.Link("inbox/" + c.ID.String())), Person: presentPerson(r, c.Person, c.Network),
		Excerpt: afterOurName(c.Snippet, c.Handle), Warning: c.Warning, At: c.Last, Waiting: c.Waiting, Until: c.Snoozed, Private: c.Kind == Direct, Claimed: c.Claimer, Claimer: c.ClaimedBy,
		Gone: c.Gone, Account: c.Handle, Labels: presentLabels(c.Labels)}
	row.Due, row.Urgent = c.Due, presentUrgent(r, c.Urgent)
	if c.LastOwn {
		row.By = c.Handle
	}
	row.Handed = presentGiven(r, c, v)
	if state != page.Sent {
		row.State = state
	}
	return row
}

// afterOurName leaves out the name by which a message begins to speak to us: in a
// list of what is said to us it says nothing, and it stands in every row.
func afterOurName(words, handle string) string {
	first, rest, _ := strings.Cut(words, " ")
	name, ok := strings.CutPrefix(strings.TrimRight(first, ",:"), "@")
	local, _, _ := strings.Cut(handle, "@")
	if rest == "" || !ok || !strings.EqualFold(name, handle) && !strings.EqualFold(name, local) {
		return words
	}
	return rest
}

// present makes the open conversation: the thread as it stands on the network,
// our answers that are on their way, who answers, and the composer.
func (p *Pages) present(r *page.Request, v View, c Composer, sends []delivery.Record, with around, list listView, wrong error, draft Answer) templ.Component {
	base := r.Link("inbox/" + v.ID.String())
	act := func(what string) string { return list.href(base + "/" + what) }
	t := page.ThreadView{Head: page.ThreadHead{Person: presentPerson(r, v.Person, c.Account.Network), Account: c.Account.Handle,
		Back: list.href(list.base(r)), Private: v.Kind == Direct, Labels: presentLabels(v.Labels), Tools: with.tools,
		About: r.Link("people/" + v.Person.Person.String())}}
	for _, m := range v.Messages {
		t.Messages = append(t.Messages, p.presentMessage(r, m, c.Account.Network, p.memberNames(r, v, sends)))
	}
	stands := map[id.ID]bool{}
	for _, m := range v.Messages {
		stands[m.Delivery] = m.Delivery != 0
	}
	for _, d := range sends {
		if m, ok := p.presentSend(r, d, c, act); ok && !stands[d.ID] {
			t.Messages = append(t.Messages, m)
		}
	}
	t.Messages = p.withNotes(r, t.Messages, with.notes, act)
	t.Before = before(with.snoozing, underHere(r, v, list), othersHere(r, v, list))
	if t.Foot = p.foot(r, v, c, act, with.beside, wrong, draft); c.Alone && t.Foot != nil {
		t.Foot = cautious(t.Foot)
	}
	if !v.Waiting.IsZero() {
		t.Foot = clockOver(v, t.Foot)
	}
	if len(v.Urgent) > 0 {
		t.Foot = urgentOver(v, t.Foot)
	}
	return page.Thread(t)
}

// around is what stands around the messages of an open conversation.
type around struct {
	notes         []Note
	tools, beside templ.Component
	snoozing      snoozing
}

// around reads what stands around the messages.
func (p *Pages) around(r *page.Request, v View, handle string, list listView) (with around, err error) {
	act := func(what string) string { return list.href(r.Link("inbox/"+v.ID.String()) + "/" + what) }
	if with.notes, err = p.Desk.Notes(r.Context(), r.Actor, v.ID); err != nil {
		return with, err
	}
	if with.snoozing, err = p.snoozing(r, v, act); err != nil {
		return with, err
	}
	if with.tools, err = p.tools(r, v, list, with.snoozing); err != nil {
		return with, err
	}
	with.beside, err = p.beside(r, v, handle, act)
	return with, err
}

// tools are what can be done with a conversation besides answering it.
func (p *Pages) tools(r *page.Request, v View, list listView, rest snoozing) (templ.Component, error) {
	act := func(what string) string { return list.href(r.Link("inbox/"+v.ID.String()) + "/" + what) }
	mayClaim := r.Actor.Can(actor.Claim, scope(v.Account))
	labels, err := p.chooser(r, v, act("labels"))
	if err != nil {
		return nil, err
	}
	return threadTools(v, act, labels, rest, mayClaim, r.Actor.Can(actor.ErasePerson)), nil
}

// memberNames are the names of members who wrote answers here.
func (p *Pages) memberNames(r *page.Request, v View, _ []delivery.Record) map[id.ID]string {
	names, err := p.Desk.Writers(r.Context(), r.Actor.Workspace, v.Messages)
	if err != nil {
		return nil // the words matter more than who of us wrote them
	}
	return names
}

func (p *Pages) presentMessage(r *page.Request, m Message, networkName string, names map[id.ID]string) page.Message {
	shown := page.Message{ID: m.ID.String(), Author: presentPerson(r, m.Author, networkName), Ours: m.Own != 0, By: names[m.By],
		Text: m.Text.DisplaySafe(), Lang: m.Lang, At: m.At, Edited: m.Edited, Gone: !m.Gone.IsZero(), Warning: text.DisplaySafe(m.Warning),
		Visibility: page.Visibility(m.Visibility), URL: m.URL, Context: !m.Mine && m.Own == 0}
	for i, a := range m.Media {
		one := page.Media{Kind: a.Kind, URL: a.URL, MIME: a.MIME, Alt: text.DisplaySafe(a.Alt), Width: a.Width, Height: a.Height}
		if strings.HasPrefix(a.URL, network.InPlace) {
			one.URL, one.File, one.Size = "", r.Link("file/message/"+m.ID.String()+"/"+strconv.Itoa(i)), a.Size
		} else if a.Kind == "image" && (a.URL != "" || a.Digest != [32]byte{}) {
			one.Src = r.Link("picture/message/" + m.ID.String() + "/" + strconv.Itoa(i))
		}
		shown.Media = append(shown.Media, one)
	}
	if m.Delivery != 0 {
		shown.Delivery = &page.DeliveryView{State: page.Sent}
	}
	return shown
}

// storing is how long an answer may be sent and not yet be a message here: the
// two are written one after the other. Until then the send itself is shown.
const storing = time.Minute

// presentSend shows an answer that is not among the messages (yet).
func (p *Pages) presentSend(r *page.Request, d delivery.Record, c Composer, act func(string) string) (page.Message, bool) {
	if d.State.Final() && (d.State != delivery.Sent || r.Now().Sub(d.Changed) > storing) {
		return page.Message{}, false
	}
	names, err := p.Desk.names(r.Context(), r.Actor.Workspace, []id.ID{d.Member})
	by := ""
	if err == nil {
		by = names[d.Member]
	}
	view := &page.DeliveryView{State: presentState(d.State)}
	if d.State == delivery.Accepted && d.At.After(r.Now()) {
		view.Leaves = d.At
	}
	if d.Reason != nil {
		view.Why, view.Next = r.Locale.Problem(d.Reason)
	}
	may := d.May
	if !r.Actor.Can(actor.Reply, scope(d.Account)) {
		may = delivery.Choices{}
	}
	view.Actions = sendActions(d.ID, may, act)
	m := page.Message{ID: d.ID.String(), Author: page.Person{Key: c.Account.RemoteID, Name: c.Account.Name, Handle: c.Account.Handle, Network: c.Account.Network},
		Ours: true, By: by, Text: text.Linkify(d.Text()), At: d.Accepted, Delivery: view}
	if len(d.Draft.Parts) > 0 {
		m.Visibility, m.Warning = page.Visibility(d.Draft.Parts[0].Visibility), d.Draft.Parts[0].Warning
	}
	return m, true
}

func (p *Pages) foot(r *page.Request, v View, c Composer, act func(string) string, beside templ.Component, wrong error, draft Answer) templ.Component {
	claim := page.ClaimView{By: v.Claimer, Mine: v.ClaimedBy != 0 && v.ClaimedBy == r.Actor.Member, Since: v.ClaimedAt, Handed: p.presentHanded(r, v, act)}
	mayClaim := r.Actor.Can(actor.Claim, scope(v.Account))
	switch {
	case !mayClaim:
	case v.ClaimedBy == 0:
		claim.Take = act("claim")
	case claim.Mine:
		claim.Release = act("release")
	case r.Actor.Can(actor.ManageTeam):
		claim.Force = act("release")
	}
	if mayClaim {
		p.presentAsk(r, v, &claim, act)
	}
	if v.Kind == Item {
		if beside == nil {
			return nil
		}
		return threadFoot(nil, nil, beside)
	}
	composer := p.composer(r, v, c, act, wrong, draft)
	if v.ClaimedBy == 0 && v.Handed == nil && (v.State == Done || !mayClaim) {
		return threadFoot(nil, &composer, beside)
	}
	return threadFoot(&claim, &composer, beside)
}

func (p *Pages) composer(r *page.Request, v View, c Composer, act func(string) string, wrong error, draft Answer) page.ComposerView {
	version := p.begun(r, v, &draft)
	view := page.ComposerView{Draft: act("draft"), Version: version, ID: "composer-" + v.ID.String(), Action: act("reply"), As: r.Actor.Name, Account: c.Account.Handle, Network: c.Account.Network,
		Visibility: page.Visibility(c.Visibility), Body: draft.Text, Warning: draft.Warning, CanWarn: c.Account.Capabilities.Can[network.CanWarn].OK,
		Rule: c.room(), Hidden: map[string]string{"key": cmp.Or(draft.Key, p.Desk.ids.New().String()), "to": c.To.ID.String(), "seen": itoa(c.Seen)}}
	for _, to := range c.Audience {
		view.To = append(view.To, to.Handle)
	}
	for _, choice := range c.Choices {
		view.Choices = append(view.Choices, page.Option{Value: string(choice), Label: r.T("conversation.visibility." + string(choice)), Chosen: choice == cmp.Or(draft.Visibility, c.Visibility)})
	}
	view.Left = text.Count(view.Rule, view.Body, view.Warning).Left
	if wrong != nil {
		view.Problem = problem.Of(wrong)
	}
	if rules := c.Account.Capabilities.Media; len(rules) > 0 && c.Account.Capabilities.Can[network.CanMedia].OK {
		view.Media = &page.MediaView{Accept: "image/png,image/jpeg,image/gif,image/webp", Max: rules[0].Max, AltMax: rules[0].AltMax}
	}
	why := c.Why
	switch {
	case c.To.ID == 0:
		why = "conversation.why.nothing"
	case !r.Actor.Can(actor.Reply, scope(v.Account)):
		why = "conversation.why.right"
	case v.ClaimedBy != 0 && v.ClaimedBy != r.Actor.Member:
		why = "conversation.why.claimed"
	}
	if why != "" {
		view.Blocked = &page.CalloutView{Kind: page.Info, What: r.T(why, "name", v.Claimer)}
	}
	return view
}

// room is the network's rule less what is put in front and behind: what the
// member may write.
func (c Composer) room() text.Rule {
	rule := c.Rule
	used := text.Count(rule, c.Prefix+c.Suffix, "")
	if rule.Max > 0 {
		rule.Max = max(1, rule.Max-used.Used)
	}
	if rule.MaxBytes > 0 {
		rule.MaxBytes = max(1, rule.MaxBytes-used.Bytes)
	}
	return rule
}

// othersHere lists the other conversations of the thread; nil if there are none. Above
// older messages it says that there are newer ones.
func othersHere(r *page.Request, v View, list listView) templ.Component {
	if v.Later {
		return olderHere(list.href(r.Link("inbox/" + v.ID.String())))
	}
	if len(v.Others) == 0 {
		return nil
	}
	var rows []page.Row
	for _, o := range v.Others {
		rows = append(rows, page.Row{ID: o.ID, Href: list.href(r.Link("inbox/" + o.ID.String())),
			Person: page.Person{Name: text.DisplaySafe(o.Person.Name), Handle: text.DisplaySafe(o.Person.Handle)}, Waiting: o.Waiting})
	}
	return othersBar(rows)
}
