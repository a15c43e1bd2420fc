// Package outbound is the guarded HTTP client. Every address that came from
// outside, an instance somebody typed, a feed, a picture, a link in a post, is
// fetched through it and through nothing else.
//
// It refuses to connect to private networks, at the moment of connecting, so
// that neither a redirect nor a name that changes its address gets past; it
// bounds time and size; it follows redirects for reading only; it never sends a
// write twice, not even where net/http would; and it can tell whether a failed
// request certainly never left (NotSent).
//
// Not its business: retries, rate limits, what a status means. It keeps no
// cookies and uses no proxy, since a proxy would connect where the guard cannot
// look.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// DefaultTimeout is for a whole exchange, redirects and body included.
	DefaultTimeout = 30 * time.Second
	// DefaultMaxBytes is the longest body that can be read, decompressed.
	DefaultMaxBytes = 16 << 20

	maxHeaderBytes = 256 << 10
	maxRedirects   = 5
	connectTimeout = 10 * time.Second
)

// Options of a client. The zero value of each is a sensible default.
type Options struct {
	UserAgent    string         // "Parley/1.0 (+https://desk.example)"; some servers refuse requests without
	AllowPrivate []netip.Prefix // networks that may be reached although they are private, on any port
	Ports        []uint16       // open besides 80 and 443
	AnyPort      bool           // every port: instances of a network do run on odd ones
	Timeout      time.Duration  // 0: DefaultTimeout
	MaxBytes     int64          // 0: DefaultMaxBytes
	Resolver     *net.Resolver  // nil: the system's
	RootCAs      *x509.CertPool // nil: the system's
}

// New makes a client. It is safe for concurrent use, and cheap enough to make
// one for each purpose with other limits.
//
// A request that asks for a stream, by "Accept: text/event-stream" or
// "Upgrade: websocket", has Timeout until the answer begins and no limit from
// then on: its context ends it. The client fits websocket.DialOptions.HTTPClient.
//
// Errors: ErrPrivate, ErrPort, ErrScheme, ErrRedirect from Do; ErrTooLarge from
// reading the body; all wrapped, so look with errors.Is.
func New(o Options) *http.Client {
	if o.UserAgent == "" {
		o.UserAgent = "Parley"
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return &http.Client{
		Transport: &transport{
			options: o,
			reads:   base(o, false),
			writes:  base(o, true),
		},
		CheckRedirect: checkRedirect,
	}
}

// base is the plain transport underneath. Writes get a connection of their own:
// on one that was used before, net/http repeats a request that carries an
// Idempotency-Key when the connection breaks, whether or not the server did what
// it was told (net/http, Request.isReplayable). Several servers ignore that key.
func base(o Options, writes bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout:  connectTimeout,
		Resolver: o.Resolver,
		Control:  newGuard(o).control,
	}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      !writes,
		DisableKeepAlives:      writes,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}
