package bluesky

import (
	"context"
	"net/url"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

const (
	describeFor    = 6 * time.Hour    // how long an answer with everything granted is good
	describeAgain  = 10 * time.Minute // and one that found a service missing
	pollMentionsIn = 20 * time.Second
	languages      = 3 // app.bsky.feed.post langs
)

var (
	granted    = network.Grant{OK: true}
	imageTypes = []string{"image/jpeg", "image/png", "image/webp", "image/gif"}
	videoTypes = []string{"video/mp4"}
)

// Describe asks the PDS what it is, whether an AppView answers behind it, and
// whether this app password reaches the chat.
func (n *Network) Describe(ctx context.Context, a network.Account) (network.Capabilities, error) {
	var d description
	if _, err := n.send(ctx, call{base: pdsOf(a), method: "com.atproto.server.describeServer"}, &d); err != nil {
		return network.Capabilities{}, err
	}
	if err := n.signedIn(ctx, a); err != nil {
		return network.Capabilities{}, err
	}
	view, err := n.answers(ctx, a, n.appView("app.bsky.notification.getUnreadCount", nil))
	if err != nil {
		return network.Capabilities{}, err
	}
	chat := false
	if direct(a) {
		if chat, err = n.answers(ctx, a, n.chat("chat.bsky.convo.listConvos", url.Values{"limit": {"1"}}, nil)); err != nil {
			return network.Capabilities{}, err
		}
	}
	c := network.Capabilities{
		Can: n.can(a, view, chat), Text: postRule, Proof: network.ProofID,
		Media: mediaRules(d), API: n.api(ctx, a), Until: n.now().Add(describeFor),
		Feeds: []network.Feed{network.Own}, PollEvery: pollMentionsIn,
	}
	if view {
		c.Feeds = append(c.Feeds, network.Mentions)
	}
	if chat {
		c.Feeds = append(c.Feeds, network.Direct)
	}
	if !view || direct(a) && !chat {
		c.Until = n.now().Add(describeAgain)
	}
	return c, nil
}

// signedIn asks the PDS whether it still knows us: without an AppView nothing
// else that Describe reads would tell.
func (n *Network) signedIn(ctx context.Context, a network.Account) error {
	var t tokens
	if _, err := n.query(ctx, a, call{method: "com.atproto.server.getSession"}, &t); err != nil {
		return err
	}
	if t.Active != nil && !*t.Active {
		return &network.Error{Kind: network.Suspended, Native: t.Status, Help: "bluesky.help.inactive"}
	}
	return nil
}

// answers reports whether the service behind a read is there. Only a refusal
// that concerns the account, or "too often", is an error.
func (n *Network) answers(ctx context.Context, a network.Account, c call) (bool, error) {
	_, err := n.query(ctx, a, c, nil)
	switch network.KindOf(err) {
	case "":
		return true, nil
	case network.Auth, network.Suspended, network.RateLimited:
		return false, scopeError(a, err)
	default:
		return false, ctx.Err()
	}
}

// api names software and version, for the operator. Not every PDS tells.
func (n *Network) api(ctx context.Context, a network.Account) string {
	var h struct{ Version string }
	if _, err := n.send(ctx, call{base: pdsOf(a), method: "_health"}, &h); err != nil {
		return "AT Protocol PDS"
	}
	return strings.TrimSpace("AT Protocol PDS " + text.CleanLine(h.Version, 40))
}

func (n *Network) can(a network.Account, view, chat bool) map[network.Ability]network.Grant {
	no := func(why string) network.Grant { return network.Grant{Why: why} }
	reads := granted
	if !view {
		reads = no("bluesky.why.no_appview")
	}
	can := map[network.Ability]network.Grant{
		network.CanPost: granted, network.CanReply: granted, network.CanThread: granted,
		network.CanMedia: granted, network.CanDelete: granted, network.CanLang: granted,
		network.CanLike: granted, network.CanRepost: granted, network.CanFollow: granted,
		network.CanBlock: granted, network.CanImport: granted,
		network.CanMentions: reads, network.CanMetrics: reads, network.CanMute: reads, network.CanReport: reads,
		network.CanEdit:   no("bluesky.why.no_edit"),
		network.CanWarn:   no("bluesky.why.no_warning"),
		network.CanStream: granted,
		network.CanDirect: granted,
	}
	if n.opt.Jetstream == "" {
		can[network.CanStream] = no("bluesky.why.no_stream")
	}
	switch {
	case !direct(a):
		can[network.CanDirect] = no("bluesky.why.no_direct")
	case !chat:
		can[network.CanDirect] = no("bluesky.why.no_chat")
	}
	return can
}

// mediaRules: a post holds up to four pictures or one video, not both.
func mediaRules(d description) []network.MediaRule {
	rules := []network.MediaRule{
		{Kind: "image", MIME: imageTypes, Max: maxImages, Bytes: maxImageBytes},
		{Kind: "video", MIME: videoTypes, Max: 1, Bytes: maxVideoBytes},
	}
	if d.BlobUploadLimit > 0 {
		for i := range rules {
			rules[i].Bytes = min(rules[i].Bytes, d.BlobUploadLimit)
		}
	}
	return rules
}
