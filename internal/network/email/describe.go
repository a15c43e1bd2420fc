package email

import (
	"context"
	"time"

	"github.com/emersion/go-imap/v2"

	"parley/internal/network"
)

const (
	describeFor = 12 * time.Hour
	// Each poll signs in anew: beside a stream that tells of what comes, seldom
	// is enough.
	pollBeside = 5 * time.Minute
	pollAlone  = time.Minute
)

// Describe signs in and looks what the server can do.
func (n *Network) Describe(ctx context.Context, a network.Account) (network.Capabilities, error) {
	m, err := n.open(ctx, a)
	if err != nil {
		return network.Capabilities{}, err
	}
	defer m.close()
	caps := m.c.Caps()
	idle := caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
	s, err := serverOf(a, "imap")
	if err != nil {
		return network.Capabilities{}, err
	}
	c := network.Capabilities{
		Can:       can(idle),
		Feeds:     []network.Feed{network.Direct},
		Media:     []network.MediaRule{{Kind: "image", Max: maxFiles, AltMax: 900, Bytes: maxFileBytes}},
		Proof:     network.ProofNone,
		API:       "IMAP at " + s.host,
		Until:     n.now().Add(describeFor),
		PollEvery: pollAlone,
		Letters:   true,
	}
	if a.Extra[extraSent] != "" {
		c.Feeds = append(c.Feeds, network.Own)
	}
	if a.Extra[extraSaves] == "yes" {
		c.Proof = network.ProofReadback
	}
	if idle {
		c.PollEvery = pollBeside
	}
	return c, nil
}

func can(idle bool) map[network.Ability]network.Grant {
	yes := network.Grant{OK: true}
	no := func(why string) network.Grant { return network.Grant{Why: why} }
	all := map[network.Ability]network.Grant{
		network.CanReply:    yes,
		network.CanDirect:   yes,
		network.CanMedia:    yes,
		network.CanLang:     yes,
		network.CanImport:   yes,
		network.CanStream:   yes,
		network.CanPost:     no("email.why.post"),
		network.CanThread:   no("email.why.thread"),
		network.CanEdit:     no("email.why.stays"),
		network.CanDelete:   no("email.why.stays"),
		network.CanWarn:     no("email.why.warning"),
		network.CanLike:     no("email.why.react"),
		network.CanRepost:   no("email.why.react"),
		network.CanFollow:   no("email.why.follow"),
		network.CanMute:     no("email.why.block"),
		network.CanBlock:    no("email.why.block"),
		network.CanReport:   no("email.why.report"),
		network.CanMentions: no("email.why.mentions"),
		network.CanMetrics:  no("email.why.metrics"),
	}
	if !idle {
		all[network.CanStream] = no("email.why.no_idle")
	}
	return all
}
