package mastodon

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"parley/internal/network"
)

// maxFrame bounds one message of the stream, in bytes. A larger one ends the
// stream; Poll brings what it said.
const maxFrame = 4 << 20

// frame is one message of the streaming API: payload is JSON in a string, or
// for some events a bare id, or nothing.
type frame struct {
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// Stream listens on the account's own timeline: the only stream that also tells
// of edits and deletes. A connection that dies silently is noticed by TCP
// keep-alive; until then Poll has what is missed.
func (n *Network) Stream(ctx context.Context, a network.Account, ready func(), got func(network.Event) error) error {
	conn, err := n.openStream(ctx, a)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	ready()
	for {
		_, b, err := conn.Read(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return broken(err)
		}
		e, ok := n.streamed(a, b)
		if !ok {
			continue
		}
		if err := got(e); err != nil {
			return err
		}
	}
}

func (n *Network) openStream(ctx context.Context, a network.Account) (*websocket.Conn, error) {
	if !dialect(a).traits().streams {
		return nil, &network.Error{Kind: network.Policy, Native: "no_stream", Help: "mastodon.why.no_stream"}
	}
	tok, err := token(a)
	if err != nil {
		return nil, err
	}
	s, err := n.server(ctx, a)
	if err != nil {
		return nil, err
	}
	addr, err := streamAddress(s.Streaming, a.Instance)
	if err != nil {
		return nil, err
	}
	// The token stands in a header, never in the address: addresses are logged.
	conn, res, err := websocket.Dial(ctx, addr, &websocket.DialOptions{
		HTTPClient: n.http,
		HTTPHeader: http.Header{"Authorization": {"Bearer " + tok.Access}},
	})
	if err == nil {
		return conn, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if res == nil || res.StatusCode == http.StatusSwitchingProtocols {
		return nil, broken(err)
	}
	ans := answer{status: res.StatusCode, header: res.Header}
	if res.Body != nil {
		ans.body, _ = io.ReadAll(io.LimitReader(res.Body, 4096))
	}
	return nil, n.refusal(get("", nil), ans, tok.secrets()...)
}

func broken(err error) error {
	return &network.Error{Kind: network.Transient, Native: "stream", Err: err}
}

// streamAddress is where the stream of an instance stands. Some servers
// advertise wss even where they speak plain http; on the instance's own host its
// own scheme is right.
func streamAddress(advertised, instance string) (string, error) {
	u, err := url.Parse(first(advertised, instance))
	home, herr := url.Parse(instance)
	if err != nil || herr != nil || u.Host == "" {
		return "", &network.Error{Kind: network.Transient, Native: "stream", Message: "the server names no address for its stream"}
	}
	switch {
	case u.Host == home.Host && home.Scheme == "http", u.Scheme == "http", u.Scheme == "ws":
		u.Scheme = "ws"
	default:
		u.Scheme = "wss"
	}
	if u.Scheme == "ws" && !loopback(u.Hostname()) {
		u.Scheme = "wss" // a token never travels in the clear
	}
	path := strings.TrimSuffix(u.Path, "/")
	if !strings.HasSuffix(path, "/api/v1/streaming") {
		path += "/api/v1/streaming"
	}
	u.Path, u.RawQuery = path, url.Values{"stream": {"user"}}.Encode()
	return u.String(), nil
}

// streamed turns a message into an event; false if it is none of our business.
// What cannot be read is a hint: Poll will read it properly.
func (n *Network) streamed(a network.Account, b []byte) (network.Event, bool) {
	hint := network.Event{Kind: network.KindHint, At: n.env.Now()}
	var f frame
	if err := lenient(b, &f); err != nil {
		return hint, true
	}
	switch f.Event {
	case "notification":
		it, err := n.readNotification(a, f.body())
		if err != nil {
			return hint, true
		}
		if it.event == nil {
			return network.Event{}, false
		}
		return *it.event, true
	case "update":
		e, st, err := n.message(a, network.KindMessage, f.body(), time.Time{})
		return e, err == nil && st.Reblog == nil && (e.Own || e.Addressed)
	case "status.update":
		e, _, err := n.message(a, network.KindEdit, f.body(), time.Time{})
		if err != nil {
			return hint, true
		}
		// Of all whom the account follows; what stands around a conversation
		// without speaking to us is watched by reading it again.
		return e, e.Own || e.Addressed
	case "delete":
		var told ident
		_ = told.UnmarshalJSON(f.Payload)
		id := canonical(a, told)
		return network.Event{Kind: network.KindGone, Gone: &network.Ref{ID: id}, At: n.env.Now()}, id != ""
	case "notifications_merged", "conversation":
		return hint, true
	}
	return network.Event{}, false
}

// body is the payload without the string around it.
func (f frame) body() json.RawMessage {
	var s string
	if json.Unmarshal(f.Payload, &s) == nil {
		return json.RawMessage(s)
	}
	return f.Payload
}
