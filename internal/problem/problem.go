// Package problem is how Parley says that something did not work: a kind the
// program can act on, a sentence for the person, what they can do next, and a
// private cause for the log. An error that is no Problem reaches people only as
// "something went wrong here", with a reference to the log line.
package problem

import (
	"errors"
	"net/http"
)

// Kind is what sort of refusal it is.
type Kind string

const (
	Invalid         Kind = "invalid"         // the input cannot be used as it is
	Unauthenticated Kind = "unauthenticated" // sign in first
	Forbidden       Kind = "forbidden"       // signed in, but no right to do this
	NotFound        Kind = "not_found"       // also: exists, but in a workspace one may not see
	Conflict        Kind = "conflict"        // somebody else was first, or it changed meanwhile
	Gone            Kind = "gone"            // used up, expired, deleted
	Throttled       Kind = "throttled"       // too often; try later
	Upstream        Kind = "upstream"        // a network or server outside refused or failed
	Unavailable     Kind = "unavailable"     // Parley itself cannot do it at the moment
	Internal        Kind = "internal"        // a defect
)

// Status is the HTTP status a kind is told with.
func (k Kind) Status() int {
	switch k {
	case Invalid:
		return http.StatusUnprocessableEntity
	case Unauthenticated:
		return http.StatusUnauthorized
	case Forbidden:
		return http.StatusForbidden
	case NotFound:
		return http.StatusNotFound
	case Conflict:
		return http.StatusConflict
	case Gone:
		return http.StatusGone
	case Throttled:
		return http.StatusTooManyRequests
	case Upstream:
		return http.StatusBadGateway
	case Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// Problem is an error for people. Code names two entries of the catalogue:
// "problem.<Code>" says what happened, "problem.<Code>.next" what to do. Both
// may use Args. Err is never shown.
type Problem struct {
	Kind  Kind
	Code  string
	Args  map[string]any
	Field string // the form field it is about; "" if none
	Err   error
}

// New makes a problem. args are pairs of name and value for the catalogue.
func New(kind Kind, code string, args ...any) *Problem {
	p := &Problem{Kind: kind, Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = make(map[string]any, len(args)/2)
		}
		p.Args[args[i].(string)] = args[i+1]
	}
	return p
}

// At says which form field it is about.
func (p *Problem) At(field string) *Problem {
	q := *p
	q.Field = field
	return &q
}

// Because adds the private cause.
func (p *Problem) Because(err error) *Problem {
	q := *p
	q.Err = err
	return &q
}

func (p *Problem) Error() string {
	if p.Err != nil {
		return p.Code + ": " + p.Err.Error()
	}
	return p.Code
}

func (p *Problem) Unwrap() error { return p.Err }

// Of finds the Problem in err. Whatever carries none becomes Internal with err
// as its cause; nil stays nil.
func Of(err error) *Problem {
	if err == nil {
		return nil
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return New(Internal, "internal").Because(err)
}

// Is reports whether err is a Problem of that code.
func Is(err error, code string) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}
