package page

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/i18n"
	"parley/internal/problem"
)

const (
	sessionCookie = "parley"
	flashCookie   = "parley-said"
	zoneCookie    = "parley-zone" // set by main.js; a convenience, never trusted further than a clock
)

// cookieName binds a cookie to this very host over https: a cookie called
// __Host-… can be set neither by a subdomain nor without TLS (RFC 6265bis, 4.1.3).
func (k *Kernel) cookieName(name string) string {
	if k.opts.URL.Scheme == "https" {
		return "__Host-" + name
	}
	return name
}

func (r *Request) setCookie(name, value string, until time.Time) {
	c := &http.Cookie{
		Name: r.kernel.cookieName(name), Value: value, Path: "/",
		Secure: r.kernel.opts.URL.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if !until.IsZero() {
		// Max-Age is counted by the browser's own clock from now on, so a wrong
		// date on either side does not sign anybody out.
		c.MaxAge = max(1, int(until.Sub(r.kernel.opts.Clock.Now())/time.Second))
	}
	http.SetCookie(r.w, c)
}

func (r *Request) clearCookie(name string) {
	http.SetCookie(r.w, &http.Cookie{
		Name: r.kernel.cookieName(name), Path: "/", MaxAge: -1,
		Secure: r.kernel.opts.URL.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// SignIn gives the browser a session token until a time.
func (r *Request) SignIn(token string, until time.Time) { r.setCookie(sessionCookie, token, until) }

// SignOut takes the token away, and with it whatever the browser kept of our
// pages: the next person at this machine finds no direct messages with the back button.
func (r *Request) SignOut() {
	r.clearCookie(sessionCookie)
	r.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// Keep gives the browser something to bring back, until a time: part of a way that
// leads over another site. Kept reads it, Drop takes it away.
func (r *Request) Keep(name, value string, until time.Time) {
	r.setCookie("parley-"+name, value, until)
}

// Kept is what the browser brought back; "" if nothing.
func (r *Request) Kept(name string) string {
	c, err := r.Cookie(r.kernel.cookieName("parley-" + name))
	if err != nil {
		return ""
	}
	return c.Value
}

// Drop takes away what Keep gave.
func (r *Request) Drop(name string) { r.clearCookie("parley-" + name) }

// SessionToken is the token the browser sent; "" if none.
func (r *Request) SessionToken() string { return r.token }

// recognise finds the visitor. A token nobody knows any more is forgotten.
func (k *Kernel) recognise(r *Request) error {
	r.readFlash()
	c, err := r.Cookie(k.cookieName(sessionCookie))
	if err != nil || c.Value == "" {
		return nil
	}
	v, err := k.opts.Authenticate(r.Context(), c.Value)
	var p *problem.Problem
	switch {
	case errors.As(err, &p) && p.Kind == problem.Unauthenticated:
		r.clearCookie(sessionCookie)
		return nil
	case err != nil:
		return fmt.Errorf("finding the session: %w", err)
	}
	r.Visitor, r.token = v, c.Value
	r.Locale = k.locale(r)
	return nil
}

// flash is one sentence for the next page.
type flash struct {
	Key  string         `json:"k"`
	Args map[string]any `json:"a,omitempty"`
}

// Flash says a sentence at the top of the next page: a catalogue key and pairs
// of hole and value. Whole numbers survive as numbers.
func (r *Request) Flash(key string, args ...any) {
	f := flash{Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if f.Args == nil {
			f.Args = map[string]any{}
		}
		name, _ := args[i].(string)
		f.Args[name] = args[i+1]
	}
	raw, err := json.Marshal(f)
	if err != nil || len(raw) > 2000 {
		return // a sentence less is better than a request that fails after its work is done
	}
	r.setCookie(flashCookie, base64.RawURLEncoding.EncodeToString(raw), r.kernel.opts.Clock.Now().Add(time.Minute))
}

func (r *Request) readFlash() {
	c, err := r.Cookie(r.kernel.cookieName(flashCookie))
	if err != nil {
		return
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return
	}
	var f flash
	if json.Unmarshal(raw, &f) != nil || strings.HasPrefix(f.Key, "problem.") || !r.kernel.opts.Bundle.Has(f.Key) {
		return
	}
	r.flash = &f
}

// text of the flash in the reader's language.
func (f *flash) text(l *i18n.Locale) string {
	args := make([]any, 0, 2*len(f.Args))
	for name, v := range f.Args {
		if n, ok := v.(float64); ok && n == float64(int64(n)) {
			v = int64(n) // JSON has one kind of number
		}
		args = append(args, name, v)
	}
	return l.T(f.Key, args...)
}

// locale is the visitor's choice, else the browser's.
func (k *Kernel) locale(r *Request) *i18n.Locale {
	name := k.opts.Bundle.Negotiate(r.Header.Get("Accept-Language"), r.Visitor.Locale)
	zone := r.Visitor.Zone
	if zone == "" {
		if c, err := r.Cookie(zoneCookie); err == nil {
			zone = c.Value
		}
	}
	return k.opts.Bundle.Locale(name, k.zones.load(zone))
}

// zones remembers loaded time zones: reading one takes a file. Anybody may name
// one, so only the plain spelling counts ("Europe//Berlin" is the same file), and
// no more than mostZones are kept.
type zones struct {
	known sync.Map
	kept  atomic.Int64
}

const mostZones = 1000 // there are some 600

func (z *zones) load(name string) *time.Location {
	if name == "" || name == "Local" || len(name) > 64 || path.Clean(name) != name {
		return time.UTC
	}
	if zone, ok := z.known.Load(name); ok {
		return zone.(*time.Location)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	if z.kept.Load() < mostZones {
		if _, there := z.known.LoadOrStore(name, zone); !there {
			z.kept.Add(1)
		}
	}
	return zone
}
