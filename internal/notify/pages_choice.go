package notify

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"parley/internal/page"
	"parley/internal/problem"
)

// SettingsPath is where somebody chooses how they are reached.
const SettingsPath = Path + "/settings"

// registerChoices adds the routes of choosing, and of the link in every mail.
func (p Pages) registerChoices(k *page.Kernel) {
	k.Handle("GET "+SettingsPath, p.settings, page.SignedIn)
	k.Handle("POST "+SettingsPath, p.settingsPost, page.SignedIn)
	k.Handle("GET "+Path+"/stop/{secret}", p.stop)
	// Mailboxes post it without anybody seeing a page of ours (RFC 8058).
	k.Handle("POST "+Path+"/stop/{secret}", p.stopPost, page.Foreign)
}

func (p Pages) settings(_ http.ResponseWriter, r *page.Request) error {
	if len(r.Visitor.Workspaces) == 0 {
		return r.Redirect("/")
	}
	c, err := p.S.Choices(r.Context(), r.Visitor.Workspaces[0].Actor)
	if err != nil {
		return err
	}
	if zone := r.Locale.Zone(); c.Zone == "" && zone != time.UTC {
		c.Zone = zone.String()
	}
	return r.Render(settingsPage(c, p.S.Mail.Ready(), nil))
}

// settingsPost keeps the same choices in all of somebody's workspaces: their nights
// are the same in each.
func (p Pages) settingsPost(_ http.ResponseWriter, r *page.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	c, err := readChoices(f)
	for _, w := range r.Visitor.Workspaces {
		if err == nil && mine(w.Actor) == nil {
			err = p.S.Choose(r.Context(), w.Actor, c)
		}
	}
	if problem.Of(err) != nil && problem.Of(err).Kind == problem.Invalid {
		return r.RenderStatus(http.StatusUnprocessableEntity, settingsPage(c, p.S.Mail.Ready(), err))
	}
	if err != nil {
		return err
	}
	r.Flash("notify.settings.done")
	return r.Redirect(SettingsPath)
}

func readChoices(f url.Values) (Choices, error) {
	c := Choices{Urgent: f.Get("urgent") != "", Zone: f.Get("zone"), Digest: Digest(f.Get("digest"))}
	for _, k := range f["mail"] {
		c.Mail = append(c.Mail, Kind(k))
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if slices.Contains(f["quiet_days"], fmt.Sprint(int(d))) {
			c.QuietDays = append(c.QuietDays, d)
		}
	}
	var err error
	if c.QuietFrom, err = minute(f.Get("quiet_from")); err == nil {
		c.QuietTo, err = minute(f.Get("quiet_to"))
	}
	if (f.Get("quiet_from") == "") != (f.Get("quiet_to") == "") {
		err = problem.New(problem.Invalid, "notify.hour").At("quiet_from")
	}
	return c, err
}

// minute reads a time of day; "" is midnight.
func minute(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, problem.New(problem.Invalid, "notify.hour").At("quiet_from").Because(err)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// clock writes a minute of the day as inputs take it; no quiet hours are empty.
func (c Choices) clock(minute int) string {
	if c.QuietFrom == c.QuietTo {
		return ""
	}
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

// week lists the days as people here begin it.
func week() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
}

// stop shows a button: programs that look at links in mails change nothing.
func (p Pages) stop(_ http.ResponseWriter, r *page.Request) error {
	if _, _, err := p.S.stopping(r.PathValue("secret")); err != nil {
		return err
	}
	return r.Render(stopPage(r.URL.Path, false))
}

func (p Pages) stopPost(_ http.ResponseWriter, r *page.Request) error {
	if err := p.S.Stop(r.Context(), r.PathValue("secret")); err != nil {
		return err
	}
	return r.Render(stopPage(r.URL.Path, true))
}
