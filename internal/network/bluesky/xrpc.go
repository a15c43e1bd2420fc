package bluesky

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"parley/internal/network"
	"parley/internal/outbound"
)

// maxAnswer bounds one answer, in bytes. A thread of a thousand posts is about
// three megabytes.
const maxAnswer = 8 << 20

// call is one XRPC request (https://atproto.com/specs/xrpc).
type call struct {
	base   string // the server's address; "" is the account's PDS
	method string // NSID
	query  url.Values
	body   []byte // nil makes it a query (GET)
	mime   string // of body; "" is JSON
	token  string // bearer; "" sends none
	secret string // something in body that must not come back in an error
	proxy  string // service the PDS passes the request to; "" is the PDS's choice
	write  bool   // a lost answer is Ambiguous
	media  bool   // a bad request is about what is attached
	away   string // catalogue key for "the service behind the PDS is not there"; "" if none is needed
}

// query reads from the account's PDS, or from the service behind it.
func (n *Network) query(ctx context.Context, a network.Account, c call, out any) (http.Header, error) {
	s, err := sessionOf(a)
	if err != nil {
		return nil, err
	}
	c.base, c.token = pdsOf(a), s.Access
	return n.send(ctx, c, out)
}

// procedure writes to the account's PDS, or to the service behind it.
func (n *Network) procedure(ctx context.Context, a network.Account, c call, out any) error {
	s, err := sessionOf(a)
	if err != nil {
		return err
	}
	c.base, c.token, c.write = pdsOf(a), s.Access, true
	if c.body == nil {
		c.body = []byte{}
	}
	_, err = n.send(ctx, c, out)
	return err
}

// send makes the request and reads its answer into out (nil: not wanted).
func (n *Network) send(ctx context.Context, c call, out any) (http.Header, error) {
	req, err := c.request(ctx)
	if err != nil {
		return nil, &network.Error{Kind: network.BadInput, Native: c.method, Err: err}
	}
	res, err := n.env.HTTP.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	if res.StatusCode != http.StatusOK {
		return res.Header, n.refused(c, res, body)
	}
	if err != nil {
		return res.Header, c.unread(ctx, err)
	}
	if out == nil {
		return res.Header, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return res.Header, c.unread(ctx, fmt.Errorf("reading the answer: %w", err))
	}
	return res.Header, nil
}

func (c call) request(ctx context.Context) (*http.Request, error) {
	address := c.base + "/xrpc/" + c.method
	if len(c.query) > 0 {
		address += "?" + c.query.Encode()
	}
	verb, body := http.MethodGet, io.Reader(nil)
	if c.body != nil {
		verb, body = http.MethodPost, bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, verb, address, body)
	if err != nil {
		return nil, err
	}
	if c.write {
		// net/http repeats a request by itself when a kept connection turns out
		// to be closed. Here only the caller repeats.
		req.GetBody = nil
	}
	req.Header.Set("Accept", "application/json")
	if len(c.body) > 0 {
		mime := c.mime
		if mime == "" {
			mime = "application/json"
		}
		req.Header.Set("Content-Type", mime)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.proxy != "" {
		req.Header.Set("Atproto-Proxy", c.proxy)
	}
	return req, nil
}

// lost is a request that got no answer.
func (c call) lost(ctx context.Context, err error) error {
	// The address is in the operator's log by method; url.Error would repeat it
	// with the query, which may name people.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if c.write && !outbound.NotSent(err) {
		return &network.Error{Kind: network.Ambiguous, Native: c.method, Err: err}
	}
	if ctx.Err() != nil && !c.write {
		return ctx.Err()
	}
	return &network.Error{Kind: network.Transient, Native: c.method, Err: err}
}

// unread is an answer that said 200 and then something that cannot be read: a
// write was most likely kept.
func (c call) unread(ctx context.Context, err error) error {
	if c.write {
		return &network.Error{Kind: network.Ambiguous, Native: c.method, Err: err}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &network.Error{Kind: network.Transient, Native: c.method, Help: c.away, Err: err}
}

// appView is a read of the AppView.
func (n *Network) appView(method string, q url.Values) call {
	return call{method: method, query: q, proxy: n.opt.AppView, away: "bluesky.help.no_appview"}
}

// chat is a request to the chat service; body nil reads.
func (n *Network) chat(method string, q url.Values, body []byte) call {
	return call{method: method, query: q, body: body, proxy: n.opt.Chat, away: "bluesky.help.no_chat"}
}

// hide takes a credential out of what a server said.
func hide(s string, secrets ...string) string {
	for _, x := range secrets {
		if len(x) >= 4 {
			s = strings.ReplaceAll(s, x, "…")
		}
	}
	return s
}
