package team

import (
	"net/http"
	"strconv"

	"parley/internal/actor"
	"parley/internal/page"
	"parley/internal/problem"
)

func (p pages) settings(_ http.ResponseWriter, r *page.Request) error {
	if err := r.Actor.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	w, err := p.s.Workspace(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	return r.Render(settingsPage(w, strconv.Itoa(w.KeepDays), nil))
}

func (p pages) settingsPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	w, err := p.s.Workspace(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	w.Name, w.Zone = f.Get("workspace"), f.Get("zone")
	days, parse := strconv.Atoi(f.Get("keep_days"))
	if parse != nil {
		days = -1 // refused below, in one place
	}
	err = p.s.ChangeWorkspace(r.Context(), r.Actor, WorkspaceChange{Name: w.Name, Zone: w.Zone, Locale: w.Locale, KeepDays: days})
	if err != nil {
		return again(r, err, func(err error) error {
			return r.RenderStatus(status(err), settingsPage(w, f.Get("keep_days"), problem.Of(err)))
		})
	}
	return p.done(r, "settings", "team.settings.done")
}
