package feed

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"parley/internal/network"
)

// maxTries is how many of the feeds that a page names are tried before giving up.
const maxTries = 4

// SignIn finds the feed at a typed address: the address itself, a feed that its
// page names, or one in a common place. The account's address is the typed or
// named one, or where permanent redirects say it has moved; a temporary redirect
// may lead somewhere else tomorrow and is followed anew each time. There is no
// Secret.
func (n *Network) SignIn(ctx context.Context, fields url.Values) (network.Account, network.Secret, error) {
	tries, err := typed(fields.Get(FieldAddress))
	if err != nil {
		return network.Account{}, network.Secret{}, err
	}
	address, ans, err := n.knock(ctx, tries)
	if err != nil {
		return network.Account{}, network.Secret{}, inWords(err)
	}
	doc, err := parse(ans.body, ans.contentType(), ans.from, ans.truncated)
	switch {
	case err == nil:
		return connected(address, ans, doc, nil), network.Secret{}, nil
	case !errors.Is(err, errNoFeed):
		return network.Account{}, network.Secret{}, broken(err)
	}
	a, err := n.search(ctx, ans)
	if err != nil {
		return network.Account{}, network.Secret{}, inWords(err)
	}
	return a, network.Secret{}, nil
}

// knock asks the tries in turn until a server answers at all. A bad certificate
// is an answer: going on without one would be what an attacker wishes for.
func (n *Network) knock(ctx context.Context, tries []string) (address string, ans answer, err error) {
	for _, address = range tries {
		ans, err = n.get(ctx, address, validators{})
		if n := native(err); err == nil || ctx.Err() != nil || n == "dns" || n == "tls" || n == "private" {
			break
		}
	}
	switch {
	case err != nil:
		return "", answer{}, err
	case ans.status != http.StatusOK:
		return "", answer{}, n.refusal(ans)
	}
	return address, ans, nil
}

// search finds a feed from a page: first what the page names, then, one by one
// and only until the server objects, the common places.
func (n *Network) search(ctx context.Context, page answer) (network.Account, error) {
	named := offers(page)
	var fault error
	for i, o := range named[:min(len(named), maxTries)] {
		ans, doc, err := n.try(ctx, o.address)
		if err == nil {
			others := append(append([]offer(nil), named[:i]...), named[i+1:]...)
			return connected(o.address, ans, doc, others), nil
		}
		if fault = err; ctx.Err() != nil {
			return network.Account{}, err
		}
	}
	if fault != nil {
		return network.Account{}, fault
	}
	for _, place := range common(page.from) {
		ans, doc, err := n.try(ctx, place)
		switch {
		case err == nil:
			return connected(place, ans, doc, nil), nil
		case ctx.Err() != nil:
			return network.Account{}, err
		case !notThere(err):
			return network.Account{}, noFeed()
		}
	}
	return network.Account{}, noFeed()
}

// try reads an address that should be a feed.
func (n *Network) try(ctx context.Context, address string) (answer, document, error) {
	ans, err := n.get(ctx, address, validators{})
	if err != nil {
		return answer{}, document{}, err
	}
	if ans.status != http.StatusOK {
		return answer{}, document{}, n.refusal(ans)
	}
	doc, err := parse(ans.body, ans.contentType(), ans.from, ans.truncated)
	if err != nil {
		return answer{}, document{}, broken(err)
	}
	return ans, doc, nil
}

// notThere reports an ordinary miss, after which one may ask for the next place.
func notThere(err error) bool {
	switch native(err) {
	case "404", "410", "403", "401", unreadable:
		return true
	}
	return false
}

// connected is the account of a feed.
func connected(address string, ans answer, doc document, others []offer) network.Account {
	if moved := resolve(nil, ans.moved); moved != "" {
		address = moved
	}
	address = withoutFragment(address)
	a := network.Account{
		Network:  Name,
		Instance: address,
		RemoteID: address,
		Handle:   handleOf(address),
		Name:     firstOf(doc.title, handleOf(address)),
		URL:      firstOf(doc.site, address),
		Avatar:   doc.icon,
		Extra:    map[string]string{ExtraFormat: doc.format},
	}
	set := func(key, value string) {
		if value != "" {
			a.Extra[key] = value
		}
	}
	set(ExtraSite, doc.site)
	set(ExtraTopic, firstOf(headerLink(ans, "self"), doc.self))
	set(ExtraHub, firstOf(headerLink(ans, "hub"), doc.hub))
	var lines []string
	for _, o := range others {
		lines = append(lines, o.address+"\t"+o.title)
	}
	set(ExtraOthers, strings.Join(lines, "\n"))
	return a
}

func noFeed() error {
	return &network.Error{Kind: network.BadInput, Native: unreadable, Help: "feed.help.none"}
}

func broken(err error) error {
	return &network.Error{Kind: network.BadInput, Native: unreadable, Help: "feed.help.broken", Err: err}
}

// inWords turns what went wrong at a typed address into a sentence about that
// address: what is Transient for a feed we know is often a slip of the pen here.
func inWords(err error) error {
	var e *network.Error
	if !errors.As(err, &e) {
		return err
	}
	typo := map[string]string{
		"dns":       "feed.help.server",
		"net":       "feed.help.server",
		"tls":       "feed.help.tls",
		"plain":     "feed.help.plain",
		"redirects": "feed.help.redirects",
		"private":   "feed.help.blocked",
		"port":      "feed.help.port",
		"large":     "feed.help.large",
		"404":       "feed.help.nothing",
		"410":       "feed.help.nothing",
	}
	switch help, ok := typo[e.Native]; {
	case ok:
		e.Kind, e.Help = network.BadInput, help
	case e.Kind == network.Transient && e.Help == "":
		e.Help = "feed.help.busy"
	}
	return e
}
