package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"parley/internal/network"
	"parley/internal/text"
)

// maxTried bounds, in bytes, the list of what was tried.
const maxTried = 280

// SignIn finds the two servers of an address, signs in at both and looks for the
// folder of sent mail. Nothing is sent.
func (n *Network) SignIn(ctx context.Context, fields url.Values) (network.Account, network.Secret, error) {
	var none network.Secret
	who := addresses(fields.Get(fieldAddress))
	if len(who) != 1 {
		return network.Account{}, none, &network.Error{Kind: network.BadInput, Native: "address", Help: "email.help.address"}
	}
	us, password := who[0], fields.Get(fieldPassword)
	if password == "" {
		return network.Account{}, none, &network.Error{Kind: network.BadInput, Native: "password", Help: "email.help.no_password"}
	}
	domain, err := hostName(us.domain())
	if err != nil {
		return network.Account{}, none, &network.Error{Kind: network.BadInput, Native: "address", Help: "email.help.address", Err: err}
	}
	a := network.Account{Network: Name, Instance: Instance, RemoteID: us.key(), Handle: us.addr, URL: "mailto:" + us.addr,
		Name: text.CleanLine(fields.Get(fieldName), 200), Extra: map[string]string{}}
	names := []string{us.addr}
	if typed := text.CleanLine(fields.Get(fieldUser), 320); typed != "" {
		names = []string{typed}
	} else if local, _, ok := strings.Cut(us.addr, "@"); ok {
		names = append(names, local)
	}
	if err := n.signInIMAP(ctx, &a, fields.Get(fieldIMAP), domain, names, password); err != nil {
		return network.Account{}, none, err
	}
	if err := n.signInSMTP(ctx, &a, fields.Get(fieldSMTP), domain, password); err != nil {
		return network.Account{}, none, err
	}
	blob, err := json.Marshal(secret{Password: password})
	if err != nil {
		return network.Account{}, none, fmt.Errorf("writing a credential: %w", err)
	}
	return a, network.Secret{Blob: blob}, nil
}

// servers are those to try: the one that was typed, else all that are likely.
func (n *Network) servers(ctx context.Context, service, typed, domain string) ([]server, error) {
	if strings.TrimSpace(typed) != "" {
		return parseServer(service, typed)
	}
	return n.candidates(ctx, service, domain), nil
}

// signInIMAP tries the servers until one answers, and there the names until one
// is known: most servers want the whole address, some only what stands before @.
func (n *Network) signInIMAP(ctx context.Context, a *network.Account, typed, domain string, names []string, password string) error {
	list, err := n.servers(ctx, "imap", typed, domain)
	if err != nil {
		return err
	}
	var t tried
	for _, s := range list {
		var err error
		for _, name := range names {
			if err = n.tryIMAP(ctx, a, s, name, password); err == nil {
				return nil
			}
			if network.KindOf(err) != network.Auth {
				break
			}
		}
		if t.add(s, err) {
			return err
		}
	}
	return t.failed("email.help.no_imap")
}

func (n *Network) tryIMAP(ctx context.Context, a *network.Account, s server, name, password string) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	m, err := n.openAt(ctx, s, name, password)
	if err != nil {
		return err
	}
	defer m.close()
	sent, err := m.sentFolder()
	if err != nil {
		return err
	}
	a.Extra[extraIMAP], a.Extra[extraUser], a.Extra[extraSent] = s.String(), name, sent
	if savesByItself(m.c.Caps()) {
		a.Extra[extraSaves] = "yes"
	}
	return nil
}

// signInSMTP tries the servers with the name that the mailbox took. Where nothing
// was typed, the mailbox's own host comes before the usual names.
func (n *Network) signInSMTP(ctx context.Context, a *network.Account, typed, domain, password string) error {
	list, err := n.servers(ctx, "smtp", typed, domain)
	if err != nil {
		return err
	}
	if box, err := serverOf(*a, "imap"); err == nil && typed == "" && !strings.HasPrefix(box.host, "imap.") {
		for _, m := range []mode{starttls, implicit} {
			same := server{m, box.host, usual["smtp"][m]}
			list = slices.DeleteFunc(list, func(s server) bool { return s == same })
			list = slices.Insert(list, 0, same)
		}
	}
	var t tried
	for _, s := range list {
		err := n.trySMTP(ctx, *a, s, password)
		if err == nil {
			a.Extra[extraSMTP] = s.String()
			return nil
		}
		if t.add(s, err) {
			return err
		}
	}
	return t.failed("email.help.no_smtp")
}

func (n *Network) trySMTP(ctx context.Context, a network.Account, s server, password string) error {
	ctx, cancel := context.WithTimeout(ctx, tryFor)
	defer cancel()
	sub, err := n.submitTo(ctx, s, a.Extra[extraUser], password, a.RemoteID)
	if err != nil {
		return err
	}
	sub.close()
	return nil
}

// tried remembers which servers did not serve, and why.
type tried struct {
	lines []string
	worst *network.Error // what says most: a bad certificate rather than silence
}

// add notes a failure, and reports one that ends the search: the server is the
// right one, and it refuses us.
func (t *tried) add(s server, err error) (over bool) {
	var e *network.Error
	if !errors.As(err, &e) {
		e = &network.Error{Kind: network.Transient, Native: "slow", Help: "email.help.unreachable", Err: err}
	}
	switch e.Kind {
	case network.Auth, network.Suspended, network.RateLimited, network.BadInput:
		return true
	}
	t.lines = append(t.lines, s.address()+" ("+e.Native+")")
	if t.worst == nil || weight(e) > weight(t.worst) {
		t.worst = e
	}
	return false
}

func weight(e *network.Error) int {
	switch e.Native {
	case "dns":
		return 0
	case "net", "slow":
		return 1
	case "certificate", "private", "port":
		return 3
	}
	return 2
}

// failed says what was tried. A server that is there and cannot be trusted is
// what needs mending; else the names were wrong.
func (t *tried) failed(help string) error {
	e := &network.Error{Kind: network.BadInput, Native: "servers", Help: help, Message: text.CleanLine("Tried "+strings.Join(t.lines, ", "), maxTried)}
	if t.worst != nil {
		e.Err = t.worst
		if weight(t.worst) == 3 {
			e.Native, e.Help = t.worst.Native, t.worst.Help
		}
	}
	return e
}
