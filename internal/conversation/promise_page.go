package conversation

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parley/internal/actor"
	"parley/internal/hours"
	"parley/internal/page"
	"parley/internal/problem"
)

// registerPromise adds the settings of when people are answered.
func (p *Pages) registerPromise(k *page.Kernel) {
	k.Member("GET /settings/answers", p.promise)
	k.Member("POST /settings/answers", p.setPromise)
}

// promiseForm is the form as somebody filled it in.
type promiseForm struct {
	Within   string
	Days     [7]string // by time.Weekday
	Holidays []holidayForm
	Fault    *problem.Problem
}

type holidayForm struct {
	Date   string
	Name   string
	Yearly bool
}

// promiseView is what the page shows besides its form.
type promiseView struct {
	Stored Promise
	Due    time.Time // who writes now is answered by then
	Form   promiseForm
}

// weekdays in the order in which most people's week runs.
func weekdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
}

// spareHolidays is how many empty lines the list of holidays offers.
const spareHolidays = 2

func (p *Pages) promise(_ http.ResponseWriter, r *page.Request) error {
	if err := r.Actor.Require(actor.ManageWorkspace); err != nil {
		return err
	}
	stored, err := p.Desk.Promise(r.Context(), r.Actor)
	if err != nil {
		return err
	}
	return r.Render(promisePage(viewPromise(r, stored, formOf(stored))))
}

func viewPromise(r *page.Request, stored Promise, form promiseForm) promiseView {
	for range spareHolidays {
		form.Holidays = append(form.Holidays, holidayForm{})
	}
	return promiseView{Stored: stored, Due: stored.Due(r.Now()), Form: form}
}

// formOf shows what is stored; at first the hours that most offices keep, to be
// looked through before they are saved.
func formOf(p Promise) (f promiseForm) {
	for d, spans := range p.Office.Week {
		f.Days[d] = hours.FormatSpans(spans)
	}
	if p.Set.IsZero() {
		for d := time.Monday; d <= time.Friday; d++ {
			f.Days[d] = "09:00–17:00"
		}
	}
	if p.Within > 0 {
		f.Within = strconv.FormatFloat(p.Within.Hours(), 'f', -1, 64)
	}
	for _, h := range p.Office.Holidays {
		f.Holidays = append(f.Holidays, holidayForm{h.Date.String(), h.Name, h.Yearly})
	}
	return f
}

func (p *Pages) setPromise(_ http.ResponseWriter, r *page.Request) error {
	values, err := r.Form()
	if err != nil {
		return err
	}
	form := readPromise(values)
	in, err := form.promise(r)
	if err == nil {
		err = p.Desk.SetPromise(r.Context(), r.Actor, in)
	}
	if fault := problem.Of(err); fault != nil && fault.Kind == problem.Invalid {
		stored, err := p.Desk.Promise(r.Context(), r.Actor)
		if err != nil {
			return err
		}
		form.Fault = fault
		return r.RenderStatus(fault.Kind.Status(), promisePage(viewPromise(r, stored, form)))
	}
	if err != nil {
		return err
	}
	r.Flash("conversation.promise.done")
	return r.Redirect(r.Link("settings/answers"))
}

func readPromise(v url.Values) (f promiseForm) {
	f.Within = strings.TrimSpace(v.Get("within"))
	for d := range f.Days {
		f.Days[d] = v.Get("day-" + strconv.Itoa(d))
	}
	for i := 0; i < mostHolidays+spareHolidays; i++ {
		n := "-" + strconv.Itoa(i)
		if !v.Has("date" + n) {
			break
		}
		if h := (holidayForm{strings.TrimSpace(v.Get("date" + n)), v.Get("name" + n), v.Get("yearly"+n) != ""}); h.Date != "" {
			f.Holidays = append(f.Holidays, h)
		}
	}
	return f
}

// promise reads the form; what cannot be read is a problem of its field.
func (f promiseForm) promise(r *page.Request) (p Promise, err error) {
	n, parse := strconv.ParseFloat(strings.ReplaceAll(cmp.Or(f.Within, "0"), ",", "."), 64)
	if parse != nil || math.IsNaN(n) || n < 0 || n > longestPromise.Hours() {
		return p, problem.New(problem.Invalid, "conversation.promise_within", "max", int(longestPromise/time.Hour)).At("within")
	}
	p.Within = time.Duration(math.Round(n*60)) * time.Minute
	for d, s := range f.Days {
		if p.Office.Week[d], parse = hours.ParseSpans(s); parse != nil {
			day := r.T("time.weekday." + strconv.Itoa(d))
			return p, problem.New(problem.Invalid, "conversation.promise_day", "day", day).At("day-" + strconv.Itoa(d)).Because(parse)
		}
	}
	for i, h := range f.Holidays {
		date, parse := hours.ParseDate(h.Date)
		if parse != nil {
			return p, problem.New(problem.Invalid, "conversation.promise_date").At("date-" + strconv.Itoa(i)).Because(parse)
		}
		p.Office.Holidays = append(p.Office.Holidays, hours.Holiday{Date: date, Name: h.Name, Yearly: h.Yearly})
	}
	return p, nil
}

// wrong reports that the problem is about a field.
func (f promiseForm) wrong(field string) bool { return f.Fault != nil && f.Fault.Field == field }
