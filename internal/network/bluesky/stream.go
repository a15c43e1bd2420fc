package bluesky

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/coder/websocket"

	"parley/internal/network"
)

// maxFrame bounds one message of the stream, in bytes.
const maxFrame = 1 << 20

// Stream listens on a Jetstream for records of our own account and says "poll
// now" for each: what was written elsewhere in our name is seen at once. A
// Jetstream filters by author, never by who is mentioned, so mentions stay with
// Poll. It goes on from now; there is nothing to catch up with, since the caller
// polls to the end once ready was called.
func (n *Network) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	if n.opt.Jetstream == "" {
		return &network.Error{Kind: network.Version, Native: "NoStream", Help: "bluesky.why.no_stream"}
	}
	conn, res, err := websocket.Dial(ctx, n.streamAddress(a.RemoteID), &websocket.DialOptions{HTTPClient: n.env.HTTP})
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if res != nil && res.StatusCode >= 300 {
			return n.refused(call{method: "subscribe"}, res, nil)
		}
		return &network.Error{Kind: network.Transient, Native: "subscribe", Err: err}
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	ready()
	for {
		_, frame, err := conn.Read(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &network.Error{Kind: network.Transient, Native: "subscribe", Err: err}
		}
		if !concerns(frame, a.RemoteID) {
			continue
		}
		if err := got(network.Event{Kind: network.KindHint, At: n.now()}); err != nil {
			return err
		}
	}
}

// streamAddress asks for our posts alone. Both generations of Jetstream serve
// /subscribe.
func (n *Network) streamAddress(did string) string {
	q := url.Values{"wantedCollections": {typePost}, "wantedDids": {did}}
	return strings.TrimSuffix(n.opt.Jetstream, "/") + "/subscribe?" + q.Encode()
}

// concerns reports a commit of did. Identity and account events, which come
// whatever was asked for, change nothing to read.
func concerns(frame []byte, did string) bool {
	var e struct {
		DID  string `json:"did"`
		Kind string `json:"kind"`
	}
	return json.Unmarshal(frame, &e) == nil && e.Kind == "commit" && e.DID == did
}
