package bluesky

import (
	"encoding/json"
	"net/http"
	"strconv"

	"parley/internal/network"
	"parley/internal/text"
)

// maxMessage bounds, in bytes, the server's sentence in an error.
const maxMessage = 300

// kinds maps the names of XRPC errors. Servers change their sentences, not
// these; what has no name here is judged by its HTTP status.
var kinds = map[string]network.Kind{
	"ExpiredToken":            network.Auth, // a new access token, then the same again
	"InvalidToken":            network.Auth,
	"AuthMissing":             network.Auth,
	"AuthenticationRequired":  network.Auth,
	"AuthFactorTokenRequired": network.Auth,
	"MissingJwt":              network.Auth,
	"MissingTokenId":          network.Auth,
	"invalid_grant":           network.Auth, // RFC 6749, section 5.2
	"UntrustedIss":            network.Auth,
	"BadJwtAudience":          network.Auth,
	"AccountNotFound":         network.Auth,
	"ScopeMissingError":       network.Scope,
	"InsufficientScope":       network.Scope,

	"AccountTakedown":    network.Suspended,
	"AccountDeactivated": network.Suspended,
	"AccountSuspended":   network.Suspended,
	"RepoTakendown":      network.Suspended,
	"RepoDeactivated":    network.Suspended,
	"RepoSuspended":      network.Suspended,

	"InvalidSwap":       network.Duplicate, // something is at our record key: ask what
	"RateLimitExceeded": network.RateLimited,

	"RecordNotFound":      network.Gone,
	"NotFound":            network.Gone,
	"RepoNotFound":        network.Gone,
	"InvalidConvo":        network.Gone,
	"ReplyTargetNotFound": network.Gone,
	"HandleNotFound":      network.Gone,

	"BlobNotFound":    network.BadMedia,
	"BlobTooLarge":    network.BadMedia,
	"InvalidMimeType": network.BadMedia,
	"InvalidSize":     network.BadMedia,

	"BlockedActor":        network.Policy,
	"BlockedByActor":      network.Policy,
	"BlockedSubject":      network.Policy,
	"ConvoLocked":         network.Policy,
	"MessagesDisabled":    network.Policy,
	"NotFollowedBySender": network.Policy,
	"RecipientNotFound":   network.Policy,

	"MethodNotImplemented": network.Version,
	"XRPCNotSupported":     network.Version,
}

// help adds a more precise sentence to some of them.
var help = map[string]string{
	"AuthFactorTokenRequired": "bluesky.help.app_password",
	"BlobNotFound":            "bluesky.help.upload_gone",
	"BlockedActor":            "bluesky.help.blocked",
	"BlockedByActor":          "bluesky.help.blocked",
	"BlockedSubject":          "bluesky.help.blocked",
	"ConvoLocked":             "bluesky.help.convo_locked",
	"MessagesDisabled":        "bluesky.help.no_messages",
	"NotFollowedBySender":     "bluesky.help.no_messages",
}

// refused turns an answer that is not 200 into an error.
func (n *Network) refused(c call, res *http.Response, body []byte) error {
	var told struct{ Error, Message string }
	_ = json.Unmarshal(body, &told) // a page of HTML has neither
	name := text.CleanLine(told.Error, 60)
	e := &network.Error{
		Kind:    c.kind(res.StatusCode, name),
		Native:  name,
		Message: text.CleanLine(hide(told.Message, c.token, c.secret), maxMessage),
		Help:    help[name],
	}
	if e.Native == "" {
		e.Native = strconv.Itoa(res.StatusCode)
	}
	if c.away != "" && e.Help == "" && e.Kind == network.Transient {
		e.Help = c.away
	}
	if e.Kind == network.RateLimited {
		e.RetryAt = network.RetryAt(res.Header, body, n.now())
	}
	return e
}

// kind judges one refusal.
func (c call) kind(status int, name string) network.Kind {
	// A server error after a write says nothing about the write, whatever name
	// it carries.
	if status >= 500 && status != http.StatusNotImplemented {
		return c.broken()
	}
	if status == http.StatusTooManyRequests {
		return network.RateLimited
	}
	if k, ok := kinds[name]; ok {
		if k == network.Version && c.away != "" {
			return network.Transient // this PDS has no such service behind it, now
		}
		return k
	}
	switch status {
	case http.StatusBadRequest:
		return c.badRequest()
	case http.StatusUnauthorized:
		return network.Auth
	case http.StatusForbidden:
		return network.Policy
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if c.away != "" {
			return network.Transient
		}
		return network.Version
	case http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		if c.media {
			return network.BadMedia
		}
		return network.TooLong
	case http.StatusRequestTimeout:
		return c.broken()
	}
	switch {
	case status >= 400:
		return network.Policy
	case status >= 300 && c.write:
		return network.Version // writes are not carried elsewhere; the server did nothing
	default:
		return c.broken()
	}
}

// badRequest is InvalidRequest: the one name for everything wrong with a record,
// and what a PDS says when it has no AppView to ask.
func (c call) badRequest() network.Kind {
	switch {
	case !c.write:
		return network.Transient
	case c.media:
		return network.BadMedia
	default:
		return network.Policy
	}
}

func (c call) broken() network.Kind {
	if c.write {
		return network.Ambiguous
	}
	return network.Transient
}
