package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"parley/internal/account"
	"parley/internal/api"
	"parley/internal/ask"
	"parley/internal/conversation"
	"parley/internal/delivery"
	"parley/internal/i18n"
	"parley/internal/mail"
	"parley/internal/media"
	"parley/internal/network/bluesky"
	"parley/internal/network/email"
	"parley/internal/network/feed"
	"parley/internal/network/mastodon"
	"parley/internal/network/sandbox"
	"parley/internal/notify"
	"parley/internal/page"
	"parley/internal/secret"
	"parley/internal/team"
	"parley/internal/today"
	"parley/internal/webhook"
)

// Version is the number this program was released under, or what the Go tool
// knows of the commit it was built from.
func Version() string {
	const released = "0.1"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return released + "+" + s.Value[:12]
			}
		}
	}
	return released
}

// UserAgent names the program and whom to write to about it, as servers ask for.
func UserAgent(base *url.URL) string { return "Parley/" + Version() + " (+" + base.String() + ")" }

// catalogues gathers every visible string.
func catalogues() (*i18n.Bundle, error) {
	return i18n.NewBundle(page.Catalogue, team.Catalogue, account.Catalogue, conversation.Catalogue, delivery.Catalogue, today.Catalogue, webhook.Catalogue, media.Catalogue, mail.Catalogue, notify.Catalogue, ask.Catalogue,
		secret.Catalogue, api.Catalogue, mastodon.Catalogue, bluesky.Catalogue, feed.Catalogue, email.Catalogue, sandbox.Catalogue, Catalogue)
}

// words are the catalogues in a language and a time zone.
func (a *App) words(locale string, zone *time.Location) *i18n.Locale {
	return a.Bundle.Locale(locale, zone)
}

// pages registers everything that answers a browser.
func (a *App) pages() error {
	c := a.Config
	var err error
	if a.Bundle, err = catalogues(); err != nil {
		return err
	}
	o := page.Options{Bundle: a.Bundle.Logging(c.Logger), Log: c.Logger, Clock: c.Clock, URL: c.URL, TrustedProxies: c.Proxies,
		Authenticate: a.Team.Visitor, Account: team.MePath, Search: "search", Demo: c.Demo}
	o.Corner = notify.Pages{S: a.Notify}.Bell
	if c.Demo {
		o.SignIn = demoPath
	}
	if a.Kernel, err = page.New(o); err != nil {
		return err
	}
	a.Team.Pages(a.Kernel, c.URL)
	a.Accounts.Pages(a.Kernel)
	desk := &conversation.Pages{Desk: a.Desk, Out: a.Deliveries, Picture: a.picture, Own: a.ownPicture, Held: a.heldPicture, Fetch: a.fetchFile, Scrub: a.DB.Scrub,
		Also: []conversation.EraseAlso{a.eraseAlso}}
	desk.Register(a.Kernel)
	today.Pages{Today: a.today()}.Register(a.Kernel)
	webhook.Pages{Hooks: a.Hooks}.Register(a.Kernel)
	desk.Opened = a.Notify.Opened
	notify.Pages{S: a.Notify}.Register(a.Kernel)
	ask.Pages{S: a.Asks, Base: c.URL}.Register(a.Kernel)
	a.Kernel.Mount(api.Path+"/", a.api())
	if c.Demo {
		a.demoPages()
	}
	a.Kernel.Mount("GET /healthz", http.HandlerFunc(a.healthz))
	a.Kernel.Mount("GET /readyz", http.HandlerFunc(a.readyz))
	a.Kernel.Mount("GET /metrics", a.operatorOnly(promhttp.HandlerFor(a.metrics(), promhttp.HandlerOpts{})))
	return nil
}

// operatorOnly lets through who asks from this machine, or from where the
// operator allows it. What a proxy passes on comes from this machine too, so it
// must be allowed by its own address.
func (a *App) operatorOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		ok := err == nil && from.Addr().Unmap().IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
		for _, p := range a.Config.MetricsFrom {
			ok = ok || err == nil && p.Contains(from.Addr().Unmap())
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// healthz says that the process answers.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) { status(w, http.StatusOK, "ok") }

// readyz says that it can also reach its database. Open has seen to the schema.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.ready(r.Context()); err != nil {
		a.Config.Logger.Warn("not ready", "err", err)
		status(w, http.StatusServiceUnavailable, "the database does not answer")
		return
	}
	status(w, http.StatusOK, "ready")
}

func (a *App) ready(ctx context.Context) error {
	var one int
	return a.DB.Read().Row(ctx, `select 1`).Scan(&one)
}

func status(w http.ResponseWriter, code int, word string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(map[string]string{"status": word})
}
