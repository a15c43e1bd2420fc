package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/network"
	"parley/internal/text"
)

// maxAnswer is the largest answer the connector reads.
const maxAnswer = 8 << 20

// request is one call of the network's API.
type request struct {
	account network.Account
	method  string
	path    string // under prefix, with its query
	json    any    // body, marshalled
	raw     []byte // body, as it is
	header  map[string]string
	write   bool   // its loss is Ambiguous
	open    bool   // needs no token
	hidden  string // another secret in it, besides the token
}

// reply is what came back with a status below 300.
type reply struct {
	status int
	header http.Header
}

// do sends a request once and decodes the answer into out, unless that is nil.
func (c *Connector) do(ctx context.Context, q request, out any) (reply, error) {
	res, err := c.send(ctx, q)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is too large")
	}
	if err != nil {
		return reply{}, q.lost(ctx, strconv.Itoa(res.StatusCode), err)
	}
	if res.StatusCode >= 300 {
		return reply{}, c.refusal(q, res, body)
	}
	if out != nil && res.StatusCode != http.StatusNoContent {
		if err := json.Unmarshal(body, out); err != nil {
			return reply{}, q.lost(ctx, strconv.Itoa(res.StatusCode), fmt.Errorf("reading the answer: %w", err))
		}
	}
	return reply{res.StatusCode, res.Header}, nil
}

// send sends a request and returns whatever answer comes.
func (c *Connector) send(ctx context.Context, q request) (*http.Response, error) {
	var body io.Reader
	switch {
	case q.json != nil:
		b, err := json.Marshal(q.json)
		if err != nil {
			return nil, &network.Error{Kind: network.BadInput, Native: "json", Err: err}
		}
		body = bytes.NewReader(b)
	case q.raw != nil:
		body = bytes.NewReader(q.raw)
	}
	base := q.account.Instance
	if base == "" {
		base = c.base
	}
	r, err := http.NewRequestWithContext(ctx, q.method, base+prefix+q.path, body)
	if err != nil {
		return nil, &network.Error{Kind: network.BadInput, Native: "address", Err: err}
	}
	// Without GetBody net/http cannot send a write a second time by itself, as it
	// does with an Idempotency-Key when a kept connection dies.
	r.GetBody = nil
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	if !q.open {
		k, err := keys(q.account)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+k.Access)
	}
	res, err := c.env.HTTP.Do(r)
	if err != nil {
		return nil, q.unreached(ctx, err)
	}
	return res, nil
}

// unreached is an error before any answer came. Only a dial that did not
// succeed proves that nothing left.
func (q request) unreached(ctx context.Context, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return &network.Error{Kind: network.Transient, Native: "unreachable", Message: "The network cannot be reached.", Err: op.Err}
	}
	return q.lost(ctx, "no answer", err)
}

// lost is an answer that did not come, or not whole.
func (q request) lost(ctx context.Context, native string, err error) error {
	if q.write {
		return &network.Error{Kind: network.Ambiguous, Native: native, Err: err}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &network.Error{Kind: network.Transient, Native: native, Err: err}
}

// refusal reads an answer of status 300 and above.
func (c *Connector) refusal(q request, res *http.Response, body []byte) error {
	var e wireError
	if json.Unmarshal(body, &e) != nil {
		e = wireError{}
	}
	status := strconv.Itoa(res.StatusCode)
	out := &network.Error{Kind: e.Kind, Native: text.CleanLine(e.Native, 40), Message: q.scrub(e.Message)}
	if out.Native == "" {
		out.Native = status
	}
	switch {
	case res.StatusCode >= 500 && q.write:
		out.Kind = network.Ambiguous
	case res.StatusCode >= 500:
		out.Kind = network.Transient
	case res.StatusCode == http.StatusTooManyRequests:
		out.Kind = network.RateLimited
	case !known(e.Kind) || e.Kind == network.Ambiguous:
		out.Kind = kindOf(res.StatusCode)
	}
	if out.Kind == network.RateLimited || out.Kind == network.Transient {
		out.RetryAt = c.retryAt(res.Header, body, e)
	}
	return out
}

// kindOf reads a bare status.
func kindOf(status int) network.Kind {
	switch status {
	case http.StatusUnauthorized:
		return network.Auth
	case http.StatusPaymentRequired:
		return network.Paid
	case http.StatusForbidden:
		return network.Policy
	case http.StatusNotFound, http.StatusGone:
		return network.Gone
	case http.StatusConflict, http.StatusPreconditionFailed:
		return network.Duplicate
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return network.BadMedia
	}
	return network.BadInput
}

func known(k network.Kind) bool {
	return slices.Contains([]network.Kind{
		network.Auth, network.Scope, network.RateLimited, network.Paid, network.Duplicate, network.TooLong,
		network.BadMedia, network.BadInput, network.Gone, network.Policy, network.Suspended, network.Window,
		network.Version, network.Transient, network.Ambiguous,
	}, k)
}

// waitSentence finds "try again in 9 minutes".
var waitSentence = regexp.MustCompile(`(?i)try again in (\d{1,4}) (second|minute|hour)`)

// retryAt is when a limit ends: told by header or body, by a sentence, or by
// the zone whose midnight it is.
func (c *Connector) retryAt(h http.Header, body []byte, e wireError) time.Time {
	now := c.env.Now()
	if at := network.RetryAt(h, body, now); !at.IsZero() {
		return at
	}
	if m := waitSentence.FindSubmatch(body); m != nil {
		n, _ := strconv.Atoi(string(m[1])) // digits, few enough
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[strings.ToLower(string(m[2][:1]))]
		return now.Add(time.Duration(n) * unit)
	}
	if e.Resets != "" && len(e.Resets) < 64 {
		if zone, err := time.LoadLocation(e.Resets); err == nil {
			y, m, d := now.In(zone).Date()
			return time.Date(y, m, d+1, 0, 0, 0, 0, zone).UTC()
		}
	}
	if at := e.RetryAt; at.After(now) && at.Sub(now) < 31*24*time.Hour {
		return at.UTC()
	}
	return time.Time{}
}

// scrub makes a server's sentence fit to show: one line, short, no secrets.
func (q request) scrub(s string) string {
	if len(s) > 2000 {
		s = s[:2000]
	}
	k, _ := keys(q.account)
	for _, hide := range []string{k.Access, k.Refresh, q.hidden} {
		if len(hide) >= 8 {
			s = strings.ReplaceAll(s, hide, "[secret]")
		}
	}
	return text.CleanLine(s, 200)
}
