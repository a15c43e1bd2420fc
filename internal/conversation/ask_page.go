package conversation

import (
	"net/http"
	"strconv"

	"parley/internal/actor"
	"parley/internal/page"
	"parley/internal/problem"
)

func (p *Pages) registerAsking(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/claim/ask", p.verb(p.Desk.AskFor))
	k.Member("POST /inbox/{conversation}/give", p.verb(p.Desk.GiveClaim))
	k.Member("POST /inbox/{conversation}/keep", p.verb(p.Desk.KeepClaim))
	k.Member("POST /inbox/{conversation}/take", p.verb(p.Desk.TakeClaim))
	k.Member("GET /settings/together", p.rules)
	k.Member("POST /settings/together", p.setRules)
}

// presentAsk says who asks for a conversation, to who holds it and to who asks.
func (p *Pages) presentAsk(r *page.Request, v View, claim *page.ClaimView, act func(string) string) {
	me := r.Actor.Member
	switch {
	case v.ClaimedBy == 0:
	case v.Asked == nil && !claim.Mine:
		claim.Ask = act("claim/ask")
	case v.Asked != nil && claim.Mine:
		claim.Asked = &page.AskView{By: v.Asked.By, Since: v.Asked.At, Give: act("give"), Keep: act("keep")}
	case v.Asked != nil && v.Asked.Member == me:
		claim.Asked = &page.AskView{Since: v.Asked.At}
		if v.Asked.Due {
			claim.Asked.Take = act("take")
		}
	}
}

func (p *Pages) rules(_ http.ResponseWriter, r *page.Request) error {
	if err := r.Actor.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	v, err := p.Desk.Rules(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	return r.Render(rulesPage(itoa(v.ClaimMinutes), itoa(v.CallBack), nil))
}

func (p *Pages) setRules(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	err = p.Desk.SetRules(r.Context(), r.Actor, Rules{ClaimMinutes: wholeNumber(f.Get("claim_minutes")), CallBack: wholeNumber(f.Get("call_back"))})
	if refusal := problem.Of(err); refusal != nil && refusal.Kind == problem.Invalid && !r.Fetched() {
		return r.RenderStatus(refusal.Kind.Status(), rulesPage(f.Get("claim_minutes"), f.Get("call_back"), refusal))
	}
	if err != nil {
		return err
	}
	r.Flash("conversation.rules.done")
	return r.Redirect(r.Link("settings/together"))
}

// wholeNumber is a number in a form; what is none is refused where the others are.
func wholeNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
