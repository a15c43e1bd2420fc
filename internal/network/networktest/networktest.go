// Package networktest holds the suite every connector must pass: faults are
// injected into a Fake that speaks the network's real paths and bodies, and what
// the connector says happened is compared with the Fake's ledger of what did.
//
// A connector's test is three lines:
//
//	networktest.Run(t,
//		func(env networktest.Env) network.Network { return mastodon.New(env.Env) },
//		func(env networktest.Env) networktest.Fake { return newFake(env) })
//
// The suite plays the part of account and delivery: it stores plans as JSON,
// makes a new connector for every call, keeps secrets in a small vault and what
// arrives in a small store, and moves the clock instead of waiting. It never
// looks inside a connector, and knows of a network only what Describe and the
// Fake tell.
package networktest

import (
	"net/http"
	"testing"

	"parley/internal/clock"
	"parley/internal/network"
)

// A Fake speaks one network's real paths and bodies, and keeps the truth.
// It must be safe for concurrent use. Faults does the misbehaving for it.
type Fake interface {
	http.Handler
	// Inject arms a fault, spent on the next Times requests of kind Op.
	Inject(Fault)
	// Say makes an outside person speak and returns where. Text, Author and
	// Created are given; RemoteID and Handle of the author name somebody new or
	// known. The post speaks to our account in the network's own way (a mention
	// put into the text, an entry of the feed). ParentID, if set, is the id of
	// what it answers; Visibility DirectTo makes it a private message; an ID,
	// if set, is the id it must get where the network lets one choose, else it
	// is ignored.
	Say(network.Post) network.Ref
	// Change edits what somebody said, or what our account wrote; nil deletes it.
	Change(network.Ref, *network.Post)
	// Ledger is every write the network kept, in order.
	Ledger() []Write
	// Requests is everything that arrived, in order.
	Requests() []*http.Request
	// Account is a signed-in account of ours on this Fake, with a valid Secret.
	Account() network.Account
}

// Write is one thing the network kept.
type Write struct {
	Op   string // create|upload|edit|delete|act
	Key  string // Step.Key or Step.WantID as it arrived; "" if the network has none
	ID   string // the id given to it
	Body []byte
}

// Env is all a connector and its Fake may use: no other clock, dialer or entropy.
type Env struct {
	BaseURL     string // where the Fake listens, without a trailing slash
	network.Env        // what the connector's constructor takes
	Clock       *clock.Fake
}

// Run executes cases a to j; only a Grant that is not OK skips one.
func Run(t *testing.T, newConnector func(Env) network.Network, newFake func(Env) Fake) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&suite{tb: t, patience: patience, newConnector: newConnector, newFake: newFake})
		})
	}
}

// cases of the fault table, in its order.
var cases = []struct {
	name string
	run  func(*suite)
}{
	{"a commit then cut", caseCommitThenCut},
	{"b cut before commit", caseCutBeforeCommit},
	{"c server error", caseServerError},
	{"d media on its way", caseMedia},
	{"e rate limit", caseLimit},
	{"f refresh race", caseRefresh},
	{"g twice and out of order", caseTwice},
	{"h page boundary", casePages},
	{"i vectors", caseVectors},
	{"j changed meanwhile", caseChanged},
}
