package bluesky_test

import (
	"strings"
	"testing"

	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/network/bluesky/blueskytest"
	"parley/internal/network/networktest"
)

// near are options that reach only the Fake.
func near(base string, r bluesky.Resolver) bluesky.Options {
	o := bluesky.Defaults()
	o.PLC, o.Resolver = base, r
	o.Jetstream = "ws" + strings.TrimPrefix(base, "http")
	return o
}

// The suite expects a stream to tell, or hint at, what strangers say. A
// Jetstream filters by author only, so ours hints at our own posts and the
// stream is tested by itself (stream_test.go).
func TestConformance(t *testing.T) {
	t.Parallel()
	networktest.Run(t,
		func(env networktest.Env) network.Network {
			o := near(env.BaseURL, nil)
			o.Jetstream = ""
			return bluesky.New(env.Env, o)
		},
		func(env networktest.Env) networktest.Fake { return blueskytest.New(env) })
}
