package conversation

import (
	"context"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/api"
	"parley/internal/hours"
	"parley/internal/problem"
)

// registerPromise adds the operations of when people are answered.
func (o API) registerPromise(a *api.API) {
	g := a.Section("promise", "When somebody is there, and within how much of that time people are answered.")
	api.Get(g, "/promise", "readPromise", "Read when people are answered", o.promise, api.Needs(actor.ReadConversations))
	api.Put(g, "/promise", "setPromise", "Say when people are answered", o.setPromise, api.Needs(actor.ManageWorkspace),
		api.About("Replaces hours and holidays as a whole. The hours are by the wall clock of the workspace's time zone."))
}

type promiseJSON struct {
	Minutes  int           `json:"minutes" minimum:"0" maximum:"43200" doc:"Of open time, within which people are answered; 0: nothing is promised."`
	Week     weekJSON      `json:"week"`
	Holidays []holidayJSON `json:"holidays" maxItems:"200" doc:"Days on which nobody is there."`
}

// weekJSON says the hours of each day as they stand on a door.
type weekJSON struct {
	Monday    string `json:"monday" maxLength:"120" example:"09:00–12:00, 13:00–17:00" doc:"Empty: closed."`
	Tuesday   string `json:"tuesday" maxLength:"120"`
	Wednesday string `json:"wednesday" maxLength:"120"`
	Thursday  string `json:"thursday" maxLength:"120"`
	Friday    string `json:"friday" maxLength:"120"`
	Saturday  string `json:"saturday" maxLength:"120"`
	Sunday    string `json:"sunday" maxLength:"120"`
}

// days are the fields by time.Weekday.
func (w *weekJSON) days() [7]*string {
	return [7]*string{&w.Sunday, &w.Monday, &w.Tuesday, &w.Wednesday, &w.Thursday, &w.Friday, &w.Saturday}
}

type holidayJSON struct {
	Date   string `json:"date" example:"2026-12-25" maxLength:"10"`
	Name   string `json:"name,omitempty" maxLength:"80"`
	Yearly bool   `json:"yearly,omitempty" doc:"Every year on this day from then on."`
}

type currentPromiseJSON struct {
	Minutes  int           `json:"minutes" doc:"Of open time, within which people are answered; 0: nothing is promised."`
	Week     weekJSON      `json:"week"`
	Holidays []holidayJSON `json:"holidays"`
	Zone     string        `json:"zone" example:"Europe/Lisbon" doc:"The workspace's."`
	Set      time.Time     `json:"set,omitzero" doc:"When this was last said; absent: never."`
	Due      time.Time     `json:"due,omitzero" doc:"When somebody who writes now is promised an answer; absent: nothing is promised."`
}

func (o API) promise(ctx context.Context, a actor.Actor, _ *struct{}) (*currentPromiseJSON, error) {
	p, err := o.Desk.Promise(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &currentPromiseJSON{Minutes: int(p.Within / time.Minute), Zone: p.Zone, Set: p.Set, Due: p.Due(o.Desk.clock.Now())}
	for d, field := range out.Week.days() {
		*field = hours.FormatSpans(p.Office.Week[d])
	}
	out.Holidays = api.ListOf(p.Office.Holidays, func(h hours.Holiday) holidayJSON {
		return holidayJSON{h.Date.String(), h.Name, h.Yearly}
	}).Items
	return out, nil
}

type setPromiseIn struct {
	Body promiseJSON
}

func (o API) setPromise(ctx context.Context, a actor.Actor, in *setPromiseIn) (*currentPromiseJSON, error) {
	p := Promise{Within: time.Duration(in.Body.Minutes) * time.Minute}
	for d, field := range in.Body.Week.days() {
		spans, err := hours.ParseSpans(*field)
		if err != nil {
			return nil, problem.New(problem.Invalid, "conversation.promise_hours").At("week." + strings.ToLower(time.Weekday(d).String())).Because(err)
		}
		p.Office.Week[d] = spans
	}
	for _, h := range in.Body.Holidays {
		date, err := hours.ParseDate(h.Date)
		if err != nil {
			return nil, problem.New(problem.Invalid, "conversation.promise_date").At("holidays").Because(err)
		}
		p.Office.Holidays = append(p.Office.Holidays, hours.Holiday{Date: date, Name: h.Name, Yearly: h.Yearly})
	}
	if err := o.Desk.SetPromise(ctx, a, p); err != nil {
		return nil, err
	}
	return o.promise(ctx, a, nil)
}
