package conversation

import (
	"net/http"

	"parley/internal/actor"
	"parley/internal/page"
)

// registerUrgent adds what puts conversations before others.
func (p *Pages) registerUrgent(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/urgent", p.verb(p.Desk.MarkUrgent))
	k.Member("POST /inbox/{conversation}/not-urgent", p.verb(p.Desk.NotUrgent))
	k.Member("POST /inbox/next", p.next)
}

// next opens the conversation that should be answered next.
func (p *Pages) next(_ http.ResponseWriter, r *page.Request) error {
	next, err := p.Desk.TakeNext(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	if next == 0 {
		r.Flash("conversation.next.none")
		return r.Redirect(r.Link("inbox"))
	}
	return r.Redirect(r.Link("inbox/" + next.String()))
}

// takes reports whether somebody may be given the next conversation: of all who see
// the same list, only those who answer have the button.
func takes(a actor.Actor) bool {
	return a.CanSomewhere(actor.Claim) && a.CanSomewhere(actor.Reply)
}

// guided reports that people need to be told what to do.
func (u Urgency) guided() bool { return u.Why != ByHand && u.Why != "press" }

// presentUrgent is why a row is urgent, in a word.
func presentUrgent(r *page.Request, all []Urgency) string {
	if len(all) == 0 {
		return ""
	}
	return r.T("conversation.urgent." + string(all[0].Why))
}
