// Package mastodon connects accounts on servers that speak the Mastodon API:
// Mastodon itself, GoToSocial, Pleroma and Akkoma, Pixelfed, snac, and others
// that are treated with the strictest rules of them all.
//
// What a server can do is read from the server (nodeinfo, the instance
// document); what it does not tell, but is known of its software, stands in one
// place (dialect.go). Everything that arrives becomes plain text at this edge;
// everything that leaves is frozen by Plan, done once, and proved by reading.
//
// Not its business: when to poll, when to repeat a send, who may do what, how a
// secret is kept. It sleeps nowhere, retries nothing and keeps between calls
// only what it can lose: what a server said of itself.
package mastodon

import (
	"embed"
	"net/http"
	"sync"
	"time"

	"parley/internal/network"
)

// Name of the network in rows, addresses and catalogue keys.
const Name = "mastodon"

// Catalogue holds every sentence of this package that people may see.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Network is the connector. It is safe for concurrent use.
type Network struct {
	env  network.Env
	http *http.Client // as env.HTTP, but a redirect is an answer: a token never follows one

	mu    sync.Mutex
	facts map[string]facts // by instance; asked for again when older than factsLife
}

// facts is what a server said of itself, and when.
type facts struct {
	server
	at time.Time
}

// New makes the connector. All its requests go through env.HTTP.
func New(env network.Env) *Network {
	straight := *env.HTTP
	straight.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Network{env: env, http: &straight, facts: map[string]facts{}}
}

// Info says what the connect page asks for: the server's address, or one's own
// address on it.
func (*Network) Info() network.Info {
	return network.Info{
		Name:  Name,
		Title: "mastodon.title",
		Fields: []network.Field{
			{Name: "hint", Label: "mastodon.hint.label", Help: "mastodon.hint.help"},
		},
	}
}

var (
	_ network.Network    = (*Network)(nil)
	_ network.Authorizer = (*Network)(nil)
	_ network.Refresher  = (*Network)(nil)
	_ network.Revoker    = (*Network)(nil)
	_ network.Poller     = (*Network)(nil)
	_ network.Importer   = (*Network)(nil)
	_ network.Streamer   = (*Network)(nil)
	_ network.Threader   = (*Network)(nil)
	_ network.Watcher    = (*Network)(nil)
	_ network.Publisher  = (*Network)(nil)
	_ network.Editor     = (*Network)(nil)
	_ network.Deleter    = (*Network)(nil)
	_ network.Actor      = (*Network)(nil)
	_ network.Meter      = (*Network)(nil)
)
