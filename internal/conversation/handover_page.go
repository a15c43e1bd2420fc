package conversation

import (
	"net/http"
	"strings"

	"parley/internal/actor"
	"parley/internal/id"
	"parley/internal/page"
)

func (p *Pages) registerHandovers(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/handover", p.handOver)
	k.Member("POST /inbox/{conversation}/handback", p.handBack)
}

func (p *Pages) handOver(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.Desk.HandOver(r.Context(), r.Actor, conversation, receiver(f.Get("to")), readNote(f)); err != nil {
		return err
	}
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

// receiver reads "member:" or "team:" and an id.
func receiver(s string) Receiver {
	kind, rest, _ := strings.Cut(s, ":")
	one, err := id.Parse(rest)
	switch {
	case err == nil && kind == "member":
		return Receiver{Member: one}
	case err == nil && kind == "team":
		return Receiver{Team: one}
	}
	return Receiver{} // refused as nobody
}

func (p *Pages) handBack(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.Desk.HandBack(r.Context(), r.Actor, conversation, readNote(f)); err != nil {
		return err
	}
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

// presentHanded says to whom a conversation was given, and what they can do about it.
func (p *Pages) presentHanded(r *page.Request, v View, act func(string) string) *page.HandedView {
	if v.Handed == nil {
		return nil
	}
	h := &page.HandedView{To: v.Handed.Name, By: v.Handed.By, Since: v.Handed.At, Back: v.Handed.Back,
		Mine: v.Handed.Mine}
	if h.Mine && r.Actor.Can(actor.Claim, scope(v.Account)) {
		h.Return = handBack(act("handback"))
	}
	return h
}

// presentGiven says in a row of the list to whom it was given; in one's own box,
// which nobody else sees, by whom and why.
func presentGiven(r *page.Request, c Row, v listView) string {
	h := c.Handed
	switch {
	case h == nil:
		return ""
	case v.box != Mine:
		return r.T("conversation.row.for", "name", h.Name)
	case h.Words == "":
		return r.T("conversation.row.given", "name", h.By)
	}
	return r.T("conversation.row.given.words", "name", h.By, "words", h.Words)
}
