package feed_test

import (
	"testing"

	"parley/internal/network"
	"parley/internal/network/feed"
	"parley/internal/network/feed/feedtest"
	"parley/internal/network/networktest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	networktest.Run(t,
		func(env networktest.Env) network.Network { return feed.New(env.Env) },
		func(env networktest.Env) networktest.Fake { return feedtest.New(env) })
}
