package delivery

import (
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Why a delivery waits, failed or is unknown. Each is a code of the catalogue.
const (
	whyAuth        = "delivery.auth"
	whyScope       = "delivery.scope"
	whyRate        = "delivery.rate" // waiting
	whyPaid        = "delivery.payment"
	whyDuplicate   = "delivery.duplicate"
	whyTooLong     = "delivery.too_long"
	whyMedia       = "delivery.media"
	whyInput       = "delivery.input"
	whyGone        = "delivery.gone"
	whyPolicy      = "delivery.policy"
	whySuspended   = "delivery.suspended"
	whyWindow      = "delivery.window"
	whyVersion     = "delivery.version"
	whyTransient   = "delivery.transient"  // waiting
	whyExhausted   = "delivery.exhausted"  // it was transient for too long
	whyPending     = "delivery.pending"    // waiting
	whyNeverReady  = "delivery.not_ready"  // it was pending for too long
	whyProving     = "delivery.proving"    // waiting
	whyNoProof     = "delivery.no_proof"   // unknown
	whyUnreadable  = "delivery.unreadable" // unknown
	whyChanged     = "delivery.changed"
	whyBadPlan     = "delivery.bad_plan"
	whyNoPublisher = "delivery.no_publisher"
	whyRest        = "delivery.rest"
	whyRestored    = "delivery.restored"
)

// codeOf is what a kind of refusal is called towards people.
func codeOf(k network.Kind) string {
	switch k {
	case network.Auth:
		return whyAuth
	case network.Scope:
		return whyScope
	case network.RateLimited:
		return whyRate
	case network.Paid:
		return whyPaid
	case network.Duplicate:
		return whyDuplicate
	case network.TooLong:
		return whyTooLong
	case network.BadMedia:
		return whyMedia
	case network.BadInput:
		return whyInput
	case network.Gone:
		return whyGone
	case network.Policy:
		return whyPolicy
	case network.Suspended:
		return whySuspended
	case network.Window:
		return whyWindow
	case network.Version:
		return whyVersion
	case network.Ambiguous:
		return whyProving
	}
	return whyTransient
}

// reason is a catalogue code with what the connector added to it.
type reason struct {
	code     string
	args     string // JSON object of strings for the catalogue; "" if none
	help     string // catalogue key of a more precise sentence; "" if none
	said     string // the network's own words
	evidence string // for the operator
}

// because is a reason of our own.
func because(code string) reason { return reason{code: code} }

// in is the reason under another code, evidence kept.
func (r reason) in(code string) reason {
	r.code, r.args = code, ""
	return r
}

// Longest texts kept of what a network says, in bytes.
const (
	saidMax     = 500
	evidenceMax = 1000
)

// reasonOf finds the reason in an error of a connector or of With; nil has none.
func reasonOf(err error) reason {
	if err == nil {
		return reason{}
	}
	r := reason{code: whyTransient, evidence: text.CleanLine(err.Error(), evidenceMax)}
	var e *network.Error
	var p *problem.Problem
	switch {
	case errors.As(err, &e):
		r.code, r.help, r.said = codeOf(e.Kind), e.Help, text.CleanLine(e.Message, saidMax)
	case errors.As(err, &p):
		r.code, r.args = p.Code, arguments(p)
	}
	return r
}

func arguments(p *problem.Problem) string {
	if len(p.Args) == 0 {
		return ""
	}
	args := make(map[string]string, len(p.Args))
	for k, v := range p.Args {
		args[k] = fmt.Sprint(v)
	}
	b, err := json.Marshal(args)
	if err != nil {
		return "" // cannot happen: strings only
	}
	return string(b)
}

// problem is the reason for people; nil if there is none.
func (r reason) problem() *problem.Problem {
	if r.code == "" {
		return nil
	}
	p := problem.New(problem.Upstream, r.code, "said", r.said, "help", r.help)
	var args map[string]string
	if r.args != "" && json.Unmarshal([]byte(r.args), &args) == nil {
		for k, v := range args {
			p.Args[k] = v
		}
	}
	return p
}
