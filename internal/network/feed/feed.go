// Package feed listens to RSS, Atom and JSON feeds: what newspapers, councils
// and competitors publish arrives as items beside what people say to us.
//
// It reads and never writes: a feed cannot be answered, liked or followed, and
// Describe says so for each ability. It asks a server as seldom as the feed
// allows, with conditional requests, one at a time, and follows a feed that
// moves. An item that leaves the window is not deleted; a window that holds
// nothing known any more is a gap, closed from the feed's archive where it has
// one (RFC 5005) and told where it has not.
//
// What a document may cost is bounded before any parser sees it (tidy.go).
//
// Not its business: when to poll (account asks Page.Wait), what becomes of an
// item (conversation), reading the page an item links to, and being told of news
// by a hub (the hub and topic are remembered for whoever does that).
package feed

import (
	"context"
	"embed"
	"time"

	"parley/internal/network"
)

// Name of the network in rows, addresses and catalogue keys.
const Name = "feed"

// Catalogue holds every sentence of this package that people may see.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Keys of Account.Extra.
const (
	// ExtraAddress is where the feed is fetched after it moved; absent before.
	// Instance and RemoteID stay as they were at sign-in, so that its items and
	// authors stay the same ones.
	ExtraAddress = "address"
	ExtraSite    = "site"   // the page the feed is about
	ExtraFormat  = "format" // "Atom 1.0"
	ExtraTopic   = "topic"  // rel="self": the WebSub topic
	ExtraHub     = "hub"    // rel="hub": the WebSub hub
	// ExtraOthers are further feeds the site offers, a line each: address, tab, title.
	ExtraOthers = "others"
)

// FieldAddress is the one field of the connect form.
const FieldAddress = "address"

// describeLife is how long Describe's answer holds: nothing in it changes by itself.
const describeLife = 24 * time.Hour

// Network is the connector. It keeps nothing between calls and is safe for
// concurrent use.
type Network struct {
	env network.Env
}

// New makes the connector. All its requests go through env.HTTP.
func New(env network.Env) *Network { return &Network{env: env} }

// Info says what the connect page asks for.
func (*Network) Info() network.Info {
	return network.Info{
		Name:  Name,
		Title: "feed.title",
		Fields: []network.Field{
			{Name: FieldAddress, Label: "feed.field.address", Help: "feed.field.address.help"},
		},
	}
}

// Describe grants reading and history, and refuses everything else with its
// reason. It makes no request.
func (n *Network) Describe(_ context.Context, a network.Account) (network.Capabilities, error) {
	no := func(why string) network.Grant { return network.Grant{Why: "feed.why." + why} }
	return network.Capabilities{
		Can: map[network.Ability]network.Grant{
			network.CanPost:     no("post"),
			network.CanReply:    no("reply"),
			network.CanDirect:   no("direct"),
			network.CanThread:   no("post"),
			network.CanMedia:    no("post"),
			network.CanEdit:     no("post"),
			network.CanDelete:   no("post"),
			network.CanWarn:     no("post"),
			network.CanLang:     no("post"),
			network.CanLike:     no("react"),
			network.CanRepost:   no("react"),
			network.CanFollow:   no("people"),
			network.CanMute:     no("people"),
			network.CanBlock:    no("people"),
			network.CanReport:   no("people"),
			network.CanStream:   no("stream"),
			network.CanMentions: no("mentions"),
			network.CanImport:   {OK: true},
			network.CanMetrics:  no("metrics"),
		},
		Feeds:     []network.Feed{network.Items},
		Proof:     network.ProofNone,
		API:       a.Extra[ExtraFormat],
		Until:     n.env.Now().Add(describeLife),
		PollEvery: soonest,
	}, nil
}

// address is where an account's feed is fetched.
func address(a network.Account) string {
	if moved := a.Extra[ExtraAddress]; moved != "" {
		return moved
	}
	return a.Instance
}

// items refuses every stream of things to read but the one there is.
func items(f network.Feed) error {
	if f == network.Items {
		return nil
	}
	return &network.Error{Kind: network.Policy, Native: "feed " + string(f), Help: "feed.why.mentions"}
}

var (
	_ network.Network  = (*Network)(nil)
	_ network.SignIner = (*Network)(nil)
	_ network.Poller   = (*Network)(nil)
	_ network.Importer = (*Network)(nil)
)
