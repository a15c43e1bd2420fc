// Package bluesky connects Parley to Bluesky and other AT Protocol services.
//
// An account lives on a PDS (personal data server), which keeps its records:
// posts, likes, follows. What others say is known to an AppView, direct messages
// to a chat service; the PDS passes both kinds of request on under the account's
// name. So an account on a bare PDS can write and prove what it wrote, but
// cannot hear, and Describe says so.
//
// Boundaries: sign-in with an app password (session.go, signin.go, identity.go),
// reading (poll.go, own.go, direct.go, import.go, thread.go, watch.go), sending
// (plan*.go, do.go, prove.go) and small acts (act.go). Every request goes through
// xrpc.go. Records and their content ids are made in package record.
//
// Not its business: OAuth, the firehose, feeds and lists, search, moderation
// queues, when to poll, when to repeat a send.
//
// Sources: https://atproto.com/specs and the lexicons of app.bsky, chat.bsky and
// com.atproto; what was seen on real servers is in docs/networks/bluesky.md.
package bluesky

import (
	"context"
	"embed"
	"net"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// Name is the network's name in rows, addresses and catalogue keys.
const Name = "bluesky"

// Catalogue holds every sentence of this package that members see.
//
//go:embed catalogue/*.json
var Catalogue embed.FS

// Resolver finds the TXT records of a name; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Options are the addresses of the services around the PDS. Tests and operators
// of a network of their own change them; everybody else takes Defaults.
type Options struct {
	Web       string   // where posts have a page; also Account.Instance, since the network is one
	PLC       string   // directory of did:plc documents
	Resolver  Resolver // for _atproto TXT records
	AppView   string   // service reference for app.bsky reads; "" leaves the choice to the PDS
	Chat      string   // service reference for chat.bsky; "" leaves the choice to the PDS
	Labeler   string   // service reference for reports; "" leaves the choice to the PDS
	CDN       string   // where pictures of records are served; "" gives pictures no address
	Jetstream string   // websocket address of a Jetstream; "" means no stream
}

// Defaults are Bluesky's own services.
func Defaults() Options {
	return Options{
		Web:       "https://bsky.app",
		PLC:       "https://plc.directory",
		Resolver:  net.DefaultResolver,
		AppView:   "did:web:api.bsky.app#bsky_appview",
		Chat:      "did:web:api.bsky.chat#bsky_chat",
		Labeler:   "did:plc:ar7c4by46qjdydhdevvrndac#atproto_labeler",
		CDN:       "https://cdn.bsky.app",
		Jetstream: "wss://jetstream2.us-east.bsky.network",
	}
}

// Network is the connector. It keeps nothing between calls.
type Network struct {
	env network.Env
	opt Options
}

// New makes the connector.
func New(env network.Env, opt Options) *Network { return &Network{env: env, opt: opt} }

// Info says what a member fills in.
func (n *Network) Info() network.Info {
	return network.Info{
		Name:  Name,
		Title: "bluesky.title",
		Fields: []network.Field{
			{Name: fieldHandle, Label: "bluesky.field.handle", Help: "bluesky.field.handle.help"},
			{Name: fieldPassword, Label: "bluesky.field.password", Help: "bluesky.field.password.help", Secret: true},
			{Name: fieldPDS, Label: "bluesky.field.pds", Help: "bluesky.field.pds.help", Optional: true},
		},
	}
}

// Limits of app.bsky.feed.post, app.bsky.embed.* and chat.bsky.convo.defs#messageInput.
const (
	maxGraphemes       = 300
	maxBytes           = 3000
	maxDirectGraphemes = 1000
	maxDirectBytes     = 10000
	maxImages          = 4
	maxImageBytes      = 2_000_000
	maxVideoBytes      = 50_000_000 // what Bluesky's own servers take as a plain blob
	maxParts           = 50         // far below the 200 writes of one applyWrites
)

// postRule is how posts are counted; directRule how direct messages are.
var (
	postRule   = text.Rule{Unit: text.Graphemes, Max: maxGraphemes, MaxBytes: maxBytes}
	directRule = text.Rule{Unit: text.Graphemes, Max: maxDirectGraphemes, MaxBytes: maxDirectBytes}
)

// Collections and types of records.
const (
	typePost   = "app.bsky.feed.post"
	typeLike   = "app.bsky.feed.like"
	typeRepost = "app.bsky.feed.repost"
	typeFollow = "app.bsky.graph.follow"
	typeBlock  = "app.bsky.graph.block"
	typeImages = "app.bsky.embed.images"
	typeVideo  = "app.bsky.embed.video"
)

// now is the instant in UTC.
func (n *Network) now() time.Time { return n.env.Now().UTC() }

var (
	_ network.Network   = (*Network)(nil)
	_ network.SignIner  = (*Network)(nil)
	_ network.Refresher = (*Network)(nil)
	_ network.Revoker   = (*Network)(nil)
	_ network.Poller    = (*Network)(nil)
	_ network.Importer  = (*Network)(nil)
	_ network.Streamer  = (*Network)(nil)
	_ network.Threader  = (*Network)(nil)
	_ network.Watcher   = (*Network)(nil)
	_ network.Publisher = (*Network)(nil)
	_ network.Deleter   = (*Network)(nil)
	_ network.Actor     = (*Network)(nil)
	_ network.Meter     = (*Network)(nil)
)
