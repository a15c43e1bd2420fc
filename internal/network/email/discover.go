package email

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"
)

// lookFor bounds one look-up of names, tryFor one attempt to sign in: some servers
// keep everybody waiting for a while after a wrong password.
const (
	lookFor = 4 * time.Second
	tryFor  = 30 * time.Second
)

// elsewhere are providers whose servers have other names than those one would
// try.
var elsewhere = map[string][2]string{
	"icloud.com":     {"imap.mail.me.com", "starttls://smtp.mail.me.com"},
	"me.com":         {"imap.mail.me.com", "starttls://smtp.mail.me.com"},
	"mac.com":        {"imap.mail.me.com", "starttls://smtp.mail.me.com"},
	"gmx.de":         {"imap.gmx.net", "mail.gmx.net"},
	"gmx.net":        {"imap.gmx.net", "mail.gmx.net"},
	"t-online.de":    {"secureimap.t-online.de", "securesmtp.t-online.de"},
	"googlemail.com": {"imap.gmail.com", "smtp.gmail.com"},
}

// candidates are the servers worth trying for a domain, the likeliest first: what
// the domain names in its own records (RFC 6186; RFC 8314, section 5.1), what is
// known of the provider, then the usual names.
func (n *Network) candidates(ctx context.Context, service, domain string) []server {
	var found []server
	add := func(list ...server) {
		for _, s := range list {
			if !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	if service == "imap" {
		add(n.named(ctx, "imaps", domain, implicit)...)
		add(n.named(ctx, "imap", domain, starttls)...)
	} else {
		add(n.named(ctx, "submissions", domain, implicit)...)
		add(n.named(ctx, "submission", domain, starttls)...)
	}
	if known, ok := elsewhere[domain]; ok {
		host := known[0]
		if service == "smtp" {
			host = known[1]
		}
		list, _ := parseServer(service, host) // written here
		add(list...)
	}
	for _, m := range []mode{implicit, starttls} {
		for _, prefix := range []string{service + ".", "mail."} {
			add(server{m, prefix + domain, usual[service][m]})
		}
	}
	return found[:min(len(found), 8)]
}

// named are the servers of an SRV record, if the resolver gives any. A record whose
// target is "." says that there is no such service.
func (n *Network) named(ctx context.Context, service, domain string, m mode) []server {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	_, records, err := n.opt.Resolver.LookupSRV(ctx, service, "tcp", domain)
	if err != nil {
		return nil
	}
	var found []server
	for _, r := range records[:min(len(records), 3)] {
		host, err := hostName(r.Target)
		if err != nil || !strings.Contains(host, ".") || net.ParseIP(host) != nil {
			continue
		}
		found = append(found, server{m, host, int(r.Port)})
	}
	return found
}
