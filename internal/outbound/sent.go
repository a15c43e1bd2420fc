package outbound

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// attempt is a failed round trip and what is known about it.
type attempt struct {
	err  error
	sent bool // a byte of the request may have left
}

func (a *attempt) Error() string { return a.err.Error() }
func (a *attempt) Unwrap() error { return a.err }

// Timeout lets url.Error tell a timeout from other failures.
func (a *attempt) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(a.err, &t) && t.Timeout()
}

// NotSent reports that a request certainly failed before any byte of it left
// this machine: the guard refused, the name is unknown, nobody listens, the
// secure connection did not come about. False is no proof of the opposite: it
// means "perhaps". err is what Do of a client returned; of a client that New did
// not make, fewer failures are recognised.
func NotSent(err error) bool {
	if err == nil {
		return false
	}
	var a *attempt
	if errors.As(err, &a) {
		return !a.sent
	}
	if errors.Is(err, ErrPrivate) || errors.Is(err, ErrPort) || errors.Is(err, ErrScheme) {
		return true
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	if errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// Redact is err without the address that net/http puts into its messages, since
// a query can hold a token: only the host is left. What err wraps stays.
func Redact(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	host := "an address"
	if at, bad := url.Parse(u.URL); bad == nil && at.Host != "" {
		host = at.Host
	}
	return fmt.Errorf("asking %s: %w", host, u.Err)
}
