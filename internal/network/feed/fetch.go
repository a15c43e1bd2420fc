package feed

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"parley/internal/network"
	"parley/internal/outbound"
)

// maxBytes is how much of one document is read; the rest is cut.
const maxBytes = 10 << 20

// maxRedirects in one request.
const maxRedirects = 10

// accept asks for feeds first and takes pages too: they may name their feeds.
const accept = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, " +
	"application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, text/html;q=0.5, */*;q=0.1"

// validators make a request conditional (RFC 9110, section 13.1).
type validators struct {
	etag, modified string
}

// answer is what a server said, redirects followed.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	truncated bool     // there was more than maxBytes
	from      *url.URL // where it came from in the end
	// moved is where the redirects say the address has moved for good: the end
	// of the unbroken run of permanent ones, "" if the first was temporary.
	moved string
}

func (a answer) contentType() string { return a.header.Get("Content-Type") }

// get reads an address once. The error is an *Error of kind Transient, or the
// context's own; what a status means is for the caller.
func (n *Network) get(ctx context.Context, address string, v validators) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, &network.Error{Kind: network.BadInput, Native: "address", Help: "feed.help.address"}
	}
	req.Header.Set("Accept", accept)
	if v.etag != "" {
		req.Header.Set("If-None-Match", v.etag)
	}
	if v.modified != "" {
		req.Header.Set("If-Modified-Since", v.modified)
	}
	// A feed is asked a few times a day: a connection kept open in between
	// costs its server more than a new one.
	req.Close = true

	var t trail
	client := *n.env.HTTP
	client.CheckRedirect = t.follow(client.CheckRedirect)
	res, err := client.Do(req)
	if err != nil {
		return answer{}, lost(ctx, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBytes+1))
	if err != nil {
		return answer{}, lost(ctx, err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: body, from: res.Request.URL, moved: t.moved}
	if len(body) > maxBytes {
		a.body, a.truncated = body[:maxBytes], true
	}
	return a, nil
}

// trail follows redirects and notes how far they were meant for good.
type trail struct {
	moved  string
	broken bool // a temporary one was met
}

// follow wraps the client's own policy, which may forbid more.
func (t *trail) follow(policy func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if permanent(req, via[len(via)-1]) && !t.broken {
			u := *req.URL
			u.Fragment, u.User = "", nil
			t.moved = u.String()
		} else {
			t.broken = true
		}
		if policy != nil {
			return policy(req, via)
		}
		if len(via) >= maxRedirects {
			return errRedirects
		}
		return nil
	}
}

var errRedirects = errors.New("too many redirects")

// permanent reports 301 and 308 (RFC 9110, section 15.4). The same address with
// https is permanent whatever the status says: nobody means to go back.
func permanent(req, prev *http.Request) bool {
	if r := req.Response; r != nil && (r.StatusCode == http.StatusMovedPermanently || r.StatusCode == http.StatusPermanentRedirect) {
		return true
	}
	return prev.URL.Scheme == "http" && req.URL.Scheme == "https" && prev.URL.Hostname() == req.URL.Hostname() &&
		prev.URL.RequestURI() == req.URL.RequestURI()
}

// lost is a request without an answer. The address is left out of the error: it
// may hold a key that its owner was given.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var u *url.Error
	timeout := false
	if errors.As(err, &u) {
		timeout = u.Timeout()
		err = u.Err
	}
	e := &network.Error{Kind: network.Transient, Native: "net", Err: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, outbound.ErrPrivate):
		e.Native, e.Help = "private", "feed.help.blocked"
	case errors.Is(err, outbound.ErrPort):
		e.Native, e.Help = "port", "feed.help.port"
	case errors.Is(err, outbound.ErrTooLarge):
		e.Native, e.Help = "large", "feed.help.large"
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Native = "dns"
	case errors.As(err, &cert):
		e.Native = "tls"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		e.Native = "plain" // https was asked for, and the server does not speak it
	case errors.Is(err, errRedirects), errors.Is(err, outbound.ErrRedirect), errors.Is(err, outbound.ErrScheme):
		e.Native = "redirects"
	case timeout, errors.Is(err, context.DeadlineExceeded):
		e.Native = "timeout"
	}
	return e
}

// refusal is what a status other than 200 and 304 means for a reader. It always
// says when it makes sense to ask again, even where the caller is to stop.
func (n *Network) refusal(a answer) *network.Error {
	now := n.env.Now()
	e := &network.Error{
		Kind: network.Transient, Native: strconv.Itoa(a.status), Message: http.StatusText(a.status), RetryAt: now.Add(usual),
	}
	told := network.RetryAt(a.header, nil, now)
	switch {
	case a.status == http.StatusTooManyRequests,
		a.status == http.StatusServiceUnavailable && strings.TrimSpace(a.header.Get("Retry-After")) != "":
		e.Kind, e.RetryAt = network.RateLimited, told
		if told.IsZero() {
			e.RetryAt = now.Add(afterRefusal)
		}
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		e.Kind, e.Help, e.RetryAt = network.Auth, "feed.help.private", now.Add(afterRefusal)
	case a.status == http.StatusPaymentRequired:
		e.Kind, e.RetryAt = network.Paid, now.Add(afterRefusal)
	case a.status == http.StatusUnavailableForLegalReasons:
		e.Kind, e.RetryAt = network.Policy, now.Add(afterRefusal)
	case a.status == http.StatusGone:
		e.Kind, e.Help, e.RetryAt = network.Gone, "feed.help.gone", now.Add(latest)
	case a.status == http.StatusNotFound:
		e.Help = "feed.help.missing"
	}
	return e
}

// unreadable is the native code of an answer that is no feed.
const unreadable = "unreadable"

// illegible is an answer that is no feed, or a broken one. The last good state
// stays: it may be a passing fault of the server.
func (n *Network) illegible(err error) *network.Error {
	return &network.Error{Kind: network.Transient, Native: unreadable, Help: "feed.help.unreadable", RetryAt: n.env.Now().Add(usual), Err: err}
}
