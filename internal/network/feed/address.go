package feed

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"

	"parley/internal/network"
)

// typed reads what a member wrote into the address field. Without a scheme it is
// tried with https and then with http.
func typed(s string) ([]string, error) {
	s = strings.Trim(strings.TrimSpace(s), "<>")
	s = strings.TrimSpace(s)
	// "feed:" is what browsers once put before an address of a feed.
	for _, prefix := range []string{"feed:", "rss:"} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = strings.TrimPrefix(s[len(prefix):], "//")
		}
	}
	if strings.Contains(s, "://") {
		u, err := absolute(s)
		if err != nil {
			return nil, err
		}
		return []string{u}, nil
	}
	host, _, _ := strings.Cut(s, "/")
	if !strings.ContainsAny(host, ".:") && host != "localhost" || strings.Contains(host, "@") {
		return nil, notAddress("feed.help.address")
	}
	secure, err := absolute("https://" + s)
	if err != nil {
		return nil, err
	}
	plain, err := absolute("http://" + s)
	if err != nil {
		return nil, err
	}
	return []string{secure, plain}, nil
}

// absolute brings an http(s) address into one form: host in lower case ASCII,
// no fragment, a path. A password in it is refused: it would stand in the
// database and in front of everybody who sees the account.
func absolute(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return "", notAddress("feed.help.address")
	}
	if u.User != nil {
		return "", notAddress("feed.help.password")
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil {
		// As browsers map host names, but with the underscores that some have.
		host, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(u.Hostname())
		if err != nil {
			return "", notAddress("feed.help.address")
		}
		if port := u.Port(); port != "" {
			host += ":" + port
		}
		u.Host = host
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment = ""
	return u.String(), nil
}

func notAddress(help string) error {
	return &network.Error{Kind: network.BadInput, Native: "address", Help: help}
}

// handleOf is an address as people write it.
func handleOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	host := u.Host
	if shown, err := idna.Display.ToUnicode(u.Hostname()); err == nil {
		host = shown
		if port := u.Port(); port != "" {
			host += ":" + port
		}
	}
	return strings.TrimPrefix(host, "www.") + strings.TrimSuffix(u.Path, "/")
}
