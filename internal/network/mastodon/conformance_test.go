package mastodon_test

import (
	"testing"

	"parley/internal/network"
	"parley/internal/network/mastodon"
	"parley/internal/network/mastodon/mastodontest"
	"parley/internal/network/networktest"
)

// dialects are all that are told apart.
var dialects = []mastodon.Dialect{
	mastodon.Mastodon, mastodon.GoToSocial, mastodon.Pleroma, mastodon.Pixelfed, mastodon.Snac, mastodon.Unknown,
}

// lasting is the connector for servers whose tokens never expire: there is
// nothing to renew, so it is no network.Refresher.
type lasting struct {
	network.Network
	network.Poller
	network.Importer
	network.Streamer
	network.Threader
	network.Watcher
	network.Publisher
	network.Editor
	network.Deleter
	network.Actor
	network.Meter
}

func connector(d mastodon.Dialect) func(networktest.Env) network.Network {
	return func(env networktest.Env) network.Network {
		n := mastodon.New(env.Env)
		if d == mastodon.Pleroma || d == mastodon.Pixelfed {
			return n
		}
		return lasting{n, n, n, n, n, n, n, n, n, n, n}
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, d := range dialects {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			networktest.Run(t, connector(d), func(env networktest.Env) networktest.Fake { return mastodontest.New(env, d) })
		})
	}
}
