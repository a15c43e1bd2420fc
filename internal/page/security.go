package page

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// policy is the Content-Security-Policy of every answer. No inline script or
// style, nothing from other sites; pictures from outside are served by us.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets the headers that every answer carries.
func (k *Kernel) secure(h http.Header, ref string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()")
	h.Set("X-Request-Id", ref)
	if k.opts.URL.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// client is the address of the browser: the connection's, unless that is a
// trusted proxy; then the last address in X-Forwarded-For that no trusted proxy has.
func (k *Kernel) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	if !k.trusted(at) {
		return at
	}
	var hops []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		hops = append(hops, strings.Split(line, ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		addr, err := parseHop(hop)
		if err != nil {
			return at // whoever is before this one cannot be told
		}
		at = addr
		if !k.trusted(addr) {
			return at
		}
	}
	return at
}

// parseHop reads an address, with or without a port, as proxies write it.
func parseHop(s string) (netip.Addr, error) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone(""), nil
	}
	ap, err := netip.ParseAddrPort(s)
	return ap.Addr().Unmap().WithZone(""), err
}

func (k *Kernel) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(k.opts.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
