package conversation

import (
	"net/http"
	"strconv"

	"parley/internal/id"
	"parley/internal/network"
	"parley/internal/page"
	"parley/internal/problem"
)

// reply takes the composer's form. What was written is never lost: a refusal
// shows the form again as it was sent, with what is wrong.
func (p *Pages) reply(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	in := Answer{Conversation: conversation, Text: form.Get("body"), Warning: form.Get("warning"), Lang: form.Get("lang"),
		Visibility: network.Visibility(form.Get("visibility")), Key: form.Get("key"), Patient: true}
	if in.Seen, err = strconv.Atoi(form.Get("seen")); err != nil {
		in.Seen = -1
	}
	if in.To, err = parseID(form.Get("to")); err != nil {
		return err
	}
	if err = signedBy(r, form.Get("member")); err == nil {
		in.Media, err = p.files(r, conversation, form["alt"])
	}
	if err == nil {
		_, err = p.Desk.Reply(r.Context(), r.Actor, in)
	}
	if err != nil {
		return p.refuse(r, conversation, in, err)
	}
	return p.onwards(r, conversation)
}

// signedBy refuses what stands in a tab of somebody else: a browser has one
// member at a time, and whoever signed in last would sign it.
func signedBy(r *page.Request, member string) error {
	if member != "" && member != r.Actor.Member.String() {
		return problem.New(problem.Conflict, "page.other_member", "name", r.Actor.Name)
	}
	return nil
}

// refuse shows the form again as it was sent. A script keeps the form and puts
// the problem into it; where somebody was first it also needs what they did.
func (p *Pages) refuse(r *page.Request, conversation id.ID, in Answer, err error) error {
	refusal := problem.Of(err)
	if refusal.Field == "text" {
		err = refusal.At("body") // what the API calls text is body in the form
	}
	if refusal.Kind == problem.Internal || refusal.Kind == problem.NotFound || r.Fetched() && refusal.Kind != problem.Conflict {
		return err
	}
	pane, paneErr := p.threadPane(r, conversation, err, in)
	if paneErr != nil {
		return paneErr
	}
	if r.Fetched() {
		return r.RenderStatus(refusal.Kind.Status(), page.ThreadPane(pane))
	}
	list, paneErr := p.listPane(r.Context(), r, readView(r.URL.Query()))
	if paneErr != nil {
		return paneErr
	}
	return r.RenderStatus(refusal.Kind.Status(), inboxPage(page.DeskView{List: list, Thread: pane}))
}

// files stores what was attached, each with its description.
func (p *Pages) files(r *page.Request, conversation id.ID, alts []string) ([]network.Media, error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	var media []network.Media
	for i, h := range r.MultipartForm.File["media"] {
		if h.Size == 0 {
			continue // an empty file field is sent too
		}
		f, err := h.Open()
		if err != nil {
			return nil, problem.New(problem.Invalid, "conversation.unreadable_file", "name", h.Filename).Because(err)
		}
		m, err := p.Desk.attach(r.Context(), r.Actor, conversation, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		if i < len(alts) {
			m.Alt = alts[i]
		}
		media = append(media, m)
	}
	return media, nil
}
