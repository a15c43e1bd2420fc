package mastodon

import (
	"context"
	"slices"
	"strings"
	"time"

	"parley/internal/network"
)

// Describe merges what the server tells, what is known of its software, and
// what the token may do.
func (n *Network) Describe(ctx context.Context, a network.Account) (network.Capabilities, error) {
	in, _, err := n.instance(ctx, a.Instance)
	if err != nil {
		return network.Capabilities{}, err
	}
	s := server{Dialect: dialect(a)}.read(in)
	n.learn(a.Instance, s)
	t := s.Dialect.traits()
	caps := network.Capabilities{
		Can:          grants(a, s),
		Feeds:        []network.Feed{network.Mentions, network.Own},
		Text:         s.rule(),
		Media:        s.media(),
		Visibilities: t.visibilities,
		Proof:        network.ProofReadback,
		API:          s.describe(),
		Until:        n.env.Now().Add(factsLife),
	}
	if t.keyed {
		caps.Proof = network.ProofKey
	}
	if t.whole {
		// Only the newest are kept there: looking often is what keeps them.
		caps.PollEvery = 30 * time.Second
	}
	return caps, nil
}

// grants says what the account may do here, or why not.
func grants(a network.Account, s server) map[network.Ability]network.Grant {
	t := s.Dialect.traits()
	no := func(why string) network.Grant { return network.Grant{Why: "mastodon.why." + why} }
	scoped := func(scope string) network.Grant {
		if !allows(a.Scopes, scope) {
			return no("scope")
		}
		return network.Grant{OK: true}
	}
	unless := func(g network.Grant, ok bool, why string) network.Grant {
		if g.OK && !ok {
			return no(why)
		}
		return g
	}
	write, read := scoped("write:statuses"), scoped("read:notifications")
	return map[network.Ability]network.Grant{
		network.CanPost:     unless(write, t.posts, "needs_picture"),
		network.CanReply:    write,
		network.CanDirect:   unless(write, t.directs, "no_direct"),
		network.CanThread:   unless(write, t.threads, "software"),
		network.CanMedia:    scoped("write:media"),
		network.CanEdit:     unless(write, t.edits && (s.Dialect != Mastodon || s.since(3, 5)), "no_edit"),
		network.CanDelete:   write,
		network.CanWarn:     write,
		network.CanLang:     write,
		network.CanLike:     scoped("write:favourites"),
		network.CanRepost:   write,
		network.CanFollow:   scoped("write:follows"),
		network.CanMute:     unless(scoped("write:mutes"), t.mutes, "software"),
		network.CanBlock:    scoped("write:blocks"),
		network.CanReport:   unless(scoped("write:reports"), t.reports, "software"),
		network.CanStream:   unless(read, t.streams, "no_stream"),
		network.CanMentions: read,
		network.CanImport:   scoped("read:statuses"),
		network.CanMetrics:  scoped("read:statuses"),
	}
}

// allows reports a scope, or the wide one it is part of. A server that tells no
// scopes is taken to have granted what was asked for.
func allows(scopes []string, want string) bool {
	if len(scopes) == 0 {
		return true
	}
	wide, part, _ := strings.Cut(want, ":")
	if slices.Contains(scopes, want) || slices.Contains(scopes, wide) {
		return true
	}
	// The old scope "follow" is follows, mutes and blocks, reading and writing.
	return slices.Contains(scopes, "follow") && (part == "follows" || part == "mutes" || part == "blocks")
}

// media is what may be attached.
func (s server) media() []network.MediaRule {
	var out []network.MediaRule
	for _, kind := range []string{"image", "video", "audio"} {
		var mime []string
		for _, m := range s.MIME {
			if strings.HasPrefix(m, kind+"/") {
				mime = append(mime, m)
			}
		}
		if len(mime) == 0 && (len(s.MIME) > 0 || kind != "image") {
			continue
		}
		r := network.MediaRule{Kind: kind, MIME: mime, Max: s.MaxMedia, AltMax: s.AltMax, Bytes: s.VideoBytes}
		if kind == "image" {
			r.Bytes = s.ImageBytes
			if len(mime) == 0 {
				r.MIME = []string{"image/jpeg", "image/png", "image/gif"}
			}
		} else if !s.mixes() {
			r.Max = 1
		}
		out = append(out, r)
	}
	return out
}

// mixes reports software where a post may hold several videos, or a video
// beside pictures. Mastodon takes pictures or one video.
func (s server) mixes() bool {
	return s.Dialect == GoToSocial || s.Dialect == Pleroma || s.Dialect == Snac
}
