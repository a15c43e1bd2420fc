package mastodon

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"

	"parley/internal/network"
	"parley/internal/outbound"
	"parley/internal/text"
)

// nodeinfo is the index of /.well-known/nodeinfo (nodeinfo protocol, "Discovery").
type nodeinfo struct {
	Links []struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	} `json:"links"`
}

// nodeinfoDoc is the document it leads to, as far as it is read.
type nodeinfoDoc struct {
	Software struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"software"`
}

// address is what a member typed, read.
type address struct {
	base string // "https://host"
	user string // "user" of "@user@host"; "" if none was given
	host string
}

// parseAddress accepts a host, a web address on it, and a fediverse address
// with or without its first @.
func parseAddress(hint string) (address, error) {
	s := strings.TrimPrefix(strings.TrimSpace(hint), "acct:")
	refused := &network.Error{Kind: network.BadInput, Native: "address", Help: "mastodon.help.address"}
	if len(s) > 500 || strings.ContainsAny(s, " \t\n\\") {
		return address{}, refused
	}
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		scheme, rest = "https", s
	}
	scheme = strings.ToLower(scheme)
	rest, _, _ = strings.Cut(rest, "?")
	var user string
	if name := strings.TrimPrefix(rest, "@"); !isURL && strings.Contains(name, "@") && !strings.Contains(name, "/") {
		user, rest, _ = strings.Cut(name, "@")
	}
	host, _, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(user, ":/") {
		return address{}, refused
	}
	u, err := url.Parse(scheme + "://" + host)
	if err != nil || u.User != nil || u.Host == "" || (scheme != "https" && scheme != "http") || !plausible(u.Hostname()) {
		return address{}, refused
	}
	host = strings.ToLower(u.Host)
	if !loopback(u.Hostname()) {
		scheme = "https" // a token never travels in the clear
	}
	return address{base: scheme + "://" + host, user: user, host: host}, nil
}

// plausible refuses words that are no host name before anybody is asked.
func plausible(host string) bool {
	if loopback(host) || net.ParseIP(host) != nil {
		return true
	}
	return len(host) <= 253 && strings.Contains(strings.Trim(host, "."), ".") && !strings.ContainsAny(host, "@:,;!\"'<>(){}[]")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// discover finds the server behind an address: where it is, what software it
// runs, what it can do.
func (n *Network) discover(ctx context.Context, at address) (string, server, error) {
	base, s, err := n.inspect(ctx, at.base)
	if network.KindOf(err) != network.BadInput || at.user == "" {
		return base, s, err
	}
	// People may have addresses on a domain that is not their server's (webfinger,
	// RFC 7033).
	moved, ferr := n.webfinger(ctx, at)
	if ferr != nil || moved == "" || moved == at.base {
		return "", server{}, err
	}
	return n.inspect(ctx, moved)
}

// inspect asks one host.
func (n *Network) inspect(ctx context.Context, base string) (string, server, error) {
	name, err := n.software(ctx, base)
	if err != nil {
		return "", server{}, err
	}
	in, at, err := n.instance(ctx, base)
	s := server{Dialect: dialectOf(name)}
	switch {
	case err == nil:
	case network.KindOf(err) == network.Auth && s.Dialect != Unknown:
		in = instance{Domain: hostOnly(base)} // shows itself only to its own people
	case transport(err):
		return "", server{}, unreachable(err)
	case network.KindOf(err) == network.RateLimited:
		return "", server{}, err
	default:
		return "", server{}, notMastodon(name, err)
	}
	if at != nil && at.Host != "" && safe(at) {
		base = at.Scheme + "://" + strings.ToLower(at.Host) // it moved, and said where to
	}
	return base, s.read(in), nil
}

// software is nodeinfo's software.name; "" where there is no nodeinfo.
func (n *Network) software(ctx context.Context, base string) (string, error) {
	var index nodeinfo
	ans, err := n.public(ctx, base, "/.well-known/nodeinfo", &index)
	if err != nil {
		if transport(err) {
			return "", unreachable(err)
		}
		return "", nil
	}
	at := index.newest(ans.url)
	if at == nil {
		return "", nil
	}
	var doc nodeinfoDoc
	if _, err := n.public(ctx, at.Scheme+"://"+at.Host, at.RequestURI(), &doc); err != nil {
		if transport(err) {
			return "", unreachable(err)
		}
		return "", nil
	}
	return doc.Software.Name, nil
}

// newest is where the newest schema of version 2 stands.
func (x nodeinfo) newest(from *url.URL) *url.URL {
	var at *url.URL
	best := ""
	for _, l := range x.Links {
		u, err := from.Parse(l.Href)
		if err == nil && safe(u) && l.Rel > best && strings.Contains(l.Rel, "nodeinfo.diaspora.software/ns/schema/2.") {
			at, best = u, l.Rel
		}
	}
	return at
}

// webfinger finds the server of somebody's address.
func (n *Network) webfinger(ctx context.Context, at address) (string, error) {
	var doc struct {
		Links []struct {
			Rel  string `json:"rel"`
			Type string `json:"type"`
			Href string `json:"href"`
		} `json:"links"`
	}
	resource := url.Values{"resource": {"acct:" + at.user + "@" + at.host}}
	if _, err := n.public(ctx, at.base, "/.well-known/webfinger?"+resource.Encode(), &doc); err != nil {
		return "", err
	}
	for _, l := range doc.Links {
		if u, err := url.Parse(l.Href); l.Rel == "self" && err == nil && u.Host != "" && safe(u) {
			return u.Scheme + "://" + strings.ToLower(u.Host), nil
		}
	}
	return "", nil
}

// safe reports an address that a token may be sent to.
func safe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

// transport reports that nobody answered, as opposed to a wrong answer.
func transport(err error) bool {
	if err == nil {
		return false
	}
	var e *network.Error
	return !errors.As(err, &e) || e.Native == "no_answer" || e.Kind == network.Transient && strings.HasPrefix(e.Native, "5")
}

// unreachable is the sentence for a server that does not answer. A name that
// does not exist is the member's to mend.
func unreachable(err error) error {
	e := &network.Error{Kind: network.Transient, Native: "no_answer", Help: "mastodon.help.unreachable", Err: err}
	var dns *net.DNSError
	switch {
	case errors.Is(err, outbound.ErrPrivate), errors.Is(err, outbound.ErrPort), errors.Is(err, outbound.ErrScheme), errors.Is(err, outbound.ErrRedirect):
		e.Kind, e.Native, e.Help = network.BadInput, "forbidden_address", "mastodon.help.private"
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Kind = network.BadInput
	}
	return e
}

func notMastodon(software string, err error) error {
	e := &network.Error{Kind: network.BadInput, Native: "not_mastodon", Help: "mastodon.help.not_mastodon", Err: err}
	if software != "" {
		e.Message = "the server runs " + text.CleanLine(software, 60)
	}
	return e
}
