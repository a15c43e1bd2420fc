package conversation

import (
	"net/http"
	"time"

	"parley/internal/actor"
	"parley/internal/page"
	"parley/internal/problem"
)

func (p *Pages) registerSnooze(k *page.Kernel) {
	k.Member("POST /inbox/{conversation}/snooze", p.snooze)
	k.Member("POST /inbox/{conversation}/wake", p.verb(p.Desk.Wake))
}

// snooze takes a moment that was offered, or one that was typed: a day and a time
// in the workspace's zone.
func (p *Pages) snooze(_ http.ResponseWriter, r *page.Request) error {
	conversation, err := r.PathID("conversation")
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	zone, err := p.Desk.zone(r.Context(), p.Desk.db.Read(), r.Actor.Workspace)
	if err != nil {
		return err
	}
	var until time.Time
	if offered := form.Get("at"); offered != "" {
		if until, err = time.Parse(time.RFC3339, offered); err != nil {
			return problem.New(problem.Invalid, "conversation.snooze_when").At("until").Because(err)
		}
	} else if until, err = readMoment(form.Get("when"), zone); err != nil {
		return err
	}
	if err := p.Desk.Snooze(r.Context(), r.Actor, conversation, until); err != nil {
		return err
	}
	r.Flash("conversation.snooze.done", "when", r.Locale.Moment(until, r.Now()))
	return r.Redirect(readView(r.URL.Query()).href(r.Link("inbox/" + conversation.String())))
}

// snoozing is what is offered beside an open conversation.
type snoozing struct {
	Action string
	Wake   string // set while it rests: a form posts there
	Until  time.Time
	Rests  []rest
	Zone   string
	Soon   string // the first moment the field takes
}

func (p *Pages) snoozing(r *page.Request, v View, act func(string) string) (snoozing, error) {
	zone, err := p.Desk.zone(r.Context(), p.Desk.db.Read(), r.Actor.Workspace)
	if err != nil {
		return snoozing{}, err
	}
	s := snoozing{Action: act("snooze"), Until: v.Snoozed, Rests: rests(r.Now(), zone), Zone: zone.String(), Soon: r.Now().In(zone).Format("2006-01-02T15:04")}
	if !v.Snoozed.IsZero() && r.Actor.Can(actor.Claim, scope(v.Account)) {
		s.Wake = act("wake")
	}
	return s, nil
}
