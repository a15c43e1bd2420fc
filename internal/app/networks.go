package app

import (
	"crypto/rand"
	"net/netip"
	"time"

	"parley/internal/media"
	"parley/internal/network"
	"parley/internal/network/bluesky"
	"parley/internal/network/email"
	"parley/internal/network/feed"
	"parley/internal/network/mastodon"
	"parley/internal/network/sandbox"
	"parley/internal/network/sandbox/people"
	"parley/internal/outbound"
)

// networks registers the networks: one line each. The demo knows only the
// simulated one, so that nothing of it can reach a real network.
func (a *App) networks() ([]network.Network, error) {
	c := a.Config
	a.clients.guarded = outbound.New(outbound.Options{UserAgent: UserAgent(c.URL), AllowPrivate: c.Private, AnyPort: c.AnyPort || len(c.Private) > 0})
	dial := outbound.Dialer(outbound.Options{AllowPrivate: c.Private, Ports: email.Ports(), AnyPort: c.AnyPort || len(c.Private) > 0})
	env := network.Env{HTTP: a.clients.guarded, Dial: dial, Now: c.Clock.Now, Rand: rand.Reader, Apps: a.Accounts, Media: a.mediaBytes}
	a.clients.outside = a.clients.guarded
	defer func() { a.proxy = media.NewProxy(a.DB, a.Media, a.clients.outside, 2) }()
	if c.Demo {
		stage, err := sandbox.New(sandbox.Options{Seed: c.Seed, Clock: c.Clock, Population: true, Backlog: demoPast, Desks: demoDesks(), Staff: demoStaff()})
		if err != nil {
			return nil, err
		}
		a.Stage = stage
		env.HTTP, env.Dial = stage.Client(), nil
		a.clients.outside = stage.Client()
		return []network.Network{sandbox.NewConnector(env, sandbox.Address)}, nil
	}
	sky := bluesky.Defaults()
	if c.PLC != "" {
		sky.PLC = c.PLC
	}
	if c.Jetstream == "none" {
		sky.Jetstream = ""
	} else if c.Jetstream != "" {
		sky.Jetstream = c.Jetstream
	}
	all := []network.Network{
		mastodon.New(env),
		bluesky.New(env, sky),
		feed.New(env),
		email.New(env, email.Options{}),
	}
	if c.Sandbox != "" {
		stage := env
		stage.HTTP = outbound.New(outbound.Options{UserAgent: UserAgent(c.URL), AllowPrivate: loopback(), AnyPort: true})
		all = append(all, sandbox.NewConnector(stage, c.Sandbox))
	}
	return all, nil
}

// loopback is this machine.
func loopback() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// demoPast is how far back the demo's history goes.
const demoPast = 14 * 24 * time.Hour

func demoDesks() []people.Desk {
	return []people.Desk{
		{Handle: "millbrook", Name: "Town of Millbrook", Kind: "town"},
		{Handle: "millbrook_library", Name: "Millbrook Library", Kind: "library"},
	}
}
