package account

import (
	"context"
	"errors"

	"parley/internal/i18n"
	"parley/internal/network"
	"parley/internal/problem"
	"parley/internal/text"
)

// Kinds of trouble that a network cannot have: they are ours. They stand beside
// network.Kind where a feed's trouble is kept.
const (
	ownStore     network.Kind = "own.store"     // what was read could not be stored
	ownSealed    network.Kind = "own.sealed"    // the credential cannot be opened
	ownConnector network.Kind = "own.connector" // this version does not know the network
)

// explain makes a sentence of a connector's refusal: the connector's own, if it
// has a more precise one than the kind of refusal gives.
func explain(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p
	}
	var e *network.Error
	switch {
	case errors.Is(err, context.Canceled):
		return err // the member went away; nobody reads a sentence
	case !errors.As(err, &e):
		return problem.New(problem.Upstream, "network."+string(network.Transient)).Because(err)
	}
	kind := problem.Upstream
	if e.Kind == network.BadInput {
		kind = problem.Invalid
	}
	if e.Help != "" {
		return problem.New(kind, "network.help", "help", i18n.Key(e.Help)).Because(err)
	}
	return problem.New(kind, "network."+string(e.Kind)).Because(err)
}

// saidOf is the server's own sentence behind a problem, to be shown as a quotation.
func saidOf(err error) string {
	var e *network.Error
	if !errors.As(err, &e) {
		return ""
	}
	return cleanSentence(e.Message)
}

// refusalOf finds what to keep of an error of With: the network's refusal, or
// which trouble of our own it was.
func refusalOf(err error) *network.Error {
	var e *network.Error
	if errors.As(err, &e) {
		return e
	}
	switch {
	case problem.Is(err, "account.sealed"):
		return &network.Error{Kind: ownSealed, Err: err}
	case problem.Is(err, "account.no_connector"):
		return &network.Error{Kind: ownConnector, Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &network.Error{Kind: network.Transient, Native: "deadline", Err: err}
	default:
		return &network.Error{Kind: ownStore, Err: err}
	}
}

// cleanSentence is a server's sentence as it is kept and shown.
func cleanSentence(s string) string { return text.DisplaySafe(text.CleanLine(s, 300)) }
