package network

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the closed list of what can go wrong. Callers decide by it alone.
type Kind string

const (
	Auth        Kind = "auth"         // refresh once, then ask the member to reconnect
	Scope       Kind = "scope"        // the token lacks a permission
	RateLimited Kind = "rate"         // RetryAt says when; the write did not happen
	Paid        Kind = "payment"      // stop the account
	Duplicate   Kind = "duplicate"    // go and prove
	TooLong     Kind = "too_long"     // the author mends it
	BadMedia    Kind = "media"        // the author mends it
	BadInput    Kind = "input"        // what a member typed: not an address, not a server of this kind
	Gone        Kind = "gone"         // the target no longer exists, or never did
	Policy      Kind = "policy"       // the network, or the person, does not allow it
	Suspended   Kind = "suspended"    // stop the account
	Window      Kind = "reply_window" // the time to answer has passed
	Version     Kind = "api_version"  // the operator updates
	Transient   Kind = "transient"    // a read may be repeated; a write did not happen
	Ambiguous   Kind = "ambiguous"    // a write may have happened: prove before anything else
)

// Error is the only error a connector returns, besides ctx's own.
type Error struct {
	Kind    Kind
	RetryAt time.Time // RateLimited, sometimes Transient
	Native  string    // the network's own code: "422", "ExpiredToken"
	Message string    // the server's sentence as plain text, short, without secrets
	Help    string    // catalogue key of a more precise sentence than the Kind's; often ""
	Err     error
}

func (e *Error) Error() string {
	s := string(e.Kind)
	if e.Native != "" {
		s += " " + e.Native
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Err != nil {
		s += fmt.Sprintf(": %v", e.Err)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is err's kind; Transient for an error that is no *Error, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}
