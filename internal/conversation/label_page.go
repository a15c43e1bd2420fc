package conversation

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
	"parley/internal/problem"
)

// labelsPath is where labels are made and changed.
const labelsPath = "settings/labels"

func (p *Pages) registerLabels(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/labels", p.label)
	k.Member("GET /settings/labels", p.labels)
	k.Member("POST /settings/labels", p.createLabel)
	k.Member("POST /settings/labels/{label}", p.changeLabel)
	k.Member("POST /settings/labels/{label}/merge", p.mergeLabel)
	k.Member("POST /settings/labels/{label}/retire", p.endLabel)
}

// label puts a label on a conversation or takes it off: the button says which.
func (p *Pages) label(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	do, which := p.Desk.PutLabel, form.Get("put")
	if which == "" {
		do, which = p.Desk.TakeLabel, form.Get("take")
	}
	label, err := parseID(which)
	if err != nil {
		return err
	}
	if err := do(r.Context(), r.Actor, conversation, label); err != nil {
		return err
	}
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

// labelsView is the page on which labels are made and changed.
type labelsView struct {
	Labels []Label
	Name   string // of the label that is being made or changed
	Hue    Hue
	Of     id.ID // which one is being changed; 0: a new one
	Wrong  *problem.Problem
}

// wrongLabel is what is wrong with what was typed for a label; nil if nothing is.
type wrongLabel struct{ *problem.Problem }

func (w wrongLabel) says(ctx context.Context) string {
	what, next := page.Locale(ctx).Problem(w.Problem)
	return what + " " + next
}

func (w wrongLabel) attributes(label id.ID) templ.Attributes {
	if w.Problem == nil {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "wrong-" + label.String()}
}

func (v labelsView) wrong(label id.ID) wrongLabel {
	if v.Of != label {
		return wrongLabel{}
	}
	return wrongLabel{v.Wrong}
}

// made is the label that is being made, as far as it was typed.
func (v labelsView) made() Label {
	if v.Of != 0 {
		return Label{}
	}
	return Label{Name: v.Name, Hue: v.Hue}
}

// changed is a label as it was typed, if it was.
func (v labelsView) changed(l Label) Label {
	if v.Of == l.ID {
		l.Name, l.Hue = v.Name, v.Hue
	}
	return l
}

// others are what a label can become a part of.
func (v labelsView) others(label id.ID) []page.Option {
	var all []page.Option
	for _, l := range v.Labels {
		if l.ID != label && l.Retired.IsZero() {
			all = append(all, page.Option{Value: l.ID.String(), Label: l.Name})
		}
	}
	return all
}

func (p *Pages) labels(_ http.ResponseWriter, r *page.Request) error {
	return p.showLabels(r, labelsView{}, nil)
}

func (p *Pages) showLabels(r *page.Request, v labelsView, wrong error) error {
	if err := r.Actor.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	if v.Wrong = problem.Of(wrong); v.Wrong != nil && (v.Wrong.Field == "" || v.Wrong.Kind == problem.Internal) || r.Fetched() && wrong != nil {
		return wrong
	}
	var err error
	if v.Labels, err = p.Desk.Labels(r.Context(), r.Actor); err != nil {
		return err
	}
	if err := p.Desk.countLabels(r.Context(), r.Actor.Workspace, v.Labels); err != nil {
		return err
	}
	if v.Wrong != nil {
		return r.RenderStatus(v.Wrong.Kind.Status(), labelsPage(v))
	}
	return r.Render(labelsPage(v))
}

func (p *Pages) createLabel(_ http.ResponseWriter, r *page.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	v := labelsView{Name: form.Get("name"), Hue: Hue(form.Get("hue"))}
	l, err := p.Desk.CreateLabel(r.Context(), r.Actor, v.Name, v.Hue)
	if err != nil {
		return p.showLabels(r, v, err)
	}
	r.Flash("conversation.label.created", "name", l.Name)
	return r.Redirect(r.Link(labelsPath))
}

func (p *Pages) changeLabel(_ http.ResponseWriter, r *page.Request) error {
	label, err := r.PathID("label")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	v := labelsView{Name: form.Get("name"), Hue: Hue(form.Get("hue")), Of: label}
	if err := p.Desk.ChangeLabel(r.Context(), r.Actor, label, v.Name, v.Hue); err != nil {
		return p.showLabels(r, v, err)
	}
	r.Flash("conversation.label.changed")
	return r.Redirect(r.Link(labelsPath))
}

func (p *Pages) mergeLabel(_ http.ResponseWriter, r *page.Request) error {
	label, err := r.PathID("label")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	into, err := parseID(form.Get("into"))
	if err != nil {
		return err
	}
	if err := p.Desk.MergeLabel(r.Context(), r.Actor, label, into); err != nil {
		return err
	}
	r.Flash("conversation.label.merged")
	return r.Redirect(r.Link(labelsPath))
}

// endLabel takes a label out of use, or back into it.
func (p *Pages) endLabel(_ http.ResponseWriter, r *page.Request) error {
	label, err := r.PathID("label")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	do, said := p.Desk.RetireLabel, "conversation.label.retired"
	if form.Get("back") != "" {
		do, said = p.Desk.RestoreLabel, "conversation.label.restored"
	}
	if err := do(r.Context(), r.Actor, label); err != nil {
		return err
	}
	r.Flash(said)
	return r.Redirect(r.Link(labelsPath))
}

// usedKey is the sentence of how much a label is used.
func (l Label) usedKey() string {
	switch l.Used {
	case 0:
		return "conversation.label.used.none"
	case 100:
		return "conversation.label.used.many"
	}
	return "conversation.label.used"
}

func presentLabel(l Label) page.LabelView {
	return page.LabelView{Name: l.Name, Hue: string(l.Hue), Retired: !l.Retired.IsZero()}
}

func presentLabels(all []Label) []page.LabelView {
	var shown []page.LabelView
	for _, l := range all {
		shown = append(shown, presentLabel(l))
	}
	return shown
}

// chooser offers what is in use, and what stands here although it is not any more.
func (p *Pages) chooser(r *page.Request, v View, action string) (page.LabelChooser, error) {
	c := page.LabelChooser{Action: action}
	if r.Actor.Can(actor.ManageWorkspace) {
		c.Manage = r.Link(labelsPath)
	}
	all, err := p.Desk.Labels(r.Context(), r.Actor)
	if err != nil {
		return c, err
	}
	on := map[id.ID]bool{}
	for _, l := range v.Labels {
		on[l.ID] = true
	}
	for _, l := range all {
		if l.Retired.IsZero() || on[l.ID] {
			c.Choices = append(c.Choices, page.LabelChoice{LabelView: presentLabel(l), ID: l.ID.String(), On: on[l.ID]})
		}
	}
	return c, nil
}
