package page

import (
	"context"

	"github.com/a-h/templ"
)

// noted reports whether a row has a third line.
func (r Row) noted() bool {
	return r.Urgent != "" || r.Claimed != "" || r.Handed != "" || !r.Waiting.IsZero() || !r.Until.IsZero() || r.Account != "" || len(r.Labels) > 0 || len(r.Marks) > 0 || r.In != nil ||
		r.State == Sending || r.State == Failed || r.State == Unknown
}

func (r Row) mine(ctx context.Context) bool {
	if r.In != nil {
		return r.Claimer != 0 && r.Claimer == r.In.Actor.Member
	}
	return r.Claimer != 0 && r.Claimer == viewOf(ctx).actor.Member
}

func (p PaneView) label(ctx context.Context) string {
	if who := p.Who(); who != "" {
		return T(ctx, "desk.thread.with", "name", who)
	}
	return T(ctx, "desk.thread")
}

// Who is the name of whom the open conversation is with; "" if none is open.
func (p PaneView) Who() string { return p.With.shown() }

func (p PaneView) attributes() templ.Attributes {
	a := templ.Attributes{}
	if p.Live != "" {
		a["data-live"], a["data-src"] = p.Live, p.Src
		if p.Everywhere {
			a["data-live-workspace"] = "*"
		}
	}
	if p.Open {
		a["data-open"] = true
	}
	return a
}

// key is the sentence that says it, up to the names.
func (h HandedView) key() string {
	switch {
	case h.Mine && h.Back:
		return "claim.handed.back"
	case h.Mine && h.By == "":
		return "claim.handed.mine.away"
	case h.Mine:
		return "claim.handed.mine"
	case h.By == "":
		return "claim.handed.away"
	}
	return "claim.handed"
}
