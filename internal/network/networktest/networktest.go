// Package networktest holds the suite every connector must pass: faults are
// injected into a Fake that speaks the network's real paths and bodies, and what
// the connector says happened is compared with the Fake's ledger of what did.
package networktest

import (
	"net/http"
	"time"

	"parley/internal/network"
)

// A Fake speaks one network's real paths and bodies, and keeps the truth.
// It must be safe for concurrent use.
type Fake interface {
	http.Handler
	// Inject arms a fault, spent on the next Times requests of kind Op.
	Inject(Fault)
	// Say makes an outside person speak and returns where.
	Say(network.Post) network.Ref
	// Change edits what somebody said; nil deletes it.
	Change(network.Ref, *network.Post)
	// Ledger is every write the network kept, in order.
	Ledger() []Write
	// Requests is everything that arrived, in order.
	Requests() []*http.Request
	// Account is a signed-in account of ours on this Fake, with a valid Secret.
	Account() network.Account
}

// Fault is one misbehaviour.
type Fault struct {
	Op     string // create|upload|status|poll|refresh|edit|delete|stream|describe
	Commit bool   // keep the write?
	Cut    bool   // cut the connection instead of answering?
	Status int    // answer this instead; 0 with Cut false: answer as usual after Delay
	Times  int    // 0 means 1
	Header http.Header
	Body   []byte
	Delay  time.Duration // on the suite's clock, never slept
}

// Write is one thing the network kept.
type Write struct {
	Op   string // create|upload|edit|delete|act
	Key  string // Step.Key or Step.WantID as it arrived; "" if the network has none
	ID   string // the id given to it
	Body []byte
}
